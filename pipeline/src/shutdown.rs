//! Stopping on purpose: the first SIGTERM or SIGINT drains, the second ends the process at once.

use tokio::signal::unix::{SignalKind, signal};
pub use tokio_util::sync::CancellationToken;

use crate::error::Failure;

/// A token that is cancelled at the first SIGTERM or SIGINT. At the second the process exits with 130; whatever was in
/// flight then is delivered again, since nothing is acknowledged before it is safe.
pub fn on_signals() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let drain = token.clone();
    tokio::spawn(async move {
        for second in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if second {
                std::process::exit(130);
            }
            tracing::info!("stopping: finishing what is in flight; signal again to stop at once");
            drain.cancel();
        }
    });
    Ok(token)
}

/// What a worker came to that [`unless_stopped`] stopped before it had taken anything: nothing is left of it to do.
///
/// # Errors
/// All others.
pub fn stopped_early_is_done(worked: Result<(), Failure>) -> Result<(), Failure> {
    match worked {
        Err(Failure::Interrupted) => Ok(()),
        worked => worked,
    }
}

/// Does `work` unless it is told to stop before.
///
/// # Errors
/// Those of `work`; [`Failure::Interrupted`].
pub async fn unless_stopped<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        () = stop.cancelled() => Err(Failure::Interrupted),
    }
}
