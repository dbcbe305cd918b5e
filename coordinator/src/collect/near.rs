//! Functions that are nearly the same: MinHash over passages of five words, and locality-sensitive hashing to find which
//! earlier ones to compare with.

use std::collections::HashMap;

/// Hash functions; the estimate of what two functions share has a standard deviation of at most 0.045.
const HASHES: usize = 128;

/// Signatures that agree in all rows of one band are compared. Two functions that share 0.7 of their passages meet with
/// a chance of 0.98, and with one of over 0.9999 if they share 0.85.
const BAND_ROWS: usize = 5;

/// Words of a passage.
const WORDS: usize = 5;

/// The smallest hash of a function's passages, by each hash function.
pub(super) type Signature = Box<[u32; HASHES]>;

/// The signature of a function by the hashes of its words.
pub(super) fn signature(words: &[u64]) -> Signature {
    let mut smallest = Box::new([u32::MAX; HASHES]);
    for passage in words.windows(WORDS.min(words.len().max(1))) {
        let hash = passage.iter().fold(0u64, |hash, word| mixed(hash.rotate_left(7) ^ word));
        let mut state = hash;
        for least in smallest.iter_mut() {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            *least = (*least).min((mixed(state) >> 32) as u32);
        }
    }
    smallest
}

/// The finalizer of SplitMix64.
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The signatures of all functions that were kept.
#[derive(Default)]
pub(super) struct Near {
    signatures: Vec<Signature>,
    bands: HashMap<(u8, u64), Vec<u32>>,
}

impl Near {
    /// The part of its passages that a function shares with an earlier one, if that is `least` or more; else it is added.
    pub fn find_or_add(&mut self, signature: Signature, least: f64) -> Option<f64> {
        let keys: Vec<(u8, u64)> = signature
            .chunks_exact(BAND_ROWS)
            .zip(0u8..)
            .map(|(rows, band)| (band, rows.iter().fold(0, |key, row| mixed(key ^ u64::from(*row)))))
            .collect();
        let candidates = keys.iter().filter_map(|key| self.bands.get(key)).flatten();
        let best = candidates.map(|at| alike(&self.signatures[*at as usize], &signature)).max().unwrap_or(0);
        let part = best as f64 / HASHES as f64;
        if best > 0 && part >= least {
            return Some(part);
        }
        let Ok(at) = u32::try_from(self.signatures.len()) else { return None };
        for key in keys {
            self.bands.entry(key).or_default().push(at);
        }
        self.signatures.push(signature);
        None
    }
}

fn alike(one: &Signature, other: &Signature) -> usize {
    one.iter().zip(other.iter()).filter(|(one, other)| one == other).count()
}
