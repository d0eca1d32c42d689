//! Servers with habits of HTTP, on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::bench::http::Web;
use crate::bench::lane::Down;
use crate::bench::message::{ASTRAY, Template};
use crate::bench::pace::{Load, Patience};
use crate::bench::samples::Samples;
use crate::revision::Revision;
use crate::transport::http::Address;

/// The id of the next request; none if there is no more.
fn read(reader: &mut BufReader<TcpStream>) -> Option<u64> {
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 0 && line != "\r\n" {
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().ok()?;
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let request: serde_json::Value = serde_json::from_slice(&body).ok()?;
    request["id"].as_u64()
}

fn answer(mut stream: &TcpStream, id: u64, more: &str) -> Option<()> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\n{more}Content-Length: {length}\r\n\r\n");
    stream.write_all((head + &body).as_bytes()).ok()
}

/// Gives each connection to the function, with a reader of it. As many are accepted as the function says.
fn serve(
    many: usize,
    each: impl Fn(&TcpStream, &mut BufReader<TcpStream>) -> Option<()> + Send + Sync + 'static,
) -> Web {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let each = Arc::new(each);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten().take(many) {
            let each = each.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                each(&stream, &mut reader)
            });
        }
    });
    Web::new(Arc::new(Address::parse(&url).unwrap()), &[]).unwrap()
}

/// So many calls, one after the other, each of which has a tenth of a second.
fn run(web: &mut Web, calls: u64) -> (Result<(), Down>, Samples) {
    let stop = AtomicBool::new(false);
    let load = Load {
        concurrency: 1,
        duration: Duration::from_secs(60),
        calls,
        rate: None,
        late: Duration::ZERO,
        timeout: Duration::from_millis(100),
        stop: &stop,
    };
    let ping = Template::new(Revision::V2025_11_25, "ping", None, &Arc::default());
    let mut samples = Samples::new();
    (web.run(&ping, load, &mut samples), samples)
}

#[test]
fn what_drips_without_end_is_no_answer() {
    let mut web = serve(1, |mut stream, reader| {
        read(reader)?;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).ok()?;
        loop {
            stream.write_all(b"2\r\n:\n\r\n").ok()?;
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let began = Instant::now();
    let (done, samples) = run(&mut web, 1);
    assert_eq!(done, Ok(()));
    assert_eq!(
        samples.errors.get("timeout"),
        Some(&1),
        "{:?}",
        samples.errors
    );
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_server_that_says_that_it_closes_costs_connections_and_no_calls() {
    let mut web = serve(usize::MAX, |stream, reader| {
        let id = read(reader)?;
        answer(stream, id, "Connection: close\r\n")
    });
    let (done, samples) = run(&mut web, 20);
    assert_eq!(done, Ok(()));
    assert_eq!(
        (samples.count(), samples.failed()),
        (20, 0),
        "{:?}",
        samples.errors
    );
    assert_eq!(samples.reconnects, 19);
}

#[test]
fn a_server_that_closes_without_a_word_is_asked_again() {
    let mut web = serve(usize::MAX, |stream, reader| {
        for _ in 0..2 {
            let id = read(reader)?;
            answer(stream, id, "")?;
        }
        stream.shutdown(std::net::Shutdown::Both).ok()
    });
    let (done, samples) = run(&mut web, 21);
    assert_eq!(done, Ok(()));
    assert_eq!(
        (samples.count(), samples.failed()),
        (21, 0),
        "{:?}",
        samples.errors
    );
    assert_eq!(samples.reconnects, 10);
}

/// The same for calls that are made one by one, through hyper.
#[test]
fn a_connection_that_was_closed_without_a_word_costs_no_call() {
    let mut web = serve(usize::MAX, |stream, reader| {
        let id = read(reader)?;
        answer(stream, id, "")?;
        stream.shutdown(std::net::Shutdown::Both).ok()
    });
    let stop = AtomicBool::new(false);
    let patience = Patience {
        timeout: Duration::from_secs(60),
        stop: &stop,
    };
    let ping = Template::new(Revision::V2025_11_25, "ping", None, &Arc::default());
    for call in 0..50 {
        let answer = web.call(&ping, patience);
        assert!(answer.is_ok(), "{call}: {answer:?}");
    }
}

#[test]
fn an_answer_with_another_id_is_told() {
    let mut web = serve(usize::MAX, |stream, reader| {
        while let Some(id) = read(reader) {
            answer(stream, id + 1_000, "")?;
        }
        Some(())
    });
    let (done, samples) = run(&mut web, 3);
    assert_eq!(done, Ok(()));
    assert_eq!(samples.errors.get(ASTRAY), Some(&3), "{:?}", samples.errors);
}

#[test]
fn who_never_answers_is_asked_once() {
    let mut web = serve(usize::MAX, |stream, reader| {
        read(reader)?;
        stream.shutdown(std::net::Shutdown::Both).ok()
    });
    let (done, samples) = run(&mut web, 3);
    assert_eq!(done, Ok(()));
    assert_eq!(
        (samples.count(), samples.failed()),
        (0, 3),
        "{:?}",
        samples.errors
    );
}

#[test]
fn a_server_that_is_gone_is_down() {
    let mut web = serve(1, |stream, reader| {
        let id = read(reader)?;
        answer(stream, id, "Connection: close\r\n")
    });
    let (done, samples) = run(&mut web, 20);
    let Down(reason) = done.unwrap_err();
    assert!(reason.contains("again"), "{reason}");
    assert_eq!(samples.count(), 1);
    assert_eq!(samples.errors.get("server gone"), Some(&1));
}
