//! Chaos: a whole fleet of real processes over a real broker, with faults in all of it, must leave the very bytes of a
//! run that nobody disturbed. A case in which no fault was seen fails.
//!
//! `cargo test -p coordinator --all-features --test chaos` runs a short selection, `make chaos` all; see `-- --help`.

#![allow(clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a test fails by panicking")]

#[path = "../../../pipeline/tests/broker/mod.rs"]
mod broker;
mod cases;
mod fleet;
mod frames;
mod llm;
mod node;
mod oracle;
#[path = "../process/mod.rs"]
mod process;
mod proxy;
mod scene;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Command, ExitCode, Stdio},
    sync::{Mutex, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use clap::{Parser, ValueEnum};

use node::{Node, Version};
use proxy::{Proxy, Weather};
use scene::{Case, Needs, Row, Scene};

/// Faults in a whole fleet, and whether anything was lost.
#[derive(Parser)]
struct Cli {
    /// All cases, with faults as long as they are meant to be
    #[arg(long)]
    full: bool,
    /// The broker: 3.10 is that of Debian's package, 4 the container rabbitmq:4-management
    #[arg(long, default_value = "3.10")]
    broker: BrokerVersion,
    /// Cases at once, each with a broker of its own
    #[arg(long, default_value_t = 2)]
    lanes: usize,
    /// Keep the files of cases that failed
    #[arg(long)]
    keep: bool,
    /// Where chance begins; the table names it
    #[arg(long, default_value_t = clock())]
    seed: u64,
    /// Print the names of all cases
    #[arg(long)]
    list: bool,
    /// Only these cases
    names: Vec<String>,
    /// What cargo and its users pass to any test
    #[arg(long, hide = true)]
    nocapture: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum BrokerVersion {
    #[value(name = "3.10")]
    Package,
    #[value(name = "4")]
    Container,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if !cfg!(feature = "failpoints") {
        eprintln!("error: chaos needs the failpoints: cargo test --all-features (or make test)");
        return ExitCode::from(2);
    }
    let wanted = |case: &Case| match &cli.names[..] {
        [] => cli.full || case.short,
        names => names.iter().any(|name| name == case.name),
    };
    let all = cases::all();
    if let Some(unknown) = cli.names.iter().find(|name| all.iter().all(|case| case.name != **name)) {
        eprintln!("error: no case `{unknown}`; --list shows all");
        return ExitCode::from(2);
    }
    if cli.list {
        all.iter().for_each(|case| println!("{}{}", case.name, if case.short { "" } else { " (full)" }));
        return ExitCode::SUCCESS;
    }
    if let Some(name) = PROGRAMS.iter().find(|name| !has_failpoints(name)) {
        eprintln!("error: {name} is built without failpoints: cargo build --workspace --all-features (or make chaos)");
        return ExitCode::from(2);
    }
    let version = match cli.broker {
        BrokerVersion::Package => Version::Package,
        BrokerVersion::Container => Version::Container,
    };
    let waiting: Mutex<VecDeque<Case>> = Mutex::new(all.into_iter().filter(wanted).collect());
    let failed: Mutex<Vec<&str>> = Mutex::default();
    println!("{}", heading());
    std::thread::scope(|scope| {
        for _ in 0..cli.lanes.max(1) {
            scope.spawn(|| lane(&cli, version, &waiting, &failed));
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("failed: {}", failed.join(", "));
    ExitCode::FAILURE
}

const PROGRAMS: [&str; 3] = ["case2code", "worker-llm", "worker-exec"];

/// Whether the name of the variable stands in the binary. Cargo builds workers apart from this test.
fn has_failpoints(name: &str) -> bool {
    let program = process::program(name);
    let mut grep = Command::new("grep");
    let found = grep.args(["-q", "-a", "CASE2CODE_FAILPOINT"]).arg(program.get_program()).stdin(Stdio::null());
    found.status().expect("grep is installed").success()
}

/// Another seed in each run.
fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs())
}

/// Plays case after case on one broker.
fn lane(cli: &Cli, version: Version, waiting: &Mutex<VecDeque<Case>>, failed: &Mutex<Vec<&str>>) {
    let mut shared: Option<Node> = None;
    loop {
        let Some(case) = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front() else { return };
        let started = Instant::now();
        let played = catch_unwind(AssertUnwindSafe(|| {
            let mut own;
            let node = match case.needs {
                Needs::Any => shared.get_or_insert_with(|| Node::start(version, "")),
                Needs::Own(configuration) => {
                    own = Node::start(version, configuration);
                    &mut own
                }
                Needs::Cluster => {
                    own = Node::cluster();
                    &mut own
                }
            };
            play(cli, version, &case, node)
        }));
        let played = played.unwrap_or_else(|panic| {
            shared = None; // nobody knows how the case left it
            let words = panic.downcast_ref::<String>().cloned();
            Err(words.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
        });
        let seconds = started.elapsed().as_secs_f64();
        match played {
            Ok(row) => println!("{}", line(case.name, &row, seconds)),
            Err(why) => {
                println!("{:<22}FAILED after {seconds:.0} s: {why}", case.name);
                failed.lock().unwrap_or_else(PoisonError::into_inner).push(case.name);
            }
        }
    }
}

fn play(cli: &Cli, version: Version, case: &Case, node: &mut Node) -> Result<Row, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let proxy = Proxy::start(node.addresses());
    let (name, full, seed) = (case.name, cli.full, cli.seed);
    let mut scene = Scene { name, node, version, proxy, folder: folder.path(), full, seed };
    let played = catch_unwind(AssertUnwindSafe(|| (case.play)(&mut scene)));
    if !matches!(played, Ok(Ok(_))) {
        // Fair weather, so that the broker can be asked.
        scene.proxy.set(Weather::Fair);
        eprintln!("{name}: --seed {seed}\n{}", scene.report());
    }
    if cli.keep && !matches!(played, Ok(Ok(_))) {
        println!("{}: see {}", case.name, folder.keep().display());
    }
    played.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn heading() -> String {
    format!(
        "{:<22}{:<36}{:>9}{:>12}{:>13}{:>12}{:>7}{:>6}{:>9}",
        "case", "faults", "restarts", "reconnects", "redelivered", "duplicates", "items", "lost", "seconds"
    )
}

fn line(name: &str, row: &Row, seconds: f64) -> String {
    let Row { faults, restarts, reconnects, redelivered, duplicates, items } = row;
    format!(
        "{name:<22}{faults:<36}{restarts:>9}{reconnects:>12}{redelivered:>13}{duplicates:>12}{items:>7}{:>6}{seconds:>9.0}",
        0
    )
}
