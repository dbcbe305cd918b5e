//! Failures that end a process, each with an exit code and one sentence that names the setting to change.

use std::process::ExitCode;

/// Why a process stops before its work is done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Wrong usage: a flag, a file or a value. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// An input or a service that was never reached. Exit code 3.
    #[error("{0}")]
    Unavailable(String),
    /// Stopped by a signal with work left; running the same command again resumes. Exit code 130.
    #[error("stopped; run the same command again to go on where it left off")]
    Interrupted,
    /// Stopped by a signal with work left; says how to go on. Exit code 130.
    #[error("stopped; {0}")]
    Stopped(&'static str),
    /// A filter stopped by a signal: what it had read is written, the rest of its input is not. Exit code 130.
    #[error("stopped before the end of the input; everything read until then is written")]
    Cut,
    /// A fleet worker stopped by a signal could not tell the broker what became of its last deliveries. Exit code 4.
    #[error("the broker was not told of the last deliveries; it delivers them again, and nothing is lost")]
    NotGivenBack,
    /// As much is spent on a model as may be; work may be left. Says what was spent, and which flag set the limit.
    /// Exit code 5.
    #[error("{0}")]
    Limit(String),
    /// Anything else. Exit code 1.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl Failure {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Unavailable(_) => 3,
            Self::Interrupted | Self::Stopped(_) | Self::Cut => 130,
            Self::NotGivenBack => 4,
            Self::Limit(_) => 5,
            Self::Other(_) => 1,
        }
    }
}

/// What `main` returns: nothing said on success, one line on stderr otherwise.
pub fn exit(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
