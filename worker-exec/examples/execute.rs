//! JSON Lines GeneratedInputs on stdin → ExecutedFunction on stdout; flags are those of `case2code execute`.

use std::{process::ExitCode, sync::Arc};

use clap::Parser;
use pipeline::{
    error::{Failure, exit},
    filter::{self, Reading, RejectionWriter},
    shutdown,
};
use worker_exec::{ExecSettings, Executor};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: ExecSettings,
    /// Where turned-down records go.
    #[arg(long)]
    rejected: Option<std::path::PathBuf>,
}

fn main() -> ExitCode {
    pipeline::telemetry::init_logs();
    let runtime = tokio::runtime::Runtime::new().map_err(anyhow::Error::from);
    exit(runtime.map_err(Failure::from).and_then(|runtime| {
        let result = runtime.block_on(run(Arguments::parse()));
        // A thread that waits for stdin cannot be stopped.
        runtime.shutdown_background();
        result
    }))
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let stop = shutdown::on_signals().map_err(anyhow::Error::from)?;
    let executor = Arc::new(Executor::start(&arguments.settings).await?);
    let rejected = RejectionWriter::create(arguments.rejected.as_deref()).await?;
    let (input, output) = (filter::open_input(None).await?, tokio::io::stdout());
    let concurrency = executor.concurrency();
    let reading = Reading { source: "stdin", seed: 0, read: filter::read_record, stop: stop.clone() };
    let counts = filter::run(Arc::clone(&executor), input, reading, concurrency, output, rejected).await;
    executor.shutdown().await;
    let counts = counts?;
    tracing::info!(passed = counts.passed, rejected = counts.rejected, "done");
    if stop.is_cancelled() { Err(Failure::Cut) } else { Ok(()) }
}
