//! When things are asked for, as scenarios write it: `{poisson: {mean: 60s}}`, `{batches: {every: 1h, size: 20}}`.

use super::reader::{Map, Reader, listed};
use super::workload::moment;
use crate::dms::ensemble::tree::{Node, Position};
use crate::kernel::Span;
use crate::workload::{Amounts, ArrivalsConfig, BatchMoments, MmppState};

pub(super) const KINDS: &[&str] = &["poisson", "every", "at", "burst", "mmpp", "diurnal", "batches"];
const KEYS: &[&str] = &["poisson", "every", "at", "burst", "mmpp", "diurnal", "batches", "start"];
const MEAN: &str = "the mean time between two, as in `mean: 60s`";
const DAY: Span = Span::hours(24);

/// The arrivals, and how many they are where they say so.
pub(super) fn read(
    reader: &mut Reader,
    node: &Node,
    duration: Option<Span>,
) -> Option<(ArrivalsConfig, Option<u32>)> {
    let map = reader.map(node, "arrivals", node.position, KEYS)?;
    let chosen: Vec<_> = node.entries().iter().filter(|(key, _)| KINDS.contains(&&*key.text)).collect();
    let [(kind, content)] = chosen.as_slice() else {
        reader.error(node.position, format!("`arrivals` needs exactly one of {}", listed(KINDS)), None);
        return None;
    };
    let start = reader.optional(&map, "start", |r, node| moment(r, node, "start", duration));
    if let (Some((key, _)), "at" | "burst") = (node.entry("start"), &*kind.text) {
        let help = "`at` already says when".to_owned();
        reader.error(key.position, format!("`start` has no meaning beside `{}`", kind.text), help);
    }
    let from = start.unwrap_or(Span::ZERO);
    let config = match &*kind.text {
        "poisson" => ArrivalsConfig::Poisson {
            mean_interval: poisson(reader, content, kind.position)?,
            from,
            count: None,
        },
        "every" => {
            let period = reader.positive_span(content, "every")?;
            ArrivalsConfig::Every { interval: period, from, count: None }
        }
        "at" => return at(reader, content, duration),
        "burst" => return burst(reader, content, kind.position, duration),
        "mmpp" => ArrivalsConfig::Mmpp { states: states(reader, content)?, from, count: None },
        "diurnal" => diurnal(reader, content, kind.position, from)?,
        _ => batches(reader, content, kind.position, from)?,
    };
    if let Err(error) = config.check() {
        reader.error(kind.position, format!("`{}`: {error}", kind.text), None);
        return None;
    }
    Some((config, None))
}

fn poisson(reader: &mut Reader, node: &Node, at: Position) -> Option<Span> {
    let map = reader.map(node, "poisson", at, &["mean"])?;
    mean(reader, &map)
}

fn mean(reader: &mut Reader, map: &Map<'_>) -> Option<Span> {
    reader.required(map, "mean", MEAN, |r, node| r.positive_span(node, "mean"))
}

fn at(reader: &mut Reader, node: &Node, duration: Option<Span>) -> Option<(ArrivalsConfig, Option<u32>)> {
    let items = if node.items().is_empty() { std::slice::from_ref(node) } else { node.items() };
    let read: Vec<Option<Span>> = items.iter().map(|item| moment(reader, item, "at", duration)).collect();
    let mut times: Vec<Span> = read.into_iter().collect::<Option<_>>()?;
    times.sort_unstable();
    let count = times.len() as u32;
    Some((ArrivalsConfig::At(times), Some(count)))
}

fn burst(
    reader: &mut Reader,
    node: &Node,
    at: Position,
    duration: Option<Span>,
) -> Option<(ArrivalsConfig, Option<u32>)> {
    let map = reader.map(node, "burst", at, &["at", "count", "within"])?;
    let at = reader.required(&map, "at", "when, as in `at: 1h`", |r, n| moment(r, n, "at", duration));
    let help = "how many at once, as in `count: 50`";
    let count = reader.required(&map, "count", help, |r, node| r.count(node, "count"));
    let count = count?;
    let within = reader.optional(&map, "within", |r, node| r.span(node, "within")).unwrap_or_default();
    Some((ArrivalsConfig::Burst { at: at?, count: u64::from(count), within }, Some(count)))
}

fn states(reader: &mut Reader, node: &Node) -> Option<Vec<MmppState>> {
    let help = "write a list of states, as in `[{mean: 2s, stay: 5m}, {mean: 2m, stay: 1h}]`";
    if node.items().is_empty() {
        reader.wrong_type(node, "`mmpp`", "a list of states", help.to_owned());
        return None;
    }
    let state = |item: &Node| {
        let map = reader.map(item, "state", item.position, &["mean", "stay"])?;
        let gap = match item.entry("mean") {
            Some(_) => Some(mean(reader, &map)?),
            None => None,
        };
        let help = "how long it lasts on the average, as in `stay: 5m`";
        let stay = reader.required(&map, "stay", help, |r, node| r.positive_span(node, "stay"));
        Some(MmppState { mean_interval: gap, mean_stay: stay? })
    };
    let read: Vec<Option<MmppState>> = node.items().iter().map(state).collect();
    read.into_iter().collect()
}

fn diurnal(reader: &mut Reader, node: &Node, at: Position, from: Span) -> Option<ArrivalsConfig> {
    let map = reader.map(node, "diurnal", at, &["mean", "swing", "peak", "period"])?;
    let mean_interval = mean(reader, &map);
    let help = "by which part of the mean the rate goes up and down, as in `swing: 60%`";
    let amplitude = reader.required(&map, "swing", help, |r, node| r.fraction(node, "swing"));
    let help = "when the rate is highest, after the start of the run, as in `peak: 14h`";
    let peak = reader.required(&map, "peak", help, |r, node| r.span(node, "peak"));
    let period = match node.entry("period") {
        Some(_) => reader.optional(&map, "period", |r, node| r.positive_span(node, "period")),
        None => Some(DAY),
    };
    Some(ArrivalsConfig::Diurnal {
        mean_interval: mean_interval?,
        amplitude: amplitude?,
        period: period?,
        peak: peak?,
        from,
        count: None,
    })
}

fn batches(reader: &mut Reader, node: &Node, at: Position, from: Span) -> Option<ArrivalsConfig> {
    let map = reader.map(node, "batches", at, &["poisson", "every", "size"])?;
    let moments = match (node.entry("poisson"), node.entry("every")) {
        (Some((key, content)), None) => poisson(reader, content, key.position).map(BatchMoments::Poisson),
        (None, Some((_, content))) => reader.positive_span(content, "every").map(BatchMoments::Every),
        _ => {
            reader.error(at, "`batches` needs exactly one of `poisson` or `every`", None);
            None
        }
    };
    let help = "how many come together, as in `size: 20` or `size: {uniform: {from: 1, to: 20}}`";
    let size = reader.required(&map, "size", help, |r, node| {
        let size = r.amounts_of_things(node, "size")?;
        if size.mean() < 1.0 {
            r.error(node.position, "a batch has one at least", None);
            return None;
        }
        Some(Amounts { least: size.least.max(1.0), most: size.most.max(1.0), ..size })
    });
    Some(ArrivalsConfig::Batches { moments: moments?, size: size?, from, count: None })
}

/// Arrivals with every default written out.
pub(super) fn write(arrivals: &ArrivalsConfig) -> String {
    match arrivals {
        ArrivalsConfig::Poisson { mean_interval, from, .. } => {
            format!("{{poisson: {{mean: {mean_interval}}}, start: {from}}}")
        }
        ArrivalsConfig::Every { interval, from, .. } => format!("{{every: {interval}, start: {from}}}"),
        ArrivalsConfig::At(times) => {
            let times: Vec<String> = times.iter().map(ToString::to_string).collect();
            format!("{{at: [{}]}}", times.join(", "))
        }
        ArrivalsConfig::Burst { at, count, within } => {
            format!("{{burst: {{at: {at}, count: {count}, within: {within}}}}}")
        }
        ArrivalsConfig::Mmpp { states, from, .. } => {
            let state = |state: &MmppState| match state.mean_interval {
                Some(gap) => format!("{{mean: {gap}, stay: {}}}", state.mean_stay),
                None => format!("{{stay: {}}}", state.mean_stay),
            };
            let states: Vec<String> = states.iter().map(state).collect();
            format!("{{mmpp: [{}], start: {from}}}", states.join(", "))
        }
        ArrivalsConfig::Diurnal { mean_interval, amplitude, period, peak, from, .. } => format!(
            "{{diurnal: {{mean: {mean_interval}, swing: {amplitude}, peak: {peak}, period: {period}}}, start: {from}}}"
        ),
        ArrivalsConfig::Batches { moments, size, from, .. } => {
            let moments = match moments {
                BatchMoments::Poisson(gap) => format!("poisson: {{mean: {gap}}}"),
                BatchMoments::Every(gap) => format!("every: {gap}"),
            };
            let size = super::distribution::write_things(size);
            format!("{{batches: {{{moments}, size: {size}}}, start: {from}}}")
        }
    }
}
