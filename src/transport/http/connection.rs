//! Connections to one HTTP endpoint: addresses, TCP with and without TLS, and the idle ones.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::super::HttpRequest;

/// Something that requests can be sent on.
pub type Sender = http1::SendRequest<Full<Bytes>>;

/// The endpoint, taken apart once.
pub struct Address {
    url: Url,
    host: String,
    authority: String,
    port: u16,
    tls: Option<TlsConnector>,
    /// Connect there instead: somebody passes on what is sent.
    via: Option<SocketAddr>,
}

/// A URL that is no MCP endpoint.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It does not parse.
    #[error("{url:?} is not a URL ({source}); write it like http://127.0.0.1:3000/mcp")]
    Syntax {
        /// The text.
        url: String,
        /// What is wrong.
        source: url::ParseError,
    },
    /// Neither http nor https, or no host.
    #[error("{0:?} is not an http:// or https:// URL with a host")]
    Scheme(String),
}

/// A reference that leads to no place on the same server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// It is no URI.
    #[error("{0:?} is no URI")]
    Syntax(String),
    /// It leads to another scheme, host or port.
    #[error("{0} is of another origin")]
    Elsewhere(String),
}

impl Address {
    /// Parses an `http` or `https` URL.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let url = Url::parse(text).map_err(|source| AddressError::Syntax {
            url: text.to_owned(),
            source,
        })?;
        let tls = match url.scheme() {
            "http" => None,
            "https" => Some(tls_connector()),
            _ => return Err(AddressError::Scheme(text.to_owned())),
        };
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(AddressError::Scheme(text.to_owned()));
        };
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Address {
            host,
            authority,
            port,
            tls,
            url,
            via: None,
        })
    }

    /// The path and query that a reference of the server leads to.
    ///
    /// # Errors
    /// Where it is no reference, or leads to another origin: nothing of ours is sent there.
    pub fn resolve(&self, reference: &str) -> Result<String, ResolveError> {
        let url = self
            .url
            .join(reference)
            .map_err(|_| ResolveError::Syntax(reference.to_owned()))?;
        if url.origin() != self.url.origin() {
            return Err(ResolveError::Elsewhere(reference.to_owned()));
        }
        Ok(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
    }

    /// The path, empty at the root.
    pub fn path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// Path and query with a token where it must not be.
    pub fn path_with_token(&self, token: &str) -> String {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("access_token", token);
        url[url::Position::BeforePath..url::Position::AfterQuery].to_owned()
    }

    /// The host, without brackets, and the port.
    pub fn socket(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// The path and query that requests name.
    pub fn target(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    /// The host and port that requests name.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether connections are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Who passes on what is sent, if anybody does.
    pub fn relayed(&self) -> Option<SocketAddr> {
        self.via
    }

    /// The same, reached by somebody who passes on what is sent.
    pub fn via(self: &Arc<Self>, via: SocketAddr) -> Address {
        Address {
            url: self.url.clone(),
            host: self.host.clone(),
            authority: self.authority.clone(),
            port: self.port,
            tls: self.tls.clone(),
            via: Some(via),
        }
    }

    /// The request as hyper sends it. `Host` is ours unless the headers have one.
    pub(super) fn request(
        &self,
        request: &HttpRequest,
    ) -> Result<hyper::Request<Full<Bytes>>, String> {
        let target = request.path.clone().unwrap_or_else(|| self.target());
        let mut builder = hyper::Request::builder()
            .method(request.method.as_str())
            .uri(target);
        if !request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            builder = builder.header("Host", &self.authority);
        }
        for (name, value) in &request.headers {
            builder = builder.header(name, value.as_bytes());
        }
        builder
            .body(Full::new(request.body.clone()))
            .map_err(|error| format!("not a request that HTTP can carry: {error}"))
    }
}

fn tls_connector() -> TlsConnector {
    let mut roots = RootCertStore::empty();
    // The system's certificates, or those of SSL_CERT_FILE. Without any, the handshake says which issuer is unknown.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// The idle connections to one address.
pub struct Connections {
    address: Arc<Address>,
    idle: Mutex<Vec<Sender>>,
}

impl Connections {
    pub fn new(address: Arc<Address>) -> Connections {
        Connections {
            address,
            idle: Mutex::default(),
        }
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    /// An idle connection that still seems to be open.
    pub fn idle(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|sender| !sender.is_closed());
        let ready = idle.iter().rposition(Sender::is_ready)?;
        Some(idle.remove(ready))
    }

    pub fn give_back(&self, sender: Sender) {
        if !sender.is_closed() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(sender);
        }
    }

    pub async fn open(&self) -> Result<Sender, String> {
        Ok(open(&self.address).await?.sender)
    }
}

/// A new connection, and how long it took.
pub struct Opened {
    /// What requests can be sent on.
    pub sender: Sender,
    /// Until it stood.
    pub tcp: Duration,
    /// And until it was encrypted.
    pub tls: Option<Duration>,
}

/// Connects to an address.
///
/// # Errors
/// Where nobody is there, or the encryption fails; the text says which.
pub async fn open(address: &Address) -> Result<Opened, String> {
    let began = Instant::now();
    let connecting = match address.via {
        Some(via) => TcpStream::connect(via).await,
        None => TcpStream::connect(address.socket()).await,
    };
    let stream =
        connecting.map_err(|error| format!("connecting to {}: {error}", address.authority))?;
    // Or Nagle's algorithm delays what we measure.
    let _ = stream.set_nodelay(true);
    let tcp = began.elapsed();
    let Some(tls) = &address.tls else {
        let sender = handshake(TokioIo::new(stream)).await?;
        return Ok(Opened {
            sender,
            tcp,
            tls: None,
        });
    };
    let name = ServerName::try_from(address.host.clone()).map_err(|error| error.to_string())?;
    let stream = tls
        .connect(name, stream)
        .await
        .map_err(|error| tls_refusal(&error))?;
    let tls = Some(began.elapsed() - tcp);
    let sender = handshake(TokioIo::new(stream)).await?;
    Ok(Opened { sender, tcp, tls })
}

/// What TLS says, and what to do about it.
const TLS_REMEDIES: [(&str, &str); 4] = [
    (
        "InvalidContentType",
        "the server does not seem to speak TLS: try http://",
    ),
    (
        "UnknownIssuer",
        "set SSL_CERT_FILE to a file with the certificate of its authority, in PEM",
    ),
    (
        "NotValidForName",
        "use a name in the URL that its certificate is for",
    ),
    ("Expired", "its certificate has to be renewed"),
];

fn tls_refusal(error: &std::io::Error) -> String {
    let text = error.to_string();
    let mut remedies = TLS_REMEDIES.iter();
    match remedies.find(|(says, _)| text.contains(says)) {
        Some((_, remedy)) => format!("TLS: {text} ({remedy})"),
        None => format!("TLS: {text}"),
    }
}

async fn handshake(
    io: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
) -> Result<Sender, String> {
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(1 << 20)
        .handshake(io)
        .await
        .map_err(|error| super::describe(&error))?;
    tokio::spawn(connection);
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_stay_on_the_server() {
        let address = Address::parse("http://127.0.0.1:8080/a/sse?x=1").unwrap();
        let table = [
            ("/messages?session=1", "/messages?session=1"),
            ("messages/?a=b#c", "/a/messages/?a=b"),
            ("?session=1", "/a/sse?session=1"),
            ("http://127.0.0.1:8080/m", "/m"),
            ("HTTP://127.0.0.1:8080", "/"),
            ("/a b", "/a%20b"),
        ];
        for (reference, expected) in table {
            assert_eq!(address.resolve(reference).as_deref(), Ok(expected));
        }
        for reference in [
            "http://127.0.0.1/m",
            "https://127.0.0.1:8080/m",
            "//example.org/m",
            "file:///m",
            "data:,m",
        ] {
            assert_eq!(
                address.resolve(reference),
                Err(ResolveError::Elsewhere(reference.to_owned()))
            );
        }
        assert!(matches!(
            address.resolve("http://[::1/"),
            Err(ResolveError::Syntax(_))
        ));
    }
}
