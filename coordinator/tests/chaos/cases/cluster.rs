//! One of three nodes fails.

use crate::{
    process::until,
    proxy::Proxy,
    scene::{Case, DEADLINE, Must, Needs, Row, Scene, last, on_disk},
};

pub const CASES: &[Case] = &[
    Case { name: "leader-killed", short: false, needs: Needs::Cluster, play: leader_killed },
    Case { name: "node-cut-off", short: false, needs: Needs::Cluster, play: node_cut_off },
    Case { name: "three-urls", short: false, needs: Needs::Cluster, play: three_urls },
];

fn leader_killed(scene: &mut Scene) -> Result<Row, String> {
    scene.disturb(1.5, "leader killed, back later", &[Must::Reconnect(3)], |scene, fleet, _| {
        scene.node.kill();
        // Two of three are enough to go on.
        let before = on_disk(&fleet.out());
        until("outcomes without the node", DEADLINE, || on_disk(&fleet.out()) >= before + 75 || fleet.is_done("sink"));
        scene.node.restart();
    })
}

fn node_cut_off(scene: &mut Scene) -> Result<Row, String> {
    scene.disturb(1.5, "leader cut off for 60 s", &[Must::Reconnect(3)], |scene, _, _| {
        scene.node.freeze();
        last(60);
        scene.node.thaw();
    })
}

/// Without a load balancer: the client goes from node to node.
fn three_urls(scene: &mut Scene) -> Result<Row, String> {
    let urls: Vec<String> = scene.node.addresses().iter().map(|at| format!("amqp://guest:guest@{at}/%2f")).collect();
    scene.proxy = Proxy::pretend(urls.join(","));
    leader_killed(scene)
}
