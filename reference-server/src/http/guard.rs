//! Protection against DNS rebinding: a web page must not reach a local server through a browser.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#security--endpoint>

use std::net::{IpAddr, SocketAddr};

use hyper::http::{HeaderMap, Uri, header};

use super::body::Response;
use super::respond;
use crate::faults::{F, Faults};
use crate::jsonrpc::ErrorObject;
use crate::options::Options;

/// Knows which origins and hosts are welcome.
pub struct Guard {
    origins: Vec<String>,
    hosts: Vec<String>,
}

impl Guard {
    /// Local origins, `localhost` and IP addresses are welcome, and what the options name.
    pub fn new(options: &Options) -> Self {
        Self {
            origins: options.allow_origins.clone(),
            hosts: options.allow_hosts.clone(),
        }
    }

    /// Refuses a request from or for the wrong place.
    pub fn check(&self, faults: &Faults, headers: &HeaderMap) -> Result<(), Box<Response>> {
        if faults.has(F::OriginUnchecked) {
            return Ok(());
        }
        let text = |name| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap_or("\0"))
        };
        let origin = text(header::ORIGIN).is_none_or(|origin| self.knows_origin(origin));
        if !origin {
            let status = if faults.has(F::OriginStatus) {
                400
            } else {
                403
            };
            let error = ErrorObject::invalid_request("this Origin is not welcome");
            return Err(Box::new(respond::refused(
                faults,
                None,
                error.status(status),
            )));
        }
        let host = text(header::HOST).is_some_and(|host| self.knows_host(host));
        if !host {
            let error = ErrorObject::invalid_request("this Host is not served here");
            return Err(Box::new(respond::refused(faults, None, error.status(403))));
        }
        Ok(())
    }

    fn knows_origin(&self, origin: &str) -> bool {
        let local = |uri: Uri| {
            let web = matches!(uri.scheme_str(), Some("http" | "https"));
            web && uri.host().is_some_and(is_loopback)
        };
        self.origins.iter().any(|known| known == origin) || origin.parse().is_ok_and(local)
    }

    /// A rebound name is a name: whoever connects by address has not been fooled.
    fn knows_host(&self, host: &str) -> bool {
        if host.parse::<SocketAddr>().is_ok() {
            return true;
        }
        let Some(name) = host
            .parse::<Uri>()
            .ok()
            .and_then(|uri| uri.host().map(str::to_owned))
        else {
            return false;
        };
        let known = self
            .hosts
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&name));
        known || name.eq_ignore_ascii_case("localhost") || address(&name).is_some()
    }
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || address(host).is_some_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_origins_and_hosts_are_known() {
        let guard = Guard {
            origins: vec!["https://app.example".into()],
            hosts: vec!["mcp.example".into()],
        };
        for origin in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:8080",
            "https://app.example",
        ] {
            assert!(guard.knows_origin(origin), "{origin}");
        }
        for origin in [
            "null",
            "http://evil.example",
            "http://localhost.evil.example",
            "file://localhost",
            "\0",
        ] {
            assert!(!guard.knows_origin(origin), "{origin}");
        }
        for host in [
            "localhost:1",
            "127.0.0.1:80",
            "[::1]:80",
            "192.0.2.1",
            "MCP.example",
        ] {
            assert!(guard.knows_host(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:80", "", "\0"] {
            assert!(!guard.knows_host(host), "{host}");
        }
    }
}
