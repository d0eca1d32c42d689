//! What of its abilities a server offers.

use crate::hub::Event;
use crate::revision::Eras;

/// Something that a server may do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Feature {
    /// Tools
    Tools,
    /// Resources, subscriptions to them, and resources in the results of tools
    Resources,
    /// Prompts
    Prompts,
    /// Completion of arguments
    Completions,
    /// Tasks: what is called with one is a plain call
    Tasks,
    /// Legacy, Streamable HTTP: the stream that a GET opens
    GetStream,
    /// Legacy, Streamable HTTP: session ids; made for one session at a time
    Sessions,
}

impl Feature {
    /// The one that a method belongs to.
    fn of(method: &str) -> Option<Self> {
        match method.split('/').next()? {
            "tools" => Some(Self::Tools),
            "resources" => Some(Self::Resources),
            "prompts" => Some(Self::Prompts),
            "completion" => Some(Self::Completions),
            "tasks" => Some(Self::Tasks),
            _ => None,
        }
    }
}

/// What of its abilities a server offers.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// The eras it speaks.
    pub eras: Eras,
    /// Whether nothing that it has ever changes.
    pub is_static: bool,
    /// How many tools it has, unless it is the usual number.
    pub tools: Option<usize>,
    /// How many of them are on a page, unless it is the usual number.
    pub tools_per_page: Option<usize>,
    /// What it does without.
    pub without: Vec<Feature>,
}

impl Offer {
    /// Whether it has this.
    pub fn has(&self, feature: Feature) -> bool {
        !self.without.contains(&feature)
    }

    /// Whether it does without what the method is for.
    pub fn lacks_method(&self, method: &str) -> bool {
        Feature::of(method).is_some_and(|feature| !self.has(feature))
    }

    /// Whether it tells of changes to this.
    pub fn tells_of(&self, feature: Feature) -> bool {
        !self.is_static && self.has(feature)
    }

    /// Whether it tells of such an event.
    pub fn tells(&self, event: &Event) -> bool {
        match event {
            Event::Tools => self.tells_of(Feature::Tools),
            Event::Prompts => self.tells_of(Feature::Prompts),
            Event::Resources | Event::Resource(_) => self.tells_of(Feature::Resources),
            Event::Task(_) | Event::Over(..) => !self.is_static,
        }
    }
}
