//! Our own binaries as processes, and what they leave on disk.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// One of our binaries; all of the workspace's lie side by side.
pub fn program(name: &str) -> Command {
    let path = Path::new(env!("CARGO_BIN_EXE_case2code")).with_file_name(name);
    assert!(path.exists(), "{} is not built: run the tests of the whole workspace", path.display());
    let mut command = Command::new(path);
    command.stdin(Stdio::null()).current_dir(repository());
    for (name, _) in std::env::vars_os() {
        let ours = name.to_string_lossy();
        if ["CASE2CODE_", "OPENAI_", "AMQP_URL", "AWS_", "GOOGLE_"].iter().any(|start| ours.starts_with(start)) {
            command.env_remove(&name); // what the developer has set must not decide a test
        }
    }
    command
}

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs `case2code` to its end.
pub fn case2code<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Output {
    program("case2code").args(arguments).output().expect("case2code starts")
}

/// Runs `case2code`, which must succeed.
pub fn succeed<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Output {
    let output = case2code(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A process that is killed when it goes out of scope.
pub struct Running(pub Child);

impl Running {
    /// Starts one of our binaries.
    pub fn start<S: AsRef<std::ffi::OsStr>>(name: &str, arguments: &[S]) -> Self {
        Self(program(name).args(arguments).spawn().expect("it starts"))
    }

    /// Its exit code, waited for until the deadline.
    pub fn wait(&mut self, deadline: Duration) -> Option<i32> {
        let begun = Instant::now();
        while begun.elapsed() < deadline {
            if let Some(status) = self.0.try_wait().expect("a child of ours") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("still running after {deadline:?}");
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let pid = i32::try_from(self.0.id()).expect("a pid");
        // SAFETY: no memory is involved; the child is ours and not reaped yet.
        unsafe { libc::kill(pid, libc::SIGTERM) };
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for a condition.
pub fn until(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < deadline, "not within {deadline:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Every part of an output folder, with its bytes.
pub fn parts(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut parts = BTreeMap::new();
    for folder in ["data", "rejected"] {
        for entry in std::fs::read_dir(out.join(folder)).into_iter().flatten() {
            let path = entry.expect("a folder that can be listed").path();
            let name = path.strip_prefix(out).expect("below it").display().to_string();
            parts.insert(name, std::fs::read(&path).expect("a part"));
        }
    }
    parts
}

/// `counts` of run.json.
pub fn counts(out: &Path) -> Value {
    let text = std::fs::read(out.join("run.json")).expect("run.json");
    let run: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(run["complete"], true);
    run["counts"].clone()
}

/// Outcomes in journals.
pub fn journaled(out: &Path) -> usize {
    let entries = std::fs::read_dir(out.join(".state")).into_iter().flatten().flatten();
    let journals = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("journal-"));
    journals.map(|entry| std::fs::read(entry.path()).unwrap_or_default().iter().filter(|b| **b == b'\n').count()).sum()
}

/// A corpus of `n` functions, each slightly different, as JSON Lines.
pub fn corpus(folder: &Path, n: usize) -> PathBuf {
    let path = folder.join("corpus.jsonl");
    let rows: String = (0..n)
        .map(|k| {
            let content = match k % 7 {
                0 => format!("def f{k}(text):\n    return text[::-1] + '{k}'\n"),
                1 => format!("def f{k}(a, b):\n    if a > {k}:\n        return a - b\n    return a + b\n"),
                2 => format!(
                    "def f{k}(items):\n    total = {k}\n    for x in items:\n        total += x\n    return total\n"
                ),
                3 => format!("def f{k}(n):\n    return undefined_{k}(n)\n"),
                4 => format!("def f{k}(n):\n    if n < 0:\n        raise ValueError('negative')\n    return n * {k}\n"),
                5 => format!("def f{k}(n):\n    print(n + {k})\n"),
                _ => format!("def f{k}(words):\n    return sorted(words) + ['{k}']\n"),
            };
            format!("{}\n", serde_json::json!({"id": format!("row-{k}"), "content": content}))
        })
        .collect();
    std::fs::write(&path, rows).expect("a corpus");
    path
}
