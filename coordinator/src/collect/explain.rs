use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Context as _;
use pipeline::{
    error::Failure,
    python::{self, Definition, Module},
};
use serde::Serialize;

use super::{CollectSettings, Input, RawReader, reader::Raw};

/// The decision about one top-level `def`, with the field names of the specification.
#[derive(Debug, Serialize)]
struct Decision<'a> {
    path: &'a str,
    line: u32,
    name: &'a str,
    reasons: Vec<&'static str>,
    free: &'a [String],
    missing: &'a [String],
    closure: &'a [u32],
}

/// `case2code collect --explain PATH…`: what each profile decides about every top-level `def`, one line each, byte for
/// byte as the specification (an executable one, on CPython's own symbol tables) prints it. What does not parse is told
/// on stderr.
///
/// # Errors
/// As [`Input::discover`] and [`RawReader`], or the writer refuses.
pub fn explain(arguments: &[PathBuf], settings: &CollectSettings, mut out: impl Write) -> Result<(), Failure> {
    for input in Input::discover(arguments)? {
        let path = input.shown();
        for raw in RawReader::new(vec![input], settings) {
            let Raw { place, code } = raw?;
            let Ok(code) = code.inspect_err(|rejection| tracing::warn!("{}", rejection.detail)) else { continue };
            let path = if place.row.is_some() { &code.id } else { &path };
            let source = python::normalize(&code.content);
            match python::with_module(&source, |module| decide(path, module, &mut out)) {
                Ok(written) => written.context("writing decisions")?,
                Err(error) => tracing::warn!("{}", place.syntax(&error, 0)),
            }
        }
    }
    Ok(out.flush().context("writing decisions")?)
}

fn decide(path: &str, module: &Module, out: &mut impl Write) -> io::Result<()> {
    let bindings = module.bindings();
    for definition in module.definitions() {
        let needs = bindings.needs(&definition, usize::MAX);
        let Definition { name, line, reasons, .. } = &definition;
        let reasons = reasons.iter().map(|reason| reason.as_str()).collect();
        let (free, missing, closure) = (&needs.free[..], &needs.missing[..], &needs.closure[..]);
        let decision = Decision { path, line: *line, name, reasons, free, missing, closure };
        let mut line = Vec::new();
        decision.serialize(&mut serde_json::Serializer::with_formatter(&mut line, PythonFormat))?;
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(())
}

/// JSON as `json.dumps` writes it: a blank after `,` and `:`, ASCII only.
struct PythonFormat;

impl serde_json::ser::Formatter for PythonFormat {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for unit in fragment.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => writer.write_all(&[byte])?,
                _ => write!(writer, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }
}
