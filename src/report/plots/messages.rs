//! Messages by the second.

use std::collections::BTreeMap;

use super::{Plot, count_axis, time_axis};
use crate::report::chart::{Chart, Dash, Mark, Panel, Series};
use crate::report::tables::Tables;

/// Kinds of messages that get a line of their own.
const TOP_KINDS: usize = 6;

/// The rate of a counter between its samples, by the second, placed at the start of each interval.
fn rate(samples: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let pairs = samples.windows(2).filter(|pair| pair[1].0 > pair[0].0);
    let mut rates: Vec<_> =
        pairs.map(|pair| (pair[0].0, (pair[1].1 - pair[0].1).max(0.0) / (pair[1].0 - pair[0].0))).collect();
    if let (Some((time, _)), Some((_, last))) = (samples.last(), rates.last().copied()) {
        rates.push((*time, last));
    }
    rates
}

/// The rates of a counter by one of its labels, the most frequent first, the rest summed as `other`; the
/// plain counter where it has no such label.
fn rates(tables: &Tables, metric: &str, key: &str) -> Vec<(String, Vec<(f64, f64)>)> {
    let mut kinds = tables.samples_by(metric, key);
    if kinds.is_empty() {
        let plain = rate(&tables.samples(metric));
        return if plain.is_empty() { Vec::new() } else { vec![(String::new(), plain)] };
    }
    let total = |samples: &[(f64, f64)]| samples.last().map_or(0.0, |(_, value)| *value);
    kinds.sort_by(|a, b| total(&b.1).total_cmp(&total(&a.1)).then_with(|| a.0.cmp(&b.0)));
    let rest = kinds.split_off(kinds.len().min(TOP_KINDS));
    if !rest.is_empty() {
        let mut sum: BTreeMap<u64, f64> = BTreeMap::new();
        for (time, value) in rest.iter().flat_map(|(_, samples)| samples) {
            *sum.entry(time.max(0.0).to_bits()).or_default() += value;
        }
        kinds.push((
            "other".to_owned(),
            sum.into_iter().map(|(time, value)| (f64::from_bits(time), value)).collect(),
        ));
    }
    kinds
        .into_iter()
        .map(|(kind, samples)| (kind, rate(&samples)))
        .filter(|(_, rates)| !rates.is_empty())
        .collect()
}

pub(super) fn messages(tables: &Tables) -> Option<Plot> {
    let sent = rates(tables, "messages.sent", "kind");
    if sent.is_empty() {
        return None;
    }
    let lines = |rates: Vec<(String, Vec<(f64, f64)>)>, start: usize| {
        let colored = rates.into_iter().enumerate();
        let series = colored.map(|(at, (kind, rate))| {
            // A line alone in its panel is solid.
            let series = Series::numbered(at + start, &kind, Mark::Step(rate));
            series.dashed(Dash::CYCLE[at % Dash::CYCLE.len()])
        });
        series.collect::<Vec<_>>()
    };
    let mut panels = vec![Panel::new(count_axis("messages sent per second"), lines(sent, 0))];
    let rejected = rates(tables, "messages.rejected", "kind");
    if rejected.iter().any(|(_, rate)| rate.iter().any(|(_, value)| *value > 0.0)) {
        panels.push(Panel::new(count_axis("messages rejected per second"), lines(rejected, 3)));
    }
    Some(Plot::of(
        "messages",
        "Messages by the simulated second: handed to the network, and refused by their receivers.".into(),
        &Chart::new("Messages", time_axis(tables), panels),
        "time_s",
        "messages_per_s",
    ))
}
