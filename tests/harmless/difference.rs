//! What may be different without being wrong.

use std::collections::BTreeSet;

/// A difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Members of objects come in the opposite order.
    ReorderedKeys,
    /// Objects have a member more that nobody knows, where they are open.
    ExtraMembers,
    /// Errors and descriptions are worded in another way.
    OtherWording,
    /// JSON has spaces and tabs between its tokens.
    WhiteSpace,
    /// Every character of every string is escaped.
    EscapedText,
    /// Lines end with a carriage return and a newline.
    CrLf,
    /// What comes, comes in pieces of a few bytes, cut within characters as well.
    ByteWise,
    /// Each message takes some time.
    Slow,
    /// Of several open requests, the later is answered first.
    OutOfOrder,
    /// Every message comes with a word on stderr, which may look like a message.
    ChattyStderr,
    /// The server takes a second to start.
    LateStart,
    /// Notifications that nobody knows come before the answers that they may belong to.
    UnknownNotifications,
    /// Event streams with comments, retry, unknown fields, data in several lines, and all three line ends.
    EventDress,
    /// HTTP headers in another case and order, with a charset, and some more of them.
    OtherHeaders,
    /// A connection is closed after each response.
    ConnectionClose,
    /// Answers that could be JSON come in an event stream.
    AnswersAsStreams,
    /// Answers that could come in an event stream are JSON.
    AnswersAsJson,
    /// What a client watches changes just when it wants to hear no more of it.
    LateUpdates,
}

/// Every difference, under the name that tests and the relay's command line have for it.
const NAMES: [(Difference, &str); 18] = [
    (Difference::ReorderedKeys, "reordered-keys"),
    (Difference::ExtraMembers, "extra-members"),
    (Difference::OtherWording, "other-wording"),
    (Difference::WhiteSpace, "white-space"),
    (Difference::EscapedText, "escaped-text"),
    (Difference::CrLf, "crlf"),
    (Difference::ByteWise, "byte-wise"),
    (Difference::Slow, "slow"),
    (Difference::OutOfOrder, "out-of-order"),
    (Difference::ChattyStderr, "chatty-stderr"),
    (Difference::LateStart, "late-start"),
    (Difference::UnknownNotifications, "unknown-notifications"),
    (Difference::EventDress, "event-dress"),
    (Difference::OtherHeaders, "other-headers"),
    (Difference::ConnectionClose, "connection-close"),
    (Difference::AnswersAsStreams, "answers-as-streams"),
    (Difference::AnswersAsJson, "answers-as-json"),
    (Difference::LateUpdates, "late-updates"),
];

impl Difference {
    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1
    }
}

/// Differences that are played together; none if the relay passes everything on as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Differences(BTreeSet<Difference>);

impl Differences {
    /// Those of a list.
    pub fn of(list: &[Difference]) -> Differences {
        Differences(list.iter().copied().collect())
    }

    /// Those of a list of names.
    pub fn named(names: &str) -> Differences {
        let named = names
            .split(',')
            .filter(|name| !name.is_empty())
            .map(|name| {
                let known = NAMES.iter().find(|(_, known)| *known == name);
                known
                    .unwrap_or_else(|| panic!("there is no difference {name}"))
                    .0
            });
        Differences(named.collect())
    }

    /// Whether this one is among them.
    pub fn has(&self, difference: Difference) -> bool {
        self.0.contains(&difference)
    }
}

impl std::fmt::Display for Differences {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|difference| difference.name()).collect();
        f.write_str(&names.join(","))
    }
}
