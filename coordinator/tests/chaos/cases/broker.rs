//! The broker fails, refuses, or loses part of itself.

use crate::{
    fleet::COLLECT,
    frames::Sign,
    llm::Llm,
    process::until,
    scene::{Case, DEADLINE, Must, Needs, Row, Scene, Work, last, under_way},
};

pub const CASES: &[Case] = &[
    Case { name: "broker-restarted", short: false, needs: Needs::Any, play: restarted },
    Case { name: "broker-killed", short: true, needs: Needs::Any, play: killed },
    Case { name: "broker-frozen", short: false, needs: Needs::Any, play: frozen },
    Case { name: "memory-alarm", short: true, needs: Needs::Any, play: memory_alarm },
    Case { name: "disk-alarm", short: false, needs: Needs::Any, play: disk_alarm },
    Case { name: "queues-capped", short: true, needs: Needs::Any, play: capped },
    Case { name: "consumer-timeout", short: false, needs: Needs::Own("consumer_timeout = 60000\n"), play: timeout },
    Case { name: "bindings-removed", short: true, needs: Needs::Any, play: unbound },
    Case { name: "queue-deleted", short: true, needs: Needs::Any, play: deleted },
    Case { name: "queue-deleted-full", short: false, needs: Needs::Any, play: deleted_full },
];

fn restarted(scene: &mut Scene) -> Result<Row, String> {
    scene.disturb(0.8, "SIGTERM, restart", &[Must::Reconnect(6)], |scene, _, _| {
        scene.node.stop();
        scene.node.restart();
    })
}

fn killed(scene: &mut Scene) -> Result<Row, String> {
    scene.disturb(0.8, "kill -9, restart", &[Must::Reconnect(6)], |scene, _, _| {
        scene.node.kill();
        scene.node.restart();
    })
}

fn frozen(scene: &mut Scene) -> Result<Row, String> {
    scene.disturb(0.8, "SIGSTOP for 40 s", &[Must::Reconnect(1)], |scene, _, _| {
        scene.node.freeze();
        last(40);
        scene.node.thaw();
    })
}

fn memory_alarm(scene: &mut Scene) -> Result<Row, String> {
    let seconds = if scene.full { 40 } else { 8 };
    let faults = format!("memory alarm, {seconds} s");
    scene.disturb(0.8, &faults, &[Must::See(Sign::Blocked)], |scene, _, _| {
        scene.node.control(&["set_vm_memory_high_watermark", "0.00001"]);
        last(seconds);
        scene.node.control(&["set_vm_memory_high_watermark", "0.6"]);
    })
}

fn disk_alarm(scene: &mut Scene) -> Result<Row, String> {
    scene.disturb(0.8, "disk alarm, 40 s", &[Must::See(Sign::Blocked)], |scene, _, _| {
        scene.node.control(&["set_disk_free_limit", "100000GB"]);
        last(40);
        scene.node.control(&["set_disk_free_limit", "50MB"]);
    })
}

fn capped(scene: &mut Scene) -> Result<Row, String> {
    let work = Work::published(0.3);
    let expected = scene.expected(&work);
    // The policy stands before the queues do.
    let pattern = format!("^{}\\.(functions|inputs|outcomes)$", scene.name);
    scene.node.control(&["set_policy", "cap", &pattern, r#"{"max-length":50}"#, "--apply-to", "queues"]);
    let mut fleet = scene.fleet(&work, |_| Vec::new());
    let row = scene.finish(&mut fleet, "queues of 50 messages", &[Must::See(Sign::Nacked)]);
    scene.node.control(&["clear_policy", "cap"]);
    let row = row?;
    expected.check(&fleet.out())?;
    Ok(Row { items: expected.items, ..row })
}

/// A job takes 90 s, the broker bears 60.
fn timeout(scene: &mut Scene) -> Result<Row, String> {
    let text = std::fs::read_to_string(crate::llm::shared().join("data/functions.jsonl")).expect("the functions");
    let input = scene.folder.join("six.jsonl");
    std::fs::write(&input, text.lines().take(6).map(|line| format!("{line}\n")).collect::<String>()).expect("a file");
    let work = Work { llm: Some(Llm::start(90.0, 0.0)), ..Work::of(input) };
    let expected = scene.expected(&work);
    // Left alone it looks once a minute, and would come too late to see anything.
    scene.node.control(&["eval", "application:set_env(rabbit, channel_tick_interval, 2000)."]);
    let mut fleet = scene.fleet(&work, |_| Vec::new());
    let row = scene.finish(&mut fleet, "60 s for a job of 90", &[Must::See(Sign::ChannelClosed)])?;
    expected.check(&fleet.out())?;
    Ok(Row { items: expected.items, ..row })
}

fn unbound(scene: &mut Scene) -> Result<Row, String> {
    scene.disturb(0.8, "3 bindings removed", &[Must::See(Sign::Returned)], |scene, _, _| {
        for queue in ["functions", "inputs", "outcomes"] {
            unbind(scene, queue);
        }
    })
}

fn unbind(scene: &Scene, queue: &str) {
    let run = scene.name;
    let call = format!(
        "rabbit_binding:remove({{binding, rabbit_misc:r(<<\"/\">>, exchange, <<\"{run}\">>), <<\"{run}.{queue}\">>, \
         rabbit_misc:r(<<\"/\">>, queue, <<\"{run}.{queue}\">>), []}}, <<\"guest\">>)."
    );
    scene.node.control(&["eval", &call]);
}

/// What workers hold of it is all that there is in it.
fn deleted(scene: &mut Scene) -> Result<Row, String> {
    let must = [Must::See(Sign::Cancelled), Must::Say("exec-0", "the broker ended the consumer")];
    scene.disturb(0.8, ".inputs deleted", &must, |scene, fleet, _| {
        let writers = ["llm-0", "llm-1"];
        writers.iter().for_each(|role| fleet.hold(role));
        until("an empty .inputs", DEADLINE, || ready(scene, "inputs") == Some(0));
        scene.node.control(&["delete_queue", &format!("{}.inputs", scene.name)]);
        writers.iter().for_each(|role| fleet.release(role, &[]));
    })
}

/// Its messages are gone: only publishing them once more helps.
fn deleted_full(scene: &mut Scene) -> Result<Row, String> {
    let work = Work::published(2.0);
    let expected = scene.expected(&work);
    let mut fleet = scene.fleet(&work, |_| Vec::new());
    under_way(&fleet, 10);
    until("a worker", DEADLINE, || count(scene, "functions", "consumers").is_some_and(|workers| workers > 0));
    until("messages in .functions", DEADLINE, || ready(scene, "functions").is_some_and(|ready| ready > 50));
    scene.node.control(&["delete_queue", &format!("{}.functions", scene.name)]);
    until("everything is submitted", DEADLINE, || fleet.is_done("submit"));
    let state = scene.folder.join("state").display().to_string();
    let input = work.input.display().to_string();
    let again = ["submit", &input, "--state", &state, "--again"];
    let again = scene.case2code(&[&again[..], &COLLECT].concat());
    if !again.status.success() {
        return Err(format!("submit --again: {}", String::from_utf8_lossy(&again.stderr)));
    }
    let row = scene.finish(&mut fleet, ".functions deleted, submit --again", &[Must::See(Sign::Cancelled)])?;
    expected.check(&fleet.out())?;
    Ok(Row { items: expected.items, ..row })
}

pub(super) fn ready(scene: &Scene, queue: &str) -> Option<u64> {
    count(scene, queue, "ready")
}

fn count(scene: &Scene, queue: &str, of: &str) -> Option<u64> {
    let status = scene.case2code(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).ok()?;
    let queues = status["queues"].as_array()?;
    queues.iter().find(|known| known["queue"] == queue)?[of].as_u64()
}
