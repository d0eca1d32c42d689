//! HTTPS, with certificates of our own making.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use common::{Http, Response, initialize, modern};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::json;
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A folder with an authority and what it issued.
struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Self {
            folder: tempfile::tempdir().unwrap(),
            issuer,
        };
        authority.write("ca.pem", &authority.issuer.pem());
        authority
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Issues NAME.pem and NAME.key for a common name and an address.
    fn issue(&self, name: &str) {
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        self.write(&format!("{name}.pem"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    /// The arguments of a server with the certificate "server".
    fn serving(&self) -> Vec<String> {
        self.issue("server");
        let option = |name: &str, file: &str| {
            let path = self.path(file).to_str().unwrap().to_owned();
            [name.to_owned(), path]
        };
        [
            option("--tls-cert", "server.pem"),
            option("--tls-key", "server.key"),
        ]
        .concat()
    }

    fn start(&self, more: &[&str]) -> Http {
        let arguments = self.serving();
        let arguments = arguments.iter().map(String::as_str);
        Http::start(&arguments.chain(more.iter().copied()).collect::<Vec<_>>())
    }

    /// A connection that trusts this authority, with the certificate of that name.
    fn connect(
        &self,
        server: &Http,
        name: Option<&str>,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match name {
            None => config.with_no_client_auth(),
            Some(name) => {
                let certificate = CertificateDer::from_pem_file(self.path(&format!("{name}.pem")));
                let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key")));
                config
                    .with_client_auth_cert(vec![certificate.unwrap()], key.unwrap())
                    .unwrap()
            }
        };
        let peer = ServerName::try_from("127.0.0.1").unwrap();
        let session = ClientConnection::new(Arc::new(config), peer).unwrap();
        StreamOwned::new(session, server.connect())
    }
}

fn discover(server: &Http) -> Vec<u8> {
    let headers = [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "server/discover"),
    ];
    let message = modern(1, "server/discover", json!({}));
    server.bytes("POST", &headers, &message.to_string())
}

#[test]
fn both_eras_are_served_encrypted() {
    let authority = Authority::new();
    let server = authority.start(&[]);
    for request in [
        discover(&server),
        server.bytes("POST", &[], &initialize("2025-11-25").to_string()),
    ] {
        let mut stream = authority.connect(&server, None);
        stream.write_all(&request).unwrap();
        let response = Response::read(stream);
        assert_eq!(response.status, 200);
        assert!(response.json()["result"].is_object());
    }
}

#[test]
fn a_client_that_speaks_plain_http_is_told_so() {
    let authority = Authority::new();
    let server = authority.start(&[]);
    let refused = server.request("POST", &[], &"x".repeat(100_000));
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("https"), "{}", refused.body);
    let mut stream = authority.connect(&server, None);
    stream.write_all(&discover(&server)).unwrap();
    assert_eq!(
        Response::read(stream).status,
        200,
        "and the next caller is served"
    );
}

#[test]
fn a_client_that_does_not_shake_hands_is_dropped() {
    let authority = Authority::new();
    let server = authority.start(&["--client-timeout", "0.5"]);
    let (silent, mut begun) = (server.connect(), server.connect());
    begun.write_all(&[22, 3, 1]).unwrap();
    for mut stream in [silent, begun] {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    let mut stream = authority.connect(&server, None);
    stream.write_all(&discover(&server)).unwrap();
    assert_eq!(Response::read(stream).status, 200);
}

#[test]
fn with_a_client_authority_only_its_clients_are_served() {
    let (authority, other) = (Authority::new(), Authority::new());
    let ca = authority.path("ca.pem");
    let mut server =
        authority.start(&["--log", "messages", "--tls-client-ca", ca.to_str().unwrap()]);
    authority.issue("alice");
    other.issue("mallory");
    fs::copy(other.path("mallory.pem"), authority.path("mallory.pem")).unwrap();
    fs::copy(other.path("mallory.key"), authority.path("mallory.key")).unwrap();
    for name in [None, Some("mallory")] {
        let mut stream = authority.connect(&server, name);
        // With TLS 1.3 the refusal may come before or after the request.
        let refused = stream.write_all(&discover(&server)).and_then(|()| {
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).map(|_| ())
        });
        assert!(refused.is_err(), "{name:?}");
    }
    let mut stream = authority.connect(&server, Some("alice"));
    stream.write_all(&discover(&server)).unwrap();
    assert_eq!(Response::read(stream).status, 200);
    let mut log = server.log();
    let request = log.find(|line| line.contains("POST")).unwrap();
    assert!(request.contains("\"alice\""), "{request}");
}

#[test]
fn a_certificate_says_who_asks_and_what_they_may() {
    let authority = Authority::new();
    authority.write(
        "auth.toml",
        "authorization_servers = [\"https://auth.example\"]\n\
         [[certificates]]\nname = \"alice\"\nrole = \"writer\"",
    );
    let [ca, auth] = ["ca.pem", "auth.toml"].map(|name| authority.path(name));
    let (ca, auth) = (ca.to_str().unwrap(), auth.to_str().unwrap());
    let server = authority.start(&["--log", "off", "--tls-client-ca", ca, "--auth", auth]);
    let ask = |name: &str, sql: &str| {
        authority.issue(name);
        let call = json!({"name": "query_database", "arguments": {"sql": sql}});
        let headers = [
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", "query_database"),
        ];
        let message = modern(1, "tools/call", call).to_string();
        let mut stream = authority.connect(&server, Some(name));
        stream
            .write_all(&server.bytes("POST", &headers, &message))
            .unwrap();
        Response::read(stream)
    };
    assert_eq!(ask("alice", "UPDATE products SET stock = 1").status, 200);
    assert_eq!(ask("alice", "DROP TABLE orders").status, 403);
    let stranger = ask("bob", "SELECT 1");
    assert_eq!(stranger.status, 401, "a certificate alone is not enough");
    let challenge = stranger.header("www-authenticate").unwrap();
    let metadata = format!(
        "https://{}/.well-known/oauth-protected-resource/mcp",
        server.address
    );
    assert!(challenge.contains(&metadata), "{challenge}");
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let authority = Authority::new();
    let good = authority.serving();
    authority.write("empty.pem", "");
    authority.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA");
    authority.issue("other");
    let [empty, broken, missing, key] =
        ["empty.pem", "broken.pem", "missing.pem", "other.key"].map(|name| authority.path(name));
    let cases: [(usize, &Path); 7] = [
        (1, &empty),
        (1, &broken),
        (1, &missing),
        (3, &empty),
        (3, &missing),
        (3, &key),
        (5, &empty),
    ];
    for (position, file) in cases {
        let mut arguments = good.clone();
        arguments.extend(["--tls-client-ca".to_owned(), good[1].clone()]);
        arguments[position] = file.to_str().unwrap().to_owned();
        let output = Command::new(env!("CARGO_BIN_EXE_mcp-reference-server"))
            .args(["--http", "127.0.0.1:0"])
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(&format!("cannot use {}: ", file.display())),
            "{said}"
        );
    }
}
