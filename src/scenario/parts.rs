//! A scenario in parts: sections that stand in a text of another kind (a feature file), and others that a program
//! adds.

use std::path::Path;

use super::diagnostic::Diagnostic;
use super::files::Files;
use super::{Report, resolve, yaml};
use crate::dms::ensemble::Finding;
use crate::dms::ensemble::tree::{Key, Node, Position, Value};
use crate::sim::setup::Setup;

/// Sections of a scenario, and where they begin in the text that they stand in.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The sections.
    pub text: &'a str,
    /// The line of the first of them, from 1.
    pub line: u32,
    /// How many columns stand before each line.
    pub column: u32,
}

/// The run of a scenario that `parts` of the text `source`, called `shown`, and `added` make together: what they list
/// under one key is one list, what they map is one map. Ensembles stand in memory, by the names that are written.
///
/// # Errors
/// Everything that is wrong, at its place in `source`; what is wrong with `added` at the beginning of the first part.
pub fn load_parts(
    shown: &str,
    source: &str,
    parts: &[Part<'_>],
    added: &str,
    ensembles: Vec<(String, String)>,
) -> Result<Setup, Report> {
    let mut files = Files::in_memory(ensembles);
    files.note_scenario(shown, shown, source.as_bytes());
    let place = |code, finding: Finding| Diagnostic::new(code, shown, finding);
    let start = parts.first().map_or(Position::START, |part| Position { line: part.line, ..Position::START });
    let mut diagnostics = Vec::new();
    let mut root = Node::new(Value::Mapping(Vec::new()), start);
    let own = parts.iter().map(|part| (part.text, Some(part)));
    for (text, part) in own.chain([(added, None)]) {
        let moved = |at: Position| match part {
            Some(part) => Position { line: at.line + part.line - 1, column: at.column + part.column, ..at },
            None => start,
        };
        match yaml::parse(text.as_bytes()) {
            Ok(mut node) => {
                shift(&mut node, &moved);
                let clashes = merge(&mut root, node);
                diagnostics.extend(clashes.into_iter().map(|finding| place("yaml", finding)));
            }
            Err(findings) => diagnostics.extend(
                findings
                    .into_iter()
                    .map(|finding| place("yaml", Finding { position: moved(finding.position), ..finding })),
            ),
        }
    }
    let (resolved, findings) = resolve::resolve(&root, Path::new(shown), &[], &mut files);
    if diagnostics.is_empty() {
        diagnostics.extend(findings.into_sorted().into_iter().map(|finding| place("scenario", finding)));
    }
    diagnostics.append(&mut files.diagnostics);
    let report = Report { diagnostics, sources: std::mem::take(&mut files.sources) };
    match resolved {
        Some(resolved) if !report.has_errors() => Ok(resolved.setup),
        _ => Err(report),
    }
}

/// Moves everything to where it stands in the whole text.
fn shift(node: &mut Node, moved: &dyn Fn(Position) -> Position) {
    node.position = moved(node.position);
    match &mut node.value {
        Value::Sequence(items) => items.iter_mut().for_each(|item| shift(item, moved)),
        Value::Mapping(entries) => {
            for (key, node) in entries {
                key.position = moved(key.position);
                shift(node, moved);
            }
        }
        _ => {}
    }
}

/// Adds what `more` says. What both say and cannot be joined is an error.
fn merge(to: &mut Node, more: Node) -> Vec<Finding> {
    let mut clashes = Vec::new();
    let Value::Mapping(entries) = more.value else {
        if !more.is_null() {
            let message = format!("sections of a scenario must be a map, not {}", more.type_name());
            clashes.push(Finding::error(more.position, message));
        }
        return clashes;
    };
    let Value::Mapping(own) = &mut to.value else { return clashes };
    for (key, node) in entries {
        let Key { text, position } = &key;
        match own.iter_mut().find(|(known, _)| known.text == *text) {
            None => own.push((key, node)),
            Some((_, known)) => match (&mut known.value, node.value) {
                (Value::Sequence(all), Value::Sequence(mut items)) => all.append(&mut items),
                (Value::Mapping(_), value @ Value::Mapping(_)) => {
                    clashes.extend(merge(known, Node { value, ..Node::new(Value::Null, node.position) }));
                }
                _ => clashes.push(Finding::error(*position, format!("`{text}` is said twice"))),
            },
        }
    }
    clashes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "Feature: x\n\n   network: {loss: 1%}\n   peers:\n     - providers: {count: 3}\n";

    fn load(part: &str, added: &str) -> Result<Setup, Report> {
        let parts = [Part { text: part, line: 3, column: 3 }];
        load_parts("x.feature", SOURCE, &parts, added, Vec::new())
    }

    #[test]
    fn lists_and_maps_are_joined() {
        let added =
            "version: 1\nduration: 1h\npeers:\n- orchestrators: {names: [alice]}\nnetwork: {hellos: false}\n";
        let setup = load("network: {loss: 1%}\npeers:\n  - providers: {count: 3}\n", added).unwrap();
        let names: Vec<&str> = setup.groups.iter().map(|group| group.name.as_str()).collect();
        assert_eq!((names, setup.hellos), (vec!["providers", "orchestrators"], false));
    }

    #[test]
    fn what_is_wrong_has_its_place_in_the_whole_text() {
        let added = "version: 1\nduration: 1h\n";
        let places = |part: &str| {
            let report = load(part, added).unwrap_err();
            let all = report
                .diagnostics
                .iter()
                .filter(|one| one.is_error())
                .map(|one| (one.line, one.column, one.message.clone()));
            all.collect::<Vec<_>>()
        };
        let unknown = places("netwrk: {}\npeers:\n  - providers: {count: 3}\n");
        assert_eq!((unknown[0].0, unknown[0].1), (3, 4), "{unknown:?}");
        let twice = places("peers:\n  - providers: {count: 3}\nversion: 2\n");
        assert!(twice.iter().any(|(.., message)| message == "`version` is said twice"), "{twice:?}");
        let broken = places("peers: [\n");
        assert_eq!(broken[0].0, 3, "{broken:?}");
    }
}
