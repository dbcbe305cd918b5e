/// Context of the key derivation: a change of what is drawn, or in which order, takes a new one.
const PURPOSE: &str = "case2code assemble 2026-11 draws of a sample";

/// The generator of one function's draws: a stream of bytes from (run seed, function id), nothing else.
pub(crate) struct Random(blake3::OutputReader);

impl Random {
    pub fn new(seed: u64, function_id: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(PURPOSE);
        hasher.update(&seed.to_le_bytes()).update(function_id.as_bytes());
        Self(hasher.finalize_xof())
    }

    /// A number below `bound`; 0 where `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // The high half of a 64×64 product; its bias is below 2⁻⁵⁰ for the few dozen things that we choose from.
        let wide = u128::from(self.next()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        // 53 bits: every such fraction is exact in an f64.
        let fraction = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        fraction < probability
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }

    fn next(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}
