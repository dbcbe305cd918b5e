//! The command line: one struct of flags a command, resolved against environment and file, then one call.

mod commands;
mod evaluation;
mod filters;

use std::path::PathBuf;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use pipeline::{error::Failure, settings};
use serde::{Serialize, de::DeserializeOwned};

/// Case2Code training data from raw code: functions, example inputs, executions, samples.
#[derive(Debug, Parser)]
#[command(name = "case2code", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    /// Settings file (TOML); keys are flag names with underscores
    #[arg(long, global = true, value_name = "FILE", env = "CASE2CODE_CONFIG")]
    config: Option<PathBuf>,
    /// Address for /metrics, /livez and /readyz, e.g. 127.0.0.1:9090
    #[arg(long, global = true, value_name = "ADDR", env = "CASE2CODE_METRICS_ADDR")]
    metrics_addr: Option<std::net::SocketAddr>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything, in one process: raw code in, training samples out
    Run(Box<commands::RunArgs>),
    /// Raw code → functions (JSON Lines)
    Collect(filters::CollectArgs),
    /// Functions → functions with example inputs (JSON Lines)
    WriteInputs(filters::WriteInputsArgs),
    /// Functions with inputs → executed functions (JSON Lines)
    Execute(filters::ExecuteArgs),
    /// Executed functions → samples (JSON Lines)
    Assemble(filters::AssembleArgs),
    /// Fleet: collect, shard and publish
    Submit(commands::SubmitArgs),
    /// Fleet: outcomes → samples
    Sink(commands::SinkArgs),
    /// Fleet: where everything of a run is
    Status(commands::StatusArgs),
    /// What could not be attributed to an item of a run, and why
    Dead(commands::DeadArgs),
    /// Delete the queues of a run, with all that is in them
    Purge(commands::PurgeArgs),
    /// Score a model's answers to a Case2Code test set: pass@k as published, and by value
    Eval(Box<evaluation::EvalArgs>),
    /// Two evaluations side by side: what changed, and whether that may be chance
    Compare(evaluation::CompareArgs),
    /// A test set from samples, in the published form
    MakeTest(evaluation::MakeTestArgs),
    /// Write report.html of a finished run again
    Report(commands::ReportArgs),
    /// Print one function's sample or rejection; without an id the first sample
    Show(commands::ShowArgs),
    /// Which isolation this machine can give, and what is missing
    Doctor(commands::DoctorArgs),
}

/// Turns what clap parsed into settings: flag before environment before file before default.
pub(crate) struct Resolver<'a> {
    matches: &'a ArgMatches,
    file: Option<PathBuf>,
}

impl Resolver<'_> {
    /// One group of settings.
    pub(crate) fn get<T: Serialize + DeserializeOwned>(&self, parsed: &T) -> Result<T, Failure> {
        settings::resolve(parsed, self.matches, self.file.as_deref())
    }

    /// Whether a flag was given, by its id.
    fn is_on_the_command_line(&self, flag: &str) -> bool {
        self.matches.value_source(flag) == Some(clap::parser::ValueSource::CommandLine)
    }
}

/// Parses the command line and does what it says.
///
/// # Errors
/// Whatever ends the command; [`Failure::exit_code`] is the process's.
pub fn main() -> Result<(), Failure> {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).map_err(|error| Failure::Usage(error.to_string()))?;
    if let Some(file) = &cli.config {
        settings::check_keys(file, &known_keys())?;
    }
    let (name, matches) =
        matches.subcommand().ok_or_else(|| Failure::Usage("a command is needed; see --help".into()))?;
    let resolver = Resolver { matches, file: cli.config.clone() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(anyhow::Error::from)?;
    let result = runtime.block_on(async {
        let broker = match &cli.command {
            Command::Submit(args) => Some(resolver.get(args.broker())?),
            Command::Sink(args) => Some(resolver.get(args.broker())?),
            Command::Eval(args) => args.broker(&resolver)?,
            _ => None,
        };
        let run = broker.as_ref().map(|broker| broker.run_name()).transpose()?;
        let telemetry = pipeline::telemetry::Telemetry::of(name, run)?;
        // The others have nothing to show, and may be run in the container of one that has (`kubectl exec`).
        if let Command::Run(_) | Command::WriteInputs(_) | Command::Submit(_) | Command::Sink(_) | Command::Eval(_) =
            &cli.command
        {
            telemetry.serve(cli.metrics_addr).await?;
        }
        let stop = pipeline::shutdown::on_signals().map_err(anyhow::Error::from)?;
        match &cli.command {
            Command::Run(args) => args.run(&resolver, &telemetry, stop).await,
            Command::Collect(args) => args.run(&resolver, stop).await,
            Command::WriteInputs(args) => args.run(&resolver, &telemetry, stop).await,
            Command::Execute(args) => args.run(&resolver, stop).await,
            Command::Assemble(args) => args.run(&resolver, stop).await,
            Command::Submit(args) => args.run(&resolver, &telemetry, stop).await,
            Command::Sink(args) => args.run(&resolver, &telemetry, stop).await,
            Command::Status(args) => args.run(&resolver, &stop).await,
            Command::Dead(args) => args.run(&resolver).await,
            Command::Purge(args) => args.run(&resolver).await,
            Command::Eval(args) => args.run(&resolver, &telemetry, stop).await,
            Command::Compare(args) => args.run(),
            Command::MakeTest(args) => args.run(&resolver, stop).await,
            Command::Report(args) => args.run(),
            Command::Show(args) => args.run(),
            Command::Doctor(args) => args.run(&resolver).await,
        }
    });
    // A thread that waits for stdin cannot be stopped; everything that matters is on disk.
    runtime.shutdown_background();
    match result {
        // A reader that went away (`| head`) has what it wanted.
        Err(Failure::Other(error)) if is_broken_pipe(&error) => Ok(()),
        result => result,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind =
        |cause: &(dyn std::error::Error + 'static)| cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    error.chain().any(|cause| kind(cause) == Some(std::io::ErrorKind::BrokenPipe))
}

/// The keys that a settings file may have: the flags of all commands, so that one file serves a whole fleet.
fn known_keys() -> Vec<String> {
    let command = Cli::command();
    let flags = command.get_subcommands().chain([&command]).flat_map(clap::Command::get_arguments);
    flags.map(|flag| flag.get_id().to_string()).collect()
}

/// Flags that every filter has.
#[derive(Debug, Args)]
pub(crate) struct FilterFiles {
    /// JSON Lines to read; `-` or nothing is stdin
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Where to write what is turned down (JSON Lines)
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
}

impl FilterFiles {
    /// What rejections call the input.
    fn source(&self) -> String {
        match &self.file {
            Some(file) if file.as_os_str() != "-" => file.display().to_string(),
            _ => "stdin".to_owned(),
        }
    }
}
