//! Where DMS does something else with a good file than its author would think (dms-acceptance 5.4).
//!
//! These are no mistakes of the file and no business of a simulated run, which does what the format promises. Whoever
//! deploys the file on a real network wants to know.

use std::sync::Arc;

use indexmap::IndexSet;
use rustc_hash::FxHashMap;

use super::config::{EnsembleConfig, NodeConfig, VolumeSource};
use super::finding::{Finding, Findings};
use super::transform::named;
use super::tree::{Node, Position, Value};
use crate::dms::constants::{HEALTH_CHECK_INTERVAL, PUBLIC_PORT_RANGE};

/// Every quirk that a file meets, in the order of the file. `root` is the tree that `config` was loaded from.
pub fn quirks(config: &EnsembleConfig, root: &Node) -> Vec<Finding> {
    let mut out = Findings::default();
    shared_templates(root, &mut out);
    for (name, allocation) in &config.allocations {
        let own = root.get("allocations").and_then(|allocations| allocations.get(name));
        let at = |path: &[&str]| place(own, path).unwrap_or(root.position);
        let check = allocation.healthcheck.as_ref();
        if let Some(interval) =
            check.and_then(|check| check.interval).filter(|own| *own != HEALTH_CHECK_INTERVAL)
        {
            out.warning(
                at(&["healthcheck", "interval"]),
                format!("`interval` is {interval}, but DMS checks every {HEALTH_CHECK_INTERVAL} whatever is written"),
                None,
            );
        }
        if allocation.volumes.iter().any(|volume| matches!(volume.source, VolumeSource::Glusterfs { .. })) {
            let key = if own.is_some_and(|own| own.get("volume").is_some()) { "volume" } else { "volumes" };
            out.warning(
                at(&[key]),
                "DMS may refuse every `glusterfs` volume",
                "its validator wants a type of list that YAML never gives for `servers`".to_owned(),
            );
        }
        gpus(own.and_then(|own| own.get("resources")), &mut out);
        if !config.nodes.values().any(|node| node.allocations.contains(name)) {
            let help = "name it in `allocations` of one of the `nodes`".to_owned();
            let written = root.get("allocations").and_then(|allocations| allocations.entry(name));
            let position = written.map_or(root.position, |(key, _)| key.position);
            out.warning(position, format!("no node has '{name}': it is never placed"), help);
        }
    }
    for template in named(root, "resources") {
        gpus(Some(template.1), &mut out);
    }
    for (name, node) in &config.nodes {
        let own = root.get("nodes").and_then(|nodes| nodes.get(name));
        let at = |path: &[&str]| place(own, path).unwrap_or(root.position);
        if node.redundancy > 0 && node.peer.is_some() {
            let help = "a standby that is looked up by its own name has the pin of its primary".to_owned();
            out.warning(
                at(&["redundancy"]),
                "standbys of a pinned node are pinned in some places of DMS",
                help,
            );
        }
        if node.redundancy > 0 && node.ports.iter().any(|port| port.public != 0) {
            let help = "let the provider choose: write `public: 0`".to_owned();
            let message = "the ports of a redundant node count once more for each standby";
            out.warning(at(&["redundancy"]), message, help);
        }
        if let Some(kinds) = kinds_of_processor(config, node) {
            let message = format!("no machine has the processors that its allocations want: {kinds}");
            let help = "DMS may place them all the same: give each a node of its own".to_owned();
            out.warning(at(&["allocations"]), message, help);
        }
        ports(own, &mut out);
        for list in ["accept", "reject"] {
            unknown_networks(own, list, &mut out);
        }
    }
    out.into_sorted()
}

/// The place of the value at the end of a path.
fn place(node: Option<&Node>, path: &[&str]) -> Option<Position> {
    path.iter().try_fold(node?, |node, key| node.get(key)).map(|node| node.position)
}

/// The kinds of processor that the allocations of a node want, where these are several.
fn kinds_of_processor(config: &EnsembleConfig, node: &NodeConfig) -> Option<String> {
    let wanted = node.allocations.iter().filter_map(|name| config.allocations.get(name));
    let kinds = wanted.filter_map(|wanted| wanted.resources.cpu.architecture.as_deref());
    let kinds: IndexSet<&str> = kinds.collect();
    (kinds.len() > 1).then(|| kinds.into_iter().collect::<Vec<_>>().join(", "))
}

/// DMS merges a template in place, so that a second user meets what the first one left.
fn shared_templates(root: &Node, out: &mut Findings) {
    let mut users: FxHashMap<Arc<str>, Arc<str>> = FxHashMap::default();
    for (key, allocation) in root.get("allocations").map_or(&[][..], Node::entries) {
        let Some(resources) = allocation.get("resources") else { continue };
        let Some(template) = resources.as_text() else { continue };
        match users.get(template) {
            Some(first) => {
                let message =
                    format!("template '{template}' is used by '{first}' too, which DMS does not get right");
                let help = "give each allocation a template of its own, or write an anchor".to_owned();
                out.warning(resources.position, message, help);
            }
            None => drop(users.insert(template.clone(), key.text.clone())),
        }
    }
}

/// DMS converts units of `gpu`, which is not the key.
fn gpus(resources: Option<&Node>, out: &mut Findings) {
    let cards = resources.and_then(|resources| resources.get("gpus"));
    for card in cards.map_or(&[][..], Node::items) {
        let Some(vram) = card.get("vram").filter(|vram| vram.as_text().is_some()) else { continue };
        let help = "it looks for units under `gpu`, which is not the key".to_owned();
        out.warning(vram.position, "DMS does not convert the unit of `vram`", help);
    }
}

/// Ports that no provider gives out unless its owner changed the range.
fn ports(node: Option<&Node>, out: &mut Findings) {
    let (low, high) = PUBLIC_PORT_RANGE;
    for port in node.and_then(|own| own.get("ports")).map_or(&[][..], Node::items) {
        let Some(public) = port.get("public") else { continue };
        let Value::Integer(number) = public.value else { continue };
        if number != 0 && !(i64::from(low)..i64::from(high)).contains(&number) {
            let message = format!("providers give out ports from {low} to {} by default", high - 1);
            let help = format!("a provider that did not change its range does not bid for port {number}");
            out.warning(public.position, message, help);
        }
    }
}

/// Providers report continent, country and city only.
fn unknown_networks(node: Option<&Node>, list: &str, out: &mut Findings) {
    let places = node.and_then(|own| own.get("location")).and_then(|location| location.get(list));
    for place in places.map_or(&[][..], Node::items) {
        for key in ["asn", "isp"] {
            let Some((written, _)) = place.entry(key).filter(|(_, node)| !node.is_null()) else { continue };
            let effect =
                if list == "accept" { "this place never matches" } else { "this place rejects nobody" };
            out.warning(written.position, format!("no provider reports its `{key}`: {effect}"), None);
        }
    }
}
