//! The pool's successors, over namespace sandboxes whose opening and answers the tests can spoil.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use clap::{Args, Command, FromArgMatches};
use tokio::io::{AsyncRead, ReadBuf};
use worker_exec::{
    ExecSettings,
    pool::{self, Pool},
    sandbox::{self, Link, Opening, Sandbox},
};

const DEADLINE: Duration = Duration::from_secs(60);

/// What the tests do to sandboxes, and how many were opened.
#[derive(Default)]
struct Spoil {
    opened: AtomicUsize,
    refuse: AtomicBool,
    wrong_answers: Arc<AtomicBool>,
}

struct Spoilt(Arc<dyn Sandbox>, Arc<Spoil>);

impl Sandbox for Spoilt {
    fn name(&self) -> &'static str {
        "spoilt"
    }

    fn image_digest(&self) -> Option<String> {
        None
    }

    fn open(&self) -> Opening<'_> {
        Box::pin(async {
            self.1.opened.fetch_add(1, SeqCst);
            anyhow::ensure!(!self.1.refuse.load(SeqCst), "refused by the test");
            let link = self.0.open().await?;
            let output = Box::new(Falsified(link.output, Arc::clone(&self.1.wrong_answers)));
            Ok(Link { output, ..link })
        })
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.close()
    }
}

/// Puts 43 for 42 while it is told to.
struct Falsified(Box<dyn AsyncRead + Send + Unpin>, Arc<AtomicBool>);

impl AsyncRead for Falsified {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.0).poll_read(context, buffer);
        let new = &mut buffer.filled_mut()[before..];
        if self.1.load(SeqCst)
            && let Some(at) = new.windows(2).position(|two| two == b"42")
        {
            new[at + 1] = b'3';
        }
        read
    }
}

async fn pool(slots: usize, programs: u64) -> (Pool, Arc<Spoil>) {
    let flags = ExecSettings::augment_args(Command::new("test"));
    let matches = flags.get_matches_from(["test", "--sandbox", "namespace", "--python", "/usr/bin/python3"]);
    let settings = ExecSettings::from_arg_matches(&matches).expect("settings");
    let namespace = sandbox::choose(&settings).await.expect("this test needs the namespace sandbox");
    let spoil = Arc::new(Spoil::default());
    (pool::new(Arc::new(Spoilt(namespace, Arc::clone(&spoil))), slots, programs).expect("a pool"), spoil)
}

async fn opened(spoil: &Spoil, count: usize) {
    let begun = Instant::now();
    while spoil.opened.load(SeqCst) < count {
        assert!(begun.elapsed() < DEADLINE, "{} opened, not {count}", spoil.opened.load(SeqCst));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_successor_is_begun_before_the_last_program() {
    let (pool, spoil) = pool(1, 8).await;
    let mut served = Vec::new();
    for _ in 0..12 {
        let mut lease = pool.get().await.expect("a sandbox");
        lease.check().await.expect("an answer");
        served.push(lease.served);
        if lease.served == 6 {
            drop(lease);
            opened(&spoil, served.len() / 7 + 2).await; // nobody asked for it
        }
    }
    // Each has answered once when it was opened, and once more if it had to wait for its turn.
    let retired = served.windows(2).filter(|two| two[1] < two[0]).count();
    assert!(served.iter().all(|served| *served <= 8) && retired >= 1, "{served:?}");
    pool.close();
    pool.manager().close().await;
}

#[tokio::test]
async fn a_suspect_one_is_replaced_at_once_and_never_by_too_many() {
    let (pool, spoil) = pool(4, 0).await;
    let mut leases = Vec::new();
    for _ in 0..4 {
        leases.push(pool.get().await.expect("a sandbox"));
    }
    for lease in &mut leases {
        lease.retired = Some("the test says so".into());
    }
    drop(leases);
    opened(&spoil, 4 + 2).await;
    let mut leases = Vec::new();
    for _ in 0..4 {
        let lease = pool.get().await.expect("a sandbox");
        assert!(lease.retired.is_none());
        leases.push(lease);
    }
    assert_eq!(spoil.opened.load(SeqCst), 8, "two successors, and two more for who found none");
}

#[tokio::test]
async fn what_fails_in_the_background_is_told_to_the_next_lease() {
    let (pool, spoil) = pool(1, 0).await;
    let mut lease = pool.get().await.expect("a sandbox");
    spoil.refuse.store(true, SeqCst);
    lease.retired = Some("the test says so".into());
    drop(lease);
    opened(&spoil, 2).await;
    spoil.refuse.store(false, SeqCst);
    let Err(error) = pool.get().await else { panic!("the failure was lost") };
    assert!(error.to_string().contains("refused by the test"), "{error}");
    pool.get().await.expect("a sandbox, now that nothing refuses");
    assert_eq!(spoil.opened.load(SeqCst), 3);
}

#[tokio::test]
async fn a_wrong_answer_between_programs_retires() {
    let (pool, spoil) = pool(1, 0).await;
    let mut lease = pool.get().await.expect("a sandbox");
    while lease.served < 101 {
        lease.check().await.expect("an answer");
    }
    spoil.wrong_answers.store(true, SeqCst);
    drop(lease);
    // The check of the one that comes back fails, and so does the first of each new one.
    let Err(error) = pool.get().await else { panic!("a sandbox that gives wrong answers was handed out") };
    assert!(error.to_string().contains("known answer"), "{error}");
    spoil.wrong_answers.store(false, SeqCst);
    let lease = pool.get().await.expect("a sandbox");
    assert_eq!((lease.served, spoil.opened.load(SeqCst)), (1, 3));
}
