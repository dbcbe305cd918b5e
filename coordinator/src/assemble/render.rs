//! The strict form of a prompt: what is shown is true.

use pipeline::records::Function;

use super::{
    cases::Case,
    literal,
    phrases::{ExampleFormat, Phrases},
    random::Random,
    signature::Signature,
};

/// Words a prompt that shows `shown`, in that order.
pub(super) fn prompt(function: &Function, shown: &[&Case], phrases: &Phrases, random: &mut Random) -> String {
    let signature = Signature::of(function);
    let in_order = |case: &&Case| {
        case.arguments.iter().map(|(name, _)| name).eq(function.parameters.iter().take(case.arguments.len()))
    };
    // Draws are made in the same order for every function, used or not.
    let positional = random.chance(phrases.order.positional) && signature.positional && shown.iter().all(in_order);
    let format = choose(&phrases.formats, shown, random);
    let instruction = pick(&phrases.instructions, random).clone();
    let header = pick(&phrases.headers, random);
    let function_header =
        fill(pick(&phrases.function_headers, random), &[("signature", &signature.text), ("name", &function.name)]);
    let separator = pick(&phrases.order.separators, random);
    let with_header = random.chance(phrases.order.header);
    let function_first = random.chance(phrases.order.function_before_examples);
    let instruction_first = random.chance(phrases.order.instruction_first);

    let mut examples = block(function, shown, format, positional);
    if with_header {
        examples = format!("{header}\n\n{examples}");
    }
    let mut parts = if function_first { vec![function_header, examples] } else { vec![examples, function_header] };
    parts.insert(if instruction_first { 0 } else { 2 }, instruction);
    parts.join(separator)
}

/// Source in a fence that nothing in it can close.
pub(super) fn fence(code: &str) -> String {
    let mut ticks = "```".to_owned();
    while code.contains(&ticks) {
        ticks.push('`');
    }
    format!("{ticks}python\n{}\n{ticks}", code.trim_end())
}

fn block(function: &Function, shown: &[&Case], format: &ExampleFormat, positional: bool) -> String {
    let line = |(at, case): (usize, &&Case)| {
        let input = if positional {
            case.arguments.iter().map(|(_, source)| source.clone()).collect::<Vec<_>>().join(", ")
        } else {
            case.keywords()
        };
        let call = format!("{}({input})", function.name);
        let input = if input.is_empty() { "(no arguments)".to_owned() } else { input };
        let (template, key, value) = match &case.result {
            Ok(repr) => (&format.returns, "output", literal::source(repr)),
            Err(raised) => (&format.raises, "error", one_line(&raised.text())),
        };
        fill(template, &[("call", &call), ("input", &input), ("n", &(at + 1).to_string()), (key, &value)])
    };
    let text = shown.iter().enumerate().map(line).collect::<Vec<_>>().join(&format.between);
    if format.fenced { fence(&text) } else { text }
}

/// A comment ends with its line.
fn one_line(error: &str) -> String {
    let error = error.strip_prefix("__main__.").unwrap_or(error);
    error.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Draws by weight among the formats that the values allow.
fn choose<'a>(formats: &'a [ExampleFormat], shown: &[&Case], random: &mut Random) -> &'a ExampleFormat {
    let literals = shown.iter().all(|case| case.plain_arguments() && (case.literal || !case.returns()));
    let backticks = shown.iter().any(|case| case.keywords().contains('`') || case.outcome_key.contains('`'));
    // An interactive session prints nothing for None.
    let none = shown.iter().any(|case| case.outcome_key == "None");
    let unfit = |format: &ExampleFormat| {
        (format.asserts && !literals)
            || (backticks && format.returns.contains('`'))
            || (none && format.returns.starts_with(">>>"))
    };
    let mut usable: Vec<&ExampleFormat> = formats.iter().filter(|format| !unfit(format)).collect();
    if usable.is_empty() {
        usable = formats.iter().filter(|format| !format.asserts).collect();
    }
    let total: f64 = usable.iter().map(|format| format.weight).sum();
    // A million steps: finer than any weight that a person writes.
    let mut left = random.below(1_000_000) as f64 / 1_000_000.0 * total;
    for format in &usable {
        left -= format.weight;
        if left < 0.0 {
            return format;
        }
    }
    usable.last().expect("the file has a format that asserts nothing: checked when it is read")
}

fn pick<'a>(list: &'a [String], random: &mut Random) -> &'a String {
    &list[random.below(list.len())]
}

/// Puts values in the place of `{key}`, in one pass: a value may hold braces of its own.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let (mut text, mut rest) = (String::new(), template);
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        rest = &rest[open..];
        let known = values.iter().find_map(|(key, value)| {
            let after = rest[1..].strip_prefix(key)?.strip_prefix('}')?;
            Some((*value, after))
        });
        match known {
            Some((value, after)) => {
                text.push_str(value);
                rest = after;
            }
            None => {
                text.push('{');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    text
}
