//! The `network` of a scenario, and the links of groups.

use super::reader::{Map, Reader};
use super::units;
use crate::dms::ensemble::tree::Node;
use crate::net::{BandwidthConfig, BandwidthPreset, CityDataSet, LatencyConfig, Links, NetworkConfig};

/// Presets of links by name.
pub(super) const BANDWIDTH_PRESETS: &[(&str, BandwidthPreset)] =
    &[("home", BandwidthPreset::Home), ("datacentre", BandwidthPreset::Datacentre)];

const KEYS: &[&str] = &["latency", "loss", "packet_loss", "bandwidth", "hop_processing", "nat", "hellos"];

/// The network, and whether peers say hello on their connections; what is not written is the default: measured delays,
/// home links, no loss, hellos.
pub(super) fn read(reader: &mut Reader, top: &Map<'_>) -> (NetworkConfig, bool) {
    let mut network = NetworkConfig::default();
    let Some((key, node)) = top.node.entry("network").filter(|(_, node)| !node.is_null()) else {
        return (network, true);
    };
    let Some(map) = reader.map(node, "network", key.position, KEYS) else { return (network, true) };
    if let Some(latency) = reader.optional(&map, "latency", latency) {
        network.latency = latency;
    }
    for (key, target) in [("loss", &mut network.loss), ("packet_loss", &mut network.packet_loss)] {
        *target = reader.optional(&map, key, |r, node| lossy(r, node, key)).unwrap_or(0.0);
    }
    if let Some(hop) = reader.optional(&map, "hop_processing", |r, node| r.span(node, "hop_processing")) {
        network.hop_processing = hop;
    }
    if let Some(links) = reader.optional(&map, "bandwidth", bandwidth) {
        network.bandwidth = links;
    }
    network.nat = reader.optional(&map, "nat", super::nat::read);
    let words = [("true", true), ("false", false)];
    let hellos = reader.optional(&map, "hellos", |r, node| r.word(node, "hellos", &words));
    (network, hellos.unwrap_or(true))
}

/// A fraction below 1: a network that loses everything is none.
fn lossy(reader: &mut Reader, node: &Node, key: &str) -> Option<f64> {
    let fraction = reader.fraction(node, key)?;
    if fraction >= 1.0 {
        let help = "to cut peers off, use a `partition` under `faults`".to_owned();
        reader.error(node.position, format!("`{key}` must be below 100%"), help);
        return None;
    }
    Some(fraction)
}

fn latency(reader: &mut Reader, node: &Node) -> Option<LatencyConfig> {
    if let Some(text) = node.scalar_text().filter(|text| units::span(text).is_ok()) {
        let help = format!("write `{{constant: {text}}}`, or `{{cities: wonder}}` for measured delays");
        reader.error(node.position, format!("`latency` must be a model, not `{text}`"), help);
        return None;
    }
    let variant = reader.variant(node, "a latency model", &["cities", "constant"])?;
    match variant.name {
        "constant" => reader.span(variant.node, "constant").map(LatencyConfig::Constant),
        _ => reader
            .word(variant.node, "latency.cities", &[("wonder", CityDataSet::Wonder)])
            .map(LatencyConfig::Cities),
    }
}

/// Links: a preset, or `{up: 20 Mbit/s, down: 100 Mbit/s}`, or `unlimited`.
pub(super) fn bandwidth(reader: &mut Reader, node: &Node) -> Option<BandwidthConfig> {
    if node.as_text().is_some_and(|text| &**text == "unlimited") {
        return Some(BandwidthConfig::Unlimited);
    }
    if !node.is_map() {
        let help = "write `{preset: home}`, `{up: 20 Mbit/s, down: 100 Mbit/s}` or `unlimited`".to_owned();
        reader.wrong_type(node, "`bandwidth`", "a preset or two rates", help);
        return None;
    }
    let map = reader.map(node, "bandwidth", node.position, &["preset", "up", "down"])?;
    if let Some((key, preset)) = node.entry("preset") {
        if node.entries().len() > 1 {
            reader.error(key.position, "`preset` stands for `up` and `down`: write one or the other", None);
            return None;
        }
        return reader.word(preset, "bandwidth.preset", BANDWIDTH_PRESETS).map(BandwidthConfig::Preset);
    }
    let mut rate = |key| {
        reader.required(&map, key, "a bit rate, as in `20 Mbit/s`", |r: &mut Reader, node| r.rate(node, key))
    };
    let (up_bps, down_bps) = (rate("up"), rate("down"));
    Some(BandwidthConfig::Constant(Links { up_bps: up_bps?, down_bps: down_bps? }))
}
