//! Faults of machines that stay up: executors, slow and frozen machines, disks, and those who lie.

use super::{DRAWN, FOR_HELP, Faults};
use crate::dms::ensemble::tree::Node;
use crate::kernel::Distribution;
use crate::scenario::reader::{Map, Reader, Variant};
use crate::sim::setup::{Fault, Trouble};

/// More than so many times slower is a machine that stands still.
const MOST: f64 = 1e6;

impl Faults<'_> {
    /// Something that is wrong with machines for a time.
    pub(super) fn machine(&self, reader: &mut Reader, variant: &Variant<'_>) -> Option<Fault> {
        let own: &[&str] = match variant.name {
            "executor_crash" => &["at"],
            "slow" | "slow_disk" => &["at", "for", "factor"],
            "byzantine" => &["at", "for", "fraction_wrong", "colluding", "idle"],
            _ => &["at", "for"],
        };
        let map = reader.map(variant.node, variant.name, variant.at, &[own, &DRAWN].concat())?;
        let at = self.at(reader, &map);
        let who = self.context.selection(reader, &map, true);
        let at_once = Distribution::Constant { value_s: 0.0 };
        let lasts = if own.contains(&"for") { lasts(reader, &map) } else { Some(at_once) };
        let trouble = match variant.name {
            "executor_crash" => Some(Trouble::ExecutorCrash),
            "pull_failure" => Some(Trouble::PullFailure),
            "slow" => factor(reader, &map).map(|factor| Trouble::Slow { factor }),
            "stall" => Some(Trouble::Stall),
            "slow_disk" => factor(reader, &map).map(|factor| Trouble::SlowDisk { factor }),
            "disk_full" => Some(Trouble::DiskFull),
            "lies" => Some(Trouble::Lies),
            _ => byzantine(reader, &map),
        };
        Some(Fault::Machine { at: at?, lasts: lasts?, who: who?, trouble: trouble? })
    }
}

fn lasts(reader: &mut Reader, map: &Map<'_>) -> Option<Distribution> {
    reader.required(map, "for", FOR_HELP, |r, node| {
        if !node.is_map() {
            let lasts = r.positive_span(node, "for")?;
            return Some(Distribution::Constant { value_s: lasts.as_secs_f64() });
        }
        r.distribution(node, "for")
    })
}

fn factor(reader: &mut Reader, map: &Map<'_>) -> Option<f64> {
    let help = "how many times longer it takes, as in `factor: 10`";
    reader.required(map, "factor", help, |r, node| {
        let factor = r.number(node, "factor")?;
        if factor > 1.0 && factor <= MOST {
            return Some(factor);
        }
        let help = "10 is ten times slower; for a machine that stands still write `stall`".to_owned();
        r.error(node.position, "`factor` must be above 1 and at most 1000000", help);
        None
    })
}

fn byzantine(reader: &mut Reader, map: &Map<'_>) -> Option<Trouble> {
    let idle = yes_or_no(reader, map, "idle", false);
    let colluding = yes_or_no(reader, map, "colluding", true);
    if idle == Some(true) {
        if let Some((key, _)) = map.node.entry("fraction_wrong") {
            let help = "who runs nothing has no right results: leave it out".to_owned();
            reader.error(key.position, "`fraction_wrong` and `idle: true` exclude each other", help);
        }
        return Some(Trouble::Byzantine { fraction_wrong: 1.0, colluding: colluding?, idle: true });
    }
    let help = "how likely the result of a task is wrong, as in `fraction_wrong: 50%`";
    let fraction = reader.required(map, "fraction_wrong", help, |r, node| r.fraction(node, "fraction_wrong"));
    Some(Trouble::Byzantine { fraction_wrong: fraction?, colluding: colluding?, idle: idle? })
}

fn yes_or_no(reader: &mut Reader, map: &Map<'_>, key: &str, otherwise: bool) -> Option<bool> {
    let words = [("false", false), ("true", true)];
    match map.node.entry(key) {
        Some(_) => reader.optional(map, key, |r, node: &Node| r.word(node, key, &words)),
        None => Some(otherwise),
    }
}
