//! `worker-llm`: takes functions from a run's queue and hands on example inputs that a model wrote.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};
use pipeline::{
    consume::{Route, StageMetrics, consume},
    error::Failure,
    profile::ProfileArg,
    queue::rabbitmq::{BrokerSettings, RabbitQueue},
    settings,
    shutdown::{stopped_early_is_done, unless_stopped},
    telemetry::{Telemetry, register},
};
use worker_llm::{WayBack, Writer, budget::Usage, settings::WriterSettings};

/// Fleet worker: writes example inputs with an LLM.
#[derive(Debug, Parser)]
#[command(name = "worker-llm", version, max_term_width = 100)]
struct Cli {
    /// Settings file (TOML); keys are flag names with underscores
    #[arg(long, value_name = "FILE", env = "CASE2CODE_CONFIG")]
    config: Option<std::path::PathBuf>,
    /// Address for /metrics, /livez and /readyz, e.g. 127.0.0.1:9091
    #[arg(long, value_name = "ADDR", env = "CASE2CODE_METRICS_ADDR")]
    metrics_addr: Option<std::net::SocketAddr>,
    #[command(flatten)]
    broker: BrokerSettings,
    #[command(flatten)]
    profile: ProfileArg,
    #[command(flatten)]
    writer: WriterSettings,
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
    let writer: WriterSettings = settings::resolve(&cli.writer, &matches, cli.config.as_deref())?;
    let ProfileArg { profile } = settings::resolve(&cli.profile, &matches, cli.config.as_deref())?;
    let writer = writer.under(profile);
    let telemetry = Telemetry::of("worker-llm", Some(broker.run_name()?))?;
    let stop = pipeline::shutdown::on_signals().map_err(anyhow::Error::from)?;
    telemetry.serve(cli.metrics_addr).await?;
    let budget = writer.budget(Usage::default())?;
    let start = || Writer::start_within(&writer, WayBack::Open, &telemetry.registry, budget.clone());
    let stage = settings::with_patience(broker.startup_wait, start);
    let stage = unless_stopped(&stop, stage).await?;
    let queue = unless_stopped(&stop, RabbitQueue::connect(&broker, "worker-llm")).await?;
    register(&telemetry.registry, queue.metrics().collectors()).map_err(anyhow::Error::from)?;
    let metrics = StageMetrics::register(&telemetry.registry).map_err(anyhow::Error::from)?;
    let watched = queue.clone();
    telemetry.ready_while(move || watched.is_connected());
    tracing::info!(run = broker.run_name()?, concurrency = writer.concurrency(), "working");
    let stops = budget.stops(&stop);
    let worked = consume(stage, queue.clone(), Route::WRITE_INPUTS, writer.concurrency(), metrics, stops).await;
    queue.close_after(worked).await?;
    match budget.why() {
        Some(why) => Err(Failure::Limit(format!("{why}; the functions that are left wait for other workers"))),
        None => Ok(()),
    }
}
