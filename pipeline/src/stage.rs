//! What a stage is: one record in, one record or one rejection out. It knows no queue and no file.

use std::future::Future;

use crate::{
    message::{Address, DecodeError, Message},
    reason::StageName,
    records::{Function, Record, Rejection, RepairRequest},
};

/// What a stage can take: one type of record, or one of several.
pub trait Input: Clone + Send + Sync + 'static {
    /// Reads the body of a message; none where its type is of another stage.
    fn read(message: &Message) -> Option<Result<Self, DecodeError>>;

    /// The id of the function that it is about.
    fn id(&self) -> &str;

    /// The function that it is about.
    fn function(&self) -> &Function;
}

impl<T: Record> Input for T {
    fn read(message: &Message) -> Option<Result<Self, DecodeError>> {
        (message.record_type == T::TYPE).then(|| message.decode())
    }

    fn id(&self) -> &str {
        Record::id(self)
    }

    fn function(&self) -> &Function {
        Record::function(self)
    }
}

/// What a stage can make: one type of record, or one of several.
pub trait Output: Send + 'static {
    /// Puts it on its way.
    fn message(&self, address: Address) -> Message;
}

impl<T: Record> Output for T {
    fn message(&self, address: Address) -> Message {
        Message::of(address, self)
    }
}

/// One hop of the pipeline, free of transport. The consume loop and the JSON Lines filter both drive it.
pub trait Stage: Send + Sync + 'static {
    /// The record that it takes.
    type Input: Input;
    /// The record that it makes.
    type Output: Output;
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
    /// Its inputs are to be mended by whoever wrote them; where nobody does that, the second verdict counts.
    Repair(Box<RepairRequest>, Box<Verdict<T>>),
}

impl<T> Verdict<T> {
    /// The same about what `make` makes of the record that goes on.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Verdict<U> {
        match self {
            Self::Pass(record) => Verdict::Pass(make(record)),
            Self::Reject(rejection) => Verdict::Reject(rejection),
            Self::Repair(request, otherwise) => Verdict::Repair(request, Box::new(otherwise.map(make))),
        }
    }

    /// What becomes of it where nobody mends inputs.
    ///
    /// # Errors
    /// It ends here.
    pub fn without_repair(self) -> Result<T, Box<Rejection>> {
        match self {
            Self::Pass(record) => Ok(record),
            Self::Reject(rejection) => Err(rejection),
            Self::Repair(_, otherwise) => otherwise.without_repair(),
        }
    }
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
