//! Containers of processes that are no more: a process that was killed could not remove its own.

use std::collections::HashMap;

use bollard::{
    Docker as Engine,
    query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder},
};

/// Says whose a container is: `host:pid:start of the process in clock ticks`.
const OWNER: &str = "case2code.owner";

/// Labels of every container of this process.
pub fn labels() -> HashMap<String, String> {
    let pid = std::process::id();
    HashMap::from([(OWNER.to_owned(), format!("{}:{pid}:{}", host(), started(pid).unwrap_or_default()))])
}

/// Removes containers of processes of this host that have ended. An engine that refuses is none the worse for it.
pub async fn remove(engine: &Engine) {
    let filters = HashMap::from([("label", vec![OWNER])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    for container in engine.list_containers(Some(options)).await.unwrap_or_default() {
        let owner = container.labels.unwrap_or_default().remove(OWNER).unwrap_or_default();
        if let Some(id) = container.id
            && is_dead(&owner)
        {
            tracing::info!(owner, "removing a container that was left behind");
            remove_one(engine, &id).await;
        }
    }
}

/// Ends and removes one container; one that removes itself meanwhile is fine.
pub async fn remove_one(engine: &Engine, id: &str) {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    if let Err(error) = engine.remove_container(id, Some(options)).await {
        tracing::debug!(%error, "a container was not there to be removed");
    }
}

/// Whether a process of this host was the owner and has ended. Other hosts may share an engine: theirs are left alone.
fn is_dead(owner: &str) -> bool {
    let mut parts = owner.rsplitn(3, ':');
    let (Some(start), Some(Ok(pid)), Some(owner_host)) =
        (parts.next(), parts.next().map(str::parse::<u32>), parts.next())
    else {
        return false;
    };
    owner_host == host() && started(pid).as_deref() != Some(start)
}

fn host() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Field 22 of `/proc/PID/stat`; the second field holds the name in parentheses, which may hold anything.
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19).map(str::to_owned)
}
