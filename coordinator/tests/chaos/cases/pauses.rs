//! Processes that stop for a while, as a virtual machine does that is moved, or that are asked to go.

use crate::{
    frames::Sign,
    scene::{Case, DEADLINE, Must, Needs, Row, Scene, last},
};

pub const CASES: &[Case] = &[
    Case {
        name: "workers-frozen",
        short: false,
        needs: Needs::Any,
        play: |scene| frozen(scene, &["llm-0", "exec-0"], &[Must::See(Sign::Redelivered)]),
    },
    Case {
        name: "sink-frozen",
        short: false,
        needs: Needs::Any,
        // Meanwhile the broker gives its lock away.
        play: |scene| frozen(scene, &["sink"], &[Must::See(Sign::Redelivered), Must::Reconnect(1)]),
    },
    Case {
        name: "submit-frozen",
        short: false,
        needs: Needs::Any,
        play: |scene| frozen(scene, &["submit"], &[Must::Reconnect(1)]),
    },
    Case { name: "rolling-restart", short: true, needs: Needs::Any, play: rolling_restart },
    Case { name: "all-at-once", short: false, needs: Needs::Any, play: all_at_once },
];

/// Longer than the broker waits for heartbeats (two of 15 s), so that it gives the process up.
const FROZEN_S: u64 = 50;

fn frozen(scene: &mut Scene, roles: &'static [&'static str], must: &[Must]) -> Result<Row, String> {
    scene.disturb(0.8, &format!("SIGSTOP for {FROZEN_S} s: {}", roles.join(", ")), must, |_, fleet, _| {
        roles.iter().for_each(|role| fleet.signal(role, libc::SIGSTOP));
        last(FROZEN_S);
        roles.iter().for_each(|role| fleet.signal(role, libc::SIGCONT));
    })
}

/// Each role is asked to go under load, and started again: workers go with 0, the others say that work is left.
fn rolling_restart(scene: &mut Scene) -> Result<Row, String> {
    let turns = [("submit", 130), ("llm-0", 0), ("exec-0", 0), ("sink", 130), ("llm-1", 0), ("exec-1", 0)];
    let mut codes = Vec::new();
    let row = scene.disturb(0.8, "SIGTERM of each role in turn", &[Must::Restart(6)], |_, fleet, _| {
        for (role, expected) in turns {
            fleet.leave(role);
            fleet.signal(role, libc::SIGTERM);
            codes.push((role, fleet.end_of(role, DEADLINE).code(), Some(expected)));
            fleet.release(role, &[]);
        }
    })?;
    match codes.into_iter().find(|(_, code, expected)| code != expected) {
        None => Ok(row),
        Some((role, code, expected)) => Err(format!("{role} ended with {code:?}, not {expected:?}, on SIGTERM")),
    }
}

/// As when a whole rack loses its power, twice.
fn all_at_once(scene: &mut Scene) -> Result<Row, String> {
    let must = [Must::Restart(10), Must::See(Sign::Redelivered)];
    scene.disturb(0.8, "kill -9 of broker and fleet, twice", &must, |scene, fleet, _| {
        fleet.bear(3); // of whoever starts while the broker is down, having never reached it
        for round in 1..=2 {
            crate::scene::under_way(fleet, 40 * round);
            scene.node.kill();
            crate::fleet::ROLES.iter().for_each(|role| _ = fleet.kill(role));
            scene.node.restart();
        }
    })
}
