//! stub
#![allow(missing_docs, unused)]
use pipeline::{error::Failure, reason::*, records::*, stage::*};
use std::sync::Arc;
pub mod settings {
    #[derive(Clone, Debug, clap::Args, serde::Serialize, serde::Deserialize)]
    pub struct ExecSettings {
        #[arg(long, default_value_t = 32)]
        pub slots: usize,
    }
    impl ExecSettings {
        pub fn identity(&self) -> serde_json::Value {
            serde_json::json!({})
        }
    }
}
pub struct Executor;
impl Executor {
    pub async fn start(s: &settings::ExecSettings, r: &prometheus::Registry) -> Result<Arc<Self>, Failure> {
        todo!()
    }
    pub fn slots(&self) -> usize {
        1
    }
    pub async fn shutdown(&self) {}
    pub fn info(&self) -> SandboxInfo {
        todo!()
    }
}
impl Stage for Executor {
    type Input = GeneratedInputs;
    type Output = ExecutedFunction;
    const NAME: StageName = StageName::Execute;
    async fn process(&self, i: GeneratedInputs) -> Result<Verdict<ExecutedFunction>, StageError> {
        todo!()
    }
}
impl settings::ExecSettings {
    pub fn with_backend(&self, b: &str) -> Self {
        self.clone()
    }
}
