//! The first step of loading: short forms become long ones (dms-acceptance 5.1).
//!
//! Templates are filled in, volume strings become maps, environment maps become lists of `KEY=VALUE`. The result is
//! a tree of the same format, whose nodes keep the positions of what they came from. Unlike DMS, which merges a
//! template in place, two allocations may use one template.
use std::sync::Arc;

use super::fields::must_be;
use super::finding::{Finding, Findings, Step};
use super::suggest::suggestion;
use super::tree::{Key, Node, Position, Value};

/// The tree in long form.
pub(super) fn transform(root: &Node, out: &mut Findings) -> Node {
    let mut long = root.clone();
    if let Some(Value::Mapping(entries)) = long.get_mut("allocations").map(|node| &mut node.value) {
        for (_, allocation) in entries {
            if let Some(resources) = allocation.get_mut("resources") {
                fill_in_template(root, resources, out);
            }
            if let Some(environment) =
                allocation.get_mut("execution").and_then(|execution| execution.get_mut("environment"))
            {
                list_environment(environment, out);
            }
            for key in ["volume", "volumes"] {
                if let Some(volumes) = allocation.get_mut(key) {
                    lengthen_volumes(root, volumes);
                }
            }
        }
    }
    long
}

/// The names and values of a top-level map, or of a list whose items have a `name`.
pub(super) fn named<'a>(root: &'a Node, key: &str) -> Vec<(&'a str, &'a Node)> {
    let Some(node) = root.present(key) else { return Vec::new() };
    let from_map = node.entries().iter().map(|(key, node)| (&*key.text, node));
    let from_list = node.items().iter().filter_map(|item| Some((&**item.get("name")?.as_text()?, item)));
    from_map.chain(from_list).collect()
}

/// `resources: standard` is replaced by the top-level template of that name.
fn fill_in_template(root: &Node, resources: &mut Node, out: &mut Findings) {
    let Some(name) = resources.as_text().cloned() else { return };
    let templates = named(root, "resources");
    match templates.iter().find(|(own, _)| *own == &*name) {
        Some((_, template)) => *resources = Node { position: resources.position, ..(*template).clone() },
        None => {
            let help = suggestion(&name, templates.iter().map(|(own, _)| *own));
            let message = format!("resource template '{name}' not found");
            let finding = Finding::error(resources.position, message).reworded(Step::Transform);
            out.push(finding.with_help(help));
            resources.value = Value::Mapping(Vec::new());
            resources.written = Some(name);
        }
    }
}

/// `environment: {A: b}` becomes `environment: [A=b]`.
fn list_environment(environment: &mut Node, out: &mut Findings) {
    let Value::Mapping(entries) = &environment.value else { return };
    let mut items = Vec::with_capacity(entries.len());
    for (key, node) in entries {
        match node.scalar_text() {
            Some(text) => items.push(Node::string(&format!("{}={text}", key.text), key.position)),
            None => must_be(node, &format!("environment variable `{}`", key.text), "a string", out),
        }
    }
    environment.value = Value::Sequence(items);
}

/// Volumes become a list of maps: map keys become names, `name:mountpoint` strings become maps that inherit from the
/// top-level volume of that name. A single volume written as a map (the old form) is left for the validation.
fn lengthen_volumes(root: &Node, volumes: &mut Node) {
    if let Value::Mapping(entries) = &volumes.value {
        if entries.iter().any(|(_, node)| !node.is_map()) {
            return;
        }
        let items = entries.iter().map(|(key, node)| {
            let mut item = node.clone();
            item.position = key.position;
            insert_if_absent(&mut item, "name", Node::string(&key.text, key.position));
            item
        });
        volumes.value = Value::Sequence(items.collect());
    }
    let Value::Sequence(items) = &mut volumes.value else { return };
    for item in items {
        if let Some(text) = item.as_text()
            && let Some((name, mount)) = text.split_once(':')
        {
            let entry = |key: &str, text: &str, position: Position| {
                (Key { text: key.into(), position }, Node::string(text, position))
            };
            let at = item.position;
            item.value = Value::Mapping(vec![entry("name", name, at), entry("mount_destination", mount, at)]);
        }
        let name: Option<Arc<str>> = item.get("name").and_then(|name| name.as_text()).cloned();
        let Some(name) = name else { continue };
        let parent = named(root, "volumes").into_iter().find(|(own, _)| *own == &*name);
        for (key, node) in parent.map_or(&[][..], |(_, parent)| parent.entries()) {
            insert_if_absent(item, &key.text, node.clone());
        }
    }
}

fn insert_if_absent(map: &mut Node, key: &str, node: Node) {
    if map.get(key).is_some() {
        return;
    }
    if let Value::Mapping(entries) = &mut map.value {
        entries.push((Key { text: key.into(), position: node.position }, node));
    }
}
