//! What many records would complain of at once, said once.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The same words are said again after so long.
const AGAIN: Duration = Duration::from_secs(30);

/// Remembers what was said last, until it is over.
#[derive(Debug, Default)]
pub struct Complaint(Mutex<Option<(String, Instant)>>);

impl Complaint {
    /// Whether to say this now: it is new, or was said long ago.
    pub fn is_due(&self, words: &str) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = last.as_ref().is_some_and(|(said, when)| said == words && when.elapsed() < AGAIN);
        if !fresh {
            *last = Some((words.to_owned(), Instant::now()));
        }
        !fresh
    }

    /// What was complained of is over: when it comes again, it is news.
    pub fn is_over(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_new() {
        let complaint = Complaint::default();
        let due = ["down", "down", "refuses", "refuses", "down"].map(|words| complaint.is_due(words));
        assert_eq!(due, [true, false, true, false, true]);
        complaint.is_over();
        assert!(complaint.is_due("down"));
    }
}
