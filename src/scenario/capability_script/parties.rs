//! Who takes part: keys, contexts, and the DID documents that can be found.

use super::super::reader::{Map, Reader};
use super::{Names, did};
use crate::dms::ensemble::tree::{Key, Node, Value};
use crate::dms::identity::{Did, KeyKind};
use crate::sim::capabilities::{Document, Kind, Party, Who};

const KINDS: &[(&str, KeyKind)] = &[("ed25519", KeyKind::Ed25519), ("secp256k1", KeyKind::Secp256k1)];

/// Reads `keys`.
pub(super) fn keys(reader: &mut Reader, top: &Map<'_>, names: &mut Names) {
    for item in reader.list(top, "keys") {
        let Some((name, map)) = named(reader, item, "a key", &["type"], names) else { continue };
        let key = map.and_then(|map| kind(reader, &map)).unwrap_or(KeyKind::Ed25519);
        names.parties.push(Party { name, kind: Kind::Key, key, did: None, roots: Vec::new() });
    }
}

/// Reads `contexts`; a root may be a later one.
pub(super) fn contexts(reader: &mut Reader, top: &Map<'_>, names: &mut Names) {
    let mut with_roots = Vec::new();
    for item in reader.list(top, "contexts") {
        let Some((name, map)) = named(reader, item, "a context", &["type", "did", "roots"], names) else {
            continue;
        };
        let mut party = plain(name);
        if let Some(map) = map {
            party.key = kind(reader, &map).unwrap_or(KeyKind::Ed25519);
            party.did = reader.optional(&map, "did", prism);
            if party.did.is_some() && party.key != KeyKind::Ed25519 {
                let at = map.node.get("type").map_or(map.at, |node| node.position);
                reader.error(at, "a did:prism has an Ed25519 key", "remove `type`".to_owned());
            }
            with_roots.push((names.parties.len(), map));
        }
        names.parties.push(party);
    }
    for (number, map) in with_roots {
        let items = reader.list(&map, "roots");
        let roots: Vec<Who> = items.iter().filter_map(|item| names.who(reader, item, "roots")).collect();
        names.parties[number].roots = roots;
    }
}

/// A context with nothing special.
pub(super) const fn plain(name: String) -> Party {
    Party { name, kind: Kind::Context, key: KeyKind::Ed25519, did: None, roots: Vec::new() }
}

/// A name that nobody else has, alone or as the only key of a map.
fn named<'n>(
    reader: &mut Reader,
    item: &'n Node,
    what: &str,
    keys: &[&str],
    names: &Names,
) -> Option<(String, Option<Map<'n>>)> {
    let map = match &item.value {
        Value::Mapping(entries) if entries.len() == 1 => {
            let (Key { text, position }, content) = &entries[0];
            if !free(reader, text, *position, names) {
                return None;
            }
            let map = reader.map(content, text, *position, keys)?;
            return Some((text.to_string(), Some(map)));
        }
        Value::String(_) => None,
        _ => {
            let help = "write `- name`, or `- name: {...}`".to_owned();
            reader.wrong_type(item, what, "a name", help);
            return None;
        }
    };
    let name = reader.text(item, what)?;
    free(reader, &name, item.position, names).then(|| (name.to_string(), map))
}

/// Whether a name can be given to somebody.
pub(super) fn free(
    reader: &mut Reader,
    name: &str,
    at: crate::dms::ensemble::tree::Position,
    names: &Names,
) -> bool {
    if name.contains(':') {
        reader.error(at, format!("`{name}` cannot be a name"), "a name has no colon; DIDs have".to_owned());
        return false;
    }
    let taken = names.party(name).is_some();
    if taken {
        reader.error(
            at,
            format!("`{name}` is named twice"),
            "give each key and context a name of its own".to_owned(),
        );
    }
    !taken
}

fn kind(reader: &mut Reader, map: &Map<'_>) -> Option<KeyKind> {
    reader.optional(map, "type", |r, node| r.word(node, "type", KINDS))
}

/// A DID whose key is in a document.
fn prism(reader: &mut Reader, node: &Node) -> Option<Did> {
    let text = reader.text(node, "did")?;
    let did = did(reader, node, &text)?;
    if did.method() != "prism" {
        let help = "a context has the did:key of its key unless it has a `did:prism:...`".to_owned();
        reader.error(node.position, format!("`{text}` is not a did:prism"), help);
        return None;
    }
    Some(did)
}

/// Reads `documents`.
pub(super) fn documents(reader: &mut Reader, top: &Map<'_>, names: &Names) -> Vec<Document> {
    let items = reader.list(top, "documents");
    items.iter().filter_map(|item| document(reader, item, names)).collect()
}

/// A DID document: whose, and which key it names.
pub(super) fn document(reader: &mut Reader, node: &Node, names: &Names) -> Option<Document> {
    let map = reader.map(node, "document", node.position, &["did", "authentication"])?;
    let did = reader.required(&map, "did", "the DID that it is found under", prism);
    let before = reader.errors;
    let authentication = reader.optional(&map, "authentication", |r, node| {
        let number = names.key(r, node, "authentication")?;
        if names.parties[number].key != KeyKind::Ed25519 {
            r.error(node.position, "DMS reads Ed25519 keys from documents only", None);
            return None;
        }
        Some(number)
    });
    (reader.errors == before).then_some(Document { did: did?, authentication })
}
