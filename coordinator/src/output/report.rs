//! stub
/// stub
pub fn render(_: &serde_json::Value, _: &std::path::Path) -> anyhow::Result<String> { Ok(String::new()) }
