//! Scratch.
use clap::{Args, FromArgMatches};
fn main() {
    let cmd = coordinator::collect::CollectSettings::augment_args(clap::Command::new("collect"))
        .arg(clap::Arg::new("explain").long("explain").action(clap::ArgAction::SetTrue))
        .arg(clap::Arg::new("rejected").long("rejected"))
        .arg(clap::Arg::new("inputs").num_args(0..));
    let m = cmd.get_matches();
    let s = coordinator::collect::CollectSettings::from_arg_matches(&m).unwrap();
    let inputs: Vec<std::path::PathBuf> = m.get_many::<String>("inputs").unwrap_or_default().map(Into::into).collect();
    let out = std::io::BufWriter::new(std::io::stdout().lock());
    let r = if m.get_flag("explain") {
        coordinator::collect::explain(&inputs, &s, out)
    } else {
        let rej = m.get_one::<String>("rejected").map(|p| std::io::BufWriter::new(std::fs::File::create(p).unwrap()));
        coordinator::collect::run_filter(&inputs, &s, out, rej).map(|c| eprintln!("{c:?}"))
    };
    if let Err(e) = r {
        eprintln!("error: {e}");
        std::process::exit(e.exit_code().into())
    }
}
