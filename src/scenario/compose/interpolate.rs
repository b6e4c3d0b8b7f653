//! Variables in compose files: `${NAME:-default}`.
//!
//! Their values are in an environment that is not ours to read, so that a translation does not depend on who makes it.

use crate::dms::ensemble::finding::Findings;
use crate::dms::ensemble::tree::{Node, Position, Value};

/// Replaces variables in every text of a tree by their defaults; those without one become empty, with a warning.
pub(super) fn interpolate(node: &mut Node, out: &mut Findings) {
    let at = node.position;
    match &mut node.value {
        Value::String(text) if text.contains('$') => *text = replaced(text, at, out).into(),
        Value::Sequence(items) => items.iter_mut().for_each(|item| interpolate(item, out)),
        Value::Mapping(entries) => entries.iter_mut().for_each(|(_, node)| interpolate(node, out)),
        _ => {}
    }
}

fn replaced(text: &str, at: Position, out: &mut Findings) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        done.push_str(before);
        if let Some(more) = after.strip_prefix('$') {
            done.push('$');
            rest = more;
            continue;
        }
        let (variable, more) = match after.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
            Some((variable, more)) => (variable, more),
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                after.split_at(end)
            }
        };
        rest = more;
        if variable.is_empty() {
            done.push('$');
            continue;
        }
        let name_end =
            variable.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(variable.len());
        let (name, operator) = variable.split_at(name_end);
        let default = operator.strip_prefix(":-").or_else(|| operator.strip_prefix('-'));
        match default {
            Some(default) => {
                out.warning(at, format!("variable `{name}` is taken as its default `{default}`"), None);
                done.push_str(default);
            }
            None => {
                let help = format!("write its value, or a default: ${{{name}:-VALUE}}");
                out.warning(at, format!("variable `{name}` has no value here: it is left empty"), help);
            }
        }
    }
    done.push_str(rest);
    done
}
