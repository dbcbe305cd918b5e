//! Each stage as a filter over JSON Lines.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use pipeline::{
    error::Failure,
    filter::{self, Counts, ReadLine, Reading, RejectionWriter},
    profile::ProfileArg,
    records::{Record, Rejection, WriteTask},
    shutdown::CancellationToken,
    stage::Stage,
    telemetry::Telemetry,
};
use worker_exec::{Executor, settings::ExecSettings};
use worker_llm::{WayBack, Writer, settings::WriterSettings};

use super::{FilterFiles, Resolver};
use crate::{
    assemble::{self, AssembleSettings, Assembler},
    collect::{self, CollectSettings},
    reassemble,
};

/// The seed alone, for stages that need nothing else of a run.
#[derive(Clone, Debug, Args, serde::Serialize, serde::Deserialize)]
pub(crate) struct SeedArg {
    /// Seed of all randomness of ours
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct CollectArgs {
    /// Files (.jsonl, .jsonl.gz, .jsonl.zst, .parquet, .py), patterns like 'part-*.parquet', and folders of them; in object
    /// storage as s3://, gs:// or file:// URLs (a prefix ends in /), with the AWS_… or GOOGLE_… environment's
    /// credentials; `-` is JSON Lines on stdin
    #[arg(id = "raw", value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// Where to write what is turned down (JSON Lines)
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
    /// Print the decision on every top-level function, in the form of the specification
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    collect: CollectSettings,
    #[command(flatten)]
    seed: SeedArg,
}

impl CollectArgs {
    pub(crate) async fn run(&self, resolver: &Resolver<'_>, stop: CancellationToken) -> Result<(), Failure> {
        let settings = CollectSettings { seed: resolver.get(&self.seed)?.seed, ..resolver.get(&self.collect)? };
        let (inputs, rejected, explain) = (self.inputs.clone(), self.rejected.clone(), self.explain);
        let work = move || {
            let out = BufWriter::new(std::io::stdout().lock());
            if explain {
                return collect::explain(&inputs, &settings, out).map(|()| None);
            }
            let rejected = rejected.as_deref().map(create_rejected).transpose()?;
            collect::run_filter(&inputs, &settings, out, rejected).map(Some)
        };
        if let Some(counts) = on_a_thread(work, &stop).await? {
            say("collect", counts, self.rejected.is_some());
        }
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(crate) struct WriteInputsArgs {
    #[command(flatten)]
    files: FilterFiles,
    #[command(flatten)]
    profile: ProfileArg,
    #[command(flatten)]
    writer: WriterSettings,
    #[command(flatten)]
    seed: SeedArg,
}

impl WriteInputsArgs {
    pub(crate) async fn run(
        &self,
        resolver: &Resolver<'_>,
        telemetry: &Telemetry,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let (settings, seed): (WriterSettings, _) = (resolver.get(&self.writer)?, resolver.get(&self.seed)?.seed);
        let settings = settings.under(resolver.get(&self.profile)?.profile);
        let writer = Writer::start(&settings, WayBack::None, &telemetry.registry).await?;
        let budget = writer.budget().clone();
        let stops = budget.stops(&stop);
        let ended = filtered(writer, &self.files, seed, read_function, settings.concurrency(), stops).await;
        match (ended, budget.why()) {
            // What no token was left for is a service that is not there.
            (Ok(()) | Err(Failure::Cut | Failure::Unavailable(_)), Some(why)) if !stop.is_cancelled() => {
                Err(Failure::Limit(format!("{why}; everything written is whole, and in the input's order")))
            }
            (ended, _) => ended,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ExecuteArgs {
    #[command(flatten)]
    files: FilterFiles,
    #[command(flatten)]
    exec: ExecSettings,
}

impl ExecuteArgs {
    pub(crate) async fn run(&self, resolver: &Resolver<'_>, stop: CancellationToken) -> Result<(), Failure> {
        let executor = Arc::new(Executor::start(&resolver.get(&self.exec)?).await?);
        let concurrency = executor.concurrency();
        let read = worker_llm::published::read_inputs;
        let result = filtered(Arc::clone(&executor), &self.files, 0, read, concurrency, stop).await;
        executor.shutdown().await;
        result
    }
}

#[derive(Debug, Args)]
pub(crate) struct AssembleArgs {
    #[command(flatten)]
    files: FilterFiles,
    /// Folder for the samples, where FILE is the folder of a run with its records: filters and words them again, with
    /// no model and no sandbox
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    assemble: AssembleSettings,
    /// Seed of all randomness of ours [default: 0, or that of the run]
    #[arg(long)]
    seed: Option<u64>,
}

impl AssembleArgs {
    pub(crate) async fn run(&self, resolver: &Resolver<'_>, stop: CancellationToken) -> Result<(), Failure> {
        let settings: AssembleSettings = resolver.get(&self.assemble)?;
        let seed = resolver.get(&MaybeSeed { seed: self.seed })?.seed;
        let folder = self.files.file.clone().filter(|file| file.is_dir());
        match (folder, self.out.clone()) {
            (Some(from), Some(out)) => {
                let work = move || reassemble::reassemble(&from, &out, &settings, seed);
                return on_a_thread(work, &stop).await;
            }
            (Some(from), None) => {
                let what = "is a folder: --out DIR says where its samples go";
                return Err(Failure::Usage(format!("{} {what}", from.display())));
            }
            (None, Some(_)) => {
                return Err(Failure::Usage("--out needs the folder of a run; a file's samples go to stdout".into()));
            }
            (None, None) => {}
        }
        let assembler = Assembler::new(&settings, seed.unwrap_or(0))?;
        let input = open_input(self.files.file.as_deref())?;
        let rejected = self.files.rejected.as_deref().map(create_rejected).transpose()?;
        let source = self.files.source();
        let work = move || assemble::run_filter(input, &source, &assembler, std::io::stdout().lock(), rejected);
        let counts = on_a_thread(work, &stop).await?;
        say("assemble", counts, self.files.rejected.is_some());
        Ok(())
    }
}

/// A seed that has another default elsewhere.
#[derive(serde::Serialize, serde::Deserialize)]
struct MaybeSeed {
    seed: Option<u64>,
}

fn read_function(source: &str, number: u64, line: Vec<u8>) -> Result<WriteTask, Box<Rejection>> {
    filter::read_record(source, number, line).map(WriteTask::Write)
}

/// Opens `-` or nothing as stdin, else a file; as [`filter::open_input`], for what reads on a thread of its own.
fn open_input(path: Option<&Path>) -> Result<BufReader<Box<dyn Read + Send>>, Failure> {
    let input: Box<dyn Read + Send> = match path.filter(|path| *path != Path::new("-")) {
        None => Box::new(std::io::stdin()),
        Some(path) => Box::new(
            File::open(path)
                .map_err(|error| Failure::Unavailable(format!("cannot open input {}: {error}", path.display())))?,
        ),
    };
    Ok(BufReader::new(input))
}

fn create_rejected(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create(path);
    file.map(BufWriter::new).map_err(|error| Failure::Usage(format!("--rejected {}: {error}", path.display())))
}

/// Does what neither waits for a service nor is worth going on with; a signal ends it where it is.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    stop: &CancellationToken,
) -> Result<T, Failure> {
    tokio::select! {
        done = tokio::task::spawn_blocking(work) => done.map_err(anyhow::Error::from)?,
        () = stop.cancelled() => Err(Failure::Stopped("what was written is not whole; run the same command again")),
    }
}

async fn filtered<S: Stage<Output: Record>>(
    stage: Arc<S>,
    files: &FilterFiles,
    seed: u64,
    read: ReadLine<S::Input>,
    concurrency: usize,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let input = filter::open_input(files.file.as_deref()).await?;
    let rejected = RejectionWriter::create(files.rejected.as_deref()).await?;
    let source = files.source();
    let reading = Reading { source: &source, seed, read, stop: stop.clone() };
    let counts = filter::run(stage, input, reading, concurrency, tokio::io::stdout(), rejected).await?;
    say(S::NAME.as_str(), counts, files.rejected.is_some());
    if stop.is_cancelled() { Err(Failure::Cut) } else { Ok(()) }
}

fn say(stage: &str, Counts { passed, rejected }: Counts, kept: bool) {
    if rejected > 0 && !kept {
        tracing::warn!(stage, passed, rejected, "done; --rejected FILE keeps what was turned down");
    } else {
        tracing::info!(stage, passed, rejected, "done");
    }
}
