//! A grid of overrides: values for some paths of a scenario, each with each.

use super::super::overrides::{Step, steps};
use super::super::reader::{Map, Reader};
use super::super::resolved;
use super::Variant;
use crate::dms::ensemble::tree::{Key, Node, Value};

/// So many points a grid may have.
const MOST_POINTS: usize = 10_000;

/// A path with its values, as people read them and as they are written behind `--set`.
struct Axis {
    path: String,
    values: Vec<(String, String)>,
}

/// The points of the grid of a study, the last path being the fastest; none where there is no grid.
pub(super) fn points(reader: &mut Reader, top: &Map<'_>) -> Vec<Variant> {
    let Some((key, node)) = top.node.entry("grid") else { return Vec::new() };
    let help = "paths with lists of values, as in `grid: {peers[0].providers.count: [100, 1000]}`";
    if !node.is_map() || node.entries().is_empty() {
        reader.wrong_type(node, "`grid`", "a map", help.to_owned());
        return Vec::new();
    }
    let axes: Vec<Axis> =
        node.entries().iter().filter_map(|(key, node)| axis(reader, &key.text, node)).collect();
    for (place, axis) in axes.iter().enumerate() {
        if let Some(other) = axes[..place].iter().find(|other| overlap(&other.path, &axis.path)) {
            let message = format!("`{}` and `{}` set the same", other.path, axis.path);
            reader.error(key.position, message, "name each value of the scenario once".to_owned());
        }
    }
    let count = axes.iter().try_fold(1_usize, |count, axis| count.checked_mul(axis.values.len()));
    if count.is_none_or(|count| count > MOST_POINTS) {
        let help = format!("at most {MOST_POINTS} are planned; split it into several studies");
        reader.error(key.position, "the grid has too many points".to_owned(), help);
        return Vec::new();
    }
    let mut points = vec![Variant::default()];
    for (place, axis) in axes.iter().enumerate() {
        // What has one value in all points tells none from another.
        let is_said = axis.values.len() > 1 || count == Some(1);
        let label = label(&axes, place);
        let with = |point: &Variant, (shown, value): &(String, String)| {
            let mut next = point.clone();
            if is_said {
                let and = if next.name.is_empty() { "" } else { ", " };
                next.name += &format!("{and}{label}={shown}");
            }
            next.set.push(format!("{}={value}", axis.path));
            next.parameters.push((axis.path.clone(), shown.clone()));
            next
        };
        points = points.iter().flat_map(|point| axis.values.iter().map(|value| with(point, value))).collect();
    }
    points
}

/// Whether one of two paths leads to the other, or through it.
fn overlap(one: &str, other: &str) -> bool {
    let parts = |path: &'_ str| -> Vec<String> {
        let part = |step: &Step<'_>| step.text().trim_start_matches('0').to_owned();
        steps(path).iter().map(part).collect()
    };
    parts(one).iter().zip(&parts(other)).all(|(one, other)| one == other)
}

fn axis(reader: &mut Reader, path: &str, node: &Node) -> Option<Axis> {
    if node.items().is_empty() {
        let help = format!("as in `{path}: [1, 2]`");
        match &node.value {
            Value::Sequence(_) => reader.error(node.position, format!("`{path}` has no values"), help),
            _ => reader.wrong_type(node, &format!("`{path}`"), "a list of values", help),
        }
        return None;
    }
    let both =
        |node: &Node| (node.scalar_text().map_or_else(|| flow(node), |text| text.to_string()), flow(node));
    let values: Vec<(String, String)> = node.items().iter().map(both).collect();
    for (place, (shown, _)) in values.iter().enumerate() {
        if values[..place].iter().any(|(other, _)| other == shown) {
            reader.error(node.items()[place].position, format!("`{shown}` stands here twice"), None);
            return None;
        }
    }
    Some(Axis { path: path.to_owned(), values })
}

/// A value on one line, as it may stand behind `--set`.
fn flow(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::String(text) => resolved::text(text),
        Value::Sequence(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Mapping(entries) => {
            let entry = |(key, node): &(Key, Node)| format!("{}: {}", resolved::text(&key.text), flow(node));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        _ => node.scalar_text().unwrap_or_default().to_string(),
    }
}

/// What a path is called in the names of points: its last key, where that tells it from the others.
fn label(axes: &[Axis], place: usize) -> String {
    let last = |axis: &Axis| -> String {
        let keys = steps(&axis.path);
        let key = keys.iter().rev().find_map(Step::key);
        key.unwrap_or(&axis.path).to_owned()
    };
    let own = last(&axes[place]);
    let others = axes.iter().enumerate().filter(|(other, _)| *other != place);
    if others.into_iter().any(|(_, other)| last(other) == own) { axes[place].path.clone() } else { own }
}

/// Each with each: what both set, the second winning.
pub(super) fn cross(conditions: Vec<Variant>, points: &[Variant]) -> Vec<Variant> {
    if points.is_empty() {
        return conditions;
    }
    let both = |condition: &Variant, point: &Variant| Variant {
        name: format!("{}, {}", condition.name, point.name),
        set: condition.set.iter().chain(&point.set).cloned().collect(),
        parameters: point.parameters.clone(),
        replications: None,
    };
    conditions.iter().flat_map(|condition| points.iter().map(move |point| both(condition, point))).collect()
}
