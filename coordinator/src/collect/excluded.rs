use std::path::PathBuf;

use pipeline::{
    error::Failure,
    python::Fingerprint,
    records::{Rejection, Sample},
};

use super::seen::Seen;
use crate::output::read;

/// The ids that earlier outputs accepted or rejected, in about 17 bytes each.
pub(super) struct Excluded(Seen);

impl Excluded {
    /// Reads the outputs part by part.
    ///
    /// # Errors
    /// A folder that is no output, or a part that cannot be read: [`Failure::Usage`].
    pub fn read(folders: &[PathBuf]) -> Result<Option<Self>, Failure> {
        if folders.is_empty() {
            return Ok(None);
        }
        let (mut seen, mut ids) = (Seen::new(), 0u64);
        for folder in folders {
            let usage = |words: String| Failure::Usage(format!("--exclude {}: {words}", folder.display()));
            let failed = |error: anyhow::Error| usage(format!("{error:#}"));
            let samples = read::parts::<Sample>(folder).map_err(failed)?;
            let rejections = read::parts::<Rejection>(folder).map_err(failed)?;
            if samples.is_empty() && rejections.is_empty() {
                return Err(usage("no output of ours: neither data/ nor rejected/ has a part".into()));
            }
            for part in samples {
                for sample in read::read_part::<Sample>(&part).map_err(failed)? {
                    ids += u64::from(seen.insert(digest(function_id(&sample))));
                }
            }
            for part in rejections {
                for rejection in read::read_part::<Rejection>(&part).map_err(failed)? {
                    ids += u64::from(seen.insert(digest(&rejection.id)));
                }
            }
        }
        tracing::info!(ids, "earlier outputs read");
        Ok(Some(Self(seen)))
    }

    /// Whether an earlier output has an item of this id.
    pub fn has(&self, id: &str) -> bool {
        self.0.contains(&digest(id))
    }
}

/// A function with several rows has `{function}/{task}/{k}` as their ids.
fn function_id(sample: &Sample) -> &str {
    let inside = sample.id.rsplit_once('/').and_then(|(rest, k)| {
        k.parse::<u32>().ok()?;
        rest.strip_suffix(&sample.task)?.strip_suffix('/')
    });
    inside.unwrap_or(&sample.id)
}

fn digest(id: &str) -> Fingerprint {
    let mut bytes = [0; 16];
    blake3::Hasher::new().update(id.as_bytes()).finalize_xof().fill(&mut bytes);
    Fingerprint(bytes)
}
