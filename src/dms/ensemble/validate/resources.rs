//! The rules for `allocations.*.resources`: amounts with units.
use std::sync::Arc;

use super::super::finding::{Finding, Findings, Step};
use super::super::shape::Map;
use super::super::tree::{Key, Node, Position, Value};
use super::super::units::{self, GHZ, GIB, UnitError};
use super::super::{fields, format};
use crate::dms::resources::{Cpu, Gpu, Resources};

/// Amounts without a unit from here on look like those of the older form, in MB and Hz.
const MOST_RAM_GIB: u64 = 256;
const MOST_DISK_GIB: u64 = 4096;
const MOST_GHZ: u64 = 100;

/// Checks and builds what an allocation needs.
pub(super) fn read(key: &Key, allocation: &Node, out: &mut Findings) -> Resources {
    let Some((own, node)) = allocation.entry("resources").filter(|(_, node)| !node.is_null()) else {
        out.quote(key.position, "allocation must have resources");
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
    fields::known_keys(node, &format::RESOURCES, out);
    fields::text(node, "name", out);
    let at = own.position;
    Resources {
        cpu: cpu(node, at, out),
        ram_bytes: sized(node, "ram", &format::RAM, at, out),
        disk_bytes: sized(node, "disk", &format::DISK, at, out),
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
            out.reword(node.position, format!("{subject} must be greater than 0"));
            None
        }
        Ok(amount) => Some(amount),
        Err(error) => {
            let finding = Finding::error(node.position, format!("{subject}: {error}"));
            out.push(finding.reworded(Step::Transform));
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
        out.quote(at, format!("resources must have {key} configuration"));
        return None;
    }
    let node = fields::map(resources, key, out)?;
    Some((node, resources.entry(key).map_or(at, |(key, _)| key.position)))
}

fn cpu(resources: &Node, at: Position, out: &mut Findings) -> Cpu {
    let Some((node, at)) = section(resources, "cpu", at, out) else { return Cpu::default() };
    fields::known_keys(node, &format::CPU, out);
    if node.present("cores").is_none() {
        out.quote(at, "cpu must have cores value");
    }
    Cpu {
        cores_milli: amount(node, "cores", "cpu cores", units::thousandths, out).unwrap_or(0),
        clock_hz: clock(node, "cpu clock_speed", out),
        architecture: fields::quoted_non_empty(node, "architecture", "cpu architecture", out),
    }
}

fn clock(node: &Node, subject: &str, out: &mut Findings) -> u64 {
    let clock = amount(node, "clock_speed", subject, |text| units::hertz(text, Some(GHZ)), out).unwrap_or(0);
    let is_old = clock >= MOST_GHZ.saturating_mul(GHZ);
    warn_of_old_unit(node, "clock_speed", subject, is_old, ["GHz", "Hz"], out);
    clock
}

/// Files of the older form counted Hz and MB (dms-acceptance 5.3); today the same number means a thousand times more or
/// worse, and no machine has it.
fn warn_of_old_unit(
    map: &Node,
    key: &str,
    subject: &str,
    is_old: bool,
    [today, formerly]: [&str; 2],
    out: &mut Findings,
) {
    let Some(node) = map.get(key).filter(|node| is_old && node.is_number()) else { return };
    let text = node.scalar_text().unwrap_or_default();
    let help =
        format!("older files counted {formerly}: write `{text} {formerly}`, or `{text} {today}` to be plain");
    out.warning(node.position, format!("{subject}: `{text}` without a unit is {text} {today}"), help);
}

/// The size of memory or disk, in bytes; their other fields are checked and not kept.
fn sized(resources: &Node, key: &str, known: &Map, at: Position, out: &mut Findings) -> u64 {
    let Some((node, at)) = section(resources, key, at, out) else { return 0 };
    fields::known_keys(node, known, out);
    if node.present("size").is_none() {
        out.quote(at, format!("{key} must have size value"));
    }
    if key == "ram" {
        clock(node, "ram clock_speed", out);
    } else {
        fields::quoted_non_empty(node, "type", "disk type", out);
    }
    let subject = format!("{key} size");
    let size = amount(node, "size", &subject, |text| units::bytes(text, Some(GIB)), out).unwrap_or(0);
    let most = if key == "ram" { MOST_RAM_GIB } else { MOST_DISK_GIB };
    warn_of_old_unit(node, "size", &subject, size >= most.saturating_mul(GIB), ["GiB", "MB"], out);
    size
}

fn gpus(resources: &Node, out: &mut Findings) -> Vec<Gpu> {
    let Some(node) = resources.present("gpus") else { return Vec::new() };
    if !matches!(node.value, Value::Sequence(_)) {
        out.quote(node.position, "gpus must be an array");
    }
    let mut found = Vec::new();
    for item in node.items() {
        if !item.is_map() {
            fields::must_be(item, "a gpu", "a map", out);
            continue;
        }
        fields::known_keys(item, &format::GPU, out);
        let vendor: Option<Arc<str>> = fields::non_empty(item, "vendor", "gpu vendor", out);
        let model = fields::non_empty(item, "model", "gpu model", out);
        // These say which card of a machine is meant, which only a provider knows: checked and not kept.
        fields::whole(item, "index", out);
        fields::text(item, "pci_address", out);
        fields::text(item, "uuid", out);
        // DMS looks for `memory` where it means `vram`, and so finds nothing wrong with it.
        let mut own = Findings::default();
        let vram = amount(item, "vram", "gpu vram", |text| units::bytes(text, Some(GIB)), &mut own);
        own.into_sorted().into_iter().for_each(|finding| out.push(finding.accepted_by_dms()));
        if let Some(node) = item.get("vram").filter(|node| node.is_number() && vram.is_some()) {
            let text = node.scalar_text().unwrap_or_default();
            let help = format!("here it is {text} GiB, but DMS converts no unit and asks for {text} bytes");
            out.warning(node.position, "`vram` has no unit", help);
        }
        found.push(Gpu { vendor, model, vram_bytes: vram.unwrap_or(0) });
    }
    found
}
