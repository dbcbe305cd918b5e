//! A Docker engine: reached, asked with a deadline, and what it can do.

use std::{future::Future, io::ErrorKind, time::Duration};

use anyhow::{Context, bail};
use bollard::{Docker as Engine, errors::Error, models::SystemInfo};
use pipeline::error::Failure;
use tokio::time::timeout;

/// How long an engine may take to say that it is there.
const PING_DEADLINE: Duration = Duration::from_secs(4);
/// How long it may take to answer a question. With the one above this stays within the ten seconds of a start.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// How long it may take for each step of a new container, on a machine under load.
const STEP_DEADLINE: Duration = Duration::from_secs(9);

/// Connects to the engine that `DOCKER_HOST` names, or this machine's.
///
/// # Errors
/// None answers: [`Failure::Unavailable`].
pub async fn reach() -> Result<Engine, Failure> {
    let absent = |error: String| {
        Failure::Unavailable(format!(
            "--sandbox docker: no Docker engine answers ({error}); start one, set DOCKER_HOST, or use --sandbox namespace"
        ))
    };
    let engine = Engine::connect_with_defaults().map_err(|error| absent(error.to_string()))?;
    match timeout(PING_DEADLINE, engine.ping()).await {
        Ok(answer) => drop(answer.map_err(|error| absent(why(error)))?),
        Err(_) => return Err(absent(format!("silent for {} s", PING_DEADLINE.as_secs()))),
    }
    Ok(engine)
}

/// The cause beneath what the client says.
fn why(error: Error) -> String {
    let error = anyhow::Error::from(error);
    let io = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).next_back();
    match io.map(std::io::Error::kind) {
        Some(ErrorKind::PermissionDenied) => "this user may not: add it to the group `docker`".to_owned(),
        _ => error.root_cause().to_string(),
    }
}

/// Waits for an answer of the engine, but not for ever. `what` says what it does not do.
///
/// # Errors
/// It refuses or is silent.
pub async fn ask<T>(what: &'static str, call: impl Future<Output = Result<T, Error>>) -> anyhow::Result<T> {
    within(ANSWER_DEADLINE, what, call).await
}

/// As [`ask`], for what takes the engine longer.
///
/// # Errors
/// It refuses or is silent.
pub async fn have<T>(what: &'static str, call: impl Future<Output = Result<T, Error>>) -> anyhow::Result<T> {
    within(STEP_DEADLINE, what, call).await
}

async fn within<T>(
    deadline: Duration,
    what: &'static str,
    call: impl Future<Output = Result<T, Error>>,
) -> anyhow::Result<T> {
    match timeout(deadline, call).await {
        Ok(answer) => answer.context(what),
        Err(_) => bail!("{what}: silent for {} s", deadline.as_secs()),
    }
}

/// Whether the engine's answer was that it has no such thing.
pub fn is_missing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::DockerResponseServerError { status_code: 404, .. }))
}

/// Fails on a runtime that the engine does not have. A shim's own name (`io.containerd.runsc.v1`) is not listed: with
/// such a one the first container tells.
///
/// # Errors
/// [`Failure::Unavailable`], naming those that it has.
pub async fn check_runtime(engine: &Engine, runtime: &str) -> Result<(), Failure> {
    let unavailable = |words: String| Failure::Unavailable(format!("--runtime {runtime}: {words}"));
    let info = ask("the engine says nothing of itself", engine.info()).await;
    let known = runtimes(&info.map_err(|error| unavailable(format!("{error:#}")))?);
    if known.iter().any(|name| name == runtime) || runtime.contains('.') {
        return Ok(());
    }
    let known = known.join(", ");
    Err(unavailable(format!("the Docker engine has no such runtime, only {known}; add it to the engine's daemon.json")))
}

/// Names of the runtimes that an engine has, in order.
pub fn runtimes(info: &SystemInfo) -> Vec<String> {
    let mut names: Vec<_> = info.runtimes.iter().flatten().map(|(name, _)| name.clone()).collect();
    names.sort();
    names
}
