//! Settings, resolved once at the edge: flag before environment before file before default.
//!
//! A group of settings is one struct that derives clap's `Args` and serde's traits; its flags, `CASE2CODE_…` variables
//! and keys of `--config FILE` have the same names, so that each is written down once.

use std::path::Path;

use clap::{ArgMatches, parser::ValueSource};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::error::Failure;

/// Prefix of environment variables: `--shard-size` is `CASE2CODE_SHARD_SIZE`.
pub const ENV_PREFIX: &str = "CASE2CODE_";

/// Resolves one group of settings. `parsed` is what clap made of the command line, defaults included; `matches` tells
/// which of it was given in so many words.
///
/// # Errors
/// A file that cannot be read, a key that no command knows, a value of the wrong type: [`Failure::Usage`].
pub fn resolve<T>(parsed: &T, matches: &ArgMatches, file: Option<&Path>) -> Result<T, Failure>
where
    T: Serialize + DeserializeOwned,
{
    let as_value = |error| Failure::Usage(format!("settings: {error}"));
    let Value::Object(all) = serde_json::to_value(parsed).map_err(as_value)? else {
        return Err(Failure::Usage("settings must be a table".into()));
    };
    let mut layers = config::Config::builder();
    let from = |wanted| all.iter().filter(move |(key, _)| source(matches, key) == wanted);
    layers = layers.add_source(layer(from(None))?);
    if let Some(path) = file {
        let file = config::File::from(path).format(config::FileFormat::Toml);
        layers = layers.add_source(file.clone()).add_source(layer(lists(file, &all)?.iter())?);
    }
    // Variables that clap reads by names of their own (AMQP_URL), then ours.
    layers = layers.add_source(layer(from(Some(ValueSource::EnvVariable)))?);
    layers = layers.add_source(layer(environment(&all).iter())?);
    layers = layers.add_source(layer(from(Some(ValueSource::CommandLine)))?);
    let merged = layers.build().map_err(|error| Failure::Usage(format!("settings: {error}")))?;
    merged.try_deserialize().map_err(|error| Failure::Usage(format!("settings: {error}")))
}

/// Fails on a key of `file` that none of `known` names, so that a misspelt setting is not silently without effect.
///
/// # Errors
/// The file does not exist or is no TOML, or an unknown key: [`Failure::Usage`].
pub fn check_keys(file: &Path, known: &[String]) -> Result<(), Failure> {
    let table: Map<String, Value> = config::Config::builder()
        .add_source(config::File::from(file).format(config::FileFormat::Toml))
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| Failure::Usage(format!("--config {}: {error}", file.display())))?;
    match table.keys().find(|key| !known.contains(key)) {
        Some(key) => Err(Failure::Usage(format!("--config {}: unknown setting `{key}`", file.display()))),
        None => Ok(()),
    }
}

/// Where clap took a value from, if not from a default.
fn source(matches: &ArgMatches, key: &str) -> Option<ValueSource> {
    // Asking for the source of a flag that the command does not have would panic.
    let known = matches!(matches.try_contains_id(key), Ok(true));
    known.then(|| matches.value_source(key)).flatten().filter(|source| *source != ValueSource::DefaultValue)
}

/// The variables that name one of `known`, typed like the default: a list is split at commas.
fn environment(known: &Map<String, Value>) -> Map<String, Value> {
    let typed = |key: &str, default: &Value| {
        let text = std::env::var(format!("{ENV_PREFIX}{}", key.to_uppercase())).ok()?;
        let value = match default {
            Value::Array(_) => text.split(',').map(|part| Value::from(part.trim())).collect(),
            _ => Value::from(text),
        };
        Some((key.to_owned(), value))
    };
    known.iter().filter_map(|(key, default)| typed(key, default)).collect()
}

/// What a file gives as one value where a list is wanted, as lists of one.
fn lists(
    file: config::File<config::FileSourceFile, config::FileFormat>,
    known: &Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    let table = config::Config::builder().add_source(file).build().and_then(config::Config::try_deserialize);
    let table: Map<String, Value> = table.map_err(|error| Failure::Usage(format!("settings: {error}")))?;
    let is_list = |key: &str| known.get(key).is_some_and(Value::is_array);
    let single = table.into_iter().filter(|(key, value)| is_list(key) && !value.is_array());
    Ok(single.map(|(key, value)| (key, Value::Array(vec![value]))).collect())
}

fn layer<'a>(
    entries: impl Iterator<Item = (&'a String, &'a Value)>,
) -> Result<config::File<config::FileSourceString, config::FileFormat>, Failure> {
    let table: Map<String, Value> =
        entries.filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), value.clone())).collect();
    let text = serde_json::to_string(&table).map_err(|error| Failure::Usage(format!("settings: {error}")))?;
    Ok(config::File::from_str(&text, config::FileFormat::Json))
}

/// Reads a number from the command line: `nan` and `inf` are numbers to Rust, and nothing to JSON, so that they would be
/// no setting at all.
///
/// # Errors
/// What is wrong with it.
pub fn finite(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| "not a number".to_owned())
}

/// Starts a service's client again and again for `seconds`, while the service was never reached. Fleet workers may come
/// up before what they need.
///
/// # Errors
/// The last failure to reach it, or at once one that waiting does not mend.
pub async fn with_patience<T, F>(seconds: u64, mut start: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let begun = std::time::Instant::now();
    loop {
        match start().await {
            Err(Failure::Unavailable(reason)) if begun.elapsed().as_secs() < seconds => {
                tracing::warn!(reason, "not there yet");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};
    use serde::{Deserialize, Serialize};

    use super::resolve;

    #[derive(Debug, PartialEq, Args, Serialize, Deserialize)]
    struct Servers {
        #[arg(long)]
        llm_url: Vec<String>,
        #[arg(long, default_value_t = 1)]
        n: u32,
    }

    #[test]
    fn one_value_in_a_file_is_a_list_of_one() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("settings.toml");
        for (text, wanted) in [("llm_url = 'a'\nn = 2\n", &["a"][..]), ("llm_url = ['a', 'b']\nn = 2\n", &["a", "b"])] {
            std::fs::write(&file, text)?;
            let matches = Servers::augment_args(clap::Command::new("test")).try_get_matches_from(["test"])?;
            let parsed = Servers::from_arg_matches(&matches)?;
            let servers = resolve(&parsed, &matches, Some(&file))?;
            assert_eq!(servers, Servers { llm_url: wanted.iter().map(|url| (*url).to_owned()).collect(), n: 2 });
        }
        Ok(())
    }
}
