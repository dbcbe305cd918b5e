//! The files that a run leaves: parts, the dataset card, the report (DESIGN §4).
//!
//! - [`columns`]: the columns of the parts, documented once
//! - [`rows`]: records as rows of these columns and back
//! - [`parts`]: writes the parts of a shard, each in one step
//! - [`read`]: reads them back
//! - [`stages`]: every record as it came
//! - [`card`]: README.md, by which `datasets` loads the folder
//! - [`figures`]: distributions over samples
//! - [`report`]: the page `report.html`

pub mod card;
pub mod columns;
pub mod figures;
pub mod parts;
pub mod read;
pub mod report;
pub mod rows;
pub mod stages;

pub use parts::PartWriter;
pub use read::{read_rejections, read_samples};
pub use stages::StageSettings;
