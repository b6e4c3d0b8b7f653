//! `docker-compose.yml` to an ensemble.
//!
//! DMS has a command for this (`nunet translate`, dms-acceptance 8), whose rules were not seen; these are ours. Compose
//! runs everything on one machine, so everything goes to one node. What an ensemble cannot say is left out with a
//! warning, and what is translated is read back before it is written: a translation is always a good ensemble.

use std::path::Path;

use indexmap::IndexMap;

use super::diagnostic::{Diagnostic, Sources};
use super::{Report, bytes_of, ensemble_file, shown, yaml};
use crate::dms::ensemble::finding::Findings;
use crate::dms::ensemble::tree::{Node, Position, Value};

mod interpolate;
mod model;
mod ports;
mod resources;
mod service;
mod volumes;

use model::{Ensemble, Port};

/// The node that everything runs on.
const NODE: &str = "node1";

/// An ensemble made from a compose file.
#[derive(Clone, Debug)]
pub struct Translated {
    /// The ensemble file.
    pub text: String,
    /// What was left out or assumed.
    pub warnings: Report,
}

/// Translates a compose file.
///
/// # Errors
/// What is wrong with the file, or cannot be said in an ensemble at all.
pub fn translate(path: &Path) -> Result<Translated, Report> {
    let (shown, bytes) = (shown(path), bytes_of(path)?);
    let report = |findings: Vec<_>| {
        let diagnostics = findings.into_iter().map(|finding| Diagnostic::new("compose", &shown, finding));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Report { diagnostics: diagnostics.collect(), sources: Sources::from_iter([(shown.clone(), text)]) }
    };
    let mut root = yaml::parse(&bytes).map_err(&report)?;
    let mut out = Findings::default();
    interpolate::interpolate(&mut root, &mut out);
    let ensemble = file(&root, &mut out);
    let failed = out.have_errors();
    let report = report(out.into_sorted());
    let name = path.file_name().map_or_else(|| shown.as_str().into(), |name| name.to_string_lossy());
    let ensemble = ensemble.filter(|_| !failed);
    let Some(text) = ensemble.map(|ensemble| ensemble.write(&name)) else { return Err(report) };
    match ensemble_file::read("translation", text.as_bytes()) {
        Ok(_) => Ok(Translated { text, warnings: report }),
        Err(diagnostics) => {
            let sources = Sources::from_iter([("translation".to_owned(), text)]);
            Err(Report { diagnostics, sources })
        }
    }
}

fn file(root: &Node, out: &mut Findings) -> Option<Ensemble> {
    let Some(services) = root.present("services").filter(|node| node.is_map() && !node.entries().is_empty())
    else {
        let help = "a compose file has its containers under `services`".to_owned();
        out.error_with_help(root.position, "there are no `services`", help);
        return None;
    };
    let names = allocation_names(services, out);
    let mut ensemble = Ensemble::default();
    for (key, node) in root.entries() {
        match &*key.text {
            "services" | "version" => {}
            "name" => {
                ensemble
                    .metadata
                    .extend(node.scalar_text().map(|name| ("name".to_owned(), name.to_string())));
            }
            "volumes" => volumes::check_top(node, out),
            "networks" => {
                let help = "an ensemble has one subnet, in which all allocations reach each other".to_owned();
                out.warning(key.position, "`networks` are left out", help);
            }
            other if other.starts_with("x-") => {}
            other => left_out(other, key.position, out),
        }
    }
    let mut ports: Vec<Port> = Vec::new();
    for (key, node) in services.entries() {
        let name = &names[&*key.text];
        if !node.is_map() {
            out.error(
                node.position,
                format!("service `{}` must be a map, not {}", key.text, node.type_name()),
            );
            continue;
        }
        let translator = service::Translator { names: &names, own: name };
        if let Some(allocation) = translator.allocation(key, node, &mut ports, out) {
            ensemble.allocations.insert(name.clone(), allocation);
        }
    }
    resources::say_what_was_assumed(services, out);
    ensemble.place(NODE, ports);
    Some(ensemble)
}

/// A host name for each service; compose allows more.
fn allocation_names(services: &Node, out: &mut Findings) -> IndexMap<String, String> {
    let mut names: IndexMap<String, String> = IndexMap::new();
    for (key, _) in services.entries() {
        let kept = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let plain: String = key.text.chars().map(kept).take(63).collect();
        let plain = plain.trim_matches('-').to_owned();
        if plain.is_empty() {
            out.error(key.position, format!("`{}` cannot be made a host name", key.text));
        } else if plain != *key.text {
            let help =
                "allocations are called by host names; whoever calls the service must use it".to_owned();
            out.warning(key.position, format!("service `{}` is called `{plain}`", key.text), help);
        }
        if let Some((other, _)) = names.iter().find(|(_, own)| own.eq_ignore_ascii_case(&plain)) {
            let help = "names must differ in more than capitals and signs".to_owned();
            out.error_with_help(
                key.position,
                format!("services `{other}` and `{}` get one name", key.text),
                help,
            );
        }
        names.insert(key.text.to_string(), plain);
    }
    names
}

/// Warns of a key that nothing is made of.
fn left_out(key: &str, at: Position, out: &mut Findings) {
    out.warning(at, format!("`{key}` has no counterpart in an ensemble: it is left out"), None);
}

/// The items of a list of texts or of a map, as `(key, value)`: how compose writes environments and labels.
fn pairs(node: &Node) -> Vec<(String, Option<String>, Position)> {
    match &node.value {
        Value::Mapping(entries) => entries
            .iter()
            .map(|(key, node)| {
                let value = node.scalar_text().filter(|_| !node.is_null());
                (key.text.to_string(), value.map(|text| text.to_string()), key.position)
            })
            .collect(),
        _ => node
            .items()
            .iter()
            .filter_map(|item| {
                let text = item.scalar_text()?;
                Some(match text.split_once('=') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_owned()), item.position),
                    None => (text.to_string(), None, item.position),
                })
            })
            .collect(),
    }
}
