//! The line on the terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const SHOW_EVERY: Duration = Duration::from_millis(200);

/// So many of `what`; hidden where stderr is no terminal.
pub fn bar(count: usize, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(count as u64);
    let template = format!("{{spinner}} {{pos}}/{{len}} {what}  {{per_sec}}  {{elapsed}} elapsed, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(SHOW_EVERY);
    bar
}
