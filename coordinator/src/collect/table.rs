use std::{fs::File, vec::IntoIter};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    compute::cast,
    datatypes::DataType,
    json::LineDelimitedWriter,
};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    },
    file::reader::ChunkReader,
};
use pipeline::error::Failure;
use serde_json::{Map, Value};

use super::{CollectSettings, Input, remote::ObjectTable};

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 64;

/// The rows of a Parquet file, of the columns that are needed; a few are held at a time.
pub(super) struct Table {
    batches: ParquetRecordBatchReader,
    rows: IntoIter<Map<String, Value>>,
    content_column: String,
    object: Option<ObjectTable>,
}

impl Table {
    /// Opens a file and looks for its columns. Gives the words where the file is damaged, or no Parquet.
    ///
    /// # Errors
    /// It cannot be opened ([`Failure::Unavailable`]); the content's column is not there or holds no text
    /// ([`Failure::Usage`]).
    pub fn open(input: &Input, settings: &CollectSettings) -> Result<Result<Self, String>, Failure> {
        if let Some(object) = &input.object {
            let object = ObjectTable::new(object);
            let table = Self::over(object.clone(), input, settings)?;
            return match (table, object.lost()) {
                (Ok(table), _) => Ok(Ok(Self { object: Some(object), ..table })),
                (Err(_), Some(lost)) => Err(lost),
                (Err(words), None) => Ok(Err(words)),
            };
        }
        let unavailable = |error| Failure::Unavailable(format!("input {}: {error}", input.path.display()));
        Self::over(File::open(&input.path).map_err(unavailable)?, input, settings)
    }

    fn over(
        file: impl ChunkReader + 'static,
        input: &Input,
        settings: &CollectSettings,
    ) -> Result<Result<Self, String>, Failure> {
        let path = input.path.display();
        let builder = match ParquetRecordBatchReaderBuilder::try_new(file) {
            Ok(builder) => builder,
            Err(error) => return Ok(Err(format!("not readable as Parquet: {error}"))),
        };
        let fields = builder.schema().fields();
        let content = &settings.content_column;
        let Some(field) = fields.iter().find(|field| field.name() == content) else {
            let there: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            let message =
                format!("input {path}: no column `{content}`, there are: {}; see --content-column", there.join(", "));
            return Err(Failure::Usage(message));
        };
        if !is_text(field.data_type()) {
            let message = format!("input {path}: column `{content}` holds {}, not text", field.data_type());
            return Err(Failure::Usage(message));
        }
        let wanted = settings.columns();
        let indices: Vec<usize> =
            (0..fields.len()).filter(|at| wanted.contains(&fields[*at].name().as_str())).collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), indices);
        let batches = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
        let (rows, content_column) = (Vec::new().into_iter(), content.clone());
        Ok(batches
            .map(|batches| Self { batches, rows, content_column, object: None })
            .map_err(|error| format!("not readable as Parquet: {error}")))
    }

    /// Why an object can no longer be read; none if the file itself is at fault.
    pub fn lost(&self) -> Option<Failure> {
        self.object.as_ref().and_then(ObjectTable::lost)
    }

    /// The next row's columns; none at the end.
    ///
    /// # Errors
    /// The file is damaged from here on: the words.
    pub fn next_row(&mut self) -> Result<Option<Map<String, Value>>, String> {
        loop {
            if let Some(row) = self.rows.next() {
                return Ok(Some(row));
            }
            match self.batches.next() {
                None => return Ok(None),
                Some(batch) => {
                    let rows = batch.and_then(|batch| rows_of(&batch, &self.content_column));
                    self.rows = rows.map_err(|error| error.to_string())?.into_iter();
                }
            }
        }
    }
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// The content goes by itself: as JSON it would be escaped and read again.
fn rows_of(batch: &RecordBatch, content: &str) -> Result<Vec<Map<String, Value>>, arrow::error::ArrowError> {
    let schema = batch.schema();
    let at = schema.index_of(content)?;
    let others: Vec<usize> = (0..batch.num_columns()).filter(|other| *other != at).collect();
    let mut rows = if others.is_empty() {
        vec![Map::new(); batch.num_rows()]
    } else {
        let mut lines = LineDelimitedWriter::new(Vec::new());
        lines.write(&batch.project(&others)?)?;
        lines.finish()?;
        let lines = lines.into_inner();
        let rows = serde_json::Deserializer::from_slice(&lines).into_iter().collect::<Result<Vec<_>, _>>();
        rows.map_err(|error| arrow::error::ArrowError::JsonError(error.to_string()))?
    };
    let texts = cast(batch.column(at), &DataType::LargeUtf8)?;
    let texts = texts.as_string::<i64>();
    for (at, row) in rows.iter_mut().enumerate().filter(|(at, _)| texts.is_valid(*at)) {
        row.insert(content.to_owned(), Value::from(texts.value(at)));
    }
    Ok(rows)
}
