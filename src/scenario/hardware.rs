//! The machines of a group, as scenarios write them: a preset, one machine for all, a list of machines, or a mix.

use super::files::Files;
use super::reader::{Map, Reader};
use super::resolved::{map, text};
use super::units::{write_bytes, write_hertz};
use crate::dms::ensemble::tree::{Node, Value};
use crate::workload::{Gpu, Hardware, HardwareConfig, HardwarePreset, NodeDefaults, NodeList};

/// A machine whose clock and architecture are not written.
const DEFAULT_CLOCK_HZ: u64 = 3_000_000_000;
const DEFAULT_ARCHITECTURE: &str = "x86_64";
/// The disk of a machine of a list that does not tell it.
const DEFAULT_DISK_BYTES: u64 = 1_000_000_000_000;
/// Who made the cards of a list.
const VENDOR: &str = "NVIDIA";
const KEYS: &[&str] = &["preset", "cpu", "clock", "arch", "ram", "disk", "gpu", "csv", "card_memory", "mix"];
/// The same without `mix`: a part of a mix is none itself.
const KEYS_OF_PARTS: &[&str] =
    &["preset", "cpu", "clock", "arch", "ram", "disk", "gpu", "csv", "card_memory"];
const MOST_CARDS: i64 = 64;

/// Any of the forms.
pub(super) fn read(reader: &mut Reader, node: &Node, files: &mut Files) -> Option<HardwareConfig> {
    let top = reader.map(node, "hardware", node.position, KEYS)?;
    let Some((key, parts)) = node.entry("mix") else { return one(reader, node, &top, files) };
    if node.entries().len() > 1 {
        reader.error(key.position, "`mix` says what all machines are: write it alone", None);
        return None;
    }
    let help = "a list of parts, as in `[{weight: 3, hardware: {preset: home-pc}}, ...]`".to_owned();
    if parts.items().is_empty() {
        reader.wrong_type(parts, "`mix`", "a list with a part at least", help);
        return None;
    }
    let part = |item: &Node| {
        let top = reader.map(item, "part", item.position, &["weight", "hardware"])?;
        let weight = match item.entry("weight") {
            Some(_) => reader.optional(&top, "weight", |r, node| r.whole(node, "weight", 1, 1_000_000)),
            None => Some(1),
        };
        let hardware = reader.required(&top, "hardware", "as of a group, but no `mix`", |r, node| {
            let before = r.errors;
            let top = r.map(node, "hardware", node.position, KEYS_OF_PARTS)?;
            if r.errors == before { one(r, node, &top, files) } else { None }
        });
        Some((weight? as u32, hardware?))
    };
    let read: Vec<Option<_>> = parts.items().iter().map(part).collect();
    read.into_iter().collect::<Option<_>>().map(HardwareConfig::Mix)
}

fn one(reader: &mut Reader, node: &Node, top: &Map<'_>, files: &mut Files) -> Option<HardwareConfig> {
    if let Some((key, preset)) = node.entry("preset") {
        if node.entries().len() > 1 {
            reader.error(key.position, "`preset` stands for the whole machine: write it alone", None);
            return None;
        }
        return reader.word(preset, "hardware.preset", &HardwarePreset::ALL).map(HardwareConfig::Preset);
    }
    if node.entry("csv").is_some() {
        return list(reader, node, top, files);
    }
    if let Some((key, _)) = node.entry("card_memory") {
        reader.error(key.position, "`card_memory` needs `csv`", None);
    }
    machine(reader, top).map(HardwareConfig::Fixed)
}

fn list(reader: &mut Reader, node: &Node, top: &Map<'_>, files: &mut Files) -> Option<HardwareConfig> {
    for stray in ["cpu", "ram", "gpu"] {
        if let Some((key, _)) = node.entry(stray) {
            let help = "remove it: each machine has its own".to_owned();
            reader.error(key.position, format!("`{stray}` stands in the list of machines"), help);
            return None;
        }
    }
    let clock_hz = reader.optional(top, "clock", |r, node| r.hertz(node, "clock"));
    let architecture = reader.optional(top, "arch", |r, node| r.text(node, "arch"));
    let disk = reader.optional(top, "disk", |r, node| r.bytes(node, "disk"));
    let card_bytes = reader.optional(top, "card_memory", card_memory);
    let defaults = NodeDefaults {
        clock_hz: clock_hz.unwrap_or(DEFAULT_CLOCK_HZ),
        architecture: architecture.as_deref().unwrap_or(DEFAULT_ARCHITECTURE).to_owned(),
        disk_bytes: disk.unwrap_or(DEFAULT_DISK_BYTES),
        card_bytes,
        vendor: VENDOR.to_owned(),
    };
    reader.optional(top, "csv", |r, node| {
        let path = r.text(node, "csv")?;
        match files.node_list(&path, &defaults) {
            Ok(list) => list.map(HardwareConfig::Listed),
            Err(reason) => {
                let help = "the path is relative to the scenario file".to_owned();
                r.error(node.position, format!("cannot read the list of machines `{path}`: {reason}"), help);
                None
            }
        }
    })
}

/// Memory of a graphics card.
pub(super) fn card_memory(reader: &mut Reader, node: &Node) -> Option<u64> {
    let bytes = reader.bytes(node, "card_memory")?;
    if bytes < 1000 {
        let help = "so that a thousandth of a card is a part of it".to_owned();
        reader.error(node.position, "`card_memory` must be at least 1 kB", help);
        return None;
    }
    Some(bytes)
}

/// What a machine has.
pub(super) fn machine(reader: &mut Reader, map: &Map<'_>) -> Option<Hardware> {
    let cores = reader.required(map, "cpu", "cores, as in `cpu: 4`", |r, node| {
        r.whole(node, "cpu", 1, 4096).map(|cores| cores as u32)
    });
    let clock_hz = reader.optional(map, "clock", |r, node| r.hertz(node, "clock"));
    let architecture = reader.optional(map, "arch", |r, node| r.text(node, "arch"));
    let ram = reader.required(map, "ram", "as in `ram: 8 GiB`", |r, node| r.bytes(node, "ram"));
    let disk = reader.required(map, "disk", "as in `disk: 100 GiB`", |r, node| r.bytes(node, "disk"));
    let cards = match map.node.entry("gpu") {
        Some(_) => reader.optional(map, "gpu", cards),
        None => Some(Vec::new()),
    };
    Some(Hardware {
        cores: cores?,
        clock_hz: clock_hz.unwrap_or(DEFAULT_CLOCK_HZ),
        architecture: architecture.as_deref().unwrap_or(DEFAULT_ARCHITECTURE).to_owned(),
        ram_bytes: ram?,
        disk_bytes: disk?,
        gpus: cards?,
    })
}

/// Cards of one kind, or a list of these.
fn cards(reader: &mut Reader, node: &Node) -> Option<Vec<Gpu>> {
    if !matches!(node.value, Value::Sequence(_)) {
        return alike(reader, node);
    }
    if node.items().is_empty() {
        let help = "a machine without cards has no `gpu`: remove it".to_owned();
        reader.error(node.position, "`gpu` is empty", help);
        return None;
    }
    let read: Vec<Option<Vec<Gpu>>> = node.items().iter().map(|item| alike(reader, item)).collect();
    let all = read.into_iter().collect::<Option<Vec<_>>>()?.concat();
    if all.len() > MOST_CARDS as usize {
        let message = format!("a machine has at most {MOST_CARDS} cards, not {}", all.len());
        reader.error(node.position, message, None);
        return None;
    }
    Some(all)
}

fn alike(reader: &mut Reader, node: &Node) -> Option<Vec<Gpu>> {
    let map = reader.map(node, "gpu", node.position, &["vendor", "model", "vram", "count"])?;
    let mut word = |key, help| reader.required(&map, key, help, |r: &mut Reader, node| r.text(node, key));
    let (vendor, model) =
        (word("vendor", "as in `vendor: NVIDIA`"), word("model", "as in `model: RTX 4090`"));
    let vram = reader.required(&map, "vram", "as in `vram: 16 GiB`", |r, node| r.bytes(node, "vram"));
    let count = match node.entry("count") {
        Some(_) => reader.optional(&map, "count", |r, node| r.whole(node, "count", 1, MOST_CARDS)),
        None => Some(1),
    };
    let card = Gpu { vendor: vendor?.to_string(), model: model?.to_string(), vram_bytes: vram? };
    Some(vec![card; count? as usize])
}

/// The machines of a group with every default written out.
pub(super) fn write(hardware: &HardwareConfig) -> String {
    match hardware {
        HardwareConfig::Preset(preset) => format!("{{preset: {}}}", preset.name()),
        HardwareConfig::Fixed(fixed) => map(&write_machine(fixed)),
        HardwareConfig::Mix(parts) => {
            let part = |(weight, part): &(u32, HardwareConfig)| {
                format!("{{weight: {weight}, hardware: {}}}", write(part))
            };
            let parts: Vec<String> = parts.iter().map(part).collect();
            format!("{{mix: [{}]}}", parts.join(", "))
        }
        HardwareConfig::Listed(list) => write_list(list),
    }
}

fn write_list(list: &NodeList) -> String {
    let defaults = &list.defaults;
    map(&[
        ("csv", Some(text(&format!("traces/{}.csv", list.copy)))),
        ("clock", Some(write_hertz(defaults.clock_hz))),
        ("arch", Some(text(&defaults.architecture))),
        ("disk", Some(write_bytes(defaults.disk_bytes))),
        ("card_memory", defaults.card_bytes.map(write_bytes)),
    ])
}

/// A machine as a scenario writes it.
pub(super) fn write_machine(machine: &Hardware) -> [(&'static str, Option<String>); 6] {
    let cards = |alike: &[Gpu]| {
        let (vendor, model) = (text(&alike[0].vendor), text(&alike[0].model));
        let vram = write_bytes(alike[0].vram_bytes);
        let count = if alike.len() > 1 { format!(", count: {}", alike.len()) } else { String::new() };
        format!("{{vendor: {vendor}, model: {model}, vram: {vram}{count}}}")
    };
    let kinds: Vec<String> = machine.gpus.chunk_by(|a, b| a == b).map(cards).collect();
    let gpu = match kinds.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(format!("[{}]", several.join(", "))),
    };
    [
        ("cpu", Some(machine.cores.to_string())),
        ("clock", Some(write_hertz(machine.clock_hz))),
        ("arch", Some(text(&machine.architecture))),
        ("ram", Some(write_bytes(machine.ram_bytes))),
        ("disk", Some(write_bytes(machine.disk_bytes))),
        ("gpu", gpu),
    ]
}
