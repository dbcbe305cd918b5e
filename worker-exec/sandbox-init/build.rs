//! Turns `denied-syscalls.txt` into numbers of the target's architecture: call, and argument and value where it names them.

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
    let numbers: String = names.map(denied).collect();
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    fs::write(Path::new(&out).join("denied.rs"), format!("&[\n{numbers}]")).expect("OUT_DIR is writable");
}

/// `name` or `name:argument=value` as a tuple.
fn denied(entry: &str) -> String {
    match entry.split_once(':').map(|(name, rest)| (name, rest.split_once('='))) {
        None => format!("(libc::SYS_{entry}, None),\n"),
        Some((name, Some((argument, value)))) => format!("(libc::SYS_{name}, Some(({argument}, {value}))),\n"),
        Some((_, None)) => panic!("denied-syscalls.txt: {entry} is not name:argument=value"),
    }
}
