//! TLS: our certificate, and who the client's says it is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The first byte of every TLS connection: the record type of the handshake.
const HANDSHAKE: u8 = 22;

/// How to serve HTTPS.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct TlsOptions {
    /// Serve HTTPS with this certificate and what leads to its issuer (PEM)
    #[arg(long, value_name = "FILE", requires_all = ["tls_key", "http"])]
    pub tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Serve only clients with a certificate that one of these issued (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_client_ca: Option<PathBuf>,
}

/// Why a file cannot be used for TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It cannot be read, or is no PEM.
    #[error(transparent)]
    Pem(#[from] pem::Error),
    /// It is PEM, but not of what is needed.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// The key does not belong to the certificate, or is of a kind we do not know.
    #[error(transparent)]
    Refused(#[from] rustls::Error),
    /// It names no issuers that clients could be checked against.
    #[error(transparent)]
    Issuers(#[from] VerifierBuilderError),
}

/// Says which file an error is about.
fn in_file<E: Into<TlsError>>(path: &Path) -> impl FnOnce(E) -> crate::Error {
    let path = path.to_owned();
    move |error| crate::Error::Tls {
        path,
        source: error.into(),
    }
}

/// What turns connections into TLS connections, if the options want that.
pub fn acceptor(options: &TlsOptions) -> Result<Option<TlsAcceptor>, crate::Error> {
    let (Some(certificate), Some(key)) = (&options.tls_cert, &options.tls_key) else {
        return Ok(None);
    };
    let chain = certificates(certificate)?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(in_file(key))?;
    let provider = Arc::new(default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(in_file(certificate))?;
    let config = match &options.tls_client_ca {
        None => config.with_no_client_auth(),
        Some(path) => {
            let mut issuers = RootCertStore::empty();
            for issuer in certificates(path)? {
                issuers.add(issuer).map_err(in_file(path))?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(issuers), provider).build();
            config.with_client_cert_verifier(verifier.map_err(in_file(path))?)
        }
    };
    let config = config.with_single_cert(chain, secret);
    let mut config = config.map_err(in_file(key))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, crate::Error> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(in_file(path))?;
    let certificates: Result<Vec<_>, _> = certificates.collect();
    let certificates = certificates.map_err(in_file(path))?;
    match certificates.is_empty() {
        true => Err(in_file(path)(TlsError::NoCertificate)),
        false => Ok(certificates),
    }
}

/// Whom the verified certificate of a client is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The common name, if there is one.
    pub common_name: Option<String>,
    /// The DNS names, e-mail addresses and URIs among the alternative names.
    pub alternative_names: Vec<String>,
}

impl Subject {
    fn read(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let mut common_names = certificate.subject().iter_common_name();
        let common_name = common_names.find_map(|name| name.as_str().ok());
        let alternative = certificate.subject_alternative_name().ok().flatten();
        let alternative = alternative
            .iter()
            .flat_map(|names| &names.value.general_names);
        let alternative_names = alternative.filter_map(|name| match name {
            GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
                Some((*name).to_owned())
            }
            _ => None,
        });
        Some(Self {
            common_name: common_name.map(str::to_owned),
            alternative_names: alternative_names.collect(),
        })
    }
}

/// Shakes hands. A client that speaks plain HTTP is told so in its own language, and is an error.
pub async fn accept(
    acceptor: &TlsAcceptor,
    mut stream: TcpStream,
) -> io::Result<(TlsStream<TcpStream>, Option<Subject>)> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE {
        refuse_plain(&mut stream).await?;
        return Err(io::ErrorKind::InvalidData.into());
    }
    let stream = acceptor.accept(stream).await?;
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    let subject = certificate.and_then(|certificate| Subject::read(certificate));
    Ok((stream, subject))
}

/// Says that this is the wrong protocol, and waits for the client to have read it: closing while
/// there is unread input would reset the connection, and the answer might be lost.
async fn refuse_plain(stream: &mut TcpStream) -> io::Result<()> {
    const ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
        Content-Length: 38\r\nConnection: close\r\n\r\nThis port speaks TLS only: use https.\n";
    stream.write_all(ANSWER).await?;
    stream.shutdown().await?;
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}
