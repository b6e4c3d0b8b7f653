//! What operators send along with a call: offers of machines, changes of how a node logs, volumes, and subnets made by
//! hand.

use std::net::Ipv4Addr;

use super::reader::{Map, Reader, shortened};
use super::resolved::{map as written, text};
use super::storage;
use crate::dms::actor::{BehaviourKind, LoggerChange, Offer};
use crate::dms::ensemble::tree::Node;
use crate::dms::subnet::AddressRange;
use crate::sim::setup::{Payload, SubnetOrder};

/// Keys of `invoke` under which payloads stand, each with the behaviour that needs it.
const PAYLOADS: [(&str, BehaviourKind); 8] = [
    ("offer", BehaviourKind::Onboard),
    ("logger", BehaviourKind::LoggerConfig),
    ("volume", BehaviourKind::VolumeCreate),
    ("volume", BehaviourKind::VolumeStart),
    ("volume", BehaviourKind::VolumeDelete),
    ("subnet", BehaviourKind::NodeSubnetCreate),
    ("subnet", BehaviourKind::NodeSubnetDestroy),
    ("subnet", BehaviourKind::NodeSubnetJoin),
];
const GIB: u64 = 1 << 30;
/// Cores of the largest machine.
const MOST_CORES: f64 = 4096.0;
/// Ten years, in seconds.
const LONGEST_FLUSH_S: i64 = 315_360_000;

/// The payload of a call of this behaviour; `Some(None)` for one that has none, and none where it is wrong.
pub(super) fn read(
    reader: &mut Reader,
    map: &Map<'_>,
    kind: BehaviourKind,
    path: &str,
) -> Option<Option<Payload>> {
    let own = PAYLOADS.iter().find(|(_, wanted)| *wanted == kind).map(|(key, _)| *key);
    for (key, _) in PAYLOADS {
        match map.node.entry(key) {
            None if own == Some(key) => {
                reader.error(map.at, format!("`{path}` needs `{key}`"), help(kind).to_owned());
                return None;
            }
            Some((written, _)) if own != Some(key) => {
                reader.error(written.position, format!("`{path}` takes no `{key}`"), None);
                return None;
            }
            _ => {}
        }
    }
    match kind {
        BehaviourKind::Onboard => {
            reader.optional(map, "offer", offer).map(|offer| Some(Payload::Offer(offer)))
        }
        BehaviourKind::LoggerConfig => {
            reader.optional(map, "logger", logger).map(|change| Some(Payload::Logger(Box::new(change))))
        }
        _ if kind.is_about_volumes() => {
            let read = |r: &mut Reader, node: &Node| storage::request(r, node, kind);
            reader.optional(map, "volume", read).map(|request| Some(Payload::Volume(request)))
        }
        BehaviourKind::NodeSubnetCreate
        | BehaviourKind::NodeSubnetDestroy
        | BehaviourKind::NodeSubnetJoin => reader
            .optional(map, "subnet", |r, node| subnet(r, node, kind))
            .map(|order| Some(Payload::Subnet(order))),
        _ => Some(None),
    }
}

/// A payload with its key, as a scenario has it.
pub(super) fn write(payload: &Payload) -> (&'static str, Option<String>) {
    let thousandths = |milli: u64| format!("{}.{:03}", milli / 1000, milli % 1000);
    match payload {
        Payload::Volume(request) => ("volume", Some(storage::write_request(request))),
        Payload::Offer(offer) => {
            let content = written(&[
                ("cpu", Some(thousandths(offer.cores_milli))),
                ("ram", Some(thousandths(offer.ram_milli_gib) + " GiB")),
                ("disk", Some(thousandths(offer.disk_milli_gib) + " GiB")),
                ("gpu", Some((!offer.no_gpu).to_string())),
            ]);
            ("offer", Some(content))
        }
        Payload::Logger(change) => {
            let content = written(&[
                ("level", change.level.as_deref().map(text)),
                ("flush_interval", change.flush_interval_s.map(|seconds| seconds.to_string())),
                ("elastic_url", change.elastic_url.as_deref().map(text)),
                ("api_key", change.api_key.as_deref().map(text)),
                ("apm_url", change.apm_url.as_deref().map(text)),
                ("elastic", change.elastic.map(|on| on.to_string())),
            ]);
            ("logger", Some(content))
        }
        Payload::Subnet(order) => {
            let (name, range, address) = match order {
                SubnetOrder::Create { name, range } => (name, Some(range.to_string()), None),
                SubnetOrder::Destroy(name) => (name, None, None),
                SubnetOrder::Join { name, address } => (name, None, Some(address.to_string())),
            };
            let content = written(&[("name", Some(text(name))), ("range", range), ("address", address)]);
            ("subnet", Some(content))
        }
    }
}

const fn help(kind: BehaviourKind) -> &'static str {
    match kind {
        kind if kind.is_about_volumes() => "as in `volume: {name: data}`",
        BehaviourKind::Onboard => "as in `offer: {cpu: 4, ram: 8 GiB, disk: 100 GiB}`",
        BehaviourKind::LoggerConfig => "as in `logger: {level: debug}`",
        BehaviourKind::NodeSubnetCreate => "as in `subnet: {name: lab, range: 10.7.200.0/24}`",
        BehaviourKind::NodeSubnetJoin => "as in `subnet: {name: lab, address: 10.7.200.2}`",
        _ => "as in `subnet: {name: lab}`",
    }
}

/// The command line counts memory and disk in GiB; thousandths of it are kept, so that `512 MiB` can be said.
fn offer(reader: &mut Reader, node: &Node) -> Option<Offer> {
    let map = reader.map(node, "offer", node.position, &["cpu", "ram", "disk", "gpu"])?;
    let cores = reader.required(&map, "cpu", "cores, as in `cpu: 4`", |r, node| {
        let cores = r.number(node, "cpu")?;
        if !(cores > 0.0 && cores <= MOST_CORES) {
            r.error(node.position, format!("`cpu` must be above 0 and at most {MOST_CORES}"), None);
            return None;
        }
        Some(libm::round(cores * 1000.0) as u64)
    });
    let mut size = |key, help| {
        let bytes = reader.required(&map, key, help, |r: &mut Reader, node| r.bytes(node, key))?;
        u64::try_from((u128::from(bytes) * 1000 + u128::from(GIB / 2)) / u128::from(GIB)).ok()
    };
    let (ram, disk) = (size("ram", "as in `ram: 8 GiB`"), size("disk", "as in `disk: 100 GiB`"));
    let flag = [("true", true), ("false", false)];
    let gpu = match map.node.entry("gpu") {
        Some(_) => reader.optional(&map, "gpu", |r, node| r.word(node, "gpu", &flag))?,
        None => true,
    };
    Some(Offer { cores_milli: cores?, ram_milli_gib: ram?, disk_milli_gib: disk?, no_gpu: !gpu })
}

fn subnet(reader: &mut Reader, node: &Node, kind: BehaviourKind) -> Option<SubnetOrder> {
    let map = reader.map(node, "subnet", node.position, &["name", "range", "address"])?;
    let fitting = [("range", BehaviourKind::NodeSubnetCreate), ("address", BehaviourKind::NodeSubnetJoin)];
    for (key, wanted) in fitting.into_iter().filter(|(_, wanted)| *wanted != kind) {
        if let Some((written, _)) = map.node.entry(key) {
            let message = format!("`{key}` is for `{wanted}` alone");
            reader.error(written.position, message, None);
            return None;
        }
    }
    let hint = "a name of its own, or that of a deployment, as in `name: lab`";
    let name = reader.required(&map, "name", hint, |r, node| r.text(node, "name"));
    match kind {
        BehaviourKind::NodeSubnetCreate => {
            let range = reader.required(&map, "range", help(kind), |r, node| {
                let text = r.text(node, "range")?;
                let range = text.parse::<AddressRange>();
                range.map_err(|wrong| r.error(node.position, wrong.to_string(), None)).ok()
            });
            Some(SubnetOrder::Create { name: name?.to_string(), range: range? })
        }
        BehaviourKind::NodeSubnetJoin => {
            let address = reader.required(&map, "address", help(kind), |r, node| {
                let text = r.text(node, "address")?;
                let wrong = || format!("`{}` is no IPv4 address", shortened(&text));
                let address = text.parse::<Ipv4Addr>();
                address.map_err(|_| r.error(node.position, wrong(), None)).ok()
            });
            Some(SubnetOrder::Join { name: name?.to_string(), address: address? })
        }
        _ => name.map(|name| SubnetOrder::Destroy(name.to_string())),
    }
}

fn logger(reader: &mut Reader, node: &Node) -> Option<LoggerChange> {
    let keys = ["level", "flush_interval", "elastic_url", "api_key", "apm_url", "elastic"];
    let map = reader.map(node, "logger", node.position, &keys)?;
    let before = reader.errors;
    let mut text = |key| reader.optional(&map, key, |r, node| r.text(node, key));
    let (level, elastic_url) = (text("level"), text("elastic_url"));
    let (api_key, apm_url) = (text("api_key"), text("apm_url"));
    let flush_interval_s = reader
        .optional(&map, "flush_interval", |r, node| r.whole(node, "flush_interval", 0, LONGEST_FLUSH_S))
        .map(i64::unsigned_abs);
    let flag = [("true", true), ("false", false)];
    let elastic = reader.optional(&map, "elastic", |r, node| r.word(node, "elastic", &flag));
    (reader.errors == before).then_some(LoggerChange {
        level,
        flush_interval_s,
        elastic_url,
        api_key,
        apm_url,
        elastic,
    })
}
