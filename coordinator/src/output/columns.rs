//! The columns of the parts. The Parquet schema and the dataset card are both made from these tables.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};

/// A column of a part, named as the field of the record.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What a cell holds.
    pub kind: Kind,
    /// What it means, for the card.
    pub doc: &'static str,
}

/// What a cell holds. No cell is null but those of `MaybeShare`; inside `Examples`, `output` and `error` may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A list of `{role, content}`.
    Messages,
    /// A list of `{input, output, error}`.
    Examples,
    /// A list of 32-bit integers.
    Indices,
    /// A list of strings.
    Names,
    /// A 32-bit integer.
    Count,
    /// A number from 0 to 1.
    Share,
    /// A number from 0 to 1, or null.
    MaybeShare,
    /// Any JSON value, as a string: its shape differs from row to row, which no column type allows for.
    Json,
}

const fn column(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, doc }
}

/// Columns of `data/`, in order: the fields of [`pipeline::records::Sample`].
pub const SAMPLES: [Column; 18] = [
    column("id", Kind::Text, "the function's id; `{function}/{task}/{k}` where a function has several rows"),
    column(
        "task",
        Kind::Text,
        "kind of sample: `induction` shows examples and asks for the program, `deduction` shows program and input and asks \
         for the output, `abduction` shows program and output and asks for an input",
    ),
    column("prompt", Kind::Text, "the question"),
    column("output", Kind::Text, "the answer"),
    column("messages", Kind::Messages, "question and answer as a conversation"),
    column("function_name", Kind::Text, "name of the function"),
    column("code", Kind::Text, "the function and what it needs of its module: a program that runs alone"),
    column(
        "examples",
        Kind::Examples,
        "every example, shown or held out: `input` as the source of keyword arguments, and either `output` (the \
         `repr` of what came back) or `error` (type and message of what was raised); the other one is null",
    ),
    column("shown", Kind::Indices, "which of `examples` the prompt shows, in the order shown, counted from 0"),
    column("parameters", Kind::Names, "names of the function's parameters, in order"),
    column("lines", Kind::Count, "statements of the function that run, nested ones included"),
    column(
        "branches",
        Kind::Count,
        "ways that its `if`, `for`, `while`, `match` and `except` offer, the way past them included where it shows in \
         lines",
    ),
    column("coverage", Kind::MaybeShare, "share of `lines` that the examples reach; null where it was not measured"),
    column("distinct_outputs", Kind::Count, "different outputs, by value, among the examples that return"),
    column("top_output_share", Kind::Share, "share of the most frequent output among the examples that return"),
    column("error_share", Kind::Share, "share of the examples that raise"),
    column("meta", Kind::Json, "columns kept from the raw row, such as its licence"),
    column(
        "provenance",
        Kind::Json,
        "what made the sample: model, prompt and its hash, seeds, Python version, sandbox image, pipeline version, licence",
    ),
];

/// Columns of `rejected/`, in order: the fields of [`pipeline::records::Rejection`].
pub const REJECTIONS: [Column; 5] = [
    column("id", Kind::Text, "the function's id; `path:line` for a row or file that could not be read"),
    column("stage", Kind::Text, "the stage that turned it down: `collect`, `write-inputs`, `execute`, `assemble`"),
    column("reason", Kind::Text, "why, one of a fixed set of names"),
    column("detail", Kind::Text, "the same for a reader, in one line"),
    column("record", Kind::Json, "the function as it was; for `collect` the raw row"),
];

impl Kind {
    /// Its Arrow type.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text | Self::Json => DataType::Utf8,
            Self::Messages => list(DataType::Struct(message_fields())),
            Self::Examples => list(DataType::Struct(example_fields())),
            Self::Indices => list(DataType::Int32),
            Self::Names => list(DataType::Utf8),
            Self::Count => DataType::Int32,
            Self::Share | Self::MaybeShare => DataType::Float64,
        }
    }

    /// Its type in words, for the card.
    pub fn label(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Messages => "list of {role, content}",
            Self::Examples => "list of {input, output, error}",
            Self::Indices => "list of int32",
            Self::Names => "list of string",
            Self::Count => "int32",
            Self::Share => "float64",
            Self::MaybeShare => "float64 or null",
            Self::Json => "JSON in a string",
        }
    }
}

/// Fields of an entry of `messages`.
pub fn message_fields() -> Fields {
    vec![Field::new("role", DataType::Utf8, false), Field::new("content", DataType::Utf8, false)].into()
}

/// Fields of an entry of `examples`.
pub fn example_fields() -> Fields {
    vec![
        Field::new("input", DataType::Utf8, false),
        Field::new("output", DataType::Utf8, true),
        Field::new("error", DataType::Utf8, true),
    ]
    .into()
}

/// The entry of a list column: `element`, as the Parquet format names it.
pub fn element(data_type: DataType) -> Arc<Field> {
    Arc::new(Field::new("element", data_type, false))
}

fn list(data_type: DataType) -> DataType {
    DataType::List(element(data_type))
}

/// The Arrow schema of `columns`.
pub fn schema(columns: &[Column]) -> Arc<Schema> {
    let field = |Column { name, kind, .. }: &Column| Field::new(*name, kind.data_type(), *kind == Kind::MaybeShare);
    let fields: Vec<Field> = columns.iter().map(field).collect();
    Arc::new(Schema::new(fields))
}
