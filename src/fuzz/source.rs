//! Makes inputs on a thread of its own, so that they are there when they are needed.

use tokio::sync::mpsc;

use super::generate::Inputs;
use super::input::Input;

/// So many are made at once, and so many such portions wait.
const PORTION: u64 = 32;
const WAITING: usize = 4;

/// A sequence of inputs, one after the other.
pub(super) struct Source {
    inputs: Inputs,
    made: mpsc::Receiver<Vec<Input>>,
    portion: std::vec::IntoIter<Input>,
    /// How many were taken.
    taken: u64,
}

impl Source {
    /// The thread ends with the source.
    pub(super) fn new(inputs: Inputs) -> Source {
        let (sender, made) = mpsc::channel(WAITING);
        let again = inputs.again();
        std::thread::spawn(move || {
            let maker = again();
            for first in (0..).step_by(PORTION as usize) {
                let portion = (first..first + PORTION).map(|index| maker.nth(index));
                if sender.blocking_send(portion.collect()).is_err() {
                    return;
                }
            }
        });
        Source {
            inputs,
            made,
            portion: Vec::new().into_iter(),
            taken: 0,
        }
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Input {
        self.taken += 1;
        if let Some(input) = self.portion.next() {
            return input;
        }
        self.portion = self.made.recv().await.unwrap_or_default().into_iter();
        self.portion.next().unwrap_or_default()
    }

    /// The one that came so many before the next.
    pub(super) fn earlier(&self, back: u64) -> Input {
        self.inputs.nth(self.taken.saturating_sub(back))
    }
}
