use pipeline::error::Failure;

use super::CollectSettings;

/// Whether `--sample` takes the row or file of this id: by a hash of seed and id alone, so that it does not depend on
/// what else there is.
pub(super) fn is_chosen(id: &str, settings: &CollectSettings) -> bool {
    let Some(part) = settings.sample else { return true };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&settings.seed.to_le_bytes()).update(id.as_bytes());
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    // 53 bits: what a float holds exactly, so that 1.0 takes all.
    let at = (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64;
    at < part
}

/// Checks what a settings file or the environment may have put there.
///
/// # Errors
/// A part that is none: [`Failure::Usage`].
pub(super) fn check(settings: &CollectSettings) -> Result<(), Failure> {
    for (name, part) in [("--sample", settings.sample), ("--near-duplicates", settings.near_duplicates)] {
        if part.is_some_and(|part| !(0.0..=1.0).contains(&part)) {
            return Err(Failure::Usage(format!("{name}: a number from 0 to 1 is needed")));
        }
    }
    Ok(())
}
