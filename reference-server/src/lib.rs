//! A Model Context Protocol server to test clients and test suites against.
//!
//! It speaks every published revision, the handshake ones and 2026-07-28, over stdio, Streamable HTTP and HTTP+SSE, and
//! it is correct unless told otherwise: each of [`faults()`] makes it violate one requirement.
//!
//! The modules, on the way that a request takes:
//!
//! - `options` reads the command line and starts `server`, which is what all connections share.
//! - `stdio` and `http` carry bytes; `client` is one client of a channel that carries messages both ways (stdio, HTTP+SSE).
//!   `auth` says who asks, `limits` how much of everything a client gets, `rate` how often it may call.
//! - `jsonrpc` makes messages of bytes. `legacy` (sessions, to 2025-11-25) and `modern` (2026-07-28) make work of
//!   messages, `work` keeps what is not done at once, and `log` tells of every call.
//! - `context` is what a request may know and do, the same in both eras. `features` answers it: tools, resources, prompts,
//!   completion, and behind them `database` and `tasks`.
//! - `ask` asks the client back: by requests in a session, by `rounds` and their signed `state` without one; `roots`
//!   remembers what a session said. `hub` tells of changes: sessions, and the `subscriptions` of the modern era.
//! - `faults` is asked at every place where a rule can be broken. Its table has them all; the rest can be read without it.

mod ask;
mod auth;
mod client;
mod context;
mod database;
mod error;
mod faults;
mod features;
mod http;
mod hub;
mod jsonrpc;
mod legacy;
mod limits;
mod log;
mod modern;
mod offer;
mod options;
mod random;
mod rate;
mod revision;
mod roots;
mod rounds;
mod server;
mod state;
mod stdio;
mod subscriptions;
mod tasks;
mod work;

use std::sync::{Mutex, MutexGuard};

pub use auth::{AuthError, Role};
pub use error::Error;
pub use faults::{Fault, Harm, Proof, faults};
pub use http::{TlsError, TlsOptions};
pub use limits::Limits;
pub use log::Level as LogLevel;
pub use options::{Options, run};

/// Locks even after a panic elsewhere: nothing we keep is left half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
