//! How long a text is as JSON, without writing it: records may not grow beyond what every broker carries.

/// Longest function, longest list of executions and longest rejection, as JSON. With a completion and the block of
/// examples an executed function stays below 16 MiB, the longest message that RabbitMQ 4 takes unless told otherwise.
pub const MAX_BYTES: usize = 4 << 20;

/// Bytes of `text` as a JSON string, but for the quotes (RFC 8259, section 7).
pub fn of_text(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}

/// Bytes of a value as JSON, roughly.
pub fn of_value(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    match value {
        Value::String(text) => of_text(text) + 3,
        Value::Array(values) => values.iter().map(of_value).sum::<usize>() + 2,
        Value::Object(table) => of_table(table),
        Value::Null | Value::Bool(_) | Value::Number(_) => 24,
    }
}

/// Bytes of a table as JSON, roughly.
pub fn of_table(table: &serde_json::Map<String, serde_json::Value>) -> usize {
    table.iter().map(|(name, value)| of_text(name) + of_value(value) + 4).sum::<usize>() + 2
}
