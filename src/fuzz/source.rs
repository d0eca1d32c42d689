//! Makes inputs on a thread of its own, so that they are there when they are needed.

use tokio::sync::mpsc;

use super::generate::Inputs;
use super::input::Input;

/// So many are made at once, unless they are large, and so many such portions wait.
const PORTION: usize = 32;
const WAITING: usize = 4;
/// A portion ends with the input that makes it this large (1 MiB).
const MAX_BYTES: usize = 1 << 20;

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
            let mut made = (0..).map(|index| maker.nth(index));
            while sender.blocking_send(portion(&mut made)).is_ok() {}
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

/// As many as may wait together: a few of the largest, or many of the others.
pub(super) fn portion(inputs: &mut impl Iterator<Item = Input>) -> Vec<Input> {
    let mut portion = Vec::with_capacity(PORTION);
    let mut bytes = 0;
    for input in inputs.take(PORTION) {
        bytes += input.len();
        portion.push(input);
        if bytes >= MAX_BYTES {
            break;
        }
    }
    portion
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: usize) -> impl Iterator<Item = Input> {
        std::iter::repeat_with(move || Input::bytes("", vec![b'a'; bytes]))
    }

    #[test]
    fn what_waits_is_bounded_by_number_and_by_size() {
        assert_eq!(portion(&mut of(10)).len(), PORTION);
        assert_eq!(portion(&mut of(MAX_BYTES / 2)).len(), 2);
        assert_eq!(portion(&mut of(2 * MAX_BYTES)).len(), 1);
        // None is lost on the way.
        let mut inputs = (1..=3).map(|part| Input::bytes("", vec![b'a'; part * MAX_BYTES / 2]));
        let sizes = |inputs: Vec<Input>| inputs.iter().map(Input::len).collect::<Vec<_>>();
        assert_eq!(sizes(portion(&mut inputs)), [MAX_BYTES / 2, MAX_BYTES]);
        assert_eq!(sizes(portion(&mut inputs)), [3 * MAX_BYTES / 2]);
    }
}
