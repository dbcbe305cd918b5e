/// Context of the key derivation: a change of what is drawn, or in which order, takes a new one.
const PURPOSE: &str = "case2code assemble 2026-11 draws of a sample, rows and arrangements";

/// The generator of one row's draws: a stream of bytes from (run seed, id of the row), nothing else.
pub(crate) struct Random {
    stream: blake3::OutputReader,
    /// A block of the stream, of which the first `used` bytes are drawn.
    block: [u8; 64],
    used: usize,
}

impl Random {
    pub fn new(seed: u64, id: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(PURPOSE);
        hasher.update(&seed.to_le_bytes()).update(id.as_bytes());
        Self { stream: hasher.finalize_xof(), block: [0; 64], used: 64 }
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

    /// One of `items`, by weight; none where there are none.
    pub fn weighted<'a, T>(&mut self, items: &'a [T], weight: impl Fn(&T) -> f64) -> Option<&'a T> {
        // A million steps: finer than any weight that a person writes.
        let step = self.below(1_000_000) as f64 / 1_000_000.0;
        let mut left = step * items.iter().map(&weight).sum::<f64>();
        let drawn = items.iter().find(|item| {
            left -= weight(item);
            left < 0.0
        });
        drawn.or(items.last())
    }

    fn next(&mut self) -> u64 {
        if self.used == self.block.len() {
            self.stream.fill(&mut self.block);
            self.used = 0;
        }
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.block[self.used..self.used + 8]);
        self.used += 8;
        u64::from_le_bytes(bytes)
    }
}
