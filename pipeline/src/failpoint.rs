//! Points at which a test kills the process. Without the cargo feature `failpoints` they are nothing at all; with it,
//! `CASE2CODE_FAILPOINT=NAME=N` aborts the process when `NAME` is passed for the `N`-th time. They stand only where
//! the queue and the sink make something durable.

/// Passes a point, or dies at it.
#[inline]
pub fn pass(name: &str) {
    if is_hit(name) {
        std::process::abort();
    }
}

/// Passes a record that is about to be worked, or dies of it: `CASE2CODE_FAILPOINT=deliver:TEXT=1` makes every record with `TEXT` in it one that
/// crashes its worker.
#[cfg_attr(not(feature = "failpoints"), inline, expect(unused_variables, reason = "nothing looks at it"))]
pub fn deliver(body: &[u8]) {
    #[cfg(feature = "failpoints")]
    if let Some(armed) = armed::point()
        && let Some(text) = armed.name.strip_prefix("deliver:")
        && body.windows(text.len().max(1)).any(|window| window == text.as_bytes())
    {
        std::process::abort();
    }
}

/// Whether this is where to die; for points that do half of something first.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn is_hit(_name: &str) -> bool {
    false
}

/// Whether this is where to die; for points that do half of something first.
#[cfg(feature = "failpoints")]
pub fn is_hit(name: &str) -> bool {
    use std::sync::atomic::Ordering;
    armed::point().is_some_and(|armed| armed.name == name && armed.passes_left.fetch_sub(1, Ordering::SeqCst) == 1)
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::{OnceLock, atomic::AtomicI64};

    pub struct Point {
        pub name: String,
        pub passes_left: AtomicI64,
    }

    pub fn point() -> Option<&'static Point> {
        static POINT: OnceLock<Option<Point>> = OnceLock::new();
        let read = || {
            let text = std::env::var("CASE2CODE_FAILPOINT").ok()?;
            let (name, passes) = text.rsplit_once('=')?;
            Some(Point { name: name.to_owned(), passes_left: AtomicI64::new(passes.parse().ok()?) })
        };
        POINT.get_or_init(read).as_ref()
    }
}
