//! A new connection for each call.

use super::{Sight, share};
use crate::bench::report::{Connecting, Diagnosis};
use crate::bench::text::{number, time};

/// So many of the calls need a new connection.
const MOST: f64 = 0.9;

pub(super) fn diagnose(sight: &Sight<'_>) -> Option<Diagnosis> {
    if sight.is_stdio() {
        return None;
    }
    let mut evidence: Vec<String> = sight
        .results()
        // One more for each caller was there before.
        .filter(|result| share(result.reconnects, result.count) >= MOST)
        .map(|result| {
            let [calls, opened] = [result.count, result.reconnects].map(|n| number(n as f64));
            format!(
                "{}: {calls} calls needed {opened} more connections",
                result.load()
            )
        })
        .collect();
    let costs = sight.report.connections.iter();
    let costs = costs.filter(|cost| cost.target == sight.target.name);
    evidence.extend(costs.filter(|cost| cost.closed_by_server).map(closed));
    let text = "Each call needs a new connection: the server closes it after the answer. With keep-alive, which is the \
                rule in HTTP/1.1, calls would not pay for connecting, least of all with TLS or over a long way.";
    (!evidence.is_empty()).then(|| sight.diagnosis("connection-per-call", text, evidence))
}

fn closed(cost: &Connecting) -> String {
    let way = if cost.tls { "TCP and TLS" } else { "TCP" };
    let tls = cost.tls_us.map_or(0.0, |tls| tls.p50);
    let connecting = time(cost.tcp_us.p50 + tls);
    format!("the server closed a connection that was to be kept; {way} takes {connecting}, about")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{connecting, http, only, result};

    const ID: &str = "connection-per-call";

    #[test]
    fn as_many_connections_as_calls() {
        let mut closes = result(8, 0).times(&[(500.0, 100)]);
        closes.reconnects = 99;
        let diagnosis = only(&http([closes]), ID).unwrap();
        assert_eq!(
            diagnosis.evidence,
            ["ping, 8 at a time: 100 calls needed 99 more connections"]
        );
    }

    #[test]
    fn a_connection_that_breaks_now_and_then() {
        let mut breaks = result(8, 0).times(&[(500.0, 100)]);
        breaks.reconnects = 10;
        assert_eq!(only(&http([breaks]), ID), None);
    }

    #[test]
    fn the_server_closes() {
        let mut report = http([result(1, 0).times(&[(500.0, 100)])]);
        report.connections = vec![connecting(900.0, 500.0)];
        assert_eq!(only(&report, ID), None);
        report.connections[0].closed_by_server = true;
        let diagnosis = only(&report, ID).unwrap();
        assert_eq!(
            diagnosis.evidence,
            ["the server closed a connection that was to be kept; TCP takes 50.0 µs, about"]
        );
    }
}
