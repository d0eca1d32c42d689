//! The JSON report: the whole [`RunReport`](crate::event::RunReport), for programs.

use std::io::{self, BufWriter, Write};

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
        // Written as it is made: a report of many trials is not in memory twice.
        let mut writer = BufWriter::new(&mut self.writer);
        serde_json::to_writer_pretty(&mut writer, report)?;
        writer.write_all(b"\n")?;
        writer.flush()
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
