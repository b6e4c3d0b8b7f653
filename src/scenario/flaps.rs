//! Conditions that come and go within the time of their fault.

use super::distribution;
use super::reader::{Map, Reader};
use crate::dms::ensemble::tree::Node;
use crate::kernel::Distribution;
use crate::sim::setup::Flaps;

/// The shortest mean of a span: what comes and goes more often is a loss.
const SHORTEST_MEAN_S: f64 = 0.01;

/// `{on: DIST, off: DIST}`.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<Flaps> {
    let map = reader.map(node, "flaps", node.position, &["on", "off"])?;
    let on = span(reader, &map, "on", "how long it is there each time, as in `on: 20s`");
    let off = span(reader, &map, "off", "how long it is gone each time, as in `off: 1m`");
    Some(Flaps { on: on?, off: off? })
}

fn span(reader: &mut Reader, map: &Map<'_>, key: &str, help: &str) -> Option<Distribution> {
    reader.required(map, key, help, |r, node| {
        let span = r.distribution(node, key)?;
        if span.mean_s() < SHORTEST_MEAN_S {
            r.error(node.position, format!("the mean of `{key}` must be at least 10ms"), None);
            return None;
        }
        Some(span)
    })
}

/// The entry with a comma behind it; nothing where it stays.
pub(super) fn write(flaps: &Option<Flaps>) -> String {
    let Some(Flaps { on, off }) = flaps else { return String::new() };
    format!("flaps: {{on: {}, off: {}}}, ", distribution::write(on), distribution::write(off))
}
