//! What is tried on a server: one generator a file, one line each in [`GENERATORS`].

mod arguments;
mod bytes;
mod classics;
mod conversation;
mod credentials;
mod dialogue;
mod http;
mod json;
mod listed;
mod mcp;
mod rpc;
mod vocabulary;

use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::{BoxedStrategy, Union, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::dice::Dice;
use super::input::Input;
pub use classics::classics;
pub use vocabulary::{Allowed, Callable, Vocabulary};

/// A kind of input.
pub struct Generator {
    /// What reports call it.
    pub name: &'static str,
    /// How often it is asked, beside the others.
    weight: u32,
    /// Whether it can make anything with these words.
    applies: fn(&Vocabulary) -> bool,
    make: fn(&Vocabulary, &mut Dice) -> Input,
}

/// Every generator.
pub static GENERATORS: &[Generator] = &[
    bytes::GENERATOR,
    json::GENERATOR,
    rpc::GENERATOR,
    mcp::GENERATOR,
    listed::GENERATOR,
    arguments::GENERATOR,
    conversation::GENERATOR,
    dialogue::GENERATOR,
    http::GENERATOR,
    credentials::GENERATOR,
];

impl Generator {
    /// Its inputs.
    pub fn strategy(&'static self, words: &Arc<Vocabulary>) -> BoxedStrategy<Input> {
        let words = words.clone();
        let make = move |(), rng| Input {
            generator: self.name,
            ..(self.make)(&words, &mut Dice::new(rng))
        };
        Just(()).prop_perturb(make).boxed()
    }
}

/// The inputs of all generators that apply, by weight.
pub fn inputs(words: &Arc<Vocabulary>) -> BoxedStrategy<Input> {
    let weighted = GENERATORS
        .iter()
        .filter(|generator| (generator.applies)(words))
        .map(|generator| (generator.weight, generator.strategy(words)));
    Union::new_weighted(weighted.collect()).boxed()
}

/// A sequence of inputs that depends on nothing but the seed and the words.
pub struct Inputs {
    first: Vec<Input>,
    /// What comes after the first; nothing does where inputs are given.
    generated: Option<Generated>,
}

struct Generated {
    strategy: BoxedStrategy<Input>,
    words: Arc<Vocabulary>,
    seed: u64,
}

impl Inputs {
    /// The sequence of a seed. The classics come first.
    pub fn new(words: Arc<Vocabulary>, seed: u64) -> Inputs {
        Inputs {
            first: classics(&words),
            generated: Some(Generated {
                strategy: inputs(&words),
                words,
                seed,
            }),
        }
    }

    /// Just these.
    pub fn given(inputs: Vec<Input>) -> Inputs {
        Inputs {
            first: inputs,
            generated: None,
        }
    }

    /// Makes the same sequence on another thread: strategies stay where they are made.
    pub(super) fn again(&self) -> impl FnOnce() -> Inputs + Send + 'static {
        let first = self.first.clone();
        let generated = self.generated.as_ref();
        let generated = generated.map(|generated| (generated.words.clone(), generated.seed));
        move || match generated {
            Some((words, seed)) => Inputs::new(words, seed),
            None => Inputs::given(first),
        }
    }

    /// How many there are, if they are given.
    pub fn given_count(&self) -> Option<usize> {
        self.generated.is_none().then_some(self.first.len())
    }

    /// The input with this number.
    pub fn nth(&self, index: u64) -> Input {
        let first = usize::try_from(index)
            .ok()
            .and_then(|index| self.first.get(index).cloned());
        match (first, &self.generated) {
            (Some(input), None) => input,
            (Some(input), Some(_)) => input.numbered(index),
            (None, Some(generated)) => generated.input(index).numbered(index),
            (None, None) => Input::default(),
        }
    }
}

impl Generated {
    fn input(&self, index: u64) -> Input {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&index.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        // Strategies that reject nothing give a value always.
        let tree = self.strategy.new_tree(&mut runner);
        tree.ok()
            .map(|tree| tree.current())
            .filter(|input| self.words.allows(input))
            .unwrap_or_else(|| Input {
                generator: bytes::GENERATOR.name,
                ..Input::bytes("empty", "")
            })
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
