//! One open sandbox: a job in, the program's frames and the facts of its end out.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    answer::{Answer, End},
    job::{Job, Runner},
    metrics::{Counted, ExecMetrics},
    sandbox::{Errors, Link, Sandbox},
};

/// How long a sandbox may take to open and to load its modules.
const OPEN_DEADLINE: Duration = Duration::from_secs(10);
/// sandbox-init ends every process after 8 minutes; one that does not is broken.
const ANSWER_DEADLINE: Duration = Duration::from_secs(9 * 60);
/// Largest message of sandbox-init's: one frame of a program.
const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// An open sandbox. It runs one program at a time.
pub struct Session {
    link: Link,
    /// `major.minor.micro` of its interpreter.
    pub python: String,
    /// Whether Landlock protects its programs.
    pub landlock: bool,
    /// Programs that it has run.
    pub served: u64,
    /// Why it must not be used again.
    pub retired: Option<String>,
    metrics: ExecMetrics,
    _open: Counted,
}

impl Session {
    /// Opens a sandbox and has it answer a program whose answer is known.
    ///
    /// # Errors
    /// The machine or the engine does not give one; the message is one sentence.
    pub async fn open(sandbox: &dyn Sandbox, metrics: &ExecMetrics) -> anyhow::Result<Self> {
        match timeout(OPEN_DEADLINE, Self::try_open(sandbox, metrics)).await {
            Ok(session) => session,
            Err(_) => bail!("the {} sandbox did not open within {} s", sandbox.name(), OPEN_DEADLINE.as_secs()),
        }
    }

    async fn try_open(sandbox: &dyn Sandbox, metrics: &ExecMetrics) -> anyhow::Result<Self> {
        let link = sandbox.open().await?;
        let (metrics, _open) = (metrics.clone(), Counted::new(&metrics.open));
        let (python, landlock) = (String::new(), false);
        let mut session = Self { link, python, landlock, served: 0, retired: None, metrics, _open };
        let (kind, greeting) = receive(&mut session.link.output, &session.link.errors).await?;
        ensure!(kind == b'h', "sandbox-init began with a message of kind {kind}");
        let greeting = String::from_utf8(greeting).context("sandbox-init's greeting")?;
        let mut lines = greeting.lines();
        session.python = lines.next().unwrap_or_default().to_owned();
        session.landlock = lines.next() == Some("landlock=1");
        session.check().await?;
        Ok(session)
    }

    /// Runs a program whose answer is known.
    ///
    /// # Errors
    /// The answer is another: the sandbox is broken.
    pub async fn check(&mut self) -> anyhow::Result<()> {
        let job = Job {
            name: "double",
            program: "def double(x):\n    return [x, x * 2]\n",
            examples: "examples = [dict(x=21)]",
            order: None,
            seed: 0,
            lines: false,
            canonical: false,
            reversed: false,
            shifted: false,
            careful: false,
            evaluation: false,
            only_after_done: false,
            runner: Runner { other_hash_seed: false, rich: false },
            cpu: Duration::from_secs(2),
        };
        let (answer, end) = self.run(&job).await?;
        if let Some(problem) = answer.not_set_up {
            bail!("a program could not be locked in: {problem}");
        }
        let outcome = answer.calls.first().and_then(|call| call.done.as_ref()).map(|done| &done.outcome);
        let right = outcome == Some(&pipeline::records::Outcome::Return("[21, 42]".into()));
        ensure!(right, "a program with a known answer did not give it: {outcome:?}, {end:?}");
        Ok(())
    }

    /// Runs one program to its end.
    ///
    /// # Errors
    /// The sandbox is broken and must not be used again; nothing is said about the program.
    pub async fn run(&mut self, job: &Job<'_>) -> anyhow::Result<(Answer, End)> {
        let ended = self.run_messages(&job.message(), 1).await?;
        // As many as there are programs.
        ended.into_iter().next().context("sandbox-init passed a program over")
    }

    /// Runs so many programs one after another, whose messages are all sent at once: the sandbox need not wait for this
    /// process in between.
    ///
    /// # Errors
    /// See [`Session::run`].
    pub async fn run_messages(&mut self, message: &[u8], programs: usize) -> anyhow::Result<Vec<(Answer, End)>> {
        self.retired = Some("it did not finish a program".into());
        let deadline = ANSWER_DEADLINE * programs as u32;
        let exchange = self.exchange(message, programs);
        let ended = timeout(deadline, exchange).await.context("sandbox-init overran every deadline")??;
        self.served += programs as u64;
        for (_, end) in &ended {
            self.metrics.ended(end);
        }
        for (_, End { cause, cpu_us, wall_us, max_rss_kib, .. }) in &ended {
            tracing::debug!(?cause, cpu_us, wall_us, max_rss_kib, "a program ended");
        }
        self.retired = ended.iter().map(|(_, end)| &end.anomaly).find(|anomaly| !anomaly.is_empty()).cloned();
        Ok(ended)
    }

    async fn exchange(&mut self, message: &[u8], programs: usize) -> anyhow::Result<Vec<(Answer, End)>> {
        let mut ended = Vec::with_capacity(programs);
        let (input, output, errors) = (&mut self.link.input, &mut self.link.output, &self.link.errors);
        let sent = async {
            input.write_all(message).await?;
            input.flush().await
        };
        // At the same time: a sandbox that cannot hand its answers on takes no further job in.
        let received = async {
            let mut answer = Answer::default();
            while ended.len() < programs {
                match receive(output, errors).await? {
                    (b'e', report) => {
                        let end = End::read(&report).context("sandbox-init's report")?;
                        ended.push((std::mem::take(&mut answer), end));
                    }
                    (kind, payload) => answer.take(kind, &payload),
                }
            }
            Ok(())
        };
        let sent = async { sent.await.map_err(|error| anyhow::anyhow!("{}", problem(errors, &error.to_string()))) };
        tokio::try_join!(sent, received)?;
        Ok(ended)
    }
}

/// One message of sandbox-init's.
async fn receive(output: &mut (dyn AsyncRead + Send + Unpin), errors: &Errors) -> anyhow::Result<(u8, Vec<u8>)> {
    let read = async {
        let length = output.read_u32_le().await? as usize;
        if !(1..=MAX_MESSAGE_BYTES).contains(&length) {
            return Err(std::io::Error::other(format!("a message of {length} bytes")));
        }
        let mut body = vec![0; length];
        output.read_exact(&mut body).await?;
        Ok(body)
    };
    match read.await {
        Ok(mut body) => {
            let payload = body.split_off(1);
            Ok((body[0], payload))
        }
        Err(error) => {
            // What it said last may still be on its way.
            tokio::time::sleep(Duration::from_millis(50)).await;
            bail!("{}", problem(errors, &error.to_string()))
        }
    }
}

fn problem(errors: &Errors, error: &str) -> String {
    let said = errors.last_line();
    if said.is_empty() { format!("the sandbox is gone ({error})") } else { said }
}
