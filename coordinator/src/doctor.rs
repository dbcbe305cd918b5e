//! `case2code doctor`: which isolation and broker this machine can reach, and what is missing.

use std::io::Write;

use pipeline::{error::Failure, queue::rabbitmq::BrokerSettings};
use worker_exec::{
    Executor,
    settings::{ExecSettings, SandboxChoice},
};

/// Tries each backend and the broker, and prints a line about each.
///
/// # Errors
/// None of the backends works: [`Failure::Unavailable`].
pub async fn doctor(exec: &ExecSettings, broker: &BrokerSettings, mut out: impl Write) -> Result<(), Failure> {
    let mut isolated = false;
    for (name, sandbox) in [("docker", SandboxChoice::Docker), ("namespace", SandboxChoice::Namespace)] {
        let line = match Executor::start(&ExecSettings { sandbox, ..exec.clone() }).await {
            Ok(executor) => {
                isolated = true;
                let info = executor.info();
                executor.shutdown().await;
                format!("ok, Python {}", info.python)
            }
            Err(failure) => format!("no: {failure}"),
        };
        writeln!(out, "sandbox {name:<10} {line}").map_err(anyhow::Error::from)?;
    }
    let reached = pipeline::queue::rabbitmq::reach(broker).await;
    let line = reached.map_or_else(|failure| format!("no: {failure}"), |version| format!("ok, {version}"));
    writeln!(out, "broker             {line}").map_err(anyhow::Error::from)?;
    if isolated {
        return Ok(());
    }
    Err(Failure::Unavailable("this machine gives no isolation: see above for what is missing".into()))
}
