//! The file behind `--auth`: TOML, checked when the server starts.

use std::path::{Path, PathBuf};

use jsonwebtoken::Algorithm;
use serde::Deserialize;

use super::jwt::{Issuer, Keys};
use super::keys::Described;
use super::{Auth, Role, Scopes};

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no TOML, or has other members than it should.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// What it says makes no sense.
    #[error("{0}")]
    Senseless(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    resource: Option<String>,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes: Scopes,
    #[serde(default)]
    keys: Vec<Described>,
    jwt: Option<Jwt>,
    #[serde(default)]
    certificates: Vec<Certificate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwt {
    issuer: String,
    /// What tokens must be for; the resource, if nothing is said.
    audience: Option<String>,
    algorithm: Algorithm,
    /// A file with a public key in PEM, or
    key: Option<PathBuf>,
    /// a file with a JSON Web Key Set.
    jwks: Option<PathBuf>,
    /// By how many seconds clocks may differ.
    #[serde(default = "usual_leeway")]
    leeway: u64,
}

fn usual_leeway() -> u64 {
    30
}

/// A client certificate that is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Its common name or one of its alternative names.
    pub name: String,
    /// What its owner may do.
    pub role: Role,
}

impl Auth {
    /// Reads the file and those that it names, which are looked for beside it.
    pub fn open(path: &Path) -> Result<Self, AuthError> {
        let text = String::from_utf8(read(path)?);
        let text = text.map_err(|_| AuthError::Senseless("it is not UTF-8".into()))?;
        let file: File = toml::from_str(&text)?;
        let mut servers = file.authorization_servers;
        if let Some(jwt) = &file.jwt
            && servers.is_empty()
        {
            servers.push(jwt.issuer.clone());
        }
        if servers.is_empty() {
            let error = "authorization_servers is missing: clients are told where tokens come from";
            return Err(AuthError::Senseless(error.into()));
        }
        let named = Role::ALL.map(|role| file.scopes.name(role));
        if let Some(name) = named.into_iter().find(|name| !is_scope(name)) {
            return Err(AuthError::Senseless(format!(
                "{name:?} cannot be the name of a scope"
            )));
        }
        let resource = file.resource;
        if let Some(resource) = &resource
            && super::metadata::location(resource).is_none()
        {
            let error = format!("resource is not the URL of an endpoint: {resource:?}");
            return Err(AuthError::Senseless(error));
        }
        let issuer = match file.jwt {
            Some(jwt) => Some(issuer(jwt, resource.as_deref(), path)?),
            None => None,
        };
        let keys: Result<Vec<_>, String> = file.keys.into_iter().map(TryInto::try_into).collect();
        let keys = keys.map_err(AuthError::Senseless)?;
        if keys.is_empty() && issuer.is_none() && file.certificates.is_empty() {
            let error = "it knows nobody: there are no keys, jwt or certificates";
            return Err(AuthError::Senseless(error.into()));
        }
        Ok(Self {
            resource,
            servers,
            scopes: file.scopes,
            keys,
            issuer,
            certificates: file.certificates,
        })
    }
}

/// Whether tokens and challenges can name a scope like that.
fn is_scope(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    !name.is_empty() && name.bytes().all(allowed)
}

fn issuer(jwt: Jwt, resource: Option<&str>, beside: &Path) -> Result<Issuer, AuthError> {
    let wrong = |what: &str| Err(AuthError::Senseless(format!("jwt.{what}")));
    if matches!(
        jwt.algorithm,
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512
    ) {
        return wrong("algorithm must be one with public keys");
    }
    let Some(audience) = jwt.audience.as_deref().or(resource) else {
        return wrong("audience is missing, and so is resource");
    };
    let folder = beside.parent().unwrap_or(Path::new(""));
    let (path, keys) = match (&jwt.key, &jwt.jwks) {
        (Some(path), None) => (
            path,
            Keys::from_pem(jwt.algorithm, &read(&folder.join(path))?),
        ),
        (None, Some(path)) => (
            path,
            Keys::from_jwks(jwt.algorithm, &read(&folder.join(path))?),
        ),
        _ => return wrong("key or jwks is needed, and not both"),
    };
    let keys = keys.map_err(|why| AuthError::Senseless(format!("{}: {why}", path.display())))?;
    Ok(Issuer::new(
        keys,
        jwt.algorithm,
        &jwt.issuer,
        audience,
        jwt.leeway,
    ))
}

fn read(path: &Path) -> Result<Vec<u8>, AuthError> {
    std::fs::read(path).map_err(|source| AuthError::Read {
        path: path.to_owned(),
        source,
    })
}
