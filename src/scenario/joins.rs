//! Peers that are not there from the start.

use super::distribution;
use super::reader::{Map, Reader};
use crate::dms::ensemble::tree::Node;
use crate::kernel::Span;
use crate::workload::{ChurnConfig, ChurnStart, Growth, Joins};

const WAYS: [&str; 3] = ["over", "poisson", "burst"];

/// `joins` of a group of `count` peers.
pub(super) fn read(reader: &mut Reader, node: &Node, count: Option<u32>) -> Option<Joins> {
    let map = reader.map(node, "joins", node.position, &["over", "poisson", "burst", "stays"])?;
    let stays = reader.optional(&map, "stays", |r, node| r.distribution(node, "stays"));
    let mut written = WAYS.into_iter().filter(|way| node.entry(way).is_some());
    let (Some(way), None) = (written.next(), written.next()) else {
        let help =
            "write `{over: 2h}`, `{poisson: {mean: 10s}}` or `{burst: {at: 1h, count: 500}}`".to_owned();
        reader.error(node.position, "`joins` needs one of `over`, `poisson` or `burst`", help);
        return None;
    };
    let growth = reader.optional(&map, way, |r, node| match way {
        "over" => r.positive_span(node, "over").map(Growth::Over),
        "poisson" => {
            let map = r.map(node, "poisson", node.position, &["mean"])?;
            let help = "from one to the next, on the average, as in `mean: 10s`";
            let mean = r.required(&map, "mean", help, |r, node| r.positive_span(node, "mean"));
            mean.map(|mean| Growth::Poisson { mean })
        }
        _ => burst(r, node, count),
    });
    Some(Joins { growth: growth?, stays })
}

/// Whether what says when peers are up leaves it to them when they join.
pub(super) fn fits_churn(
    reader: &mut Reader,
    map: &Map<'_>,
    churn: Option<&(ChurnConfig, ChurnStart)>,
    repairers: Option<u32>,
) -> bool {
    let Some((key, _)) = map.node.entry("joins") else { return true };
    let (message, help) = match churn {
        Some((ChurnConfig::Trace(_), _)) => (
            "`joins` and the `trace` under `churn` exclude each other",
            "a trace says when its hosts come, and when for the last time",
        ),
        _ if repairers.is_some() => (
            "`joins` and `repairers` under `churn` exclude each other",
            "those who join would have no place in the history before the run",
        ),
        _ => return true,
    };
    reader.error(key.position, message, help.to_owned());
    false
}

fn burst(reader: &mut Reader, node: &Node, all: Option<u32>) -> Option<Growth> {
    let map = reader.map(node, "burst", node.position, &["at", "count", "within"])?;
    let at = reader.required(&map, "at", "when it begins, as in `at: 1h`", |r, node| r.span(node, "at"));
    let help = "how many join at once, as in `count: 500`";
    let count = reader.required(&map, "count", help, |r, node| {
        let count = r.count(node, "count")?;
        if let Some(all) = all.filter(|all| count > *all) {
            let help = "the others of the group are there from the start".to_owned();
            r.error(node.position, format!("{count} of {all} peers cannot join"), help);
            return None;
        }
        Some(count)
    });
    let within = reader.optional(&map, "within", |r, node| r.span(node, "within")).unwrap_or(Span::ZERO);
    Some(Growth::Burst { at: at?, count: count?, within })
}

/// How a group grows, as a scenario has it.
pub(super) fn write(joins: &Joins) -> String {
    let growth = match joins.growth {
        Growth::Over(span) => format!("over: {span}"),
        Growth::Poisson { mean } => format!("poisson: {{mean: {mean}}}"),
        Growth::Burst { at, count, within } => {
            format!("burst: {{at: {at}, count: {count}, within: {within}}}")
        }
    };
    let stays = joins.stays.as_ref().map(|stays| format!(", stays: {}", distribution::write(stays)));
    format!("{{{growth}{}}}", stays.unwrap_or_default())
}
