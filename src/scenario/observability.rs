//! The `observability` of a scenario: whose logs, events, traces and metrics are written, and how.

use super::faults::peer;
use super::peers::Peers;
use super::reader::{Map, Reader};
use super::resolved::{after, map as written, text};
use super::units::write_bytes;
use super::workload::moment;
use crate::dms::ensemble::tree::Node;
use crate::dms::observability::{ApmConfig, ElasticConfig, FileConfig, Label, Level, ObserverConfig};
use crate::kernel::{Span, Time};
use crate::sim::setup::ObserverPlan;

const KEYS: &[&str] = &[
    "peers",
    "level",
    "sinks",
    "file",
    "elastic",
    "flush_interval",
    "apm",
    "metrics",
    "skip",
    "no_op",
    "servers_away",
];
const FLAG: [(&str, bool); 2] = [("true", true), ("false", false)];
pub(super) const LEVELS: [(&str, Level); 4] =
    [("debug", Level::Debug), ("info", Level::Info), ("warn", Level::Warn), ("error", Level::Error)];
/// Sinks that are on or off and need no more.
const SINKS: [(&str, Sink); 2] = [("console", Sink::Console), ("events", Sink::Events)];
/// A file of the usual size.
const MAX_BYTES: u64 = 100_000_000;
const KEPT: u32 = 3;
/// The usual wait of records.
const FLUSH_INTERVAL: Span = Span::secs(5);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sink {
    Console,
    Events,
}

/// Reads who is observed.
pub(super) fn read(
    reader: &mut Reader,
    top: &Map<'_>,
    duration: Option<Span>,
    peers: &Peers,
) -> Vec<ObserverPlan> {
    let items = reader.list(top, "observability");
    let mut plans: Vec<ObserverPlan> = Vec::new();
    for item in items {
        let Some(plan) = plan(reader, item, duration, peers) else { continue };
        let twice = plan.peers.iter().find(|name| plans.iter().any(|other| other.peers.contains(name)));
        if let Some(name) = twice {
            let help = "name each peer once".to_owned();
            reader.error(item.position, format!("`{name}` is observed already"), help);
        }
        plans.push(plan);
    }
    plans
}

fn plan(reader: &mut Reader, node: &Node, duration: Option<Span>, peers: &Peers) -> Option<ObserverPlan> {
    let map = reader.map(node, "observability", node.position, KEYS)?;
    let before = reader.errors;
    let help = "who is observed, as in `peers: [alice, bob]`";
    let names = reader.required(&map, "peers", help, |r, node| {
        if node.items().is_empty() {
            r.error(node.position, "`peers` must be a list of names", help.to_owned());
            return None;
        }
        node.items().iter().map(|item| peer(r, item, "peers", peers)).collect::<Option<Vec<_>>>()
    });
    let level = reader.optional(&map, "level", |r, node| r.word(node, "level", &LEVELS));
    let (console, events) = match map.node.entry("sinks") {
        Some(_) => {
            let items = reader.list(&map, "sinks");
            let sinks: Vec<Sink> =
                items.iter().filter_map(|item| reader.word(item, "sinks", &SINKS)).collect();
            (sinks.contains(&Sink::Console), sinks.contains(&Sink::Events))
        }
        None => (true, false),
    };
    let file = reader.optional(&map, "file", file);
    let elastic = reader.optional(&map, "elastic", elastic);
    let flush_interval =
        reader.optional(&map, "flush_interval", |r, node| r.positive_span(node, "flush_interval"));
    let apm = reader.optional(&map, "apm", apm).unwrap_or_default();
    let mut flag = |key| reader.optional(&map, key, |r, node| r.word(node, key, &FLAG));
    let (metrics, no_op) = (flag("metrics"), flag("no_op"));
    let labels = Label::ALL.map(|label| (label.as_str(), label));
    let skipped =
        reader.list(&map, "skip").iter().filter_map(|item| reader.word(item, "skip", &labels)).collect();
    let away = reader.list(&map, "servers_away");
    let away = away.iter().filter_map(|item| outage(reader, item, duration)).collect();
    let config = ObserverConfig {
        level: level.unwrap_or_default(),
        console,
        file,
        elastic,
        flush_interval: flush_interval.unwrap_or(FLUSH_INTERVAL),
        events,
        apm,
        metrics: metrics.unwrap_or(true),
        skipped,
        no_op: no_op.unwrap_or(false),
    };
    (reader.errors == before).then_some(ObserverPlan { peers: names?, config, away })
}

fn file(reader: &mut Reader, node: &Node) -> Option<FileConfig> {
    let map = reader.map(node, "file", node.position, &["size", "kept"])?;
    let max_bytes = reader.optional(&map, "size", |r, node| r.bytes(node, "size"));
    let kept = reader.optional(&map, "kept", |r, node| r.whole(node, "kept", 0, 1000));
    let kept = kept.map_or(KEPT, |kept| kept as u32);
    Some(FileConfig { max_bytes: max_bytes.unwrap_or(MAX_BYTES), kept })
}

fn elastic(reader: &mut Reader, node: &Node) -> Option<ElasticConfig> {
    let map = reader.map(node, "elastic", node.position, &["url", "api_key"])?;
    let help = "where it is, as in `url: https://logs.example`";
    let url = reader.required(&map, "url", help, |r, node| r.text(node, "url"));
    let api_key = reader.optional(&map, "api_key", |r, node| r.text(node, "api_key"));
    let api_key = api_key.map(|key| key.to_string()).unwrap_or_default();
    Some(ElasticConfig { url: url?.to_string(), api_key })
}

/// Whatever of the three is missing, traces are off.
fn apm(reader: &mut Reader, node: &Node) -> Option<ApmConfig> {
    let map = reader.map(node, "apm", node.position, &["url", "service", "environment"])?;
    let mut text = |key| {
        let text = reader.optional(&map, key, |r: &mut Reader, node| r.text(node, key));
        text.map(|text| text.to_string()).unwrap_or_default()
    };
    Some(ApmConfig { url: text("url"), service: text("service"), environment: text("environment") })
}

fn outage(reader: &mut Reader, node: &Node, duration: Option<Span>) -> Option<(Time, Span)> {
    let map = reader.map(node, "servers_away", node.position, &["at", "for"])?;
    let help = "from when on, as in `at: 10m`";
    let at = reader.required(&map, "at", help, |r, node| moment(r, node, "at", duration));
    let help = "how long, as in `for: 5m`";
    let lasts = reader.required(&map, "for", help, |r, node| r.positive_span(node, "for"));
    Some((Time::ZERO + at?, lasts?))
}

/// A plan as a scenario has it.
pub(super) fn write(plan: &ObserverPlan) -> String {
    let ObserverPlan { peers, config, away } = plan;
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let sinks = [("console", config.console), ("events", config.events)];
    let sinks = sinks.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_owned()).collect();
    let outage = |(at, lasts): &(Time, Span)| format!("{{at: {}, for: {lasts}}}", after(*at));
    let filled = |value: &str| (!value.is_empty()).then(|| text(value));
    let apm = &config.apm;
    let level = LEVELS.iter().find(|(_, level)| *level == config.level).map(|(name, _)| (*name).to_owned());
    written(&[
        ("peers", Some(list(peers.iter().map(|name| text(name)).collect()))),
        ("level", level),
        ("sinks", Some(list(sinks))),
        (
            "file",
            config.file.map(|file| format!("{{size: {}, kept: {}}}", write_bytes(file.max_bytes), file.kept)),
        ),
        (
            "elastic",
            config
                .elastic
                .as_ref()
                .map(|one| written(&[("url", Some(text(&one.url))), ("api_key", filled(&one.api_key))])),
        ),
        ("flush_interval", Some(config.flush_interval.to_string())),
        (
            "apm",
            (*apm != ApmConfig::default()).then(|| {
                written(&[
                    ("url", filled(&apm.url)),
                    ("service", filled(&apm.service)),
                    ("environment", filled(&apm.environment)),
                ])
            }),
        ),
        ("metrics", Some(config.metrics.to_string())),
        (
            "skip",
            (!config.skipped.is_empty())
                .then(|| list(config.skipped.iter().map(|label| label.as_str().to_owned()).collect())),
        ),
        ("no_op", Some(config.no_op.to_string())),
        ("servers_away", (!away.is_empty()).then(|| list(away.iter().map(outage).collect()))),
    ])
}
