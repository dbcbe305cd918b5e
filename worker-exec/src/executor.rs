//! The stage: a function and its example inputs in, what it did on each of them out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool::managed::PoolError;
use pipeline::{
    error::Failure,
    python::{Entry, entries},
    reason::{Reason, StageName},
    records::{ExecutedFunction, Execution, Function, GeneratedInputs, Limit, Outcome, Rejection, SandboxInfo},
    stage::{Stage, StageError, Verdict},
};

use crate::{
    answer::Argument,
    job::{Job, Runner},
    pool::{self, Lease, Pool},
    sandbox::{self, Sandbox},
    settings::ExecSettings,
    trial::{self, Finished, Trial},
};

/// Attempts at a record when a sandbox breaks under it; between two of them a sandbox proves itself on a known program.
const ATTEMPTS: u32 = 3;
/// Largest context, function and examples together; as JSON, which sandbox-init takes up to 128 MiB of, at most six times
/// as much.
const MAX_PROGRAM_BYTES: usize = 16 << 20;
/// How long it may take to find out that this machine gives no sandbox.
const START_DEADLINE: Duration = Duration::from_secs(9);
/// A machine that gives no sandbox is asked again for so long before the record goes back to wait in its queue: short, so
/// that a signal is answered in time.
const LEASE_PATIENCE: Duration = Duration::from_secs(5);
/// Between two times that it is asked.
const LEASE_PAUSE: Duration = Duration::from_millis(500);
/// The second execution may take so many times as long: it also traces lines.
const SECOND_FACTOR: u32 = 10;

/// Runs functions in a pool of sandboxes.
pub struct Executor {
    sandbox: Arc<dyn Sandbox>,
    pool: Pool,
    info: SandboxInfo,
    landlock: bool,
    cpu: Duration,
    memory_bytes: u64,
    stability: bool,
    /// Whether the last opening failed: said once when it begins and once when it is over.
    outage: AtomicBool,
}

impl Executor {
    /// Chooses the backend, opens a first sandbox and has it run a known program.
    ///
    /// # Errors
    /// [`Failure::Usage`] for settings that make no sense; [`Failure::Unavailable`] within 10 seconds where this
    /// machine gives no such sandbox, in one sentence that names the setting to change.
    pub async fn start(settings: &ExecSettings) -> Result<Self, Failure> {
        settings.check()?;
        let begun = Instant::now();
        let sandbox = sandbox::choose(settings).await?;
        let backend = sandbox.name();
        let pool = pool::new(Arc::clone(&sandbox), settings.slots(), settings.sandbox_programs)?;
        // The building of an image, which comes before, has a deadline of its own.
        let left = START_DEADLINE.saturating_sub(begun.elapsed()).max(START_DEADLINE / 2);
        let error = match tokio::time::timeout(left, pool.get()).await {
            Ok(Ok(first)) => return Ok(Self::with(settings, sandbox, pool, &first)),
            Ok(Err(error)) => words(error),
            Err(_) => format!("no sandbox opened within {} s", left.as_secs()),
        };
        // What was half open must not outlive this process.
        drop(tokio::time::timeout(Duration::from_secs(1), sandbox.close()).await);
        Err(Failure::Unavailable(format!("--sandbox {backend}: {error}")))
    }

    fn with(settings: &ExecSettings, sandbox: Arc<dyn Sandbox>, pool: Pool, first: &Lease) -> Self {
        let backend = sandbox.name();
        let info = SandboxInfo {
            backend: backend.to_owned(),
            python: first.python.clone(),
            image_digest: sandbox.image_digest(),
        };
        tracing::info!(backend, python = info.python, landlock = first.landlock, "sandbox is ready");
        let memory_bytes = settings.memory_limit << 20;
        let (cpu, stability, outage) = (settings.cpu(), settings.stability, AtomicBool::new(false));
        Self { sandbox, pool, info, landlock: first.landlock, cpu, memory_bytes, stability, outage }
    }

    /// What functions run in; the same in every record of a run.
    pub fn info(&self) -> SandboxInfo {
        self.info.clone()
    }

    /// Whether Landlock restricts what programs see of the file system.
    pub fn landlock(&self) -> bool {
        self.landlock
    }

    /// Programs at once.
    pub fn slots(&self) -> usize {
        self.pool.status().max_size
    }

    /// Sandboxes opened so far: as many as there are slots in use, and one more for each that had to be replaced.
    pub fn opened(&self) -> u64 {
        self.pool.manager().opened()
    }

    /// Ends all sandboxes and waits until nothing of them is left.
    pub async fn shutdown(&self) {
        self.pool.close();
        self.pool.manager().close().await;
        self.sandbox.close().await;
    }

    /// A sandbox; waits a little for a machine that gives none.
    async fn lease(&self) -> Result<Lease, StageError> {
        let begun = Instant::now();
        loop {
            let error = match self.pool.get().await {
                Ok(lease) => {
                    if self.outage.swap(false, Ordering::Relaxed) {
                        tracing::info!(backend = self.info.backend, "sandboxes open again");
                    }
                    return Ok(lease);
                }
                Err(error) => words(error),
            };
            if !self.outage.swap(true, Ordering::Relaxed) {
                tracing::warn!(backend = self.info.backend, error, "no sandbox opens: waiting until one does");
            }
            if begun.elapsed() > LEASE_PATIENCE || self.pool.is_closed() {
                return Err(StageError::Unavailable(format!("no sandbox: {error}")));
            }
            tokio::time::sleep(LEASE_PAUSE).await;
        }
    }

    /// A sandbox that has just given a known answer: what breaks in it is not the fault of the machine.
    async fn sound_lease(&self) -> Result<Lease, StageError> {
        // All that are open may have gone at once.
        for _ in 0..=self.slots() {
            let mut lease = self.lease().await?;
            if lease.is_sound().await {
                return Ok(lease);
            }
        }
        Err(StageError::Unavailable("no sandbox: each one breaks as soon as it is open".into()))
    }

    /// A function on all its inputs, and once more under other conditions where that is asked for.
    async fn try_run(&self, lease: &mut Lease, input: &GeneratedInputs, program: &str) -> anyhow::Result<Answered> {
        let job = Job {
            name: &input.function.name,
            program,
            examples: &input.examples,
            order: None,
            seed: 0,
            lines: false,
            canonical: self.stability,
            careful: false,
            runner: Runner::for_source(program, &input.examples),
            cpu: self.cpu,
        };
        let first = match trial::run(lease, job.clone(), self.memory_bytes).await? {
            Trial::Called(calls) => calls,
            Trial::Failed(reason, detail) => return Ok(Answered::Failed(reason, detail)),
        };
        if !self.stability {
            return Ok(Answered::Called { first, second: None });
        }
        // What ran out of time does so again: it says nothing and costs most.
        let again = |call: &&Finished| call.done.outcome != Outcome::Limit(Limit::Time);
        let order = first.iter().rev().filter(again).map(|call| call.index).collect();
        let cpu = self.cpu * SECOND_FACTOR;
        let runner = Runner { other_hash_seed: true, ..job.runner };
        let job = Job { order: Some(order), seed: 1, lines: true, runner, cpu, ..job };
        let second = match trial::run(lease, job, self.memory_bytes).await? {
            Trial::Called(calls) => Ok(calls),
            Trial::Failed(_, detail) => Err(detail),
        };
        Ok(Answered::Called { first, second: Some(second) })
    }
}

fn words(error: PoolError<anyhow::Error>) -> String {
    match error {
        PoolError::Backend(error) => format!("{error:#}"),
        other => other.to_string(),
    }
}

enum Answered {
    Failed(Reason, String),
    Called { first: Vec<Finished>, second: Option<Result<Vec<Finished>, String>> },
}

impl Stage for Executor {
    type Input = GeneratedInputs;
    type Output = ExecutedFunction;

    const NAME: StageName = StageName::Execute;

    async fn process(&self, input: GeneratedInputs) -> Result<Verdict<ExecutedFunction>, StageError> {
        let program = input.function.program();
        if program.len() + input.examples.len() > MAX_PROGRAM_BYTES {
            let detail = format!("the program and its examples are longer than {MAX_PROGRAM_BYTES} bytes");
            return Ok(Rejection::of(&input, Reason::DefinitionFailed, detail).into());
        }
        let mut last = String::new();
        for attempt in 0..ATTEMPTS {
            let mut lease = if attempt == 0 { self.lease().await? } else { self.sound_lease().await? };
            match self.try_run(&mut lease, &input, &program).await {
                Ok(Answered::Failed(reason, detail)) => {
                    return Ok(Rejection::of(&input, reason, one_line(&detail)).into());
                }
                Ok(Answered::Called { first, second }) => {
                    return Ok(Verdict::Pass(self.record(input, first, second)));
                }
                Err(error) => last = format!("{error:#}"),
            }
            tracing::warn!(id = input.function.id, error = last, "a sandbox broke; taking another");
        }
        Err(StageError::Failed(last))
    }
}

impl Executor {
    fn record(
        &self,
        input: GeneratedInputs,
        first: Vec<Finished>,
        second: Option<Result<Vec<Finished>, String>>,
    ) -> ExecutedFunction {
        let stable = second.as_ref().map(|second| second.as_ref().is_ok_and(|second| agree(&first, second)));
        let second = second.and_then(Result::ok);
        let lines_of = |index: usize| {
            let calls = second.as_ref()?;
            let call = calls.iter().find(|call| call.index == index)?;
            matches!(call.done.outcome, Outcome::Return(_) | Outcome::Error(_))
                .then(|| own_lines(&input.function, &call.done.lines))
        };
        let sources = Sources::of(&input.examples, &first);
        let executions = first
            .into_iter()
            .map(|call| Execution {
                lines: lines_of(call.index),
                arguments: sources.arguments(call.index, call.arguments),
                input: call.input,
                outcome: call.done.outcome,
                literal: call.done.literal,
            })
            .collect();
        ExecutedFunction {
            function: input.function,
            generation: input.generation,
            executions,
            stable,
            sandbox: self.info(),
        }
    }
}

/// Whether two executions gave the same outcomes by value: order in sets and dicts does not count, order in lists does.
fn agree(first: &[Finished], second: &[Finished]) -> bool {
    first.iter().all(|one| {
        let (a, two) = (&one.done, second.iter().find(|two| two.index == one.index));
        match (&a.outcome, two.map(|two| (&two.done, &two.done.outcome))) {
            (Outcome::Limit(Limit::Time), _) => true,
            (Outcome::Return(x), Some((b, Outcome::Return(y)))) => x == y || a.canonical == b.canonical,
            (Outcome::Error(x), Some((_, Outcome::Error(y)))) => x.class == y.class && x.message == y.message,
            (Outcome::Limit(x), Some((_, Outcome::Limit(y)))) => x == y,
            _ => false,
        }
    })
}

/// What stands in the examples for arguments whose repr is no source.
struct Sources(Option<Vec<Option<Entry>>>);

impl Sources {
    /// Of a block, if any argument needs them and the block is as long as it looks.
    fn of(block: &str, calls: &[Finished]) -> Self {
        let needed = calls.iter().flat_map(|call| &call.arguments).any(|argument| !argument.literal);
        let entries = if needed { entries(block) } else { None };
        Self(entries.filter(|entries| entries.len() == calls.len()))
    }

    /// `[name, source]` of each: the repr if it is a literal, else the expression's own text, else the repr all the same.
    fn arguments(&self, index: usize, arguments: Vec<Argument>) -> Vec<(String, String)> {
        let written = |name: &str| {
            let entry = self.0.as_ref()?.get(index)?.as_ref()?;
            entry.iter().find(|(other, _)| other == name).map(|(_, source)| source.clone())
        };
        let source = |Argument { name, shown, literal }| {
            let written = if literal { None } else { written(&name) };
            (name, written.unwrap_or(shown))
        };
        arguments.into_iter().map(source).collect()
    }
}

/// Lines of the program as lines of the function's own code.
fn own_lines(function: &Function, lines: &[u32]) -> Vec<u32> {
    let program_lines = function.program().lines().count();
    let before = (program_lines - function.code.lines().count()) as u32;
    // The program may have written the numbers itself.
    let own = before + 1..=program_lines as u32;
    lines.iter().filter(|line| own.contains(line)).map(|line| line - before).collect()
}

/// A detail is one line and holds no addresses.
fn one_line(detail: &str) -> String {
    detail.split_whitespace().collect::<Vec<_>>().join(" ")
}
