//! The `operations` of a scenario: what operators do, when, beside deployments.

use std::path::Path;
use std::sync::Arc;

use super::faults::peer;
use super::files::{Files, NAME_WITHIN};
use super::organizations::{Organizations, paths};
use super::payloads;
use super::peers::{Peers, identifier, name_of_file};
use super::reader::{Map, Reader, listed, shortened};
use super::workload::{self, moment};
use crate::dms::actor::{Behaviour, BehaviourKind, Slot};
use crate::dms::capability::{Capability, Form, Rules};
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::Node;
use crate::kernel::{Span, Time};
use crate::sim::setup::{ControlKind, Expected, Operation, OperationKind, Proof, Withdrawn};

/// What an operation does: exactly one of these.
pub(super) const ACTIONS: &[&str] = &[
    "invoke",
    "broadcast",
    "join",
    "leave",
    "grant",
    "anchor",
    "trust",
    "remove_anchor",
    "revoke",
    "list_capabilities",
    "deployment",
    "contract",
    "ssh",
];
/// What an operation has besides.
const COMMON: &[&str] = &["at", "by", "answer", "refusal"];
/// Keys of `invoke`.
const INVOKE: &[&str] = &["to", "behaviour", "peer", "offer", "logger", "volume", "subnet", "timeout"];
const SLOTS: [(&str, Slot); 3] =
    [("provide", Slot::Provide), ("require", Slot::Require), ("revoke", Slot::Revoke)];
const FLAG: [(&str, bool); 2] = [("true", true), ("false", false)];
/// Whether a revocation is published, and under which name.
const YES_OR_NO: [(&str, bool); 2] = [("true", true), ("false", false)];
const BROADCAST: [(&str, Option<&str>); 3] = [
    ("true", Some("/dms/cap/revoke/broadcast")),
    ("/dms/cap/broadcast", Some("/dms/cap/broadcast")),
    ("false", None),
];

/// What operations are checked against.
pub(super) struct Context<'a> {
    pub(super) duration: Option<Span>,
    pub(super) peers: &'a Peers,
    organizations: &'a mut Organizations,
    /// What ensembles are checked against.
    pub(super) workload: &'a workload::Context<'a>,
    /// Names of tokens that some operation grants.
    tokens: Vec<Arc<str>>,
    /// Names of what is deployed, by the workload or by an operation.
    pub(super) deployments: Vec<String>,
    /// The names of the copies of the ensembles that operations deploy.
    pub(super) copies: Vec<String>,
}

/// Reads the operations in the order of the file, and gives with them the copies of the ensembles that they deploy.
pub(super) fn read(
    reader: &mut Reader,
    top: &Map<'_>,
    workload: &workload::Context<'_>,
    requests: &[workload::Request],
    organizations: &mut Organizations,
    files: &mut Files,
) -> (Vec<Operation>, Vec<String>) {
    let items = reader.list(top, "operations");
    let name = |item: &Node| item.get("grant")?.get("name")?.as_text().cloned();
    let tokens = items.iter().filter_map(name).collect();
    let mut deployments: Vec<String> = requests.iter().map(|one| one.deploy.name.clone()).collect();
    deployments.extend(items.iter().filter_map(|item| new_name(item.get("deployment")?.get("new")?)));
    let (duration, peers) = (workload.duration, workload.peers);
    let copies = Vec::new();
    let mut context = Context { duration, peers, organizations, workload, tokens, deployments, copies };
    let operations = items.iter().filter_map(|item| context.operation(reader, item, files)).collect();
    (operations, context.copies)
}

/// What an operation deploys, if it does: its name and its ensemble.
pub(super) fn deployed(operation: &Operation) -> Option<(&str, &EnsembleConfig)> {
    let OperationKind::Deployment(control) = &operation.kind else { return None };
    let ControlKind::New { name, ensemble } = &control.kind else { return None };
    Some((name, ensemble))
}

/// The name of what a `new` deploys: its own, or that of its ensemble.
fn new_name(node: &Node) -> Option<String> {
    if let Some(name) = node.get("name") {
        return name.as_text().map(ToString::to_string);
    }
    let ensemble = node.get("ensemble");
    if ensemble.is_some_and(Node::is_map) {
        return Some(NAME_WITHIN.to_owned());
    }
    let file = ensemble.unwrap_or(node).as_text()?;
    name_of_file(Path::new(&**file))
}

impl Context<'_> {
    fn operation(&mut self, reader: &mut Reader, node: &Node, files: &mut Files) -> Option<Operation> {
        let keys: Vec<&str> = COMMON.iter().chain(ACTIONS).copied().collect();
        let map = reader.map(node, "operations", node.position, &keys)?;
        let duration = self.duration;
        let help = "when it happens after the start, as in `at: 1h`";
        let at = reader.required(&map, "at", help, |r, node| moment(r, node, "at", duration));
        let help = "the peer whose operator it is, as in `by: alice`";
        let by = reader.required(&map, "by", help, |r, node| peer(r, node, "by", self.peers));
        let expected = expected(reader, &map);
        let mut actions = node.entries().iter().filter(|(key, _)| ACTIONS.contains(&&*key.text));
        let Some((key, content)) = actions.next() else {
            let help = format!("write one of {}", listed(ACTIONS));
            reader.error(node.position, "an operation must say what is done", help);
            return None;
        };
        if let Some((second, _)) = actions.next() {
            let help = "write two operations".to_owned();
            let message = format!("`{}` and `{}` are two things", key.text, second.text);
            reader.error(second.position, message, help);
            return None;
        }
        if content.is_null() {
            reader.error(key.position, format!("`{}` has no value", key.text), None);
            return None;
        }
        let kind = match &*key.text {
            "invoke" => self.invoke(reader, content),
            "broadcast" => broadcast(reader, content),
            "join" => self.join(reader, content),
            "leave" => {
                let organization = self.organizations.name(reader, content, "leave");
                organization.map(|organization| OperationKind::Leave { organization })
            }
            "grant" => self.grant(reader, content),
            "anchor" => self.anchor(reader, content),
            "trust" => {
                let of = peer(reader, content, "trust", self.peers);
                of.map(|of| OperationKind::Trust { of })
            }
            "remove_anchor" => self.remove_anchor(reader, content),
            "revoke" => self.revoke(reader, content),
            "deployment" => self.deployment(reader, content, files),
            "ssh" => self.ssh(reader, content),
            "contract" => super::contracts::operation(reader, content, self.workload.contracts),
            _ => {
                let of = peer(reader, content, "list_capabilities", self.peers);
                of.map(|of| OperationKind::ListCapabilities { of })
            }
        };
        Some(Operation { at: Time::ZERO + at?, by: by?, kind: kind?, expected: expected? })
    }

    fn invoke(&self, reader: &mut Reader, node: &Node) -> Option<OperationKind> {
        let map = reader.map(node, "invoke", node.position, INVOKE)?;
        let to = reader.required(&map, "to", "whose behaviour, as in `to: bob`", |r, node| {
            peer(r, node, "to", self.peers)
        });
        let help = "as in `behaviour: /public/hello`";
        let behaviour = reader.required(&map, "behaviour", help, behaviour);
        let about = reader.optional(&map, "peer", |r, node| peer(r, node, "peer", self.peers));
        let timeout = timeout(reader, &map);
        let behaviour = behaviour?;
        let connects = behaviour.kind == BehaviourKind::PeersConnect;
        match map.node.entry("peer") {
            None if connects => {
                let help = "say to whom, as in `peer: carol`".to_owned();
                reader.error(map.at, format!("`{}` needs `peer`", behaviour.path), help);
                return None;
            }
            Some((key, _)) if !connects && behaviour.kind != BehaviourKind::PeersPing => {
                reader.error(key.position, format!("`{}` is about no `peer`", behaviour.path), None);
                return None;
            }
            _ => {}
        }
        if behaviour.kind.is_about_deployments() {
            let (_, last) = behaviour.path.as_str().rsplit_once('/').unwrap_or_default();
            let help = format!("write `deployment: {{to: ..., {last}: ...}}`");
            reader.error(map.at, format!("`{}` is called by `deployment`", behaviour.path), help);
            return None;
        }
        let payload = payloads::read(reader, &map, behaviour.kind, behaviour.path.as_str())?;
        if matches!(behaviour.kind, BehaviourKind::PublicRevocations | BehaviourKind::RevokeBroadcast)
            || anchors(behaviour.kind)
        {
            let help = "tokens are sent by `anchor` and `revoke`".to_owned();
            let message = format!("`{}` needs tokens", behaviour.path);
            reader.error(map.at, message, help);
            return None;
        }
        Some(OperationKind::Invoke { to: to?, behaviour, peer: about, payload, timeout: timeout? })
    }

    /// An organization's name, or a map.
    fn join(&mut self, reader: &mut Reader, node: &Node) -> Option<OperationKind> {
        if !node.is_map() {
            let organization = self.organizations.name(reader, node, "join")?;
            let (form, proof) = (Form::Full, Proof::Granted);
            return Some(OperationKind::Join { organization, form, lasts: None, proof });
        }
        let map = reader.map(node, "join", node.position, &["org", "membership", "for", "token"])?;
        let organization =
            reader.required(&map, "org", "which organization, as in `org: acme`", |r, node| {
                self.organizations.name(r, node, "org")
            });
        let form = reader.optional(&map, "membership", |r, node| r.word(node, "membership", &Form::ALL));
        let lasts = reader.optional(&map, "for", |r, node| r.positive_span(node, "for"));
        let proof = reader.optional(&map, "token", |r, node| self.proof(r, node));
        let written = |key: &str| map.node.entry(key).is_some();
        if written("membership") && form.is_none() || written("token") && proof.is_none() {
            return None;
        }
        Some(OperationKind::Join {
            organization: organization?,
            form: form.unwrap_or(Form::Full),
            lasts,
            proof: proof.unwrap_or(Proof::Granted),
        })
    }

    /// `granted`, `forged`, or `{of: bob}`.
    fn proof(&self, reader: &mut Reader, node: &Node) -> Option<Proof> {
        if node.is_map() {
            let map = reader.map(node, "token", node.position, &["of"])?;
            let help = "whose token, as in `{of: bob}`";
            let of = reader.required(&map, "of", help, |r, node| peer(r, node, "of", self.peers));
            return of.map(Proof::Of);
        }
        let words = [("granted", false), ("forged", true)];
        let forged = reader.word(node, "token", &words)?;
        Some(if forged { Proof::Forged } else { Proof::Granted })
    }

    fn grant(&self, reader: &mut Reader, node: &Node) -> Option<OperationKind> {
        let keys = ["name", "from", "to", "capabilities", "topics", "for", "depth", "anchor"];
        let map = reader.map(node, "grant", node.position, &keys)?;
        let name = reader.optional(&map, "name", |r, node| identifier(r, node, "name"));
        let from = match map.node.entry("from") {
            Some(_) => Some(self.token(reader, &map, "from")?),
            None => None,
        };
        let to = reader.required(&map, "to", "whose node may do it, as in `to: bob`", |r, node| {
            peer(r, node, "to", self.peers)
        });
        let help = "what it may do, as in `capabilities: [/dms/node]`";
        let capabilities = reader.required(&map, "capabilities", help, |_, _| Some(()));
        let capabilities = capabilities.and_then(|()| paths(reader, &map, "capabilities", true));
        let topics = paths(reader, &map, "topics", false).unwrap_or_default();
        let help = "how long it lasts, as in `for: 1h`";
        let lasts = reader.required(&map, "for", help, |r, node| r.positive_span(node, "for"));
        let depth = reader.optional(&map, "depth", |r, node| r.whole(node, "depth", 0, 1000)).unwrap_or(0);
        let anchored = match map.node.entry("anchor") {
            Some(_) => reader.optional(&map, "anchor", |r, node| r.word(node, "anchor", &FLAG))?,
            None => true,
        };
        if let Some(name) = &name
            && self.tokens.iter().filter(|other| *other == name).count() > 1
        {
            reader.error(map.at, format!("two tokens are called `{name}`"), None);
        }
        Some(OperationKind::Grant {
            name: name.map(|name| name.to_string()),
            from,
            to: to?,
            capabilities: capabilities?,
            topics,
            lasts: lasts?,
            depth: depth.unsigned_abs(),
            anchored,
        })
    }

    fn anchor(&self, reader: &mut Reader, node: &Node) -> Option<OperationKind> {
        let map = reader.map(node, "anchor", node.position, &["at", "slot", "token", "behaviour"])?;
        let at = reader.required(&map, "at", "at whose node, as in `at: bob`", |r, node| {
            peer(r, node, "at", self.peers)
        });
        let (slot, token) = (slot(reader, &map, &SLOTS), self.token(reader, &map, "token"));
        let canonical = Behaviour::to_anchor(slot?);
        let older = Behaviour::fixed(BehaviourKind::Anchor);
        let words = [(canonical.path.as_str(), false), (older.path.as_str(), true)];
        let by_older = match map.node.entry("behaviour") {
            Some(_) => reader.optional(&map, "behaviour", |r, node| r.word(node, "behaviour", &words))?,
            None => false,
        };
        let behaviour = if by_older { older } else { canonical };
        Some(OperationKind::Anchor { at: at?, slot: slot?, token: token?, behaviour })
    }

    fn remove_anchor(&self, reader: &mut Reader, node: &Node) -> Option<OperationKind> {
        let map = reader.map(node, "remove_anchor", node.position, &["slot", "token"])?;
        // A revocation is never taken back: it ends with the token that it names.
        let (slot, token) = (slot(reader, &map, &SLOTS[..2]), self.token(reader, &map, "token"));
        Some(OperationKind::RemoveAnchor { slot: slot?, token: token? })
    }

    /// The name of a token that some operation grants.
    fn token(&self, reader: &mut Reader, map: &Map<'_>, key: &'static str) -> Option<String> {
        let help = "the `name` of a `grant`";
        reader.required(map, key, help, |reader, node| {
            let name = reader.text(node, key)?;
            if !self.tokens.contains(&name) {
                let help = suggestion(&name, self.tokens.iter().map(|token| &**token))
                    .unwrap_or_else(|| "give a `grant` this `name`".to_owned());
                let message = format!("no operation grants a token `{}`", shortened(&name));
                reader.error(node.position, message, help);
                return None;
            }
            Some(name.to_string())
        })
    }

    /// `{token: NAME}`, or `{member: bob, org: acme}`; both may be broadcast.
    fn revoke(&mut self, reader: &mut Reader, node: &Node) -> Option<OperationKind> {
        let map =
            reader.map(node, "revoke", node.position, &["member", "org", "token", "broadcast", "here"])?;
        let broadcast = match node.entry("broadcast") {
            Some(_) => reader.optional(&map, "broadcast", |r, node| r.word(node, "broadcast", &BROADCAST))?,
            None => None,
        };
        let broadcast = broadcast.and_then(Behaviour::for_operators);
        let here = reader.optional(&map, "here", |r, node| r.word(node, "here", &YES_OR_NO)).unwrap_or(true);
        if let Some((key, _)) = node.entry("here")
            && broadcast.is_none()
            && !here
        {
            let help = "broadcast it, or anchor it here".to_owned();
            reader.error(
                key.position,
                "a revocation that is neither anchored nor broadcast revokes nothing",
                help,
            );
        }
        if let Some((key, _)) = node.entry("token") {
            if node.entry("member").or_else(|| node.entry("org")).is_some() {
                let help = "write two operations".to_owned();
                reader.error(key.position, "a token and a membership are two things", help);
                return None;
            }
            let token = self.token(reader, &map, "token")?;
            return Some(OperationKind::Revoke { what: Withdrawn::Token(token), broadcast, here });
        }
        let help = "whose membership, as in `member: bob`; or `token` and the name of one";
        let member = reader.required(&map, "member", help, |r, node| peer(r, node, "member", self.peers));
        let organization = match node.entry("org") {
            Some((_, node)) => self.organizations.name(reader, node, "org"),
            None => self.only_organization(reader, &map, member.as_deref()?),
        };
        let (member, organization) = (member?, organization?);
        if broadcast.is_some() {
            self.warn_of_deaf_members(reader, &map, &organization);
        }
        Some(OperationKind::Revoke { what: Withdrawn::Membership { member, organization }, broadcast, here })
    }

    /// The organization of a peer that has only one.
    fn only_organization(&self, reader: &mut Reader, map: &Map<'_>, member: &str) -> Option<String> {
        let of_peer = |group: &&crate::sim::setup::PeerGroup| {
            group.names.iter().any(|name| name == member) || super::faults::is_number_of(member, group)
        };
        match self.peers.groups.iter().find(of_peer).map(|group| group.organizations.as_slice()) {
            Some([only]) => Some(only.clone()),
            _ => {
                let help = "say which one withdraws, as in `org: acme`".to_owned();
                let message = format!("`revoke` needs `org`: `{member}` belongs to several, or to none");
                reader.error(map.at, message, help);
                None
            }
        }
    }

    /// A broadcast is heard by those whose organization lets members call the behaviour.
    fn warn_of_deaf_members(&self, reader: &mut Reader, map: &Map<'_>, organization: &str) {
        let wanted = Capability::fixed(BehaviourKind::RevokeBroadcast.template());
        let grants = |name: &str| {
            let held = self.organizations.find(name).map(|one| one.capabilities.as_slice());
            Capability::any_implies(held.unwrap_or_default(), &wanted, Rules::INTENDED)
        };
        if !grants(organization) {
            let help = "add `/dms/cap/revoke` to its `capabilities`".to_owned();
            let message = format!("members of `{organization}` may not broadcast revocations to each other");
            reader.warning(map.at, message, help);
        }
    }
}

/// How an operation must end: some `answer` or `refusal`, or nothing of the kind. None when it cannot be told.
fn expected(reader: &mut Reader, map: &Map<'_>) -> Option<Option<Expected>> {
    let before = reader.errors;
    let answer = reader.optional(map, "answer", |r, node| r.text(node, "answer"));
    let refusal = reader.optional(map, "refusal", |r, node| r.text(node, "refusal"));
    if let (Some(_), Some((key, _))) = (map.node.entry("answer"), map.node.entry("refusal")) {
        reader.error(key.position, "an operation ends with an `answer` or a `refusal`, not both", None);
    }
    let expected = answer
        .map(|text| Expected::Answer(text.to_string()))
        .or_else(|| refusal.map(|text| Expected::Refusal(text.to_string())));
    (reader.errors == before).then_some(expected)
}

const fn anchors(kind: BehaviourKind) -> bool {
    matches!(
        kind,
        BehaviourKind::AnchorProvide
            | BehaviourKind::AnchorRequire
            | BehaviourKind::AnchorRevoke
            | BehaviourKind::Anchor
    )
}

/// A path, or a map.
fn broadcast(reader: &mut Reader, node: &Node) -> Option<OperationKind> {
    let (behaviour, timeout) = if node.is_map() {
        let map = reader.map(node, "broadcast", node.position, &["behaviour", "timeout"])?;
        let help = "as in `behaviour: /broadcast/hello`";
        (reader.required(&map, "behaviour", help, behaviour), timeout(reader, &map))
    } else {
        (behaviour(reader, node), Some(Operation::TIMEOUT))
    };
    let behaviour = behaviour?;
    if behaviour.kind.topic().is_none() || behaviour.kind == BehaviourKind::RevokeBroadcast {
        let help = match behaviour.kind {
            BehaviourKind::RevokeBroadcast => "write `revoke: {member: ..., broadcast: true}`",
            _ => "`/broadcast/hello` and `/broadcast/dms/status` can be",
        };
        let message = format!("`{}` cannot be broadcast like this", behaviour.path);
        reader.error(node.position, message, help.to_owned());
        return None;
    }
    Some(OperationKind::Broadcast { behaviour, timeout: timeout? })
}

fn behaviour(reader: &mut Reader, node: &Node) -> Option<Behaviour> {
    let path = reader.text(node, "behaviour")?;
    let found = Behaviour::for_operators(&path);
    if found.is_none() {
        let help = suggestion(&path, Behaviour::paths_for_operators())
            .unwrap_or_else(|| "docs/scenario-format.md lists those that operators can call".to_owned());
        reader.error(node.position, format!("`{}` is no such behaviour", shortened(&path)), help);
    }
    found
}

fn timeout(reader: &mut Reader, map: &Map<'_>) -> Option<Span> {
    match map.node.entry("timeout") {
        Some(_) => reader.optional(map, "timeout", |r, node| r.positive_span(node, "timeout")),
        None => Some(Operation::TIMEOUT),
    }
}

fn slot(reader: &mut Reader, map: &Map<'_>, slots: &[(&str, Slot)]) -> Option<Slot> {
    let help = "which store, as in `slot: require`";
    reader.required(map, "slot", help, |r, node| r.word(node, "slot", slots))
}
