//! Calls over standard input and output, one at a time, from a plain thread.

use std::io::{BufRead, Write};
use std::time::Instant;

use crate::exchange::Calls;
use crate::server::Process;
use crate::{Failure, Played, histogram};

/// Has `calls` calls answered.
pub fn play(server: &mut Process, calls: usize) -> Result<Played, Failure> {
    let mut requests = Calls::new(|_| Vec::new(), b"\n")?;
    let mut times = histogram()?;
    let mut line = Vec::new();
    let begun = Instant::now();
    for _ in 0..calls {
        line.clear();
        let asked = Instant::now();
        server.input.write_all(requests.next())?;
        server.output.read_until(b'\n', &mut line)?;
        times.record(u64::try_from(asked.elapsed().as_nanos())?)?;
        requests.check(&line)?;
    }
    Ok(Played {
        times,
        seconds: begun.elapsed().as_secs_f64(),
    })
}
