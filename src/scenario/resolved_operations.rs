//! Organizations and operations as a scenario has them, with every default written out.

use super::resolved::{after, map, text};
use crate::dms::actor::Slot;
use crate::dms::capability::Capability;
use crate::sim::setup::{Operation, OperationKind, Organization, Proof, Withdrawn};

pub(super) fn organization(one: &Organization) -> String {
    map(&[
        ("name", Some(text(&one.name))),
        ("capabilities", Some(list(&one.capabilities))),
        ("topics", Some(list(&one.topics))),
        ("expire", Some(one.expire.to_string())),
    ])
}

fn list(paths: &[Capability]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| text(path.as_str())).collect();
    format!("[{}]", paths.join(", "))
}

pub(super) fn operation(one: &Operation) -> String {
    let (key, content) = kind(&one.kind);
    format!("{{at: {}, by: {}, {key}: {content}}}", after(one.at), text(&one.by))
}

fn slot_of(slot: Slot) -> (&'static str, Option<String>) {
    ("slot", Some(slot.as_str().to_owned()))
}

fn token_of(name: &str) -> (&'static str, Option<String>) {
    ("token", Some(text(name)))
}

fn kind(kind: &OperationKind) -> (&'static str, String) {
    match kind {
        OperationKind::Invoke { to, behaviour, peer, timeout } => {
            let content = map(&[
                ("to", Some(text(to))),
                ("behaviour", Some(text(behaviour.path.as_str()))),
                ("peer", peer.as_deref().map(text)),
                ("timeout", Some(timeout.to_string())),
            ]);
            ("invoke", content)
        }
        OperationKind::Broadcast { behaviour, timeout } => {
            let path = text(behaviour.path.as_str());
            ("broadcast", format!("{{behaviour: {path}, timeout: {timeout}}}"))
        }
        OperationKind::Join { organization, form, lasts, proof } => {
            let token = match proof {
                Proof::Granted => "granted".to_owned(),
                Proof::Forged => "forged".to_owned(),
                Proof::Of(peer) => format!("{{of: {}}}", text(peer)),
            };
            let content = map(&[
                ("org", Some(text(organization))),
                ("membership", Some(form.as_str().to_owned())),
                ("for", lasts.map(|lasts| lasts.to_string())),
                ("token", Some(token)),
            ]);
            ("join", content)
        }
        OperationKind::Leave { organization } => ("leave", text(organization)),
        OperationKind::Grant { name, to, capabilities, topics, lasts, depth, anchored } => {
            let content = map(&[
                ("name", name.as_deref().map(text)),
                ("to", Some(text(to))),
                ("capabilities", Some(list(capabilities))),
                ("topics", Some(list(topics))),
                ("for", Some(lasts.to_string())),
                ("depth", Some(depth.to_string())),
                ("anchor", Some(anchored.to_string())),
            ]);
            ("grant", content)
        }
        OperationKind::Anchor { at, slot, token, behaviour } => {
            let path = Some(text(behaviour.path.as_str()));
            let at = Some(text(at));
            ("anchor", map(&[("at", at), slot_of(*slot), token_of(token), ("behaviour", path)]))
        }
        OperationKind::RemoveAnchor { slot, token } => {
            ("remove_anchor", map(&[slot_of(*slot), token_of(token)]))
        }
        OperationKind::Revoke { what, broadcast } => {
            let broadcast = match broadcast {
                None => "false".to_owned(),
                Some(one) if one.path.as_str() == one.kind.template() => "true".to_owned(),
                Some(one) => text(one.path.as_str()),
            };
            let (member, organization, token) = match what {
                Withdrawn::Membership { member, organization } => (Some(member), Some(organization), None),
                Withdrawn::Token(name) => (None, None, Some(name)),
            };
            let content = map(&[
                ("member", member.map(|name| text(name))),
                ("org", organization.map(|name| text(name))),
                ("token", token.map(|name| text(name))),
                ("broadcast", Some(broadcast)),
            ]);
            ("revoke", content)
        }
        OperationKind::ListCapabilities { of } => ("list_capabilities", text(of)),
        OperationKind::Contract { name, action } => {
            ("contract", map(&[("name", Some(text(name))), ("do", Some(action.to_string()))]))
        }
    }
}
