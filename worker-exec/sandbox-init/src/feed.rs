//! The job on its way into the program, which may take as long to read it as it likes.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

/// The job on its way into the program.
pub struct Feed {
    to: Option<OwnedFd>,
    job: Vec<u8>,
    sent: usize,
}

impl Feed {
    /// Of a pipe's end that does not block.
    pub fn new(to: OwnedFd, job: Vec<u8>) -> Self {
        Self { to: Some(to), job, sent: 0 }
    }

    /// What to wait for; negative when all is sent.
    pub fn fd(&self) -> i32 {
        self.to.as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }

    /// Writes what fits; closes the pipe when all is written or nobody reads.
    pub fn send(&mut self) -> io::Result<()> {
        while let Some(to) = &self.to {
            let rest = &self.job[self.sent..];
            // SAFETY: a slice that we own.
            let count = unsafe { libc::write(to.as_raw_fd(), rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(count) {
                Ok(count) => self.sent += count,
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                    error if error.kind() == io::ErrorKind::BrokenPipe => self.to = None,
                    error => return Err(error),
                },
            }
            if self.sent == self.job.len() {
                self.to = None;
            }
        }
        Ok(())
    }
}
