//! What `case2code` says of the machine, and what it leaves on it. Needs a Docker engine.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod process;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
    time::Duration,
};

use process::{Running, program, until};

const NOWHERE: &str = "unix:///nowhere/docker.sock";

fn doctor(flags: &[&str], docker_host: Option<&str>) -> Output {
    let mut command = program("case2code");
    command.arg("doctor").args(flags).args(["--amqp-url", "amqp://127.0.0.1:1/%2f"]).env_remove("DOCKER_HOST");
    command.envs(docker_host.map(|host| ("DOCKER_HOST", host))).output().expect("case2code starts")
}

/// Whether some line begins with these words.
fn has(output: &Output, words: &[&str]) -> bool {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().any(|line| {
        let mut line = line.split_whitespace();
        words.iter().all(|word| line.next() == Some(word))
    })
}

#[test]
fn the_doctor_says_what_there_is_and_what_is_missing() {
    let python = ["--python", "/usr/bin/python3"];
    let none = ["--python", "/nowhere/python3"];
    type Case<'a> = (&'a [&'a str], Option<&'a str>, i32, &'a [&'a [&'a str]]);
    let cases: [Case<'_>; 5] = [
        (
            &python,
            None,
            0,
            &[
                &["docker", "engine", "ok"],
                &["docker", "limits"],
                &["docker", "runtime"],
                &["docker", "landlock"],
                &["docker", "sandbox", "ok", "opens", "and", "answers,", "Python"],
                &["namespace", "user", "namespaces", "ok"],
                &["namespace", "ids"],
                &["namespace", "kernel", "ok"],
                &["namespace", "sandbox", "ok", "opens", "and", "answers,", "Python"],
                &["fleet", "broker", "missing"],
                &["=>", "--sandbox", "auto", "ok", "takes", "docker"],
            ],
        ),
        (
            &python,
            Some(NOWHERE),
            0,
            &[&["docker", "engine", "missing"], &["=>", "--sandbox", "auto", "ok", "takes", "namespace"]],
        ),
        (&none, Some(NOWHERE), 3, &[&["docker", "engine", "missing"], &["namespace", "sandbox", "missing"]]),
        (
            &["--runtime", "none-such", "--python", "/nowhere/python3"],
            None,
            3,
            &[&["docker", "engine", "ok"], &["docker", "runtime", "missing", "the", "engine", "has", "no"]],
        ),
        (
            &["--runtime", "none-such"],
            None,
            3,
            &[&["docker", "runtime", "missing"], &["=>", "--sandbox", "auto", "missing", "takes", "nothing:"]],
        ),
    ];
    for (flags, host, code, lines) in cases {
        let output = doctor(flags, host);
        let said = format!("{flags:?} {host:?}: {output:?}");
        assert_eq!(output.status.code(), Some(code), "{said}");
        for words in lines {
            assert!(has(&output, words), "no line {words:?}: {said}");
        }
        let last = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
        assert_eq!(last.starts_with("error: this machine "), code == 3, "{said}");
    }
}

/// A filter that waits for its input still answers a signal, and takes its containers with it.
#[test]
fn a_signal_ends_a_filter_and_its_containers() {
    let mut command = program("case2code");
    command.args(["execute", "--sandbox", "docker", "--slots", "1"]).env("RUST_LOG", "info");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut filter = Running(command.spawn().expect("case2code starts"));
    let _open = filter.0.stdin.take().expect("piped");
    let mut said = BufReader::new(filter.0.stderr.take().expect("piped")).lines().map_while(Result::ok);
    assert!(said.any(|line| line.contains("sandbox is ready")), "it ended before it was ready");
    let owner = format!(":{}:", filter.0.id());
    assert!(containers().contains(&owner), "it has a container");
    filter.terminate();
    assert_eq!(filter.wait(Duration::from_secs(30)), Some(130));
    assert!(!containers().contains(&owner), "its container is left: {}", containers());
}

#[test]
fn a_signal_ends_a_filter_that_needs_no_service() {
    for name in ["collect", "assemble"] {
        let mut filter = program("case2code");
        filter.args([name, "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut filter = Running(filter.spawn().expect("case2code starts"));
        let _open = filter.0.stdin.take().expect("piped");
        until("it listens to signals", Duration::from_secs(30), || {
            caught(filter.0.id()) & 1 << (libc::SIGTERM - 1) != 0
        });
        filter.terminate();
        assert_eq!(filter.wait(Duration::from_secs(30)), Some(130), "{name}");
    }
}

/// The signals that a process has handlers for, the first in the lowest bit.
fn caught(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Owners of all containers of ours.
fn containers() -> String {
    let format = "{{.Label \"case2code.owner\"}}";
    let mut listed = Command::new("docker");
    listed.args(["ps", "-a", "--filter", "label=case2code.owner", "--format", format]);
    let listed = listed.output().expect("docker");
    assert!(listed.status.success(), "this test needs a Docker engine: {listed:?}");
    String::from_utf8_lossy(&listed.stdout).into_owned()
}
