//! What a call costs: measured, compared, explained.

pub mod report;
