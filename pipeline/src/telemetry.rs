//! Logs on stderr, and `/metrics`, `/livez`, `/readyz` where `--metrics-addr` asks for them.

use std::{
    io::{IsTerminal, Read, Write},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, http::StatusCode, routing::get};
use prometheus::{IntGaugeVec, Opts, Registry, TextEncoder, core::Collector, process_collector::ProcessCollector};

use crate::error::Failure;

/// Starts logging: readable on a terminal, JSON elsewhere. `CASE2CODE_LOG` sets the filter (default `info`;
/// lapin is silent: what it has to say comes back as an error, which we report).
pub fn init_logs() {
    let filter = std::env::var("CASE2CODE_LOG").unwrap_or_else(|_| "info,lapin=off".into());
    let logs = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_target(false);
    // A second call, as tests make, keeps the first subscriber.
    let _ = if std::io::stderr().is_terminal() { logs.try_init() } else { logs.json().try_init() };
}

/// What `probe`, as the only argument, makes of a program: it asks the process beside it whether it is ready, for health
/// checks of images that have neither a shell nor curl. None for any other command line.
pub fn probe() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some("probe") || arguments.next().is_some() {
        return None;
    }
    let address = std::env::var("CASE2CODE_METRICS_ADDR").unwrap_or_default();
    Some(match ask(&address) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("CASE2CODE_METRICS_ADDR={address}: {error}");
            ExitCode::FAILURE
        }
    })
}

fn ask(address: &str) -> std::io::Result<bool> {
    let address: SocketAddr = address.parse().map_err(std::io::Error::other)?;
    // Where the process listens on all addresses, loopback is one of them.
    let patience = Duration::from_secs(2);
    let loopback = SocketAddr::from(([127, 0, 0, 1], address.port()));
    let address = if address.ip().is_unspecified() { loopback } else { address };
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

/// Metrics of one noun, each known with its name, kind, labels and help before anything was counted.
pub type Collectors = Vec<Box<dyn Collector>>;

/// Has `registry` collect all of them.
///
/// # Errors
/// A metric of the same name is registered.
pub fn register(registry: &Registry, collectors: Collectors) -> prometheus::Result<()> {
    collectors.into_iter().try_for_each(|collector| registry.register(collector))
}

type Condition = Box<dyn Fn() -> bool + Send>;

/// What a process shows of itself.
#[derive(Clone)]
pub struct Telemetry {
    /// Metrics of the process; every struct of metrics registers here.
    pub registry: Registry,
    ready: Arc<Mutex<Condition>>,
}

/// Which program a process is, of which version: always 1.
///
/// # Errors
/// None in practice: the names are constants.
pub fn process_info() -> prometheus::Result<IntGaugeVec> {
    let help = "Always 1. Which program of which version this is: if versions differ for longer than an upgrade takes, \
                finish it or roll it back.";
    IntGaugeVec::new(Opts::new("case2code_process_info", help), &["process", "version"])
}

impl Telemetry {
    /// Of the process `name`. With a run every series carries its name as the label `run`: one value a process.
    ///
    /// # Errors
    /// None in practice: the names are constants.
    pub fn of(name: &str, run: Option<&str>) -> anyhow::Result<Self> {
        let labels = run.map(|run| [("run".to_owned(), run.to_owned())].into_iter().collect());
        let registry = Registry::new_custom(None, labels)?;
        let info = process_info()?;
        info.with_label_values(&[name, env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(info))?;
        registry.register(Box::new(ProcessCollector::for_self()))?;
        Ok(Self { registry, ready: Arc::new(Mutex::new(Box::new(|| false))) })
    }

    /// The process is ready from now on whenever `condition` holds: the answer of `/readyz`. The last word stands.
    pub fn ready_while(&self, condition: impl Fn() -> bool + Send + 'static) {
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(condition);
    }

    /// Serves until the process ends; nothing without an address.
    ///
    /// # Errors
    /// The address cannot be bound: [`Failure::Usage`].
    pub async fn serve(&self, address: Option<SocketAddr>) -> Result<(), Failure> {
        let Some(address) = address else { return Ok(()) };
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .map_err(|error| Failure::Usage(format!("--metrics-addr {address}: {error}")))?;
        let (registry, ready) = (self.registry.clone(), Arc::clone(&self.ready));
        let metrics = move || {
            let text = TextEncoder::new().encode_to_string(&registry.gather());
            async move { text.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())) }
        };
        let readyz = move || {
            let ready = ready.lock().unwrap_or_else(PoisonError::into_inner)();
            async move { if ready { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") } }
        };
        let app = Router::new()
            .route("/metrics", get(metrics))
            .route("/livez", get(|| async { "alive\n" }))
            .route("/readyz", get(readyz));
        tracing::info!(%address, "serving metrics");
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(())
    }
}
