//! When the peers of a group are up: as in a measured system, by up and down times, or as in a trace.

use super::files::Files;
use super::reader::{Map, Reader};
use super::trace::TraceUnit;
use super::{distribution, yaml};
use crate::dms::ensemble::tree::Node;
use crate::kernel::Span;
use crate::sim::setup::PeerGroup;
use crate::workload::{ChurnConfig, ChurnModel, ChurnPreset, ChurnStart, TraceChurn};
use std::path::Path;

/// Measured systems by name.
pub(super) const CHURN_PRESETS: &[(&str, ChurnPreset)] = &[
    ("desktop-pc", ChurnPreset::DesktopPc),
    ("overnet", ChurnPreset::Overnet),
    ("skype", ChurnPreset::Skype),
    ("planetlab", ChurnPreset::Planetlab),
    ("condor", ChurnPreset::Condor),
    ("grid5000", ChurnPreset::Grid5000),
    ("lanl", ChurnPreset::Lanl),
];
const KEYS: &[&str] = &["preset", "up", "down", "trace", "hosts", "unit", "start", "repairers"];

/// When the peers of a group are up.
#[derive(Default)]
pub(super) struct Presence {
    pub churn: Option<(ChurnConfig, ChurnStart)>,
    /// How many are repaired at a time.
    pub repairers: Option<u32>,
}

/// A preset, the spans up and down, or a trace.
pub(super) fn read(reader: &mut Reader, node: &Node, files: &mut Files) -> Option<Presence> {
    let map = reader.map(node, "churn", node.position, KEYS)?;
    let starts = [("stationary", ChurnStart::Stationary), ("fresh", ChurnStart::Fresh)];
    let start = reader.optional(&map, "start", |r, node| r.word(node, "start", &starts)).unwrap_or_default();
    let repairers = reader.optional(&map, "repairers", |r, node| r.count(node, "repairers"));
    let alone = |key: &str, but: &[&'static str]| -> bool {
        node.entry(key).is_some() && but.iter().all(|other| node.entry(other).is_none())
    };
    if let Some((key, _)) = node.entry("trace") {
        if !alone("trace", &["preset", "up", "down", "repairers"]) {
            let help = "remove `preset`, `up`, `down` and `repairers`".to_owned();
            reader.error(key.position, "a `trace` says when peers are up and when they are down", help);
            return None;
        }
        let traced = trace(reader, &map, files)?;
        return Some(Presence { churn: Some((ChurnConfig::Trace(traced), start)), repairers: None });
    }
    for stray in ["hosts", "unit"] {
        if let Some((key, _)) = node.entry(stray) {
            reader.error(key.position, format!("`{stray}` needs `trace`"), None);
        }
    }
    let config = match node.entry("preset") {
        Some((_, preset)) => {
            if let Some((key, _)) = node.entry("up").or_else(|| node.entry("down")) {
                let message = "`preset` stands for `up` and `down`: write one or the other";
                reader.error(key.position, message, None);
                return None;
            }
            ChurnConfig::Preset(reader.word(preset, "churn.preset", CHURN_PRESETS)?)
        }
        None => ChurnConfig::Model(model(reader, &map)?),
    };
    Some(Presence { churn: Some((config, start)), repairers })
}

fn model(reader: &mut Reader, map: &Map<'_>) -> Option<ChurnModel> {
    let mut spans = |key, above_zero: bool| {
        let help = format!("a time or distribution, as in `{key}: {{exponential: {{mean: 8h}}}}`");
        reader.required(map, key, &help, |r: &mut Reader, node| {
            let spans = r.distribution(node, key)?;
            if (spans.mean_s() > 0.0 || !above_zero) && spans.mean_s().is_finite() {
                return Some(spans);
            }
            let must = if above_zero { "above zero and finite" } else { "finite" };
            let help = "in the long run peers must be up for a part of the time".to_owned();
            r.error(node.position, format!("the mean of `{key}` must be {must}"), help);
            None
        })
    };
    let (up, down) = (spans("up", true), spans("down", false));
    Some(ChurnModel { up: up?, down: down? })
}

fn trace(reader: &mut Reader, map: &Map<'_>, files: &mut Files) -> Option<TraceChurn> {
    let words = [("drawn", false), ("in_order", true)];
    let in_order = reader.optional(map, "hosts", |r, node| r.word(node, "hosts", &words)).unwrap_or(false);
    let units = [("seconds", TraceUnit::Seconds), ("hours", TraceUnit::Hours)];
    let unit = reader.optional(map, "unit", |r, node| r.word(node, "unit", &units)).unwrap_or_default();
    let (trace, copy) = reader.optional(map, "trace", |r, node| {
        let path = r.text(node, "trace")?;
        match files.trace(&path, unit) {
            Ok(trace) => trace,
            Err(reason) => {
                let help = "the path is relative to the scenario file".to_owned();
                r.error(node.position, format!("cannot use the trace `{path}`: {reason}"), help);
                None
            }
        }
    })?;
    Some(TraceChurn { trace, in_order, copy })
}

/// What stands under `churn` for up and down times, as the scenario reader takes it.
///
/// # Errors
/// Why it would not: a mean or a parameter of more than 584 years, the longest time that there is.
pub fn churn_fragment(model: &ChurnModel) -> Result<String, String> {
    for (what, times) in [("up", &model.up), ("down", &model.down)] {
        if times.mean_s() >= Span::MAX.as_secs_f64() {
            return Err(format!("the mean of `{what}` is longer than the 584 years that can be simulated"));
        }
    }
    let text =
        format!("up: {}\ndown: {}\n", distribution::write(&model.up), distribution::write(&model.down));
    let tree = yaml::parse(text.as_bytes());
    let mut findings = tree.as_ref().err().cloned().unwrap_or_default();
    if let Ok(node) = &tree {
        let mut reader = Reader::default();
        read(&mut reader, node, &mut Files::beside(Path::new("")));
        findings = reader.findings.into_sorted();
    }
    findings.into_iter().next().map_or(Ok(text), |finding| Err(finding.message))
}

/// When the peers of a group are up, as a scenario writes it; none where they always are.
pub(super) fn write(group: &PeerGroup) -> Option<String> {
    let (config, start) = group.churn.as_ref()?;
    let start = match start {
        ChurnStart::Stationary => "stationary",
        ChurnStart::Fresh => "fresh",
    };
    let repairers = group.repairers.map(|count| format!("repairers: {count}, ")).unwrap_or_default();
    let content = match config {
        ChurnConfig::Preset(preset) => {
            let name = CHURN_PRESETS.iter().find(|(_, one)| one == preset).map_or("desktop-pc", |one| one.0);
            format!("preset: {name}")
        }
        ChurnConfig::Model(ChurnModel { up, down }) => {
            format!("up: {}, down: {}", distribution::write(up), distribution::write(down))
        }
        ChurnConfig::Trace(TraceChurn { in_order, copy, .. }) => {
            let hosts = if *in_order { "in_order" } else { "drawn" };
            let path = super::resolved::text(&format!("traces/{copy}.csv"));
            format!("trace: {path}, hosts: {hosts}")
        }
    };
    Some(format!("{{{content}, {repairers}start: {start}}}"))
}
