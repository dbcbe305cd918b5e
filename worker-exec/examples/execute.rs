//! JSON Lines GeneratedInputs on stdin → ExecutedFunction on stdout; flags are those of `case2code execute`.

use std::{process::ExitCode, sync::Arc};

use clap::Parser;
use pipeline::{
    error::{Failure, exit},
    filter::{self, RejectionWriter},
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

#[tokio::main]
async fn main() -> ExitCode {
    pipeline::telemetry::init_logs();
    exit(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let executor = Arc::new(Executor::start(&arguments.settings).await?);
    let rejected = RejectionWriter::create(arguments.rejected.as_deref()).await?;
    let (input, output) = (filter::open_input(None).await?, tokio::io::stdout());
    let concurrency = executor.slots() * 2;
    let read = filter::read_record;
    let counts = filter::run(Arc::clone(&executor), input, "stdin", read, concurrency, output, rejected).await;
    executor.shutdown().await;
    let counts = counts?;
    tracing::info!(passed = counts.passed, rejected = counts.rejected, "done");
    Ok(())
}
