//! Who asks, and what they may do.

use std::fmt;

/// What a caller may do. Each role may also do what those before it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Look at everything.
    #[default]
    Reader,
    /// Change data.
    Writer,
    /// Change what data there can be.
    Admin,
}

/// Who asks. Known to everything that handles a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// A name that nobody else has, and no secret: whatever is kept for a caller is kept under it.
    pub principal: String,
    /// What the caller may do.
    pub role: Role,
    /// The scopes of the token, where there is one that has scopes.
    pub scopes: Vec<String>,
}

impl Caller {
    /// Whoever started us, or came without having to say who it is.
    pub fn local(role: Role) -> Self {
        Self {
            principal: "local".into(),
            role,
            scopes: Vec::new(),
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{:?} as {:?}", self.principal, self.role)?;
        match self.scopes.is_empty() {
            true => Ok(()),
            false => write!(formatter, " with {:?}", self.scopes),
        }
    }
}
