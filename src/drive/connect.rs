//! Tries another address of this machine: a server that runs locally should listen at one only.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::Session;
use crate::transcript::{StepRef, What};

/// A connection within one machine takes no time, unless something drops it.
const PATIENCE: Duration = Duration::from_secs(1);

impl Session {
    /// Records whether the port of the endpoint is open at `address`. Nothing is recorded where that would say nothing:
    /// the endpoint is not on this machine, or the machine has no such address.
    pub(super) async fn connect_elsewhere(&mut self, at: StepRef, address: IpAddr) {
        let Some(port) = self.local_port() else {
            return;
        };
        if TcpListener::bind((address, 0)).await.is_err() {
            return;
        }
        let connecting = TcpStream::connect((address, port));
        let connected = tokio::time::timeout(PATIENCE, connecting).await;
        let what = What::Connected {
            address: address.to_string(),
            connected: matches!(connected, Ok(Ok(_))),
            step: at,
        };
        self.record.note(0, what);
    }

    /// The port of an endpoint that is reached by a loopback address.
    fn local_port(&self) -> Option<u16> {
        let (host, port) = self.address.as_ref()?.socket();
        let address = match host {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            host => host.parse().ok()?,
        };
        address.is_loopback().then_some(port)
    }
}
