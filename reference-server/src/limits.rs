//! What clients are held to, where that can be chosen.

use std::time::Duration;

/// How much, and how much patience, a client gets.
#[derive(clap::Args, Clone, Debug)]
pub struct Limits {
    /// Seconds a client may let us wait: for the next request, the rest of one, or reading our answers
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub client_timeout: Duration,

    /// Seconds after which a session that nobody uses ends
    #[arg(long, value_name = "SECONDS", default_value = "1800", value_parser = seconds, requires = "http")]
    pub session_timeout: Duration,

    /// Connections at once; more are closed unheard
    #[arg(long, value_name = "N", default_value_t = 16_384, requires = "http")]
    pub max_connections: usize,

    /// Sessions at once; more are refused
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "http")]
    pub max_sessions: usize,

    /// Open streams of events at once; more are refused
    #[arg(long, value_name = "N", default_value_t = 12_000, requires = "http")]
    pub max_streams: usize,
}

/// A duration in seconds, which need not be whole; none is too short to be told from none at all.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "this is no number".to_owned())?;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    match duration < Duration::from_millis(1) {
        true => Err("at least 0.001".into()),
        false => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_positive_and_finite() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for wrong in ["0", "-1", "inf", "NaN", "1e30", "soon", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
