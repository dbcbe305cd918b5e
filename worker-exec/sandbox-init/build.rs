//! Turns `denied-syscalls.txt` into numbers of the target's architecture.

use std::{env, fs, path::Path};

/// Calls that only x86-64 has.
const X86_ONLY: [&str; 13] = [
    "fork",
    "vfork",
    "mknod",
    "modify_ldt",
    "iopl",
    "ioperm",
    "uselib",
    "chown",
    "creat",
    "time",
    "utime",
    "ustat",
    "inotify_init",
];

fn main() {
    println!("cargo::rerun-if-changed=denied-syscalls.txt");
    let list = fs::read_to_string("denied-syscalls.txt").expect("denied-syscalls.txt stands beside build.rs");
    let x86_64 = env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64");
    let names = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| x86_64 || !X86_ONLY.contains(name));
    let numbers: String = names.map(|name| format!("libc::SYS_{name},\n")).collect();
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    fs::write(Path::new(&out).join("denied.rs"), format!("&[\n{numbers}]")).expect("OUT_DIR is writable");
}
