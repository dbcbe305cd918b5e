//! What must be gone before the next program: processes and files of the last one.

use std::{fs, io, path::Path};

/// Acts as a program's uid for a moment: uid 0 without further capabilities may neither signal another uid's processes
/// nor remove its files. The saved uid stays 0, so that the program can do nothing to this process meanwhile: it may
/// not trace it, and PID 1 takes no signals from inside.
fn as_uid<T>(uid: u32, work: impl FnOnce() -> T) -> io::Result<T> {
    if uid == 0 {
        return Ok(work());
    }
    // SAFETY: changes only this single-threaded process's credentials.
    if unsafe { libc::setresuid(uid, uid, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let answer = work();
    // SAFETY: as above.
    if unsafe { libc::setresuid(0, 0, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(answer)
}

/// Ends a program and whatever else runs as its uid. The program must not have been waited for, so that its pid is
/// still its own.
pub fn kill(pid: libc::pid_t, uid: u32) -> io::Result<()> {
    // SAFETY: plain system calls.
    let kill = |pid| unsafe { libc::kill(pid, libc::SIGKILL) };
    if uid != 0 {
        // As that uid, without capabilities, it reaches that uid's processes only.
        as_uid(uid, || kill(-1))?;
    }
    // Without a uid of its own, or not dropped to it yet. One that has may not be signalled from here, and is gone.
    kill(pid);
    Ok(())
}

/// Removes every file of the program and verifies that neither file nor process is left.
///
/// # Errors
/// Something was left over that should not have been, or could not be removed: the sandbox must be retired.
pub fn after_program(scratch: &Path, uid: u32) -> Result<(), String> {
    // Orphans become children of PID 1. The program itself has been waited for and the runner lives on, so that there
    // is nobody to wait for.
    // SAFETY: waitpid fills nothing here.
    if unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {
        return Err("a process was left over".to_owned());
    }
    if is_empty(scratch)? {
        return Ok(());
    }
    as_uid(uid, || empty(scratch)).map_err(|error| format!("uid: {error}"))?;
    if is_empty(scratch)? { Ok(()) } else { Err("files were left over".to_owned()) }
}

fn is_empty(folder: &Path) -> Result<bool, String> {
    let mut entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(entries.next().is_none())
}

/// Removes what it can; the caller looks at what is left.
fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let _ = match entry.file_type() {
            Ok(kind) if kind.is_dir() => fs::remove_dir_all(entry.path()),
            _ => fs::remove_file(entry.path()),
        };
    }
}
