//! Records that no fleet should be upset by.

use std::fs::File;

use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::BasicPublishOptions,
    types::{AMQPValue, FieldTable},
};
use serde_json::{Value, json};

use crate::{
    llm::shared,
    process::corpus,
    scene::{Case, Must, Needs, Row, Scene, Work, under_way},
};

pub const CASES: &[Case] = &[
    Case {
        name: "crashes-its-worker",
        short: true,
        needs: Needs::Any,
        play: |scene| crasher(scene, ["exec-0", "exec-1"]),
    },
    Case {
        name: "crashes-its-writer",
        short: false,
        needs: Needs::Any,
        play: |scene| crasher(scene, ["llm-0", "llm-1"]),
    },
    Case { name: "foreign-messages", short: true, needs: Needs::Any, play: foreign },
    Case { name: "huge-records", short: true, needs: Needs::Any, play: huge },
];

/// In the source of the record that crashes its worker.
const MARK: &str = "crash_the_worker";

fn crasher(scene: &mut Scene, workers: [&str; 2]) -> Result<Row, String> {
    let input = corpus(scene.folder, 120);
    let text = std::fs::read_to_string(&input).expect("a corpus");
    let row = json!({"id": "crasher", "content": format!("def {MARK}(n):\n    return n + 1\n")});
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.insert(40, row.to_string());
    std::fs::write(&input, lines.join("\n") + "\n").expect("a corpus");
    let work = Work::of(input);
    let expected = scene.expected(&work);
    let crash = || ("CASE2CODE_FAILPOINT".to_owned(), format!("deliver:{MARK}=1"));
    let armed = |role: &str| if workers.contains(&role) { vec![crash()] } else { Vec::new() };
    let mut fleet = scene.fleet(&work, armed);
    let row = scene.finish(&mut fleet, "a record that crashes its worker", &[Must::Restart(3)])?;
    expected.check_but_poison(&fleet.out(), "crasher")?;
    Ok(Row { items: expected.items, ..row })
}

fn foreign(scene: &mut Scene) -> Result<Row, String> {
    let work = Work::published(0.8);
    let expected = scene.expected(&work);
    let mut fleet = scene.fleet(&work, |_| Vec::new());
    under_way(&fleet, 40);
    let events = std::fs::read_to_string(fleet.out().join(".state/run.jsonl")).map_err(|error| error.to_string())?;
    let run_id = events.split("\"run_id\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let sent = send_foreign(scene, run_id.ok_or("the sink does not know its run")?);
    let row = scene.finish(&mut fleet, "foreign messages", &[])?;
    expected.check(&fleet.out())?;
    let dead = scene.case2code(&["dead", "--json"]);
    let letters: Vec<Value> = serde_json::from_slice(&dead.stdout).map_err(|error| error.to_string())?;
    let reasons: Vec<String> = letters.iter().map(|letter| letter["reason"].to_string()).collect();
    let wanted = ["schema 2", "belongs to run another", "unknown record type", "no header"];
    // The outcome of the function that a worker worked may come when the sink is done; then it stands in its queue.
    let waiting = scene.ready("outcomes")?;
    match wanted.iter().find(|words| !reasons.iter().any(|reason| reason.contains(**words))) {
        None if letters.len() + waiting == sent && waiting <= 1 => Ok(Row { items: expected.items, ..row }),
        missing => Err(format!("{sent} sent, {waiting} waiting, on .dead: {reasons:?}; missing: {missing:?}")),
    }
}

/// Gives how many messages were sent.
fn send_foreign(scene: &Scene, run_id: &str) -> usize {
    let function = json!({"id": "f", "name": "f", "parameters": ["a"], "code": "def f(a):\n    return a\n",
                          "context": "", "meta": {}});
    let headers = |schema: i64, run: &str| {
        let mut headers = FieldTable::default();
        for (name, value) in [("schema", schema), ("shard", 0), ("index", 3), ("attempt", 0), ("alone", 0)] {
            headers.insert(name.into(), AMQPValue::LongLongInt(value));
        }
        headers.insert("run_id".into(), AMQPValue::LongString(run.into()));
        headers.insert("seed".into(), AMQPValue::LongString("0".into()));
        headers
    };
    let typed = |kind: &str, headers| BasicProperties::default().with_type(kind.into()).with_headers(headers);
    let mut messages = Vec::new();
    for queue in ["functions", "inputs", "outcomes"] {
        messages.push((queue, typed("function", headers(2, "another"))));
        messages.push((queue, typed("what is this", headers(1, "another"))));
        messages.push((queue, BasicProperties::default()));
    }
    // A worker works what it can read; the sink knows the run.
    messages.push(("functions", typed("function", headers(1, "another"))));
    messages.push(("outcomes", typed("run_open", headers(1, "another"))));
    // What no version of ours writes, in the run's own name.
    for kind in ["run_open", "run_closed", "shard_closed", "executed_function"] {
        messages.push(("outcomes", typed(kind, headers(1, run_id))));
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sent = messages.len();
    runtime.block_on(async {
        let url = scene.proxy.url();
        let connection = Connection::connect(&url, ConnectionProperties::default());
        let connection = connection.await.expect("a broker");
        let channel = connection.create_channel().await.expect("a channel");
        channel.confirm_select(Default::default()).await.expect("confirms");
        for (queue, properties) in messages {
            let key = format!("{}.{queue}", scene.name);
            let body = function.to_string();
            let options = BasicPublishOptions::default();
            let publish = channel.basic_publish(scene.name.into(), key.into(), options, body.as_bytes(), properties);
            publish.await.expect("sent").await.expect("confirmed");
        }
        connection.close(200, "done".into()).await.expect("closed");
    });
    sent
}

/// 20 MB in a line, 6 MB in a function, 3 MB in one that goes all the way.
fn huge(scene: &mut Scene) -> Result<Row, String> {
    let input = scene.folder.join("huge.jsonl");
    std::fs::copy(shared().join("data/functions.jsonl"), &input).expect("the functions");
    use std::{io::Write, os::unix::fs::PermissionsExt};
    std::fs::set_permissions(&input, PermissionsExt::from_mode(0o644)).expect("our own file");
    let mut file: File = std::fs::OpenOptions::new().append(true).open(&input).expect("our own file");
    for (id, megabytes) in [("line", 20), ("function", 6), ("works", 3)] {
        let text = "x".repeat(megabytes << 20);
        let row = json!({"id": id, "content": format!("def {id}(n):\n    if n < 0:\n        return '{text}'\n    return n\n")});
        writeln!(file, "{row}").expect("a row");
    }
    let work = Work::of(input);
    let expected = scene.expected(&work);
    let mut fleet = scene.fleet(&work, |_| Vec::new());
    let row = scene.finish(&mut fleet, "records of 20, 6 and 3 MB", &[])?;
    expected.check(&fleet.out())?;
    let rejected = expected.rejected_as("too_large");
    if rejected != 2 {
        return Err(format!("{rejected} were too large, not 2"));
    }
    Ok(Row { items: expected.items, ..row })
}
