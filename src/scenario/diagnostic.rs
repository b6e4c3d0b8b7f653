//! Shows findings to people: the text around them, underlined, and advice.
use std::fmt::Write as _;

use indexmap::IndexMap;
use serde::Serialize;

use crate::dms::ensemble::finding::{Finding, Severity};
pub use crate::dms::ensemble::suggest::{did_you_mean, suggestion};
use crate::kernel::has_power;

/// A finding in a file, ready to be shown or written as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable word for machines, such as `yaml` or `ensemble`.
    pub code: &'static str,
    /// The file as the user named it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// How many characters are meant.
    pub length: u32,
    /// What is wrong.
    pub message: String,
    /// What to write behind the underline; may be empty.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Places a finding in a file.
    pub fn new(code: &'static str, file: &str, finding: Finding) -> Self {
        Self {
            severity: finding.severity,
            code,
            file: file.to_owned(),
            line: finding.position.line,
            column: finding.position.column,
            length: finding.position.length,
            message: finding.message,
            label: String::new(),
            help: finding.help,
        }
    }

    /// Whether the file cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// So many are shown; who has made more mistakes begins with these.
const MOST_SHOWN: usize = 1000;

/// Texts of files by the names that diagnostics use, in the order in which files are shown.
pub type Sources = IndexMap<String, String>;

/// Colours, or their absence.
struct Style {
    styled: bool,
}

impl Style {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.styled { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn severity(&self, severity: Severity, text: &str) -> String {
        self.paint(if severity == Severity::Error { "1;31" } else { "1;33" }, text)
    }

    fn frame(&self, text: &str) -> String {
        self.paint("1;34", text)
    }
}

/// All diagnostics as text, sorted by file (in the order of `sources`) and place, and a line that counts them. Empty
/// when there are none. A file without a source is shown without an excerpt. `styled` adds ANSI colours.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, styled: bool) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let style = Style { styled };
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|one| {
        (sources.get_index_of(&one.file).unwrap_or(usize::MAX), &one.file, one.line, one.column)
    });
    let mut out = String::new();
    // Those of a file stand together, so its lines are found once.
    let mut lines: (&str, Vec<&str>) = ("", Vec::new());
    for diagnostic in sorted.iter().take(MOST_SHOWN) {
        if lines.0 != diagnostic.file {
            let source = sources.get(&diagnostic.file).map_or("", String::as_str);
            lines = (&diagnostic.file, source.lines().collect());
        }
        let line = lines.1.get(diagnostic.line as usize - 1).copied();
        render_one(&mut out, diagnostic, line, &style);
        out.push('\n');
    }
    if sorted.len() > MOST_SHOWN {
        let _ = writeln!(out, "{} more are not shown\n", sorted.len() - MOST_SHOWN);
    }
    let errors = sorted.iter().filter(|one| one.is_error()).count();
    out.push_str(&count_line(errors, sorted.len() - errors, &style));
    out
}

fn count_line(errors: usize, warnings: usize, style: &Style) -> String {
    let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let (severity, text) = match (errors, warnings) {
        (0, _) => (Severity::Warning, counted(warnings, "warning")),
        (_, 0) => (Severity::Error, counted(errors, "error")),
        _ => (Severity::Error, format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"))),
    };
    format!("{}\n", style.severity(severity, &text))
}

fn render_one(out: &mut String, diagnostic: &Diagnostic, excerpt: Option<&str>, style: &Style) {
    let word = if diagnostic.is_error() { "error" } else { "warning" };
    let Diagnostic { severity, file, line, column, message, help, .. } = diagnostic;
    let width = line.to_string().len();
    let margin = " ".repeat(width);
    // Writing to a String cannot fail, so the results are dropped.
    let _ = writeln!(out, "{}: {}", style.severity(*severity, word), style.paint("1", &printable(message)));
    let _ = writeln!(out, "{margin}{} {}:{line}:{column}", style.frame("-->"), printable(file));
    if let Some(excerpt) = excerpt {
        let (shown, underline) = underlined(excerpt, diagnostic);
        let bar = style.frame(&format!("{margin} |"));
        let _ = writeln!(out, "{bar}");
        let _ = writeln!(out, "{} {shown}", style.frame(&format!("{line} |")));
        let _ = writeln!(out, "{bar} {}", style.severity(*severity, &underline));
    }
    if let Some(help) = help {
        let _ = writeln!(out, "{margin} {} {}", style.frame("="), printable(&format!("help: {help}")));
    }
}

/// The line with tabs as single spaces, and carets under what is meant. Long lines are cut around it.
fn underlined(line: &str, diagnostic: &Diagnostic) -> (String, String) {
    const SHOWN: usize = 120;
    let column = diagnostic.column as usize - 1;
    let from = if column < SHOWN / 2 { 0 } else { column - SHOWN / 4 };
    // A file may be one line, so no more of it is looked at than is shown.
    let mut rest = line.chars().skip(from);
    let mut shown: String = rest.by_ref().take(SHOWN).map(shown_as).collect();
    let goes_on = rest.next().is_some();
    let to = from + shown.chars().count();
    let start = column.min(to);
    let length = (diagnostic.length as usize).max(1);
    let mut before = start - from;
    if from > 0 {
        shown.insert_str(0, "...");
        before += 3;
    }
    if goes_on {
        shown.push_str("...");
    }
    let carets = length.min(to.saturating_sub(start).max(1));
    let mut underline = format!("{}{}", " ".repeat(before), "^".repeat(carets));
    if !diagnostic.label.is_empty() {
        underline.push(' ');
        underline.push_str(&printable(&diagnostic.label));
    }
    (shown.trim_end().to_owned(), underline)
}

/// The text with control characters replaced, so that a file cannot steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(shown_as).collect()
}

fn shown_as(c: char) -> char {
    match c {
        '\t' | '\n' => ' ',
        c if has_power(c) => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::ensemble::tree::Position;

    fn diagnostic(
        file: &str,
        line: u32,
        column: u32,
        length: u32,
        finding: fn(Position) -> Finding,
    ) -> Diagnostic {
        Diagnostic::new("scenario", file, finding(Position { line, column, length }))
    }

    fn misspelt(position: Position) -> Finding {
        Finding::error(position, "unknown key `nmae`").with_help(suggestion("nmae", ["name", "count"]))
    }

    fn odd(position: Position) -> Finding {
        Finding::warning(position, "odd value")
    }

    #[test]
    fn diagnostics_are_shown_like_a_compiler_does() {
        let sources = Sources::from([
            ("a.yaml".to_owned(), "version: 1\nnmae: x\n".to_owned()),
            ("b.yaml".to_owned(), "\tä: 17\n".to_owned()),
        ]);
        let mut second = diagnostic("b.yaml", 1, 5, 9, odd);
        second.label = "too large".to_owned();
        let shown = render(&[second, diagnostic("a.yaml", 2, 1, 4, misspelt)], &sources, false);
        insta::assert_snapshot!(shown, @r"
        error: unknown key `nmae`
         --> a.yaml:2:1
          |
        2 | nmae: x
          | ^^^^
          = help: did you mean `name`?

        warning: odd value
         --> b.yaml:1:5
          |
        1 |  ä: 17
          |     ^^ too large

        1 error, 1 warning
        ");
    }

    #[test]
    fn places_outside_the_text_and_control_characters_are_harmless() {
        let long = format!("{}\u{1b}[31m{}", "x".repeat(400), "y".repeat(400));
        let sources = Sources::from([("a".to_owned(), long)]);
        for (line, column, length) in [(1, 1, 1), (1, 9999, 5), (7, 1, 1), (1, 401, u32::MAX), (1, 801, 3)] {
            let shown = render(&[diagnostic("a", line, column, length, odd)], &sources, false);
            assert!(!shown.contains('\u{1b}'), "{shown:?}");
            assert!(shown.lines().all(|line| line.chars().count() < 140), "{shown}");
        }
        assert!(render(&[diagnostic("gone", 1, 1, 1, odd)], &sources, true).contains("\u{1b}[1;33mwarning"));
        assert_eq!(render(&[], &sources, false), "");
    }
}
