//! The fingerprints of all functions that were kept, in about 17 bytes each.

use pipeline::python::Fingerprint;

/// A set that grows evenly. A hash table doubles: it takes 39 bytes an entry right after, and half as much again while
/// it does. This one is many small sorted lists, chosen by the first two bytes (a fingerprint is a uniform hash), each
/// with an eighth of room at most.
pub(super) struct Seen(Vec<Vec<[u8; 14]>>);

/// One list for each value of two bytes.
const LISTS: usize = 1 << 16;

impl Seen {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether it is there.
    pub fn contains(&self, Fingerprint(bytes): &Fingerprint) -> bool {
        let [high, low, rest @ ..] = bytes;
        let list = self.0.get(usize::from(u16::from_be_bytes([*high, *low])));
        list.is_some_and(|list| list.binary_search(rest).is_ok())
    }

    /// Adds one. False if it was there.
    pub fn insert(&mut self, Fingerprint(bytes): Fingerprint) -> bool {
        if self.0.is_empty() {
            self.0.resize_with(LISTS, Vec::new);
        }
        let [high, low, rest @ ..] = bytes;
        let list = &mut self.0[usize::from(u16::from_be_bytes([high, low]))];
        match list.binary_search(&rest) {
            Ok(_) => false,
            Err(place) => {
                if list.len() == list.capacity() {
                    list.reserve_exact(list.len() / 8 + 1);
                }
                list.insert(place, rest);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn agrees_with_a_hash_set() {
        let (mut seen, mut known) = (Seen::new(), HashSet::new());
        for k in 0..20_000u32 {
            // Few enough that most come again, some of them in one list.
            let hash = blake3::hash(&(k % 7_000).to_le_bytes());
            let mut bytes: [u8; 16] = hash.as_bytes()[..16].try_into().expect("sixteen bytes");
            bytes[0] = 0;
            assert_eq!(seen.insert(Fingerprint(bytes)), known.insert(bytes));
        }
    }
}
