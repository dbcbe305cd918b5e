//! The network between the fleet and its broker fails.

use std::{sync::atomic::Ordering, time::Duration};

use crate::{
    frames::Sign,
    proxy::{Blow, Weather},
    scene::{Case, Must, Needs, Row, Scene, last},
};

pub const CASES: &[Case] = &[
    Case { name: "cut", short: true, needs: Needs::Any, play: cut },
    Case { name: "black-hole", short: false, needs: Needs::Any, play: black_hole },
    Case {
        name: "broker-half-open",
        short: false,
        needs: Needs::Any,
        play: |scene| half_open(scene, Blow::BrokerGone),
    },
    Case {
        name: "client-half-open",
        short: false,
        needs: Needs::Any,
        play: |scene| half_open(scene, Blow::ClientGone),
    },
    Case { name: "latency", short: false, needs: Needs::Any, play: latency },
    Case { name: "narrow", short: false, needs: Needs::Any, play: narrow },
    Case { name: "deliveries-swallowed", short: false, needs: Needs::Any, play: swallowed },
];

fn cut(scene: &mut Scene) -> Result<Row, String> {
    scene.disturb(0.8, "3 cuts in mid-frame", &[Must::Reconnect(6)], |scene, fleet, _| {
        for _ in 0..3 {
            let before = fleet.reconnects();
            scene.proxy.strike(Blow::Cut);
            crate::process::until("they are back", crate::scene::DEADLINE, || fleet.reconnects() >= before + 4);
        }
    })
}

fn black_hole(scene: &mut Scene) -> Result<Row, String> {
    scene.disturb(0.8, "black hole, 35 s", &[Must::Reconnect(1)], |scene, _, _| {
        scene.proxy.set(Weather::BlackHole);
        last(35);
        scene.proxy.set(Weather::Fair);
    })
}

fn half_open(scene: &mut Scene, blow: Blow) -> Result<Row, String> {
    scene.disturb(0.8, "half-open", &[Must::Reconnect(4)], |scene, _, _| scene.proxy.strike(blow))
}

fn latency(scene: &mut Scene) -> Result<Row, String> {
    scene.disturb(0.8, "200 ms, and a cut", &[Must::Reconnect(4)], |scene, _, _| {
        scene.proxy.set(Weather::Late(Duration::from_millis(200)));
        scene.proxy.strike(Blow::Cut);
        last(5);
    })
}

fn narrow(scene: &mut Scene) -> Result<Row, String> {
    scene.disturb(0.8, "64 KB/s, and a cut", &[Must::Reconnect(4)], |scene, _, _| {
        scene.proxy.set(Weather::Narrow(64 << 10));
        scene.proxy.strike(Blow::Cut);
        last(5);
    })
}

/// The broker counts them as held, and no consumer ever saw them: the watchdog's case.
fn swallowed(scene: &mut Scene) -> Result<Row, String> {
    let must = [Must::See(Sign::Swallowed), Must::See(Sign::Redelivered)];
    scene.disturb(0.8, "5 deliveries vanish", &must, |scene, _, _| {
        scene.proxy.signs().to_swallow.store(5, Ordering::SeqCst);
    })
}
