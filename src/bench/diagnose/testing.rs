//! Made-up measurements.

use std::collections::BTreeMap;

use super::diagnose;
use crate::bench::report::{
    BenchReport, BenchResult, BenchTarget, Bucket, Connecting, Diagnosis, Latency, Listing,
};
use crate::revision::Revision;
use crate::target::TargetInfo;
use crate::transport::Transport;

/// The diagnosis of that kind, if there is one.
pub fn only(report: &BenchReport, id: &str) -> Option<Diagnosis> {
    diagnose(report).into_iter().find(|found| found.id == id)
}

pub fn http(results: impl IntoIterator<Item = BenchResult>) -> BenchReport {
    over(Transport::Http, results)
}

pub fn stdio(results: impl IntoIterator<Item = BenchResult>) -> BenchReport {
    over(Transport::Stdio, results)
}

fn over(transport: Transport, results: impl IntoIterator<Item = BenchResult>) -> BenchReport {
    BenchReport {
        targets: vec![BenchTarget {
            name: "a".into(),
            transport,
            info: TargetInfo::default(),
            implementation: None,
            server: None,
        }],
        results: results
            .into_iter()
            .map(|result| BenchResult {
                transport,
                ..result
            })
            .collect(),
        ..BenchReport::default()
    }
}

pub fn result(concurrency: usize, payload: usize) -> BenchResult {
    BenchResult {
        target: "a".into(),
        transport: Transport::Http,
        revision: Revision::V2025_11_25,
        call: "ping".into(),
        concurrency,
        payload,
        count: 0,
        errors: 0,
        throughput_per_s: 0.0,
        latency_us: Latency::default(),
        seconds: 1.0,
        rate_per_s: None,
        unsent: 0,
        errors_by_kind: BTreeMap::new(),
        request_bytes: 40,
        answer_bytes: 36,
        reconnects: 0,
        distribution: Vec::new(),
        rounds: Vec::new(),
        server: None,
        machine_busy: None,
        client_busy: None,
        partial: false,
    }
}

impl BenchResult {
    /// With these latencies, in microseconds, each that often; the fastest first.
    pub fn times(self, times: &[(f64, u64)]) -> BenchResult {
        let count = times.iter().map(|(_, count)| count).sum();
        let at = |part: f64| {
            let mut left = (count as f64 * part).ceil() as u64;
            let reached = times.iter().find(|(_, count)| {
                let reached = left <= *count;
                left = left.saturating_sub(*count);
                reached
            });
            reached.unwrap().0
        };
        BenchResult {
            count,
            latency_us: Latency {
                min: times[0].0,
                p50: at(0.5),
                p90: at(0.9),
                p99: at(0.99),
                p999: at(0.999),
                max: at(1.0),
            },
            distribution: times
                .iter()
                .map(|(us, count)| Bucket(*us, *count))
                .collect(),
            ..self
        }
    }
}

pub fn p50(us: f64) -> Latency {
    Latency {
        p50: us,
        ..Latency::default()
    }
}

pub fn connecting(cold_us: f64, kept_us: f64) -> Connecting {
    Connecting {
        target: "a".into(),
        tls: false,
        count: 20,
        errors: 0,
        tcp_us: p50(50.0),
        tls_us: None,
        cold_call_us: p50(cold_us),
        kept_call_us: p50(kept_us),
        closed_by_server: false,
    }
}

pub fn listing(target: &str, items: u64, us: f64) -> Listing {
    Listing {
        target: target.into(),
        transport: Transport::Http,
        revision: Revision::V2025_11_25,
        method: "tools/list".into(),
        items,
        pages: items.div_ceil(100),
        bytes: 100 * items,
        count: 20,
        errors: 0,
        latency_us: Latency { min: us, ..p50(us) },
    }
}
