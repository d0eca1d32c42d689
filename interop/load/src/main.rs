//! Compares the reference server with minimal servers on rmcp: the same call, the same load, round by round in turn.
//!
//! Every answer is checked; one that is wrong, or an error, ends the comparison. See `../README.md`.

mod exchange;
mod http;
mod report;
mod server;
mod stdio;
mod subscriptions;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use hdrhistogram::Histogram;

use report::{Contender, Load, Report};
use server::{HttpServer, Process};

/// Why a comparison could not be finished.
pub type Failure = Box<dyn std::error::Error>;

/// Compares the reference server with minimal servers on rmcp
#[derive(Parser)]
struct Options {
    /// The program mcp-reference-server
    #[arg(long)]
    ours: PathBuf,

    /// The program interop-rmcp-minimal
    #[arg(long)]
    rmcp: PathBuf,

    /// Where to write PATH.json and PATH.md
    #[arg(long, value_name = "PATH")]
    report: Option<PathBuf>,

    /// How often each server gets its turn
    #[arg(long, default_value_t = 7)]
    rounds: usize,

    /// Calls in each turn over HTTP; over one connection and over stdio a quarter of them
    #[arg(long, default_value_t = 20_000)]
    calls: usize,

    /// Subscriptions that are open at once; 0 leaves them out
    #[arg(long, default_value_t = 10_000)]
    subscriptions: usize,

    /// Leave out the server that axum::serve gives, which is slow
    #[arg(long)]
    skip_plateau: bool,
}

fn main() -> ExitCode {
    match compare(&Options::parse()) {
        Ok(report) if report.is_kept() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(3)
        }
    }
}

fn compare(options: &Options) -> Result<Report, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut report = Report::new(options.rounds);
    over_http(options, &runtime, &mut report)?;
    over_stdio(options, &mut report)?;
    if options.subscriptions > 0 {
        let server = HttpServer::ours(&options.ours)?;
        let cost = subscriptions::cost(&server, options.subscriptions);
        report.subscriptions = Some(runtime.block_on(cost)?);
    }
    report.tell(options.report.as_deref())?;
    Ok(report)
}

fn over_http(
    options: &Options,
    runtime: &tokio::runtime::Runtime,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut servers = vec![
        HttpServer::ours(&options.ours)?,
        HttpServer::rmcp(&options.rmcp, "http-nodelay")?,
    ];
    if !options.skip_plateau {
        servers.push(HttpServer::rmcp(&options.rmcp, "http")?);
    }
    for server in &servers {
        runtime.block_on(http::play(server, 8, 1000))?;
    }
    for connections in [1, 8, 32] {
        let mut load = Load::http(connections, &servers)?;
        let calls = if connections == 1 {
            options.calls / 4
        } else {
            options.calls
        };
        for round in 0..options.rounds {
            eprintln!("HTTP, {connections} connections, round {}", round + 1);
            for (server, contender) in servers.iter().zip(&mut load.contenders) {
                // Where each call may take 40 ms a fiftieth shows it.
                let calls = if server.slow { calls / 50 } else { calls };
                let played = runtime.block_on(http::play(server, connections, calls))?;
                contender.add(&played)?;
            }
        }
        report.loads.push(load);
    }
    for server in &servers {
        report.resident(&server.name, "http", server.process.resident()?);
    }
    Ok(())
}

fn over_stdio(options: &Options, report: &mut Report) -> Result<(), Failure> {
    let mut servers = [
        (
            "mcp-reference-server",
            Process::start(&options.ours, &["--stdio", "--log", "off"])?,
        ),
        ("rmcp", Process::start(&options.rmcp, &["stdio"])?),
    ];
    let mut load = Load {
        transport: "stdio",
        connections: 1,
        contenders: servers
            .iter()
            .map(|(name, _)| Contender::new(name))
            .collect::<Result<_, _>>()?,
    };
    for (_, server) in &mut servers {
        stdio::play(server, 1000)?;
    }
    for round in 0..options.rounds {
        eprintln!("stdio, round {}", round + 1);
        for ((_, server), contender) in servers.iter_mut().zip(&mut load.contenders) {
            contender.add(&stdio::play(server, options.calls / 4)?)?;
        }
    }
    report.loads.push(load);
    for (name, server) in &servers {
        report.resident(name, "stdio", server.resident()?);
    }
    Ok(())
}

/// The times of one turn, in nanoseconds, and how long it took in all.
pub struct Played {
    times: Histogram<u64>,
    seconds: f64,
}

/// An empty histogram of times from 1 ns to a minute.
fn histogram() -> Result<Histogram<u64>, Failure> {
    Ok(Histogram::new_with_bounds(1, 60_000_000_000, 3)?)
}
