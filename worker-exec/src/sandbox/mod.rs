//! A place where programs run: the seam between two backends. Inside each stand the same `sandbox-init` and runner.
//!
//! What no backend gives: a program can always forge its own result, and without gVisor (`--runtime runsc`) or a virtual
//! machine around it the kernel is shared.

mod docker;
pub(crate) mod engine;
mod image;
mod leftovers;
mod namespace;
mod tar;

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use pipeline::error::Failure;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::settings::{ExecSettings, MAX_EXAMPLES, OUTPUT_BYTES, SCRATCH_BYTES, SandboxChoice};

/// The static supervisor, with the runner inside it.
static SANDBOX_INIT: &[u8] = include_bytes!(env!("SANDBOX_INIT"));
/// More diagnostics of a sandbox than this are dropped.
const MAX_ERRORS_BYTES: usize = 4096;

/// What [`Sandbox::open`] gives back.
pub type Opening<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Link>> + Send + 'a>>;

/// A backend: it opens sandboxes in which `sandbox-init` is PID 1.
pub trait Sandbox: Send + Sync {
    /// `docker`, `namespace` or `none`.
    fn name(&self) -> &'static str;

    /// Digest of the image, for backends that have one. Known once a sandbox was opened.
    fn image_digest(&self) -> Option<String>;

    /// Opens one. An error is the machine's or the engine's, never a program's.
    fn open(&self) -> Opening<'_>;

    /// Waits until nothing of ours is left behind.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The two ends of an open sandbox. Dropping it ends everything inside.
pub struct Link {
    /// To `sandbox-init`'s stdin.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// From its stdout.
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    /// What it said on stderr.
    pub errors: Errors,
    /// Ends the sandbox when it is dropped.
    pub guard: Box<dyn Send + Sync>,
}

/// The first lines that a sandbox wrote to stderr.
#[derive(Clone, Default)]
pub struct Errors(Arc<Mutex<Vec<u8>>>);

impl Errors {
    /// Keeps some more.
    pub fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_ERRORS_BYTES.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..room]);
    }

    /// The last line, without the name of who said it.
    pub fn last_line(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        line.trim().trim_start_matches("sandbox-init: ").to_owned()
    }

    fn follow(&self, mut from: impl AsyncRead + Send + Unpin + 'static) {
        let errors = self.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = from.read(&mut buffer).await {
                errors.push(&buffer[..count]);
            }
        });
    }
}

/// The backend that `settings` ask for.
///
/// # Errors
/// None of what was asked for works on this machine: [`Failure::Unavailable`], naming the setting to change.
pub async fn choose(settings: &ExecSettings) -> Result<Arc<dyn Sandbox>, Failure> {
    match settings.sandbox {
        SandboxChoice::Docker => Ok(Arc::new(docker::Docker::connect(settings).await?)),
        SandboxChoice::Namespace => Ok(Arc::new(namespace::Namespace::new(settings, true).await?)),
        SandboxChoice::None => Ok(Arc::new(namespace::Namespace::new(settings, false).await?)),
        SandboxChoice::Auto => match docker::Docker::connect(settings).await {
            Ok(docker) => Ok(Arc::new(docker)),
            // A runtime that was asked for is isolation that was asked for: nothing weaker takes its place.
            Err(no_docker) if settings.runtime.is_some() => Err(no_docker),
            Err(no_docker) => {
                tracing::warn!(reason = %no_docker, "docker cannot be used: using the namespace sandbox");
                match namespace::Namespace::new(settings, true).await {
                    Ok(namespace) => Ok(Arc::new(namespace)),
                    Err(no_namespace) => Err(Failure::Unavailable(format!(
                        "no sandbox on this machine. docker: {no_docker}. namespace: {no_namespace}. \
                         `--sandbox none` runs programs without protection"
                    ))),
                }
            }
        },
    }
}

/// Arguments of `sandbox-init` that all backends share.
fn limits(settings: &ExecSettings) -> Vec<String> {
    // A last resort should sandbox-init itself be held up; it covers all inputs of one process.
    let backstop = (settings.timeout.ceil() as u64 * 10) * u64::from(MAX_EXAMPLES);
    vec![
        format!("memory_bytes={}", settings.memory_limit << 20),
        format!("output_bytes={OUTPUT_BYTES}"),
        format!("scratch_bytes={SCRATCH_BYTES}"),
        format!("max_examples={MAX_EXAMPLES}"),
        format!("cpu_backstop_s={backstop}"),
    ]
}
