//! What a service needs: limits or reservations of `deploy`, or what is assumed.

use super::model::{Cores, Cpu, Gpu, Resources, Sized};
use crate::dms::ensemble::finding::Findings;
use crate::dms::ensemble::tree::{Node, Value};
use crate::dms::ensemble::units::{self, GIB};

/// Units of compose, where `m` and `mb` are both 2^20.
const SIZES: &[(&str, u64)] =
    &[("b", 1), ("k", 1 << 10), ("kb", 1 << 10), ("m", 1 << 20), ("mb", 1 << 20), ("g", GIB), ("gb", GIB)];
/// What a service that says nothing gets.
const ASSUMED_CORES_MILLI: u64 = 1000;
const ASSUMED_RAM: u64 = GIB;
const ASSUMED_DISK: u64 = 10 * GIB;

/// The value under one of the places in which compose has it, the first that is there.
fn first<'a>(service: &'a Node, places: &[&[&str]]) -> Option<&'a Node> {
    let at = |path: &&[&str]| path.iter().try_fold(service, |node, key| node.present(key));
    places.iter().find_map(at)
}

fn cores_of(service: &Node) -> Option<&Node> {
    let limits = ["deploy", "resources", "limits", "cpus"];
    let reserved = ["deploy", "resources", "reservations", "cpus"];
    first(service, &[&limits, &reserved, &["cpus"]])
}

fn memory_of(service: &Node) -> Option<&Node> {
    let limits = ["deploy", "resources", "limits", "memory"];
    let reserved = ["deploy", "resources", "reservations", "memory"];
    first(service, &[&limits, &reserved, &["mem_limit"], &["mem_reservation"]])
}

/// What one service needs.
pub(super) fn read(service: &Node, out: &mut Findings) -> Resources {
    let mut amount =
        |node: Option<&Node>, what: &str, read: &dyn Fn(&str) -> Result<u64, units::UnitError>| {
            let node = node?;
            match node.scalar_text().map(|text| read(&text)) {
                Some(Ok(amount)) if amount > 0 => Some(amount),
                Some(Err(error)) => {
                    out.error(node.position, format!("{what}: {error}"));
                    None
                }
                _ => {
                    out.error(node.position, format!("{what} must be a number above 0"));
                    None
                }
            }
        };
    let milli = amount(cores_of(service), "cpus", &units::thousandths).unwrap_or(ASSUMED_CORES_MILLI);
    let memory = |text: &str| units::one_quantity(&text.to_lowercase(), "size", SIZES, Some(1), "m");
    let ram = amount(memory_of(service), "memory", &memory).unwrap_or(ASSUMED_RAM);
    let cores =
        if milli % 1000 == 0 { Cores::Whole(milli / 1000) } else { Cores::Part(milli as f64 / 1000.0) };
    Resources {
        cpu: Cpu { cores },
        ram: Sized { size: size(ram) },
        disk: Sized { size: size(ASSUMED_DISK) },
        gpus: gpus(service, out),
    }
}

/// Bytes in the largest unit that divides them.
fn size(bytes: u64) -> String {
    let units = [("GiB", GIB), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let fitting = units.iter().find(|(_, unit)| bytes.is_multiple_of(*unit));
    fitting.map_or_else(|| format!("{bytes} B"), |(name, unit)| format!("{} {name}", bytes / unit))
}

/// `deploy.resources.reservations.devices` with the capability `gpu`.
fn gpus(service: &Node, out: &mut Findings) -> Vec<Gpu> {
    let devices = first(service, &[&["deploy", "resources", "reservations", "devices"]]);
    let mut cards = Vec::new();
    for device in devices.map_or(&[][..], Node::items) {
        let capabilities = device.get("capabilities").map_or(&[][..], Node::items);
        if !capabilities.iter().any(|one| one.as_text().is_some_and(|text| &**text == "gpu")) {
            out.warning(device.position, "a device that is no gpu is left out", None);
            continue;
        }
        let vendor = match device.get("driver").and_then(Node::as_text).map(|text| &**text) {
            None | Some("nvidia") => "NVIDIA",
            Some("amd" | "amdgpu") => "AMD/ATI",
            Some(other) => {
                out.warning(device.position, format!("a gpu of driver `{other}` is left out"), None);
                continue;
            }
        };
        let count = match device.present("count").map(|node| &node.value) {
            None => 1,
            Some(Value::Integer(number)) if (1..=64).contains(number) => *number as usize,
            Some(_) => {
                let help = "an ensemble names every card: one is asked for".to_owned();
                out.warning(device.position, "`count` is not a small number", help);
                1
            }
        };
        cards.extend(vec![Gpu { vendor }; count]);
    }
    cards
}

/// One warning for all services about what compose files do not say.
pub(super) fn say_what_was_assumed(services: &Node, out: &mut Findings) {
    let lacking = |of: fn(&Node) -> Option<&Node>| {
        let names =
            services.entries().iter().filter(|(_, node)| of(node).is_none()).map(|(key, _)| &*key.text);
        names.collect::<Vec<_>>().join(", ")
    };
    let at = services.position;
    let (cores, memory) = (lacking(cores_of), lacking(memory_of));
    let mut assumed = vec![format!("disk {} for each", size(ASSUMED_DISK))];
    if !cores.is_empty() {
        assumed.push(format!("{} core for {cores}", ASSUMED_CORES_MILLI / 1000));
    }
    if !memory.is_empty() {
        assumed.push(format!("{} of memory for {memory}", size(ASSUMED_RAM)));
    }
    let help = "correct `resources` in the translation, or write `deploy.resources.limits`".to_owned();
    out.warning(at, format!("what is needed was not written; assumed: {}", assumed.join("; ")), help);
}
