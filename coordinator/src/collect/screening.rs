use pipeline::error::Failure;

use super::{CollectSettings, benchmarks::Benchmarks, chosen};

/// What functions are judged by: the settings, and what they name, read.
pub(super) struct Screening {
    pub settings: CollectSettings,
    pub benchmarks: Benchmarks,
}

impl Screening {
    /// Reads what the settings name.
    ///
    /// # Errors
    /// As [`Benchmarks::read`], or a setting that is out of range.
    pub fn new(settings: &CollectSettings) -> Result<Self, Failure> {
        chosen::check(settings)?;
        Ok(Self { settings: settings.clone(), benchmarks: Benchmarks::read(&settings.decontaminate)? })
    }
}
