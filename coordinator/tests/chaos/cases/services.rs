//! What the stages need is away for a while: nothing is turned down for it.

use std::process::{Command, Stdio};

use crate::{
    process::until,
    scene::{Case, DEADLINE, Must, Needs, Row, Scene, Work, last, under_way},
};

pub const CASES: &[Case] = &[
    Case { name: "llm-down", short: true, needs: Needs::Any, play: llm_down },
    Case { name: "engine-restarted", short: false, needs: Needs::Any, play: engine_restarted },
];

fn llm_down(scene: &mut Scene) -> Result<Row, String> {
    let seconds = if scene.full { 60 } else { 20 };
    let faults = format!("no LLM for {seconds} s");
    scene.disturb(0.8, &faults, &[Must::Say("llm-0", "it rests")], |_, _, work| {
        let llm = work.llm.as_mut().expect("the case has one");
        llm.kill();
        last(seconds);
        llm.restart();
    })
}

/// The machine's own engine, under load.
fn engine_restarted(scene: &mut Scene) -> Result<Row, String> {
    if scene.version == crate::node::Version::Container {
        return Err("the broker would go down with the engine: run it with --broker 3.10".into());
    }
    let docker = ["--sandbox", "docker", "--slots", "1"].map(str::to_owned).into();
    let work = Work { sandbox: docker, ..Work::published(0.8) };
    let expected = scene.expected(&work);
    let mut fleet = scene.fleet(&work, |_| Vec::new());
    under_way(&fleet, 40);
    // Not `service docker stop`: it stops what it started itself, and says nothing where that is not the case.
    let stopped = Command::new("pkill").args(["-TERM", "-x", "dockerd"]).status();
    if !stopped.is_ok_and(|status| status.success()) {
        return Err("no engine of this machine's own to stop".into());
    }
    // It stops answering long before it is gone, where it has containers to stop.
    until("the engine is gone", DEADLINE, || !runs("dockerd"));
    last(5);
    // Whatever started it at first, this is how it is started by hand.
    let mut engine = Command::new("setsid");
    engine.arg("dockerd").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Nobody waits for it: it is to live on.
    drop(engine.spawn().expect("setsid is there"));
    until("the engine is back", DEADLINE, answers);
    let row = scene.finish(&mut fleet, "engine stopped and started", &[Must::Say("exec-0", "sandbox")])?;
    expected.check(&fleet.out())?;
    Ok(Row { items: expected.items, ..row })
}

fn runs(program: &str) -> bool {
    Command::new("pgrep").args(["-x", program]).output().is_ok_and(|output| output.status.success())
}

fn answers() -> bool {
    Command::new("docker").arg("info").output().is_ok_and(|output| output.status.success())
}
