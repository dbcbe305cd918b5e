//! Which endpoint a request goes to: one that is well and has room; one that fails rests and is probed.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use prometheus::IntGauge;
use tokio::sync::Notify;

use super::{http::Endpoint, limit::Limit, metrics::ClientMetrics};

/// Failures in a row after which an endpoint rests.
const FAILURES: u32 = 3;

/// The first rest; each further one is twice as long.
const FIRST_REST: Duration = Duration::from_secs(1);

/// The longest rest: an endpoint that is back works again this soon.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// How often limits are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// All endpoints of one model.
#[derive(Debug)]
pub struct Pool {
    members: Vec<Arc<Member>>,
    /// Someone may find room now.
    room: Arc<Notify>,
    /// Where the next search begins, so that equals take turns.
    turn: AtomicUsize,
    watch: Option<tokio::task::JoinHandle<()>>,
}

#[derive(Debug)]
struct Member {
    endpoint: Endpoint,
    in_flight: IntGauge,
    limit: IntGauge,
    resting: IntGauge,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: Limit,
    in_flight: usize,
    failures: u32,
    /// Until when it rests, and how long.
    rest: Option<(Instant, Duration)>,
}

impl Member {
    fn state(&self) -> MutexGuard<'_, State> {
        // Plain numbers: whole at every moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How full it is; none if it takes nothing now. One that has rested takes a single request: the probe.
    fn load(&self, now: Instant) -> Option<f64> {
        let most = match self.rest {
            Some((until, _)) if now < until => return None,
            Some(_) => 1,
            None => self.limit.now(),
        };
        (self.in_flight < most).then(|| self.in_flight as f64 / most as f64)
    }
}

/// An endpoint on loan for one request. Say how it went; without a word nothing is learnt of it.
pub struct Lease {
    member: Arc<Member>,
    room: Arc<Notify>,
    begun: Instant,
}

impl Pool {
    /// A pool; `concurrency` is that of each endpoint, found by itself where none is given.
    pub fn new(endpoints: Vec<Endpoint>, concurrency: Option<usize>, metrics: ClientMetrics) -> Self {
        let now = Instant::now();
        let member = |endpoint: Endpoint| {
            let limit = Limit::new(concurrency, now);
            let label = [endpoint.base()];
            let member = Member {
                in_flight: metrics.in_flight.with_label_values(&label),
                limit: metrics.limit.with_label_values(&label),
                resting: metrics.resting.with_label_values(&label),
                state: Mutex::new(State { limit, in_flight: 0, failures: 0, rest: None }),
                endpoint,
            };
            member.limit.set(gauged(member.state().limit.now()));
            Arc::new(member)
        };
        let members: Vec<_> = endpoints.into_iter().map(member).collect();
        let room = Arc::new(Notify::new());
        let watch = concurrency.is_none().then(|| tokio::spawn(watch(members.clone(), Arc::clone(&room))));
        Self { members, room, turn: AtomicUsize::new(0), watch }
    }

    /// Every endpoint, well or not.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.members.iter().map(|member| &member.endpoint)
    }

    /// The least loaded endpoint that takes a request now; waits until there is one.
    pub async fn lease(&self) -> Lease {
        loop {
            let mut room = std::pin::pin!(self.room.notified());
            // In line before the look, so that no word of room is missed after it.
            room.as_mut().enable();
            if let Some(lease) = self.try_lease() {
                return lease;
            }
            // A rest ends without a word.
            let _ = tokio::time::timeout(LOOK_EVERY, room).await;
        }
    }

    fn try_lease(&self) -> Option<Lease> {
        let now = Instant::now();
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.members.len().max(1);
        let in_turn = self.members[first..].iter().chain(&self.members[..first]);
        let loads = in_turn.filter_map(|member| Some((member, member.state().load(now)?)));
        let (member, _) = loads.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let mut state = member.state();
        // Somebody else may have been quicker.
        state.load(now)?;
        state.in_flight += 1;
        member.in_flight.set(gauged(state.in_flight));
        Some(Lease { member: Arc::clone(member), room: Arc::clone(&self.room), begun: now })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.abort();
        }
    }
}

impl Lease {
    /// Where to ask.
    pub fn endpoint(&self) -> &Endpoint {
        &self.member.endpoint
    }

    /// Where that is, for people.
    pub fn base(&self) -> &str {
        self.member.endpoint.base()
    }

    /// It answered.
    pub fn answered(self) {
        let mut state = self.member.state();
        state.limit.answered(self.begun.elapsed());
        state.failures = 0;
        if state.rest.take().is_some() {
            self.member.resting.set(0);
            tracing::info!(endpoint = self.member.endpoint.base(), "an LLM server is back");
        }
    }

    /// It asked for less.
    pub fn throttled(self) {
        self.member.state().limit.throttled(Instant::now());
    }

    /// It failed, in these words of ours and those of its own.
    pub fn failed(self, problem: &str, said: &str) {
        let mut state = self.member.state();
        state.failures += 1;
        if state.failures < FAILURES && state.rest.is_none() {
            return;
        }
        let now = Instant::now();
        match state.rest {
            // Others failed with it: one rest for all of them.
            Some((until, _)) if now < until => {}
            Some((_, last)) => {
                let rest = (last * 2).min(LONGEST_REST);
                state.rest = Some((now + rest, rest));
            }
            None => {
                tracing::warn!(endpoint = self.member.endpoint.base(), problem, said, "an LLM server fails: it rests");
                self.member.resting.set(1);
                state.rest = Some((now + FIRST_REST, FIRST_REST));
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.member.state();
        state.in_flight -= 1;
        self.member.in_flight.set(gauged(state.in_flight));
        drop(state);
        self.room.notify_one();
    }
}

/// Moves the limits that find themselves.
async fn watch(members: Vec<Arc<Member>>, room: Arc<Notify>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        // All at once: a server that does not answer holds up the others' limits for no longer than its own.
        let looks = members.iter().map(|member| async move { (member, member.endpoint.gauges().await) });
        for (member, gauges) in futures_util::future::join_all(looks).await {
            let mut state = member.state();
            let (before, in_flight) = (state.limit.now(), state.in_flight);
            state.limit.look(in_flight, gauges, Instant::now());
            let now = state.limit.now();
            drop(state);
            member.limit.set(gauged(now));
            for _ in before..now {
                room.notify_one();
            }
        }
    }
}

/// A count as a gauge takes it; no count of ours comes near its end.
fn gauged(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
