//! stub
#![allow(missing_docs, unused)]
use pipeline::{error::Failure, reason::*, records::*, stage::*};
use std::sync::Arc;
pub mod settings {
    #[derive(Clone, Debug, clap::Args, serde::Serialize, serde::Deserialize)]
    pub struct WriterSettings {
        #[arg(long, default_value_t = 32)]
        pub concurrency: usize,
    }
    impl WriterSettings {
        pub fn identity(&self) -> serde_json::Value {
            serde_json::json!({})
        }
        pub fn concurrency(&self) -> usize {
            self.concurrency
        }
    }
}
pub mod published {
    pub fn read_inputs(
        source: &str,
        number: u64,
        line: Vec<u8>,
    ) -> Result<pipeline::records::GeneratedInputs, Box<pipeline::records::Rejection>> {
        todo!()
    }
}
pub struct Writer;
impl Writer {
    pub async fn start(
        s: &settings::WriterSettings,
        seed: u64,
        r: &prometheus::Registry,
    ) -> Result<Arc<Self>, Failure> {
        todo!()
    }
    pub fn identity(&self) -> serde_json::Map<String, serde_json::Value> {
        todo!()
    }
}
impl Stage for Writer {
    type Input = Function;
    type Output = GeneratedInputs;
    const NAME: StageName = StageName::WriteInputs;
    async fn process(&self, i: Function) -> Result<Verdict<GeneratedInputs>, StageError> {
        todo!()
    }
}
