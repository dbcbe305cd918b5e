//! Objects that a URL names: `s3://bucket/key`, `gs://bucket/key`, `file:///path`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, future};
use object_store::{
    BackoffConfig, ClientConfigKey, ObjectMeta, ObjectStore, ObjectStoreExt as _, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
    local::LocalFileSystem,
    path::Path as Key,
};
use pipeline::error::Failure;
use url::Url;

use super::{Input, InputKind, inputs::source_before_rows, remote};

/// A request that fails for another reason than its own is tried again for this long; what breaks off midway, twice.
const RETRY_TIMEOUT: Duration = Duration::from_secs(15);

/// One object, as it was when it was found.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub store: Arc<dyn ObjectStore>,
    pub url: String,
    pub meta: ObjectMeta,
}

impl Object {
    /// What tells these bytes from others: the ETag, or the version, or when it was written.
    pub fn identity(&self) -> String {
        let ObjectMeta { e_tag, version, last_modified, .. } = &self.meta;
        e_tag.clone().or_else(|| version.clone()).unwrap_or_else(|| last_modified.to_rfc3339())
    }
}

/// Whether an argument is a URL, whatever its scheme.
pub(super) fn is_url(argument: &str) -> bool {
    argument.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
    })
}

/// The objects that a URL names, sorted by path component: the one of that very name; all that a pattern with `*`, `?`
/// or `[…]` matches; or, where the URL ends in `/`, all `.py` below it, or if there is none, all files of rows.
///
/// # Errors
/// A URL that is none of ours, or a kind of object that is not read: [`Failure::Usage`]. Nothing there, or a store that
/// does not answer or refuses: [`Failure::Unavailable`], after half a minute at most.
pub(super) fn discover(url: &str) -> Result<Vec<Input>, Failure> {
    let usage = |words: String| Failure::Usage(format!("input {url}: {words}"));
    let Place { store, base, key } = Place::of(url).map_err(usage)?;
    let location = |key: &str| match Key::parse(key) {
        // A `/` at the start would be left out without a word: another object.
        Ok(path) if path.as_ref() == key.strip_suffix('/').unwrap_or(key) => Ok(path),
        Ok(_) => Err(usage("a key that begins with / is not read".into())),
        Err(error) => Err(usage(error.to_string())),
    };
    let one = |meta: ObjectMeta, url: String, name: &str| {
        let kind = InputKind::of_name(name)?;
        let object = Object { store: Arc::clone(&store), url: url.clone(), meta };
        Some(Input { path: PathBuf::from(url), name: name.into(), kind, object: Some(object) })
    };
    let is_pattern = key.contains(['*', '?', '[']);
    let is_prefix = key.is_empty() || key.ends_with('/');
    if !is_prefix {
        let name = last(&key);
        let is_read = InputKind::of_name(name).is_some();
        if !is_read && !is_pattern {
            return Err(usage(
                "not a kind of object that is read: give .jsonl (or .jsonl.gz, .jsonl.zst), .parquet or .py, or a \
                 prefix that ends in /"
                    .into(),
            ));
        }
        if is_read {
            let (looked_at, path) = (Arc::clone(&store), location(&key)?);
            match remote::wait(async move { looked_at.head(&path).await }) {
                Ok(meta) => return Ok(one(meta, url.into(), name).into_iter().collect()),
                Err(object_store::Error::NotFound { .. }) if is_pattern => {}
                Err(error) => return Err(unavailable(url, &error)),
            }
        }
    }

    // What stands before the pattern is listed.
    let above = key.find(['*', '?', '[']).map_or(&*key, |at| &key[..at]);
    let above = above.rfind('/').map_or("", |at| &above[..=at]);
    let pattern = is_pattern.then(|| glob::Pattern::new(&key)).transpose().map_err(|error| usage(error.to_string()))?;
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    let is_wanted = move |meta: &ObjectMeta| {
        let key = meta.location.as_ref();
        InputKind::of_name(last(key)).is_some()
            && pattern.as_ref().is_none_or(|pattern| pattern.matches_with(key, options))
    };
    let (listed, prefix) = (Arc::clone(&store), location(above)?);
    let found = remote::wait(async move {
        listed
            .list(Some(&prefix))
            .try_filter(|meta| future::ready(is_wanted(meta)))
            .boxed()
            .try_collect::<Vec<_>>()
            .await
    });
    let mut inputs: Vec<Input> = found
        .map_err(|error| unavailable(url, &error))?
        .into_iter()
        .filter_map(|meta| {
            let key = meta.location.to_string();
            let inside = key.strip_prefix(above).unwrap_or(&key);
            // As with local files, each that a pattern matches is an argument of its own.
            one(meta, format!("{base}{key}"), if is_pattern { last(&key) } else { inside })
        })
        .collect();
    if is_prefix {
        source_before_rows(&mut inputs, &url);
    }
    if inputs.is_empty() {
        let words = if is_pattern { "no object matches" } else { "no object below is of a kind that is read" };
        return Err(Failure::Unavailable(format!("input {url}: {words}")));
    }
    inputs.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(inputs)
}

/// What is after the last `/`.
fn last(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(_, name)| name)
}

/// A URL taken apart.
struct Place {
    store: Arc<dyn ObjectStore>,
    /// What stands before the key in a URL.
    base: String,
    key: String,
}

impl Place {
    /// Keys are taken as they stand, as the stores' own tools take them; only those of `file://` are percent-encoded.
    fn of(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        if scheme == "file" {
            let Some(path) = rest.strip_prefix("localhost").unwrap_or(rest).strip_prefix('/') else {
                return Err("a path on this machine begins with file:///".into());
            };
            let mut key = Key::from_url_path(path).map_err(|error| error.to_string())?.to_string();
            if path.ends_with('/') && !key.is_empty() {
                key.push('/');
            }
            return Ok(Self { store: Arc::new(LocalFileSystem::new()), base: "file:///".into(), key });
        }
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let store = match scheme {
            "s3" | "gs" if bucket.is_empty() => return Err(format!("no bucket: give {scheme}://BUCKET/KEY")),
            "s3" | "gs" if !bucket.chars().all(|char| char.is_ascii_alphanumeric() || "-._".contains(char)) => {
                return Err(format!("{bucket} cannot be the name of a bucket"));
            }
            "s3" => s3(bucket),
            "gs" => google(bucket),
            _ => return Err(format!("{scheme}:// is not read: give s3://, gs://, file:// or a path")),
        };
        Ok(Self { store: store?, base: format!("{scheme}://{bucket}/"), key: key.into() })
    }
}

fn retry() -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(500), max_backoff: Duration::from_secs(5), base: 2. };
    RetryConfig { backoff, max_retries: 100, retry_timeout: RETRY_TIMEOUT }
}

fn s3(bucket: &str) -> Result<Arc<dyn ObjectStore>, String> {
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry());
    for key in [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint] {
        if let Some(endpoint) = builder.get_config_value(&key) {
            let (endpoint, is_http) = checked("AWS_ENDPOINT_URL", &endpoint)?;
            builder = builder.with_config(key, endpoint);
            if is_http {
                builder = builder.with_allow_http(true);
            }
        }
    }
    Ok(Arc::new(builder.build().map_err(|error| words(&error))?))
}

fn google(bucket: &str) -> Result<Arc<dyn ObjectStore>, String> {
    let mut builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket).with_retry(retry());
    if let Some(url) = builder.get_config_value(&GoogleConfigKey::BaseUrl) {
        let (url, is_http) = checked("GOOGLE_BASE_URL", &url)?;
        builder = builder.with_config(GoogleConfigKey::BaseUrl, url);
        if is_http {
            builder = builder.with_config(GoogleConfigKey::Client(ClientConfigKey::AllowHttp), "true");
        }
    }
    Ok(Arc::new(builder.build().map_err(|error| words(&error))?))
}

/// An endpoint that the environment names, and whether it is one without TLS: who names such a one wants it.
fn checked(name: &str, endpoint: &str) -> Result<(String, bool), String> {
    match Url::parse(endpoint) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) => {
            Ok((url.as_str().trim_end_matches('/').to_owned(), url.scheme() == "http"))
        }
        _ => Err(format!("{name} is {endpoint}, not a URL like https://HOST:PORT")),
    }
}

/// An object or a store that cannot be read.
pub(super) fn unavailable(url: &str, error: &object_store::Error) -> Failure {
    Failure::Unavailable(format!("input {url}: {}", words(error)))
}

/// An error of a store in one line: what it means, then the store's own words where they say more.
fn words(error: &object_store::Error) -> String {
    use object_store::Error;
    /// Where machines in the cloud get credentials: it is asked only if the environment has none.
    const METADATA: [&str; 2] = ["169.254.169.254", "metadata.google.internal"];
    let all = error.to_string();
    let own = all.split_whitespace().collect::<Vec<_>>().join(" ");
    let own = if own.chars().count() > 400 { own.chars().take(400).chain(['…']).collect() } else { own };
    let is_nothing = || own.contains("<Code>NoSuchBucket</Code>") || own.contains("404 Not Found");
    match error {
        _ if matches!(error, Error::NotFound { .. }) || is_nothing() => {
            "no such object or bucket (a prefix ends in /)".into()
        }
        Error::Precondition { .. } | Error::NotModified { .. } => "it changed while it was read".into(),
        _ if METADATA.iter().any(|address| own.contains(address)) => format!(
            "no credentials in the environment: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_SKIP_SIGNATURE=true \
             for a public bucket), or GOOGLE_APPLICATION_CREDENTIALS: {own}"
        ),
        Error::Unauthenticated { .. } => format!("the credentials are not accepted: {own}"),
        _ if matches!(error, Error::PermissionDenied { .. }) || own.contains("403 Forbidden") => {
            format!("access denied: {own}")
        }
        _ if own.contains("error sending request") => format!("the store does not answer: {own}"),
        _ => own,
    }
}
