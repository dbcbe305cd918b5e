//! The filters that a program runs under, as BPF programs.

/// An entry of `denied-syscalls.txt`: a call's number; position and value of an argument, where only that is denied.
type Denied = (libc::c_long, Option<(u32, u32)>);

const DENIED: &[Denied] = include!(concat!(env!("OUT_DIR"), "/denied.rs"));

#[cfg(target_arch = "x86_64")]
const AUDIT_ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const AUDIT_ARCH: u32 = 0xc000_00b7;

/// Numbers from here on are x32 calls on x86-64: a second door to the same kernel.
const X32: u32 = 0x4000_0000;

/// Numbers from here on (`statmount`) are newer than the list of denied calls: they answer as on an older kernel.
const NEWER: u32 = 457;

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_EQ: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_GE: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

const ALLOW: u32 = 0x7fff_0000;
const KILL: u32 = 0x8000_0000;
const EPERM: u32 = 0x0005_0000 | libc::EPERM as u32;
const ENOSYS: u32 = 0x0005_0000 | libc::ENOSYS as u32;

/// What the runner itself needs to fork a child and to lock it in: denied to its children only.
const RUNNER_NEEDS: &[libc::c_long] = &[
    libc::SYS_clone,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_setsid,
    libc::SYS_setresgid,
    libc::SYS_setresuid,
    libc::SYS_capset,
    libc::SYS_seccomp,
    libc::SYS_setitimer,
];

/// What the runner and its children go without: all of the list but what the runner needs. As `struct sock_filter` after
/// `struct sock_filter`.
///
/// Two filters, since the kernel tries each possible call on a new one to see which it always lets through: that is slow
/// for a long filter, and only calls that the first one lets through are tried on the second.
pub fn for_all() -> Vec<u8> {
    filter(DENIED.iter().filter(|(number, _)| !RUNNER_NEEDS.contains(number)))
}

/// What a child goes without besides.
pub fn for_children() -> Vec<u8> {
    filter(DENIED.iter().filter(|(number, _)| RUNNER_NEEDS.contains(number)))
}

fn filter<'a>(denied: impl Iterator<Item = &'a Denied>) -> Vec<u8> {
    let mut code: Vec<(u16, u8, u8, u32)> = vec![
        (LOAD, 0, 0, 4), // seccomp_data.arch
        (JUMP_EQ, 1, 0, AUDIT_ARCH),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0), // seccomp_data.nr
        (JUMP_GE, 0, 1, X32),
        (RETURN, 0, 0, EPERM),
        (JUMP_GE, 0, 1, NEWER),
        (RETURN, 0, 0, ENOSYS),
    ];
    for (number, argument) in denied {
        if let Some((position, value)) = argument {
            code.push((JUMP_EQ, 0, 4, *number as u32));
            code.push((LOAD, 0, 0, 16 + 8 * position)); // seccomp_data.args, its lower half
            code.push((JUMP_EQ, 0, 1, *value));
            code.push((RETURN, 0, 0, EPERM));
            code.push((LOAD, 0, 0, 0));
        } else {
            code.push((JUMP_EQ, 0, 1, *number as u32));
            code.push((RETURN, 0, 0, EPERM));
        }
    }
    code.push((RETURN, 0, 0, ALLOW));
    let mut bytes = Vec::with_capacity(code.len() * 8);
    for (operation, jump_true, jump_false, operand) in code {
        bytes.extend(operation.to_ne_bytes());
        bytes.extend([jump_true, jump_false]);
        bytes.extend(operand.to_ne_bytes());
    }
    bytes
}
