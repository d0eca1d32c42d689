//! Servers as processes of their own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Failure;

/// A server process, killed when dropped.
pub struct Process {
    child: Child,
    /// Its standard input.
    pub input: ChildStdin,
    /// Its standard output.
    pub output: BufReader<ChildStdout>,
    address: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts it.
    pub fn start(program: &Path, arguments: &[&str]) -> Result<Self, Failure> {
        Self::spawn(Command::new(program).args(arguments))
    }

    fn spawn(command: &mut Command) -> Result<Self, Failure> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        Ok(Self {
            input: child.stdin.take().ok_or("no standard input")?,
            output: BufReader::new(child.stdout.take().ok_or("no standard output")?),
            address: String::new(),
            child,
        })
    }

    /// Starts it and reads from its standard error where it listens.
    fn listening(program: &Path, arguments: &[&str]) -> Result<Self, Failure> {
        let mut process =
            Self::spawn(Command::new(program).args(arguments).stderr(Stdio::piped()))?;
        let stderr = process.child.stderr.take().ok_or("no standard error")?;
        let mut line = String::new();
        BufReader::new(stderr).read_line(&mut line)?;
        let url = line.trim().strip_prefix("listening on http://");
        let address = url.and_then(|url| url.strip_suffix("/mcp"));
        let address = address.ok_or_else(|| format!("{} said {line:?}", program.display()))?;
        process.address = address.into();
        Ok(process)
    }

    /// Its resident memory in bytes.
    pub fn resident(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next());
        Ok(kibibytes.ok_or("no VmRSS")?.parse::<u64>()? * 1024)
    }
}

/// A server that listens.
pub struct HttpServer {
    /// What reports call it.
    pub name: String,
    /// Where it listens.
    pub address: String,
    /// Whether a plateau of 40 ms is to be expected.
    pub slow: bool,
    /// It runs as long as this.
    pub process: Process,
}

impl HttpServer {
    /// Starts the reference server.
    pub fn ours(program: &Path) -> Result<Self, Failure> {
        let process = Process::listening(program, &["--http", "127.0.0.1:0", "--log", "off"])?;
        Ok(Self {
            name: "mcp-reference-server".into(),
            address: process.address.clone(),
            slow: false,
            process,
        })
    }

    /// Starts a server on rmcp, with TCP_NODELAY ("http-nodelay") or as axum::serve gives it ("http").
    pub fn rmcp(program: &Path, mode: &str) -> Result<Self, Failure> {
        let slow = mode == "http";
        let process = Process::listening(program, &[mode])?;
        Ok(Self {
            name: if slow {
                "rmcp, plain axum::serve"
            } else {
                "rmcp"
            }
            .into(),
            address: process.address.clone(),
            slow,
            process,
        })
    }
}
