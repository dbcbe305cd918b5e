//! A model's answers to a Case2Code test set, scored as published and by value.
//!
//! Modules, in the order in which the data meets them:
//!
//! - [`settings`]: how it is scored
//! - [`item`]: the test set, [`completion`]: the answers to it, both from [`lines`]
//! - [`generate`]: a model's answers, to a [`question`] about each item
//! - [`programs`]: where code runs, here or in a [`fleet`]
//! - [`standard`]: what an item's own code says of its inputs; [`value`]: what its reprs stand for, as `repr` reads them
//! - [`published`]: the published rule
//! - [`verdict`]: what a completion did, judged both ways
//! - [`evaluation`]: all of it, into a [`folder`]
//! - [`score`]: pass@k; [`summary`]: the figures, as a [`table`] and as a [`page`]
//! - [`compare`]: two evaluations side by side
//! - [`make_test`]: a test set from samples, in `row`s, none of them `alike` to another sample
//! - [`progress`]: the line on the terminal

mod alike;
pub mod compare;
pub mod completion;
pub mod evaluation;
pub mod fleet;
pub mod folder;
pub mod generate;
pub mod item;
pub mod lines;
pub mod make_test;
pub mod page;
pub mod programs;
pub mod progress;
pub mod published;
pub mod question;
mod repr;
mod row;
pub mod score;
pub mod settings;
pub mod standard;
pub mod summary;
pub mod table;
pub mod value;
pub mod verdict;
