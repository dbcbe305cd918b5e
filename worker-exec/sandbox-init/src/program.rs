//! One program, from its job to its end: pass the job in, pass the answers on, keep the deadlines, report the facts.

use std::{
    io,
    mem::zeroed,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    time::{Duration, Instant},
};

use crate::{
    clean::{self, Scratch},
    config::Config,
    feed::Feed,
    frame::{self, Job},
    runner::{Runner, check},
};

/// Uids of programs: each is used once before any is used again.
const UIDS: std::ops::Range<u32> = 10_000..60_000;
/// What a frame may hold besides the reprs: names and lengths.
const FRAME_OVERHEAD: usize = 1 << 16;
/// All answers of a process together: a program that forges them is not to fill the worker's memory.
const MAX_ANSWERS: usize = 16 << 20;
/// A report without the text at its end: reason, status, CPU time, time by the clock, memory.
const END_BYTES: usize = 1 + 4 + 8 + 8 + 8;
/// Answers are sent on when so many bytes have been gathered, and at the end.
const FLUSH_BYTES: usize = 1 << 18;

/// How long to wait for an answer before asking which child it comes from.
const FIRST_LOOK_MS: i32 = 2;
/// By the clock, all steps of a process together: an attempt stays far below the broker's consumer timeout.
const PROCESS_WALL: Duration = Duration::from_secs(8 * 60);

/// Why a program ended.
#[derive(Clone, Copy)]
enum Reason {
    /// It ended by itself.
    Ended = 0,
    /// A step used up its CPU time.
    Cpu = 1,
    /// A step took five times as long by the clock, or all steps together too long.
    Wall = 2,
    /// Its answers were too many or too large, or no frames.
    Flood = 3,
    /// It closed its end of the answers and lived on.
    Silent = 4,
    /// It said that it was done.
    Done = 5,
    /// It was not started.
    PassedOver = 6,
}

/// Appends the report of a program that is not run.
pub fn pass_over(out: &mut Vec<u8>) {
    let mut end = vec![0; END_BYTES];
    end[0] = Reason::PassedOver as u8;
    frame::push(out, b'e', &end);
}

/// Runs programs one after another.
pub struct Programs {
    scratch: Scratch,
    next_uid: Option<u32>,
    max_frame: usize,
    max_frames: u32,
    buffer: Vec<u8>,
}

impl Programs {
    /// For sandboxes with these settings.
    pub fn new(config: &Config) -> Self {
        Self {
            scratch: Scratch::new(&config.scratch),
            next_uid: config.uids.then_some(UIDS.start),
            max_frame: config.output_bytes as usize * 4 + FRAME_OVERHEAD,
            max_frames: config.max_examples * 2 + 8,
            buffer: vec![0; 1 << 16],
        }
    }

    /// Runs one and appends its answers and the report of its end to `out`. Says whether it said that it was done.
    ///
    /// # Errors
    /// The sandbox is broken; nothing is said about the program.
    pub fn run(&mut self, runner: &mut Runner, job: Job, out: &mut Vec<u8>) -> io::Result<bool> {
        let uid = self.uid();
        let (job_read, job_write) = pipe()?;
        let (result_read, result_write) = pipe()?;
        for end in [&job_write, &result_read] {
            // SAFETY: a plain system call on a descriptor that we own.
            check(unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) })?;
        }
        let started = Instant::now();
        let job_bytes = job.payload.len() as u32;
        let mut feed = Feed::new(job_write, job.payload);
        feed.send()?;
        runner.fork(job_read, result_write, uid, job_bytes)?;
        // Most programs have answered by the time that the runner says which child they are: one thing to wake up for
        // instead of two.
        wait_for_input(&result_read, FIRST_LOOK_MS);
        let pid = runner.forked()?;
        let reason = self.follow(pid, result_read, &mut feed, (job.cpu, job.wall), out)?;
        // What said that it was done must not go on either.
        clean::kill(pid, uid)?;
        let (status, usage) = wait(pid)?;
        let cleaned = self.scratch.after_program(uid);
        let mut end = vec![reason as u8];
        end.extend(status.to_le_bytes());
        end.extend((micros(usage.ru_utime) + micros(usage.ru_stime)).to_le_bytes());
        end.extend((started.elapsed().as_micros() as u64).to_le_bytes());
        end.extend((usage.ru_maxrss as u64).to_le_bytes());
        end.extend(cleaned.err().or_else(|| runner.drift()).unwrap_or_default().into_bytes());
        frame::push(out, b'e', &end);
        Ok(matches!(reason, Reason::Done))
    }

    fn uid(&mut self) -> u32 {
        let Some(uid) = self.next_uid else { return 0 };
        self.next_uid = Some(if uid + 1 < UIDS.end { uid + 1 } else { UIDS.start });
        uid
    }

    /// Passes answers on until the program ends or must be ended.
    fn follow(
        &mut self,
        pid: libc::pid_t,
        results: OwnedFd,
        feed: &mut Feed,
        (cpu, wall): (Duration, Duration),
        out: &mut Vec<u8>,
    ) -> io::Result<Reason> {
        let (mut pending, mut frames, mut bytes) = (Vec::new(), 0, 0);
        let started = Instant::now();
        let (mut step_cpu, mut step_wall) = (Duration::ZERO, started);
        loop {
            let cpu_left = cpu.saturating_sub(cpu_time(pid).saturating_sub(step_cpu));
            let process_left = PROCESS_WALL.saturating_sub(started.elapsed());
            let wall_left = wall.saturating_sub(step_wall.elapsed()).min(process_left);
            if cpu_left.is_zero() {
                return Ok(Reason::Cpu);
            }
            if wall_left.is_zero() {
                return Ok(Reason::Wall);
            }
            let mut polled = [
                libc::pollfd { fd: results.as_raw_fd(), events: libc::POLLIN, revents: 0 },
                // The worker going away ends everything.
                libc::pollfd { fd: 0, events: 0, revents: 0 },
                libc::pollfd { fd: feed.fd(), events: libc::POLLOUT, revents: 0 },
            ];
            // One thread uses at most a second of CPU a second, so that neither limit can pass unseen.
            let timeout = cpu_left.min(wall_left).as_millis() as i32 + 1;
            // SAFETY: three pollfds; negative descriptors are passed over.
            if unsafe { libc::poll(polled.as_mut_ptr(), 3, timeout) } < 0 {
                continue;
            }
            if polled[1].revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0 {
                std::process::exit(0);
            }
            if polled[2].revents != 0 {
                feed.send()?;
            }
            if polled[0].revents == 0 {
                continue;
            }
            // SAFETY: a buffer of the length given.
            let count = unsafe { libc::read(results.as_raw_fd(), self.buffer.as_mut_ptr().cast(), self.buffer.len()) };
            match usize::try_from(count) {
                Err(_) => continue,
                // Every process that could write has ended, or has closed its end.
                Ok(0) => return Ok(if has_ended(pid)? { Reason::Ended } else { Reason::Silent }),
                Ok(count) => pending.extend_from_slice(&self.buffer[..count]),
            }
            loop {
                match self.take(&mut pending) {
                    Taken::Frame(kind, payload) => {
                        frames += 1;
                        bytes += payload.len();
                        if frames > self.max_frames || bytes > MAX_ANSWERS {
                            return Ok(Reason::Flood);
                        }
                        if kind == b'Z' {
                            return Ok(Reason::Done);
                        }
                        frame::push(out, kind, &payload);
                        (step_cpu, step_wall) = (cpu_time(pid), Instant::now());
                    }
                    Taken::Nothing => break,
                    Taken::NoFrame => return Ok(Reason::Flood),
                }
            }
            if out.len() > FLUSH_BYTES {
                frame::flush(out)?;
            }
        }
    }

    /// The next whole frame of a program: kind (a capital letter), length, payload.
    fn take(&self, pending: &mut Vec<u8>) -> Taken {
        let Some((header, rest)) = pending.split_first_chunk::<5>() else { return Taken::Nothing };
        let length = u32::from_le_bytes([header[1], header[2], header[3], header[4]]) as usize;
        if !header[0].is_ascii_uppercase() || length > self.max_frame {
            return Taken::NoFrame;
        }
        if rest.len() < length {
            return Taken::Nothing;
        }
        let (kind, payload) = (header[0], rest[..length].to_vec());
        pending.drain(..5 + length);
        Taken::Frame(kind, payload)
    }
}

enum Taken {
    Frame(u8, Vec<u8>),
    Nothing,
    NoFrame,
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    // SAFETY: pipe2 fills both, and nothing else owns them.
    unsafe {
        check(libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC))?;
        Ok((OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])))
    }
}

/// Waits until there is something to read, or so long.
fn wait_for_input(from: &OwnedFd, timeout_ms: i32) {
    let mut poll = libc::pollfd { fd: from.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one pollfd. Whatever comes of it, the caller looks again.
    unsafe { libc::poll(&mut poll, 1, timeout_ms) };
}

/// CPU time of the process so far; zero once it has ended.
fn cpu_time(pid: libc::pid_t) -> Duration {
    // SAFETY: both calls fill what they are given.
    unsafe {
        let (mut clock, mut time): (libc::clockid_t, libc::timespec) = (0, zeroed());
        if libc::clock_getcpuclockid(pid, &mut clock) != 0 || libc::clock_gettime(clock, &mut time) != 0 {
            return Duration::ZERO;
        }
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
}

/// Whether the process ends within a moment by itself. It is not reaped.
fn has_ended(pid: libc::pid_t) -> io::Result<bool> {
    let flags = libc::WEXITED | libc::WNOWAIT | libc::WNOHANG;
    let until = Instant::now() + Duration::from_millis(500);
    loop {
        // SAFETY: waitid fills the struct that it is given.
        let ended = unsafe {
            let mut info: libc::siginfo_t = zeroed();
            check(libc::waitid(libc::P_PID, pid as libc::id_t, &mut info, flags))?;
            info.si_pid() == pid
        };
        if ended || Instant::now() > until {
            return Ok(ended);
        }
        std::thread::sleep(Duration::from_micros(50));
    }
}

fn wait(pid: libc::pid_t) -> io::Result<(i32, libc::rusage)> {
    // SAFETY: wait4 fills both.
    unsafe {
        let (mut status, mut usage) = (0, zeroed());
        check(libc::wait4(pid, &mut status, 0, &mut usage))?;
        Ok((status, usage))
    }
}

fn micros(time: libc::timeval) -> u64 {
    time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64
}
