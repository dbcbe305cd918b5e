//! Every case of `tests/attacks/` the way published pipelines run programs: with nothing around it but a throwaway
//! container. Each must succeed there, or its `case.json` says why that cannot be shown (`why_not`): otherwise what the
//! sandboxes are seen to withstand would be no attack.

mod common;

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    sync::{Mutex, PoisonError},
    thread,
};

use common::{Case, IMAGE, attacks};
use serde_json::{Map, Value};

/// Containers at once.
const AT_ONCE: usize = 2;
const LIMITS: [&str; 12] = [
    "--rm",
    "--network=none",
    "--memory=512m",
    "--memory-swap=512m",
    "--pids-limit=512",
    "--hostname=machine",
    "--tmpfs=/tmp:exec,suid,dev,size=256m,mode=1777",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--security-opt=systempaths=unconfined",
    "--ulimit=core=0",
    "--stop-timeout=1",
];

#[test]
fn attacks_succeed_unprotected() {
    let cases = attacks();
    assert!(cases.len() > 80, "the attacks are gone");
    let (left, report) = (Mutex::new(cases.into_iter()), Mutex::new(String::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(case) = next else { break };
                    if let Err(problem) = check(&case) {
                        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                        let _ = writeln!(report, "{}: {problem}", case.name);
                    }
                }
            });
        }
    });
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(report.is_empty(), "attacks that do not succeed where nothing protects:\n{report}");
}

fn check(case: &Case) -> Result<(), String> {
    let expected = &case.file.unprotected;
    if let Some(reason) = expected.get("why_not") {
        return if reason.as_str().is_some_and(|reason| reason.len() > 10) { Ok(()) } else { Err("no reason".into()) };
    }
    let observed = run(case)?;
    let wrong: Vec<_> = expected.iter().filter(|(kind, value)| !seen(kind, value, &observed)).collect();
    if wrong.is_empty() && !expected.is_empty() {
        return Ok(());
    }
    let observed = Value::from(observed).to_string();
    Err(format!("expected {wrong:?}, observed {}", observed.chars().take(1500).collect::<String>()))
}

/// Whether what a case says under `unprotected` was observed.
fn seen(kind: &str, expected: &Value, observed: &Map<String, Value>) -> bool {
    let Some(observed) = observed.get(kind) else { return false };
    match kind {
        // Part of what a call returned or raised; a path, or `process`.
        "return" => {
            let part = expected.as_str().unwrap_or_default();
            observed.as_array().is_some_and(|all| all.iter().any(|one| one.as_str().is_some_and(|o| o.contains(part))))
        }
        "left" => observed.as_array().is_some_and(|all| all.contains(expected)),
        "hangs" | "dies" => observed == expected,
        "memory_mib" | "output_bytes" => observed.as_u64() >= expected.as_u64(),
        _ => false,
    }
}

/// One case in a container of its own; what `attacks/unprotected.py` saw there.
fn run(case: &Case) -> Result<Map<String, Value>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).map_err(|error| error.to_string());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    write("program.py", &case.program)?;
    if let Some(examples) = &case.examples {
        write("examples.py", examples)?;
    }
    let observer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/unprotected.py");
    let mut command = Command::new("docker");
    command.arg("run").args(LIMITS);
    command.args(case.file.capabilities.iter().map(|capability| format!("--cap-add={capability}")));
    command.arg(format!("--volume={}:/case:ro", folder.path().display()));
    command.arg(format!("--volume={}:/unprotected.py:ro", observer.display()));
    command.args([IMAGE, "python3", "/unprotected.py", &Value::from(case.file.unprotected.clone()).to_string()]);
    let output = command.output().map_err(|error| format!("this test needs the docker command: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let observed = said.lines().find_map(|line| line.strip_prefix("OBSERVED "));
    let observed = observed.ok_or_else(|| {
        format!("the container said nothing: {} {}", output.status, String::from_utf8_lossy(&output.stderr))
    })?;
    serde_json::from_str(observed).map_err(|error| error.to_string())
}
