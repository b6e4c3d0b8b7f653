//! The choices that are compared between runs: `strategy`, and the `recovery` of single deployments.

use std::sync::Arc;

use super::peers::Peers;
use super::placement;
use super::reader::{Map, Reader};
use crate::dms::ensemble::tree::Node;
use crate::dms::orchestrator::{Strategy, Wishes};
use crate::dms::supervision::detector::{FixedTimeout, PhiAccrual, Swim, Ticking};
use crate::dms::supervision::recovery::{
    CheckedShare, Checkpoint, HandOver, Interval, Losses, Measure, Replication, Retry, SpotCheck, Standby,
};
use crate::dms::supervision::{Copies, Detector, Recovery};
use crate::kernel::Span;
use crate::placement::Mix;
use crate::sim::setup::Role;

const KEYS: &[&str] = &[
    "placement",
    "scored_bids",
    "recovery",
    "force_recovery",
    "detector",
    "bid_suppression",
    "queue",
    "attempts",
];
const FLAG: &[(&str, bool)] = &[("true", true), ("false", false)];
/// Spares of one node.
const MOST_SPARES: i64 = 16;
/// The highest priority.
const MOST_PRIORITY: i64 = 1000;
/// Deployments that an orchestrator works on at once.
const MOST_AT_ONCE: i64 = 1_000_000;
/// A phi beyond this one is never reached.
const LARGEST_PHI: f64 = 300.0;

/// Reads `strategy`.
pub(super) fn read(reader: &mut Reader, top: &Map<'_>, peers: &Peers, expected_jobs: &Arc<Mix>) -> Strategy {
    let mut strategy = Strategy::default();
    let Some((key, node)) = top.node.entry("strategy").filter(|(_, node)| !node.is_null()) else {
        return strategy;
    };
    let Some(map) = reader.map(node, "strategy", key.position, KEYS) else { return strategy };
    placement::read(reader, &map, peers, expected_jobs, &mut strategy);
    if let Some(recovery) = recovery(reader, &map, peers) {
        strategy.recovery = recovery;
    }
    if let Some(detector) = reader.optional(&map, "detector", detector) {
        strategy.detector = detector;
    }
    let flag = |reader: &mut Reader, key: &str| {
        reader.optional(&map, key, |r, node| r.word(node, key, FLAG)).unwrap_or(false)
    };
    strategy.recovery.forced = flag(reader, "force_recovery");
    if flag(reader, "bid_suppression") {
        // A real node estimates it from its table of the DHT; here everybody knows it.
        strategy.bid_suppression = Some(peers.count_of(Role::Provider));
    }
    strategy.at_once = reader.optional(&map, "queue", at_once).flatten();
    strategy.attempts = attempts(reader, &map);
    strategy
}

/// `{at_once: 1}`: on how many deployments of its own an orchestrator works at once.
fn at_once(reader: &mut Reader, node: &Node) -> Option<Option<u32>> {
    let map = reader.map(node, "queue", node.position, &["at_once"])?;
    let help = "how many deployments an orchestrator works on, as in `at_once: 4`";
    let number =
        reader.required(&map, "at_once", help, |r, node| r.whole(node, "at_once", 1, MOST_AT_ONCE))?;
    Some(u32::try_from(number).ok())
}

/// `attempts: 1`: how often an orchestrator tries to place a deployment.
fn attempts(reader: &mut Reader, map: &Map<'_>) -> Option<u32> {
    let number = reader.optional(map, "attempts", |r, node| r.whole(node, "attempts", 1, MOST_AT_ONCE))?;
    u32::try_from(number).ok()
}

/// What the owner of a deployment wants otherwise.
pub(super) fn wishes(reader: &mut Reader, map: &Map<'_>, peers: &Peers) -> Wishes {
    let priority = reader.optional(map, "priority", |r, node| r.whole(node, "priority", 0, MOST_PRIORITY));
    Wishes {
        recovery: recovery(reader, map, peers),
        detector: reader.optional(map, "detector", detector),
        priority: priority.and_then(|priority| u32::try_from(priority).ok()),
    }
}

/// `recovery: redeploy`, or a list of strategies in the order in which they are asked.
fn recovery(reader: &mut Reader, map: &Map<'_>, peers: &Peers) -> Option<Recovery> {
    reader.optional(map, "recovery", |reader, node| {
        let items = if node.items().is_empty() { std::slice::from_ref(node) } else { node.items() };
        let mut measures: Vec<Measure> = Vec::new();
        for item in items {
            let measure = measure(reader, item)?;
            if measures.iter().any(|other| other.name() == measure.name()) {
                reader.error(item.position, format!("`{}` stands here twice", measure.name()), None);
                return None;
            }
            let lone = peers.lone_orchestrator().filter(|_| !peers.incomplete);
            if let (Measure::HandOver(_), Some(group)) = (measure, lone) {
                let name = group.names.first().unwrap_or(&group.name);
                let message = format!("`hand_over` needs another orchestrator, and `{name}` has none");
                let help =
                    "name a second one of the same organizations: `- orchestrators: {names: [alice, bob]}`";
                reader.error(item.position, message, Some(help.to_owned()));
                return None;
            }
            measures.push(measure);
        }
        Some(Recovery::of(&measures))
    })
}

/// A strategy by its name, or with what it takes.
fn measure(reader: &mut Reader, node: &Node) -> Option<Measure> {
    let named: Vec<(&str, Measure)> = Measure::ALL.iter().map(|one| (one.name(), *one)).collect();
    if !node.is_map() {
        return reader.word(node, "recovery", &named);
    }
    let names = ["standby", "checkpoint", "retry", "replication", "hand_over", "spot_check"];
    let variant = reader.variant(node, "a strategy", &names)?;
    match variant.name {
        "hand_over" => {
            let map = reader.map(variant.node, "hand_over", variant.at, &["after"])?;
            let after = span_or(reader, &map, "after", HandOver::DEFAULT.after);
            Some(Measure::HandOver(HandOver { after }))
        }
        "standby" => {
            let map = reader.map(variant.node, "standby", variant.at, &["count"])?;
            let help = "how many for each node, as in `count: 2`";
            let count =
                reader.required(&map, "count", help, |r, node| r.whole(node, "count", 1, MOST_SPARES))?;
            Some(Measure::Standby(Standby { count: count as u32 }))
        }
        "spot_check" => {
            let map = reader.map(variant.node, "spot_check", variant.at, &["share"])?;
            let share = reader.optional(&map, "share", checked_share);
            Some(Measure::SpotCheck(SpotCheck(share.unwrap_or(CheckedShare::DEFAULT))))
        }
        "checkpoint" => interval(reader, variant.node).map(|every| Measure::Checkpoint(Checkpoint(every))),
        "retry" => {
            let map = reader.map(variant.node, "retry", variant.at, &["attempts", "first", "longest"])?;
            let attempts = reader.optional(&map, "attempts", |r, node| r.count(node, "attempts"));
            let first = reader.optional(&map, "first", |r, node| r.positive_span(node, "first"));
            let longest = reader.optional(&map, "longest", |r, node| r.positive_span(node, "longest"));
            Some(Measure::Retry(Retry {
                attempts: attempts.unwrap_or(Retry::DEFAULT.attempts),
                first: first.unwrap_or(Retry::DEFAULT.first),
                longest: longest.unwrap_or(Retry::DEFAULT.longest),
            }))
        }
        _ => {
            let map = reader.map(variant.node, "replication", variant.at, &["copies", "majority"])?;
            let mut number = |key| {
                reader.optional(&map, key, |r: &mut Reader, node: &Node| r.whole(node, key, 1, MOST_SPARES))
            };
            let (copies, majority) = (number("copies"), number("majority"));
            let majority = majority.unwrap_or(1) as u32;
            let count = copies.map_or(majority.max(2), |copies| copies as u32);
            Some(Measure::Replication(Replication(Copies { count, majority })))
        }
    }
}

/// How likely a result is checked, which is kept in millionths.
fn checked_share(reader: &mut Reader, node: &Node) -> Option<CheckedShare> {
    let share = reader.fraction(node, "share")?;
    let millionths = libm::round(share * f64::from(CheckedShare::ALL)) as u32;
    if millionths == 0 && share > 0.0 {
        let help = "write 0 where nothing is to be checked".to_owned();
        reader.error(
            node.position,
            "`share` is below a millionth: nothing would be checked".to_owned(),
            help,
        );
        return None;
    }
    Some(CheckedShare { millionths })
}

/// `{every: 10m}`, or `{young: {mean_time_between_failures: 24h, cost: 30s}}` and the like.
fn interval(reader: &mut Reader, node: &Node) -> Option<Interval> {
    let variant = reader.variant(node, "an interval", &["every", "young", "daly", "optimal"])?;
    if variant.name == "every" {
        return reader.period(variant.node, "every").map(Interval::Fixed);
    }
    let keys = ["mean_time_between_failures", "cost"];
    let map = reader.map(variant.node, variant.name, variant.at, &keys)?;
    let mut span = |key, help| {
        reader.required(&map, key, help, |r: &mut Reader, node: &Node| r.positive_span(node, key))
    };
    let mean = span("mean_time_between_failures", "of a peer, as in `mean_time_between_failures: 24h`");
    let cost = span("cost", "how long work stands still for a checkpoint, as in `cost: 30s`");
    let losses = Losses { mean_time_between_failures: mean?, cost: cost? };
    Some(match variant.name {
        "young" => Interval::Young(losses),
        "daly" => Interval::Daly(losses),
        _ => Interval::Optimal(losses),
    })
}

fn detector(reader: &mut Reader, node: &Node) -> Option<Detector> {
    let named: Vec<(&str, Detector)> =
        Detector::ALL.iter().map(|one| (one.logic().about().name, *one)).collect();
    if !node.is_map() {
        return reader.word(node, "detector", &named);
    }
    let variant = reader.variant(node, "a failure detector", &["fixed", "phi", "swim"])?;
    let keys: &[&str] = match variant.name {
        "fixed" => &["period", "timeout"],
        "phi" => &["period", "suspicion", "threshold", "least_deviation", "window"],
        _ => &["period", "timeout", "helpers", "suspicion"],
    };
    let map = reader.map(variant.node, variant.name, variant.at, keys)?;
    match variant.name {
        "fixed" => {
            let FixedTimeout { period, timeout } = FixedTimeout::DEFAULT;
            let fixed = FixedTimeout {
                period: span_or(reader, &map, "period", period),
                timeout: span_or(reader, &map, "timeout", timeout),
            };
            if fixed.timeout < fixed.period {
                let message = "`timeout` is shorter than `period`: every allocation would be lost at once";
                reader.error(map.at, message.to_owned(), None);
            }
            Some(Detector::Fixed(fixed))
        }
        "phi" => Some(Detector::Phi(phi(reader, &map))),
        _ => {
            let Swim { period, timeout, helpers, suspicion } = Swim::DEFAULT;
            Some(Detector::Swim(Swim {
                period: span_or(reader, &map, "period", period),
                timeout: span_or(reader, &map, "timeout", timeout),
                helpers: reader
                    .optional(&map, "helpers", |r, node| r.whole(node, "helpers", 0, MOST_SPARES))
                    .map_or(helpers, |helpers| helpers as u32),
                suspicion: span_or(reader, &map, "suspicion", suspicion),
            }))
        }
    }
}

fn phi(reader: &mut Reader, map: &Map<'_>) -> PhiAccrual {
    let known = PhiAccrual::DEFAULT;
    let mut value = |key, known: u32| {
        let read = reader.optional(map, key, |r: &mut Reader, node: &Node| {
            let phi = r.number(node, key)?;
            if phi > 0.0 && phi <= LARGEST_PHI {
                return Some(libm::round(phi * 1000.0) as u32);
            }
            r.error(node.position, format!("`{key}` must be above 0 and at most {LARGEST_PHI}"), None);
            None
        });
        read.unwrap_or(known)
    };
    let suspicion_milli = value("suspicion", known.suspicion_milli);
    let threshold_milli = value("threshold", known.threshold_milli);
    if suspicion_milli > threshold_milli {
        let message = "`suspicion` is above `threshold`: nobody would be suspected before being lost";
        reader.error(map.at, message.to_owned(), None);
    }
    let window = reader.optional(map, "window", |r, node| r.whole(node, "window", 2, 10_000));
    PhiAccrual {
        period: span_or(reader, map, "period", known.period),
        suspicion_milli,
        threshold_milli,
        least_deviation: span_or(reader, map, "least_deviation", known.least_deviation),
        window: window.map_or(known.window, |window| window as u32),
    }
}

fn span_or(reader: &mut Reader, map: &Map<'_>, key: &str, default: Span) -> Span {
    let read = |r: &mut Reader, node: &Node| match key {
        "period" => r.period(node, key),
        _ => r.positive_span(node, key),
    };
    reader.optional(map, key, read).unwrap_or(default)
}

/// A strategy as a scenario has it.
pub(super) fn write(strategy: &Strategy) -> String {
    let mut entries = placement::write(strategy);
    entries.push(format!("recovery: {}", write_recovery(&strategy.recovery)));
    if strategy.recovery.forced {
        entries.push("force_recovery: true".to_owned());
    }
    if strategy.detector != Detector::default() {
        entries.push(format!("detector: {}", write_detector(strategy.detector)));
    }
    if strategy.bid_suppression.is_some() {
        entries.push("bid_suppression: true".to_owned());
    }
    if let Some(at_once) = strategy.at_once {
        entries.push(format!("queue: {{at_once: {at_once}}}"));
    }
    if let Some(attempts) = strategy.attempts {
        entries.push(format!("attempts: {attempts}"));
    }
    format!("{{{}}}", entries.join(", "))
}

/// Strategies as a scenario has them.
pub(super) fn write_recovery(recovery: &Recovery) -> String {
    match &*recovery.measures {
        [only] => write_measure(only),
        all => format!("[{}]", all.iter().map(write_measure).collect::<Vec<_>>().join(", ")),
    }
}

fn write_measure(measure: &Measure) -> String {
    match measure {
        Measure::Standby(Standby { count }) => format!("{{standby: {{count: {count}}}}}"),
        Measure::Checkpoint(Checkpoint(interval)) => {
            let losses = |name: &str, losses: &Losses| {
                let Losses { mean_time_between_failures: mean, cost } = losses;
                format!("{name}: {{mean_time_between_failures: {mean}, cost: {cost}}}")
            };
            let interval = match interval {
                Interval::Fixed(span) => format!("every: {span}"),
                Interval::Young(known) => losses("young", known),
                Interval::Daly(known) => losses("daly", known),
                Interval::Optimal(known) => losses("optimal", known),
            };
            format!("{{checkpoint: {{{interval}}}}}")
        }
        Measure::Retry(Retry { attempts, first, longest }) => {
            format!("{{retry: {{attempts: {attempts}, first: {first}, longest: {longest}}}}}")
        }
        Measure::Replication(Replication(Copies { count, majority })) => {
            format!("{{replication: {{copies: {count}, majority: {majority}}}}}")
        }
        Measure::HandOver(HandOver { after }) => format!("{{hand_over: {{after: {after}}}}}"),
        Measure::SpotCheck(SpotCheck(share)) => {
            let share = f64::from(share.millionths) / f64::from(CheckedShare::ALL);
            format!("{{spot_check: {{share: {share}}}}}")
        }
        plain => plain.name().to_owned(),
    }
}

pub(super) fn write_detector(detector: Detector) -> String {
    match detector {
        Detector::Dms(Ticking) => "dms".to_owned(),
        Detector::Fixed(FixedTimeout { period, timeout }) => {
            format!("{{fixed: {{period: {period}, timeout: {timeout}}}}}")
        }
        Detector::Phi(phi) => format!(
            "{{phi: {{period: {}, suspicion: {}, threshold: {}, least_deviation: {}, window: {}}}}}",
            phi.period,
            f64::from(phi.suspicion_milli) / 1000.0,
            f64::from(phi.threshold_milli) / 1000.0,
            phi.least_deviation,
            phi.window
        ),
        Detector::Swim(Swim { period, timeout, helpers, suspicion }) => format!(
            "{{swim: {{period: {period}, timeout: {timeout}, helpers: {helpers}, suspicion: {suspicion}}}}}"
        ),
    }
}
