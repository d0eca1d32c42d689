//! A Model Context Protocol server to test clients and test suites against.
//!
//! It speaks every published revision, the handshake ones and 2026-07-28, over stdio and
//! Streamable HTTP, and it is correct unless told otherwise: each of [`faults()`] makes it violate
//! one requirement.

mod ask;
mod auth;
mod connection;
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
mod options;
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
pub use faults::{Fault, Proof, faults};
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
