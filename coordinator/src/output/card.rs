//! stub
/// stub
pub fn render(_: Option<&serde_json::Value>) -> anyhow::Result<String> { Ok(String::new()) }
