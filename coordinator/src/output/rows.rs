//! Records as rows of typed columns, and back.

use std::{borrow::Cow, io::Write, sync::Arc};

use anyhow::{Context, bail};
use arrow::{
    array::{
        Array, ArrayRef, AsArray, Float64Array, Int32Array, Int32Builder, ListArray, ListBuilder, RecordBatch,
        StringArray, StringBuilder, StructArray,
    },
    buffer::OffsetBuffer,
    datatypes::{DataType, Fields, Float64Type, Int32Type},
};
use pipeline::records::{ChatMessage, Example, Measures, Rejection, Sample};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::assemble::Format;

use super::columns::{Column, REJECTIONS, SAMPLES, element, example_fields, message_fields, schema};

/// A record that a part holds.
pub trait Row: Serialize + DeserializeOwned + Sized {
    /// The folder of its parts.
    const FOLDER: &'static str;
    /// Its columns.
    const COLUMNS: &'static [Column];

    /// About how many bytes it takes, so that a batch stays far below the 2 GiB that a column of strings can hold.
    fn weight(&self) -> usize;

    /// Rows as columns.
    ///
    /// # Errors
    /// A value that the column cannot hold.
    fn encode(rows: &[&Self]) -> anyhow::Result<RecordBatch>;

    /// The row as a line of JSON, without its end.
    ///
    /// # Errors
    /// The other end refuses.
    fn write_line(&self, to: &mut impl Write, _format: Format) -> serde_json::Result<()> {
        serde_json::to_writer(to, self)
    }

    /// A row from a line of JSON.
    ///
    /// # Errors
    /// It is no such row.
    fn read_line(line: &str) -> serde_json::Result<Self> {
        serde_json::from_str(line)
    }

    /// Columns as rows.
    ///
    /// # Errors
    /// A column is missing or of another type.
    fn decode(batch: &RecordBatch) -> anyhow::Result<Vec<Self>>;
}

impl Row for Sample {
    const FOLDER: &'static str = "data";
    const COLUMNS: &'static [Column] = &SAMPLES;

    fn write_line(&self, to: &mut impl Write, format: Format) -> serde_json::Result<()> {
        match format {
            Format::Reference => serde_json::to_writer(to, &Published::of(self)),
            Format::Parquet | Format::Jsonl => serde_json::to_writer(to, self),
        }
    }

    fn read_line(line: &str) -> serde_json::Result<Self> {
        serde_json::from_str(line).or_else(|error| {
            // A row in the published form has no task.
            serde_json::from_str::<Published<'_>>(line).map(Published::into_sample).map_err(|_| error)
        })
    }

    fn weight(&self) -> usize {
        let examples = self.examples.iter().map(|example| {
            let Example { input, output, error } = example;
            input.len() + output.as_ref().map_or(0, String::len) + error.as_ref().map_or(0, String::len)
        });
        // Prompt and answer stand in `messages` too; `meta` may be anything.
        2 * (self.prompt.len() + self.output.len())
            + self.code.len()
            + examples.sum::<usize>()
            + self.meta.values().map(json_weight).sum::<usize>()
    }

    fn encode(rows: &[&Self]) -> anyhow::Result<RecordBatch> {
        let mut shown = ListBuilder::new(Int32Builder::new()).with_field(element(DataType::Int32));
        for row in rows {
            for index in &row.shown {
                shown.values().append_value(i32::try_from(*index).context("an index in `shown` is out of range")?);
            }
            shown.append(true);
        }
        let mut parameters = ListBuilder::new(StringBuilder::new()).with_field(element(DataType::Utf8));
        for row in rows {
            row.measures.parameters.iter().for_each(|name| parameters.values().append_value(name));
            parameters.append(true);
        }
        let measures = || rows.iter().map(|row| &row.measures);
        let columns: Vec<ArrayRef> = vec![
            text(rows.iter().map(|row| &row.id)),
            text(rows.iter().map(|row| &row.task)),
            text(rows.iter().map(|row| &row.prompt)),
            text(rows.iter().map(|row| &row.output)),
            messages(rows)?,
            text(rows.iter().map(|row| &row.function_name)),
            text(rows.iter().map(|row| &row.code)),
            examples(rows)?,
            Arc::new(shown.finish()),
            Arc::new(parameters.finish()),
            counts(measures().map(|of| of.lines))?,
            counts(measures().map(|of| of.branches))?,
            Arc::new(measures().map(|of| of.coverage).collect::<Float64Array>()),
            counts(measures().map(|of| of.distinct_outputs))?,
            Arc::new(Float64Array::from_iter_values(measures().map(|of| of.top_output_share))),
            Arc::new(Float64Array::from_iter_values(measures().map(|of| of.error_share))),
            json(rows.iter().map(|row| &row.meta))?,
            json(rows.iter().map(|row| &row.provenance))?,
        ];
        Ok(RecordBatch::try_new(schema(&SAMPLES), columns)?)
    }

    fn decode(batch: &RecordBatch) -> anyhow::Result<Vec<Self>> {
        (0..batch.num_rows())
            .map(|row| {
                let text = |name| string(batch, name, row);
                let messages = entries(batch, "messages", row)?;
                let (roles, contents) = (field(&messages, "role")?, field(&messages, "content")?);
                let examples = entries(batch, "examples", row)?;
                let (inputs, outputs, errors) =
                    (field(&examples, "input")?, field(&examples, "output")?, field(&examples, "error")?);
                let shown = list(batch, "shown")?.value(row);
                let shown = shown.as_primitive_opt::<Int32Type>().context("column shown is no list of int32")?;
                Ok(Self {
                    id: text("id")?,
                    task: text("task")?,
                    prompt: text("prompt")?,
                    output: text("output")?,
                    messages: (0..messages.len())
                        .map(|i| ChatMessage { role: roles.value(i).into(), content: contents.value(i).into() })
                        .collect(),
                    function_name: text("function_name")?,
                    code: text("code")?,
                    examples: (0..examples.len())
                        .map(|i| Example {
                            input: inputs.value(i).to_owned(),
                            output: optional(outputs, i),
                            error: optional(errors, i),
                        })
                        .collect(),
                    shown: shown
                        .values()
                        .iter()
                        .map(|index| usize::try_from(*index).context("a negative index in `shown`"))
                        .collect::<anyhow::Result<_>>()?,
                    measures: measures(batch, row)?,
                    meta: serde_json::from_str(&text("meta")?).context("column meta")?,
                    published: Map::new(),
                    provenance: serde_json::from_str(&text("provenance")?).context("column provenance")?,
                })
            })
            .collect()
    }
}

/// A sample in the published form.
#[derive(Serialize, Deserialize)]
struct Published<'a> {
    id: Cow<'a, str>,
    prompt: Cow<'a, str>,
    output: Cow<'a, str>,
    #[serde(flatten)]
    more: Cow<'a, Map<String, Value>>,
}

impl<'a> Published<'a> {
    fn of(sample: &'a Sample) -> Self {
        let Sample { id, prompt, output, published, .. } = sample;
        let text = |text: &'a String| Cow::Borrowed(text.as_str());
        Self { id: text(id), prompt: text(prompt), output: text(output), more: Cow::Borrowed(published) }
    }

    /// What of a sample it holds.
    fn into_sample(self) -> Sample {
        Sample {
            id: self.id.into_owned(),
            task: "induction".to_owned(),
            prompt: self.prompt.into_owned(),
            output: self.output.into_owned(),
            messages: Vec::new(),
            function_name: String::new(),
            code: String::new(),
            examples: Vec::new(),
            shown: Vec::new(),
            measures: Measures::default(),
            meta: Map::new(),
            provenance: Map::new(),
            published: self.more.into_owned(),
        }
    }
}

impl Row for Rejection {
    const FOLDER: &'static str = "rejected";
    const COLUMNS: &'static [Column] = &REJECTIONS;

    fn weight(&self) -> usize {
        self.id.len() + self.detail.len() + json_weight(&self.record)
    }

    fn encode(rows: &[&Self]) -> anyhow::Result<RecordBatch> {
        let columns = vec![
            text(rows.iter().map(|row| &row.id)),
            text(rows.iter().map(|row| row.stage.as_str())),
            text(rows.iter().map(|row| row.reason.as_str())),
            text(rows.iter().map(|row| &row.detail)),
            json(rows.iter().map(|row| &row.record))?,
        ];
        Ok(RecordBatch::try_new(schema(&REJECTIONS), columns)?)
    }

    fn decode(batch: &RecordBatch) -> anyhow::Result<Vec<Self>> {
        (0..batch.num_rows())
            .map(|row| {
                let text = |name| string(batch, name, row);
                Ok(Self {
                    id: text("id")?,
                    stage: named(text("stage")?).context("column stage")?,
                    reason: named(text("reason")?).context("column reason")?,
                    detail: text("detail")?,
                    record: serde_json::from_str(&text("record")?).context("column record")?,
                })
            })
            .collect()
    }
}

fn counts(cells: impl Iterator<Item = u32>) -> anyhow::Result<ArrayRef> {
    let cells = cells.map(i32::try_from).collect::<Result<Vec<i32>, _>>().context("a count is out of range")?;
    Ok(Arc::new(Int32Array::from(cells)))
}

fn measures(batch: &RecordBatch, row: usize) -> anyhow::Result<Measures> {
    let count = |name: &str| {
        let column = cells(batch, name)?.as_primitive_opt::<Int32Type>();
        let cell = column.with_context(|| format!("column {name} holds no int32"))?.value(row);
        u32::try_from(cell).with_context(|| format!("column {name} has a negative count"))
    };
    let share = |name: &str| {
        let column = cells(batch, name)?.as_primitive_opt::<Float64Type>();
        let column = column.with_context(|| format!("column {name} holds no float64"))?;
        anyhow::Ok(column.is_valid(row).then(|| column.value(row)))
    };
    let sure = |name: &str| share(name)?.with_context(|| format!("column {name} has a null in row {row}"));
    let names = list(batch, "parameters")?.value(row);
    let names = names.as_string_opt::<i32>().context("column parameters is no list of strings")?;
    Ok(Measures {
        parameters: names.iter().flatten().map(str::to_owned).collect(),
        lines: count("lines")?,
        branches: count("branches")?,
        coverage: share("coverage")?,
        distinct_outputs: count("distinct_outputs")?,
        top_output_share: sure("top_output_share")?,
        error_share: sure("error_share")?,
    })
}

fn named<T: DeserializeOwned>(name: String) -> serde_json::Result<T> {
    serde_json::from_value(name.into())
}

/// Length of the strings in a JSON value, with a little for all else.
fn json_weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(entries) => entries.iter().map(json_weight).sum::<usize>() + 2,
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + 4 + json_weight(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

fn text(cells: impl Iterator<Item = impl AsRef<str>>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(cells))
}

fn json<T: Serialize>(cells: impl Iterator<Item = T>) -> anyhow::Result<ArrayRef> {
    let cells: Vec<String> = cells.map(|cell| serde_json::to_string(&cell)).collect::<Result<_, _>>()?;
    Ok(text(cells.iter()))
}

fn messages(rows: &[&Sample]) -> anyhow::Result<ArrayRef> {
    let all = || rows.iter().flat_map(|row| &row.messages);
    let columns = vec![text(all().map(|message| &message.role)), text(all().map(|message| &message.content))];
    structs(message_fields(), columns, rows.iter().map(|row| row.messages.len()))
}

fn examples(rows: &[&Sample]) -> anyhow::Result<ArrayRef> {
    let (mut outputs, mut errors) = (StringBuilder::new(), StringBuilder::new());
    for example in rows.iter().flat_map(|row| &row.examples) {
        outputs.append_option(example.output.as_deref());
        errors.append_option(example.error.as_deref());
    }
    let inputs = text(rows.iter().flat_map(|row| &row.examples).map(|example| &example.input));
    let columns = vec![inputs, Arc::new(outputs.finish()) as ArrayRef, Arc::new(errors.finish())];
    structs(example_fields(), columns, rows.iter().map(|row| row.examples.len()))
}

fn structs(fields: Fields, columns: Vec<ArrayRef>, lengths: impl Iterator<Item = usize>) -> anyhow::Result<ArrayRef> {
    let entries = StructArray::try_new(fields, columns, None)?;
    let field = element(entries.data_type().clone());
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), Arc::new(entries), None)?))
}

fn cells<'a>(batch: &'a RecordBatch, name: &str) -> anyhow::Result<&'a ArrayRef> {
    batch.column_by_name(name).with_context(|| format!("no column {name}"))
}

fn string(batch: &RecordBatch, name: &str, row: usize) -> anyhow::Result<String> {
    let column = cells(batch, name)?.as_string_opt::<i32>();
    let column = column.with_context(|| format!("column {name} holds no strings"))?;
    if column.is_null(row) {
        bail!("column {name} has a null in row {row}");
    }
    Ok(column.value(row).to_owned())
}

fn list<'a>(batch: &'a RecordBatch, name: &str) -> anyhow::Result<&'a ListArray> {
    cells(batch, name)?.as_list_opt::<i32>().with_context(|| format!("column {name} holds no lists"))
}

fn entries(batch: &RecordBatch, name: &str, row: usize) -> anyhow::Result<StructArray> {
    let entries = list(batch, name)?.value(row);
    entries.as_struct_opt().cloned().with_context(|| format!("column {name} holds no structs"))
}

fn field<'a>(entries: &'a StructArray, name: &str) -> anyhow::Result<&'a StringArray> {
    let column = entries.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    column.with_context(|| format!("no field {name} that holds strings"))
}

fn optional(column: &StringArray, row: usize) -> Option<String> {
    column.is_valid(row).then(|| column.value(row).to_owned())
}
