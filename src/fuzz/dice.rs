//! Random choices, from a seed that proptest hands out.

use proptest::prelude::Rng;
use proptest::test_runner::TestRng;

/// A source of random choices.
pub(crate) struct Dice(TestRng);

impl Dice {
    pub(crate) fn new(rng: TestRng) -> Dice {
        Dice(rng)
    }

    /// A number below `limit`; 0 if there is none.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        match u64::try_from(limit) {
            Ok(0) | Err(_) => 0,
            // The remainder is smaller than any limit that came as usize.
            Ok(limit) => usize::try_from(self.0.next_u64() % limit).unwrap_or(0),
        }
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Whether one case in so many has come.
    pub(crate) fn one_in(&mut self, cases: usize) -> bool {
        self.below(cases) == 0
    }

    /// One of these; none of none.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// One of these words.
    pub(crate) fn word(&mut self, from: &[&'static str]) -> &'static str {
        self.pick(from).copied().unwrap_or_default()
    }

    /// Some byte.
    pub(crate) fn byte(&mut self) -> u8 {
        self.0.next_u32().to_le_bytes()[0]
    }

    /// Some number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Another source, for something that proptest generates.
    pub(crate) fn fork(&mut self) -> TestRng {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &seed)
    }
}
