//! The docker backend on a real engine that is disturbed: every case of `tests/engine/` is a run of the example `execute`
//! through a proxy that can cut, refuse and swallow. Whatever happens, each outcome is right, nothing is rejected, and
//! in the end no container of the process is on the engine. Alone: `cargo test -p worker-exec --test engine --example
//! execute`, with `ONLY=part of a case's name` for one.
//!
//! A case holds `events` in order, each when `after` outcomes were read (`do`: kill_one, remove_all, refuse, freeze,
//! swallow, restore, terminate, kill), for `for_s` seconds or until stderr has the words `until`; `flags`; `before`: what the proxy does from the
//! start; `exit` (default 0, null: by a signal); what stderr `says`; `at_most` so many containers at once; `within_s`
//! from the start or the last event to the end.

#![allow(clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a test fails by panicking")]

#[path = "engine/support/mod.rs"]
mod support;

use std::{fs, os::unix::fs::MetadataExt, path::Path, time::Duration};

use bollard::{models::ContainerCreateBody, query_parameters::CreateContainerOptions};
use serde_json::{Value, json};
use support::{Proxy, Run, containers, engine, outcome, remove, sandbox_image};

/// For everything that has no deadline of its own.
const DEADLINE: Duration = Duration::from_secs(240);
const RECORDS: usize = 200;

/// Runs one case; gives back all that went wrong.
async fn run_case(name: &str, case: &Value) -> Vec<String> {
    let engine = engine();
    let proxy = Proxy::start().await;
    proxy.set(case["before"].as_str().unwrap_or("restore"));
    let flags = case["flags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut run = Run::start(&proxy, flags, RECORDS);
    let events = case["events"].as_array().cloned().unwrap_or_default();
    for event in &events {
        let after = event["after"].as_u64().unwrap_or(0) as usize;
        run.until(&format!("{name}: {after} outcomes"), DEADLINE, |run| run.outcomes().len() >= after).await;
        let said = run.said().len();
        match event["do"].as_str().expect("an event does something") {
            "kill_one" => run.kill_one(&engine).await,
            "remove_all" => remove(&engine, containers(&engine, run.pid).await).await,
            "terminate" => run.signal(nix::sys::signal::Signal::SIGTERM),
            "kill" => run.signal(nix::sys::signal::Signal::SIGKILL),
            mode => proxy.set(mode),
        }
        if let Some(seconds) = event["for_s"].as_u64() {
            tokio::time::sleep(Duration::from_secs(seconds)).await; // how long it lasts, not a wait for anything
        }
        if let Some(words) = event["until"].as_str() {
            run.until(&format!("{name}: {words}"), DEADLINE, |run| run.said()[said..].contains(words)).await;
        }
    }
    let within = case["within_s"].as_u64().map_or(DEADLINE, Duration::from_secs);
    let status = run.ended(within).await;
    let expected_exit = case.get("exit").map_or(Some(0), |code| code.as_i64().map(|code| code as i32));
    let (outcomes, said) = (run.outcomes(), run.said());
    let mut wrong = Vec::new();
    match status {
        None => wrong.push(format!("it did not end within {within:?}")),
        Some(status) if status.code() != expected_exit => wrong.push(format!("exit {status}")),
        Some(_) => {}
    }
    if expected_exit == Some(0) && outcomes.len() != RECORDS {
        wrong.push(format!("{} of {RECORDS} outcomes", outcomes.len()));
    }
    // One that is cut leaves out what was not done, and keeps what was.
    if !outcomes.is_sorted_by(|(before, _), (after, _)| before < after) {
        wrong.push("not in the input's order, each once".into());
    }
    let differ = outcomes.iter().filter(|(number, got)| *got != outcome(*number));
    wrong.extend(differ.map(|(number, got)| format!("record {number}: {got} in place of {}", outcome(*number))));
    if !run.rejected().is_empty() {
        wrong.push(format!("rejected: {}", run.rejected()));
    }
    for words in case["says"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !said.contains(words) {
            wrong.push(format!("it does not say `{words}`"));
        }
    }
    let (most, at_most) = (run.most_containers(), case["at_most"].as_u64().unwrap_or(u64::MAX));
    if most > at_most {
        wrong.push(format!("{most} containers at once, not at most {at_most}"));
    }
    // Who could not clean up, or not reach the engine to do so, still leaves nothing for long.
    let grace = Duration::from_secs(if matches!(expected_exit, Some(0 | 130)) { 0 } else { 30 });
    let gone = support::holds_within(grace, async || containers(&engine, run.pid).await.is_empty()).await;
    if !gone {
        wrong.push(format!("left on the engine: {:?}", containers(&engine, run.pid).await));
    }
    println!("{name}: {} outcomes, at most {most} containers, {:?}", outcomes.len(), run.begun.elapsed());
    if !wrong.is_empty() {
        wrong.push(format!("it said:\n{said}"));
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine");
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut cases: Vec<_> = fs::read_dir(folder).expect("cases").flatten().map(|entry| entry.path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    cases.sort();
    assert!(cases.len() >= 12, "the cases are gone");
    let mut report = String::new();
    for path in cases {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !name.contains(&only) {
            continue;
        }
        let case = serde_json::from_slice(&fs::read(&path).expect("a case")).expect("JSON");
        for wrong in run_case(&name, &case).await {
            report.push_str(&format!("{name}: {wrong}\n"));
        }
    }
    assert!(report.is_empty(), "{report}");
}

/// A start removes containers of dead processes of this host, and no others.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_removes_what_the_dead_left() {
    let (engine, image) = (engine(), sandbox_image().await);
    let host = nix::unistd::gethostname().expect("a name").to_string_lossy().into_owned();
    let pids = fs::metadata("/proc/self/ns/pid").expect("a pid namespace").ino();
    let (other_pids, host) = (format!("{host}/{}", pids + 1), format!("{host}/{pids}"));
    let me = std::process::id();
    let stat = fs::read_to_string(format!("/proc/{me}/stat")).expect("this process");
    let started = stat.rsplit_once(')').expect("a name").1.split_whitespace().nth(19).expect("a start").to_owned();
    let owners = [
        (format!("{host}:{me}:1"), false), // this pid, but an earlier process
        (format!("{host}:4194304:{started}"), false),
        (format!("elsewhere/{pids}:4194304:{started}"), true),
        (format!("{other_pids}:4194304:{started}"), true),
        (format!("{host}:{me}:{started}"), true),
    ];
    let mut planted = Vec::new();
    for (owner, stays) in owners {
        let labels = [("case2code.owner".to_owned(), owner.clone())].into();
        let body = ContainerCreateBody { image: Some(image.clone()), labels: Some(labels), ..Default::default() };
        let created = engine.create_container(None::<CreateContainerOptions>, body).await.expect("a container");
        planted.push((owner, created.id, stays));
    }
    let proxy = Proxy::start().await;
    let mut run = Run::start(&proxy, ["--slots", "1"], 3);
    let status = run.ended(DEADLINE).await.expect("it ends");
    let mut wrong = Vec::new();
    for (owner, id, stays) in &planted {
        let there = engine.inspect_container(id, None).await.is_ok();
        if there != *stays {
            wrong.push(format!("{owner}: there {there}, not {stays}"));
        }
    }
    remove(&engine, planted.into_iter().map(|(_, id, _)| id).collect()).await;
    assert!(status.success() && wrong.is_empty(), "{status} {wrong:?}\n{}", run.said());
}

/// A start removes images of ours that an upgrade left: old ones that nothing uses.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_removes_old_images() {
    let engine = engine();
    sandbox_image().await;
    let day = 24 * 60 * 60;
    let mut images = Vec::new();
    for (name, age_s, ours, stays) in [
        ("old", 2 * day, true, false),
        ("young", day / 2, true, true),
        ("used", 2 * day, true, true),
        ("foreign", 2 * day, false, true),
    ] {
        images.push((support::load_image(&engine, name, age_s, ours).await, stays));
    }
    let body = ContainerCreateBody {
        image: Some(images[2].0.clone()),
        cmd: Some(vec!["/nothing".into()]),
        ..ContainerCreateBody::default()
    };
    let user = engine.create_container(None::<CreateContainerOptions>, body).await.expect("a container").id;
    let proxy = Proxy::start().await;
    let mut run = Run::start(&proxy, ["--slots", "1"], 3);
    let status = run.ended(DEADLINE).await.expect("it ends");
    let mut there = Vec::new();
    for (image, _) in &images {
        there.push(engine.inspect_image(image).await.is_ok());
    }
    remove(&engine, vec![user]).await;
    for (image, _) in &images {
        let _ = engine.remove_image(image, None::<bollard::query_parameters::RemoveImageOptions>, None).await;
    }
    let expected: Vec<_> = images.iter().map(|(_, stays)| *stays).collect();
    assert!(status.success() && there == expected, "{there:?} {images:?}\n{}", run.said());
    assert_eq!(json!(run.rejected()), "");
}
