//! Processes are killed: at random, and exactly where it matters.

use std::time::Duration;

use crate::{
    fleet::{Fleet, ROLES},
    process::until,
    scene::{Case, DEADLINE, Must, Needs, Row, Scene, Work},
};

pub const CASES: &[Case] = &[
    Case { name: "kill-each-role", short: true, needs: Needs::Any, play: kill_each_role },
    Case { name: "die-in-submit", short: false, needs: Needs::Any, play: |scene| die_at(scene, "submit", SUBMIT) },
    Case { name: "die-in-llm", short: false, needs: Needs::Any, play: |scene| die_at(scene, "llm-0", WORKER) },
    Case { name: "die-in-exec", short: true, needs: Needs::Any, play: |scene| die_at(scene, "exec-0", WORKER) },
    Case { name: "die-in-sink", short: true, needs: Needs::Any, play: |scene| die_at(scene, "sink", SINK) },
    Case { name: "die-in-telling", short: false, needs: Needs::Any, play: |scene| die_at(scene, "sink", TELLING) },
];

/// Kills of `kill-each-role`.
const KILLS: u32 = 20;

const SUBMIT: &[&str] = &[
    "publish.before=1",
    "publish.sent=1",
    "publish.confirmed=1",
    "publish.before=40",
    "publish.sent=40",
    "publish.confirmed=40",
    "cursor.before_write=1",
    "cursor.written=1",
];

const WORKER: &[&str] = &["publish.before=3", "publish.sent=3", "publish.confirmed=3", "ack.before=3", "ack.after=3"];

const SINK: &[&str] = &[
    "ack.before=3",
    "journal.before_write=2",
    "journal.half_written=2",
    "journal.before_sync=2",
    "journal.synced=2",
    "ack.after=3",
    "part.before_rename=1",
    "part.renamed=1",
    "shard.done=1",
];

/// The sink publishes, too: where the run stands.
const TELLING: &[&str] = &["publish.before=1", "publish.sent=1", "publish.confirmed=1"];

fn kill_each_role(scene: &mut Scene) -> Result<Row, String> {
    let faults = format!("{KILLS} x kill -9, --seed {}", scene.seed);
    scene.disturb(0.8, &faults, &[Must::Restart(KILLS - 2)], |scene, fleet, _| {
        let mut random = Random(scene.seed.max(1)); // zero would stay zero
        for role in ROLES.iter().cycle().take(KILLS as usize) {
            std::thread::sleep(Duration::from_millis(random.below(700)));
            let starts = fleet.starts(role);
            if fleet.kill(role) {
                until("it is started again", DEADLINE, || fleet.starts(role) > starts || fleet.is_done(role));
            }
        }
    })
}

/// One role dies of each failpoint in turn.
fn die_at(scene: &mut Scene, role: &'static str, points: &[&str]) -> Result<Row, String> {
    let armed = |point: &str| vec![("CASE2CODE_FAILPOINT".to_owned(), point.to_owned())];
    let work = Work::published(0.8);
    let expected = scene.expected(&work);
    let mut fleet = scene.fleet(&work, |of| if of == role { armed(points[0]) } else { Vec::new() });
    // Its twin would do all the work meanwhile.
    let twin = ["llm", "exec"].into_iter().find(|kind| role.starts_with(kind)).map(|kind| format!("{kind}-1"));
    let twin = ROLES.into_iter().find(|other| Some(*other) == twin.as_deref());
    twin.iter().for_each(|twin| fleet.hold(twin));
    for (k, point) in points.iter().enumerate() {
        if k > 0 {
            fleet.release(role, &armed(point));
        }
        died_of(&fleet, role, point)?;
        fleet.hold(role);
    }
    fleet.release(role, &[]);
    twin.iter().for_each(|twin| fleet.release(twin, &[]));
    let must = [Must::Restart(u32::try_from(points.len()).expect("a few"))];
    let row = scene.finish(&mut fleet, &format!("{role} dies at {} points", points.len()), &must)?;
    expected.check(&fleet.out())?;
    Ok(Row { items: expected.items, ..row })
}

/// Waits until a role was started again, for dying of a failpoint.
fn died_of(fleet: &Fleet, role: &str, point: &str) -> Result<(), String> {
    let starts = fleet.starts(role);
    until(point, DEADLINE, || fleet.starts(role) > starts || fleet.is_done(role));
    if fleet.is_done(role) { Err(format!("{role} came to its end without passing {point}")) } else { Ok(()) }
}

/// Numbers that are the same for the same seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
