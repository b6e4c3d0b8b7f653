//! What a scenario says of disks, of the data of images, and of volumes that are created.

use std::sync::Arc;

use super::faults::{is_number_of, peer};
use super::peers::Peers;
use super::reader::{Map, Reader};
use super::resolved::{map as written, text};
use super::units::{write_bytes, write_rate};
use crate::dms::actor::BehaviourKind;
use crate::dms::ensemble::tree::Node;
use crate::dms::ensemble::{AllocationConfig, VolumeSource};
use crate::dms::storage::VolumeRequest;
use crate::sim::setup::{Bucket, DataUse, Image, Role, StorageConfig, Writes};

/// Keys of an image about data; the last three of tasks only.
pub(super) const DATA: &[&str] = &["writes", "checkpoint", "input", "output"];
/// Directories that nobody writes by hand.
const MOST_DIRECTORIES: usize = 1000;

/// The `storage` of a group.
pub(super) fn of_group(reader: &mut Reader, node: &Node) -> Option<StorageConfig> {
    let map = reader.map(node, "storage", node.position, &["directories", "rate"])?;
    let mut directories = Vec::new();
    for item in reader.list(&map, "directories").iter().take(MOST_DIRECTORIES) {
        let Some(path) = reader.text(item, "directories") else { continue };
        if !path.starts_with('/') {
            let help = "local volumes are taken from it by this path, as in `/srv/data`".to_owned();
            reader.error(item.position, format!("`{path}` is no absolute path"), help);
        }
        directories.push(path.to_string());
    }
    let rate_bps = reader.optional(&map, "rate", |r, node| r.rate(node, "rate"));
    Some(StorageConfig { directories, rate_bps: rate_bps.unwrap_or(StorageConfig::RATE_BPS) })
}

pub(super) fn write_of_group(config: &StorageConfig) -> String {
    let directories: Vec<String> = config.directories.iter().map(|path| text(path)).collect();
    written(&[
        ("directories", Some(format!("[{}]", directories.join(", ")))),
        ("rate", Some(write_rate(config.rate_bps))),
    ])
}

/// What an image has to do with data; none where it is wrong.
pub(super) fn of_image(reader: &mut Reader, map: &Map<'_>) -> Option<DataUse> {
    let before = reader.errors;
    if map.node.entry("service").is_some() {
        for key in &DATA[1..] {
            if let Some((key, _)) = map.node.entry(key) {
                let help =
                    "only what ends goes on from checkpoints, or has input and output: remove it".to_owned();
                reader.error(key.position, format!("a service has no `{}`", key.text), help);
            }
        }
    }
    if let (Some(_), Some((key, _))) = (map.node.entry("writes"), map.node.entry("checkpoint")) {
        reader.error(key.position, "an image has `writes` or `checkpoint`, not both", None);
    }
    let plain = reader.optional(map, "writes", |r, node| writes(r, node, "writes", &[]));
    let plain = plain.map(|(writes, _)| writes);
    let checkpoint = reader.optional(map, "checkpoint", |r, node| writes(r, node, "checkpoint", &["pauses"]));
    let input = reader.optional(map, "input", |r, node| bucket(r, node, "input"));
    let output = reader.optional(map, "output", |r, node| bucket(r, node, "output"));
    let (resumes, pauses) = (checkpoint.is_some(), checkpoint.is_some_and(|(_, pauses)| pauses));
    let writes = plain.or(checkpoint.map(|(writes, _)| writes));
    (reader.errors == before).then_some(DataUse { writes, resumes, pauses, input, output })
}

/// What is written, and whether the program pauses for it.
fn writes(reader: &mut Reader, node: &Node, what: &str, more: &[&str]) -> Option<(Writes, bool)> {
    const WORDS: [(&str, bool); 2] = [("true", true), ("false", false)];
    let map = reader.map(node, what, node.position, &[&["size", "every"], more].concat())?;
    let pauses = reader.optional(&map, "pauses", |r, node| r.word(node, "pauses", &WORDS)).unwrap_or(false);
    let bytes = size(reader, &map);
    let help = "how long from one to the next, as in `every: 10m`";
    let every = reader.required(&map, "every", help, |r, node| r.period(node, "every"));
    Some((Writes { bytes: bytes?, every: every? }, pauses))
}

fn bucket(reader: &mut Reader, node: &Node, what: &str) -> Option<Bucket> {
    let map = reader.map(node, what, node.position, &["at", "size"])?;
    let help = "the peer that keeps it, as in `at: vault`";
    let at = reader.required(&map, "at", help, |r, node| r.text(node, "at"));
    let bytes = size(reader, &map);
    Some(Bucket { at: at?.to_string(), bytes: bytes? })
}

/// The buckets of the scenario's images are with peers that serve some.
pub(super) fn check_buckets(reader: &mut Reader, top: &Map<'_>, peers: &Peers) {
    let Some(images) = top.node.present("images") else { return };
    let of_map = images.entries().iter().map(|(_, image)| image);
    let of_list = images.items().iter().flat_map(Node::entries).map(|(_, image)| image);
    for image in of_map.chain(of_list) {
        for bucket in ["input", "output"].into_iter().filter_map(|key| image.present(key)) {
            let Some(at) = bucket.present("at") else { continue };
            let before = reader.errors;
            let Some(name) = peer(reader, at, "at", peers).filter(|_| reader.errors == before) else {
                continue;
            };
            if !peers.incomplete && !serves_volumes(&name, peers) {
                let help = "list it under `volume_servers`".to_owned();
                reader.error(at.position, format!("`{name}` keeps no buckets"), help);
            }
        }
    }
}

/// Whether a peer of this name is a server of volumes.
pub(super) fn serves_volumes(name: &str, peers: &Peers) -> bool {
    let mut groups = peers.groups.iter().filter(|group| group.role == Role::VolumeServer);
    peers.named.get(name) == Some(&Role::VolumeServer) || groups.any(|group| is_number_of(name, group))
}

/// What of an allocation's volumes cannot be as its author means: the key, and why.
pub(super) fn doubts(
    name: &str,
    allocation: &AllocationConfig,
    image: Option<&Image>,
    peers: &Peers,
) -> Vec<(&'static str, String)> {
    let mut doubts = Vec::new();
    for volume in &allocation.volumes {
        let VolumeSource::Glusterfs { servers, .. } = &volume.source else { continue };
        if !peers.incomplete && !servers.iter().any(|server| serves_volumes(server, peers)) {
            let message = format!(
                "no volume server is called `{}`: the volume of `{name}` will never be mounted",
                servers.join("` or `")
            );
            doubts.push(("volume", message));
        }
    }
    let writes = image.is_some_and(|image| image.data.writes.is_some());
    if writes && allocation.volumes.iter().all(|volume| volume.read_only) {
        let message =
            format!("`{name}` has no volume that it can write to: what its image writes goes nowhere");
        doubts.push(("execution", message));
    }
    doubts
}

fn size(reader: &mut Reader, map: &Map<'_>) -> Option<u64> {
    reader.required(map, "size", "how much, as in `size: 200 MB`", |r, node| {
        let bytes = r.bytes(node, "size")?;
        if bytes == 0 {
            r.error(node.position, "`size` must be above zero", None);
            return None;
        }
        Some(bytes)
    })
}

/// What an image has to do with data, as a scenario has it.
pub(super) fn write_of_image(uses: &DataUse) -> String {
    let writes = uses.writes.map(|writes| {
        let pauses = ("pauses", uses.pauses.then(|| "true".to_owned()));
        let size = ("size", Some(write_bytes(writes.bytes)));
        written(&[size, ("every", Some(writes.every.to_string())), pauses])
    });
    let bucket = |bucket: &Bucket| {
        written(&[("at", Some(text(&bucket.at))), ("size", Some(write_bytes(bucket.bytes)))])
    };
    let entries = [
        (if uses.resumes { "checkpoint" } else { "writes" }, writes),
        ("input", uses.input.as_ref().map(bucket)),
        ("output", uses.output.as_ref().map(bucket)),
    ];
    entries.into_iter().filter_map(|(key, value)| Some(format!(", {key}: {}", value?))).collect()
}

/// The `volume` that a call is about. Without a certificate a volume is created for nobody, which its server refuses.
pub(super) fn request(reader: &mut Reader, node: &Node, kind: BehaviourKind) -> Option<VolumeRequest> {
    let map = reader.map(node, "volume", node.position, &["name", "client_pem"])?;
    if kind != BehaviourKind::VolumeCreate
        && let Some((key, _)) = map.node.entry("client_pem")
    {
        reader.error(key.position, "`client_pem` is said when a volume is created", None);
        return None;
    }
    let name: Arc<str> =
        reader.required(&map, "name", "as in `name: data`", |r, node| r.text(node, "name"))?;
    Some(match kind {
        BehaviourKind::VolumeCreate => {
            let pem = reader.optional(&map, "client_pem", |r, node| r.text(node, "client_pem"));
            VolumeRequest::Create { name, client_pem: pem.unwrap_or_default() }
        }
        BehaviourKind::VolumeStart => VolumeRequest::Start(name),
        _ => VolumeRequest::Delete(name),
    })
}

pub(super) fn write_request(request: &VolumeRequest) -> String {
    match request {
        VolumeRequest::Create { name, client_pem } => {
            let pem = (!client_pem.is_empty()).then(|| text(client_pem));
            written(&[("name", Some(text(name))), ("client_pem", pem)])
        }
        VolumeRequest::Start(name) | VolumeRequest::Delete(name) => written(&[("name", Some(text(name)))]),
    }
}
