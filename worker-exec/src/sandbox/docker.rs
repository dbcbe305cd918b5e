//! Sandboxes in containers of a Docker engine.

use std::{collections::HashMap, future::Future, io, pin::Pin, sync::Arc};

use anyhow::ensure;
use bollard::{
    Docker as Engine,
    container::LogOutput,
    models::{ContainerCreateBody, HostConfig, HostConfigLogConfig, ResourcesUlimits},
    query_parameters::{
        AttachContainerOptionsBuilder, CreateContainerOptions, CreateContainerOptionsBuilder, StartContainerOptions,
    },
};
use futures_util::TryStreamExt;
use pipeline::error::Failure;
use tokio_util::io::StreamReader;

use super::{
    Errors, Link, Opening, Sandbox,
    engine::{self, have, is_missing},
    image::{self, Image},
    leftovers::{self, Containers},
    limits,
};
use crate::settings::{ExecSettings, SCRATCH_BYTES};

/// Memory of a container beyond that of its program: the supervisor and two preloaded interpreters.
const OWN_MEMORY_BYTES: u64 = 256 << 20;
/// Processes of a container: the supervisor, two runners, one program, and some that are just ending.
const MAX_PROCESSES: i64 = 32;

/// The backend that needs an engine.
pub struct Docker {
    engine: Engine,
    base: String,
    image: Image,
    runtime: Option<String>,
    memory_bytes: u64,
    arguments: Vec<String>,
    containers: Arc<Containers>,
}

impl Docker {
    /// Connects, builds the image if it is missing, and in the background removes what dead processes of ours and older
    /// versions left behind.
    ///
    /// # Errors
    /// No engine answers, it has no such runtime, or it cannot build the image: [`Failure::Unavailable`].
    pub async fn connect(settings: &ExecSettings) -> Result<Self, Failure> {
        let engine = engine::reach().await?;
        if let Some(runtime) = &settings.runtime {
            engine::check_runtime(&engine, runtime).await?;
        }
        let base = settings.sandbox_image.clone();
        let image = image::ensure(&engine, &base)
            .await
            .map_err(|error| Failure::Unavailable(format!("--sandbox-image {base}: {error:#}")))?;
        let containers = Containers::new(engine.clone());
        let (tidied, current) = (engine.clone(), image.tag.clone());
        containers.in_background(async move {
            leftovers::remove(&tidied).await;
            image::prune(&tidied, &current).await;
        });
        let mut arguments = vec!["serve".into(), "python=python3".into(), "scratch=/scratch".into(), "uids=1".into()];
        arguments.extend(limits(settings));
        let (runtime, memory_bytes) = (settings.runtime.clone(), settings.memory_limit << 20);
        Ok(Self { engine, base, image, runtime, memory_bytes, arguments, containers })
    }

    fn container(&self) -> ContainerCreateBody {
        let memory = (self.memory_bytes + OWN_MEMORY_BYTES + SCRATCH_BYTES) as i64;
        let limit =
            |name: &str, value| ResourcesUlimits { name: Some(name.to_owned()), soft: Some(value), hard: Some(value) };
        let scratch = format!("rw,nosuid,nodev,noexec,size={SCRATCH_BYTES},nr_inodes=1024,mode=1777");
        let host_config = HostConfig {
            network_mode: Some("none".into()),
            readonly_rootfs: Some(true),
            cap_drop: Some(vec!["ALL".into()]),
            cap_add: Some(vec!["SETUID".into(), "SETGID".into()]),
            security_opt: Some(vec!["no-new-privileges".into()]),
            pids_limit: Some(MAX_PROCESSES),
            memory: Some(memory),
            memory_swap: Some(memory),
            nano_cpus: Some(1_000_000_000),
            ulimits: Some(vec![limit("nofile", 256), limit("core", 0)]),
            // No /dev/shm at all, and the message queues under a mount that nobody can write to.
            ipc_mode: Some("none".into()),
            tmpfs: Some(HashMap::from([
                ("/scratch".into(), scratch),
                ("/dev/mqueue".into(), "ro,nosuid,nodev,noexec,size=4k,mode=555".into()),
            ])),
            log_config: Some(HostConfigLogConfig { typ: Some("none".into()), config: None }),
            auto_remove: Some(true),
            runtime: self.runtime.clone(),
            ..HostConfig::default()
        };
        ContainerCreateBody {
            image: Some(self.image.tag.clone()),
            cmd: Some(self.arguments.clone()),
            labels: Some(self.containers.labels()),
            hostname: Some("sandbox".into()),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            open_stdin: Some(true),
            stdin_once: Some(true),
            tty: Some(false),
            host_config: Some(host_config),
            ..ContainerCreateBody::default()
        }
    }

    async fn create(&self, name: &str) -> anyhow::Result<()> {
        let options: CreateContainerOptions = CreateContainerOptionsBuilder::default().name(name).build();
        let call = self.engine.create_container(Some(options), self.container());
        have("the engine creates no container", call).await.map(drop)
    }

    async fn start(&self) -> anyhow::Result<Link> {
        let mut held = self.containers.hold();
        match self.create(&held.name).await {
            // Somebody tidied up the engine.
            Err(error) if is_missing(&error) => {
                let again = image::ensure(&self.engine, &self.base).await?;
                ensure!(again == self.image, "the image {} is another now: start again", self.base);
                self.create(&held.name).await?;
            }
            created => created?,
        }
        held.created = true;
        // Attached before it starts, so that no byte is lost.
        let attach = AttachContainerOptionsBuilder::default().stdin(true).stdout(true).stderr(true).stream(true);
        let attached = self.engine.attach_container(&held.name, Some(attach.build()));
        let attached = have("the engine attaches to no container", attached).await?;
        let started = self.engine.start_container(&held.name, None::<StartContainerOptions>);
        have("the engine starts no container", started).await?;
        self.containers.find_lost();
        let errors = Errors::default();
        let said = errors.clone();
        let output = attached.output.map_err(io::Error::other).try_filter_map(move |part| {
            let stdout = match part {
                LogOutput::StdOut { message } => Some(message),
                LogOutput::StdErr { message } | LogOutput::Console { message } => {
                    said.push(&message);
                    None
                }
                LogOutput::StdIn { .. } => None,
            };
            std::future::ready(Ok(stdout))
        });
        Ok(Link {
            input: Box::new(attached.input),
            output: Box::new(StreamReader::new(output)),
            errors,
            guard: Box::new(held),
        })
    }
}

impl Sandbox for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn image_digest(&self) -> Option<String> {
        Some(self.image.digest.clone())
    }

    fn open(&self) -> Opening<'_> {
        Box::pin(self.start())
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.containers.close())
    }
}
