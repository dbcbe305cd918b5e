//! `case2code doctor`: which isolation and broker this machine can reach, and what is missing.

use std::io::Write;

use pipeline::{error::Failure, queue::rabbitmq::BrokerSettings};
use worker_exec::{
    settings::{ExecSettings, SandboxChoice},
    survey::{self, State},
};

/// Looks at each backend and the broker, and prints a line about each thing that it needs:
/// `backend  subject  ok|weak|missing  words`.
///
/// # Errors
/// None of the backends works: [`Failure::Unavailable`].
pub async fn doctor(exec: &ExecSettings, broker: &BrokerSettings, mut out: impl Write) -> Result<(), Failure> {
    let mut line = |backend: &str, subject: &str, state: State, words: &str| -> Result<(), Failure> {
        let state = match state {
            State::Fine => "ok",
            State::Weak => "weak",
            State::Missing => "missing",
        };
        writeln!(out, "{backend:<10} {subject:<16} {state:<8} {words}").map_err(|error| Failure::Other(error.into()))
    };
    let mut working = Vec::new();
    for sandbox in [SandboxChoice::Docker, SandboxChoice::Namespace] {
        let findings = survey::of_backend(sandbox, exec).await;
        for finding in &findings {
            line(finding.backend, finding.subject, finding.state, &finding.words)?;
        }
        working.extend(findings.last().filter(|last| last.state != State::Missing).map(|last| last.backend));
    }
    match pipeline::queue::rabbitmq::reach(broker).await {
        Ok(version) => line("fleet", "broker", State::Fine, &version)?,
        Err(failure) => line("fleet", "broker", State::Missing, &failure.to_string())?,
    }
    let Some(best) = working.first() else {
        return Err(Failure::Unavailable("this machine gives no isolation: see above for what is missing".into()));
    };
    // A runtime is one of an engine: nothing takes its place.
    if exec.runtime.is_some() && *best != "docker" {
        let words = "takes nothing: without --runtime it would take namespace";
        line("=>", "--sandbox auto", State::Missing, words)?;
        return Err(Failure::Unavailable("this machine does not have the --runtime that was asked for".into()));
    }
    line("=>", "--sandbox auto", State::Fine, &format!("takes {best}"))
}
