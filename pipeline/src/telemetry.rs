//! Logs on stderr, and `/metrics`, `/livez`, `/readyz` where `--metrics-addr` asks for them.

use std::{
    io::IsTerminal,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, http::StatusCode, routing::get};
use prometheus::{Registry, TextEncoder};

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

/// What a process shows of itself.
#[derive(Clone, Default)]
pub struct Telemetry {
    /// Metrics of the process; every struct of metrics registers here.
    pub registry: Registry,
    ready: Arc<AtomicBool>,
}

impl Telemetry {
    /// Says whether the process takes work: the answer of `/readyz`.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
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
            let ready = ready.load(Ordering::Relaxed);
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
