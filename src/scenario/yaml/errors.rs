//! Errors of syntax in words for users: what stands there, and what to write instead. The parser's own words are about
//! its grammar and help nobody who has never read that.

use saphyr_parser::ScanError;

use super::position_at;
use crate::dms::ensemble::finding::Finding;
use crate::dms::ensemble::tree::Position;

/// What the parser says (a part of it that tells it from others), what that means, and the way out. The first row that
/// fits counts.
const WORDS: &[(&[&str], &str, &str)] = &[
    (
        &["document start", "document-start", "document end marker"],
        "what stands here belongs to no key and no list: the YAML document has ended before it",
        "a file is one map of `key: value` lines; see whether this is the right file, or put text in quotes",
    ),
    (
        &["flow mapping"],
        "a map in `{...}` is not closed, or lacks a comma",
        "separate its entries by commas and close it with `}`",
    ),
    (
        &["flow sequence"],
        "a list in `[...]` is not closed, or lacks a comma",
        "separate its items by commas and close it with `]`",
    ),
    (
        &["misplaced bracket"],
        "a bracket is closed here that was never opened",
        "remove it, or put the text in quotes",
    ),
    (
        &["escape", "hexadecimal"],
        "a backslash in \"...\" is followed by something that it cannot stand before",
        "write `\\\\` for a backslash, or put the text in single quotes",
    ),
    (
        &["quoted scalar"],
        "a text in quotes does not end, or goes on behind its last quote",
        "close the quote; inside \"...\" write a quote as `\\\"`, inside '...' as `''`",
    ),
    (
        &["block scalar", "indentation indicator"],
        "`|` or `>` must end its line, and its text stands indented below",
        "begin the text on the next line, with spaces before it",
    ),
    (
        &["unknown anchor"],
        "an alias (`*name`) has no anchor (`&name`) before it",
        "define the anchor further up, or put text that begins with `*` in quotes",
    ),
    (&["anchor"], "`*` or `&` needs a name behind it", "put text that begins with `*` or `&` in quotes"),
    (
        &["directive"],
        "a line that begins with `%` is a directive of YAML, and this one is none",
        "see whether this is the right file: a scenario begins with `version: 1`, an ensemble with `version: V1`",
    ),
    (
        &["tag"],
        "`!` begins a tag of YAML, and this one cannot be read",
        "put text that begins with `!` in quotes",
    ),
    (
        &["mapping values", "mapping keys", "simple key", "block sequence entries", "whitespace"],
        "a key or an item cannot stand here",
        "write one `key: value` a line, the keys of a map in the same column, and put text with `: ` in quotes",
    ),
    (
        &["block mapping", "indentation", "block collection"],
        "this line is not indented like those that it belongs to",
        "begin the keys of one map, and the items of one list, in the same column",
    ),
    (
        &["unexpected character", "node content", "plain scalar", "next token"],
        "no value can begin with this",
        "put the text in quotes",
    ),
    (
        &["unprintable"],
        "there is a character that no text has",
        "see whether this is the right file, and save it as UTF-8 text",
    ),
    (&["recursion limit"], "lists and maps are nested too deep", "nest them less"),
];
/// For what the table does not know.
const UNKNOWN: (&str, &str) =
    ("this cannot be read as YAML", "a scenario or an ensemble is a map of `key: value` lines");

/// The parser's error in words for users; tabs, the commonest cause, get their own.
pub(super) fn syntax_error(error: &ScanError, text: &str) -> Finding {
    let marker = error.marker();
    let (line, column) = (marker.line(), marker.col() + 1);
    // Where the parser complains of a tab behind a plain scalar, the tab is at the start of a line further down.
    let lines_to_search = if error.info().contains("tab") { usize::MAX } else { 1 };
    let mut lines = text.lines().enumerate().skip(line.saturating_sub(1)).take(lines_to_search);
    let tab = lines.find_map(|(index, source)| {
        let at = source.chars().take_while(|c| c.is_whitespace()).position(|c| c == '\t');
        at.map(|at| position_at(index + 1, at + 1, 1))
    });
    if let Some(position) = tab {
        return Finding::error(position, "a tab is used for indentation")
            .with_help("YAML wants spaces: replace the tab".to_owned());
    }
    let said = error.info();
    // A file that begins with a directive which the parser skips has no document: the beginning is what is wrong.
    let (said, line, column) = if text.starts_with('%') && said.contains("document") {
        ("directive", 1, 1)
    } else {
        (said, line, column)
    };
    let known = WORDS.iter().find(|(parts, _, _)| parts.iter().any(|part| said.contains(part)));
    let (message, help) = known.map_or(UNKNOWN, |(_, message, help)| (message, help));
    Finding::error(within(text, line, column), message).with_help(help.to_owned())
}

/// The place that a parser means which complains behind the end of a text: its last character that is seen.
fn within(text: &str, line: usize, column: usize) -> Position {
    if text.lines().skip(line.saturating_sub(1)).any(|rest| !rest.trim().is_empty()) {
        return position_at(line, column, 1);
    }
    let seen = text.trim_end();
    let last = seen.rsplit('\n').next().unwrap_or_default();
    position_at(seen.matches('\n').count() + 1, last.chars().count(), 1)
}
