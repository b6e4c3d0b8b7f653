//! The rules for `nodes.*`.
use std::sync::Arc;

use indexmap::IndexMap;

use super::super::config::{Location, LocationConstraints, NodeConfig, PortConfig};
use super::super::finding::Findings;
use super::super::tree::{Node, Position, Value};
use super::super::{fields, format};
use super::missing_allocation;

/// Checks and builds every node.
pub(super) fn all(root: &Node, out: &mut Findings) -> IndexMap<Arc<str>, NodeConfig> {
    let mut found = IndexMap::new();
    for (key, node) in fields::map(root, "nodes", out).map_or(&[][..], Node::entries) {
        if node.is_null() {
            // A node without allocations is legal.
            found.insert(key.text.clone(), NodeConfig::default());
        } else if node.is_map() {
            found.insert(key.text.clone(), one(node, root, out));
        } else {
            fields::must_be(node, &format!("node `{}`", key.text), "a map", out);
        }
    }
    found
}

fn one(node: &Node, root: &Node, out: &mut Findings) -> NodeConfig {
    fields::known_keys(node, &format::NODE, out);
    let allocations = fields::texts_with_positions(node, "allocations", out);
    for (name, at) in &allocations {
        missing_allocation(name, *at, root).into_iter().for_each(|finding| out.push(finding.quoted()));
    }
    NodeConfig {
        allocations: allocations.into_iter().map(|(name, _)| name).collect(),
        ports: ports(node, root, out),
        location: location(node, out),
        peer: fields::non_empty(node, "peer", "peer", out),
        redundancy: redundancy(node, out),
        failure_recovery: fields::word(node, "failure_recovery", "failure_recovery", fields::refused, out),
    }
}

fn redundancy(node: &Node, out: &mut Findings) -> u32 {
    let Some(written) = node.present("redundancy") else { return 0 };
    match written.value {
        Value::Integer(number) if number < 0 => {
            out.quote(written.position, "redundancy must be a positive number");
            0
        }
        Value::Integer(number) => u32::try_from(number).unwrap_or_else(|_| {
            out.reword(written.position, "redundancy is too large");
            0
        }),
        _ => {
            out.quote(written.position, "redundancy must be a number");
            0
        }
    }
}

fn ports(node: &Node, root: &Node, out: &mut Findings) -> Vec<PortConfig> {
    let Some(written) = node.present("ports") else { return Vec::new() };
    if written.is_map() {
        let help = "DMS checks only lists: write `- {public: 0, private: 80, allocation: NAME}`".to_owned();
        out.stricter(written.position, "`ports` must be a list, not a map", help);
        return Vec::new();
    }
    let mut found = Vec::new();
    for item in fields::list(node, "ports", out) {
        if !item.is_map() {
            fields::must_be(item, "a port", "a map", out);
            continue;
        }
        fields::known_keys(item, &format::PORT, out);
        let public = port_number(item, "public", |number| number == 0 || number >= 1025);
        if public.is_none() {
            let message = "port must have a valid public port number between 1025 and 65535 if specified";
            let help = "0 lets the provider choose".to_owned();
            out.quote_with_help(place(item, "public"), message, help);
        }
        let private = port_number(item, "private", |number| number > 0);
        if private.is_none() {
            out.reword(place(item, "private"), "port must have a valid private port number");
        }
        let allocation = fields::text(item, "allocation", out).filter(|name| !name.is_empty());
        match &allocation {
            Some(name) => {
                let missing = missing_allocation(name, place(item, "allocation"), root);
                missing.into_iter().for_each(|finding| out.push(fields::refused(finding)));
            }
            None if item.present("allocation").is_none_or(|node| node.as_text().is_some()) => {
                out.reword(item.position, "port must have an allocation");
            }
            None => {}
        }
        if let (Some(public), Some(private), Some(allocation)) = (public, private, allocation) {
            found.push(PortConfig { public, private, allocation });
        }
    }
    found
}

/// Where a field's value is, or else the map.
fn place(map: &Node, key: &str) -> Position {
    map.get(key).map_or(map.position, |node| node.position)
}

fn port_number(item: &Node, key: &str, allowed: impl Fn(u16) -> bool) -> Option<u16> {
    match item.get(key)?.value {
        Value::Integer(number) => u16::try_from(number).ok().filter(|number| allowed(*number)),
        _ => None,
    }
}

fn location(node: &Node, out: &mut Findings) -> LocationConstraints {
    let Some(location) = fields::map(node, "location", out) else { return LocationConstraints::default() };
    fields::known_keys(location, &format::LOCATION, out);
    let mut places = |key: &str| -> Vec<Location> {
        fields::list(location, key, out).to_vec().iter().filter_map(|item| one_place(item, out)).collect()
    };
    let constraints = LocationConstraints { accept: places("accept"), reject: places("reject") };
    if !constraints.accept.is_empty() && !constraints.reject.is_empty() {
        let at = location.entry("reject").map_or(location.position, |(key, _)| key.position);
        out.warning(at, "`reject` has no effect beside `accept`", None);
    }
    constraints
}

fn one_place(item: &Node, out: &mut Findings) -> Option<Location> {
    if !item.is_map() {
        fields::must_be(item, "a location", "a map", out);
        return None;
    }
    fields::known_keys(item, &format::PLACE, out);
    if item.present("continent").is_none() {
        out.reword(item.position, "location must have a continent");
    }
    if item.present("city").is_some() && item.present("country").is_none() {
        out.reword(place(item, "city"), "location with a city must have a country");
    }
    let asn = fields::whole(item, "asn", out).and_then(|number| {
        let fits = u32::try_from(number).ok();
        if fits.is_none() {
            out.stricter(place(item, "asn"), "location asn is too large", None);
        }
        fits
    });
    let mut part = |key: &str| fields::non_empty(item, key, &format!("location {key}"), out);
    let (continent, country, city, isp) = (part("continent"), part("country"), part("city"), part("isp"));
    Some(Location { continent: continent?, country, city, asn, isp })
}
