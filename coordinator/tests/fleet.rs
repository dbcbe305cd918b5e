//! A fleet of real processes over a real broker gives the bytes of one process.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

#[path = "../../pipeline/tests/broker/mod.rs"]
mod broker;
mod process;

use std::time::Duration;

use broker::Broker;
use process::{Running, case2code, corpus, counts, journaled, parts, program, succeed, until};

const DEADLINE: Duration = Duration::from_secs(300);

#[test]
fn a_worker_that_is_stopped_while_it_starts_ends_well() {
    let nobody = ["--run", "early", "--amqp-url", "amqp://127.0.0.1:1/%2f", "--startup-wait", "60"];
    for (name, flags) in [("worker-llm", ["--writer", "builtin"]), ("worker-exec", ["--sandbox", "namespace"])] {
        let address = format!("127.0.0.1:{}", broker::free_port());
        let mut worker = Running::start(name, &[&flags[..], &nobody, &["--metrics-addr", &address]].concat());
        until("it listens", DEADLINE, || std::net::TcpStream::connect(&address).is_ok());
        worker.terminate();
        assert_eq!(worker.wait(DEADLINE), Some(0), "{name}");
    }
}

#[test]
fn a_fleet_gives_the_bytes_of_one_process() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().expect("a folder");
    let text = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    let input = corpus(folder.path(), 210);
    let input = input.to_str().expect("a plain path");
    let (alone, fleet, state, url) = (text("alone"), text("fleet"), text("state"), broker.url());
    let shard = ["--shard-size", "40"];
    let alone_flags = ["run", input, "--out", &alone, "--writer", "builtin", "--sandbox", "namespace"];
    succeed(&[&alone_flags[..], &shard].concat());

    let run = ["--run", "test", "--amqp-url", &url];
    let submit_flags = [&["submit", input, "--state", &state][..], &run, &shard].concat();
    let exec_flags = [&["--sandbox", "namespace", "--slots", "1"][..], &run].concat();
    let sink_flags = [&["sink", "--out", &fleet][..], &run].concat();
    let looked = case2code(&[&["status"][..], &run].concat());
    assert_eq!(looked.status.code(), Some(3), "there is no such run yet");

    succeed(&submit_flags);
    let elsewhere = text("elsewhere");
    let other = [&["submit", input, "--state", &elsewhere][..], &run].concat();
    let refused = case2code(&other);
    assert_eq!(refused.status.code(), Some(2), "a second submission under the same name was let in");
    let writers = [0, 1].map(|_| Running::start("worker-llm", &[&["--writer", "builtin"][..], &run].concat()));
    let mut first_exec = Running::start("worker-exec", &exec_flags);
    let second_exec = Running::start("worker-exec", &exec_flags);
    let mut sink = Running::start("case2code", &sink_flags);

    // One worker and the sink die in the middle.
    until("outcomes on disk", DEADLINE, || journaled(fleet.as_ref()) > 30);
    first_exec.0.kill().expect("it runs");
    sink.0.kill().expect("it runs");
    sink.0.wait().expect("it ends");
    // As on Kubernetes: it stays when it is done, and is ready then, again and again.
    let address = format!("127.0.0.1:{}", broker::free_port());
    for _ in 0..2 {
        let staying = [&sink_flags[..], &["--stay", "--metrics-addr", &address]].concat();
        let mut sink = Running::start("case2code", &staying);
        until("the run is complete", DEADLINE, || {
            let run = std::fs::read_to_string(folder.path().join("fleet/run.json")).unwrap_or_default();
            let ready = program("case2code").arg("probe").env("CASE2CODE_METRICS_ADDR", &address).status();
            run.contains("\"complete\": true") && ready.expect("it starts").success()
        });
        assert!(sink.0.try_wait().expect("a child of ours").is_none(), "it did not stay");
        sink.terminate();
        assert_eq!(sink.wait(DEADLINE), Some(0));
    }
    let mut sink = Running::start("case2code", &sink_flags);
    assert_eq!(sink.wait(DEADLINE), Some(0));

    let same = parts(alone.as_ref()) == parts(fleet.as_ref());
    assert!(same, "{} and {}", counts(alone.as_ref()), counts(fleet.as_ref()));
    assert_eq!(parts(fleet.as_ref()).len(), 12);
    succeed(&submit_flags); // everything was submitted already: nothing happens
    let status = succeed(&[&["status", "--json"][..], &run].concat());
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert_eq!(status["sink"]["outcomes"], 210);
    assert_eq!(status["sink"]["written"], 6);
    assert_eq!(status["seconds_left"], 0.0);
    for queue in status["queues"].as_array().expect("a list of queues") {
        assert_eq!(queue["ready"], 0, "{queue}");
    }
    let mut watching = Running::start("case2code", &[&["status", "--watch", "--json"][..], &run].concat());
    let purge = [&["purge"][..], &run].concat();
    assert_eq!(case2code(&purge).status.code(), Some(2), "a run was purged under the hands of its workers");
    let [mut first_writer, mut second_writer] = writers;
    for worker in [&first_writer, &second_writer, &second_exec] {
        worker.terminate();
    }
    let mut second_exec = second_exec;
    assert_eq!(first_writer.wait(DEADLINE), Some(0));
    assert_eq!(second_writer.wait(DEADLINE), Some(0));
    assert_eq!(second_exec.wait(DEADLINE), Some(0));

    watching.terminate();
    assert_eq!(watching.wait(DEADLINE), Some(0));
    let dead = succeed(&[&["dead"][..], &run].concat());
    assert_eq!(String::from_utf8_lossy(&dead.stdout), "nothing was set aside\n");
    assert_eq!(case2code(&purge).status.code(), Some(2), "a run was purged without a question");
    succeed(&[&purge[..], &["--yes"]].concat());
    assert_eq!(case2code(&[&["status"][..], &run].concat()).status.code(), Some(3), "the run is still there");
}
