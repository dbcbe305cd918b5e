//! Which isolation this machine can give, what is missing, and how to get it.

use std::fs;

use bollard::models::{SystemInfo, SystemVersion};
use nix::libc;

use crate::{
    Executor,
    sandbox::engine::{ask, reach, runtimes},
    settings::{ExecSettings, SandboxChoice},
};

/// First host id of the range that the namespace backend maps; `sandbox-init/src/namespace.rs` does so.
const HOST_IDS: u64 = 0x7000_0000;
/// gVisor, by the name that its makers give it.
const GVISOR: &str = "runsc";
const CAP_SETGID: u64 = 1 << 6;
const CAP_SETUID: u64 = 1 << 7;

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Fine,
    /// Weaker than it could be.
    Weak,
    /// Without it the backend does not work.
    Missing,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// `docker` or `namespace`.
    pub backend: &'static str,
    /// What was looked at.
    pub subject: &'static str,
    /// How it is.
    pub state: State,
    /// What there is, and what to do about what is missing.
    pub words: String,
}

/// Looks at everything that one backend needs, and then opens a sandbox and has it answer. The last finding says whether
/// it did.
pub async fn of_backend(sandbox: SandboxChoice, settings: &ExecSettings) -> Vec<Finding> {
    let (backend, mut found) = match sandbox {
        SandboxChoice::Namespace => ("namespace", namespace()),
        _ => ("docker", docker(settings).await),
    };
    if !found.iter().any(|(_, state, _)| *state == State::Missing) {
        found.extend(sandboxed(&ExecSettings { sandbox, ..settings.clone() }).await);
    }
    found.into_iter().map(|(subject, state, words)| Finding { backend, subject, state, words }).collect()
}

type Found = (&'static str, State, String);

/// What a program really meets inside.
async fn sandboxed(settings: &ExecSettings) -> Vec<Found> {
    let executor = match Executor::start(settings).await {
        Ok(executor) => executor,
        Err(failure) => return vec![("sandbox", State::Missing, failure.to_string())],
    };
    let (info, landlock) = (executor.info(), executor.landlock());
    executor.shutdown().await;
    let landlock = match landlock {
        true => ("landlock", State::Fine, "restricts files inside".to_owned()),
        false => (
            "landlock",
            State::Weak,
            "not there inside; everything else still holds. It takes Linux 5.13 with `landlock` among the kernel's lsm=, \
             and an engine whose seccomp profile lets it through (Docker 20.10.18 or later)"
                .to_owned(),
        ),
    };
    vec![landlock, ("sandbox", State::Fine, format!("opens and answers, Python {}", info.python))]
}

async fn docker(settings: &ExecSettings) -> Vec<Found> {
    let engine = match reach().await {
        Ok(engine) => engine,
        Err(failure) => return vec![("engine", State::Missing, failure.to_string())],
    };
    let version = ask("the engine does not tell its version", engine.version()).await;
    let info = ask("the engine says nothing of itself", engine.info()).await;
    match (version, info) {
        (Ok(version), Ok(info)) => vec![described(&version, &info), limits(&info), kernel(&info, settings)],
        (Err(error), _) | (_, Err(error)) => vec![("engine", State::Missing, format!("{error:#}"))],
    }
}

fn described(version: &SystemVersion, info: &SystemInfo) -> Found {
    let of = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".into());
    let cgroups = info.cgroup_version.map_or_else(|| "?".to_owned(), |version| version.to_string());
    let (version, api, kernel) = (of(&version.version), of(&version.api_version), of(&info.kernel_version));
    ("engine", State::Fine, format!("{version} (API {api}), kernel {kernel}, cgroups v{cgroups}"))
}

/// Limits of a container as a whole. Those of a program are its process's own and hold without them.
fn limits(info: &SystemInfo) -> Found {
    let all = [
        ("memory", info.memory_limit),
        ("swap", info.swap_limit),
        ("processes", info.pids_limit),
        ("cpu", info.cpu_cfs_quota),
    ];
    let with = |wanted: bool| -> Vec<&str> {
        all.iter().filter(|(_, has)| (*has == Some(true)) == wanted).map(|(name, _)| *name).collect()
    };
    let (has, lacks) = (with(true).join(", "), with(false).join(", "));
    if lacks.is_empty() {
        return ("limits", State::Fine, format!("{has} of a container"));
    }
    let advice = "give the kernel these cgroup controllers (swap: boot with `swapaccount=1`)";
    ("limits", State::Weak, format!("{has}; none on {lacks}, only those of each process hold: {advice}"))
}

fn kernel(info: &SystemInfo, settings: &ExecSettings) -> Found {
    let (names, default) = (runtimes(info).join(", "), info.default_runtime.clone().unwrap_or_default());
    let used = settings.runtime.clone().unwrap_or_else(|| default.clone());
    let known = runtimes(info).iter().any(|name| name.contains(GVISOR));
    if !runtimes(info).contains(&used) && used != default {
        let words = format!("the engine has no `{used}`, only {names}; add it to the engine's daemon.json");
        return ("runtime", State::Missing, words);
    }
    if used.contains(GVISOR) {
        return ("runtime", State::Fine, format!("{used}: programs meet gVisor's kernel, not this one's"));
    }
    let advice = match known {
        true => format!("--runtime {GVISOR} puts gVisor's kernel in between"),
        false => format!(
            "there is no {GVISOR}: install gVisor, add it to the engine's daemon.json and give --runtime {GVISOR}"
        ),
    };
    ("runtime", State::Weak, format!("{used} (of {names}): the kernel is shared; {advice}"))
}

fn namespace() -> Vec<Found> {
    vec![user_namespaces(), ids(), seccomp()]
}

fn user_namespaces() -> Found {
    let setting = |name: &str| fs::read_to_string(format!("/proc/sys/{name}")).ok().map(|text| text.trim().to_owned());
    let root = nix::unistd::geteuid().is_root();
    let forbids = [
        ("user/max_user_namespaces", "0", false, "user.max_user_namespaces=15000"),
        ("kernel/unprivileged_userns_clone", "0", true, "kernel.unprivileged_userns_clone=1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", true, "kernel.apparmor_restrict_unprivileged_userns=0"),
    ];
    if !fs::exists("/proc/self/ns/user").unwrap_or(false) {
        return ("user namespaces", State::Missing, "this kernel has none: CONFIG_USER_NS".into());
    }
    for (name, value, only_without_root, advice) in forbids {
        if setting(name).as_deref() == Some(value) && !(root && only_without_root) {
            // An AppArmor profile may still allow them: the sandbox itself tells.
            let state = if name.contains("apparmor") { State::Weak } else { State::Missing };
            return ("user namespaces", state, format!("forbidden by {name}; as root: sysctl -w {advice}"));
        }
    }
    ("user namespaces", State::Fine, "allowed".into())
}

fn ids() -> Found {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:")).map(str::trim);
    let capabilities = capabilities.and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0);
    let may = capabilities & (CAP_SETUID | CAP_SETGID) == CAP_SETUID | CAP_SETGID;
    if may && ["uid_map", "gid_map"].iter().all(|map| has_range(map)) {
        return ("ids", State::Fine, "a user id of its own for each program".into());
    }
    let instead = "only one user id can be mapped here: a pid namespace for each program takes the place of an id of its \
                   own; as root there would be one";
    ("ids", State::Weak, instead.into())
}

/// Whether this process's own user namespace has the ids that are mapped.
fn has_range(map: &str) -> bool {
    let text = fs::read_to_string(format!("/proc/self/{map}")).unwrap_or_default();
    text.lines().any(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        matches!(numbers[..], [inside, _, count] if inside <= HOST_IDS && HOST_IDS + 65534 <= inside + count)
    })
}

fn seccomp() -> Found {
    let (release, landlock) = (uname(), landlock_abi());
    match fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail") {
        Ok(actions) if actions.contains("errno") => {
            let landlock = landlock.map_or_else(|| "no Landlock".to_owned(), |abi| format!("Landlock ABI {abi}"));
            ("kernel", State::Fine, format!("{release}: seccomp filters, {landlock}"))
        }
        _ => ("kernel", State::Missing, format!("{release} has no seccomp filters: CONFIG_SECCOMP_FILTER")),
    }
}

fn uname() -> String {
    nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned()).unwrap_or_default()
}

fn landlock_abi() -> Option<libc::c_long> {
    const ASK_VERSION: libc::c_long = 1;
    // SAFETY: with this flag the call takes no attributes and only answers with a number.
    let answer =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0 as libc::c_long, 0 as libc::c_long, ASK_VERSION) };
    (answer > 0).then_some(answer)
}
