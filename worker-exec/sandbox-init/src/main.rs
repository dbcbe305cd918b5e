//! PID 1 of a sandbox. It alone holds stdin and stdout, starts the Python runner, hands each program to a fresh child
//! of it, keeps the deadlines, and reports exit, signal, time and memory from its own `wait4`. It never evaluates
//! anything that a program wrote: a program's answer is passed on as bytes.
//!
//! - [`config`]: what the worker asks for
//! - [`namespace`]: makes the namespaces and the file system, where no container engine did
//! - [`frame`]: messages from and to the worker
//! - [`seccomp`]: the filter that programs run under
//! - [`runner`]: the preloaded interpreter that forks a child per program
//! - [`program`]: one program from its job to its end, and [`feed`]: the job on its way into it
//! - [`clean`]: what must be gone before the next one

mod clean;
mod config;
mod feed;
mod frame;
mod namespace;
mod program;
mod runner;
mod seccomp;

use std::process::ExitCode;

use config::Config;
use frame::Jobs;
use runner::{Kind, Runner};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let result = Config::parse(arguments).and_then(|config| match mode.as_str() {
        "serve" => serve(&config),
        "enter" => namespace::enter(config),
        _ => Err("usage: sandbox-init serve|enter key=value…".to_owned()),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("sandbox-init: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs jobs until the worker closes stdin.
fn serve(config: &Config) -> Result<(), String> {
    let first = Runner::start(config, Kind { hash_seed: 0, rich: false })?;
    let mut out = Vec::new();
    frame::push(&mut out, b'h', first.greeting.as_bytes());
    frame::flush(&mut out).map_err(|error| format!("stdout: {error}"))?;
    // Started as they are needed: some runs need one only.
    let mut runners = [Some(first), None, None, None];
    let mut programs = program::Programs::new(config);
    let mut jobs = Jobs::from_stdin();
    let mut done = true;
    loop {
        let job = match jobs.next() {
            Ok(Some(job)) => job,
            Ok(None) => return Ok(()),
            Err(error) => return Err(format!("stdin: {error}")),
        };
        if job.only_after_done && !done {
            program::pass_over(&mut out);
            frame::flush(&mut out).map_err(|error| format!("stdout: {error}"))?;
            continue;
        }
        let kind = job.kind;
        let slot = &mut runners[usize::from(kind.hash_seed) * 2 + usize::from(kind.rich)];
        let runner = match slot {
            Some(runner) => runner,
            None => slot.insert(Runner::start(config, kind)?),
        };
        done = programs.run(runner, job, &mut out).map_err(|error| format!("running a program: {error}"))?;
        if !jobs.more() {
            frame::flush(&mut out).map_err(|error| format!("stdout: {error}"))?;
        }
    }
}
