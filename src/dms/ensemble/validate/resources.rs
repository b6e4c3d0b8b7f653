//! The rules for `allocations.*.resources`: amounts with units.
use std::sync::Arc;

use super::super::fields;
use super::super::finding::Findings;
use super::super::tree::{Key, Node, Position, Value};
use super::super::units::{self, GHZ, GIB, UnitError};
use crate::dms::resources::{Cpu, Gpu, Resources};

/// The clock of today's key, in the older form.
const FORMER_CLOCK: &[(&str, &str)] = &[("clockspeed", "the key is `clock_speed` today")];

/// Checks and builds what an allocation needs.
pub(super) fn read(key: &Key, allocation: &Node, out: &mut Findings) -> Resources {
    let Some((own, node)) = allocation.entry("resources").filter(|(_, node)| !node.is_null()) else {
        out.error(key.position, "allocation must have resources");
        return Resources::default();
    };
    if !node.is_map() {
        fields::must_be(node, "`resources`", "a map or the name of a template", out);
        return Resources::default();
    }
    // A name that is no template was reported when the templates were filled in.
    if node.written.is_some() {
        return Resources::default();
    }
    let former = [("gpu", "the key is `gpus`, a list")];
    fields::known_keys(node, "resources", &["cpu", "ram", "disk", "gpus", "name"], &former, out);
    let at = own.position;
    Resources {
        cpu: cpu(node, at, out),
        ram_bytes: sized(node, "ram", &["size", "clock_speed"], at, out),
        disk_bytes: sized(node, "disk", &["size", "type"], at, out),
        gpus: gpus(node, out),
    }
}

/// The amount that a reader makes of a field's text. Zero is refused.
fn amount(
    map: &Node,
    key: &str,
    subject: &str,
    read: impl Fn(&str) -> Result<u64, UnitError>,
    out: &mut Findings,
) -> Option<u64> {
    let node = map.present(key)?;
    let text = match &node.value {
        Value::Integer(_) | Value::Float(_) | Value::String(_) => node.scalar_text()?,
        _ => {
            fields::must_be(node, subject, "a number", out);
            return None;
        }
    };
    match read(&text) {
        Ok(0) | Err(UnitError::Negative { .. }) => {
            out.error(node.position, format!("{subject} must be greater than 0"));
            None
        }
        Ok(amount) => Some(amount),
        Err(error) => {
            out.error(node.position, format!("{subject}: {error}"));
            None
        }
    }
}

fn section<'a>(
    resources: &'a Node,
    key: &str,
    at: Position,
    out: &mut Findings,
) -> Option<(&'a Node, Position)> {
    if resources.present(key).is_none() {
        out.error(at, format!("resources must have {key} configuration"));
        return None;
    }
    let node = fields::map(resources, key, out)?;
    Some((node, resources.entry(key).map_or(at, |(key, _)| key.position)))
}

fn cpu(resources: &Node, at: Position, out: &mut Findings) -> Cpu {
    let Some((node, at)) = section(resources, "cpu", at, out) else { return Cpu::default() };
    fields::known_keys(node, "`cpu`", &["cores", "architecture", "clock_speed"], FORMER_CLOCK, out);
    if node.present("cores").is_none() {
        out.error(at, "cpu must have cores value");
    }
    Cpu {
        cores_milli: amount(node, "cores", "cpu cores", units::thousandths, out).unwrap_or(0),
        clock_hz: clock(node, "cpu clock_speed", out),
        architecture: fields::non_empty(node, "architecture", "cpu architecture", out),
    }
}

fn clock(node: &Node, subject: &str, out: &mut Findings) -> u64 {
    amount(node, "clock_speed", subject, |text| units::hertz(text, Some(GHZ)), out).unwrap_or(0)
}

/// The size of memory or disk, in bytes; their other fields are checked and not kept.
fn sized(resources: &Node, key: &str, known: &[&str], at: Position, out: &mut Findings) -> u64 {
    let Some((node, at)) = section(resources, key, at, out) else { return 0 };
    fields::known_keys(node, &format!("`{key}`"), known, FORMER_CLOCK, out);
    if node.present("size").is_none() {
        out.error(at, format!("{key} must have size value"));
    }
    if key == "ram" {
        clock(node, "ram clock_speed", out);
    } else {
        fields::non_empty(node, "type", "disk type", out);
    }
    amount(node, "size", &format!("{key} size"), |text| units::bytes(text, Some(GIB)), out).unwrap_or(0)
}

fn gpus(resources: &Node, out: &mut Findings) -> Vec<Gpu> {
    let Some(node) = resources.present("gpus") else { return Vec::new() };
    if !matches!(node.value, Value::Sequence(_)) {
        out.error(node.position, "gpus must be an array");
    }
    let mut found = Vec::new();
    for item in node.items() {
        if !item.is_map() {
            fields::must_be(item, "a gpu", "a map", out);
            continue;
        }
        let known = ["vendor", "model", "vram", "index", "pci_address", "uuid"];
        fields::known_keys(item, "a gpu", &known, &[("memory", "the key is `vram`")], out);
        let vendor: Option<Arc<str>> = fields::non_empty(item, "vendor", "gpu vendor", out);
        let model = fields::non_empty(item, "model", "gpu model", out);
        let vram = amount(item, "vram", "gpu vram", |text| units::bytes(text, Some(GIB)), out);
        if let Some(node) = item.get("vram").filter(|node| node.is_number() && vram.is_some()) {
            let text = node.scalar_text().unwrap_or_default();
            let help = format!("here it is {text} GiB, but DMS converts no unit and asks for {text} bytes");
            out.warning(node.position, "`vram` has no unit", help);
        }
        found.push(Gpu { vendor, model, vram_bytes: vram.unwrap_or(0) });
    }
    found
}
