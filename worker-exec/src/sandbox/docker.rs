//! Sandboxes in containers of a Docker engine.

use std::{collections::HashMap, future::Future, io, pin::Pin, time::Duration};

use anyhow::{Context, bail};
use bollard::{
    Docker as Engine,
    container::LogOutput,
    models::{ContainerCreateBody, HostConfig, HostConfigLogConfig, ResourcesUlimits},
    query_parameters::{
        AttachContainerOptionsBuilder, BuildImageOptionsBuilder, CreateContainerOptions, StartContainerOptions,
    },
};
use futures_util::{StreamExt, TryStreamExt};
use pipeline::error::Failure;
use tokio_util::{io::StreamReader, task::TaskTracker};

use super::{Errors, Link, Opening, SANDBOX_INIT, Sandbox, leftovers, limits, tar};
use crate::settings::{ExecSettings, SCRATCH_BYTES};

/// How long an engine may take to say that it is there.
const PING_DEADLINE: Duration = Duration::from_secs(4);
const DOCKERFILE: &str = include_str!("../../../deploy/sandbox.Dockerfile");
/// Memory of a container beyond that of its program: the supervisor and two preloaded interpreters.
const OWN_MEMORY_BYTES: u64 = 256 << 20;
/// Processes of a container: the supervisor, two runners, one program, and some that are just ending.
const MAX_PROCESSES: i64 = 32;

/// The backend that needs an engine.
pub struct Docker {
    engine: Engine,
    image: String,
    image_digest: String,
    runtime: Option<String>,
    memory_bytes: u64,
    arguments: Vec<String>,
    /// Removals under way.
    removals: TaskTracker,
}

impl Docker {
    /// Connects, removes what dead processes of ours left behind, and builds the image if it is missing.
    ///
    /// # Errors
    /// No engine answers, or it cannot build the image: [`Failure::Unavailable`].
    pub async fn connect(settings: &ExecSettings) -> Result<Self, Failure> {
        let absent = |error: String| {
            Failure::Unavailable(format!(
                "--sandbox docker: no Docker engine answers ({error}); start one, set DOCKER_HOST, or use \
                 --sandbox namespace"
            ))
        };
        let engine = Engine::connect_with_defaults().map_err(|error| absent(error.to_string()))?;
        match tokio::time::timeout(PING_DEADLINE, engine.ping()).await {
            Ok(answer) => drop(answer.map_err(|error| absent(error.to_string()))?),
            Err(_) => return Err(absent(format!("silent for {} s", PING_DEADLINE.as_secs()))),
        }
        leftovers::remove(&engine).await;
        let (image, image_digest) = ensure_image(&engine, &settings.sandbox_image)
            .await
            .map_err(|error| Failure::Unavailable(format!("--sandbox-image {}: {error:#}", settings.sandbox_image)))?;
        let mut arguments = vec!["serve".into(), "python=python3".into(), "scratch=/scratch".into(), "uids=1".into()];
        arguments.extend(limits(settings));
        Ok(Self {
            engine,
            image,
            image_digest,
            runtime: settings.runtime.clone(),
            memory_bytes: settings.memory_limit << 20,
            arguments,
            removals: TaskTracker::new(),
        })
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
            image: Some(self.image.clone()),
            cmd: Some(self.arguments.clone()),
            labels: Some(leftovers::labels()),
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

    async fn start(&self) -> anyhow::Result<Link> {
        let created = self.engine.create_container(None::<CreateContainerOptions>, self.container()).await;
        let id = created.context("the engine creates no container")?.id;
        let guard = Box::new(Guard { engine: self.engine.clone(), id: id.clone(), removals: self.removals.clone() });
        // Attached before it starts, so that no byte is lost.
        let attach = AttachContainerOptionsBuilder::default().stdin(true).stdout(true).stderr(true).stream(true);
        let attached = self.engine.attach_container(&id, Some(attach.build())).await;
        let attached = attached.context("the engine attaches to no container")?;
        let started = self.engine.start_container(&id, None::<StartContainerOptions>).await;
        started.context("the engine starts no container")?;
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
        Ok(Link { input: Box::new(attached.input), output: Box::new(StreamReader::new(output)), errors, guard })
    }
}

impl Sandbox for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn image_digest(&self) -> Option<String> {
        Some(self.image_digest.clone())
    }

    fn open(&self) -> Opening<'_> {
        Box::pin(self.start())
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            self.removals.close();
            self.removals.wait().await;
        })
    }
}

/// Removes its container when it is dropped.
struct Guard {
    engine: Engine,
    id: String,
    removals: TaskTracker,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let (engine, id) = (self.engine.clone(), self.id.clone());
        let removal = async move { leftovers::remove_one(&engine, &id).await };
        // Without a runtime the process is ending: the container ends with its stdin, and removes itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.removals.spawn_on(removal, &runtime);
        }
    }
}

/// The name of our image on top of `base`, and the digest of `base`; builds it if it is missing.
async fn ensure_image(engine: &Engine, base: &str) -> anyhow::Result<(String, String)> {
    // The engine fetches a base that it does not have while it builds.
    let known = engine.inspect_image(base).await.ok().and_then(|image| image.id);
    let mut hasher = blake3::Hasher::new();
    for part in [DOCKERFILE.as_bytes(), SANDBOX_INIT, base.as_bytes(), known.unwrap_or_default().as_bytes()] {
        hasher.update(part);
    }
    let tag = format!("case2code-sandbox:{}", &hasher.finalize().to_hex()[..16]);
    if engine.inspect_image(&tag).await.is_err() {
        tracing::info!(image = tag, base, "building the sandbox image");
        build(engine, base, &tag).await?;
    }
    let image = engine.inspect_image(base).await.context("the base image is gone")?;
    let digest = image.repo_digests.unwrap_or_default().into_iter().find_map(|digest| {
        let (_, digest) = digest.split_once('@')?;
        Some(digest.to_owned())
    });
    Ok((tag, digest.or(image.id).unwrap_or_default()))
}

async fn build(engine: &Engine, base: &str, tag: &str) -> anyhow::Result<()> {
    let context = tar::archive(&[("Dockerfile", DOCKERFILE.as_bytes()), ("sandbox-init", SANDBOX_INIT)]);
    let options = BuildImageOptionsBuilder::default()
        .dockerfile("Dockerfile")
        .t(tag)
        .rm(true)
        .forcerm(true)
        .buildargs(&HashMap::from([("BASE", base)]))
        .build();
    let mut steps = engine.build_image(options, None, Some(bollard::body_full(context.into())));
    while let Some(step) = steps.next().await {
        let step = step.context("cannot build the sandbox image")?;
        if let Some(error) = step.error_detail {
            bail!("cannot build the sandbox image: {}", error.message.unwrap_or_default());
        }
    }
    Ok(())
}
