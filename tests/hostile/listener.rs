//! What can be at the other end of a URL.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Serves every connection like this, on threads that end with the test, and returns the address.
pub fn listen(serve: fn(TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || serve(connection));
        }
    });
    address
}

/// Where nobody listens.
pub fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}

/// Waits for a request, and answers it with these bytes.
fn respond(mut connection: TcpStream, response: &str) {
    let _ = connection.read(&mut [0; 64 << 10]);
    let _ = connection.write_all(response.as_bytes());
    // What is still unread would turn the end into a reset, which may overtake the response.
    let _ = connection.shutdown(std::net::Shutdown::Write);
    let _ = connection.read(&mut [0; 64 << 10]);
}

pub fn not_found(connection: TcpStream) {
    respond(
        connection,
        "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot Found",
    );
}

pub fn redirect(connection: TcpStream) {
    respond(
        connection,
        "HTTP/1.1 308 Permanent Redirect\r\nLocation: /mcp/\r\nContent-Length: 0\r\n\r\n",
    );
}

pub fn unauthorized(connection: TcpStream) {
    let challenge =
        "Bearer resource_metadata=\"http://127.0.0.1/.well-known/oauth-protected-resource\"";
    let head = format!(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n"
    );
    respond(connection, &head);
}

pub fn internal_error(connection: TcpStream) {
    respond(
        connection,
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\noops",
    );
}

pub fn web_page(connection: TcpStream) {
    let page = "<!doctype html><title>It works</title>";
    let length = page.len();
    respond(
        connection,
        &format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{page}"
        ),
    );
}

pub fn another_protocol(connection: TcpStream) {
    respond(connection, "220 mail.example.org ESMTP ready\r\n");
}

/// Also what a TLS client finds at a plain server.
pub fn bad_request(connection: TcpStream) {
    respond(
        connection,
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
}

/// Hears the request, and has nothing to say.
pub fn close(mut connection: TcpStream) {
    let _ = connection.read(&mut [0; 64 << 10]);
}

pub fn never_answer(connection: TcpStream) {
    std::thread::sleep(Duration::from_secs(600));
    drop(connection);
}

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

/// An event stream on which the answer never comes.
pub fn endless_stream(mut connection: TcpStream) {
    let _ = connection.read(&mut [0; 64 << 10]);
    let mut going = connection.write_all(STREAM.as_bytes());
    while going.is_ok() {
        std::thread::sleep(Duration::from_millis(5));
        going = connection.write_all(b": still here\n\n");
    }
}

/// Events without end, and none of them the answer.
pub fn endless_events(mut connection: TcpStream) {
    let _ = connection.read(&mut [0; 64 << 10]);
    let event = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\n";
    let events = event.repeat(100);
    let mut going = connection.write_all(STREAM.as_bytes());
    while going.is_ok() {
        going = connection.write_all(events.as_bytes());
    }
}

/// One event that never ends, at a pace at which the time of a request is over long before the limit of an event.
pub fn endless_event(mut connection: TcpStream) {
    let _ = connection.read(&mut [0; 64 << 10]);
    let mut going = connection
        .write_all(STREAM.as_bytes())
        .and_then(|()| connection.write_all(b"data: "));
    let piece = [b'x'; 64 << 10];
    while going.is_ok() {
        std::thread::sleep(Duration::from_millis(5));
        going = connection.write_all(&piece);
    }
}

/// Refuses a POST, as servers of HTTP+SSE do; opens an event stream on GET, and goes on like this.
fn http_sse(
    mut connection: TcpStream,
    goes_on: impl FnOnce(&mut TcpStream) -> std::io::Result<()>,
) {
    let mut request = [0; 64 << 10];
    let length = connection.read(&mut request).unwrap_or(0);
    if !request[..length].starts_with(b"GET ") {
        let refusal =
            "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let _ = connection.write_all(refusal.as_bytes());
        return;
    }
    let opened = connection.write_all(STREAM.as_bytes());
    let _ = opened.and_then(|()| goes_on(&mut connection));
}

/// Never says where to post.
pub fn sse_no_endpoint(connection: TcpStream) {
    http_sse(connection, |connection| {
        loop {
            connection.write_all(b": still here\n\n")?;
            std::thread::sleep(Duration::from_millis(5));
        }
    });
}

/// Opens the stream, says this, and nothing more.
fn sse_says(connection: TcpStream, event: &[u8]) {
    http_sse(connection, |connection| {
        connection.write_all(event)?;
        std::thread::sleep(Duration::from_secs(600));
        Ok(())
    });
}

/// Sends us to a stranger.
pub fn sse_endpoint_elsewhere(connection: TcpStream) {
    sse_says(
        connection,
        b"event: endpoint\ndata: http://stranger.example/messages\n\n",
    );
}

/// Says where to post in no address at all.
pub fn sse_endpoint_garbage(connection: TcpStream) {
    sse_says(
        connection,
        b"event: endpoint\ndata: http://[::1/messages\n\n",
    );
}

/// Puts a header of ours into the address, and accepts what is posted there without ever answering.
pub fn sse_tells_secret(connection: TcpStream) {
    let mut request = vec![0; 64 << 10];
    let length = connection.peek(&mut request).unwrap_or(0);
    if request[..length].starts_with(b"POST /messages") {
        return respond(
            connection,
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
        );
    }
    let text = String::from_utf8_lossy(&request[..length]).to_lowercase();
    let key = text.lines().find_map(|line| line.strip_prefix("x-key: "));
    let event = format!(
        "event: endpoint\ndata: /messages?key={}\n\n",
        key.unwrap_or_default()
    );
    sse_says(connection, event.as_bytes());
}

/// Hangs up as soon as the stream is open.
pub fn sse_closes_at_once(connection: TcpStream) {
    http_sse(connection, |_| Ok(()));
}

/// Says where to post, and refuses what is posted there.
pub fn sse_refuses_posts(connection: TcpStream) {
    sse_says(connection, b"event: endpoint\ndata: /messages\n\n");
}

/// The endpoint event never ends.
pub fn sse_endless_event(connection: TcpStream) {
    http_sse(connection, |connection| {
        connection.write_all(b"event: endpoint\ndata: /")?;
        loop {
            connection.write_all(&[b'x'; 64 << 10])?;
        }
    });
}

/// GET brings a page that never ends.
pub fn sse_endless_page(mut connection: TcpStream) {
    let mut request = [0; 64 << 10];
    let length = connection.read(&mut request).unwrap_or(0);
    let head = match request[..length].starts_with(b"GET ") {
        true => "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
        false => {
            "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        }
    };
    let mut going = connection.write_all(head.as_bytes());
    while going.is_ok() && head.contains("200") {
        going = connection.write_all(b"<p>more</p>\n");
    }
}
