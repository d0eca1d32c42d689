//! What a stdio server can do wrong, one role each. Every process notes its number in a folder, so that a test can see
//! what is left of it.

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::{Command, Stdio, exit};
use std::time::Duration;

use serde_json::{Value, json};

/// The first argument of a process that plays a role; then follow the folder and the role.
pub const MARK: &str = "--hostile";

/// Plays the role, and returns if that ends by itself.
pub fn main(mut words: impl Iterator<Item = String>) {
    let folder = words.next().unwrap();
    let folder = Path::new(&folder);
    std::fs::write(folder.join(std::process::id().to_string()), "").unwrap();
    match words.next().unwrap().as_str() {
        "exits-at-once" => {
            eprintln!("reading settings\nno database at 127.0.0.1:5432, giving up");
            exit(7);
        }
        "never-answers" => lines(|_| {}),
        "answers-garbage" => lines(|_| say("Segmentation fault (core dumped)")),
        "answers-another-protocol" => lines(|_| say(r#"{"status":"ok"}"#)),
        "endless-line" => endless_line(),
        "floods-stderr" => {
            flood_stderr();
            lines(answer);
        }
        "floods-stderr-silently" => {
            flood_stderr();
            lines(|_| {});
        }
        "floods-stdout" => lines(|line| {
            answer(line);
            if !line.contains("\"initialize\"") {
                loop {
                    say(
                        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"again"}}"#,
                    );
                }
            }
        }),
        "dies-in-the-middle" => lines(|line| match line.contains("\"tools/call\"") {
            true => exit(9),
            false => answer(line),
        }),
        "closes-its-output" => closes_its_output(),
        "ignores-its-end" => ignores_its_end(),
        "leaves-a-child" => {
            leave_a_child(folder);
            lines(answer);
        }
        "sleeps" => std::thread::sleep(Duration::from_secs(600)),
        other => panic!("there is no role {other}"),
    }
}

fn lines(mut each: impl FnMut(&str)) {
    io::stdin()
        .lock()
        .lines()
        .map_while(Result::ok)
        .for_each(|line| each(&line));
}

fn say(line: &str) {
    if writeln!(io::stdout(), "{line}").is_err() {
        exit(0);
    }
}

/// What a small correct server of 2025-11-25 would say.
fn answer(line: &str) {
    let Ok(request) = serde_json::from_str::<Value>(line) else {
        return;
    };
    let Some(id) = request.get("id") else { return };
    let answer = match request["method"].as_str() {
        Some("initialize") => json!({ "result": {
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "hostile", "version": "1" },
        } }),
        Some("ping") => json!({ "result": {} }),
        Some("tools/list") => json!({ "result": { "tools": [] } }),
        Some("tools/call") => json!({ "error": { "code": -32602, "message": "Unknown tool" } }),
        _ => json!({ "error": { "code": -32601, "message": "Method not found" } }),
    };
    let mut message = json!({ "jsonrpc": "2.0", "id": id });
    message
        .as_object_mut()
        .unwrap()
        .extend(answer.as_object().unwrap().clone());
    say(&message.to_string());
}

fn flood_stderr() {
    let line = "all is well ".repeat(80);
    std::thread::spawn(move || while writeln!(io::stderr(), "{line}").is_ok() {});
}

fn endless_line() {
    let piece = [b'x'; 64 << 10];
    while io::stdout().write_all(&piece).is_ok() {}
}

/// It lives, reads, and cannot say anything any more.
fn closes_its_output() {
    nix::unistd::close(1).unwrap();
    lines(|_| {});
}

/// Neither the end of its input nor SIGTERM ends it.
fn ignores_its_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // From here on the signal only wakes somebody who does not listen.
    let _deaf = runtime.block_on(async { signal(SignalKind::terminate()).unwrap() });
    lines(answer);
    std::thread::sleep(Duration::from_secs(600));
}

/// A child that holds our output open, and outlives us.
fn leave_a_child(folder: &Path) {
    let mut child = itself(&folder.display().to_string(), "sleeps")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::spawn(move || child.wait());
}

fn itself(folder: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([MARK, folder, role]);
    command
}
