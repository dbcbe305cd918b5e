//! The image that programs run in: ours on top of one with a Python.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use bollard::{
    Docker as Engine,
    errors::Error,
    query_parameters::{
        BuildImageOptionsBuilder, CreateImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptionsBuilder,
    },
};
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

use super::{
    SANDBOX_INIT,
    engine::{ask, have, is_missing},
    tar,
};

const DOCKERFILE: &str = include_str!("../../../deploy/sandbox.Dockerfile");
/// Name of our images; the tag is a hash of all that is in one.
const NAME: &str = "case2code-sandbox";
/// The Dockerfile puts it on each of them.
const LABEL: &str = "case2code.image=sandbox";
/// How long the engine may take to fetch a base image, or to build ours. It happens once, and is logged.
const BUILD_DEADLINE: Duration = Duration::from_secs(10 * 60);
/// Images of ours that are older than this and not in use are removed: an upgrade left them.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// An image of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name.
    pub tag: String,
    /// Digest of its base.
    pub digest: String,
}

/// Our image on top of `base`; fetches and builds what is missing.
///
/// # Errors
/// The engine cannot; one sentence.
pub async fn ensure(engine: &Engine, base: &str) -> anyhow::Result<Image> {
    let inspect = |name: String| async move {
        match ask("the engine does not look for an image", engine.inspect_image(&name)).await {
            Ok(image) => Ok(Some(image)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    };
    let known = match inspect(base.to_owned()).await? {
        Some(known) => known,
        None => {
            fetch(engine, base).await?;
            inspect(base.to_owned()).await?.context("the engine fetched the base image and does not have it")?
        }
    };
    let id = known.id.unwrap_or_default();
    let mut hasher = blake3::Hasher::new();
    for part in [DOCKERFILE.as_bytes(), SANDBOX_INIT, base.as_bytes(), id.as_bytes()] {
        hasher.update(part);
    }
    let tag = format!("{NAME}:{}", &hasher.finalize().to_hex()[..16]);
    if inspect(tag.clone()).await?.is_none() {
        build(engine, base, &tag).await?;
    }
    let digest = known.repo_digests.unwrap_or_default().into_iter().find_map(|digest| {
        let (_, digest) = digest.split_once('@')?;
        Some(digest.to_owned())
    });
    Ok(Image { tag, digest: digest.unwrap_or(id) })
}

async fn fetch(engine: &Engine, base: &str) -> anyhow::Result<()> {
    tracing::info!(base, "fetching the base image; this happens once");
    let mut options = CreateImageOptionsBuilder::default().from_image(base);
    // Without a tag the engine would fetch every one that there is.
    if !base.contains('@') && !base.rsplit('/').next().unwrap_or(base).contains(':') {
        options = options.tag("latest");
    }
    let steps = engine.create_image(Some(options.build()), None, None);
    let steps = steps.map(|step| step.map(|step| step.error_detail.and_then(|error| error.message)));
    follow(steps).await.context(
        "the engine does not have this image and cannot fetch it; load it with `docker load`, or name one that it has",
    )
}

async fn build(engine: &Engine, base: &str, tag: &str) -> anyhow::Result<()> {
    tracing::info!(image = tag, base, "building the sandbox image; this happens once");
    let begun = Instant::now();
    let context = tar::archive(&[("Dockerfile", DOCKERFILE.as_bytes()), ("sandbox-init", SANDBOX_INIT)]);
    let options = BuildImageOptionsBuilder::default()
        .dockerfile("Dockerfile")
        .t(tag)
        .rm(true)
        .forcerm(true)
        .buildargs(&HashMap::from([("BASE", base)]))
        .build();
    let steps = engine.build_image(options, None, Some(bollard::body_full(context.into())));
    let steps = steps.map(|step| step.map(|step| step.error_detail.and_then(|error| error.message)));
    follow(steps).await.context("cannot build the sandbox image")?;
    tracing::info!(image = tag, seconds = begun.elapsed().as_secs(), "the sandbox image is built");
    Ok(())
}

/// Waits for the last step of the engine's work.
async fn follow(steps: impl Stream<Item = Result<Option<String>, Error>>) -> anyhow::Result<()> {
    let mut steps = std::pin::pin!(steps);
    let all = async {
        while let Some(step) = steps.next().await {
            if let Some(error) = step? {
                bail!("{error}");
            }
        }
        Ok(())
    };
    match timeout(BUILD_DEADLINE, all).await {
        Ok(followed) => followed,
        Err(_) => bail!("not done within {} minutes", BUILD_DEADLINE.as_secs() / 60),
    }
}

/// Removes images of ours that an upgrade left. An engine that refuses is none the worse for it.
pub async fn prune(engine: &Engine, current: &str) {
    let filters = HashMap::from([("label", vec![LABEL])]);
    let options = ListImagesOptionsBuilder::default().filters(&filters).build();
    let listed = ask("the engine lists no images", engine.list_images(Some(options))).await.unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let is_old = |created: i64| u64::try_from(created).is_ok_and(|created| created + KEPT.as_secs() < now.as_secs());
    for image in listed.into_iter().filter(|image| is_old(image.created)) {
        let ours = |tag: &String| tag.strip_prefix(NAME).is_some_and(|rest| rest.starts_with(':'));
        if image.repo_tags.iter().any(|tag| tag == current) || !image.repo_tags.iter().all(ours) {
            continue;
        }
        // By name, and never by force: what a container uses stays.
        let names = if image.repo_tags.is_empty() { vec![image.id] } else { image.repo_tags };
        for name in names {
            let options = RemoveImageOptionsBuilder::default().build();
            match have("the engine does not remove it", engine.remove_image(&name, Some(options), None)).await {
                Ok(_) => tracing::info!(image = name, "removed an old sandbox image"),
                Err(error) => tracing::debug!(image = name, error = format!("{error:#}"), "an old image stays"),
            }
        }
    }
}
