use pipeline::records::Function;

use super::quoted;

/// How a function is declared, on one line.
pub(super) struct Signature {
    /// `def name(a, b=1) -> int:`
    pub text: String,
    /// Whether arguments in order of the parameters may be passed by position.
    pub positional: bool,
}

impl Signature {
    /// Reads it off the last top-level `def` of that name in a program; where that fails (never for a function of ours),
    /// it is made of the parameters.
    pub fn of(program: &str, name: &str, function: &Function) -> Self {
        let is_its = |at: &usize| {
            let after = program[*at..].strip_prefix("def ").map(str::trim_start);
            (*at == 0 || program[..*at].ends_with('\n'))
                && after
                    .and_then(|after| after.strip_prefix(name))
                    .is_some_and(|rest| rest.trim_start().starts_with(['(', '[', '\\']))
        };
        let start = program.rmatch_indices("def ").map(|(at, _)| at).find(is_its);
        // A decorator may treat positions and keywords differently.
        let decorated =
            function.code.lines().take_while(|line| !line.starts_with("def ")).any(|line| line.starts_with('@'));
        match start.and_then(|start| declaration(&program[start..])) {
            Some((text, starred)) => Self { text, positional: !starred && !decorated },
            None => {
                let text = format!("def {name}({}):", function.parameters.join(", "));
                Self { text, positional: false }
            }
        }
    }
}

/// The text from `def` to its colon without comments and line breaks, and whether a `*` stands among the parameters.
fn declaration(code: &str) -> Option<(String, bool)> {
    let (mut text, mut depth, mut starred, mut at) = (String::new(), 0usize, false, 0);
    loop {
        let rest = &code[at..];
        let next = rest.chars().next()?;
        at += next.len_utf8();
        match next {
            '\'' | '"' => {
                at += quoted::length(rest)? - 1;
                text.push_str(&code[at - quoted::length(rest)?..at]);
                continue;
            }
            '#' => {
                at += rest.find('\n')?;
                at -= 1;
                continue;
            }
            '\n' | '\\' => {
                at += code[at..].len() - code[at..].trim_start().len();
                let kept = text.trim_end().len();
                text.truncate(kept);
                if !text.ends_with(['(', '[', '{']) && !code[at..].starts_with([')', ']', '}']) {
                    text.push(' ');
                }
                continue;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.checked_sub(1)?;
                // The comma of a parameter list with one parameter a line.
                if next == ')' && depth == 0 && text.ends_with(',') {
                    text.pop();
                }
            }
            '*' if depth == 1 => starred |= text.trim_end().ends_with(['(', ',']),
            ':' if depth == 0 => {
                text.push(':');
                return Some((text, starred));
            }
            _ => {}
        }
        text.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::declaration;

    #[test]
    fn declarations_become_one_line() {
        let table = [
            ("def f(a, b=1):\n    return a\n", "def f(a, b=1):", false),
            (
                "def f(\n    a,  # first\n    b: dict[str, int] = {'x:': 2},\n) -> int:\n    pass",
                "def f(a, b: dict[str, int] = {'x:': 2}) -> int:",
                false,
            ),
            ("def f(a, *, b=lambda x: x): return a", "def f(a, *, b=lambda x: x):", true),
            ("def f(a=2 * 3):\n  pass", "def f(a=2 * 3):", false),
        ];
        for (code, text, starred) in table {
            assert_eq!(declaration(code), Some((text.to_owned(), starred)));
        }
        assert_eq!(declaration("def f(a"), None);
    }
}
