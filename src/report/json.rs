//! The JSON report: the whole [`RunReport`](crate::event::RunReport), for programs.

use std::io::{self, Write};

use super::Reporter;
use crate::event::Event;

/// Writes the report when the run is over.
pub struct Json<W> {
    writer: W,
}

impl<W: Write + Send> Json<W> {
    /// Writes to this.
    pub fn new(writer: W) -> Json<W> {
        Json { writer }
    }
}

impl<W: Write + Send> Reporter for Json<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let Event::Finished { report } = event else {
            return Ok(());
        };
        let mut text = serde_json::to_vec_pretty(report)?;
        text.push(b'\n');
        self.writer.write_all(&text)?;
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RunReport;
    use crate::report::sample;

    #[test]
    fn it_is_the_report_and_can_be_read_back() {
        let report = sample::report();
        let mut output = Vec::new();
        Json::new(&mut output)
            .event(&Event::Finished { report: &report })
            .unwrap();
        assert_eq!(
            serde_json::from_slice::<RunReport>(&output).unwrap(),
            report
        );
        insta::assert_snapshot!(String::from_utf8(output).unwrap());
    }
}
