//! `docs/metrics.md` is what the code says. `UPDATE_DOCS=1 cargo test -p coordinator --test metrics_doc` writes it anew.

use std::fmt::Write;

use coordinator::metrics::CoordinatorMetrics;
use pipeline::{
    consume::StageMetrics,
    queue::rabbitmq::metrics::BrokerMetrics,
    telemetry::{Collectors, process_info},
};
use prometheus::process_collector::ProcessCollector;
use worker_exec::metrics::ExecMetrics;
use worker_llm::{client::ClientMetrics, metrics::WriterMetrics};

const HEAD: &str = "# Metrics

Written by `coordinator/tests/metrics_doc.rs` from the code; do not edit.

Every process with `--metrics-addr` (or `CASE2CODE_METRICS_ADDR`) answers `/metrics`, `/livez` and `/readyz`. Fleet
processes put the label `run` on every series. Histograms have `_bucket`, `_sum` and `_count`.
";

fn section(text: &mut String, title: &str, collectors: Collectors) {
    write!(
        text,
        "\n## {title}\n\n| metric | kind | labels | what it says, and what to do |\n| --- | --- | --- | --- |\n"
    )
    .expect("a string takes all");
    for collector in collectors {
        let labels = collector.desc().iter().flat_map(|desc| desc.variable_labels.clone()).collect::<Vec<_>>();
        for family in collector.collect() {
            let kind = format!("{:?}", family.get_field_type()).to_lowercase();
            let (name, help, labels) = (family.name(), family.help(), labels.join(", "));
            writeln!(text, "| `{name}` | {kind} | {labels} | {help} |").expect("a string takes all");
            assert!(name.starts_with("case2code_") || title == "Every process", "{name}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}: counters, and only they, end in _total");
        }
    }
}

#[test]
fn the_table_is_what_the_code_says() {
    let new = "constant names";
    let mut text = HEAD.to_owned();
    let info: Collectors = vec![Box::new(process_info().expect(new)), Box::new(ProcessCollector::for_self())];
    section(&mut text, "Every process", info);
    section(&mut text, "A stage: worker-llm, worker-exec, run", StageMetrics::unregistered().expect(new).collectors());
    section(&mut text, "Publishing: every process of a fleet", BrokerMetrics::unregistered().expect(new).collectors());
    section(&mut text, "LLM client: worker-llm, run", ClientMetrics::unregistered().expect(new).collectors());
    section(&mut text, "Writer: worker-llm, run", WriterMetrics::unregistered().expect(new).collectors());
    section(&mut text, "Sandboxes: worker-exec, run", ExecMetrics::unregistered().expect(new).collectors());
    let coordinator = CoordinatorMetrics::unregistered().expect(new);
    section(&mut text, "submit", coordinator.of_submit());
    section(&mut text, "sink, run", coordinator.of_sink());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).expect("a folder");
        std::fs::write(path, &text).expect("docs/metrics.md");
    }
    let written = std::fs::read_to_string(path).expect("docs/metrics.md");
    assert!(
        written == text,
        "docs/metrics.md is out of date: UPDATE_DOCS=1 cargo test -p coordinator --test metrics_doc"
    );
}
