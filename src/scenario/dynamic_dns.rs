//! The `dynamic_dns` of a scenario: a zone, who serves it, and who has a name in it.

use super::faults::{Context, WHO, peer};
use super::peers::Peers;
use super::reader::{Map, Reader};
use super::resolved::{map as written, text};
use super::resolved_faults::selection;
use crate::dms::dynamic_dns::{Name, ZoneConfig};
use crate::dms::ensemble::tree::Node;
use crate::kernel::Span;
use crate::sim::setup::{DynamicDns, PeerGroup, Selection};

const KEYS: [&str; 4] = ["zone", "server", "ttl", "lease"];

/// Reads the section, if there is one.
pub(super) fn read(
    reader: &mut Reader,
    top: &Map<'_>,
    duration: Option<Span>,
    peers: &Peers,
) -> Option<DynamicDns> {
    reader.optional(top, "dynamic_dns", |r, node| section(r, node, duration, peers))
}

fn section(reader: &mut Reader, node: &Node, duration: Option<Span>, peers: &Peers) -> Option<DynamicDns> {
    let map = reader.map(node, "dynamic_dns", node.position, &[&KEYS[..], &WHO].concat())?;
    let help = "below which the names are, as in `zone: dyn.example`";
    let zone = reader.required(&map, "zone", help, |r, node| {
        let text = r.text(node, "zone")?;
        Name::parse(&text).map_err(|error| r.error(node.position, error.to_string(), help.to_owned())).ok()
    });
    let help = "the peer that serves it, as in `server: dora`";
    let server = reader.required(&map, "server", help, |r, node| peer(r, node, "server", peers));
    let mut span = |key: &str, usual: Span| match map.node.entry(key) {
        Some(_) => reader.optional(&map, key, |r, node| r.positive_span(node, key)),
        None => Some(usual),
    };
    let (ttl, lease) = (span("ttl", DynamicDns::TTL), span("lease", DynamicDns::LEASE));
    let who = Context { duration, peers }.selection(reader, &map, false);
    let (zone, who) = (zone?, who?);
    check_names(reader, &map, &zone, (&who, peers));
    Some(DynamicDns { zone: ZoneConfig { zone, ttl: ttl?, lease: lease? }, server: server?, who })
}

/// Every peer that may be meant can have a name.
fn check_names(reader: &mut Reader, map: &Map<'_>, zone: &Name, (who, peers): (&Selection, &Peers)) {
    let meant = |group: &&PeerGroup| who.group.as_ref().is_none_or(|name| *name == group.name);
    for group in peers.groups.iter().filter(meant) {
        let numbered = (group.count as usize > group.names.len())
            .then(|| format!("{}-{}", group.name, group.count.saturating_sub(1)));
        for name in group.names.iter().chain(&numbered) {
            if !who.peers.is_empty() && !who.peers.contains(name) && Some(name) != numbered.as_ref() {
                continue;
            }
            if let Err(error) = Name::parse(&format!("{name}.{zone}")) {
                let help = "call it otherwise, or say which peers have names".to_owned();
                reader.error(map.at, format!("`{name}` can have no name in {zone}: {error}"), help);
            }
        }
    }
}

/// The section with every default written out.
pub(super) fn write(plan: &DynamicDns) -> String {
    let ZoneConfig { zone, ttl, lease } = &plan.zone;
    let fixed = written(&[
        ("zone", Some(text(zone.as_str()))),
        ("server", Some(text(&plan.server))),
        ("ttl", Some(ttl.to_string())),
        ("lease", Some(lease.to_string())),
    ]);
    let who = selection(&plan.who);
    match who.trim_end_matches(", ") {
        "" => fixed,
        who => format!("{}, {who}}}", fixed.trim_end_matches('}')),
    }
}
