//! Work on all cores whose results come in the order of what was given.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

/// Jobs of a stream that may be begun and not taken, a core: one that takes long holds up the results, not the work.
const AHEAD: usize = 4;

/// `work` on each of `jobs`; results in their order.
pub fn in_order<J: Send, R: Send>(jobs: Vec<J>, work: impl Fn(J) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    if cores <= 1 {
        return jobs.into_iter().map(work).collect();
    }
    let slots: Vec<Mutex<(Option<J>, Option<R>)>> = jobs.into_iter().map(|job| Mutex::new((Some(job), None))).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(slot) = slots.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Nobody else takes this slot.
                    let job = slot.lock().unwrap_or_else(PoisonError::into_inner).0.take();
                    let result = job.map(&work);
                    slot.lock().unwrap_or_else(PoisonError::into_inner).1 = result;
                }
            });
        }
    });
    // A thread that panicked ended the scope with its panic: every slot has its result.
    slots.into_iter().filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner).1).collect()
}

/// `work` on each job that `next` gives until it gives none; `take` gets the results on this thread, in the order of the
/// jobs. A thread takes its next job itself: nobody waits for another to hand it one.
///
/// # Errors
/// The first of `take`; no job is begun after it.
pub fn stream<J, R: Send, E>(
    next: impl FnMut() -> Option<J> + Send,
    work: impl Fn(J) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (vacate, places) = mpsc::channel();
    let jobs = Mutex::new((next, places, 0usize));
    let begin = || {
        let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, places, begun) = &mut *jobs;
        places.recv().ok()?;
        let job = next()?;
        *begun += 1;
        Some((*begun - 1, job))
    };
    std::thread::scope(|scope| {
        // Dropped on the way out of here, whichever way: what the threads wait for then ends.
        let vacate = vacate;
        let (done, results) = mpsc::channel();
        for _ in 0..cores {
            let (done, begin, work) = (done.clone(), &begin, &work);
            scope.spawn(move || {
                while let Some((at, job)) = begin() {
                    // A panic is a result, too: the others would wait for it.
                    let result = catch_unwind(AssertUnwindSafe(|| work(job)));
                    if done.send((at, result)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(done);
        // No receiver ends before this scope.
        (0..cores * AHEAD).for_each(|_| _ = vacate.send(()));
        let (mut early, mut turn) = (BTreeMap::new(), 0);
        for (at, result) in results {
            early.insert(at, result);
            while let Some(result) = early.remove(&turn) {
                turn += 1;
                take(result.unwrap_or_else(|panic| resume_unwind(panic)))?;
                _ = vacate.send(());
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::stream;

    #[test]
    fn a_stream_keeps_its_order_and_ends_at_an_error() {
        let mut jobs = 0..1_000u32;
        let mut taken = Vec::new();
        let slow_at_times = |job: u32| (0..job % 7 * 1_000).fold(job, |sum, _| std::hint::black_box(sum));
        let ended: Result<(), ()> = stream(
            || jobs.next(),
            slow_at_times,
            |result| {
                taken.push(result);
                Ok(())
            },
        );
        assert_eq!((ended, taken), (Ok(()), (0..1_000).collect()));

        let mut endless = 0..;
        let ended = stream(|| endless.next(), |job: u32| job, |result| if result < 50 { Ok(()) } else { Err(result) });
        assert_eq!(ended, Err(50));
    }

    #[test]
    #[should_panic(expected = "the third")]
    fn a_panic_goes_on_to_the_caller() {
        let mut jobs = 0..1_000u32;
        let work = |job| assert_ne!(job, 2, "the third");
        let _ = stream(|| jobs.next(), work, |()| Ok::<(), ()>(()));
    }
}
