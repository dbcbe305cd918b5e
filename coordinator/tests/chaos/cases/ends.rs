//! Processes that die when all but the last step is done. The run's name must be free again in the end.

use crate::{
    process::until,
    scene::{Case, DEADLINE, Must, Needs, Row, Scene, Work, on_disk},
};

pub const CASES: &[Case] = &[
    Case { name: "sink-dies-at-end", short: false, needs: Needs::Any, play: sink_dies },
    Case { name: "submit-dies-at-end", short: false, needs: Needs::Any, play: submit_dies },
];

const SHARD: u64 = 25;

fn armed(point: String) -> Vec<(String, String)> {
    vec![("CASE2CODE_FAILPOINT".to_owned(), point)]
}

/// After run.json, before it gives the name free.
fn sink_dies(scene: &mut Scene) -> Result<Row, String> {
    let work = Work::published(0.8);
    let expected = scene.expected(&work);
    let mut fleet = scene.fleet(&work, |_| Vec::new());
    // What waits for the sink counts for the window of submit, which must be through before.
    until("submit is done", DEADLINE, || fleet.is_done("submit"));
    fleet.hold("sink");
    // So that its first publish is the word that all is done, not one on the way there.
    until("all outcomes to wait for the sink", DEADLINE, || {
        let waiting = super::broker::ready(scene, "outcomes").unwrap_or(0);
        on_disk(&fleet.out()) as u64 + waiting >= expected.items
    });
    fleet.release("sink", &armed("publish.before=1".to_owned()));
    let row = scene.finish(&mut fleet, "the sink dies after run.json", &[Must::Restart(2)])?;
    expected.check(&fleet.out())?;
    name_is_free(scene, &work)?;
    Ok(Row { items: expected.items, ..row })
}

/// After the broker confirmed the end of the run, before the cursor says so; and the sink is through before it is back.
fn submit_dies(scene: &mut Scene) -> Result<Row, String> {
    let work = Work::published(0.3);
    let expected = scene.expected(&work);
    // The claim, the opening, every item, the end of every shard, the end of the run.
    let publishes = 2 + expected.items + expected.items.div_ceil(SHARD) + 1;
    let point = format!("publish.confirmed={publishes}");
    let mut fleet = scene.fleet(&work, |role| if role == "submit" { armed(point.clone()) } else { Vec::new() });
    fleet.leave("submit");
    let end = fleet.end_of("submit", DEADLINE);
    if end.success() {
        return Err(format!("submit came to its end without passing {point}"));
    }
    until("the sink is done", DEADLINE, || fleet.is_done("sink"));
    fleet.release("submit", &[]);
    until("submit is done", DEADLINE, || fleet.is_done("submit"));
    let row = scene.finish(&mut fleet, "submit dies after run_closed", &[Must::Restart(1)])?;
    expected.check(&fleet.out())?;
    name_is_free(scene, &work)?;
    Ok(Row { items: expected.items, ..row })
}

/// Another submission under the same name is let in.
fn name_is_free(scene: &Scene, work: &Work) -> Result<(), String> {
    let (input, state) = (work.input.display().to_string(), scene.folder.join("next").display().to_string());
    let next = scene.case2code(&["submit", &input, "--state", &state, "--shard-size", "25"]);
    let said = String::from_utf8_lossy(&next.stderr);
    if next.status.success() { Ok(()) } else { Err(format!("the name of a finished run stays taken: {said}")) }
}
