//! What grows: calls with their payload, lists with their length.

use super::Sight;
use crate::bench::report::{BenchResult, Diagnosis, Listing};
use crate::bench::text::{figure, number, time};

/// Growth below this says nothing.
const GROWTH: f64 = 3.0;
/// The least size from which it is told.
const LARGE: usize = 10_000;
/// What is larger costs so many times as much for each byte or item: more than in proportion.
const STEEP: f64 = 2.0;
/// A list of fewer items is short.
const ITEMS: u64 = 100;
/// So often a list has to be read.
const READ: u64 = 3;
/// Each item may cost this much.
const ITEM_US: f64 = 20.0;

/// Calls that become slow with their payload.
pub(super) fn with_payload(sight: &Sight<'_>) -> Option<Diagnosis> {
    let mut sizes: Vec<_> = sight
        .one_at_a_time()
        .filter(|result| result.payload > 0)
        .collect();
    sizes.sort_by_key(|result| (result.call.clone(), result.revision, result.payload));
    let series = sizes.chunk_by(|a, b| a.call == b.call && a.revision == b.revision);
    let grown: Vec<_> = series.filter_map(Grown::of).collect();
    if grown.is_empty() {
        return None;
    }
    let evidence = grown.iter().map(Grown::told).collect();
    Some(match grown.iter().any(Grown::is_steep) {
        true => sight.diagnosis("payload-more-than-proportional", STEEPLY, evidence),
        false => sight.diagnosis("payload", PROPORTIONALLY, evidence),
    })
}

const STEEPLY: &str = "Large payloads cost more than in proportion: something seems to go through the same bytes again and again, \
                       such as a buffer that is copied whenever it grows, or searched from its beginning for each piece.";
const PROPORTIONALLY: &str = "The size of the payload is most of what a large call costs: bytes are parsed, copied and written. \
                              Send references instead of contents where that is possible.";

struct Grown<'a> {
    small: &'a BenchResult,
    /// The one before the largest.
    middle: Option<&'a BenchResult>,
    large: &'a BenchResult,
}

impl<'a> Grown<'a> {
    fn of(sizes: &[&'a BenchResult]) -> Option<Grown<'a>> {
        let &[small, ref more @ .., large] = sizes else {
            return None;
        };
        let grown = large.latency_us.p50 >= small.latency_us.p50 * GROWTH;
        (grown && large.payload >= LARGE).then(|| Grown {
            small,
            middle: more.last().copied(),
            large,
        })
    }

    fn added(&self, result: &BenchResult) -> f64 {
        result.latency_us.p50 - self.small.latency_us.p50
    }

    /// Whether the last step costs much more for each byte than the one before. What is small costs nothing that could be told
    /// from noise.
    fn is_steep(&self) -> bool {
        let Some(middle) = self.middle else {
            return false;
        };
        let times = self.large.payload as f64 / middle.payload as f64;
        let before = self.added(middle).max(self.small.latency_us.p50 / 2.0);
        self.added(self.large) > before * times * STEEP
    }

    fn told(&self) -> String {
        let (small, large) = (self.small, self.large);
        let bytes = (large.payload - small.payload) as f64;
        let steps = self.middle.map(|middle| {
            let (bytes, us) = (middle.payload, time(middle.latency_us.p50));
            format!(", {us} with {}", number(bytes as f64))
        });
        format!(
            "{}: a median of {} with {} bytes{}, {} with {}: {} ns for each byte",
            large.call,
            time(small.latency_us.p50),
            number(small.payload as f64),
            steps.unwrap_or_default(),
            time(large.latency_us.p50),
            number(large.payload as f64),
            figure(self.added(large) * 1e3 / bytes)
        )
    }
}

/// Lists whose items cost much.
pub(super) fn with_list(sight: &Sight<'_>) -> Option<Diagnosis> {
    let costly = |list: &&Listing| list.items >= ITEMS && per_item(list) >= ITEM_US;
    let evidence: Vec<String> = lists(sight).filter(costly).map(told).collect();
    let text = "Reading a list costs much for each item: what an item says seems to be made anew each time, or is fetched one by \
                one. A client reads the whole list before its first call.";
    (!evidence.is_empty()).then(|| sight.diagnosis("list-items", text, evidence))
}

/// Lists that cost more for each item when they are long: the same server, measured with several catalogs.
pub(super) fn with_catalog(sight: &Sight<'_>) -> Option<Diagnosis> {
    let evidence: Vec<String> = lists(sight)
        .filter_map(|long| {
            let short = siblings(sight, long).min_by_key(|list| list.items)?;
            // They did not take turns: if even the fastest is slower, it is not only that the machine had other work.
            let least = long.latency_us.min / long.items as f64;
            let steep = least >= per_item(short) * STEEP;
            let long_enough = long.items >= ITEMS.max(short.items.max(ITEMS / 10) * 5);
            (steep && long_enough).then(|| format!("{}; {}", told(long), told(short)))
        })
        .collect();
    let text = "A list costs more for each item the longer it is: each page seems to go through the whole catalog, or through all \
                pages before it. Sort once, and let a cursor say where to go on.";
    (!evidence.is_empty()).then(|| sight.diagnosis("list-more-than-proportional", text, evidence))
}

fn lists<'a>(sight: &Sight<'a>) -> impl Iterator<Item = &'a Listing> + use<'a> {
    let name = &sight.target.name;
    let lists = sight.report.lists.iter();
    lists.filter(move |list| &list.target == name && list.count >= READ)
}

/// Shorter lists of the same program over the same transport.
fn siblings<'a>(
    sight: &Sight<'a>,
    long: &'a Listing,
) -> impl Iterator<Item = &'a Listing> + use<'a> {
    let (report, target) = (sight.report, sight.target);
    let same = move |name: &str| {
        let other = report.targets.iter().find(|other| other.name == name);
        other.is_some_and(|other| {
            other.name == target.name
                || (other.transport == target.transport
                    && other.implementation.is_some()
                    && other.implementation == target.implementation)
        })
    };
    report.lists.iter().filter(move |list| {
        list.method == long.method
            && list.revision == long.revision
            && (1..long.items).contains(&list.items)
            && same(&list.target)
    })
}

fn per_item(list: &Listing) -> f64 {
    list.latency_us.p50 / list.items.max(1) as f64
}

fn told(list: &Listing) -> String {
    let (method, items) = (&list.method, number(list.items as f64));
    let pages = match list.pages {
        1 => "1 page".to_owned(),
        many => format!("{} pages", number(many as f64)),
    };
    let (whole, each) = (time(list.latency_us.p50), time(per_item(list)));
    format!("{method}: {whole} for {items} items on {pages}, {each} each")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{http, listing, only, result};
    use crate::bench::report::{BenchReport, BenchResult};

    fn sizes(times: [(usize, f64); 3]) -> BenchReport {
        let with = |(payload, us)| BenchResult {
            call: "tools/call echo".into(),
            ..result(1, payload).times(&[(us, 100)])
        };
        http(times.map(with))
    }

    #[test]
    fn a_payload_that_is_read_once() {
        let report = sizes([(100, 100.0), (10_000, 200.0), (100_000, 1_100.0)]);
        let diagnosis = only(&report, "payload").unwrap();
        assert_eq!(
            diagnosis.evidence,
            [
                "tools/call echo: a median of 100 µs with 100 bytes, 200 µs with 10,000, 1.10 ms with 100,000: 10.0 ns for each byte"
            ]
        );
        assert_eq!(only(&report, "payload-more-than-proportional"), None);
    }

    #[test]
    fn a_payload_that_is_read_again_and_again() {
        let report = sizes([(100, 100.0), (10_000, 200.0), (100_000, 10_100.0)]);
        assert!(only(&report, "payload-more-than-proportional").is_some());
        assert_eq!(only(&report, "payload"), None);
    }

    #[test]
    fn a_payload_that_costs_little() {
        let report = sizes([(100, 100.0), (10_000, 105.0), (100_000, 250.0)]);
        assert_eq!(only(&report, "payload"), None);
        let report = sizes([(1, 100.0), (100, 200.0), (1_000, 900.0)]);
        assert_eq!(only(&report, "payload"), None);
    }

    #[test]
    fn items_that_are_fetched_one_by_one() {
        let mut report = http([]);
        report.lists = vec![listing("a", 1_000, 200_000.0)];
        let diagnosis = only(&report, "list-items").unwrap();
        assert_eq!(
            diagnosis.evidence,
            ["tools/list: 200 ms for 1,000 items on 10 pages, 200 µs each"]
        );
        report.lists = vec![listing("a", 1_000, 2_000.0), listing("a", 10, 2_000.0)];
        assert_eq!(only(&report, "list-items"), None);
        assert_eq!(only(&report, "list-more-than-proportional"), None);
    }

    #[test]
    fn each_page_goes_through_all_of_them() {
        let mut report = http([]);
        report.targets[0].implementation = Some("server 1.0".into());
        let mut large = report.targets[0].clone();
        large.name = "large".into();
        report.targets.push(large);
        report.lists = vec![listing("a", 100, 200.0), listing("large", 1_000, 15_000.0)];
        let diagnosis = only(&report, "list-more-than-proportional").unwrap();
        assert_eq!(diagnosis.target, "large");
        assert_eq!(
            diagnosis.evidence,
            [
                "tools/list: 15.0 ms for 1,000 items on 10 pages, 15.0 µs each; tools/list: 200 µs for 100 items on 1 page, 2.00 µs each"
            ]
        );
        report.targets[1].implementation = Some("another 1.0".into());
        assert_eq!(only(&report, "list-more-than-proportional"), None);
    }
}
