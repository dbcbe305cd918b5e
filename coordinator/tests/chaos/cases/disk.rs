//! Files and folders fail, or two processes want the same.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    process::{program, until},
    scene::{Case, DEADLINE, Must, Needs, Row, Scene, Work},
};

pub const CASES: &[Case] = &[
    Case { name: "input-changed", short: true, needs: Needs::Any, play: input_changed },
    Case { name: "disk-full", short: true, needs: Needs::Any, play: disk_full },
    Case { name: "torn-journal", short: true, needs: Needs::Any, play: torn_journal },
    Case { name: "second-sink", short: true, needs: Needs::Any, play: second_sink },
];

/// Submit is killed in mid-shard; with another input it is refused, with the old one it goes on.
fn input_changed(scene: &mut Scene) -> Result<Row, String> {
    let input = scene.folder.join("input.jsonl");
    let published = Work::published(0.8);
    std::fs::write(&input, std::fs::read(&published.input).expect("the functions")).expect("a copy");
    let work = Work { input: input.clone(), ..published };
    let expected = scene.expected(&work);
    let mut fleet = scene.fleet(&work, |_| Vec::new());
    let cursor = scene.folder.join("state/cursor.json");
    until("a cursor in mid-run", DEADLINE, || {
        std::fs::read_to_string(&cursor).is_ok_and(|text| !text.contains("\"next\":0") && text.contains("false"))
    });
    fleet.hold("submit");
    let whole = std::fs::read(&input).expect("the input");
    let mut file = std::fs::OpenOptions::new().append(true).open(&input).expect("the input");
    writeln!(file, r#"{{"id": "one more", "content": "def f(a):\n    return a"}}"#).expect("a line");
    let (path, state) = (input.display().to_string(), scene.folder.join("state").display().to_string());
    let refused = scene.case2code(&["submit", &path, "--state", &state, "--shard-size", "25"]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    if refused.status.code() != Some(2) || !words.contains("inputs") {
        return Err(format!("a changed input was not refused: {:?} {words}", refused.status));
    }
    std::fs::write(&input, whole).expect("the input");
    fleet.release("submit", &[]);
    let row = scene.finish(&mut fleet, "submit killed, input changed", &[Must::Restart(1)])?;
    expected.check(&fleet.out())?;
    Ok(Row { items: expected.items, ..row })
}

fn disk_full(scene: &mut Scene) -> Result<Row, String> {
    let work = Work::published(0.3);
    let expected = scene.expected(&work);
    let disk = Tmpfs::mount(&scene.folder.join("out"), "160k")?;
    let mut fleet = scene.fleet(&work, |_| Vec::new());
    let words = "cannot write; nothing is acknowledged";
    until("a full disk", DEADLINE, || fleet.log("sink").contains(words));
    disk.grow("64m")?;
    let row = scene.finish(&mut fleet, "160 KB of disk, then more", &[Must::Say("sink", words)])?;
    expected.check(&fleet.out())?;
    Ok(Row { items: expected.items, ..row })
}

/// A small disk, unmounted when dropped.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(at: &Path, size: &str) -> Result<Self, String> {
        std::fs::create_dir_all(at).expect("our own folder");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at))?;
        Ok(Self(at.to_owned()))
    }

    fn grow(&self, size: &str) -> Result<(), String> {
        run(Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(&self.0))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let words = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?} (needs root): {words}")) }
}

fn torn_journal(scene: &mut Scene) -> Result<Row, String> {
    let must = [Must::Restart(1), Must::Say("sink", "cut off a torn tail")];
    scene.disturb(0.8, "a torn journal", &must, |scene, fleet, _| {
        let state = scene.folder.join("out/.state");
        fleet.hold("sink");
        let journals = std::fs::read_dir(&state).expect("a state").map(|entry| entry.expect("an entry").path());
        let journals = journals.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
        for journal in journals {
            let mut file = std::fs::OpenOptions::new().append(true).open(journal).expect("a journal");
            file.write_all(br#"{"index":5,"type":"executed_fun"#).expect("half a line");
        }
        fleet.release("sink", &[]);
    })
}

fn second_sink(scene: &mut Scene) -> Result<Row, String> {
    let mut refused = Vec::new();
    let mut row = scene.disturb(0.8, "a second sink and submit", &[], |scene, fleet, work| {
        let elsewhere = |name: &str| scene.folder.join(name).display().to_string();
        let input = work.input.display().to_string();
        let (out, state) = (elsewhere("other"), elsewhere("other-state"));
        let sink = scene.case2code(&["sink", "--out", &out]);
        let submit = scene.case2code(&["submit", &input, "--state", &state, "--shard-size", "25"]);
        let mut same = program("case2code");
        same.args(["sink", "--run", scene.name, "--amqp-url", &scene.proxy.url(), "--out"]).arg(fleet.out());
        let same = same.output().expect("case2code starts");
        refused.extend([sink, submit, same].map(|output| (output.status.code(), output.stderr)));
    })?;
    for (code, words) in refused {
        let words = String::from_utf8_lossy(&words).into_owned();
        if code != Some(2) {
            return Err(format!("not refused: {code:?} {words}"));
        }
        row.faults = "a second sink and submit: refused".to_owned();
    }
    Ok(row)
}
