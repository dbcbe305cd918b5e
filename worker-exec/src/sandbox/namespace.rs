//! Sandboxes made of namespaces, and none at all: `sandbox-init` as a child of this process.

use std::{
    fs::File,
    io::Write,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
    pin::Pin,
    process::Stdio,
};

use anyhow::Context;
use pipeline::error::Failure;
use serde::Deserialize;
use tokio::process::{Child, Command};

use super::{Errors, Link, Opening, SANDBOX_INIT, Sandbox, limits};
use crate::settings::ExecSettings;

/// Where shared libraries live: bound read-only, where they exist.
const LIBRARIES: [&str; 8] =
    ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/etc/ld.so.cache", "/etc/ld.so.conf"];
/// Asks an interpreter where it stands.
const LOCATE: &str = "import json, os, sys; print(json.dumps({'executable': os.path.realpath(sys.executable), \
                      'folders': [sys.prefix, sys.base_prefix, sys.base_exec_prefix], \
                      'version': list(sys.version_info[:2]), 'path': [p for p in sys.path if p]}))";

/// The backend that needs no engine.
pub struct Namespace {
    isolated: bool,
    /// `sandbox-init`, in memory: nothing is left on disk.
    program: OwnedFd,
    arguments: Vec<String>,
}

#[derive(Deserialize)]
struct Interpreter {
    executable: PathBuf,
    folders: Vec<PathBuf>,
    path: Vec<PathBuf>,
    version: (u32, u32),
}

impl Namespace {
    /// With namespaces around each sandbox, or (`isolated` false) without any protection.
    ///
    /// # Errors
    /// No Python that can be used: [`Failure::Unavailable`].
    pub async fn new(settings: &ExecSettings, isolated: bool) -> Result<Self, Failure> {
        let interpreter = locate(settings.python.as_deref()).await?;
        let mut arguments = vec![if isolated { "enter" } else { "serve" }.to_owned()];
        arguments.push(format!("python={}", interpreter.executable.display()));
        arguments.extend(limits(settings));
        if isolated {
            let mut bound: Vec<PathBuf> = LIBRARIES.iter().map(PathBuf::from).collect();
            bound.extend(interpreter.folders.into_iter().filter(|folder| !is_system_folder(folder)));
            bound.extend(interpreter.path);
            bound.push(interpreter.executable);
            arguments.extend(bound.iter().map(|path| format!("bind={}", path.display())));
            arguments.push("scratch=/tmp".to_owned());
        }
        let program = in_memory(SANDBOX_INIT).context("memfd for sandbox-init")?;
        Ok(Self { isolated, program, arguments })
    }

    fn start(&self) -> anyhow::Result<Link> {
        let mut command = Command::new(format!("/proc/self/fd/{}", self.program.as_raw_fd()));
        command.args(&self.arguments).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let scratch = if self.isolated {
            None
        } else {
            let folder = tempfile::Builder::new().prefix("case2code-").tempdir()?;
            command.arg(format!("scratch={}", folder.path().display()));
            Some(folder)
        };
        let mut child = command.spawn().context("cannot start sandbox-init")?;
        let (Some(input), Some(output), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            anyhow::bail!("sandbox-init has no pipes");
        };
        let errors = Errors::default();
        errors.follow(stderr);
        let guard: Box<(Child, Option<tempfile::TempDir>)> = Box::new((child, scratch));
        Ok(Link { input: Box::new(input), output: Box::new(output), errors, guard })
    }
}

impl Sandbox for Namespace {
    fn name(&self) -> &'static str {
        if self.isolated { "namespace" } else { "none" }
    }

    fn image_digest(&self) -> Option<String> {
        None
    }

    fn open(&self) -> Opening<'_> {
        Box::pin(async { self.start() })
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {})
    }
}

/// `/` and `/usr` hold far more than an interpreter; what is needed of them stands in [`LIBRARIES`].
fn is_system_folder(folder: &Path) -> bool {
    folder.components().count() <= 2
}

async fn locate(python: Option<&Path>) -> Result<Interpreter, Failure> {
    let python = python.unwrap_or(Path::new("python3"));
    let unavailable = |problem: String| {
        Failure::Unavailable(format!("--python {}: {problem}; name a Python from 3.9 to 3.14", python.display()))
    };
    let output = Command::new(python).args(["-I", "-S", "-c", LOCATE]).stdin(Stdio::null()).output();
    let output = match tokio::time::timeout(std::time::Duration::from_secs(8), output).await {
        Ok(output) => output.map_err(|error| unavailable(format!("cannot be started: {error}")))?,
        Err(_) => return Err(unavailable("does not answer".to_owned())),
    };
    let interpreter: Interpreter = serde_json::from_slice(&output.stdout).map_err(|_| {
        let line = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
        unavailable(format!("is no Python interpreter that works: {line}"))
    })?;
    if interpreter.version < (3, 9) {
        let (major, minor) = interpreter.version;
        return Err(unavailable(format!("is Python {major}.{minor}")));
    }
    Ok(interpreter)
}

fn in_memory(content: &[u8]) -> anyhow::Result<OwnedFd> {
    use nix::sys::memfd::{MFdFlags, memfd_create};
    let fd = memfd_create("sandbox-init", MFdFlags::MFD_CLOEXEC)?;
    let mut file = File::from(fd);
    file.write_all(content)?;
    Ok(file.into())
}
