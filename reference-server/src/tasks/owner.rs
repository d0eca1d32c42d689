//! Whose tasks are whose.

use crate::auth::Caller;
use crate::server::Server;

/// Who may see a task: whoever comes from the same session, and with the same credentials.
///
/// Without either, clients cannot be told apart, and whoever knows the id of a task may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The session that it was created in (legacy revisions).
    pub session: Option<u64>,
    /// The principal, where callers have to say who they are.
    principal: Option<String>,
}

impl Owner {
    /// The owner of what this caller begins, in this session.
    pub fn new(server: &Server, caller: &Caller, session: Option<u64>) -> Self {
        let known = *caller != *server.local;
        Self {
            session,
            principal: known.then(|| caller.principal.clone()),
        }
    }

    /// The owner of what a session begins that needs no credentials.
    #[cfg(test)]
    pub fn of_session(session: u64) -> Self {
        Self {
            session: Some(session),
            principal: None,
        }
    }

    /// Whether both count as one where the number of tasks is limited. A principal may have many sessions.
    pub fn is_same_client(&self, other: &Self) -> bool {
        match &self.principal {
            Some(_) => self.principal == other.principal,
            None => self.session.is_some() && self == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Hub;
    use crate::jsonrpc::Object;
    use crate::tasks::Store;
    use crate::tasks::store::MAX_PER_OWNER;

    fn owner(session: Option<u64>, principal: Option<&str>) -> Owner {
        let principal = principal.map(str::to_owned);
        Owner { session, principal }
    }

    #[test]
    fn principals_and_sessions_are_told_apart() {
        let store = Store::new(&Hub::new());
        let ann = owner(Some(1), Some("ann"));
        let nothing = Object::new();
        let admitted = store.admit("a".into(), ann.clone(), &nothing, None, true);
        admitted.unwrap();
        assert!(store.find(&ann, "a").is_some());
        for other in [
            owner(Some(1), Some("bob")),
            owner(Some(2), Some("ann")),
            owner(None, Some("ann")),
            owner(Some(1), None),
            owner(None, None),
        ] {
            assert!(store.find(&other, "a").is_none(), "{other:?}");
            assert!(store.of(&other).is_empty(), "{other:?}");
        }
        store.forget(1);
        assert!(store.find(&ann, "a").is_none());
    }

    #[test]
    fn a_principal_has_one_limit_for_all_its_sessions() {
        let store = Store::new(&Hub::new());
        let nothing = Object::new();
        let admit =
            |number: u64, owner| store.admit(number.to_string(), owner, &nothing, None, true);
        let most = MAX_PER_OWNER as u64;
        for number in 0..most {
            admit(number, owner(Some(number), Some("ann"))).unwrap();
        }
        assert!(admit(most, owner(None, Some("ann"))).is_err());
        assert!(admit(most + 1, owner(None, Some("bob"))).is_ok());
        assert!(admit(most + 2, owner(Some(1), None)).is_ok());
        assert!(admit(most + 3, owner(None, None)).is_ok());
    }

    #[test]
    fn nobody_takes_all_the_room_for_tasks() {
        let store = Store::new(&Hub::new());
        let large = Object::from_iter([("text".into(), "x".repeat(1_000_000).into())]);
        let admit = |number: u64, who| {
            store.admit(
                format!("{who} {number}"),
                owner(None, Some(who)),
                &large,
                None,
                true,
            )
        };
        for number in 0..16 {
            admit(number, "ann").unwrap();
        }
        assert!(admit(16, "ann").is_err());
        assert!(admit(0, "bob").is_ok());
    }
}
