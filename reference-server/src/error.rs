//! Why the server could not run.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::auth::AuthError;
use crate::http::TlsError;

/// Why [`crate::run`] gave up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `--fault` named none of [`crate::faults()`].
    #[error("unknown fault {name:?}{}; --list-faults shows all of them", did_you_mean(.suggestion))]
    UnknownFault {
        /// What was asked for.
        name: String,
        /// The closest name that exists.
        suggestion: Option<&'static str>,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that TLS needs cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TlsError,
    },
    /// The file that says who may do what cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Auth {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: AuthError,
    },
    /// Others could reach us, and nobody would ask who they are.
    #[error(
        "{address} can be reached from elsewhere: --auth FILE demands tokens, --anonymous lets everybody in"
    )]
    Unprotected {
        /// What was asked for.
        address: SocketAddr,
    },
    /// The database cannot be opened.
    #[error("cannot open the database {database}: {source}")]
    Database {
        /// The file, or what stands for it.
        database: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Threads, standard streams or the random generator failed us.
    #[error("cannot run: {0}")]
    System(#[from] std::io::Error),
}

impl Error {
    /// The process exit code: 2 for bad usage, 3 for what could not be run.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownFault { .. }
            | Self::Tls { .. }
            | Self::Auth { .. }
            | Self::Unprotected { .. } => 2,
            Self::Bind { .. } | Self::Database { .. } | Self::System(_) => 3,
        }
    }
}

fn did_you_mean(suggestion: &Option<&'static str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(", did you mean {name:?}?"))
}
