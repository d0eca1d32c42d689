//! What the subcommands have in common that talk to servers: how long to wait, when to stop, how to fail.

use std::time::Duration;

use super::Failure;
use crate::run::RunError;

/// How long threads that wait for a server may hold up the end.
const GRACE: Duration = Duration::from_secs(2);

/// Whatever takes longer is a slip of the pen; and times are added up.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Reads how long something takes.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration > LONGEST => Err("this is more than 30 days".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; write it like 500ms, 5s or 2m")),
    }
}

/// Reads how long something may take.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("nothing answers in no time".to_owned()),
        duration => Ok(duration),
    }
}

/// Runs to the end, unless the user or the system wants us to stop.
pub(super) fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let work = async {
        tokio::select! {
            result = work => Ok(result),
            () = interrupted() => Err(Failure::run("interrupted: there is no report")),
        }
    };
    block_on(work, GRACE)?
}

/// Runs to the end. Whatever still runs then ends with its session: a thread that waits for a server holds us up for
/// `grace` at most.
pub(super) fn block_on<T>(work: impl Future<Output = T>, grace: Duration) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::run(format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(grace);
    Ok(result)
}

/// Returns when the user, or the system, wants us to stop.
pub(super) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                Ok(()) = tokio::signal::ctrl_c() => return,
            }
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whose fault it is that nothing could be run.
pub(super) fn failure(error: RunError) -> Failure {
    match error {
        RunError::Select(_) => Failure::usage(error),
        _ => Failure::run(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_or_refused_with_an_example() {
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert_eq!(timeout("1m 30s"), Ok(Duration::from_secs(90)));
        assert!(timeout("0s").is_err());
        for wrong in ["", "5", "fast", "-1s"] {
            assert!(duration(wrong).unwrap_err().contains("500ms"), "{wrong}");
        }
        for long in ["31days", "18446744073709551615s"] {
            assert!(timeout(long).unwrap_err().contains("30 days"), "{long}");
        }
    }
}
