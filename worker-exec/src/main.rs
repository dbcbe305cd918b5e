//! `worker-exec`: takes functions with inputs from a run's queue, runs them in sandboxes and hands on what they did.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};
use pipeline::{
    consume::{Route, StageMetrics, consume},
    error::Failure,
    queue::rabbitmq::{BrokerSettings, RabbitQueue},
    settings,
    shutdown::{stopped_early_is_done, unless_stopped},
    telemetry::{Telemetry, register},
};
use worker_exec::{Executor, settings::ExecSettings, task::FleetExecutor};

/// Fleet worker: runs functions in sandboxes.
#[derive(Debug, Parser)]
#[command(name = "worker-exec", version, max_term_width = 100)]
struct Cli {
    /// Settings file (TOML); keys are flag names with underscores
    #[arg(long, value_name = "FILE", env = "CASE2CODE_CONFIG")]
    config: Option<std::path::PathBuf>,
    /// Address for /metrics, /livez and /readyz, e.g. 127.0.0.1:9092
    #[arg(long, value_name = "ADDR", env = "CASE2CODE_METRICS_ADDR")]
    metrics_addr: Option<std::net::SocketAddr>,
    #[command(flatten)]
    broker: BrokerSettings,
    #[command(flatten)]
    exec: ExecSettings,
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(probed) = pipeline::telemetry::probe() {
        return probed;
    }
    pipeline::telemetry::init_logs();
    pipeline::error::exit(stopped_early_is_done(work().await))
}

async fn work() -> Result<(), Failure> {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).map_err(|error| Failure::Usage(error.to_string()))?;
    let broker: BrokerSettings = settings::resolve(&cli.broker, &matches, cli.config.as_deref())?;
    let exec: ExecSettings = settings::resolve(&cli.exec, &matches, cli.config.as_deref())?;
    let telemetry = Telemetry::of("worker-exec", Some(broker.run_name()?))?;
    let stop = pipeline::shutdown::on_signals().map_err(anyhow::Error::from)?;
    telemetry.serve(cli.metrics_addr).await?;
    let stage = settings::with_patience(broker.startup_wait, || Executor::start(&exec));
    let stage = std::sync::Arc::new(unless_stopped(&stop, stage).await?);
    let queue = unless_stopped(&stop, RabbitQueue::connect(&broker, "worker-exec")).await?;
    stage.metrics().register(&telemetry.registry).map_err(anyhow::Error::from)?;
    register(&telemetry.registry, queue.metrics().collectors()).map_err(anyhow::Error::from)?;
    let metrics = StageMetrics::register(&telemetry.registry).map_err(anyhow::Error::from)?;
    let watched = queue.clone();
    telemetry.ready_while(move || watched.is_connected());
    tracing::info!(run = broker.run_name()?, slots = stage.slots(), "working");
    let fleet = std::sync::Arc::new(FleetExecutor(stage.clone()));
    let worked = consume(fleet, queue.clone(), Route::EXECUTE, stage.concurrency(), metrics, stop).await;
    stage.shutdown().await;
    queue.close_after(worked).await
}
