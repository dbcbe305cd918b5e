//! The `case2code` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    pipeline::telemetry::init_logs();
    pipeline::error::exit(coordinator::cli::main())
}
