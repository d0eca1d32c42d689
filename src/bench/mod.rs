//! What a call costs: measured, compared, explained.

pub mod diagnose;
pub mod html;
pub mod report;
