//! How many requests one endpoint gets at once.
//!
//! A server such as vLLM turns nobody away: it queues, and only gets slower. So the limit follows what the server says of
//! its own queue where it says so ([`super::gauges`]), and otherwise what became of the rate when the limit last grew: a
//! server that is full gives no more answers for more requests.

use std::time::{Duration, Instant};

use super::gauges::Gauges;

/// What a new endpoint gets.
const FIRST: usize = 16;

/// What an endpoint gets at the least.
const LEAST: usize = 4;

/// What an endpoint gets at the most unless a number is given.
pub const MOST: usize = 512;

/// Requests that may wait in the server's queue: enough that it never runs dry between two looks.
const QUEUED: usize = 12;

/// Share of a growth of the limit that has to show in the rate for the limit to stay grown.
const WORTHWHILE: f64 = 0.5;

/// How long a limit that proved right is left alone before a larger one is tried again.
const REST: Duration = Duration::from_secs(30);

/// Shortest time over which a rate is taken.
const SHORTEST: Duration = Duration::from_secs(1);

/// Answers that a rate is taken of, at the least.
const ANSWERS: u64 = 16;

/// The limit of one endpoint.
#[derive(Debug)]
pub struct Limit {
    now: usize,
    most: usize,
    /// A number that was given does not move.
    fixed: bool,
    epoch: Epoch,
    /// The largest limit that was worth it, with its rate.
    good: Option<(usize, f64)>,
    rest_until: Option<Instant>,
    throttled: Option<Instant>,
    /// Whether its queue was ever seen: then the limit is about right, and an empty queue may be a moment between two waves.
    queued: bool,
}

/// What happened since the limit last moved.
#[derive(Debug)]
struct Epoch {
    begun: Instant,
    answers: u64,
    latency: Duration,
    /// Looks at which the limit was used up, and all looks.
    full: u32,
    looks: u32,
}

impl Epoch {
    fn new(now: Instant) -> Self {
        Self { begun: now, answers: 0, latency: Duration::ZERO, full: 0, looks: 0 }
    }
}

impl Limit {
    /// A number, or one that finds itself.
    pub fn new(number: Option<usize>, now: Instant) -> Self {
        let most = number.unwrap_or(MOST).max(1);
        let first = if number.is_some() { most } else { FIRST.min(most) };
        let fixed = number.is_some();
        Self {
            now: first,
            most,
            fixed,
            epoch: Epoch::new(now),
            good: None,
            rest_until: None,
            throttled: None,
            queued: false,
        }
    }

    /// Requests at once.
    pub fn now(&self) -> usize {
        self.now
    }

    /// An answer came.
    pub fn answered(&mut self, latency: Duration) {
        self.epoch.answers += 1;
        self.epoch.latency += latency;
    }

    /// The server asked for less.
    pub fn throttled(&mut self, now: Instant) {
        let recently = self.throttled.is_some_and(|then| now - then < SHORTEST);
        if !self.fixed && !recently {
            self.throttled = Some(now);
            self.moves_to(self.now * 3 / 4, now);
        }
    }

    /// Moves, now and then. `in_flight` is how many requests are out.
    pub fn look(&mut self, in_flight: usize, gauges: Option<Gauges>, now: Instant) {
        if self.fixed {
            return;
        }
        self.epoch.looks += 1;
        // A few of many are always between two requests.
        self.epoch.full += u32::from(in_flight * 10 >= self.now * 9);
        match gauges {
            Some(gauges) => self.follow(gauges, now),
            None => self.climb(now),
        }
    }

    /// Keeps a few requests in the server's queue.
    fn follow(&mut self, Gauges { waiting, .. }: Gauges, now: Instant) {
        let full = self.epoch.full == self.epoch.looks;
        self.queued |= waiting > 0;
        let next = match waiting {
            0 if full && self.queued => self.now + QUEUED / 2,
            0 if full => self.now + (self.now / 4).max(2),
            // Its queue is long, whoever filled it: what is over goes.
            _ if waiting > 2 * QUEUED => self.now.saturating_sub((waiting - QUEUED).min(self.now / 2)),
            _ if waiting > QUEUED => self.now.saturating_sub(1),
            _ if waiting < QUEUED / 2 && full => self.now + 1,
            _ => self.now,
        };
        self.moves_to(next, now);
    }

    /// Grows while growing pays.
    fn climb(&mut self, now: Instant) {
        let Epoch { begun, answers, latency, full, looks } = self.epoch;
        let (lasted, enough) = (now - begun, ANSWERS.max(2 * self.now as u64));
        let mean = latency.div_f64(answers.max(1) as f64);
        if answers < enough || lasted < SHORTEST.max(2 * mean) {
            return;
        }
        let rate = answers as f64 / lasted.as_secs_f64();
        if full * 4 < looks * 3 {
            self.epoch = Epoch::new(now); // there was not enough to do to learn anything
            return;
        }
        let Some((limit, before)) = self.good.filter(|(limit, _)| *limit != self.now) else {
            // Nothing to compare with: this is what others are compared with.
            self.good = Some((self.now, rate));
            let resting = self.rest_until.is_some_and(|until| now < until);
            return if resting { self.epoch = Epoch::new(now) } else { self.moves_to(self.grown(), now) };
        };
        // How much of the change of the limit shows in the rate: 1 below what the server can do, 0 above it.
        let shows = (rate / before).ln() / (self.now as f64 / limit as f64).ln();
        match (self.now > limit, shows >= WORTHWHILE) {
            (true, true) => {
                self.good = Some((self.now, rate));
                self.moves_to(self.grown(), now);
            }
            // No more answers for more requests, or as many for fewer: less will do.
            (true, false) => self.moves_to(limit - limit / 4, now),
            (false, false) => {
                self.good = Some((self.now, rate));
                self.moves_to(self.now - self.now / 4, now);
            }
            (false, true) => {
                self.rest_until = Some(now + REST);
                // A little over what was enough keeps the server's queue from running dry.
                self.moves_to(limit + limit / 10 + 1, now);
                self.good = None;
            }
        }
    }

    fn grown(&self) -> usize {
        self.now + (self.now / 2).max(2)
    }

    fn moves_to(&mut self, next: usize, now: Instant) {
        self.now = next.clamp(LEAST.min(self.most), self.most);
        self.epoch = Epoch::new(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server of `slots` that takes half a second for an answer, looked at twice a second; gives the limit after
    /// `seconds` and the longest queue after the first ten.
    fn play(slots: usize, seconds: u32, tells: bool) -> (usize, usize) {
        let start = Instant::now();
        let mut limit = Limit::new(None, start);
        let (mut longest, mut owed) = (0, 0.0);
        for tick in 1..=2 * seconds {
            let now = start + Duration::from_millis(500) * tick;
            let (in_flight, running) = (limit.now(), limit.now().min(slots));
            let waiting = in_flight - running;
            // Half a second of work of each slot is one answer; what waits makes each wait longer (Little's law).
            owed += running as f64;
            let latency = Duration::from_secs_f64(0.5 * in_flight as f64 / running as f64);
            while owed >= 1.0 {
                limit.answered(latency);
                owed -= 1.0;
            }
            limit.look(in_flight, tells.then_some(Gauges { waiting, running }), now);
            if tick > 20 {
                longest = longest.max(waiting);
            }
        }
        (limit.now(), longest)
    }

    #[test]
    fn finds_what_a_server_can_do() {
        for slots in [4, 64, 300] {
            let (limit, longest) = play(slots, 120, true);
            assert!(limit >= slots && limit <= slots + 2 * QUEUED, "{slots} slots that are told: {limit}");
            assert!(longest < 32, "{slots} slots that are told: a queue of {longest}");
            let (limit, _) = play(slots, 120, false);
            assert!(limit * 10 >= slots * 9 && limit <= slots * 2, "{slots} slots in the dark: {limit}");
        }
    }

    /// Requests that were sent together are answered together: between two such waves a full server's queue is empty.
    #[test]
    fn an_empty_queue_between_two_waves_floods_nobody() {
        let start = Instant::now();
        let mut limit = Limit::new(Some(72), start);
        limit.fixed = false;
        limit.most = MOST;
        for (waiting, second) in [(8, 1), (0, 2)] {
            let now = start + Duration::from_secs(second);
            limit.look(72, Some(Gauges { waiting, running: 64 }), now);
        }
        assert!(limit.now() <= 72 + QUEUED, "{}", limit.now());
    }

    #[test]
    fn a_number_stays_and_a_server_that_complains_gets_less() {
        let start = Instant::now();
        let mut fixed = Limit::new(Some(7), start);
        fixed.throttled(start);
        fixed.look(7, Some(Gauges { waiting: 1000, running: 7 }), start);
        assert_eq!(fixed.now(), 7);
        let mut auto = Limit::new(None, start);
        auto.throttled(start);
        auto.throttled(start);
        assert_eq!(auto.now(), FIRST * 3 / 4);
    }
}
