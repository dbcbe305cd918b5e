//! The commands that are no filters.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use pipeline::{error::Failure, queue::rabbitmq::BrokerSettings, shutdown::CancellationToken, telemetry::Telemetry};
use worker_exec::settings::ExecSettings;
use worker_llm::settings::WriterSettings;

use super::Resolver;
use crate::{
    assemble::AssembleSettings,
    collect::CollectSettings,
    dead, finish,
    identity::SharedSettings,
    output::{StageSettings, report},
    purge::{self, Consent},
    run::Run,
    sink::fleet,
    status, submit,
};

/// Between two looks of `status --watch`.
const WATCH_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Files (.jsonl, .jsonl.gz, .jsonl.zst, .parquet, .py), patterns like 'part-*.parquet', and folders of them; in object
    /// storage as s3://, gs:// or file:// URLs (a prefix ends in /), with the AWS_… or GOOGLE_… environment's credentials
    #[arg(id = "raw", value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// Folder for the samples; the same command again resumes
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Collect, print three prompts and the calls, tokens and cost to expect; call and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    shared: SharedSettings,
    #[command(flatten)]
    collect: CollectSettings,
    #[command(flatten)]
    writer: WriterSettings,
    #[command(flatten)]
    exec: ExecSettings,
    #[command(flatten)]
    assemble: AssembleSettings,
    #[command(flatten)]
    stages: StageSettings,
}

impl RunArgs {
    pub(crate) async fn run(
        &self,
        resolver: &Resolver<'_>,
        telemetry: &Telemetry,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let (assemble, writer): (AssembleSettings, WriterSettings) =
            (resolver.get(&self.assemble)?, resolver.get(&self.writer)?);
        let (shared, collect): (SharedSettings, CollectSettings) =
            (resolver.get(&self.shared)?, resolver.get(&self.collect)?);
        let run = Run {
            inputs: self.inputs.clone(),
            out: self.out.clone(),
            collect: CollectSettings { seed: shared.seed, ..collect },
            shared,
            writer: writer.under(assemble.profile),
            exec: resolver.get(&self.exec)?,
            assemble,
            stages: resolver.get(&self.stages)?,
        };
        if self.dry_run {
            let text = tokio::task::spawn_blocking(move || run.dry()).await.map_err(anyhow::Error::from)??;
            return print(&text);
        }
        run.run(telemetry, stop).await
    }
}

#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// Files (.jsonl, .jsonl.gz, .jsonl.zst, .parquet, .py), patterns like 'part-*.parquet', and folders of them; in object
    /// storage as s3://, gs:// or file:// URLs (a prefix ends in /), with the AWS_… or GOOGLE_… environment's credentials
    #[arg(id = "raw", value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    broker: BrokerSettings,
    #[command(flatten)]
    shared: SharedSettings,
    #[command(flatten)]
    collect: CollectSettings,
    #[command(flatten)]
    submit: submit::SubmitSettings,
}

impl SubmitArgs {
    /// The broker and the name of the run.
    pub(crate) fn broker(&self) -> &BrokerSettings {
        &self.broker
    }

    pub(crate) async fn run(
        &self,
        resolver: &Resolver<'_>,
        telemetry: &Telemetry,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let (shared, collect): (SharedSettings, CollectSettings) =
            (resolver.get(&self.shared)?, resolver.get(&self.collect)?);
        let items = submit::submit(
            &self.inputs,
            &CollectSettings { seed: shared.seed, ..collect },
            &shared,
            &resolver.get(&self.submit)?,
            &resolver.get(&self.broker)?,
            telemetry,
            stop,
        )
        .await?;
        eprintln!("{items} items submitted");
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(crate) struct SinkArgs {
    /// Folder for the samples
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// When the run is complete, wait for a signal instead of ending: for who starts again whatever ends (Kubernetes)
    #[arg(long, env = "CASE2CODE_STAY")]
    stay: bool,
    #[command(flatten)]
    broker: BrokerSettings,
    #[command(flatten)]
    assemble: AssembleSettings,
    #[command(flatten)]
    stages: StageSettings,
}

impl SinkArgs {
    /// The broker and the name of the run.
    pub(crate) fn broker(&self) -> &BrokerSettings {
        &self.broker
    }

    pub(crate) async fn run(
        &self,
        resolver: &Resolver<'_>,
        telemetry: &Telemetry,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let (assemble, broker) = (resolver.get(&self.assemble)?, resolver.get(&self.broker)?);
        fleet::sink(&self.out, &assemble, resolver.get(&self.stages)?, &broker, telemetry, stop.clone()).await?;
        if self.stay {
            telemetry.ready_while(|| true);
            tracing::info!("the run is complete: waiting for a signal");
            stop.cancelled().await;
        }
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Look again every two seconds, until interrupted
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    broker: BrokerSettings,
}

impl StatusArgs {
    pub(crate) async fn run(&self, resolver: &Resolver<'_>, stop: &CancellationToken) -> Result<(), Failure> {
        let looker = status::Looker::connect(&resolver.get(&self.broker)?).await?;
        if !self.watch {
            return print(&self.text(&looker.look().await?)?);
        }
        let terminal = std::io::stdout().is_terminal();
        while !stop.is_cancelled() {
            match looker.look().await {
                // The screen is cleared, so that one table stands there.
                Ok(status) if terminal => print(&format!("\x1b[H\x1b[2J{}", self.text(&status)?))?,
                Ok(status) => print(&self.text(&status)?)?,
                // Whoever watches wants to see it come back.
                Err(failure) => tracing::warn!(%failure, "cannot look"),
            }
            tokio::select! {
                () = tokio::time::sleep(WATCH_PAUSE) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    fn text(&self, status: &status::Status) -> Result<String, Failure> {
        let json = match (self.json, self.watch) {
            (false, _) => return Ok(status::table(status)),
            (true, false) => serde_json::to_string_pretty(status),
            (true, true) => serde_json::to_string(status),
        };
        Ok(json.map_err(anyhow::Error::from)? + "\n")
    }
}

#[derive(Debug, Args)]
pub(crate) struct DeadArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Most messages to show, the oldest first
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    broker: BrokerSettings,
}

impl DeadArgs {
    pub(crate) async fn run(&self, resolver: &Resolver<'_>) -> Result<(), Failure> {
        let letters = dead::dead(&resolver.get(&self.broker)?, self.limit).await?;
        let text = if self.json {
            format!("{}\n", serde_json::to_string_pretty(&letters).map_err(anyhow::Error::from)?)
        } else {
            dead::table(&letters)
        };
        print(&text)
    }
}

#[derive(Debug, Args)]
pub(crate) struct PurgeArgs {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Even while processes work on the run
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    broker: BrokerSettings,
}

impl PurgeArgs {
    pub(crate) async fn run(&self, resolver: &Resolver<'_>) -> Result<(), Failure> {
        let broker = resolver.get(&self.broker)?;
        let messages = purge::purge(&broker, Consent { yes: self.yes, force: self.force }).await?;
        print(&format!("deleted run {}, with {messages} messages\n", broker.run_name()?))
    }
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Output folder of a finished run
    #[arg(value_name = "DIR")]
    out: PathBuf,
    /// Print the numbers as JSON instead
    #[arg(long)]
    json: bool,
}

impl ReportArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let run = finish::read(&self.out)?;
        if self.json {
            let numbers = report::numbers(&run, &self.out)?;
            return print(&format!("{}\n", serde_json::to_string_pretty(&numbers).map_err(anyhow::Error::from)?));
        }
        let page = report::render(&run, &self.out)?;
        std::fs::write(self.out.join("report.html"), page).map_err(anyhow::Error::from)?;
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Output folder of a finished run
    #[arg(value_name = "DIR")]
    out: PathBuf,
    /// Id of a function [default: that of the first sample]
    #[arg(value_name = "ID")]
    id: Option<String>,
}

impl ShowArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        print(&crate::show::show(&self.out, self.id.as_deref())?)
    }
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    exec: ExecSettings,
    #[command(flatten)]
    broker: BrokerSettings,
}

impl DoctorArgs {
    pub(crate) async fn run(&self, resolver: &Resolver<'_>) -> Result<(), Failure> {
        let exec = resolver.get(&self.exec)?;
        let broker = resolver.get(&self.broker)?;
        crate::doctor::doctor(&exec, &broker, std::io::stdout()).await
    }
}

pub(super) fn print(text: &str) -> Result<(), Failure> {
    std::io::stdout().write_all(text.as_bytes()).map_err(anyhow::Error::from)?;
    Ok(())
}
