//! How often each caller may call: a bucket that fills steadily, and from which each call takes one.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::lock;

/// How many callers are remembered; those who have not called for a while are forgotten first.
const MAX_CALLERS: usize = 10_000;

/// Knows how often each caller has called.
pub struct Rate {
    /// Calls per second; also how many may come at once.
    limit: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    calls: f64,
    filled: Instant,
}

impl Rate {
    /// At most this many calls per second, each second's worth at once if need be.
    pub fn new(limit: u32) -> Self {
        Self {
            limit: f64::from(limit.max(1)),
            buckets: Mutex::default(),
        }
    }

    /// Takes a call from the caller's bucket, or says how long to wait for one.
    pub fn take(&self, principal: &str, now: Instant) -> Result<(), Duration> {
        let mut buckets = lock(&self.buckets);
        if buckets.len() >= MAX_CALLERS && !buckets.contains_key(principal) {
            self.forget(&mut buckets, now);
        }
        let full = Bucket {
            calls: self.limit,
            filled: now,
        };
        let bucket = buckets.entry(principal.to_owned()).or_insert(full);
        let passed = now.saturating_duration_since(bucket.filled).as_secs_f64();
        bucket.calls = (bucket.calls + passed * self.limit).min(self.limit);
        bucket.filled = now;
        if bucket.calls < 1.0 {
            let wait = (1.0 - bucket.calls) / self.limit;
            return Err(Duration::from_secs_f64(wait));
        }
        bucket.calls -= 1.0;
        Ok(())
    }

    /// Forgets those whose buckets are full again, which is all there is to know about them; everybody, if none is.
    fn forget(&self, buckets: &mut HashMap<String, Bucket>, now: Instant) {
        let recent = |bucket: &mut Bucket| {
            now.saturating_duration_since(bucket.filled) < Duration::from_secs(1)
        };
        buckets.retain(|_, bucket| recent(bucket));
        if buckets.len() >= MAX_CALLERS {
            buckets.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let rate = Rate::new(2);
        let begin = Instant::now();
        assert_eq!(rate.take("a", begin), Ok(()));
        assert_eq!(rate.take("a", begin), Ok(()));
        assert_eq!(rate.take("a", begin), Err(Duration::from_millis(500)));
        assert_eq!(rate.take("b", begin), Ok(()), "each has a bucket");
        let later = begin + Duration::from_millis(500);
        assert_eq!(rate.take("a", later), Ok(()));
        assert!(rate.take("a", later).is_err());
        let much_later = begin + Duration::from_secs(100);
        assert_eq!(rate.take("a", much_later), Ok(()));
        assert_eq!(rate.take("a", much_later), Ok(()));
        assert!(
            rate.take("a", much_later).is_err(),
            "it holds no more than a second's worth"
        );
    }
}
