//! What a server says of its own load: vLLM's Prometheus gauges (`vllm:num_requests_running`,
//! `vllm:num_requests_waiting`; vLLM documentation, "Production Metrics").

/// Requests in a server, whoever sent them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Being worked.
    pub running: usize,
    /// Waiting in its queue.
    pub waiting: usize,
}

impl Gauges {
    /// Reads the text that `/metrics` gives. None if the server has no such gauges.
    pub fn read(text: &str) -> Option<Self> {
        let sum = |name: &str| {
            let values = text.lines().filter_map(|line| value(line, name));
            values.fold(None, |sum: Option<f64>, value| Some(sum.unwrap_or_default() + value))
        };
        let (running, waiting) = (sum("vllm:num_requests_running")?, sum("vllm:num_requests_waiting")?);
        Some(Self { running: running as usize, waiting: waiting as usize })
    }
}

/// The value of a sample of that name, whatever its labels (one a model, one an engine).
fn value(line: &str, name: &str) -> Option<f64> {
    let rest = line.strip_prefix(name)?;
    let rest = match rest.strip_prefix('{') {
        Some(labels) => labels.split_once('}')?.1,
        None => rest,
    };
    rest.strip_prefix(' ')?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_vllm_shows() {
        let text = "# HELP vllm:num_requests_running Number of requests\n# TYPE vllm:num_requests_running gauge\n\
                    vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 12.0\n\
                    vllm:num_requests_running{engine=\"1\",model_name=\"m\"} 3.0\n\
                    vllm:num_requests_waiting{engine=\"0\",model_name=\"m\"} 5.0\n\
                    vllm:num_requests_waiting_by_reason{reason=\"capacity\"} 99.0\n";
        assert_eq!(Gauges::read(text), Some(Gauges { running: 15, waiting: 5 }));
        assert_eq!(
            Gauges::read("vllm:num_requests_running 2\nvllm:num_requests_waiting 0\n").map(|g| g.running),
            Some(2)
        );
        assert_eq!(Gauges::read("process_cpu_seconds_total 1\n"), None);
    }
}
