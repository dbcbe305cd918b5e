//! The LLM of a case: `shared/tools/replay-llm`, which answers with recorded completions.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::{broker::free_port, process::repository};

/// What the project is given beside the repository.
pub fn shared() -> PathBuf {
    let given = std::env::var_os("CASE2CODE_SHARED").map(PathBuf::from);
    let shared = given.unwrap_or_else(|| repository().join("../shared"));
    assert!(
        shared.join("tools/replay-llm").exists(),
        "{}: no replay-llm there; set CASE2CODE_SHARED",
        shared.display()
    );
    shared
}

/// A running server, killed when dropped.
pub struct Llm {
    server: Child,
    port: u16,
    latency_s: f64,
    jitter: f64,
}

impl Llm {
    /// Starts one that takes `latency_s` for an answer, up to the share `jitter` of it more or less.
    pub fn start(latency_s: f64, jitter: f64) -> Self {
        let port = free_port();
        Self { server: spawn(port, latency_s, jitter), port, latency_s, jitter }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Ends it.
    pub fn kill(&mut self) {
        self.server.kill().expect("it runs");
        self.server.wait().expect("it ends");
    }

    /// Starts it again where it was.
    pub fn restart(&mut self) {
        self.server = spawn(self.port, self.latency_s, self.jitter);
    }
}

impl Drop for Llm {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn spawn(port: u16, latency_s: f64, jitter: f64) -> Child {
    let (tool, data) = (shared().join("tools/replay-llm"), shared().join("data"));
    let mut server = Command::new("python3")
        .arg(tool)
        .arg("--functions")
        .arg(data.join("functions.jsonl"))
        .arg("--completions")
        .arg(data.join("completions.jsonl"))
        .args(["--port", &port.to_string(), "--latency", &latency_s.to_string(), "--jitter", &jitter.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python3 is installed");
    let mut line = String::new();
    let stdout = server.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line of replay-llm");
    assert!(line.starts_with("ready"), "replay-llm did not start: {line}");
    server
}
