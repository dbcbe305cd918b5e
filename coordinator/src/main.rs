//! The `case2code` command.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(probed) = pipeline::telemetry::probe() {
        return probed;
    }
    pipeline::telemetry::init_logs();
    pipeline::error::exit(coordinator::cli::main())
}
