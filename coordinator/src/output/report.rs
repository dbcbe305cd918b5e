//! report.html (being written).

use std::path::Path;

use serde_json::Value;

/// The page.
///
/// # Errors
/// A part cannot be read.
pub fn render(_run: &Value, _out: &Path) -> anyhow::Result<String> {
    Ok(String::new())
}
