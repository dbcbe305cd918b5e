//! The preloaded interpreter, and how a child of it is asked for.

use std::{
    io,
    mem::{size_of, zeroed},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{config::Config, seccomp};

/// How long the interpreter may take to load its modules, and to fork.
const START_DEADLINE_MS: i32 = 30_000;
/// The descriptor on which the runner takes its orders.
const CONTROL_FD: RawFd = 3;
/// Programs between two looks at its memory, and how much it may have grown by then.
const LOOK_EVERY: u64 = 128;
const MAX_GROWTH: u64 = 32 << 20;
/// Descriptors that a program may hold.
const MAX_FILES: u64 = 64;

/// Compiles and runs the rest.
const START: &str = include_str!("../runner/0_start.py");
/// The runner's source: one script in several files, in the order in which they are read.
const RUNNER: &str = concat!(
    include_str!("../runner/1_preload.py"),
    include_str!("../runner/2_lock_in.py"),
    include_str!("../runner/3_values.py"),
    include_str!("../runner/4_lines.py"),
    include_str!("../runner/5_clock.py"),
    include_str!("../runner/6_endless.py"),
    include_str!("../runner/7_program.py"),
    include_str!("../runner/8_evaluation.py"),
    include_str!("../runner/9_main.py"),
);

/// Which interpreter runs a program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// `PYTHONHASHSEED`.
    pub hash_seed: u8,
    /// Whether it has loaded what programs may import.
    pub rich: bool,
}

/// A running interpreter. It is single-threaded, has loaded what programs may import, and holds nothing of any program.
pub struct Runner {
    control: OwnedFd,
    process: Child,
    /// `version` and what protects its children, one a line.
    pub greeting: String,
    /// Children so far.
    forked: u64,
    /// Memory that it had when it was first asked, in bytes.
    began_with: Option<u64>,
}

impl Runner {
    /// Starts the interpreter of that kind and waits until it has loaded its modules.
    pub fn start(config: &Config, kind: Kind) -> Result<Self, String> {
        let (ours, theirs) = socket_pair().map_err(|error| format!("socketpair: {error}"))?;
        let hexadecimal = |filter: Vec<u8>| filter.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (scratch_bytes, memory_bytes, cpu_s) = (config.scratch_bytes, config.memory_bytes, config.cpu_backstop_s);
        let calls = [
            ("clone", libc::SYS_clone),
            ("capset", libc::SYS_capset),
            ("prlimit64", libc::SYS_prlimit64),
            ("seccomp", libc::SYS_seccomp),
        ];
        let theirs_fd = theirs.as_raw_fd();
        let mut command = Command::new(in_path(&config.python));
        command
            .args(["-s", "-S", "-B", "-c", START, RUNNER])
            .arg(format!("scratch={}", config.scratch.display()))
            .arg(format!("filter={}", hexadecimal(seccomp::for_all())))
            .arg(format!("last_filter={}", hexadecimal(seccomp::for_children())))
            .arg(format!("calls={}", calls.map(|(name, number)| format!("{name}:{number}")).join(",")))
            .arg(format!("rich={}", u8::from(kind.rich)))
            .arg(format!("uids={}", u8::from(config.uids)))
            .arg(format!("pid_namespace={}", u8::from(config.pid_namespace)))
            .arg(format!("output_bytes={}", config.output_bytes))
            .arg(format!("max_examples={}", config.max_examples))
            .env_clear()
            .env("PYTHONHASHSEED", kind.hash_seed.to_string())
            .env("PYTHONUTF8", "1")
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .current_dir(&config.scratch);
        let after_fork = move || {
            // SAFETY: only async-signal-safe calls, on numbers and descriptors that outlive the call.
            unsafe {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                if libc::dup2(theirs_fd, CONTROL_FD) < 0 {
                    return Err(io::Error::last_os_error());
                }
                limit(libc::RLIMIT_CORE, 0)?;
                limit(libc::RLIMIT_FSIZE, scratch_bytes)?;
                limit(libc::RLIMIT_NOFILE, MAX_FILES)?;
                limit(libc::RLIMIT_MEMLOCK, 0)?;
                limit(libc::RLIMIT_MSGQUEUE, 0)?;
                limit(libc::RLIMIT_SIGPENDING, 64)?;
                limit(libc::RLIMIT_AS, memory_bytes)?;
                limit(libc::RLIMIT_CPU, cpu_s)
            }
        };
        // SAFETY: see there.
        unsafe { command.pre_exec(after_fork) };
        let process =
            command.spawn().map_err(|error| format!("cannot start Python {}: {error}", config.python.display()))?;
        drop(theirs);
        let mut runner = Self { control: ours, process, greeting: String::new(), forked: 0, began_with: None };
        let greeting = runner.receive().map_err(|error| format!("Python did not come up: {error}"))?;
        runner.greeting = String::from_utf8_lossy(&greeting).into_owned();
        Ok(runner)
    }

    /// Has it fork a child that reads a job of so many bytes from `job`, answers on `result` and runs as `uid` (0: no
    /// change). The child is a child of this process; [`Runner::forked`] says which.
    pub fn fork(&mut self, job: OwnedFd, result: OwnedFd, uid: u32, job_bytes: u32) -> io::Result<()> {
        let order = u64::from(uid) | u64::from(job_bytes) << 32;
        send_with_fds(self.control.as_raw_fd(), &order.to_le_bytes(), [job.as_raw_fd(), result.as_raw_fd()])
    }

    /// The child that was asked for last.
    pub fn forked(&mut self) -> io::Result<libc::pid_t> {
        let answer = self.receive()?;
        let pid = <[u8; 4]>::try_from(answer.as_slice()).map_err(|_| io::Error::other("the runner could not fork"))?;
        Ok(i32::from_le_bytes(pid))
    }

    /// What is wrong if it has grown: it forks and nothing else. Asked for now and then only; without `/proc` its limit of
    /// memory ends it instead.
    pub fn drift(&mut self) -> Option<String> {
        self.forked += 1;
        if self.forked % LOOK_EVERY != 1 {
            return None;
        }
        let has = resident_bytes(self.process.id())?;
        let grown = has.saturating_sub(*self.began_with.get_or_insert(has));
        (grown > MAX_GROWTH).then(|| format!("its interpreter grew by {} MiB", grown >> 20))
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut poll = libc::pollfd { fd: self.control.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let mut buffer = vec![0; 4096];
        // SAFETY: one pollfd, and a buffer of the length given.
        let count = unsafe {
            if libc::poll(&mut poll, 1, START_DEADLINE_MS) == 0 {
                return Err(io::Error::other("the runner does not answer"));
            }
            libc::recv(poll.fd, buffer.as_mut_ptr().cast(), buffer.len(), 0)
        };
        if count <= 0 {
            let status = self.process.try_wait().ok().flatten();
            return Err(io::Error::other(format!("the runner is gone ({status:?})")));
        }
        buffer.truncate(count as usize);
        Ok(buffer)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The second number of `/proc/PID/statm`, in pages.
fn resident_bytes(pid: u32) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    // SAFETY: a plain question.
    Some(pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64)
}

/// A bare name is looked up in PATH, as an image sets it.
fn in_path(python: &Path) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = || std::env::split_paths(&path).map(|folder| folder.join(python)).find(|file| file.is_file());
    if python.components().count() > 1 { None } else { found() }.unwrap_or_else(|| python.to_owned())
}

fn limit(resource: libc::__rlimit_resource_t, value: u64) -> io::Result<()> {
    // SAFETY: plain numbers; getrlimit fills the struct that it is given.
    unsafe {
        let mut now: libc::rlimit = zeroed();
        libc::getrlimit(resource, &mut now);
        let value = value.min(now.rlim_max);
        check(libc::setrlimit(resource, &libc::rlimit { rlim_cur: value, rlim_max: value }))
    }
}

fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    // SAFETY: socketpair fills both, and nothing else owns them.
    unsafe {
        check(libc::socketpair(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0, fds.as_mut_ptr()))?;
        Ok((OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])))
    }
}

/// One packet with two descriptors.
fn send_with_fds(socket: RawFd, bytes: &[u8], fds: [RawFd; 2]) -> io::Result<()> {
    #[repr(align(8))]
    struct Control([u8; 64]);
    let mut control = Control([0; 64]);
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let payload = size_of::<[RawFd; 2]>() as u32;
    // SAFETY: the control buffer holds one header and two descriptors, which CMSG_SPACE bounds by 24 bytes.
    unsafe {
        let mut message: libc::msghdr = zeroed();
        message.msg_iov = &mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(payload) as _;
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(payload) as _;
        libc::CMSG_DATA(header).cast::<[RawFd; 2]>().write_unaligned(fds);
        check(libc::sendmsg(socket, &message, libc::MSG_NOSIGNAL) as libc::c_int)
    }
}

/// A system call's answer as a `Result`.
pub fn check(answer: libc::c_int) -> io::Result<()> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
