//! What hides peers from each other: `nat` of the network and of groups, to values and back.

use super::reader::{Map, Reader, listed};
use super::resolved::map;
use super::units::write_bytes;
use crate::dms::ensemble::tree::{Node, Position};
use crate::net::{NatClass, NatConfig, NatShares, NatStart, RelayLimits, SharesError};
use crate::sim::setup::Role;

const KEYS: &[&str] = &["preset", "shares", "punching", "start", "relayed"];
const SHARES: &str = "shares";

/// Presets of shares by name.
const PRESETS: &[(&str, NatShares)] = &[
    ("measured", NatShares::MEASURED),
    ("optimistic", NatShares::OPTIMISTIC),
    ("pessimistic", NatShares::PESSIMISTIC),
];

const STARTS: &[(&str, NatStart)] = &[("stationary", NatStart::Stationary), ("fresh", NatStart::Fresh)];

/// The network's.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<NatConfig> {
    let map = reader.map(node, "nat", node.position, KEYS)?;
    let shares = shares(reader, &map);
    let usual = NatConfig::default();
    let punching = reader.optional(&map, "punching", |r, node| r.fraction(node, "punching"));
    let start = reader.optional(&map, "start", |r, node| r.word(node, "start", STARTS));
    let relays = reader.optional(&map, "relayed", relayed);
    Some(NatConfig {
        shares: shares?,
        punching: punching.unwrap_or(usual.punching),
        start: start.unwrap_or_default(),
        relays: relays.unwrap_or_default(),
    })
}

fn relayed(reader: &mut Reader, node: &Node) -> Option<RelayLimits> {
    let usual = RelayLimits::default();
    let map = reader.map(node, "relayed", node.position, &["for", "bytes", "reservations", "circuits"])?;
    let duration = reader.optional(&map, "for", |r, node| r.positive_span(node, "for"));
    let bytes = reader.optional(&map, "bytes", |r, node| {
        let bytes = r.bytes(node, "bytes")?;
        if bytes == 0 {
            r.error(node.position, "`bytes` must be above zero: nothing would pass", None);
        }
        Some(bytes)
    });
    let reservations = reader.optional(&map, "reservations", |r, node| r.count(node, "reservations"));
    let circuits = reader.optional(&map, "circuits", |r, node| r.count(node, "circuits"));
    Some(RelayLimits {
        duration: duration.unwrap_or(usual.duration),
        bytes: bytes.unwrap_or(usual.bytes),
        reservations: reservations.unwrap_or(usual.reservations),
        circuits: circuits.unwrap_or(usual.circuits),
    })
}

/// The `nat` of a group: one class, a preset or shares. Those whom everybody must reach can be dialled.
pub(super) fn of_group(reader: &mut Reader, node: &Node, role: Role) -> Option<NatShares> {
    let shares = if node.is_map() {
        let map = reader.map(node, "nat", node.position, &["preset", SHARES])?;
        shares(reader, &map)?
    } else {
        let classes: Vec<(&str, NatClass)> =
            NatClass::ALL.iter().map(|class| (class.as_str(), *class)).collect();
        NatShares::all(reader.word(node, "nat", &classes)?)
    };
    if matches!(role, Role::Relay | Role::Bootstrap) && shares.undialable() > 0.0 {
        let help = "leave `nat` out, or write `public` or `full_cone`".to_owned();
        reader.error(node.position, "relays and bootstraps must be such that everybody can dial them", help);
        return None;
    }
    Some(shares)
}

/// A preset or the share of each class.
fn shares(reader: &mut Reader, map: &Map<'_>) -> Option<NatShares> {
    let help = "write `preset: measured`, or `shares: {public: 50%, symmetric: 50%}`";
    match (map.node.entry("preset"), map.node.entry(SHARES)) {
        (Some(_), None) => reader.optional(map, "preset", |r, node| r.word(node, "nat.preset", PRESETS)),
        (None, Some((key, _))) => {
            let at = key.position;
            reader.optional(map, SHARES, |r, node| by_class(r, node, at))
        }
        (Some((key, _)), Some(_)) => {
            reader.error(key.position, "`preset` stands for `shares`: write one or the other", None);
            None
        }
        (None, None) => {
            reader.error(map.at, "`nat` needs one of `preset` or `shares`", help.to_owned());
            None
        }
    }
}

fn by_class(reader: &mut Reader, node: &Node, at: Position) -> Option<NatShares> {
    let names = NatClass::ALL.map(NatClass::as_str);
    let map = reader.map(node, SHARES, at, &names)?;
    let before = reader.errors;
    let shares =
        names.map(|name| reader.optional(&map, name, |r, node| r.fraction(node, name)).unwrap_or(0.0));
    if reader.errors > before {
        return None;
    }
    match NatShares::new(shares) {
        Ok(shares) => Some(shares),
        Err(error) => {
            let help = match error {
                SharesError::Sum { .. } => {
                    format!("what is not written is 0%: give the rest to {}", listed(&names))
                }
                SharesError::Share { .. } => "a share is between 0% and 100%".to_owned(),
            };
            reader.error(at, error.to_string(), help);
            None
        }
    }
}

/// As the network has it.
pub(super) fn write(nat: &NatConfig) -> String {
    let start = STARTS.iter().find(|(_, one)| *one == nat.start).map_or("stationary", |one| one.0);
    let RelayLimits { duration, bytes, reservations, circuits } = nat.relays;
    let relayed = map(&[
        ("for", Some(duration.to_string())),
        ("bytes", Some(write_bytes(bytes))),
        ("reservations", Some(reservations.to_string())),
        ("circuits", Some(circuits.to_string())),
    ]);
    map(&[
        (SHARES, Some(write_by_class(&nat.shares))),
        ("punching", Some(nat.punching.to_string())),
        ("start", Some(start.to_owned())),
        ("relayed", Some(relayed)),
    ])
}

/// As a group has it.
pub(super) fn write_of_group(shares: &NatShares) -> String {
    map(&[(SHARES, Some(write_by_class(shares)))])
}

fn write_by_class(shares: &NatShares) -> String {
    let entry = |(class, share): (NatClass, f64)| (class.as_str(), (share > 0.0).then(|| share.to_string()));
    map(&shares.iter().map(entry).collect::<Vec<_>>())
}
