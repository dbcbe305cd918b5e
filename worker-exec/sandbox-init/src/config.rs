//! What the worker asks of a sandbox, as `key=value` arguments.

use std::path::PathBuf;

/// Settings of one sandbox; fixed for its life.
#[derive(Default)]
pub struct Config {
    /// The interpreter, as it is called inside.
    pub python: PathBuf,
    /// Paths of the host that are bound read-only at the same place (namespace backend).
    pub bind: Vec<PathBuf>,
    /// The one folder that a program may write to.
    pub scratch: PathBuf,
    /// Whether each program gets a uid of its own.
    pub uids: bool,
    /// Whether each program gets a pid namespace of its own.
    pub pid_namespace: bool,
    /// Address space of a program.
    pub memory_bytes: u64,
    /// Largest repr that a program may answer with.
    pub output_bytes: u32,
    /// Size of the scratch folder and of a file in it.
    pub scratch_bytes: u64,
    /// Most example inputs of a program.
    pub max_examples: u32,
    /// CPU seconds after which the kernel ends a program, whatever this process does.
    pub cpu_backstop_s: u64,
}

impl Config {
    /// Reads the arguments.
    ///
    /// # Errors
    /// An unknown key or a value of the wrong type, as a sentence.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut config = Self::default();
        for argument in arguments {
            let (key, value) = argument.split_once('=').ok_or_else(|| format!("not key=value: {argument}"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("not a number: {argument}"));
            match key {
                "python" => config.python = value.into(),
                "bind" => config.bind.push(value.into()),
                "scratch" => config.scratch = value.into(),
                "uids" => config.uids = value == "1",
                "pid_namespace" => config.pid_namespace = value == "1",
                "memory_bytes" => config.memory_bytes = number()?,
                "output_bytes" => config.output_bytes = number()? as u32,
                "scratch_bytes" => config.scratch_bytes = number()?,
                "max_examples" => config.max_examples = number()? as u32,
                "cpu_backstop_s" => config.cpu_backstop_s = number()?,
                _ => return Err(format!("unknown setting {key}")),
            }
        }
        Ok(config)
    }
}
