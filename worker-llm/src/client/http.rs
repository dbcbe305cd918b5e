//! One request to one endpoint, and what its failure means.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use pipeline::error::Failure;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};

use super::gauges::Gauges;
use super::metrics::Timing;
use super::wire::{ModelList, Reply, ReplyBody, Request};

/// How long a server may take to say which models it has.
const START_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a request may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the answer begins. A server that does not stream begins when it is done.
    pub first_byte: Duration,
    /// Until the answer is there.
    pub total: Duration,
}

/// Time for a server's own figures.
const GAUGES_TIMEOUT: Duration = Duration::from_secs(2);

/// A server that shows no gauges is asked for them once in so many looks.
const ASK_AGAIN: u32 = 120;

/// Longest pause that a server can ask for: what is longer is no pause but a quota.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// Bytes of an answer beyond which it is not read: far more than a model may be asked for, and still a message that every
/// broker carries.
const MAX_ANSWER_BYTES: usize = 2 << 20;

/// Bytes of a list of models or of a server's own figures.
const MAX_LIST_BYTES: usize = 8 << 20;

/// As much of a server's complaint as goes into a message.
const MAX_SAID_CHARS: usize = 300;

/// One OpenAI-compatible server.
pub struct Endpoint {
    base: String,
    key: Option<String>,
    timeouts: Timeouts,
    http: reqwest::Client,
    /// How often it was asked for gauges that it does not show.
    shows_nothing: AtomicU32,
}

/// Never shows the key.
impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("base", &self.base).finish_non_exhaustive()
    }
}

/// Why one request got no answer.
#[derive(Debug)]
pub(super) enum Problem {
    /// This request, or what all our requests share.
    Refused {
        /// For the record: no words of the server's.
        detail: String,
        /// What the server said, for the log.
        said: String,
    },
    /// Every request, until someone changes a setting.
    Fatal(String),
    /// This time.
    Transient(Transient),
}

#[derive(Debug)]
pub(super) struct Transient {
    pub words: String,
    /// What the server said, for the log.
    pub said: String,
    pub retry_after: Option<Duration>,
    /// Not a failure but a request to slow down.
    pub throttled: bool,
}

impl Transient {
    fn of(words: impl Into<String>) -> Self {
        Self { words: words.into(), said: String::new(), retry_after: None, throttled: false }
    }
}

impl Endpoint {
    /// The server at `base` (with its `/v1`), asked with `key`.
    ///
    /// # Errors
    /// [`Failure::Usage`]: a base that is no http or https URL.
    pub fn new(base: &str, key: Option<String>, timeouts: Timeouts) -> Result<Self, Failure> {
        let url =
            reqwest::Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = url else {
            return Err(Failure::Usage(format!("--llm-url {base}: not a URL like http://127.0.0.1:8000/v1")));
        };
        let Timeouts { connect, total, .. } = timeouts;
        let mut http =
            reqwest::Client::builder().http1_only().tcp_nodelay(true).connect_timeout(connect).timeout(total);
        // A proxy of the environment is for the world outside.
        if is_loopback(&url) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(anyhow::Error::from)?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), key, timeouts, http, shows_nothing: AtomicU32::new(0) })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// The models that it lists; none if it has no list.
    ///
    /// # Errors
    /// [`Failure::Unavailable`]: not reached in time, or not with this key.
    pub async fn models(&self) -> Result<Option<Vec<String>>, Failure> {
        let base = &self.base;
        let unreached = |error: reqwest::Error| {
            let words = words_of(&error);
            Failure::Unavailable(format!("no LLM server at {base} ({words}): check --llm-url or OPENAI_BASE_URL"))
        };
        let answer = self.request(Method::GET, "/models").timeout(START_TIMEOUT).send().await.map_err(unreached)?;
        match answer.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failure::Unavailable(format!(
                "the LLM server at {base} wants another API key (HTTP {}): check OPENAI_API_KEY",
                answer.status().as_u16()
            ))),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(None),
            status if !status.is_success() => Err(Failure::Unavailable(format!(
                "the LLM server at {base} is not ready (HTTP {}): check --llm-url or OPENAI_BASE_URL",
                status.as_u16()
            ))),
            _ => match body_of(answer, MAX_LIST_BYTES).await.ok().and_then(|body| serde_json::from_slice(&body).ok()) {
                Some(ModelList { data }) => Ok(Some(data.into_iter().map(|model| model.id).collect())),
                None => Err(Failure::Unavailable(format!(
                    "what answers at {base} is no OpenAI-compatible server: check --llm-url or OPENAI_BASE_URL"
                ))),
            },
        }
    }

    /// Where it is, for people.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// What it says of its own load; none if it says nothing. Asked once in vain it is not asked again for a while.
    pub(super) async fn gauges(&self) -> Option<Gauges> {
        if !self.shows_nothing.load(Ordering::Relaxed).is_multiple_of(ASK_AGAIN) {
            self.shows_nothing.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        // vLLM shows them beside /v1, not below it.
        let root = self.base.strip_suffix("/v1").unwrap_or(&self.base);
        let asked = self.http.get(format!("{root}/metrics")).timeout(GAUGES_TIMEOUT).send().await;
        let text = match asked {
            Ok(answer) if answer.status().is_success() => body_of(answer, MAX_LIST_BYTES).await.ok(),
            Ok(_) => None,
            Err(_) => return None, // it may be busy, or away
        };
        let gauges = text.and_then(|text| Gauges::read(&String::from_utf8_lossy(&text)));
        if gauges.is_none() {
            self.shows_nothing.fetch_add(1, Ordering::Relaxed);
        }
        gauges
    }

    /// Asks once. It may take `limit`, and never longer than the settings. Dropped in between, it closes its connection,
    /// by which a server such as vLLM knows to stop generating.
    pub(super) async fn ask(&self, request: &Request, limit: Duration) -> Result<(Reply, Timing), Problem> {
        let begun = Instant::now();
        let asking = self.request(Method::POST, request.api.path()).json(&request.body);
        let asking = asking.timeout(self.timeouts.total.min(limit)).send();
        let response = match tokio::time::timeout(self.timeouts.first_byte, asking).await {
            Ok(response) => response.map_err(|error| transient(words_of(&error)))?,
            Err(_) => return Err(transient("timed out")),
        };
        let first_byte = begun.elapsed();
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let body = body_of(response, MAX_ANSWER_BYTES).await?;
        // A model may be cut off within a character.
        let body = String::from_utf8_lossy(&body);
        let reply = serde_json::from_str::<ReplyBody>(&body).ok().and_then(ReplyBody::reply);
        let reply = reply.ok_or_else(|| {
            let said = body.chars().take(MAX_SAID_CHARS).collect();
            Problem::Transient(Transient { said, ..Transient::of("its answer is no completion") })
        })?;
        Ok((reply, Timing { first_byte, total: begun.elapsed() }))
    }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn body_of(mut response: Response, most: usize) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transient(words_of(&error)))? {
        body.extend_from_slice(&chunk);
        if body.len() > most {
            return Err(transient("its answer is too long"));
        }
    }
    Ok(body)
}

async fn refusal(response: Response) -> Problem {
    let code = response.status().as_u16();
    match code {
        400 | 413 | 422 => {
            let detail = format!("the LLM server refused the request (HTTP {code})");
            Problem::Refused { detail, said: said_in(response).await }
        }
        401 | 403 => {
            Problem::Fatal(format!("the LLM server wants another API key (HTTP {code}): check OPENAI_API_KEY"))
        }
        404 => Problem::Fatal(
            "the LLM server knows no such model or has no such completions (HTTP 404): check --model, --llm-url and --api"
                .into(),
        ),
        408 | 409 | 425 | 429 | 500.. => Problem::Transient(Transient {
            words: format!("HTTP {code}"),
            retry_after: retry_after(&response),
            throttled: code == 429,
            said: said_in(response).await,
        }),
        _ => Problem::Fatal(format!("the LLM server turns requests away (HTTP {code}): check --llm-url")),
    }
}

async fn said_in(response: Response) -> String {
    let body = body_of(response, MAX_ANSWER_BYTES).await.unwrap_or_default();
    String::from_utf8_lossy(&body).chars().take(MAX_SAID_CHARS).collect()
}

/// Seconds, which is what LLM servers send; a date is left to the usual pauses.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.trim().parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(|pause| pause.min(MAX_RETRY_AFTER))
}

fn transient(words: impl Into<String>) -> Problem {
    Problem::Transient(Transient::of(words))
}

/// What went wrong, without the address.
fn words_of(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "connection failed"
    } else {
        "connection broken off"
    }
}
