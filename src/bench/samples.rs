//! What was measured so far, in room that does not grow with its number.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::report::{Bucket, Latency, Round};

/// Latencies are told apart to a thousandth, up to five minutes; what is longer counts as that.
const MAX_NS: u64 = 300_000_000_000;
/// Each bucket of the report ends this many times where the one before did.
const STEP: f64 = 1.05;
/// More kinds of errors than this are counted together.
const MAX_KINDS: usize = 20;
/// The kind of the rest of them.
const OTHER: &str = "other";

/// Latencies and errors.
#[derive(Debug, Clone)]
pub struct Samples {
    /// Always there: its bounds are valid.
    histogram: Option<Histogram<u64>>,
    /// Errors by kind.
    pub errors: BTreeMap<String, u64>,
    /// Bytes of all answers.
    pub answer_bytes: u64,
    /// Connections opened again.
    pub reconnects: u64,
    /// Calls that were due, but not sent.
    pub unsent: u64,
    /// With a rate: whether calls were made only when their time was over, or not at all.
    pub is_behind: bool,
}

impl Samples {
    /// Nothing measured yet.
    pub fn new() -> Samples {
        Samples {
            histogram: Histogram::new_with_bounds(1, MAX_NS, 3).ok(),
            errors: BTreeMap::new(),
            answer_bytes: 0,
            reconnects: 0,
            unsent: 0,
            is_behind: false,
        }
    }

    /// A result that took so long.
    pub fn record(&mut self, latency: Duration, bytes: usize) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(ns.max(1));
        }
        self.answer_bytes += bytes as u64;
    }

    /// A call without a result.
    pub fn fail(&mut self, kind: &str) {
        let is_known = self.errors.contains_key(kind) || self.errors.len() < MAX_KINDS;
        let kind = if is_known { kind } else { OTHER };
        *self.errors.entry(kind.to_owned()).or_default() += 1;
    }

    /// Results.
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// Calls without a result.
    pub fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Takes over what another turn brought.
    pub fn add(&mut self, other: &Samples) {
        if let (Some(all), Some(more)) = (&mut self.histogram, &other.histogram) {
            // The bounds are the same, so that everything fits.
            let _ = all.add(more);
        }
        for (kind, count) in &other.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
        self.answer_bytes += other.answer_bytes;
        self.reconnects += other.reconnects;
        self.unsent += other.unsent;
        self.is_behind |= other.is_behind;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.histogram.iter_mut().for_each(Histogram::reset);
        self.errors.clear();
        (self.answer_bytes, self.reconnects, self.unsent) = (0, 0, 0);
        self.is_behind = false;
    }

    /// The latencies in brief.
    pub fn latency(&self) -> Latency {
        let Some(histogram) = self.histogram.as_ref().filter(|h| !h.is_empty()) else {
            return Latency::default();
        };
        // What a quantile gives is the end of its bucket.
        let at = |quantile| us(histogram.value_at_quantile(quantile).min(histogram.max()));
        Latency {
            min: us(histogram.min()),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: us(histogram.max()),
        }
    }

    /// How often which latency occurred.
    pub fn distribution(&self) -> Vec<Bucket> {
        let mut buckets: Vec<Bucket> = Vec::new();
        let recorded = self.histogram.iter().flat_map(Histogram::iter_recorded);
        for value in recorded {
            let end = bucket_end(value.value_iterated_to());
            let count = value.count_since_last_iteration();
            match buckets.last_mut() {
                Some(last) if last.0 == end => last.1 += count,
                _ => buckets.push(Bucket(end, count)),
            }
        }
        buckets
    }

    /// A turn that took so long and brought this.
    pub fn round(&self, seconds: f64) -> Round {
        let latency = self.latency();
        Round {
            seconds,
            count: self.count(),
            errors: self.failed(),
            p50_us: latency.p50,
            p99_us: latency.p99,
        }
    }

    /// Bytes of an answer, on average.
    pub fn mean_bytes(&self) -> u64 {
        self.answer_bytes.checked_div(self.count()).unwrap_or(0)
    }
}

impl Default for Samples {
    fn default() -> Samples {
        Samples::new()
    }
}

/// Where the bucket of a value ends, in microseconds.
fn bucket_end(ns: u64) -> f64 {
    let steps = (us(ns).max(0.1) / 0.1).ln() / STEP.ln();
    let end = 0.1 * STEP.powi(steps.ceil() as i32);
    // So many digits as mean something.
    let unit = 10f64.powi(end.log10().floor() as i32 - 3);
    (end / unit).round() * unit
}

fn us(ns: u64) -> f64 {
    ns as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_was_measured() {
        assert_eq!(Samples::new().latency(), Latency::default());
        assert!(Samples::new().distribution().is_empty());
    }

    #[test]
    fn errors_are_counted_and_in_no_latency() {
        let mut samples = Samples::new();
        samples.record(Duration::from_micros(5), 10);
        for number in 0..100 {
            samples.fail(&format!("error {number}"));
        }
        assert_eq!((samples.count(), samples.failed()), (1, 100));
        assert_eq!(samples.errors.len(), MAX_KINDS + 1);
        assert_eq!(samples.latency().max.round(), 5.0);
        assert_eq!(samples.mean_bytes(), 10);
    }

    proptest! {
        // Each of them draws or counts a lot.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn quantiles_are_those_of_the_sorted_values(
            mut values in proptest::collection::vec(1u64..200_000_000_000, 1..300),
            cut in 0usize..300,
        ) {
            let mut all = Samples::new();
            let mut rest = Samples::new();
            for (index, value) in values.iter().enumerate() {
                let to = if index < cut { &mut all } else { &mut rest };
                to.record(Duration::from_nanos(*value), 1);
            }
            all.add(&rest);
            values.sort_unstable();
            let latency = all.latency();
            let table = [(0.5, latency.p50), (0.9, latency.p90), (0.99, latency.p99), (0.999, latency.p999)];
            for (quantile, found) in table {
                let rank = (quantile * values.len() as f64).ceil() as usize;
                let exact = us(values[rank.max(1) - 1]);
                prop_assert!((found - exact).abs() <= exact * 0.002 + 0.001, "{quantile}: {found} for {exact}");
            }
            let buckets = all.distribution();
            prop_assert_eq!(buckets.iter().map(|bucket| bucket.1).sum::<u64>(), values.len() as u64);
            prop_assert!(buckets.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
