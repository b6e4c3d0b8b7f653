//! Scripts of capability operations: `contexts`, `keys`, `documents` and `steps`, from a tree to a
//! [`Script`].

mod parties;
mod steps;

use std::path::Path;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::reader::{Map, Reader};
use super::{epoch, resolve};
use crate::dms::capability::{Capability, Rules};
use crate::dms::ensemble::finding::Findings;
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::{Node, Value};
use crate::dms::identity::{Did, SignatureMode};
use crate::kernel::Span;
use crate::sim::capabilities::{Kind, Party, Script, Slot, Who};

const KEYS: &[&str] =
    &["version", "name", "profile", "rules", "signatures", "start", "keys", "contexts", "documents", "steps"];

/// Whether a tree is a script rather than a scenario or an ensemble.
pub(super) fn is_script(root: &Node) -> bool {
    root.get("steps").is_some() && root.get("peers").is_none() && root.get("allocations").is_none()
}

/// Reads a tree. The script is good only where the findings have no errors.
pub(super) fn read(root: &Node, path: &Path) -> (Option<Script>, Findings) {
    let mut reader = Reader::default();
    let script = read_root(&mut reader, root, path);
    (script, reader.findings)
}

fn read_root(reader: &mut Reader, root: &Node, path: &Path) -> Option<Script> {
    if !root.is_map() {
        let help = "it begins with `version: 1`".to_owned();
        reader.error(root.position, format!("a script must be a map, not {}", root.type_name()), help);
        return None;
    }
    if !resolve::version(reader, root, "script") {
        return None;
    }
    let top = reader.map(root, "script", root.position, KEYS)?;
    let stem = path.file_stem().map_or_else(|| "script".into(), |stem| stem.to_string_lossy().into_owned());
    let name = reader.optional(&top, "name", |r, node| r.text(node, "name")).map(|name| name.to_string());
    let rules = rules(reader, &top);
    let modes = [("real", SignatureMode::Real), ("modelled", SignatureMode::Modelled)];
    let signatures = reader.optional(&top, "signatures", |r, node| r.word(node, "signatures", &modes));
    let start =
        reader.optional(&top, "start", |r, node| epoch::read(r, node, "start")).unwrap_or(epoch::DEFAULT);
    let mut names = Names::default();
    parties::keys(reader, &top, &mut names);
    parties::contexts(reader, &top, &mut names);
    let documents = parties::documents(reader, &top, &names);
    let steps = steps::read(reader, &top, &mut names);
    Some(Script {
        name: name.unwrap_or(stem),
        rules,
        signatures: signatures.unwrap_or_default(),
        start,
        parties: names.parties,
        documents,
        slots: names.places,
        steps,
    })
}

/// The profile, with single rules on top of it.
fn rules(reader: &mut Reader, top: &Map<'_>) -> Rules {
    let profiles = [("intended", Rules::INTENDED), ("as-is", Rules::AS_IS)];
    let profile = reader.optional(top, "profile", |r, node| r.word(node, "profile", &profiles));
    let mut rules = profile.unwrap_or_default();
    let switches = ["empty_implies_absolute", "blind_subsumption", "partial_anchoring"];
    let Some(node) = top.node.present("rules") else { return rules };
    let Some(map) = reader.map(node, "rules", node.position, &switches) else { return rules };
    let mut switch = |key: &str, rule: &mut bool| {
        let written = reader.optional(&map, key, |r, node| match node.value {
            Value::Bool(on) => Some(on),
            _ => {
                r.wrong_type(node, &format!("`{key}`"), "`true` or `false`", None);
                None
            }
        });
        *rule = written.unwrap_or(*rule);
    };
    switch("empty_implies_absolute", &mut rules.empty_implies_absolute);
    switch("blind_subsumption", &mut rules.blind_subsumption);
    switch("partial_anchoring", &mut rules.partial_anchoring);
    rules
}

/// What the steps so far have named.
#[derive(Default)]
struct Names {
    parties: Vec<Party>,
    slots: IndexMap<Arc<str>, Slot>,
    /// Lists of tokens; a join makes three.
    places: usize,
    /// Contexts that were saved.
    saved: IndexSet<usize>,
    /// The time since the start.
    clock: Span,
}

impl Names {
    fn party(&self, name: &str) -> Option<usize> {
        self.parties.iter().position(|party| party.name == name)
    }

    /// A party by its name; only contexts where `kind` says so.
    fn of_kind(&self, reader: &mut Reader, node: &Node, what: &str, kind: Kind) -> Option<usize> {
        let name = reader.text(node, what)?;
        let fits = |party: &&Party| kind == Kind::Key || party.kind == Kind::Context;
        match self.party(&name) {
            Some(number) if fits(&&self.parties[number]) => Some(number),
            Some(_) => {
                let help =
                    "a key alone signs messages and holds nothing: list it under `contexts`".to_owned();
                reader.error(node.position, format!("`{name}` is a key without a context"), help);
                None
            }
            None => {
                let names = self.parties.iter().filter(fits).map(|party| party.name.as_str());
                let help = suggestion(&name, names)
                    .unwrap_or_else(|| "name it under `contexts` or `keys` first".to_owned());
                reader.error(node.position, format!("there is no `{name}`"), help);
                None
            }
        }
    }

    fn context(&self, reader: &mut Reader, node: &Node, what: &str) -> Option<usize> {
        self.of_kind(reader, node, what, Kind::Context)
    }

    fn key(&self, reader: &mut Reader, node: &Node, what: &str) -> Option<usize> {
        self.of_kind(reader, node, what, Kind::Key)
    }

    /// A party by its name, or any DID.
    fn who(&self, reader: &mut Reader, node: &Node, what: &str) -> Option<Who> {
        match node.as_text().filter(|text| text.contains(':')) {
            Some(text) => did(reader, node, text).map(Who::Did),
            None => self.key(reader, node, what).map(Who::Party),
        }
    }

    /// The tokens under a key: a name, or a list of names.
    fn tokens(&self, reader: &mut Reader, node: &Node, what: &str) -> Option<Vec<Slot>> {
        let mut slot = |node: &Node| {
            let name = reader.text(node, what)?;
            let found = self.slots.get(&name).copied();
            if found.is_none() {
                let help = suggestion(&name, self.slots.keys().map(|name| &**name))
                    .unwrap_or_else(|| "an earlier step names its tokens with `as`".to_owned());
                reader.error(node.position, format!("there are no tokens `{name}`"), help);
            }
            found
        };
        match &node.value {
            Value::Sequence(items) => {
                let slots: Vec<_> = items.iter().map(slot).collect();
                slots.into_iter().collect()
            }
            _ => slot(node).map(|slot| vec![slot]),
        }
    }
}

fn did(reader: &mut Reader, node: &Node, text: &str) -> Option<Did> {
    let parsed = Did::parse(text);
    if let Err(error) = &parsed {
        let help = "a DID has three parts, as in `did:prism:abc`".to_owned();
        reader.error(node.position, error.to_string(), help);
    }
    parsed.ok()
}

/// Capabilities or topics: a text, or a list of texts, which may be empty.
fn paths(reader: &mut Reader, node: &Node, what: &str) -> Option<Vec<Capability>> {
    let mut path = |node: &Node| match node.as_text() {
        Some(text) => Some(Capability::from(text.clone())),
        None => {
            reader.wrong_type(
                node,
                &format!("`{what}`"),
                "a path",
                "write it like `/dms/deployment`".to_owned(),
            );
            None
        }
    };
    match &node.value {
        Value::Sequence(items) => {
            let paths: Vec<_> = items.iter().map(path).collect();
            paths.into_iter().collect()
        }
        _ => path(node).map(|path| vec![path]),
    }
}
