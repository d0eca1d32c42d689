//! The floors: what answers with the bytes that it got. Each is a process of its own, this program again.

use std::convert::Infallible;
use std::io::{BufRead, Write};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

/// Each line of the input comes back, from one thread that blocks.
pub fn pipe_echo() {
    echo(std::io::stdin().lock(), std::io::stdout().lock());
}

/// The same over one connection.
pub fn tcp_echo() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    println!("{}", listener.local_addr().unwrap());
    let (stream, _) = listener.accept().unwrap();
    stream.set_nodelay(true).unwrap();
    let input = std::io::BufReader::with_capacity(64 << 10, stream.try_clone().unwrap());
    echo(input, stream);
}

fn echo(mut input: impl BufRead, mut output: impl Write) {
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
        output.write_all(&line).unwrap();
        output.flush().unwrap();
        line.clear();
    }
}

/// The body of each request comes back, from tokio's usual runtime: where the server has one processor, that is one thread, as
/// the reference server has.
pub fn hyper_echo() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        println!("{}", listener.local_addr().unwrap());
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service_fn(answer)),
            );
        }
    });
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut response = Response::new(Full::new(body));
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    Ok(response)
}
