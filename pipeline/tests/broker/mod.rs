//! A RabbitMQ of the test's own: own node name, ports and data folder, so that a test may stop or kill it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const CONTROL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";
const START_DEADLINE: Duration = Duration::from_secs(120);

/// A running broker. Dropping it kills it and deletes its data.
pub struct Broker {
    folder: TempDir,
    port: u16,
    dist_port: u16,
    server: Child,
}

impl Broker {
    /// Starts a fresh broker and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(|_| String::new())
    }

    /// As [`Self::start`], with further lines of rabbitmq.conf, made with the broker's folder at hand.
    pub fn start_with(configuration: impl FnOnce(&Path) -> String) -> Self {
        assert!(
            Path::new(SERVER).exists(),
            "this test needs RabbitMQ: apt-get install rabbitmq-server (or `make test`, which does it)"
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (port, dist_port) = (free_port(), free_port());
        let listener = format!("listeners.tcp.1 = 127.0.0.1:{port}\n");
        let configuration = listener + &configuration(folder.path());
        std::fs::write(folder.path().join("rabbitmq.conf"), configuration).expect("a file in the temporary folder");
        // The same for all, so that brokers can be told to be one.
        let cookie = folder.path().join(".erlang.cookie");
        std::fs::write(&cookie, "CASE2CODE").expect("a file in the temporary folder");
        std::fs::set_permissions(&cookie, PermissionsExt::from_mode(0o400)).expect("our own file");
        let server = spawn(&folder, port, dist_port);
        let mut broker = Self { folder, port, dist_port, server };
        broker.wait();
        broker
    }

    /// `amqp://…`.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// Kills the broker as a power cut would.
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        let _ = self.server.wait();
    }

    /// Starts it again on the same data.
    pub fn restart(&mut self) {
        self.server = spawn(&self.folder, self.port, self.dist_port);
        self.wait();
    }

    /// Asks it to end, as an operator would, and waits.
    pub fn stop(&mut self) {
        self.signal(libc::SIGTERM);
        let _ = self.server.wait();
        self.kill(); // whatever of it is left
    }

    /// The port of plain AMQP.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name of its node.
    pub fn name(&self) -> String {
        format!("case2code-{}@localhost", self.port)
    }

    /// `rabbitmqctl`.
    pub fn control(&self, arguments: &[&str]) -> std::io::Result<Output> {
        Command::new(CONTROL).env("HOME", self.folder.path()).args(["-n", &self.name()]).args(arguments).output()
    }

    /// Sends a signal to all of it.
    pub fn signal(&self, signal: i32) {
        // The server is a shell script and an Erlang machine: both are in the group that we made.
        let group = i32::try_from(self.server.id()).expect("a pid");
        // SAFETY: no memory is involved; the group is our child's.
        unsafe { libc::kill(-group, signal) };
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        let log = self.folder.path().join("rabbit.log");
        loop {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let starts = text.matches("Starting RabbitMQ").count();
            if starts > 0 && text.matches("Server startup complete").count() >= starts {
                return;
            }
            let ended = self.server.try_wait().expect("a child of ours");
            assert!(
                ended.is_none() && begun.elapsed() < START_DEADLINE,
                "rabbitmq-server did not start ({ended:?}): {text}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(folder: &TempDir, port: u16, dist_port: u16) -> Child {
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("plugins"), "[].\n").expect("a file in the temporary folder");
    Command::new(SERVER)
        .env("HOME", folder.path())
        .env("RABBITMQ_NODENAME", format!("case2code-{port}@localhost"))
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", dist_port.to_string())
        .env("RABBITMQ_MNESIA_BASE", path("data"))
        .env("RABBITMQ_LOGS", path("rabbit.log"))
        .env("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins"))
        .env("RABBITMQ_PID_FILE", path("pid"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("rabbitmq-server starts")
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
