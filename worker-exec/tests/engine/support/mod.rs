//! An engine behind a proxy that disturbs, a run of `execute` against it, and what the engine has of that run.

mod proxy;

use std::{
    collections::HashMap,
    fs,
    io::{BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bollard::{
    Docker,
    query_parameters::{KillContainerOptions, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder},
};
use nix::{sys::signal::Signal, unistd::Pid};
use serde_json::{Value, json};

pub use proxy::{Proxy, SOCKET};

/// The engine itself, not through a proxy.
pub fn engine() -> Docker {
    Docker::connect_with_unix(SOCKET, 60, bollard::API_DEFAULT_VERSION).expect("this test needs a Docker engine")
}

/// Waits for a condition.
pub async fn until(what: &str, deadline: Duration, condition: impl AsyncFnMut() -> bool) {
    assert!(holds_within(deadline, condition).await, "not within {deadline:?}: {what}");
}

/// Whether a condition holds at some time before the deadline; it is looked at once in any case.
pub async fn holds_within(deadline: Duration, mut condition: impl AsyncFnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !condition().await {
        if begun.elapsed() >= deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}

/// Containers of a process that the engine has, running or not.
pub async fn containers(engine: &Docker, pid: u32) -> Vec<String> {
    let filters = HashMap::from([("label", vec!["case2code.owner"])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed = engine.list_containers(Some(options)).await.expect("a list");
    let is_its = |labels: &HashMap<String, String>| labels["case2code.owner"].contains(&format!(":{pid}:"));
    listed.into_iter().filter(|one| one.labels.as_ref().is_some_and(is_its)).filter_map(|one| one.id).collect()
}

/// Removes containers; those that are gone already are fine.
pub async fn remove(engine: &Docker, ids: Vec<String>) {
    let options = RemoveContainerOptionsBuilder::default().force(true).build();
    for id in ids {
        let _ = engine.remove_container(&id, Some(options.clone())).await;
    }
}

/// The image of ours; a run makes sure that it is there.
pub async fn sandbox_image() -> String {
    let proxy = Proxy::start().await;
    let mut run = Run::start(&proxy, ["--slots", "1"], 1);
    let engine = engine();
    let mut image = None;
    until("a container of ours", Duration::from_secs(120), async || {
        let Some(id) = containers(&engine, run.pid).await.pop() else { return false };
        image = engine.inspect_container(&id, None).await.ok().and_then(|one| one.config?.image);
        image.is_some()
    })
    .await;
    run.ended(Duration::from_secs(120)).await;
    image.expect("looked for above")
}

/// Loads an image without files, as if it had been built `age_s` seconds ago.
pub async fn load_image(engine: &Docker, name: &str, age_s: u64, ours: bool) -> String {
    let tag = format!("case2code-sandbox:test-{name}-{}", std::process::id());
    let then = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() - age_s;
    let date = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ", "-d", &format!("@{then}")]).output();
    let created = String::from_utf8_lossy(&date.expect("date").stdout).trim().to_owned();
    let labels = if ours { json!({"case2code.image": "sandbox"}) } else { json!({}) };
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, value: Value| fs::write(folder.path().join(name), value.to_string()).expect("a file");
    put("manifest.json", json!([{"Config": "config.json", "RepoTags": [tag], "Layers": []}]));
    let config = json!({"Labels": labels, "Cmd": [name]});
    let rootfs = json!({"type": "layers", "diff_ids": []});
    put(
        "config.json",
        json!({"architecture": "amd64", "os": "linux", "created": created, "config": config, "rootfs": rootfs}),
    );
    let tar = Command::new("tar").args(["-c", "manifest.json", "config.json"]).current_dir(folder.path()).output();
    let mut load = Command::new("docker").arg("load").stdin(Stdio::piped()).spawn().expect("docker");
    load.stdin.take().expect("piped").write_all(&tar.expect("tar").stdout).expect("it reads");
    assert!(load.wait().expect("it ends").success(), "docker load");
    engine.inspect_image(&tag).await.expect("the image that was loaded");
    tag
}

/// The program of a record, and what must come of it: results, errors, and work of some length.
fn record(number: usize) -> Value {
    let code = match number % 3 {
        0 => format!("def f(x):\n    return [x, {number}]\n"),
        1 => format!("def f(x):\n    for k in range(100000):\n        x += 1\n    return x * {number}\n"),
        _ => format!("def f(x):\n    raise ValueError({number})\n"),
    };
    json!({
        "function": {"id": format!("r{number}"), "name": "f", "parameters": ["x"], "code": code, "context": "", "meta": {}},
        "examples": "examples = [dict(x=1), dict(x=2)]",
        "generation": {
            "model": "test", "prompt": "test", "prompt_sha256": "", "temperature": 0.0, "top_p": 1.0, "seed": null,
            "prompt_tokens": 0, "completion_tokens": 0, "finish_reason": "stop", "completion": "", "method": "plain"
        }
    })
}

/// What [`record`] must give.
pub fn outcome(number: usize) -> Value {
    let of = |x: usize| match number % 3 {
        0 => json!({"return": format!("[{x}, {number}]")}),
        1 => json!({"return": ((x + 100_000) * number).to_string()}),
        _ => json!({"error": {"type": "ValueError", "message": number.to_string(), "explicit": true}}),
    };
    json!([of(1), of(2)])
}

/// A run of the example `execute`.
pub struct Run {
    child: Child,
    pub pid: u32,
    pub begun: Instant,
    outcomes: Arc<Mutex<Vec<(usize, Value)>>>,
    /// Reads its stdout to the end.
    reader: std::thread::JoinHandle<()>,
    folder: tempfile::TempDir,
    most: Arc<AtomicU64>,
}

impl Run {
    /// Starts it on `count` records.
    pub fn start<'a>(proxy: &Proxy, flags: impl IntoIterator<Item = &'a str>, count: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| folder.path().join(name);
        let input: String = (0..count).map(|number| format!("{}\n", record(number))).collect();
        fs::write(file("in"), input).expect("the input");
        let mut child = Command::new(example("execute"))
            .args(["--sandbox", "docker", "--rejected"])
            .arg(file("rejected"))
            .args(flags)
            .env("DOCKER_HOST", format!("unix://{}", proxy.path().display()))
            .env("RUST_LOG", "info")
            .stdin(fs::File::open(file("in")).expect("the input"))
            .stdout(Stdio::piped())
            .stderr(fs::File::create(file("err")).expect("a file"))
            .spawn()
            .expect("the example starts");
        let (outcomes, stdout) = (Arc::new(Mutex::new(Vec::new())), child.stdout.take().expect("piped"));
        let (kept, pid, most) = (Arc::clone(&outcomes), child.id(), Arc::new(AtomicU64::new(0)));
        let reader = std::thread::spawn(move || {
            let lines = serde_json::Deserializer::from_reader(BufReader::new(stdout)).into_iter::<Value>();
            for line in lines.map_while(Result::ok) {
                let executions = line["executions"].as_array().cloned().unwrap_or_default();
                let got = executions.into_iter().map(|one| one["outcome"].clone()).collect();
                let number = line["function"]["id"].as_str().and_then(|id| id[1..].parse().ok());
                kept.lock().unwrap_or_else(PoisonError::into_inner).push((number.expect("an id of ours"), got));
            }
        });
        let seen = Arc::clone(&most);
        tokio::spawn(async move {
            let engine = engine();
            while Arc::strong_count(&seen) > 1 {
                seen.fetch_max(containers(&engine, pid).await.len() as u64, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Self { child, pid, begun: Instant::now(), outcomes, reader, folder, most }
    }

    /// What came of the records so far, with their numbers, in the order of the lines.
    pub fn outcomes(&self) -> Vec<(usize, Value)> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it wrote to stderr.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("err")).unwrap_or_default()
    }

    /// What it turned down.
    pub fn rejected(&self) -> String {
        fs::read_to_string(self.folder.path().join("rejected")).unwrap_or_default()
    }

    /// Most containers that were seen at once.
    pub fn most_containers(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }

    /// `docker kill` of one of its containers.
    pub async fn kill_one(&self, engine: &Docker) {
        until("a container that can be killed", Duration::from_secs(60), async || {
            let Some(id) = containers(engine, self.pid).await.pop() else { return false };
            engine.kill_container(&id, None::<KillContainerOptions>).await.is_ok()
        })
        .await;
    }

    /// Waits for something that it does.
    pub async fn until(&mut self, what: &str, deadline: Duration, condition: impl Fn(&Self) -> bool) {
        let holds =
            holds_within(deadline, async || condition(self) || matches!(self.child.try_wait(), Ok(Some(_)))).await;
        assert!(holds && condition(self), "not within {deadline:?}, or ended before: {what}\n{}", self.said());
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid.try_into().expect("a pid"));
        nix::sys::signal::kill(pid, signal).expect("it runs");
    }

    /// How it ended, if it did within the deadline, and all that it wrote was read.
    pub async fn ended(&mut self, deadline: Duration) -> Option<ExitStatus> {
        let mut status = None;
        holds_within(deadline, async || {
            status = self.child.try_wait().expect("a child of ours");
            status.is_some() && self.reader.is_finished()
        })
        .await;
        status.filter(|_| self.reader.is_finished())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An example of this package; cargo builds them with the tests.
fn example(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("this test's own path");
    let target = this.parent().and_then(Path::parent).expect("target/debug/deps/");
    let path = target.join("examples").join(name);
    assert!(path.exists(), "{} is not built: run `cargo test -p worker-exec`", path.display());
    path
}
