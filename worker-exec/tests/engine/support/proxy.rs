//! A proxy between a process and the engine.

use std::path::{Path, PathBuf};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::watch,
};

/// Where the engine itself listens.
pub const SOCKET: &str = "/var/run/docker.sock";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// All goes through.
    Pass,
    /// Open connections end, new ones at once.
    Refuse,
    /// All waits.
    Freeze,
    /// Requests are read and not passed on, but for a ping; streams that are open go on.
    Swallow,
}

/// Passes everything on, until it is told not to.
pub struct Proxy {
    folder: tempfile::TempDir,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (mode, modes) = watch::channel(Mode::Pass);
        let listener = UnixListener::bind(socket(folder.path())).expect("a socket");
        tokio::spawn(async move {
            // Ends with the `Proxy`, which owns the sender.
            while let Ok(()) = modes.has_changed().map(drop) {
                let Ok((client, _)) = listener.accept().await else { break };
                tokio::spawn(serve(client, modes.clone()));
            }
        });
        Self { folder, mode }
    }

    pub fn path(&self) -> PathBuf {
        socket(self.folder.path())
    }

    /// `restore`, `refuse`, `freeze` or `swallow`.
    pub fn set(&self, mode: &str) {
        self.mode.send_replace(match mode {
            "restore" => Mode::Pass,
            "refuse" => Mode::Refuse,
            "freeze" => Mode::Freeze,
            "swallow" => Mode::Swallow,
            _ => panic!("no such event: {mode}"),
        });
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("docker.sock")
}

async fn serve(client: UnixStream, modes: watch::Receiver<Mode>) {
    if *modes.borrow() == Mode::Refuse {
        return;
    }
    let server = UnixStream::connect(SOCKET).await.expect("the engine");
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let (mut thawed_requests, mut thawed_answers) = (modes.clone(), modes.clone());
    let requests = async {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
            let _ = thawed_requests.wait_for(|mode| *mode != Mode::Freeze).await;
            if *modes.borrow() == Mode::Swallow && is_swallowed(&buffer[..count]) {
                continue;
            }
            if to_server.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
        let _ = to_server.shutdown().await;
    };
    let answers = async {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
            let _ = thawed_answers.wait_for(|mode| *mode != Mode::Freeze).await;
            if to_client.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
        let _ = to_client.shutdown().await;
    };
    let mut refused = modes.clone();
    tokio::select! {
        _ = async { tokio::join!(requests, answers) } => {}
        _ = refused.wait_for(|mode| *mode == Mode::Refuse) => {}
    }
}

fn is_swallowed(bytes: &[u8]) -> bool {
    let is_request = [&b"GET /"[..], b"POST /", b"DELETE /", b"HEAD /"].iter().any(|verb| bytes.starts_with(verb));
    is_request && !bytes.windows(6).any(|window| window == b"/_ping")
}
