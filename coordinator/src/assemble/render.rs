//! Prompts and answers. Under the strict words, what is shown is true.

use pipeline::records::Function;

use super::{
    answer::Answer,
    cases::Case,
    literal, quoted,
    random::Random,
    signature::Signature,
    wording::{ExampleFormat, Part, Question, Quoting, Wording},
};

/// A question and its answer.
pub(super) struct Rendered {
    pub prompt: String,
    pub output: String,
}

/// Shows `shown`, in that order, and asks for the program.
pub(super) fn induction(
    function: &Function,
    answer: &Answer,
    shown: &[&Case],
    wording: &Wording,
    random: &mut Random,
) -> Rendered {
    let signature = Signature::of(&answer.text, &answer.name, function);
    let in_order = |case: &&Case| {
        case.arguments.iter().map(|(name, _)| name).eq(function.parameters.iter().take(case.arguments.len()))
    };
    // Draws are made in the same order for every function, used or not.
    let order = &wording.order;
    let by_position = random.chance(order.positional);
    let format = choose(&wording.formats, shown, random);
    // Several values without a call around them would tell nobody which is which.
    let plain = |case: &&Case| format.returns.contains("{call}") || case.arguments.len() < 2;
    let positional = by_position && signature.positional && shown.iter().all(|case| in_order(case) && plain(case));
    let names = [("signature", signature.text.as_str()), ("name", &answer.name)];
    let instruction = fill(wording.instructions.draw(random), &names);
    let function_header = fill(wording.function_headers.draw(random), &names);
    let header = wording.headers.draw(random);
    let with_header = random.chance(order.header) && !header.is_empty();

    let caller = Caller { name: &answer.name, positional, quoting: wording.quoting };
    let mut examples = caller.block(shown, format);
    if with_header {
        examples = format!("{}\n\n{examples}", fill(header, &names));
    }
    let arrangement = random.weighted(&order.arrangements, |arrangement| arrangement.weight);
    let parts = arrangement.map(|arrangement| arrangement.parts.as_slice()).unwrap_or_default();
    let mut prompt = String::with_capacity(instruction.len() + function_header.len() + examples.len() + 64);
    for (at, part) in parts.iter().enumerate() {
        prompt.push_str(match part {
            Part::Instruction => &instruction,
            Part::Function => &function_header,
            Part::Examples => &examples,
        });
        let last = at + 1 == parts.len();
        prompt.push_str(if last { order.ends.draw(random) } else { order.separators.draw(random) });
    }
    let values = [("fence", fence(&answer.text)), ("code", answer.text.trim_end().to_owned())];
    let output = fill(wording.answers.draw(random), &values.each_ref().map(|(key, value)| (*key, value.as_str())));
    Rendered { prompt, output }
}

/// Shows the program and asks about one call of it: for the output, or for an input.
pub(super) fn question(answer: &Answer, case: &Case, words: &Question, random: &mut Random) -> Rendered {
    let caller = Caller { name: &answer.name, positional: false, quoting: Quoting::Python };
    let (call, input) = caller.call(case);
    let output = case.result.map_or_else(|raised| one_line(&raised.text()).into(), literal::source);
    let values = [("name", answer.name.as_str()), ("call", &call), ("input", &input), ("output", &output)];
    let instruction = fill(words.instructions.draw(random), &values);
    let asked = fill(words.questions.draw(random), &values);
    let given = fill(words.answers.draw(random), &values);
    Rendered { prompt: format!("{instruction}\n\n{}\n\n{asked}", fence(&answer.text)), output: given }
}

/// Source in a fence that nothing in it can close.
fn fence(code: &str) -> String {
    let mut ticks = "```".to_owned();
    while memchr::memmem::find(code.as_bytes(), ticks.as_bytes()).is_some() {
        ticks.push('`');
    }
    format!("{ticks}python\n{}\n{ticks}", code.trim_end())
}

/// How calls are written in one sample.
struct Caller<'a> {
    name: &'a str,
    positional: bool,
    quoting: Quoting,
}

impl Caller<'_> {
    /// `name(a=1)` and `a=1`.
    fn call(&self, case: &Case) -> (String, String) {
        let mut input = String::with_capacity(case.keywords_len());
        for (at, (name, source)) in case.arguments.iter().enumerate() {
            let named = if self.positional { ["", ""] } else { [name, "="] };
            [if at > 0 { ", " } else { "" }].iter().chain(&named).for_each(|part| input.push_str(part));
            let json = (self.quoting == Quoting::Json).then(|| quoted::value(source)).flatten();
            match json {
                Some(text) => input.push_str(&quoted::json_ascii(&text)),
                None => input.push_str(source),
            }
        }
        ([self.name, "(", &input, ")"].concat(), input)
    }

    fn block(&self, shown: &[&Case], format: &ExampleFormat) -> String {
        let line = |(at, case): (usize, &&Case)| {
            let (call, mut input) = self.call(case);
            if input.is_empty() && self.quoting == Quoting::Python {
                "(no arguments)".clone_into(&mut input);
            }
            let (template, key) = if case.returns() { (&format.returns, "output") } else { (&format.raises, "error") };
            let value = match (case.result, self.quoting) {
                (Ok(repr), Quoting::Python) => literal::source(repr),
                (Ok(repr), Quoting::Json) => quoted::json_ascii(repr).into(),
                (Err(raised), Quoting::Python) => one_line(&raised.text()).into(),
                (Err(raised), Quoting::Json) => {
                    quoted::json_ascii(&format!("<class '{}'>: {}", raised.class, raised.message)).into()
                }
            };
            let number = (at + 1).to_string();
            fill(template, &[("call", &call), ("input", &input), ("n", &number), ("name", self.name), (key, &value)])
        };
        let text = shown.iter().enumerate().map(line).collect::<Vec<_>>().join(&format.between);
        if format.fenced { fence(&text) } else { text }
    }
}

/// A comment ends with its line.
fn one_line(error: &str) -> String {
    let error = error.strip_prefix("__main__.").unwrap_or(error);
    error.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Draws by weight among the formats that the values allow.
fn choose<'a>(formats: &'a [ExampleFormat], shown: &[&Case], random: &mut Random) -> &'a ExampleFormat {
    let literals = shown.iter().all(|case| case.plain_arguments() && (case.literal || !case.returns()));
    let backtick =
        |case: &&Case| case.arguments.iter().any(|(_, source)| source.contains('`')) || case.outcome_key.contains('`');
    let backticks = shown.iter().any(backtick);
    // An interactive session prints nothing for None.
    let none = shown.iter().any(|case| case.outcome_key == "None");
    let unfit = |format: &ExampleFormat| {
        (format.asserts && !literals)
            || (backticks && format.returns.contains('`'))
            || (none && format.returns.starts_with(">>>"))
    };
    let weight = |format: &ExampleFormat| if unfit(format) { 0.0 } else { format.weight };
    let drawn = random.weighted(formats, weight).filter(|format| weight(format) > 0.0);
    let plain = || formats.iter().find(|format| !format.asserts && format.weight > 0.0);
    drawn.or_else(plain).expect("the file has a format that asserts nothing: checked when it is read")
}

/// Puts values in the place of `{key}`, in one pass: a value may hold braces of its own.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let length = template.len() + values.iter().map(|(_, value)| value.len()).sum::<usize>();
    let (mut text, mut rest) = (String::with_capacity(length), template);
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
