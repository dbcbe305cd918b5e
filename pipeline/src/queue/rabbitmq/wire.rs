//! A message as AMQP properties and back: `type` names the record, headers carry its address and counts.

use std::time::{Duration, SystemTime};

use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, FieldTable, ShortString},
};

use crate::{
    message::{Address, Message, RecordType, RunId, SCHEMA},
    queue::Unattributable,
};

/// Header that says why a message was set aside.
pub const REASON: &str = "reason";

/// Header with the milliseconds since 1970 at which a message was published: for metrics alone.
const PUBLISHED: &str = "published_ms";

/// Delivery mode 2: the message survives the broker.
const PERSISTENT: u8 = 2;

/// The properties that carry all of a message but its body.
pub fn properties(message: &Message) -> BasicProperties {
    let mut headers = FieldTable::default();
    let mut number = |name: &str, value: u64| {
        headers.insert(name.into(), AMQPValue::LongLongInt(i64::try_from(value).unwrap_or(i64::MAX)));
    };
    number("shard", message.address.shard);
    number("index", message.address.index);
    number("attempt", message.attempt.into());
    number("alone", message.alone.into());
    number("schema", SCHEMA.into());
    number(PUBLISHED, now_ms());
    let mut text = |name: &str, value: &str| _ = headers.insert(name.into(), AMQPValue::LongString(value.into()));
    text("run_id", &message.address.run_id.0);
    text("seed", &message.address.seed.to_string()); // AMQP's widest number is signed
    BasicProperties::default()
        .with_type(message.record_type.as_str().into())
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers)
}

/// The properties of a message that goes back where it came from.
pub fn given_back(properties: &BasicProperties) -> BasicProperties {
    kept(properties, FieldTable::default())
}

/// The properties of a body that is set aside, with the reason.
pub fn aside_properties(properties: &BasicProperties, reason: &str) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert(REASON.into(), AMQPValue::LongString(reason.into()));
    kept(properties, headers)
}

/// What a message keeps when it is published again: its type and headers, but none that the broker wrote (`x-…`) or obeys
/// (`CC`, `BCC`: it would multiply). Its expiration and user go as well.
fn kept(properties: &BasicProperties, mut headers: FieldTable) -> BasicProperties {
    let obeyed = |name: &str| name.starts_with("x-") || name == "CC" || name == "BCC";
    for (name, value) in properties.headers().iter().flat_map(|headers| headers.inner()) {
        if !obeyed(name.as_str()) && !headers.contains_key(name.as_str()) {
            headers.insert(name.clone(), value.clone());
        }
    }
    let kept = BasicProperties::default().with_delivery_mode(PERSISTENT).with_headers(headers);
    match properties.kind() {
        Some(kind) => kept.with_type(kind.clone()),
        None => kept,
    }
}

/// How many times the broker delivered it before. A quorum queue counts in a header; without one, `redelivered` says
/// whether it was at least once.
pub fn delivery_count(delivery: &Delivery) -> u64 {
    let headers = delivery.properties.headers().as_ref();
    let counted = headers.and_then(|headers| number(headers, "x-delivery-count"));
    counted.unwrap_or_else(|| u64::from(delivery.redelivered))
}

/// How long ago a message was published; 0 where the publisher's clock is ahead of ours.
pub fn waited(properties: &BasicProperties) -> Option<Duration> {
    let published = number(properties.headers().as_ref()?, PUBLISHED)?;
    Some(Duration::from_millis(now_ms().saturating_sub(published)))
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Reads a delivery as a message of ours.
///
/// # Errors
/// A type, schema or header that is missing or of another version: [`Unattributable`], with the reason.
pub fn message(delivery: &mut Delivery) -> Result<Message, Unattributable> {
    let body = std::mem::take(&mut delivery.data);
    match envelope(&delivery.properties) {
        Ok((record_type, address, attempt, alone)) => Ok(Message { record_type, address, attempt, alone, body }),
        Err(reason) => Err(Unattributable { reason, body }),
    }
}

fn envelope(properties: &BasicProperties) -> Result<(RecordType, Address, u32, u32), String> {
    let none = FieldTable::default();
    let headers = properties.headers().as_ref().unwrap_or(&none);
    let header = |name: &str| number(headers, name).ok_or_else(|| format!("no header `{name}`"));
    let schema = header("schema")?;
    if schema != u64::from(SCHEMA) {
        return Err(format!("schema {schema}, this program reads {SCHEMA}"));
    }
    let kind = properties.kind().as_ref().map(ShortString::as_str).unwrap_or_default();
    let record_type = RecordType::from_name(kind).ok_or_else(|| format!("unknown record type `{kind}`"))?;
    let run_id = match headers.inner().get("run_id") {
        Some(AMQPValue::LongString(text)) => RunId(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        _ => return Err("no header `run_id`".into()),
    };
    let seed = match headers.inner().get("seed") {
        Some(AMQPValue::LongString(text)) => {
            String::from_utf8_lossy(text.as_bytes()).parse().map_err(|_| "header `seed` is no number")?
        }
        _ => return Err("no header `seed`".into()),
    };
    let address = Address { run_id, seed, shard: header("shard")?, index: header("index")? };
    let count = |name| header(name).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    Ok((record_type, address, count("attempt")?, count("alone")?))
}

fn number(headers: &FieldTable, name: &str) -> Option<u64> {
    let number = match headers.inner().get(name)? {
        AMQPValue::LongLongInt(number) => *number,
        AMQPValue::LongInt(number) => i64::from(*number),
        AMQPValue::LongUInt(number) => i64::from(*number),
        AMQPValue::ShortInt(number) => i64::from(*number),
        AMQPValue::ShortUInt(number) => i64::from(*number),
        AMQPValue::ShortShortInt(number) => i64::from(*number),
        AMQPValue::ShortShortUInt(number) => i64::from(*number),
        _ => return None,
    };
    u64::try_from(number).ok()
}
