//! What the server under test offers, and what the user allows: the result of the probe.
//!
//! The profile decides which trials apply. It is saved in every transcript, so that judging needs nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::revision::{Era, Revision};
use crate::transport::Transport;

/// What is known of the implementation under test.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The name that the server gives itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Value>,
    /// What it offers, per transport and revision that it accepts.
    pub offers: Vec<Offer>,
    /// The calls that the user allowed: tool name and arguments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calls: BTreeMap<String, Value>,
    /// Whether tools annotated as read-only may be called.
    #[serde(default)]
    pub call_read_only: bool,
    /// Whether the tools of the official fixture are known to be there.
    #[serde(default)]
    pub official_fixture: bool,
    /// Whether the process is ours.
    #[serde(default)]
    pub own_process: bool,
    /// Whether the user gave credentials.
    #[serde(default)]
    pub authorization: bool,
    /// The names of the other identities: those whose credentials the user gave, and those made from ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// How many processes serve beside that of the URL.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub replicas: usize,
    /// Over which transports a legacy revision was asked for, so that it is known whether the server speaks one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legacy_tried: Vec<Transport>,
}

/// What a list has. Shared, because lists may be long, and are the same in many sessions.
pub type Items = Arc<Vec<Value>>;

fn is_empty(items: &Items) -> bool {
    items.is_empty()
}

fn is_zero(replicas: &usize) -> bool {
    *replicas == 0
}

/// What the server offers at one revision over one transport.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// The revision.
    pub revision: Revision,
    /// The transport.
    pub transport: Transport,
    /// The capabilities it declared.
    pub capabilities: Value,
    /// Its tools.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub tools: Items,
    /// Its resources.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub resources: Items,
    /// Its resource templates.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub templates: Items,
    /// Its prompts.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub prompts: Items,
    /// Whether completion/complete exists, at a revision that has no capability for it.
    #[serde(default)]
    pub completes: bool,
    /// Whether it issued a session id.
    #[serde(default)]
    pub session_id: bool,
    /// Whether it opened a stream on GET.
    #[serde(default)]
    pub get_stream: bool,
}

impl Offer {
    /// Takes lists over from an offer that has the same.
    pub fn share(&mut self, other: &Offer) {
        let lists = |offer: &Offer| {
            let Offer {
                tools,
                resources,
                templates,
                prompts,
                ..
            } = offer;
            [tools, resources, templates, prompts].map(Items::clone)
        };
        let theirs = lists(other);
        let mine = [
            &mut self.tools,
            &mut self.resources,
            &mut self.templates,
            &mut self.prompts,
        ];
        for (mine, theirs) in mine.into_iter().zip(theirs) {
            if *mine == theirs {
                *mine = theirs;
            }
        }
    }

    /// Whether no session could be opened.
    pub fn is_closed(&self) -> bool {
        self.capabilities.is_null()
    }

    /// Nothing is known of it: the session did not open.
    pub fn closed(revision: Revision, transport: Transport) -> Offer {
        Offer {
            revision,
            transport,
            capabilities: Value::Null,
            tools: Items::default(),
            resources: Items::default(),
            templates: Items::default(),
            prompts: Items::default(),
            completes: false,
            session_id: false,
            get_stream: false,
        }
    }
}

impl Profile {
    /// What the server offers at this revision over this transport.
    pub fn offer(&self, revision: Revision, transport: Transport) -> Option<&Offer> {
        self.offers
            .iter()
            .find(|offer| offer.revision == revision && offer.transport == transport)
    }

    /// Whether it is known to speak the modern era alone.
    pub fn is_modern_only(&self, transport: Transport) -> bool {
        self.legacy_tried.contains(&transport) && !self.speaks(Era::Legacy, transport)
    }

    /// Whether it speaks a revision of this era over this transport.
    pub fn speaks(&self, era: Era, transport: Transport) -> bool {
        self.offers
            .iter()
            .any(|offer| offer.transport == transport && offer.revision.era() == era)
    }
}
