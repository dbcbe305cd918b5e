//! A whole fleet as processes, each started again whenever it dies, as Kubernetes would.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::process::{program, until};

/// The processes of a fleet.
pub const ROLES: [&str; 6] = ["submit", "llm-0", "llm-1", "exec-0", "exec-1", "sink"];

/// How a fleet is to be.
#[derive(Clone)]
pub struct Plan {
    /// Its name.
    pub run: String,
    /// What is submitted.
    pub input: PathBuf,
    /// The broker, or the proxy before it.
    pub amqp_url: String,
    /// The server of the LLM workers; the builtin writer without one.
    pub llm_url: Option<String>,
    /// Flags of the execution workers.
    pub sandbox: Vec<String>,
    /// Where everything goes.
    pub folder: PathBuf,
}

/// How functions are collected: the same for a run in one process and for a fleet. Functions of 3 MB get through.
pub const COLLECT: [&str; 4] = ["--shard-size", "25", "--max-code-chars", "8388608"];

/// A running fleet, killed when dropped.
pub struct Fleet {
    plan: Plan,
    inner: Arc<Inner>,
    supervisor: Option<JoinHandle<()>>,
}

struct Inner {
    processes: Mutex<BTreeMap<&'static str, Process>>,
    ended: AtomicBool,
    /// An exit code that the fault makes right.
    borne: AtomicI32,
}

struct Process {
    child: Child,
    /// Set once it ended with 0.
    done: bool,
    /// Not to be started again for now.
    held: bool,
    starts: u32,
    /// Exit codes other than 0 that nobody asked for by a signal.
    codes: Vec<i32>,
    environment: Vec<(String, String)>,
}

impl Fleet {
    /// Starts all of it, each role with its environment.
    pub fn start(plan: Plan, environment: impl Fn(&str) -> Vec<(String, String)>) -> Self {
        let spawn = |role: &'static str| {
            let environment = environment(role);
            let child = spawn(&plan, role, &environment);
            (role, Process { child, done: false, held: false, starts: 1, codes: Vec::new(), environment })
        };
        let processes = Mutex::new(ROLES.into_iter().map(spawn).collect());
        let inner = Arc::new(Inner { processes, ended: AtomicBool::default(), borne: AtomicI32::default() });
        let (watched, plan_of_theirs) = (Arc::clone(&inner), plan.clone());
        let supervisor = std::thread::spawn(move || {
            while !watched.ended.load(Ordering::SeqCst) {
                watched.look(&plan_of_theirs);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self { plan, inner, supervisor: Some(supervisor) }
    }

    /// The output folder.
    pub fn out(&self) -> PathBuf {
        self.plan.folder.join("out")
    }

    /// Sends SIGKILL. False if it has ended already.
    pub fn kill(&self, role: &str) -> bool {
        let mut processes = self.inner.processes();
        let process = processes.get_mut(role).expect("a role");
        !process.done && process.child.kill().is_ok()
    }

    /// Kills a role, and leaves it dead until [`Self::release`].
    pub fn hold(&self, role: &str) {
        let mut processes = self.inner.processes();
        let process = processes.get_mut(role).expect("a role");
        process.held = true;
        let _ = process.child.kill();
        let _ = process.child.wait();
    }

    /// Starts a held role again, with another environment.
    pub fn release(&self, role: &'static str, environment: &[(String, String)]) {
        let mut processes = self.inner.processes();
        let process = processes.get_mut(role).expect("a role");
        process.environment = environment.to_vec();
        process.done = false;
        process.held = false;
        process.starts += 1;
        process.child = spawn(&self.plan, role, environment);
    }

    /// Sends a signal.
    pub fn signal(&self, role: &str, signal: i32) {
        let pid = i32::try_from(self.inner.processes()[role].child.id()).expect("a pid");
        // SAFETY: no memory is involved; the child is ours, and whoever reaps it starts another in its place.
        unsafe { libc::kill(pid, signal) };
    }

    /// Leaves a role dead once it has ended, until [`Self::release`].
    pub fn leave(&self, role: &str) {
        self.inner.processes().get_mut(role).expect("a role").held = true;
    }

    /// How a role ended that is left dead. Waits for it.
    pub fn end_of(&self, role: &str, deadline: Duration) -> ExitStatus {
        let look = || self.inner.processes().get_mut(role).expect("a role").child.try_wait().expect("a child of ours");
        until("it has ended", deadline, || look().is_some());
        look().expect("it has ended")
    }

    /// Whether a role came to its end by itself.
    pub fn is_done(&self, role: &str) -> bool {
        self.inner.processes()[role].done
    }

    /// How often processes were started again.
    pub fn restarts(&self) -> u32 {
        self.inner.processes().values().map(|process| process.starts - 1).sum()
    }

    /// How often one role was started.
    pub fn starts(&self, role: &str) -> u32 {
        self.inner.processes()[role].starts
    }

    /// Exit codes that were neither 0 nor of a signal, with the roles.
    pub fn odd_codes(&self) -> Vec<(&'static str, i32)> {
        let processes = self.inner.processes();
        processes.iter().flat_map(|(role, process)| process.codes.iter().map(|code| (*role, *code))).collect()
    }

    /// Exits with this code are right in this case.
    pub fn bear(&self, code: i32) {
        self.inner.borne.store(code, Ordering::SeqCst);
    }

    /// How often processes connected again.
    pub fn reconnects(&self) -> usize {
        ROLES.iter().map(|role| self.log(role).matches("connected to the broker again").count()).sum()
    }

    /// All that a role said.
    pub fn log(&self, role: &str) -> String {
        std::fs::read_to_string(log(&self.plan.folder, role)).unwrap_or_default()
    }

    /// Waits for the sink to come to its end, then ends the workers. Gives their exit codes.
    pub fn finish(&mut self, deadline: Duration) -> BTreeMap<&'static str, Option<i32>> {
        until("the sink is done", deadline, || self.is_done("sink"));
        self.inner.ended.store(true, Ordering::SeqCst);
        if let Some(supervisor) = self.supervisor.take() {
            supervisor.join().expect("the supervisor does not panic");
        }
        let mut processes = self.inner.processes();
        let mut codes = BTreeMap::new();
        for (role, process) in processes.iter_mut().filter(|(_, process)| !process.done) {
            let pid = i32::try_from(process.child.id()).expect("a pid");
            // SAFETY: no memory is involved; the child is ours and not reaped yet.
            unsafe { libc::kill(pid, libc::SIGTERM) };
            until("a worker ends", Duration::from_secs(60), || {
                process.child.try_wait().expect("a child of ours").is_some()
            });
            codes.insert(*role, process.child.wait().expect("a child of ours").code());
        }
        codes
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.inner.ended.store(true, Ordering::SeqCst);
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
        for process in self.inner.processes().values_mut() {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

impl Inner {
    fn processes(&self) -> MutexGuard<'_, BTreeMap<&'static str, Process>> {
        self.processes.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Starts again what died.
    fn look(&self, plan: &Plan) {
        for (role, process) in self.processes().iter_mut().filter(|(_, process)| !process.done && !process.held) {
            let Some(status) = process.child.try_wait().expect("a child of ours") else { continue };
            if status.success() {
                process.done = true;
                continue;
            }
            process.codes.extend(status.code().filter(|code| *code != self.borne.load(Ordering::SeqCst)));
            process.starts += 1;
            process.child = spawn(plan, role, &process.environment);
        }
    }
}

fn log(folder: &Path, role: &str) -> PathBuf {
    folder.join(format!("{role}.log"))
}

fn spawn(plan: &Plan, role: &str, environment: &[(String, String)]) -> Child {
    let (name, arguments) = command(plan, role);
    let log: File = OpenOptions::new().create(true).append(true).open(log(&plan.folder, role)).expect("a log");
    let again = log.try_clone().expect("a log");
    let mut command = program(name);
    command.args(arguments).args(["--run", &plan.run, "--amqp-url", &plan.amqp_url]);
    command.envs(environment.iter().cloned()).stdout(Stdio::from(log)).stderr(Stdio::from(again));
    command.spawn().expect("it starts")
}

/// The command of a role, but for what all of them have.
pub fn command(plan: &Plan, role: &str) -> (&'static str, Vec<String>) {
    let text = |path: PathBuf| path.display().to_string();
    let (name, arguments) = match role {
        "submit" => {
            let state = text(plan.folder.join("state"));
            let input = text(plan.input.clone());
            let arguments = ["submit", &input, "--state", &state, "--in-flight", "100"].map(str::to_owned);
            ("case2code", [&arguments[..], &COLLECT.map(str::to_owned)].concat())
        }
        "sink" => ("case2code", vec!["sink".into(), "--out".into(), text(plan.folder.join("out"))]),
        "llm-0" | "llm-1" => ("worker-llm", writer(plan.llm_url.as_deref())),
        _ => ("worker-exec", plan.sandbox.clone()),
    };
    (name, arguments)
}

/// Flags of the writer.
pub fn writer(llm_url: Option<&str>) -> Vec<String> {
    match llm_url {
        Some(url) => ["--llm-url", url, "--concurrency", "8"].map(str::to_owned).into(),
        None => ["--writer", "builtin"].map(str::to_owned).into(),
    }
}
