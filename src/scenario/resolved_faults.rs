//! Faults as a scenario writes them.

use super::distribution::write as span_of;
use super::resolved::{after, text};
use super::{clocks, flaps, outages};
use crate::sim::setup::{Direction, Fault, Selection, Trouble, When};

pub(super) fn fault(fault: &Fault) -> String {
    match fault {
        Fault::Crash { at, who, repair, loses_disk } => {
            let repair = repair.as_ref().map_or_else(|| "never".to_owned(), span_of);
            let state = if *loses_disk { ", state: lost" } else { "" };
            format!("crash: {{at: {}, {}repair: {repair}{state}}}", moment(at), selection(who))
        }
        Fault::Restart { at, who, down } => {
            format!("restart: {{at: {}, {}down: {}}}", moment(at), selection(who), span_of(down))
        }
        Fault::Upgrade { at, within, who, down, to } => {
            let (who, down, to) = (selection(who), span_of(down), super::profile::write_profile(*to));
            format!("upgrade: {{at: {}, within: {within}, {who}down: {down}, to: {to}}}", moment(at))
        }
        Fault::Loss { at, lasts, flaps, who, direction, fraction } => {
            let (at, who, flaps) = (moment(at), selection(who), flaps::write(flaps));
            format!("loss: {{at: {at}, for: {lasts}, {flaps}{who}{}fraction: {fraction}}}", way(*direction))
        }
        Fault::Delay { at, lasts, flaps, who, direction, extra } => {
            let (at, who, extra, flaps) = (moment(at), selection(who), span_of(extra), flaps::write(flaps));
            format!("delay: {{at: {at}, for: {lasts}, {flaps}{who}{}extra: {extra}}}", way(*direction))
        }
        Fault::Move { at, who, every } => {
            let every = every.map(|every| format!("every: {every}, ")).unwrap_or_default();
            let entries = format!("at: {}, {every}{}", moment(at), selection(who));
            format!("move: {{{}}}", entries.trim_end_matches(", "))
        }
        Fault::Machine { at, lasts, who, trouble } => {
            let lasts = match trouble {
                Trouble::ExecutorCrash => String::new(),
                _ => format!("for: {}, ", span_of(lasts)),
            };
            let own = match trouble {
                Trouble::Slow { factor } | Trouble::SlowDisk { factor } => format!("factor: {factor}, "),
                Trouble::Byzantine { colluding, idle: true, .. } => {
                    format!("colluding: {colluding}, idle: true, ")
                }
                Trouble::Byzantine { fraction_wrong, colluding, idle: false } => {
                    format!("fraction_wrong: {fraction_wrong}, colluding: {colluding}, ")
                }
                _ => String::new(),
            };
            let entries = format!("at: {}, {lasts}{own}{}", moment(at), selection(who));
            format!("{}: {{{}}}", trouble.name(), entries.trim_end_matches(", "))
        }
        Fault::Outage(outage) => outages::write(outage),
        Fault::Clock { at, lasts, who, by_ns } => {
            let lasts = lasts.map(|lasts| format!("for: {lasts}, ")).unwrap_or_default();
            let (at, who, by) = (moment(at), selection(who), clocks::write_signed(*by_ns));
            format!("clock: {{at: {at}, {lasts}{who}jump: {by}}}")
        }
        Fault::Partition { at, lasts, flaps, between } => {
            let sides = between.each_ref().map(|side| {
                let entries = selection(side);
                if entries.is_empty() {
                    return "rest".to_owned();
                }
                format!("{{{}}}", entries.trim_end_matches(", "))
            });
            let (at, flaps, sides) = (moment(at), flaps::write(flaps), sides.join(", "));
            format!("partition: {{at: {at}, for: {lasts}, {flaps}between: [{sides}]}}")
        }
    }
}

/// Which messages a fault concerns, with a comma behind it; nothing for both.
fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Both => "",
        Direction::Out => "direction: out, ",
        Direction::In => "direction: in, ",
    }
}

/// When a fault happens.
pub(super) fn moment(when: &When) -> String {
    match when {
        When::At(at) => after(*at).to_string(),
        When::Once { deployment, is, after } => {
            format!("{{deployment: {}, is: {}, after: {after}}}", text(deployment), is.as_str())
        }
        When::Random { mean, from, until } => {
            let until = until.map(|until| format!(", until: {}", after(until))).unwrap_or_default();
            format!("{{poisson: {{mean: {mean}, from: {}{until}}}}}", after(*from))
        }
    }
}

/// The entries of a selection, each with a comma behind it.
pub(super) fn selection(who: &Selection) -> String {
    let peers: Vec<String> = who.peers.iter().map(|peer| text(peer)).collect();
    let entries = [
        ("group", who.group.as_deref().map(text)),
        ("peers", (!peers.is_empty()).then(|| format!("[{}]", peers.join(", ")))),
        ("continent", who.continent.as_deref().map(text)),
        ("country", who.country.as_deref().map(text)),
        ("asn", who.asn.map(|asn| asn.to_string())),
        ("fraction", who.fraction.map(|part| part.to_string())),
        ("count", who.count.map(|count| count.to_string())),
    ];
    entries.into_iter().filter_map(|(key, value)| Some(format!("{key}: {}, ", value?))).collect()
}
