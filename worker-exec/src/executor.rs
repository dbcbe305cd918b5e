//! The stage: a function and its example inputs in, what it did on each of them out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pipeline::{
    error::Failure,
    python::{Entry, entries},
    reason::{Reason, StageName},
    records::{ExecutedFunction, Execution, Function, GeneratedInputs, Limit, Outcome, Rejection, SandboxInfo},
    stage::{Stage, StageError, Verdict},
};

use crate::{
    answer::Argument,
    batch::{self, Batches},
    job::{Job, Runner},
    lease::Leases,
    metrics::ExecMetrics,
    repair::or_repair,
    sandbox,
    settings::ExecSettings,
    trial::{self, Finished, Trial},
};

/// Attempts at a record when a sandbox breaks under it; between two of them a sandbox proves itself on a known program.
pub(crate) const ATTEMPTS: u32 = 3;
/// Largest context, function and examples together; as JSON, which sandbox-init takes up to 128 MiB of, at most six times
/// as much. What collect and the writer make is far below it.
const MAX_PROGRAM_BYTES: usize = 16 << 20;
/// How long it may take to find out that this machine gives no sandbox.
const START_DEADLINE: Duration = Duration::from_secs(9);
/// The second execution may take so many times as long: it also traces lines.
const SECOND_FACTOR: u32 = 10;

/// Runs functions in a pool of sandboxes.
pub struct Executor {
    pub(crate) leases: Arc<Leases>,
    pub(crate) batches: Batches,
    info: SandboxInfo,
    landlock: bool,
    pub(crate) cpu: Duration,
    pub(crate) memory_bytes: u64,
    stability: bool,
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
        if backend == "docker" && settings.python.is_some() {
            tracing::warn!("--python is for --sandbox namespace; containers have the Python of --sandbox-image");
        }
        let leases = Arc::new(Leases::new(Arc::clone(&sandbox), settings.slots(), settings.sandbox_programs)?);
        // The building of an image, which comes before, has a deadline of its own.
        let left = START_DEADLINE.saturating_sub(begun.elapsed()).max(START_DEADLINE / 2);
        let first = leases.first(left).await;
        let first = first.map_err(|error| Failure::Unavailable(format!("--sandbox {backend}: {error}")))?;
        let info = SandboxInfo {
            backend: backend.to_owned(),
            python: first.python.clone(),
            image_digest: sandbox.image_digest(),
        };
        tracing::info!(backend, python = info.python, landlock = first.landlock, "sandbox is ready");
        Ok(Self {
            batches: Batches::new(&leases),
            leases,
            info,
            landlock: first.landlock,
            cpu: settings.cpu(),
            memory_bytes: settings.memory_limit << 20,
            stability: settings.stability,
        })
    }

    /// What functions run in; the same in every record of a run.
    pub fn info(&self) -> SandboxInfo {
        self.info.clone()
    }

    /// Whether Landlock restricts what programs see of the file system.
    pub fn landlock(&self) -> bool {
        self.landlock
    }

    /// What it counts; nobody collects that before it is registered.
    pub fn metrics(&self) -> &ExecMetrics {
        self.leases.metrics()
    }

    /// Programs at once.
    pub fn slots(&self) -> usize {
        self.leases.slots()
    }

    /// Records to work at once, so that no sandbox has to wait for one.
    pub fn concurrency(&self) -> usize {
        2 * batch::MOST * self.slots()
    }

    /// Sandboxes opened so far: as many as there are slots in use, and one more for each that had to be replaced.
    pub fn opened(&self) -> u64 {
        self.leases.opened()
    }

    /// Ends all sandboxes and waits until nothing of them is left.
    pub async fn shutdown(&self) {
        self.batches.close().await;
        self.leases.close().await;
    }

    /// A function on all its inputs, and once more under other conditions where that is asked for.
    ///
    /// Both are tried quickly first, together with other functions. Most need no more; for the rest a sandbox of its own
    /// is taken.
    async fn answer(&self, input: &GeneratedInputs, program: &str) -> Result<Answered, StageError> {
        let runner = Runner::for_source(program, &input.examples);
        let job = Job { canonical: self.stability, runner, ..self.job(&input.function.name, program, &input.examples) };
        self.twice(&input.function.id, &job, self.stability).await
    }

    /// The plainest job: all examples in order, no second look at anything.
    pub(crate) fn job<'a>(&self, name: &'a str, program: &'a str, examples: &'a str) -> Job<'a> {
        Job {
            name,
            program,
            examples,
            order: None,
            reversed: false,
            shifted: false,
            seed: 0,
            lines: false,
            canonical: false,
            careful: false,
            evaluation: false,
            only_after_done: false,
            runner: Runner { other_hash_seed: false, rich: true },
            cpu: self.cpu,
        }
    }

    /// One execution, and another one under other conditions where that is asked for.
    pub(crate) async fn twice(&self, id: &str, job: &Job<'_>, stability: bool) -> Result<Answered, StageError> {
        let runner = Runner { other_hash_seed: true, ..job.runner };
        let mut again = Job {
            seed: 1,
            shifted: true,
            lines: !job.evaluation,
            runner,
            cpu: self.cpu * SECOND_FACTOR,
            ..job.clone()
        };
        let mut attempts = vec![trial::quick(job)];
        if stability {
            // From the last example to the first. For nothing if the first attempt failed: then it is passed over.
            attempts.push(Job { reversed: true, only_after_done: true, ..trial::quick(&again) });
        }
        let mut ended = self.batches.attempt(&attempts).await?.unwrap_or_default().into_iter();
        let first = ended.next().and_then(|ended| trial::conclude(job, ended, self.memory_bytes));
        let first = match first {
            Some(trial) => trial,
            None => self.carefully(id, job).await?,
        };
        let first = match first {
            Trial::Called(calls) => calls,
            Trial::Failed(reason, detail) => return Ok(Answered::Failed(reason, detail)),
        };
        if !stability {
            return Ok(Answered::Called { first, second: None });
        }
        // What ran out of time does so again: it says nothing and costs most.
        let in_time = |call: &&Finished| call.done.outcome != Outcome::Limit(Limit::Time);
        again.order = Some(first.iter().rev().filter(in_time).map(|call| call.index).collect());
        let second = ended.next().and_then(|ended| trial::conclude(&again, ended, self.memory_bytes));
        let second = match second {
            Some(trial) => trial,
            None => self.carefully(id, &again).await?,
        };
        let second = match second {
            Trial::Called(calls) => Ok(calls),
            Trial::Failed(_, detail) => Err(detail),
        };
        Ok(Answered::Called { first, second: Some(second) })
    }

    /// One of the two executions in a sandbox that it has to itself.
    async fn carefully(&self, id: &str, job: &Job<'_>) -> Result<Trial, StageError> {
        let mut last = String::new();
        for attempt in 0..ATTEMPTS {
            let mut lease = if attempt == 0 { self.leases.get().await? } else { self.leases.get_sound().await? };
            match trial::carefully(&mut lease, job.clone(), self.memory_bytes).await {
                Ok(trial) => return Ok(trial),
                Err(error) => last = format!("{error:#}"),
            }
            tracing::warn!(id, error = last, "a sandbox broke; taking another");
        }
        Err(StageError::Failed(last))
    }
}

/// What came of a function.
pub(crate) enum Answered {
    /// It never came to a call.
    Failed(Reason, String),
    /// Its calls; of the second execution, why it came to none.
    Called { first: Vec<Finished>, second: Option<Result<Vec<Finished>, String>> },
}

impl Stage for Executor {
    type Input = GeneratedInputs;
    type Output = ExecutedFunction;

    const NAME: StageName = StageName::Execute;

    async fn process(&self, input: GeneratedInputs, _seed: u64) -> Result<Verdict<ExecutedFunction>, StageError> {
        let program = input.function.program();
        if program.len() + input.examples.len() > MAX_PROGRAM_BYTES {
            let detail = format!("the program and its examples are longer than {MAX_PROGRAM_BYTES} bytes");
            return Ok(Rejection::of(&input, Reason::DefinitionFailed, detail).into());
        }
        let verdict = match self.answer(&input, &program).await? {
            Answered::Failed(reason, detail) => Rejection::of(&input, reason, one_line(&detail)).into(),
            Answered::Called { first, second } => {
                let executed = self.record(&input, first, second);
                self.metrics().recorded(&executed);
                Verdict::Pass(executed)
            }
        };
        Ok(or_repair(&input, verdict))
    }
}

impl Executor {
    fn record(
        &self,
        input: &GeneratedInputs,
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
            function: input.function.clone(),
            generation: input.generation.clone(),
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
            // Up to Python 3.11 the tracer of lines takes part in the depth, and in the words.
            (Outcome::Error(x), Some((_, Outcome::Error(y)))) if x.class == "RecursionError" => x.class == y.class,
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
            entry.iter().rev().find(|(other, _)| other == name).map(|(_, source)| source.clone())
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
