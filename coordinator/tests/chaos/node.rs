//! The broker of a case: RabbitMQ of Debian's package as processes of ours, or a later one in a container.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use crate::{
    broker::{Broker, free_port},
    process::until,
};

/// The image of RabbitMQ 4.
const IMAGE: &str = "rabbitmq:4-management";

/// Which RabbitMQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Debian's package: 3.10.
    Package,
    /// The container: 4.
    Container,
}

/// A running broker, gone when dropped.
pub enum Node {
    Package(Broker),
    /// Three of the package, the first of which made the others join it.
    Cluster(Vec<Broker>),
    Container(Container),
}

/// A container with a broker.
pub struct Container {
    name: String,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Node {
    /// Starts a fresh one.
    pub fn start(version: Version, configuration: &str) -> Self {
        match version {
            Version::Package => Self::Package(Broker::start_with(|_| configuration.to_owned())),
            Version::Container => Self::Container(Container::start(configuration)),
        }
    }

    /// Starts three nodes that are one.
    pub fn cluster() -> Self {
        // A node that is gone is noticed within 10 s, and a minority stops.
        let configuration = "net_ticktime = 10\ncluster_partition_handling = pause_minority\n";
        let nodes: Vec<Broker> = (0..3).map(|_| Broker::start_with(|_| configuration.to_owned())).collect();
        for node in &nodes[1..] {
            for step in [&["stop_app"][..], &["join_cluster", &nodes[0].name()], &["start_app"]] {
                must_succeed(node.control(step), step);
            }
        }
        Self::Cluster(nodes)
    }

    /// Where it listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        match self {
            Self::Package(broker) => vec![at(broker.port())],
            Self::Cluster(nodes) => nodes.iter().map(|node| at(node.port())).collect(),
            Self::Container(container) => vec![at(container.port)],
        }
    }

    /// As a power cut would. Of a cluster the first node, as with all that follows: it leads the queues, since the first
    /// client declared them there.
    pub fn kill(&mut self) {
        match self {
            Self::Package(broker) => broker.kill(),
            Self::Cluster(nodes) => nodes[0].kill(),
            Self::Container(container) => _ = docker(&["kill", &container.name]),
        }
    }

    /// As an operator would.
    pub fn stop(&mut self) {
        match self {
            Self::Package(broker) => broker.stop(),
            Self::Cluster(nodes) => nodes[0].stop(),
            Self::Container(container) => {
                // Its first process is a shell, which would not pass SIGTERM on.
                // The container may end before the command in it does, and take it along: its own exit code counts.
                let asked = container.control(&["shutdown"]);
                until("the container has ended", Duration::from_secs(60), || container.is("exited"));
                assert!(container.is("exited 0"), "no orderly end: {asked:?}");
            }
        }
    }

    /// On the same data.
    pub fn restart(&mut self) {
        match self {
            Self::Package(broker) => broker.restart(),
            Self::Cluster(nodes) => nodes[0].restart(),
            Self::Container(container) => {
                docker(&["start", &container.name]);
                container.wait();
            }
        }
    }

    /// Neither works nor ends.
    pub fn freeze(&self) {
        match self {
            Self::Package(broker) => broker.signal(libc::SIGSTOP),
            Self::Cluster(nodes) => nodes[0].signal(libc::SIGSTOP),
            Self::Container(container) => _ = docker(&["pause", &container.name]),
        }
    }

    /// Goes on.
    pub fn thaw(&self) {
        match self {
            Self::Package(broker) => broker.signal(libc::SIGCONT),
            Self::Cluster(nodes) => nodes[0].signal(libc::SIGCONT),
            Self::Container(container) => _ = docker(&["unpause", &container.name]),
        }
    }

    /// `rabbitmqctl`, which must succeed.
    pub fn control(&self, arguments: &[&str]) {
        let output = match self {
            Self::Package(broker) => broker.control(arguments),
            Self::Cluster(nodes) => nodes[0].control(arguments),
            Self::Container(container) => container.control(arguments),
        };
        must_succeed(output, arguments);
    }
}

fn must_succeed(output: std::io::Result<Output>, arguments: &[&str]) {
    let output = output.expect("rabbitmqctl starts");
    assert!(output.status.success(), "rabbitmqctl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Container {
    fn start(configuration: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
        let file = folder.path().join("90-chaos.conf");
        std::fs::write(&file, format!("loopback_users = none\n{configuration}")).expect("a file");
        readable(folder.path());
        let name = format!("case2code-chaos-{port}");
        let (publish, mount) =
            (format!("127.0.0.1:{port}:5672"), format!("{}:/etc/rabbitmq/conf.d/90-chaos.conf:ro", file.display()));
        docker(&["run", "-d", "--name", &name, "--hostname", "chaos", "-p", &publish, "-v", &mount, IMAGE]);
        let container = Self { name, port, _folder: folder };
        container.wait();
        container
    }

    /// Whether its state, and the exit code behind it, begin so.
    fn is(&self, state: &str) -> bool {
        let format = "{{.State.Status}} {{.State.ExitCode}}";
        docker(&["inspect", "--format", format, &self.name]).stdout.starts_with(state.as_bytes())
    }

    fn control(&self, arguments: &[&str]) -> std::io::Result<Output> {
        Command::new("docker").args(["exec", &self.name, "rabbitmqctl"]).args(arguments).output()
    }

    fn wait(&self) {
        until("the container's broker answers", Duration::from_secs(120), || {
            let ping = ["exec", &self.name, "rabbitmqctl", "await_startup", "--timeout", "60"];
            Command::new("docker").args(ping).output().is_ok_and(|output| output.status.success())
        });
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "-f", "-v", &self.name]).output();
    }
}

/// For the user inside a container.
fn readable(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).expect("our own folder");
}

fn docker(arguments: &[&str]) -> Output {
    let output = Command::new("docker").args(arguments).output().expect("docker is installed");
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
