//! An OpenAI-compatible server that answers from a script.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;

/// One scripted answer.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    /// This status with this body.
    Status(u16, &'static str),
    /// 429 that asks for so many seconds.
    Throttle(&'static str),
    /// A chat completion of this content.
    Text(&'static str),
    /// Choices of these contents and finish reasons.
    Choices(&'static [(&'static str, &'static str)]),
    /// Nothing, ever.
    Hang,
}

/// What the server has been asked, and what it will answer.
#[derive(Default)]
pub struct Script {
    replies: Mutex<VecDeque<Reply>>,
    /// Requests whose client closed the connection before they were answered.
    pub abandoned: AtomicUsize,
    /// Bodies of the requests, in order.
    pub asked: Mutex<Vec<serde_json::Value>>,
    models: &'static str,
    greeting: u16,
}

pub const BLOCK: &str = "```python\nexamples = [dict(a=1), dict(a=2)]\n```";
pub const ONE_MODEL: &str = r#"{"data": [{"id": "small"}]}"#;

/// Starts a server that lists `models` (a status if it is a number) and gives `replies` in order, then [`BLOCK`].
/// Its base URL, and what it was asked.
pub async fn serve(models: &'static str, replies: &[Reply]) -> (String, Arc<Script>) {
    serve_greeting(models, 200, replies).await
}

/// As [`serve`]; the request of one token that a start makes is answered with the status `greeting` and stands neither
/// in the script nor in what was asked.
pub async fn serve_greeting(models: &'static str, greeting: u16, replies: &[Reply]) -> (String, Arc<Script>) {
    let replies = Mutex::new(replies.iter().copied().collect());
    let script = Arc::new(Script { replies, models, greeting, ..Script::default() });
    let app = Router::new()
        .route("/v1/models", get(list))
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(chat))
        .with_state(Arc::clone(&script));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}/v1"), script)
}

async fn list(State(script): State<Arc<Script>>) -> Response {
    match script.models.parse::<u16>() {
        Ok(status) => StatusCode::from_u16(status).expect("a status").into_response(),
        Err(_) => script.models.into_response(),
    }
}

async fn chat(State(script): State<Arc<Script>>, body: String) -> Response {
    let request: serde_json::Value = serde_json::from_str(&body).expect("a JSON request");
    let plain = request.get("prompt").is_some();
    if request["max_tokens"] == 1 {
        return StatusCode::from_u16(script.greeting).expect("a status").into_response();
    }
    script.asked.lock().expect("no test panics in here").push(request);
    let next = script.replies.lock().expect("no test panics in here").pop_front();
    match next.unwrap_or(Reply::Text(BLOCK)) {
        Reply::Status(status, body) => (StatusCode::from_u16(status).expect("a status"), body).into_response(),
        Reply::Throttle(seconds) => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds)]).into_response(),
        Reply::Text(text) => choices(&[(text, "stop")], plain),
        Reply::Choices(answers) => choices(answers, plain),
        Reply::Hang => {
            let _abandoned = Abandoned(script);
            std::future::pending().await
        }
    }
}

/// Counts itself when it is dropped, which the server does when the connection is closed.
struct Abandoned(Arc<Script>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.abandoned.fetch_add(1, Ordering::SeqCst);
    }
}

fn choices(answers: &[(&str, &str)], plain: bool) -> Response {
    let choice = |(index, (text, finish_reason)): (usize, &(&str, &str))| {
        // A thought is no answer, whatever a server calls it.
        let thought = "examples = [dict(a=0)]";
        let message = json!({
            "role": "assistant", "reasoning_content": thought, "reasoning": thought, "content": text,
        });
        match plain {
            true => json!({ "index": index, "text": text, "finish_reason": finish_reason }),
            false => json!({ "index": index, "message": message, "finish_reason": finish_reason }),
        }
    };
    let choices: Vec<_> = answers.iter().enumerate().map(choice).collect();
    let usage = json!({
        "prompt_tokens": 100, "completion_tokens": 20 * answers.len(), "prompt_tokens_details": { "cached_tokens": 64 },
    });
    json!({ "choices": choices, "usage": usage }).to_string().into_response()
}
