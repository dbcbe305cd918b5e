//! What a stage is: one record in, one record or one rejection out. It knows no queue and no file.

use std::future::Future;

use crate::{
    reason::StageName,
    records::{Record, Rejection},
};

/// One hop of the pipeline, free of transport. The consume loop and the JSON Lines filter both drive it.
pub trait Stage: Send + Sync + 'static {
    /// The record that it takes.
    type Input: Record;
    /// The record that it makes.
    type Output: Record;
    /// Its name in rejections, metrics and logs.
    const NAME: StageName;

    /// Works one record of a run with that seed, from which all randomness of ours comes. Called many times at once.
    ///
    /// A misbehaving *program* or *answer* is a [`Verdict`]; a misbehaving *service* is an [`Err`] and never becomes a
    /// statement about the record. The same record under the same settings gives the same verdict, whatever came
    /// before it.
    fn process(
        &self,
        input: Self::Input,
        seed: u64,
    ) -> impl Future<Output = Result<Verdict<Self::Output>, StageError>> + Send;
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict<T> {
    /// It goes on to the next stage.
    Pass(T),
    /// It ends here.
    Reject(Box<Rejection>),
}

impl<T> From<Rejection> for Verdict<T> {
    fn from(rejection: Rejection) -> Self {
        Self::Reject(Box::new(rejection))
    }
}

/// Why a record could not be worked this time.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StageError {
    /// A service that the stage needs is down. The record waits and comes back; it counts against nobody.
    #[error("{0}")]
    Unavailable(String),
    /// This attempt failed although the service has since been seen to work: it counts against the record, which is
    /// rejected as `poison` after [`crate::consume::MAX_ATTEMPTS`].
    #[error("{0}")]
    Failed(String),
}
