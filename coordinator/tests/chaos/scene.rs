//! One case: a fleet, what is done to it, and what must have been seen before it counts.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    fleet::{Fleet, Plan, ROLES},
    frames::Sign,
    llm::{Llm, shared},
    node::{Node, Version},
    oracle::{self, Expected},
    proxy::Proxy,
};
use crate::process::{program, until};

/// After this a case has failed.
pub const DEADLINE: Duration = Duration::from_secs(240);

/// A case.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name, and that of its run.
    pub name: &'static str,
    /// Whether it is of the short selection.
    pub short: bool,
    /// The broker that it needs.
    pub needs: Needs,
    /// What happens.
    pub play: fn(&mut Scene) -> Result<Row, String>,
}

/// Which broker a case needs.
#[derive(Clone, Copy)]
pub enum Needs {
    /// Any that works; it is left so.
    Any,
    /// One with these lines of configuration.
    Own(&'static str),
    /// Three nodes.
    Cluster,
}

/// Where a case takes place.
pub struct Scene<'a> {
    /// Its name.
    pub name: &'static str,
    /// The broker.
    pub node: &'a mut Node,
    /// Which it is.
    pub version: Version,
    /// The way to it.
    pub proxy: Proxy,
    /// Where files go.
    pub folder: &'a Path,
    /// Whether faults last as long as the issue says, or only as long as they show.
    pub full: bool,
    /// Where chance begins.
    pub seed: u64,
}

/// What a case came to.
#[derive(Default)]
pub struct Row {
    /// What was done.
    pub faults: String,
    /// Processes started again.
    pub restarts: u32,
    /// Connections made again.
    pub reconnects: usize,
    /// Messages that came again.
    pub redelivered: u64,
    /// Outcomes that came again and were dropped, by the last sink.
    pub duplicates: u64,
    /// Items, each of which ended once.
    pub items: u64,
}

/// What must have been seen, lest the case has shown nothing.
#[derive(Clone, Copy, Debug)]
pub enum Must {
    /// So many processes started again.
    Restart(u32),
    /// So many connections made again.
    Reconnect(usize),
    /// The broker said so.
    See(Sign),
    /// A role said so.
    Say(&'static str, &'static str),
}

/// What a fleet works on.
pub struct Work {
    /// What is submitted.
    pub input: PathBuf,
    /// The LLM, and how long it takes; the builtin writer without one.
    pub llm: Option<Llm>,
    /// Flags of the execution workers.
    pub sandbox: Vec<String>,
}

impl Work {
    /// The published functions with their recorded completions, in about `320 / 16 * latency_s` seconds.
    pub fn published(latency_s: f64) -> Self {
        let input = shared().join("data/functions.jsonl");
        Self { input, llm: Some(Llm::start(latency_s, 0.9)), sandbox: namespace() }
    }

    /// Functions of the case's own.
    pub fn of(input: PathBuf) -> Self {
        Self { input, llm: None, sandbox: namespace() }
    }
}

fn namespace() -> Vec<String> {
    ["--sandbox", "namespace", "--slots", "1"].map(str::to_owned).into()
}

impl Scene<'_> {
    /// Starts a fleet on `work`.
    pub fn fleet(&self, work: &Work, environment: impl Fn(&str) -> Vec<(String, String)>) -> Fleet {
        let plan = Plan {
            run: self.name.to_owned(),
            input: work.input.clone(),
            amqp_url: self.proxy.url(),
            llm_url: work.llm.as_ref().map(Llm::url),
            sandbox: work.sandbox.clone(),
            folder: self.folder.to_owned(),
        };
        Fleet::start(plan, environment)
    }

    /// What must come out of `work`.
    pub fn expected(&self, work: &Work) -> Expected {
        oracle::of(&work.input, work.llm.is_some(), &work.sandbox)
    }

    /// The usual case: a fleet on the published functions, one fault once it is well under way, the same bytes.
    pub fn disturb(
        &mut self,
        latency_s: f64,
        faults: &str,
        must: &[Must],
        fault: impl FnOnce(&mut Self, &Fleet, &mut Work),
    ) -> Result<Row, String> {
        let mut work = Work::published(latency_s);
        let expected = self.expected(&work);
        let mut fleet = self.fleet(&work, |_| Vec::new());
        under_way(&fleet, 40);
        fault(self, &fleet, &mut work);
        let row = self.finish(&mut fleet, faults, must)?;
        expected.check(&fleet.out())?;
        Ok(Row { items: expected.items, ..row })
    }

    /// Waits for the end, and for what must have been seen.
    pub fn finish(&self, fleet: &mut Fleet, faults: &str, must: &[Must]) -> Result<Row, String> {
        let codes = fleet.finish(DEADLINE);
        let odd = fleet.odd_codes();
        if let Some((role, code)) = codes.into_iter().find(|(_, code)| *code != Some(0)) {
            return Err(format!("{role} ended with {code:?} on SIGTERM: {}", tail(&fleet.log(role))));
        }
        if !odd.is_empty() {
            return Err(format!("exit codes {odd:?}: {}", tail(&fleet.log(odd[0].0))));
        }
        for must in must {
            let seen = match must {
                Must::Restart(least) => fleet.restarts() >= *least,
                Must::Reconnect(least) => fleet.reconnects() >= *least,
                Must::See(sign) => self.proxy.signs().count(*sign) > 0,
                Must::Say(role, words) => fleet.log(role).contains(words),
            };
            if !seen {
                return Err(format!("the fault was not seen: {must:?}"));
            }
        }
        let run = std::fs::read(fleet.out().join("run.json")).map_err(|error| error.to_string())?;
        let run: serde_json::Value = serde_json::from_slice(&run).map_err(|error| error.to_string())?;
        Ok(Row {
            faults: faults.to_owned(),
            restarts: fleet.restarts(),
            reconnects: fleet.reconnects(),
            redelivered: self.proxy.signs().count(Sign::Redelivered),
            duplicates: run["last_process"]["duplicates_dropped"].as_u64().unwrap_or(0),
            items: run["counts"]["items"].as_u64().unwrap_or(0),
        })
    }

    /// What everybody said last and where the run stands, for whoever looks into a failure.
    pub fn report(&self) -> String {
        let tail = |role: &&str| {
            let log = std::fs::read_to_string(self.folder.join(format!("{role}.log"))).unwrap_or_default();
            format!("--- {role}\n{}\n", tail(&log))
        };
        let status = self.case2code(&["status", "--json", "--startup-wait", "2"]);
        let words = [status.stdout, status.stderr].concat();
        ROLES.iter().map(tail).collect::<String>() + "--- status\n" + &String::from_utf8_lossy(&words)
    }

    /// Messages that stand in a queue of the run.
    pub fn ready(&self, queue: &str) -> Result<usize, String> {
        let status = self.case2code(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).map_err(|error| error.to_string())?;
        let mut queues = status["queues"].as_array().into_iter().flatten();
        let ready = queues.find(|row| row["queue"] == queue).and_then(|row| row["ready"].as_u64());
        ready.and_then(|ready| usize::try_from(ready).ok()).ok_or_else(|| format!("no queue {queue} in {status}"))
    }

    /// A command of `case2code` on this run, to its end.
    pub fn case2code(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = program("case2code");
        command.args(arguments).args(["--run", self.name, "--amqp-url", &self.proxy.url()]);
        command.output().expect("case2code starts")
    }
}

/// Waits until so many outcomes are on disk.
pub fn under_way(fleet: &Fleet, outcomes: usize) {
    until("outcomes on disk", DEADLINE, || on_disk(&fleet.out()) >= outcomes);
}

/// Outcomes on disk: lines of journals, and the items of shards that are written.
pub fn on_disk(out: &Path) -> usize {
    let events = std::fs::read_to_string(out.join(".state/run.jsonl")).unwrap_or_default();
    crate::process::journaled(out) + 25 * events.matches("{\"done\"").count()
}

/// Lets a fault last.
pub fn last(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}

/// The end of a log.
pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
