//! Outages of what has something in common.

use super::distribution;
use super::reader::{Map, Reader};
use super::resolved_faults::{moment, selection};
use crate::sim::setup::{Outage, Selection, Unit, UnitRepair, When};

/// The keys of an outage beside those that choose peers.
pub(super) const KEYS: [&str; 6] = ["at", "by", "units", "fraction", "repair", "repair_each"];

/// What is hit, and how it is repaired.
pub(super) fn read(
    reader: &mut Reader,
    map: &Map<'_>,
    (at, who): (Option<When>, Option<Selection>),
) -> Option<Outage> {
    let help = "what goes down together, as in `by: country` or `by: asn`";
    let by = reader.required(map, "by", help, |r, node| r.word(node, "by", &Unit::ALL));
    let units = reader.optional(map, "units", |r, node| r.count(node, "units")).unwrap_or(1);
    let fraction = reader.optional(map, "fraction", |r, node| {
        let fraction = r.fraction(node, "fraction")?;
        if fraction == 0.0 {
            r.error(node.position, "`fraction` must be above 0%", None);
        }
        Some(fraction)
    });
    let repair = repair(reader, map);
    let fraction = fraction.unwrap_or(1.0);
    Some(Outage { at: at?, who: who?, by: by?, units, fraction, repair: repair? })
}

fn repair(reader: &mut Reader, map: &Map<'_>) -> Option<UnitRepair> {
    if let (Some(_), Some((key, _))) = (map.node.entry("repair"), map.node.entry("repair_each")) {
        let help = "write `repair` for all of a unit at once, or `repair_each` for each peer".to_owned();
        reader.error(key.position, "`repair` and `repair_each` exclude each other", help);
        return None;
    }
    if map.node.entry("repair_each").is_some() {
        let each = |r: &mut Reader, node: &_| r.distribution(node, "repair_each");
        return reader.optional(map, "repair_each", each).map(UnitRepair::Each);
    }
    let help = "how long until all are back, as in `repair: 1h` or `repair: never`; or `repair_each`";
    reader.required(map, "repair", help, |r, node| match node.as_text() {
        Some(text) if &**text == "never" => Some(UnitRepair::Never),
        _ => r.distribution(node, "repair").map(UnitRepair::Together),
    })
}

/// An outage as a scenario writes it.
pub(super) fn write(outage: &Outage) -> String {
    let Outage { at, who, by, units, fraction, repair } = outage;
    let repair = match repair {
        UnitRepair::Never => "repair: never".to_owned(),
        UnitRepair::Together(repair) => format!("repair: {}", distribution::write(repair)),
        UnitRepair::Each(repair) => format!("repair_each: {}", distribution::write(repair)),
    };
    let (at, who, by) = (moment(at), selection(who), by.as_str());
    format!("outage: {{at: {at}, {who}by: {by}, units: {units}, fraction: {fraction}, {repair}}}")
}
