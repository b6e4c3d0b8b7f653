//! Organizations and operations as a scenario has them, with every default written out.

use super::payloads;
use super::resolved::{after, map, text};
use crate::dms::actor::{ListRequest, Slot};
use crate::dms::capability::Capability;
use crate::sim::setup::{
    Control, ControlKind, Expected, Operation, OperationKind, Organization, Proof, Ssh, SshFrom, Which,
    Withdrawn,
};

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

/// An operation; one that deploys something takes the next of the names of `copies`.
pub(super) fn operation<'a>(one: &Operation, copies: &mut impl Iterator<Item = &'a String>) -> String {
    let (key, content) = kind(&one.kind, copies);
    let (at, by) = (Some(after(one.at)), Some(text(&one.by)));
    let expected = match &one.expected {
        None => ("answer", None),
        Some(Expected::Answer(said)) => ("answer", Some(text(said))),
        Some(Expected::Refusal(said)) => ("refusal", Some(text(said))),
    };
    map(&[("at", at), ("by", by), (key, Some(content)), expected])
}

fn control<'a>(control: &Control, copies: &mut impl Iterator<Item = &'a String>) -> String {
    let (key, content) = match &control.kind {
        ControlKind::New { name, .. } => {
            let copy = copies.next().map_or("", String::as_str);
            let ensemble = text(&format!("ensembles/{copy}.yaml"));
            ("new", map(&[("ensemble", Some(ensemble)), ("name", Some(text(name)))]))
        }
        ControlKind::List(request) => ("list", listing(request)),
        ControlKind::Status(one) => ("status", which(one)),
        ControlKind::Info { of, usage, logs, allocations } => {
            let names: Vec<String> = allocations.iter().map(|name| text(name)).collect();
            let content = map(&[
                ("deployment", Some(which(of))),
                ("usage", Some(usage.to_string())),
                ("logs", Some(logs.to_string())),
                ("allocations", Some(format!("[{}]", names.join(", ")))),
            ]);
            ("info", content)
        }
        ControlKind::Manifest(one) => ("manifest", which(one)),
        ControlKind::Logs { of, allocation, follow } => {
            let content = map(&[
                ("deployment", Some(which(of))),
                ("allocation", Some(text(allocation))),
                ("follow", follow.map(|interval| interval.to_string())),
            ]);
            ("logs", content)
        }
        ControlKind::Shutdown(one) => ("shutdown", which(one)),
        ControlKind::Prune(None) => ("prune", "all".to_owned()),
        ControlKind::Prune(Some(before)) => ("prune", map(&[("before", Some(after(*before)))])),
        ControlKind::Delete(one) => ("delete", which(one)),
        ControlKind::Update { of, .. } => {
            let copy = copies.next().map_or("", String::as_str);
            let ensemble = text(&format!("ensembles/{copy}.yaml"));
            ("update", map(&[("deployment", Some(which(of))), ("ensemble", Some(ensemble))]))
        }
    };
    let timeout = Some(control.timeout.to_string());
    map(&[("to", control.to.as_deref().map(text)), ("timeout", timeout), (key, Some(content))])
}

fn listing(request: &ListRequest) -> String {
    let word = |word: &str| (!word.is_empty()).then(|| text(word));
    let filter: Vec<String> = request.filter.iter().map(|one| text(one)).collect();
    map(&[
        ("limit", Some(request.limit.to_string())),
        ("offset", Some(request.offset.to_string())),
        ("status", word(&request.status)),
        ("sort", word(&request.sort)),
        ("filter", Some(format!("[{}]", filter.join(", ")))),
    ])
}

fn which(which: &Which) -> String {
    match which {
        Which::Named(name, number) => format!("{{name: {}, number: {number}}}", text(name)),
        Which::Of(peer, number) => format!("{{of: {}, number: {number}}}", text(peer)),
        Which::Id(id) => format!("{{id: {}}}", text(&id.to_string())),
    }
}

fn slot_of(slot: Slot) -> (&'static str, Option<String>) {
    ("slot", Some(slot.as_str().to_owned()))
}

fn token_of(name: &str) -> (&'static str, Option<String>) {
    ("token", Some(text(name)))
}

/// What somebody shows who joins.
fn shown(proof: &Proof) -> String {
    match proof {
        Proof::Granted => "granted".to_owned(),
        Proof::Forged => "forged".to_owned(),
        Proof::Of(peer) => format!("{{of: {}}}", text(peer)),
    }
}

fn ssh(order: &Ssh) -> String {
    let from = match &order.from {
        SshFrom::Node => "node".to_owned(),
        SshFrom::Outside => "outside".to_owned(),
        SshFrom::Allocation(name) => format!("{{allocation: {}}}", text(name)),
    };
    map(&[
        ("deployment", Some(which(&order.of))),
        ("allocation", Some(text(&order.allocation))),
        ("key", Some(text(&order.key))),
        ("from", Some(from)),
    ])
}

fn grant(kind: &OperationKind) -> String {
    let OperationKind::Grant { name, from, to, capabilities, topics, lasts, depth, anchored } = kind else {
        unreachable!("only called for grants")
    };
    map(&[
        ("name", name.as_deref().map(text)),
        ("from", from.as_deref().map(text)),
        ("to", Some(text(to))),
        ("capabilities", Some(list(capabilities))),
        ("topics", Some(list(topics))),
        ("for", Some(lasts.to_string())),
        ("depth", Some(depth.to_string())),
        ("anchor", Some(anchored.to_string())),
    ])
}

fn kind<'a>(kind: &OperationKind, copies: &mut impl Iterator<Item = &'a String>) -> (&'static str, String) {
    match kind {
        OperationKind::Invoke { to, behaviour, peer, payload, timeout } => {
            let (key, sent) = payload.as_ref().map_or(("offer", None), payloads::write);
            let (peer, timeout) = (peer.as_deref().map(text), Some(timeout.to_string()));
            let behaviour = Some(text(behaviour.path.as_str()));
            let to = Some(text(to));
            let all =
                [("to", to), ("behaviour", behaviour), ("peer", peer), (key, sent), ("timeout", timeout)];
            ("invoke", map(&all))
        }
        OperationKind::Broadcast { behaviour, timeout } => {
            let path = text(behaviour.path.as_str());
            ("broadcast", format!("{{behaviour: {path}, timeout: {timeout}}}"))
        }
        OperationKind::Join { organization, form, lasts, proof } => {
            let content = map(&[
                ("org", Some(text(organization))),
                ("membership", Some(form.as_str().to_owned())),
                ("for", lasts.map(|lasts| lasts.to_string())),
                ("token", Some(shown(proof))),
            ]);
            ("join", content)
        }
        OperationKind::Leave { organization } => ("leave", text(organization)),
        OperationKind::Grant { .. } => ("grant", grant(kind)),
        OperationKind::Anchor { at, slot, token, behaviour } => {
            let path = Some(text(behaviour.path.as_str()));
            let at = Some(text(at));
            ("anchor", map(&[("at", at), slot_of(*slot), token_of(token), ("behaviour", path)]))
        }
        OperationKind::Trust { of } => ("trust", text(of)),
        OperationKind::RemoveAnchor { slot, token } => {
            ("remove_anchor", map(&[slot_of(*slot), token_of(token)]))
        }
        OperationKind::Revoke { what, broadcast, here } => {
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
                ("here", (!here).then(|| "false".to_owned())),
            ]);
            ("revoke", content)
        }
        OperationKind::ListCapabilities { of } => ("list_capabilities", text(of)),
        OperationKind::Deployment(one) => ("deployment", control(one, copies)),
        OperationKind::Ssh(order) => ("ssh", ssh(order)),
        OperationKind::Contract { name, action } => {
            ("contract", map(&[("name", Some(text(name))), ("do", Some(action.to_string()))]))
        }
    }
}
