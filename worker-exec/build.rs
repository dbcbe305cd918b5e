//! Builds `sandbox-init` as a static binary in a target folder of its own; `src/init.rs` embeds it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    for path in ["src", "Cargo.toml", "Cargo.lock", "build.rs", "runner", "denied-syscalls.txt"] {
        println!("cargo::rerun-if-changed=sandbox-init/{path}");
    }
    println!("cargo::rerun-if-changed=../deploy/sandbox.Dockerfile");
    let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name} for build scripts"));
    // The triple is named so that the flags below reach this binary and not its build script.
    let triple = variable("TARGET");
    let target: PathBuf = Path::new(&variable("OUT_DIR")).join("sandbox-init");
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .args(["build", "--release", "--locked", "--quiet", "--target", &triple])
        .arg("--manifest-path=sandbox-init/Cargo.toml")
        .arg("--target-dir")
        .arg(&target);
    // Flags and wrappers of the outer build (coverage, clippy) are not this binary's.
    for (name, _) in env::vars() {
        if name.starts_with("CARGO_") && name != "CARGO_HOME" && name != "CARGO_NET_OFFLINE"
            || name.starts_with("RUSTC_")
        {
            cargo.env_remove(name);
        }
    }
    cargo.env("RUSTFLAGS", "-C target-feature=+crt-static");
    let status = cargo.status().unwrap_or_else(|error| panic!("cannot start cargo: {error}"));
    assert!(status.success(), "sandbox-init did not build; its errors stand above");
    let binary = target.join(triple).join("release/sandbox-init");
    println!("cargo::rustc-env=SANDBOX_INIT={}", binary.display());
}
