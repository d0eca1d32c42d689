//! A session with one target, ready for calls.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::http::Web;
use super::message::Template;
use super::pace::{Load, Patience};
use super::samples::Samples;
use super::stdio::Pipe;
use crate::revision::{Era, Revision, legacy};
use crate::target::CommandLine;
use crate::transport::Transport;
use crate::transport::http::Address;

/// How long a process may take to answer a `ping` before the handshake.
const READY: Duration = Duration::from_secs(5);

/// A server that is not there any more; the text says how that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Down(pub String);

/// A call without a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The server is not there any more.
    #[error(transparent)]
    Down(#[from] Down),
    /// The server said no: of which kind, and in which words.
    #[error("{0}: {1}")]
    Refused(String, String),
    /// The connection broke before there was an answer.
    #[error("{0}")]
    Broken(String),
    /// No answer came, or none that could be used.
    #[error("{0}")]
    Failed(String),
}

impl CallError {
    /// It took too long.
    pub fn timeout() -> CallError {
        CallError::Failed("timeout".to_owned())
    }

    /// The user did not want to wait any longer.
    pub fn interrupted() -> CallError {
        CallError::Failed("interrupted".to_owned())
    }

    /// What it is counted as.
    pub fn kind(&self) -> &str {
        match self {
            CallError::Down(_) => "server gone",
            CallError::Refused(kind, _) | CallError::Broken(kind) | CallError::Failed(kind) => kind,
        }
    }

    /// The same as the end of everything.
    pub fn down(self) -> Down {
        match self {
            CallError::Down(down) => down,
            other => Down(other.to_string()),
        }
    }
}

/// What came of a call that was answered with a result.
#[derive(Debug, Clone)]
pub struct Answer {
    /// When the first message came.
    pub first: Duration,
    /// When the answer was there.
    pub last: Duration,
    /// How many messages came, the answer included.
    pub events: u64,
    /// The answer.
    pub message: Bytes,
}

/// How a target is reached, once it is known where.
#[derive(Clone)]
pub enum Reach {
    /// A process to be started.
    Stdio(CommandLine),
    /// A server that listens, and the headers for each request.
    Http(Arc<Address>, Vec<(String, String)>),
}

/// A session with a target.
pub enum Lane {
    /// Over standard streams.
    Stdio(Box<Pipe>),
    /// Over HTTP.
    Http(Box<Web>),
}

impl Lane {
    /// Connects, and opens a session if the revision has such.
    ///
    /// # Errors
    /// Where that fails.
    pub fn open(
        reach: &Reach,
        revision: Revision,
        patience: Patience<'_>,
    ) -> Result<Lane, CallError> {
        let mut lane = Lane::connect(reach)?;
        lane.shake_hands(revision, patience)?;
        Ok(lane)
    }

    /// Starts or reaches the server, and says nothing yet.
    ///
    /// # Errors
    /// Where that fails.
    pub fn connect(reach: &Reach) -> Result<Lane, Down> {
        Ok(match reach {
            Reach::Stdio(command) => {
                let pipe = Pipe::start(command).map_err(|error| Down(error.to_string()))?;
                Lane::Stdio(Box::new(pipe))
            }
            Reach::Http(address, headers) => {
                Lane::Http(Box::new(Web::new(address.clone(), headers)?))
            }
        })
    }

    /// Gets ready for the handshake: waits until a process answers a `ping`, which is allowed before it, or connects.
    ///
    /// # Errors
    /// Where that fails.
    pub fn warm(&mut self, revision: Revision, patience: Patience<'_>) -> Result<(), CallError> {
        match self {
            Lane::Http(web) => Ok(web.connect()?),
            Lane::Stdio(pipe) => {
                let ping = Template::new(revision, legacy::ALIVE, None, &Arc::default());
                match pipe.call(&ping, patience.at_most(READY)) {
                    // A refusal shows as well that somebody is there.
                    Ok(_) | Err(CallError::Refused(..)) => Ok(()),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Opens a session if the revision has such.
    ///
    /// # Errors
    /// Where that fails.
    pub fn shake_hands(
        &mut self,
        revision: Revision,
        patience: Patience<'_>,
    ) -> Result<(), CallError> {
        match self {
            Lane::Http(web) => web.open(revision, patience),
            Lane::Stdio(_) if revision.era() == Era::Modern => Ok(()),
            Lane::Stdio(pipe) => {
                let params = legacy::initialize(revision, &serde_json::json!({}));
                let initialize =
                    Template::new(revision, "initialize", Some(params), &Arc::default());
                pipe.call(&initialize, patience)?;
                pipe.notify(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)?;
                Ok(())
            }
        }
    }

    /// One call.
    ///
    /// # Errors
    /// Where it has no result.
    pub fn call(
        &mut self,
        template: &Template,
        patience: Patience<'_>,
    ) -> Result<Answer, CallError> {
        match self {
            Lane::Stdio(pipe) => pipe.call(template, patience),
            Lane::Http(web) => web.call(template, patience),
        }
    }

    /// Calls for some time.
    ///
    /// # Errors
    /// Where the server is gone. What was measured until then is in the samples.
    pub fn run(
        &mut self,
        template: &Template,
        load: Load<'_>,
        samples: &mut Samples,
    ) -> Result<(), Down> {
        match self {
            Lane::Stdio(pipe) => pipe.run(template, load, samples),
            Lane::Http(web) => web.run(template, load, samples),
        }
    }

    /// The number of the process, if it belongs to the session.
    pub fn pid(&self) -> Option<u32> {
        match self {
            Lane::Stdio(pipe) => Some(pipe.group().pid()),
            Lane::Http(_) => None,
        }
    }

    /// The transport spoken.
    pub fn transport(&self) -> Transport {
        match self {
            Lane::Stdio(_) => Transport::Stdio,
            Lane::Http(_) => Transport::Http,
        }
    }

    /// Ends the session, and its process.
    pub fn close(self, patience: Patience<'_>) {
        match self {
            Lane::Http(web) => web.close(patience),
            Lane::Stdio(pipe) => pipe.close(),
        }
    }
}
