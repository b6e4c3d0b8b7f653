//! Values from the command line that replace those of the file: `peers[0].providers.count=100`. One is added to a list
//! by `faults[+]=...`.
//!
//! They are put into the tree before anything is read, so they are checked as if they stood in the file. Their
//! nodes carry positions beyond those of any file, which name the option instead.

use super::diagnostic::Diagnostic;
use super::reader::shortened;
use super::yaml;
use crate::dms::ensemble::finding::Finding;
use crate::dms::ensemble::tree::{Key, Node, Position, Value};

/// What replaces values of a scenario.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Overrides {
    /// `path=value` in the order in which they apply; the value is YAML.
    pub set: Vec<String>,
    /// Replaces the seed; wins over `set`.
    pub seed: Option<u64>,
}

/// Lines from here on are those of overrides. No file has so many: texts are limited to 8 MiB.
const FIRST_LINE: u32 = 1 << 30;
/// How diagnostics call the place of overrides.
pub(super) const FILE: &str = "--set";

impl Overrides {
    /// The overrides as lines of a text, for excerpts.
    pub(super) fn lines(&self) -> Vec<String> {
        let seed = self.seed.map(|seed| format!("seed={seed}"));
        self.set.iter().cloned().chain(seed).collect()
    }

    /// Applies all to a tree; what cannot be applied is reported.
    pub(super) fn apply(&self, root: &mut Node) -> Vec<Finding> {
        let lines = self.lines();
        lines.iter().enumerate().filter_map(|(number, line)| apply(root, line, number as u32).err()).collect()
    }
}

/// A finding in a file, or in the override that put there what is found.
pub(super) fn placed(code: &'static str, file: &str, finding: Finding) -> Diagnostic {
    if finding.position.line < FIRST_LINE {
        return Diagnostic::new(code, file, finding);
    }
    let position = Position { line: finding.position.line - FIRST_LINE + 1, ..finding.position };
    Diagnostic::new(code, FILE, Finding { position, ..finding })
}

fn apply(root: &mut Node, line: &str, number: u32) -> Result<(), Finding> {
    let at = |column: usize, length: usize| Position {
        line: FIRST_LINE + number,
        column: column as u32 + 1,
        length: length.max(1) as u32,
    };
    let Some((path, text)) = line.split_once('=') else {
        let help = "write `--set path=value`, as in `--set peers[0].providers.count=100`".to_owned();
        return Err(Finding::error(at(0, line.len()), "an override needs `=`").with_help(help));
    };
    let value_at = at(path.chars().count() + 1, text.chars().count());
    let mut value = yaml::parse(text.as_bytes()).map_err(|findings| {
        let message = findings.first().map_or("not a value", |finding| &finding.message);
        Finding::error(value_at, format!("the value is not YAML: {message}"))
    })?;
    place(&mut value, value_at);
    let steps = steps(path);
    if steps.len() > yaml::MAX_DEPTH {
        let message = format!("a path has at most {} steps", yaml::MAX_DEPTH);
        return Err(Finding::error(at(0, path.chars().count()), message));
    }
    let mut target = root;
    let mut column = 0;
    for step in steps {
        let here = at(column, step.text().chars().count());
        column += step.width;
        target = descend(target, &step, here)?;
    }
    *target = value;
    Ok(())
}

/// A part of a path.
pub(super) struct Step<'a> {
    key: Result<&'a str, &'a str>,
    /// Characters up to the next step.
    width: usize,
}

impl<'a> Step<'a> {
    /// The key of a map; none for the place of a list.
    pub(super) fn key(&self) -> Option<&'a str> {
        self.key.ok()
    }

    pub(super) const fn text(&self) -> &'a str {
        match self.key {
            Ok(text) | Err(text) => text,
        }
    }
}

/// Splits `peers[0].providers` into the key `peers`, the index `0` and the key `providers`.
pub(super) fn steps(path: &str) -> Vec<Step<'_>> {
    let mut found = Vec::new();
    for part in path.split('.') {
        let mut rest = part;
        let key_end = rest.find('[').unwrap_or(rest.len());
        if key_end > 0 || rest.is_empty() {
            let (key, more) = rest.split_at(key_end);
            found.push(Step { key: Ok(key), width: key.chars().count() + 1 });
            rest = more;
        }
        for index in rest.split_terminator(']') {
            let index = index.strip_prefix('[').unwrap_or(index);
            found.push(Step { key: Err(index), width: index.chars().count() + 2 });
        }
    }
    found
}

fn descend<'n>(node: &'n mut Node, step: &Step<'_>, at: Position) -> Result<&'n mut Node, Finding> {
    let kind = node.type_name();
    if node.is_null() && step.key.is_ok() {
        // What is not written yet becomes a map.
        *node = Node::new(Value::Mapping(Vec::new()), at);
    }
    match (step.key, &mut node.value) {
        (Ok(""), _) => Err(Finding::error(at, "the path has an empty part")),
        (Ok(key), Value::Mapping(entries)) => {
            let place = match entries.iter().position(|(own, _)| &*own.text == key) {
                Some(place) => place,
                None => {
                    let empty = Node::new(Value::Null, at);
                    entries.push((Key { text: key.into(), position: at }, empty));
                    entries.len() - 1
                }
            };
            Ok(&mut entries[place].1)
        }
        // What is put in behind all others.
        (Err("+"), Value::Sequence(items)) => {
            items.push(Node::new(Value::Null, at));
            let last = items.len() - 1;
            Ok(&mut items[last])
        }
        (Err(index), Value::Sequence(items)) => {
            let count = items.len();
            let place = index.parse::<usize>().ok().filter(|place| *place < count);
            match place {
                Some(place) => Ok(&mut items[place]),
                None => {
                    let message = format!("there is no item `[{}]`", shortened(index));
                    let help = match count {
                        0 => "the list is empty".to_owned(),
                        _ => format!("items are `[0]` to `[{}]`", count - 1),
                    };
                    Err(Finding::error(at, message).with_help(help))
                }
            }
        }
        (Ok(key), Value::Sequence(_)) => {
            let help = "choose an item, as in `peers[0]`".to_owned();
            Err(Finding::error(at, format!("`{key}` is looked for in a list")).with_help(help))
        }
        (key, _) => {
            let text = match key {
                Ok(text) | Err(text) => shortened(text),
            };
            Err(Finding::error(at, format!("there is no `{text}` in {kind}")))
        }
    }
}

/// Gives a whole tree one position.
fn place(node: &mut Node, at: Position) {
    node.position = at;
    match &mut node.value {
        Value::Sequence(items) => items.iter_mut().for_each(|item| place(item, at)),
        Value::Mapping(entries) => {
            for (key, node) in entries {
                key.position = at;
                place(node, at);
            }
        }
        _ => {}
    }
}
