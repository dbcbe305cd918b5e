//! Fleet workers that do nothing, for `bench/million`: what is left is the queue, the consume loop, submit and sink.
//!
//! - `write`: a function → inputs, at once, about as long as what a model writes
//! - `execute`: inputs → outcomes, at once, such that the sample is kept
//! - `bare`: the mark to measure against. The same bodies through three queues of the same kind with nothing but
//!   confirmed publishes and acknowledgements

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::Context;
use clap::{Parser, Subcommand};
use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};
use lapin::{
    Connection, ConnectionProperties,
    options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions},
    types::FieldTable,
};
use pipeline::{
    consume::{Route, StageMetrics, consume},
    error::{Failure, exit},
    message::{Address, Message, RunId},
    queue::{
        QueueName,
        rabbitmq::{BrokerSettings, RabbitQueue, topology::Topology, wire},
    },
    reason::StageName,
    records::{ExecutedFunction, Execution, Function, GeneratedInputs, Generation, Outcome, SandboxInfo, WriteMethod},
    shutdown,
    stage::{Stage, StageError, Verdict},
};
use prometheus::Registry;

/// Examples a function.
const EXAMPLES: i64 = 8;

/// Deliveries that a bare consumer has in hand: as many as the sink.
const PREFETCH: u16 = 2_000;

/// Fleet workers that do nothing, and the bare broker to compare with.
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    broker: BrokerSettings,
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Stands in for worker-llm
    Write {
        /// Records at once
        #[arg(long, default_value_t = 256)]
        concurrency: usize,
    },
    /// Stands in for worker-exec
    Execute {
        /// Records at once
        #[arg(long, default_value_t = 256)]
        concurrency: usize,
    },
    /// Publishes and acknowledges, nothing else; prints messages, seconds and the mean body of each queue in bytes
    Bare {
        /// Functions (JSON Lines) whose records are the bodies, again and again
        #[arg(long)]
        functions: PathBuf,
        /// Messages a queue
        #[arg(long, default_value_t = 100_000)]
        messages: usize,
        /// Publishes a queue whose confirm is under way
        #[arg(long, default_value_t = 1_000)]
        window: usize,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    pipeline::telemetry::init_logs();
    let Cli { broker, role } = Cli::parse();
    exit(match role {
        Role::Write { concurrency } => work(NullWriter, "null-writer", &broker, Route::WRITE_INPUTS, concurrency).await,
        Role::Execute { concurrency } => {
            work(NullExecutor, "null-executor", &broker, Route::EXECUTE, concurrency).await
        }
        Role::Bare { functions, messages, window } => {
            bare(&broker, &functions, messages, window).await.map_err(Failure::from)
        }
    })
}

async fn work(
    stage: impl Stage,
    name: &str,
    broker: &BrokerSettings,
    route: Route,
    concurrency: usize,
) -> Result<(), Failure> {
    let stop = shutdown::on_signals().map_err(anyhow::Error::from)?;
    let queue = RabbitQueue::connect(broker, name).await?;
    let metrics = StageMetrics::register(&Registry::new()).map_err(anyhow::Error::from)?;
    let worked = consume(Arc::new(stage), queue.clone(), route, concurrency, metrics, stop).await;
    queue.close_after(worked).await
}

struct NullWriter;

impl Stage for NullWriter {
    type Input = Function;
    type Output = GeneratedInputs;
    const NAME: StageName = StageName::WriteInputs;

    async fn process(&self, function: Function, _seed: u64) -> Result<Verdict<GeneratedInputs>, StageError> {
        Ok(Verdict::Pass(written(function)))
    }
}

struct NullExecutor;

impl Stage for NullExecutor {
    type Input = GeneratedInputs;
    type Output = ExecutedFunction;
    const NAME: StageName = StageName::Execute;

    async fn process(&self, inputs: GeneratedInputs, _seed: u64) -> Result<Verdict<ExecutedFunction>, StageError> {
        Ok(Verdict::Pass(executed(inputs)))
    }
}

/// The value of a parameter in an example. Its length is that of a typical argument.
fn argument(number: i64, at: usize) -> String {
    format!("[{number}, {at}, 'an item of the list', {}]", number * number)
}

fn written(function: Function) -> GeneratedInputs {
    let entry = |number| {
        let arguments = function.parameters.iter().enumerate();
        let arguments: Vec<_> = arguments.map(|(at, name)| format!("{name}={}", argument(number, at))).collect();
        format!("    dict({}),\n", arguments.join(", "))
    };
    let examples = format!("examples = [\n{}]\n", (0..EXAMPLES).map(entry).collect::<String>());
    let generation = Generation {
        model: "null".into(),
        prompt: "write-inputs".into(),
        prompt_sha256: "0".repeat(64),
        temperature: 0.2,
        top_p: 0.95,
        seed: Some(0),
        prompt_tokens: 500,
        completion_tokens: examples.len() as u64 / 4,
        finish_reason: "stop".into(),
        completion: format!("```python\n{examples}```\n"),
        method: WriteMethod::Plain.into(),
    };
    GeneratedInputs { function, examples, generation, repairs_left: 0 }
}

fn executed(inputs: GeneratedInputs) -> ExecutedFunction {
    let GeneratedInputs { function, generation, .. } = inputs;
    let execution = |number| {
        let names = function.parameters.iter().enumerate();
        let arguments: Vec<_> = names.map(|(at, name)| (name.clone(), argument(number, at))).collect();
        let input: Vec<_> = arguments.iter().map(|(name, value)| format!("'{name}': {value}")).collect();
        Execution {
            input: format!("{{{}}}", input.join(", ")),
            arguments,
            outcome: Outcome::Return(format!("[{number}, 'what the function gives back']")),
            literal: true,
            lines: Some(vec![2, 3, 5, 6]),
        }
    };
    let executions = (0..EXAMPLES).map(execution).collect();
    let sandbox = SandboxInfo { backend: "none".into(), python: "3.13.0".into(), image_digest: None };
    ExecutedFunction { function, generation, executions, stable: Some(true), sandbox }
}

/// The messages of one hop.
struct Hop {
    queue: QueueName,
    messages: Vec<Message>,
}

async fn bare(broker: &BrokerSettings, functions: &Path, messages: usize, window: usize) -> anyhow::Result<()> {
    let topology = Topology::new(broker.run_name()?);
    let connection = connect(broker).await?;
    let channel = connection.create_channel().await?;
    topology.declare(&channel).await?;
    let hops = hops(functions)?;
    let started = Instant::now();
    try_join_all(hops.iter().map(|hop| through(broker, &topology, hop, messages, window))).await?;
    let seconds = started.elapsed().as_secs_f64();
    topology.delete(&channel).await?;
    let bytes: Vec<_> = hops.iter().map(Hop::mean_bytes).collect();
    serde_json::to_writer(
        io::stdout(),
        &serde_json::json!({ "messages": messages * hops.len(), "seconds": seconds, "bytes": bytes }),
    )?;
    Ok(())
}

/// What the null workers make of the functions, by hop.
fn hops(path: &Path) -> anyhow::Result<[Hop; 3]> {
    let hop = |queue| Hop { queue, messages: Vec::new() };
    let [mut functions, mut inputs, mut outcomes] =
        [QueueName::Functions, QueueName::Inputs, QueueName::Outcomes].map(hop);
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    for (index, line) in (0..).zip(text.lines()) {
        let address = || Address { run_id: RunId("b".repeat(32)), seed: 0, shard: index / 1000, index };
        let function: Function = serde_json::from_str(line)?;
        functions.messages.push(Message::of(address(), &function));
        let written = written(function);
        inputs.messages.push(Message::of(address(), &written));
        outcomes.messages.push(Message::of(address(), &executed(written)));
    }
    anyhow::ensure!(!functions.messages.is_empty(), "{} is empty", path.display());
    Ok([functions, inputs, outcomes])
}

impl Hop {
    fn mean_bytes(&self) -> usize {
        self.messages.iter().map(|message| message.body.len()).sum::<usize>() / self.messages.len()
    }
}

async fn connect(broker: &BrokerSettings) -> lapin::Result<Connection> {
    Connection::connect(&broker.amqp_url, ConnectionProperties::default()).await
}

/// Publishes to one queue and consumes from it at the same time, each over a connection of its own.
async fn through(
    broker: &BrokerSettings,
    topology: &Topology,
    hop: &Hop,
    messages: usize,
    window: usize,
) -> anyhow::Result<()> {
    let queue = topology.queue(hop.queue);
    let publish = async {
        let connection = connect(broker).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let send = |message: &Message| {
            let (properties, body) = (wire::properties(message), message.body.clone());
            let (exchange, key) = (topology.exchange().into(), queue.as_str().into());
            let channel = &channel;
            async move {
                let confirm = channel.basic_publish(exchange, key, options, &body, properties).await?.await?;
                anyhow::ensure!(confirm.is_ack() && confirm.take_message().is_none(), "a publish was not taken");
                Ok(())
            }
        };
        let all = hop.messages.iter().cycle().take(messages);
        stream::iter(all).map(send).buffer_unordered(window).try_collect::<()>().await
    };
    let consume = async {
        let connection = connect(broker).await?;
        let channel = connection.create_channel().await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let name = queue.as_str().into();
        let mut stream = channel.basic_consume(name, "".into(), options, FieldTable::default()).await?;
        for _ in 0..messages {
            let delivery = stream.next().await.context("the broker ended the consumer")??;
            delivery.acker.ack(BasicAckOptions::default()).await?;
        }
        Ok(())
    };
    tokio::try_join!(publish, consume).map(drop)
}
