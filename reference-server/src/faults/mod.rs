//! Deliberate violations, each of one rule in one place.
//!
//! [`table`] says which there are. What is wrong at the sight of some input is in [`input`]; what is
//! changed before it is sent in [`envelope`], [`results`], [`era`], [`asking`], [`tasks`] and [`sse`];
//! what is done at the wrong time or unasked in [`conduct`]. Where something is left undone, the code concerned asks
//! [`Faults::has`].

mod asking;
mod conduct;
mod declare;
mod envelope;
mod era;
mod input;
pub mod list;
mod results;
mod sse;
mod table;
mod tasks;

pub use table::F;

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::Error;
use crate::hub::Event;
use crate::jsonrpc::{Client, Given, MAX_MESSAGE_BYTES, Object};
use crate::lock;

/// A deliberate violation, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What `--fault` calls it.
    pub name: &'static str,
    /// The requirement it violates.
    pub requirement: &'static str,
    /// What the server then does.
    pub explanation: &'static str,
    /// How it comes to light.
    pub proof: Proof,
    /// What it does to clients, where some input alone brings it about.
    pub harm: Option<Harm>,
}

/// The harms that some input can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// The process ends.
    Crash,
    /// Something valid is not answered, or nothing is any more.
    Hang,
    /// The process grows.
    Leak,
    /// What must be refused is served.
    Acceptance,
}

/// What shows a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// What is said shows it, so some case or rule can.
    Conversation,
    /// Only a measurement of the process does.
    Measurement,
}

/// Every fault, in the order of the table.
pub fn faults() -> &'static [Fault] {
    table::FAULTS
}

/// The faults that were asked for.
#[derive(Debug)]
pub struct Faults {
    on: [bool; table::FAULTS.len()],
    any: bool,
    memory: Memory,
}

/// What a faulty server keeps although it should not.
#[derive(Debug, Default)]
struct Memory {
    counted: AtomicUsize,
    deaf: AtomicBool,
    leaked: Mutex<Vec<Vec<u8>>>,
    capabilities: Mutex<Object>,
    seen: Mutex<HashSet<String>>,
    client: Mutex<String>,
}

impl Faults {
    /// Selects faults by name.
    pub fn named<S: AsRef<str>>(names: &[S]) -> Result<Self, Error> {
        let mut on = [false; table::FAULTS.len()];
        for name in names {
            let name = name.as_ref();
            let index = faults().iter().position(|fault| fault.name == name);
            let index = index.ok_or_else(|| unknown(name))?;
            on[index] = true;
        }
        Ok(Self {
            on,
            any: !names.is_empty(),
            memory: Memory::default(),
        })
    }

    /// Whether this fault was asked for.
    pub fn has(&self, fault: F) -> bool {
        self.on[fault as usize]
    }

    /// The capabilities of a request: its own, and wrongly those of earlier ones.
    pub fn remember_capabilities(&self, own: Object) -> Object {
        if !self.has(F::CapabilitiesRemembered) {
            return own;
        }
        let mut remembered = lock(&self.memory.capabilities);
        remembered.extend(own);
        remembered.clone()
    }

    /// Whether a cursor is wrongly worn out.
    pub fn is_worn_out(&self, cursor: &str) -> bool {
        self.has(F::CursorOnce) && self.saw_before(cursor)
    }

    /// A cursor as it is given: wrongly, it may name this process.
    pub fn mark_cursor(&self, cursor: String) -> String {
        match self.has(F::CursorsOfOneProcess) {
            true => cursor + &process(),
            false => cursor,
        }
    }

    /// A cursor as it was before that; an empty one, which nobody gave, in the place of another process's.
    pub fn unmark_cursor<'a>(&self, cursor: &'a str) -> &'a str {
        match self.has(F::CursorsOfOneProcess) {
            true => cursor.strip_suffix(&process()).unwrap_or_default(),
            false => cursor,
        }
    }

    /// Whether the server is wrongly not to be discovered, because it was before.
    pub fn is_discovered(&self, method: &str) -> bool {
        self.has(F::DiscoverOnce) && method == "server/discover" && self.count() > 0
    }

    /// Whether a client is wrongly refused because another came first.
    pub fn knows_another(&self, client: &Given<Client>) -> bool {
        if !self.has(F::OtherClientRefused) {
            return false;
        }
        let client = format!("{client:?}");
        let mut first = lock(&self.memory.client);
        if first.is_empty() {
            first.clone_from(&client);
        }
        *first != client
    }

    /// Whether a method is wrongly refused because nobody has discovered the server yet.
    pub fn is_undiscovered(&self, method: &str) -> bool {
        self.has(F::DiscoverFirst)
            && match method {
                "server/discover" => self.count() == usize::MAX,
                _ => self.counted() == 0,
            }
    }

    /// Where the server listens.
    pub fn address(&self, address: SocketAddr) -> SocketAddr {
        match self.has(F::ListensEverywhere) {
            true => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port()),
            false => address,
        }
    }

    /// Whether this was seen before.
    fn saw_before(&self, what: &str) -> bool {
        !lock(&self.memory.seen).insert(what.to_owned())
    }

    /// The longest message that is read, in bytes.
    pub fn max_message_bytes(&self) -> usize {
        match self.has(F::RefusesLarge) {
            true => 64 * 1024,
            false => MAX_MESSAGE_BYTES,
        }
    }

    /// The method that a request is taken to mean.
    pub fn method(&self, method: String) -> String {
        match self.has(F::MethodAnyCase) {
            true => method.to_ascii_lowercase(),
            false => method,
        }
    }

    /// The tool that a name is taken to mean.
    pub fn tool_name<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match self.has(F::ToolNameAnyCase) {
            true => name.to_ascii_lowercase().into(),
            false => name.into(),
        }
    }

    /// Whether a method is wrongly unknown.
    pub fn has_no(&self, method: &str) -> bool {
        self.has(F::EmbedsWithoutResources) && method.starts_with("resources/")
    }

    /// Whether nobody is told of `event`.
    pub fn hides(&self, event: &Event) -> bool {
        let fault = match event {
            Event::Tools => F::ToolsChangeUntold,
            Event::Prompts => F::PromptsChangeUntold,
            Event::Resources => F::ResourcesChangeUntold,
            Event::Resource(_) => F::UpdatesUntold,
            Event::Task(_) | Event::Over(..) => return false,
        };
        self.has(fault)
    }

    /// Whether an unsupported version is wrongly held against later requests.
    pub fn was_disappointed(&self) -> bool {
        self.has(F::UnsupportedVersionSticks) && self.counted() > 0
    }

    /// How often [`Faults::count`] was called.
    fn counted(&self) -> usize {
        self.memory.counted.load(Ordering::Relaxed)
    }

    /// Whether a subscription is wrongly silenced by those after it.
    pub fn is_replaced(&self, number: usize) -> bool {
        self.has(F::ListenReplaces) && self.counted() > number + 1
    }

    /// Counts: 0 at the first call, then one more each time.
    pub fn count(&self) -> usize {
        self.memory.counted.fetch_add(1, Ordering::Relaxed)
    }
}

/// The mark of this process.
fn process() -> String {
    format!("@{}", std::process::id())
}

fn unknown(name: &str) -> Error {
    let distance = |fault: &&Fault| strsim::damerau_levenshtein(fault.name, name);
    let closest = faults().iter().min_by_key(distance);
    let closest = closest.filter(|fault| distance(fault) <= name.len() / 2);
    Error::UnknownFault {
        name: name.into(),
        suggestion: closest.map(|fault| fault.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_requirements_have_an_area() {
        let names: HashSet<_> = faults().iter().map(|fault| fault.name).collect();
        assert_eq!(names.len(), faults().len());
        assert!(
            faults()
                .iter()
                .all(|fault| fault.requirement.split('/').count() == 2)
        );
    }

    #[test]
    fn a_fault_that_ends_the_process_is_a_crash() {
        for fault in faults() {
            let ends = fault.explanation.contains("ends the process");
            assert_eq!(ends, fault.harm == Some(Harm::Crash), "{}", fault.name);
            // A refusal of what is large is neither.
            let robust = fault.requirement.starts_with("robust/");
            assert!(
                !robust || fault.harm.is_some() || fault.name == "refuses-large",
                "{}",
                fault.name
            );
        }
    }

    #[test]
    fn a_misspelt_fault_gets_a_suggestion() {
        let error = Faults::named(&["wrong-ids"]).unwrap_err().to_string();
        assert!(error.contains("did you mean \"wrong-id\"?"), "{error}");
    }
}
