//! Which sandbox, and its limits.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use pipeline::{error::Failure, settings::finite};
use serde::{Deserialize, Serialize};

/// Largest repr of a value, in bytes of UTF-8; a larger one is the outcome `output`.
pub const OUTPUT_BYTES: u32 = 64 << 10;
/// Most entries of a list `examples`; a longer one is turned down.
pub const MAX_EXAMPLES: u32 = 1000;
/// Size of the folder that a program may write to.
pub const SCRATCH_BYTES: u64 = 16 << 20;
/// Sandboxes of one process at the most: far more than any machine has cores for.
const MOST_SLOTS: usize = 1024;

/// Where programs run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxChoice {
    /// Containers if an engine answers, else namespaces.
    Auto,
    /// Containers of a Docker engine.
    Docker,
    /// Namespaces of our own: no engine, no root.
    Namespace,
    /// No isolation: for code that you trust.
    None,
}

/// Settings of the execution stage.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Running programs")]
pub struct ExecSettings {
    /// Where programs run; `auto` takes docker if the engine answers, else namespace
    #[arg(long, value_enum, default_value_t = SandboxChoice::Auto)]
    pub sandbox: SandboxChoice,
    /// Python interpreter that the namespace backend runs [default: python3 in PATH]
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
    /// Image with the Python that the docker backend runs; sandbox-init is added to it in an image of our own
    #[arg(long, value_name = "IMAGE", default_value = "python:3.13-slim-trixie")]
    pub sandbox_image: String,
    /// Container runtime of the docker backend, such as runsc [default: the engine's]
    #[arg(long, value_name = "NAME")]
    pub runtime: Option<String>,
    /// Programs at once [default: number of cores]
    #[arg(long, value_name = "N")]
    pub slots: Option<usize>,
    /// Programs after which a sandbox is replaced by a new one; 0 is never
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub sandbox_programs: u64,
    /// CPU seconds an input may take; by the clock it may take five times as long
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = finite)]
    pub timeout: f64,
    /// Address space of a program, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub memory_limit: u64,
    /// Run each function a second time under other conditions and record whether its outcomes are the same
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub stability: bool,
}

impl ExecSettings {
    /// Checks what the types do not.
    ///
    /// # Errors
    /// [`Failure::Usage`], naming the flag.
    pub fn check(&self) -> Result<(), Failure> {
        if !(0.01..=60.0).contains(&self.timeout) {
            return Err(Failure::Usage(format!("--timeout {}: must be from 0.01 to 60 seconds", self.timeout)));
        }
        if !(128..=65_536).contains(&self.memory_limit) {
            return Err(Failure::Usage(format!("--memory-limit {}: must be from 128 to 65536 MiB", self.memory_limit)));
        }
        if let Some(slots) = self.slots.filter(|slots| !(1..=MOST_SLOTS).contains(slots)) {
            return Err(Failure::Usage(format!("--slots {slots}: must be from 1 to {MOST_SLOTS}")));
        }
        Ok(())
    }

    /// The settings that change what is recorded, as a JSON object; backend, Python and image are known only once a
    /// sandbox is open.
    pub fn identity(&self) -> serde_json::Value {
        serde_json::json!({
            "timeout_s": self.timeout,
            "memory_limit_mib": self.memory_limit,
            "stability": self.stability,
        })
    }

    /// Programs at once.
    pub fn slots(&self) -> usize {
        self.slots.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from))
    }

    /// CPU time of one input.
    pub fn cpu(&self) -> Duration {
        Duration::from_secs_f64(self.timeout)
    }
}
