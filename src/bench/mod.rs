//! What a call costs: measured, compared, explained.

mod bundled;
mod calls;
pub mod compare;
pub mod condition;
mod delay;
pub mod diagnose;
mod extras;
pub mod html;
pub mod http;
pub mod human;
pub mod lane;
pub mod markdown;
pub mod message;
pub mod options;
pub mod pace;
mod poll;
pub mod report;
mod rounds;
pub mod run;
pub mod samples;
pub mod schedule;
pub mod sentences;
pub mod stdio;
pub mod subject;
pub mod table;
pub mod tables;
pub mod text;
pub mod trouble;
mod usage;

pub use bundled::{bundled, large_catalogs};
pub use options::Options;
pub use run::{Measured, Watcher, measure, reach};
