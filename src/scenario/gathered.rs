//! A scenario as one text: with what replaces its values put in, and the ensembles that it names written where it
//! names them.

use std::path::Path;

use super::files::read_file;
use super::peers::name_of_file;
use super::{Loaded, Overrides, Report, bytes_of, load_beside, yaml};
use crate::dms::ensemble::tree::{Key, Node, Position, Value};

/// Reads a scenario, as [`load`](super::load) does, and gives with it one text that says the same but for what is
/// expected of it. Files other than ensembles, such as traces, it still names, beside `path`.
///
/// # Errors
/// As [`load`](super::load).
pub fn gathered(path: &Path, overrides: &Overrides, metrics: &[&str]) -> Result<(Loaded, String), Report> {
    let bytes = bytes_of(path)?;
    let loaded = load_beside(path, &bytes, overrides, metrics)?;
    let mut root = yaml::parse(&bytes).unwrap_or_else(|_| Node::new(Value::Null, Position::START));
    overrides.apply(&mut root);
    if let Value::Mapping(entries) = &mut root.value {
        entries.retain(|(key, _)| &*key.text != "expect");
    }
    gather(&mut root, path.parent().unwrap_or(Path::new("")));
    Ok((loaded, yaml::write(&root)))
}

/// Puts ensembles into the maps that name their files. What was called as its file still is.
fn gather(node: &mut Node, beside: &Path) {
    match &mut node.value {
        Value::Sequence(items) => items.iter_mut().for_each(|item| gather(item, beside)),
        Value::Mapping(entries) => {
            entries.iter_mut().for_each(|(_, node)| gather(node, beside));
            let has_name = entries.iter().any(|(key, _)| ["name", "deployment"].contains(&&*key.text));
            let found = entries.iter_mut().find(|(key, _)| &*key.text == "ensemble");
            let Some((key, ensemble)) = found else { return };
            let Some((stem, within)) = ensemble.as_text().and_then(|file| ensemble_in(&beside.join(&**file)))
            else {
                return;
            };
            *ensemble = within;
            if !has_name {
                let key = Key { text: "name".into(), position: key.position };
                entries.push((key, Node::string(&stem, Position::START)));
            }
        }
        _ => {}
    }
}

/// What an ensemble file says, with its name without extension.
fn ensemble_in(path: &Path) -> Option<(String, Node)> {
    let within = yaml::parse(&read_file(path).ok()?).ok()?;
    Some((name_of_file(path)?, within))
}
