//! What the stages need is away for a while: nothing is turned down for it.

use std::process::Command;

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
    scene.disturb(0.8, &faults, &[Must::Say("llm-0", "waiting for it")], |_, _, work| {
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
    for verb in ["stop", "start"] {
        // Some machines have it complain and do it all the same.
        let _ = Command::new("service").args(["docker", verb]).output().expect("service is there");
        last(5);
    }
    until("the engine is back", DEADLINE, || {
        Command::new("docker").arg("info").output().is_ok_and(|output| output.status.success())
    });
    let row =
        scene.finish(&mut fleet, "engine stopped and started", &[Must::Say("exec-0", "waiting for a service")])?;
    expected.check(&fleet.out())?;
    Ok(Row { items: expected.items, ..row })
}
