//! The namespace backend's other half: user, pid, mount, net, ipc and uts namespaces, and a root that holds nothing but
//! the interpreter, read-only, a few devices and one small scratch folder. Needs neither root nor an engine.

use std::{
    ffi::CString,
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
};

use crate::{config::Config, runner::check};

/// Host uids and gids that programs get where more than one can be mapped: nobody's.
const HOST_IDS: u32 = 0x7000_0000;
/// The new root is put together over this folder, which every Linux has and nothing of which is wanted inside.
const STAGE: &str = "/sys";

/// Makes the namespaces, becomes the sandbox's PID 1 inside them and serves.
pub fn enter(mut config: Config) -> Result<(), String> {
    let (mut ready, mut mapped) = io::pipe().map_err(|error| format!("pipe: {error}"))?;
    let flags = libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::SIGCHLD;
    // SAFETY: ids of this process; a clone without shared memory is a fork, and this process has one thread.
    let (uid, gid, child) =
        unsafe { (libc::geteuid(), libc::getegid(), libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0)) };
    if child < 0 {
        let error = io::Error::last_os_error();
        return Err(format!(
            "this machine forbids user namespaces ({error}): set sysctl user.max_user_namespaces, \
                            kernel.unprivileged_userns_clone or kernel.apparmor_restrict_unprivileged_userns, or choose \
                            another --sandbox"
        ));
    }
    if child == 0 {
        // SAFETY: a plain system call. If the process outside is ended, so is everything inside.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        drop(mapped);
        let mut answer = [0];
        ready.read_exact(&mut answer).map_err(|_| "the process outside is gone".to_owned())?;
        config.uids = answer[0] == 1;
        // Where all programs have the same uid, what tells them apart is a pid namespace each.
        config.pid_namespace = !config.uids;
        make_root(&config)?;
        return crate::serve(&config);
    }
    drop(ready);
    let many = map_ids(child, uid, gid)?;
    mapped.write_all(&[u8::from(many)]).map_err(|error| format!("pipe: {error}"))?;
    drop(mapped);
    let mut status = 0;
    // SAFETY: waitpid fills the number that it is given. The descriptors of the worker belong to the process inside.
    unsafe {
        libc::close(0);
        libc::close(1);
        while libc::waitpid(child as libc::pid_t, &mut status, 0) < 0 {}
    }
    std::process::exit(if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 70 });
}

/// Maps root inside to the caller, and a range of unused ids behind it where the caller may. True where it may.
fn map_ids(child: libc::c_long, uid: u32, gid: u32) -> Result<bool, String> {
    let write = |file: &str, text: String| fs::write(format!("/proc/{child}/{file}"), text);
    let range = |id: u32| format!("0 {id} 1\n1 {HOST_IDS} 65534\n");
    if write("uid_map", range(uid)).is_ok() {
        return match write("gid_map", range(gid)) {
            Ok(()) => Ok(true),
            Err(error) => Err(format!("gid_map: {error}")),
        };
    }
    let one = write("setgroups", "deny".to_owned())
        .and_then(|()| write("uid_map", format!("0 {uid} 1\n")))
        .and_then(|()| write("gid_map", format!("0 {gid} 1\n")));
    one.map_err(|error| format!("this machine forbids user namespaces (uid_map: {error}): choose another --sandbox"))?;
    Ok(false)
}

/// Puts the root together and moves into it.
fn make_root(config: &Config) -> Result<(), String> {
    let root = Path::new(STAGE);
    mount(None, Path::new("/"), None, libc::MS_REC | libc::MS_PRIVATE, "")?;
    mount(Some("tmpfs"), root, Some("tmpfs"), libc::MS_NOSUID, "size=1m,nr_inodes=4096,mode=755")?;
    for path in &config.bind {
        bind_read_only(path, &inside(root, path))?;
    }
    for device in ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"] {
        let (device, target) = (Path::new(device), inside(root, Path::new(device)));
        make_file(&target)?;
        mount(device.to_str(), &target, None, libc::MS_BIND, "")?;
        // Writing to a device stays possible; its mode and times are the host's.
        restrict(device, &target, RDONLY | NOSUID | NOEXEC)?;
    }
    let scratch = inside(root, &config.scratch);
    make_folder(&scratch)?;
    let options = format!("size={},nr_inodes=1024,mode=777", config.scratch_bytes);
    mount(Some("tmpfs"), &scratch, Some("tmpfs"), libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC, &options)?;
    mount(None, root, None, libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY | libc::MS_NOSUID, "")?;
    let told = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| format!("{what}: {error}")
    };
    std::env::set_current_dir(root).map_err(told("chdir"))?;
    // SAFETY: strings that outlive the calls. The old root is mounted over the new one and then let go.
    unsafe {
        let here = c".".as_ptr();
        let answer = libc::syscall(libc::SYS_pivot_root, here, here);
        check(answer as libc::c_int).map_err(told("pivot_root"))?;
        check(libc::umount2(here, libc::MNT_DETACH)).map_err(told("umount"))?;
        check(libc::sethostname(c"sandbox".as_ptr(), 7)).map_err(told("sethostname"))?;
    }
    std::env::set_current_dir("/").map_err(told("chdir"))
}

fn inside(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Binds a folder or file, with everything mounted beneath it, read-only and without set-uid programs and devices. A
/// link stays a link; what does not exist is passed over.
fn bind_read_only(path: &Path, target: &Path) -> Result<(), String> {
    let Ok(kind) = fs::symlink_metadata(path) else { return Ok(()) };
    if target.symlink_metadata().is_ok() {
        return Ok(());
    }
    if kind.is_symlink() {
        let to = fs::read_link(path).map_err(|error| format!("{}: {error}", path.display()))?;
        make_folder(target.parent().unwrap_or(target))?;
        return symlink(to, target).map_err(|error| format!("{}: {error}", target.display()));
    }
    if kind.is_dir() {
        make_folder(target)?
    } else {
        make_file(target)?
    }
    mount(path.to_str(), target, None, libc::MS_BIND | libc::MS_REC, "")?;
    restrict(path, target, RDONLY | NOSUID | NODEV)
}

const RDONLY: u64 = 1;
const NOSUID: u64 = 2;
const NODEV: u64 = 4;
const NOEXEC: u64 = 8;

/// Adds attributes to the mount at `target`, which `path` is bound to, and to all beneath it.
fn restrict(path: &Path, target: &Path, attributes: u64) -> Result<(), String> {
    let text = CString::new(target.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
    #[repr(C)]
    struct MountAttr([u64; 4]);
    let attributes = MountAttr([attributes, 0, 0, 0]);
    // SAFETY: a path and a struct of the size given.
    let answer = unsafe {
        let recursive = libc::AT_RECURSIVE;
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            text.as_ptr(),
            recursive,
            &attributes,
            size_of::<MountAttr>(),
        )
    };
    check(answer as libc::c_int).map_err(|error| {
        format!("cannot make {} read-only ({error}): the namespace sandbox needs Linux 5.12 or later", path.display())
    })
}

fn make_folder(path: &Path) -> Result<(), String> {
    fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn make_file(path: &Path) -> Result<(), String> {
    make_folder(path.parent().unwrap_or(path))?;
    File::create(path).map(drop).map_err(|error| format!("{}: {error}", path.display()))
}

fn mount(source: Option<&str>, target: &Path, kind: Option<&str>, flags: u64, options: &str) -> Result<(), String> {
    let text = |text: &str| CString::new(text).map_err(|error| error.to_string());
    let source_text = source.map(text).transpose()?;
    let kind = kind.map(text).transpose()?;
    let options = text(options)?;
    let path = CString::new(target.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
    let pointer = |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
    // SAFETY: strings that outlive the call.
    let answer =
        unsafe { libc::mount(pointer(&source_text), path.as_ptr(), pointer(&kind), flags, options.as_ptr().cast()) };
    check(answer).map_err(|error| format!("mount {} at {}: {error}", source.unwrap_or("-"), target.display()))
}
