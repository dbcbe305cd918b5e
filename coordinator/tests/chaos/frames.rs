//! What passes on a connection from the broker, frame by frame (AMQP 0-9-1 specification, section 4.2.3): counted, and
//! swallowed where a case asks for it.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// What a broker says that tells of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// A message comes again.
    Redelivered,
    /// A message had no queue to go to.
    Returned,
    /// A message was not taken.
    Nacked,
    /// A consumer was ended.
    Cancelled,
    /// A channel was ended.
    ChannelClosed,
    /// A publisher was told to wait.
    Blocked,
    /// A delivery that we made vanish.
    Swallowed,
}

/// How often each sign was seen.
#[derive(Default)]
pub struct Signs {
    counts: Mutex<BTreeMap<Sign, u64>>,
    /// Deliveries that are still to be swallowed.
    pub to_swallow: AtomicU64,
}

impl Signs {
    pub fn count(&self, sign: Sign) -> u64 {
        self.counts.lock().expect("nobody panics in here").get(&sign).copied().unwrap_or(0)
    }

    fn see(&self, sign: Sign) {
        *self.counts.lock().expect("nobody panics in here").entry(sign).or_default() += 1;
    }
}

/// One connection's frames from the broker.
#[derive(Default)]
pub struct Frames {
    pending: Vec<u8>,
    /// The channel whose delivery is being swallowed, and the bytes of its body that are still to come.
    swallowing: Option<(u16, Option<u64>)>,
}

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
/// Type, channel and size before a frame's payload; its end mark after it.
const AROUND: usize = 8;

impl Frames {
    /// Takes in what the broker sent; gives what is to be passed on. What is not a whole frame yet waits.
    pub fn pass(&mut self, bytes: &[u8], signs: &Signs) -> Vec<u8> {
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(bytes);
        let (mut passed, mut taken) = (Vec::with_capacity(pending.len()), 0);
        while let Some(frame) = whole(&pending[taken..]) {
            taken += frame.len();
            if !self.is_swallowed(frame, signs) {
                passed.extend_from_slice(frame);
            }
        }
        self.pending = pending.split_off(taken);
        passed
    }

    fn is_swallowed(&mut self, frame: &[u8], signs: &Signs) -> bool {
        let (kind, channel, payload) = (frame[0], u16::from_be_bytes([frame[1], frame[2]]), &frame[7..frame.len() - 1]);
        if let Some((swallowed, left)) = self.swallowing
            && swallowed == channel
        {
            let left = match (kind, left) {
                // Class, weight, size of the body.
                (HEADER, None) => u64::from_be_bytes(payload[4..12].try_into().expect("eight bytes")),
                (BODY, Some(left)) => left - payload.len() as u64,
                _ => unreachable!("a method in the middle of a delivery"),
            };
            self.swallowing = (left > 0).then_some((channel, Some(left)));
            return true;
        }
        if kind != METHOD {
            return false;
        }
        let method = (u16::from_be_bytes([payload[0], payload[1]]), u16::from_be_bytes([payload[2], payload[3]]));
        match method {
            (60, 60) => {
                // Consumer tag (a short string), delivery tag, redelivered.
                let redelivered = payload[5 + usize::from(payload[4]) + 8] & 1 == 1;
                if redelivered {
                    signs.see(Sign::Redelivered);
                }
                let take = |left: u64| left.checked_sub(1);
                if signs.to_swallow.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
                    signs.see(Sign::Swallowed);
                    self.swallowing = Some((channel, None));
                    return true;
                }
            }
            (60, 50) => signs.see(Sign::Returned),
            (60, 120) => signs.see(Sign::Nacked),
            (60, 30) => signs.see(Sign::Cancelled),
            (20, 40) => signs.see(Sign::ChannelClosed),
            (10, 60) => signs.see(Sign::Blocked),
            _ => {}
        }
        false
    }
}

fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let size = u32::from_be_bytes(bytes.get(3..7)?.try_into().expect("four bytes"));
    bytes.get(..size as usize + AROUND)
}
