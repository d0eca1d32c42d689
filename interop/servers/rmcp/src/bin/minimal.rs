//! The least one can do with the SDK: one tool, nothing else. Speed and memory are compared with it.
//!
//! `interop-rmcp-minimal stdio`, `http` (as axum::serve gives it) or `http-nodelay`; over HTTP a free port is taken.

use std::error::Error;

use axum::serve::ListenerExt;
use rmcp::{
    ServerHandler, ServiceExt, tool, tool_handler, tool_router,
    transport::{
        stdio,
        streamable_http_server::{StreamableHttpService, session::local::LocalSessionManager},
    },
};

#[derive(Clone)]
struct Minimal;

#[tool_router]
impl Minimal {
    /// Returns a text
    #[tool]
    fn test_simple_text(&self) -> String {
        "This is a simple text response for testing.".into()
    }
}

#[tool_handler]
impl ServerHandler for Minimal {}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mode = std::env::args().nth(1).unwrap_or_default();
    if mode == "stdio" {
        Minimal.serve(stdio()).await?.waiting().await?;
        return Ok(());
    }
    let service: StreamableHttpService<Minimal, LocalSessionManager> =
        StreamableHttpService::new(|| Ok(Minimal), Default::default(), Default::default());
    let router = axum::Router::new().nest_service("/mcp", service);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("listening on http://{}/mcp", listener.local_addr()?);
    match mode.as_str() {
        "http" => axum::serve(listener, router).await?,
        "http-nodelay" => {
            let listener = listener.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            axum::serve(listener, router).await?;
        }
        _ => return Err("usage: interop-rmcp-minimal stdio | http | http-nodelay".into()),
    }
    Ok(())
}
