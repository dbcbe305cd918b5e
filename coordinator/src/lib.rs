//! Everything around the workers: collection, the run, the sink, the samples.

pub mod collect;
