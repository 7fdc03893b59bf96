//! Random numbers: one seed, split into labelled streams.
//!
//! In: a seed and a label. Out: numbers that depend on nothing else, so a fault class that is added
//! or switched off shifts the draws of no other. Absent: the standard distributions, whose algorithms
//! are not promised to stay.

use rand::Rng;
use rand_pcg::Pcg64;

/// One million: chances are given in parts of it.
pub const MILLION: u64 = 1_000_000;

/// The numbers of one subsystem in one run.
#[derive(Clone, Debug)]
pub struct Stream(Pcg64);

impl Stream {
    /// The stream that `label` names under `seed`.
    #[must_use]
    pub fn new(seed: u64, label: &str) -> Self {
        // FNV-1a: spreads short labels over all streams and never changes.
        let stream = label.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(Pcg64::new(u128::from(seed), u128::from(stream)))
    }

    /// Returns a number from 0 up to, but not including, `limit`; 0 if `limit` is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(limit);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    /// Returns a number from `least` to `most`, both possible.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below((most.saturating_sub(least)).saturating_add(1))
    }

    /// Returns whether a chance of `parts` in a million comes true.
    pub fn hits(&mut self, parts: u64) -> bool {
        self.below(MILLION) < parts
    }

    /// Returns one of `choices`.
    ///
    /// # Panics
    ///
    /// If there is nothing to choose from.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap_or_default();
        choices[index]
    }

    /// Returns a number between `least` and `most` whose order of magnitude is what is drawn evenly.
    pub fn magnitude(&mut self, least: u64, most: u64) -> u64 {
        let (low, high) = (least.max(1).ilog2(), most.max(1).ilog2());
        let power = self.between(u64::from(low), u64::from(high));
        self.between(1 << power, (2_u64 << power) - 1).clamp(least, most)
    }

    /// Returns a wait whose chance to end is the same in every millisecond, `mean` on average, and at
    /// most 16 times that.
    pub fn wait(&mut self, mean: u64) -> u64 {
        // The number of leading zeros is the whole part of -log2(u); the bits after it are the rest.
        let bits = self.0.next_u64() | 1;
        let whole = u64::from(bits.leading_zeros()).min(15);
        let rest = self.below(1000);
        // ln 2 = 0.693: from halvings to the mean.
        mean.saturating_mul(whole * 1000 + rest) * 693 / 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_seed_and_label_alone() {
        let draw = |seed, label| {
            let mut stream = Stream::new(seed, label);
            [stream.below(1000), stream.below(1000), stream.below(1000)]
        };
        assert_eq!(draw(1, "world"), draw(1, "world"));
        assert_ne!(draw(1, "world"), draw(1, "operator"));
        assert_ne!(draw(1, "world"), draw(2, "world"));
    }

    #[test]
    fn draws_stay_in_their_range() {
        let mut stream = Stream::new(7, "test");
        for _ in 0..1000 {
            assert!(stream.below(3) < 3);
            assert!((5..=9).contains(&stream.between(5, 9)));
            assert!((10..=1000).contains(&stream.magnitude(10, 1000)));
            assert!(stream.wait(100) <= 1600);
        }
        assert_eq!(stream.below(0), 0);
    }
}
