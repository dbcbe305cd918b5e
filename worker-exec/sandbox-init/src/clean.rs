//! What must be gone before the next program: processes and files of the last one.

use std::{
    fs::{self, File, FileTimes, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

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

/// The one folder that a program may write to.
pub struct Scratch {
    folder: PathBuf,
    /// Its mode before any program ran.
    mode: u32,
}

impl Scratch {
    /// Of this folder, as it is now.
    pub fn new(folder: &Path) -> Self {
        let mode = fs::metadata(folder).map_or(0o700, |folder| folder.permissions().mode());
        Self { folder: folder.to_owned(), mode }
    }

    /// Removes every file of the program and verifies that neither file nor process is left.
    ///
    /// # Errors
    /// Something was left over that should not have been, or could not be removed: the sandbox must be retired.
    pub fn after_program(&self, uid: u32) -> Result<(), String> {
        // Orphans become children of PID 1. The program itself has been waited for and the runner lives on, so that
        // there is nobody to wait for.
        // SAFETY: waitpid fills nothing here.
        if unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {
            return Err("a process was left over".to_owned());
        }
        if uid == 0 {
            self.restore().map_err(|error| format!("{}: {error}", self.folder.display()))?;
        }
        if is_empty(&self.folder)? {
            return Ok(());
        }
        as_uid(uid, || empty(&self.folder)).map_err(|error| format!("uid: {error}"))?;
        if is_empty(&self.folder)? { Ok(()) } else { Err("files were left over".to_owned()) }
    }

    /// Where a program has no uid of its own, the folder is the program's: it may have taken all rights from it, or
    /// have written something into its times.
    fn restore(&self) -> io::Result<()> {
        fs::set_permissions(&self.folder, Permissions::from_mode(self.mode))?;
        let times = FileTimes::new().set_accessed(SystemTime::UNIX_EPOCH).set_modified(SystemTime::UNIX_EPOCH);
        File::open(&self.folder)?.set_times(times)
    }
}

fn is_empty(folder: &Path) -> Result<bool, String> {
    let mut entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(entries.next().is_none())
}

/// Removes what it can; the caller looks at what is left. Folders inside folders are moved up first: no path becomes
/// long and no descriptor a level is needed, however deep a program made its tree.
fn empty(folder: &Path) {
    let (mut moved, mut progress) = (0u32, true);
    while std::mem::take(&mut progress) {
        for entry in folders_after_files(folder) {
            for inner in folders_after_files(&entry) {
                moved += 1;
                // The name may be taken: the next round tries another.
                progress |= fs::rename(&inner, folder.join(format!("up-{moved}"))).is_ok();
            }
            progress |= fs::remove_dir(&entry).is_ok();
        }
    }
}

/// Removes the files of a folder, and gives back its folders, each with the right to be emptied.
fn folders_after_files(folder: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::set_permissions(&path, Permissions::from_mode(0o700));
            folders.push(path);
        } else {
            let _ = fs::remove_file(path);
        }
    }
    folders
}
