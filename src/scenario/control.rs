//! The action `deployment` of an operation: what is done with the deployments of a node.

use std::sync::Arc;

use super::faults::peer;
use super::files::Files;
use super::operations::Context;
use super::peers::identifier;
use super::reader::{Map, Reader, listed, shortened};
use super::workload::{self, moment};
use crate::dms::actor::{BehaviourKind, ListRequest};
use crate::dms::constants::LOG_FOLLOW_INTERVAL;
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::{Node, Position};
use crate::kernel::{Span, Time};
use crate::sim::setup::{Control, ControlKind, OperationKind, Ssh, SshFrom, Which};

/// What is done with deployments: exactly one of these.
pub(super) const KINDS: &[&str] =
    &["new", "list", "status", "info", "manifest", "logs", "shutdown", "prune", "delete", "update"];
/// From where somebody logs in who does not come from an allocation.
const OUTSIDE: [(&str, bool); 2] = [("node", false), ("outside", true)];
const FLAG: [(&str, bool); 2] = [("true", true), ("false", false)];
/// As many deployments as a run can number.
const MOST: i64 = 1_000_000_000;

impl Context<'_> {
    pub(super) fn deployment(
        &mut self,
        reader: &mut Reader,
        node: &Node,
        files: &mut Files,
    ) -> Option<OperationKind> {
        let keys: Vec<&str> = ["to", "timeout"].iter().chain(KINDS).copied().collect();
        let map = reader.map(node, "deployment", node.position, &keys)?;
        let to = reader.optional(&map, "to", |r, node| peer(r, node, "to", self.peers));
        if map.node.entry("to").is_some() && to.is_none() {
            return None;
        }
        let chosen: Vec<_> = node.entries().iter().filter(|(key, _)| KINDS.contains(&&*key.text)).collect();
        let [(key, content)] = chosen.as_slice() else {
            let message = format!("`deployment` needs exactly one of {}", listed(KINDS));
            let help = "as in `deployment: {status: web}`".to_owned();
            reader.error(node.position, message, help);
            return None;
        };
        if content.is_null() {
            let help = (*key.text == *"list").then(|| "write `list: {}` for all of them".to_owned());
            reader.error(key.position, format!("`{}` has no value", key.text), help);
            return None;
        }
        let kind = match &*key.text {
            "new" => self.new_deployment(reader, content, files)?,
            "list" => list(reader, content, key.position)?,
            "status" => ControlKind::Status(self.which(reader, content)?),
            "info" => self.info(reader, content)?,
            "manifest" => ControlKind::Manifest(self.which(reader, content)?),
            "logs" => self.logs(reader, content, key.position)?,
            "shutdown" => ControlKind::Shutdown(self.which(reader, content)?),
            "prune" => self.prune(reader, content)?,
            "update" => self.update(reader, content, key.position, files)?,
            _ => ControlKind::Delete(self.which(reader, content)?),
        };
        let timeout = self.timeout_of(reader, &map, kind.behaviour())?;
        Some(OperationKind::Deployment(Box::new(Control { to, timeout, kind })))
    }

    fn timeout_of(&self, reader: &mut Reader, map: &Map<'_>, kind: BehaviourKind) -> Option<Span> {
        match map.node.entry("timeout") {
            // One that is too short for a deployment is the node's to refuse.
            Some(_) => reader.optional(map, "timeout", |r, node| r.positive_span(node, "timeout")),
            None => Some(Control::usual_timeout(kind)),
        }
    }

    /// A file, or a map with a file or an ensemble.
    fn new_deployment(&mut self, reader: &mut Reader, node: &Node, files: &mut Files) -> Option<ControlKind> {
        let (file, name) = if node.is_map() {
            let map = reader.map(node, "new", node.position, &["ensemble", "name"])?;
            let name = reader.optional(&map, "name", |r, node| identifier(r, node, "name"));
            let help = "a DMS ensemble file, as in `ensemble: ensembles/web.yaml`";
            let file = reader.required(&map, "ensemble", help, |_, node| Some(node.clone()));
            (file?, name)
        } else {
            (node.clone(), None)
        };
        let ensemble = workload::checked_ensemble(reader, &file, self.workload, files)?;
        self.copies.push(ensemble.copy);
        let name = name.map_or(ensemble.stem, |name| name.to_string());
        Some(ControlKind::New { name, ensemble: ensemble.config })
    }

    /// Which deployment, and the whole ensemble that it is to be.
    fn update(
        &mut self,
        reader: &mut Reader,
        node: &Node,
        at: Position,
        files: &mut Files,
    ) -> Option<ControlKind> {
        let map = reader.map(node, "update", at, &["deployment", "ensemble"])?;
        let help = "which, as in `deployment: web`";
        let of = reader.required(&map, "deployment", help, |r, node| self.which(r, node));
        let help = "a DMS ensemble file with all that it is to be, as in `ensemble: ensembles/web-2.yaml`";
        let file = reader.required(&map, "ensemble", help, |_, node| Some(node.clone()));
        let ensemble = workload::checked_ensemble(reader, &file?, self.workload, files)?;
        self.copies.push(ensemble.copy);
        Some(ControlKind::Update { of: of?, ensemble: ensemble.config })
    }

    /// A name, `{name: web, number: 2}`, `{of: alice, number: 2}` or `{id: HEX}`.
    /// A login: `{deployment: shop, allocation: db, key: ops.pub, from: outside}`.
    pub(super) fn ssh(&self, reader: &mut Reader, node: &Node) -> Option<OperationKind> {
        let map = reader.map(node, "ssh", node.position, &["deployment", "allocation", "key", "from"])?;
        let help = "which, as in `deployment: shop`";
        let of = reader.required(&map, "deployment", help, |r, node| self.which(r, node));
        let help = "to which of its allocations, as in `allocation: db`";
        let allocation = reader.required(&map, "allocation", help, |r, node| r.text(node, "allocation"));
        let help = "the file of the key as a manifest names it, as in `key: keys/ops.pub`";
        let key = reader.required(&map, "key", help, |r, node| r.text(node, "key"));
        let from = match map.node.entry("from") {
            None => Some(SshFrom::Node),
            Some((_, place)) if place.is_map() => {
                let inner = reader.map(place, "from", place.position, &["allocation"])?;
                let help = "which one of the same deployment, as in `allocation: api`";
                let name = reader.required(&inner, "allocation", help, |r, node| r.text(node, "allocation"));
                name.map(|name| SshFrom::Allocation(name.to_string()))
            }
            Some(_) => {
                let outside = reader.optional(&map, "from", |r, node| r.word(node, "from", &OUTSIDE));
                outside.map(|outside| if outside { SshFrom::Outside } else { SshFrom::Node })
            }
        };
        let order = Ssh { of: of?, allocation: allocation?.to_string(), key: key?.to_string(), from: from? };
        Some(OperationKind::Ssh(Box::new(order)))
    }

    fn which(&self, reader: &mut Reader, node: &Node) -> Option<Which> {
        if !node.is_map() {
            let name = reader.text(node, "deployment")?;
            return self.named(reader, node, &name).map(|name| Which::Named(name, 1));
        }
        let map = reader.map(node, "deployment", node.position, &["name", "of", "number", "id"])?;
        let chosen: Vec<_> =
            node.entries().iter().filter(|(key, _)| ["name", "of", "id"].contains(&&*key.text)).collect();
        let [(key, content)] = chosen.as_slice() else {
            let message = "a deployment is named by exactly one of `name`, `of` and `id`";
            let help = "as in `{name: web, number: 2}` or `{of: alice, number: 2}`".to_owned();
            reader.error(node.position, message, help);
            return None;
        };
        let number = match map.node.entry("number") {
            Some(_) => reader.optional(&map, "number", |r, node| r.whole(node, "number", 1, MOST))?,
            None => 1,
        } as u32;
        match &*key.text {
            "name" => {
                let name = reader.text(content, "name")?;
                self.named(reader, content, &name).map(|name| Which::Named(name, number))
            }
            "of" => peer(reader, content, "of", self.peers).map(|of| Which::Of(of, number)),
            _ => {
                let text = reader.text(content, "id")?;
                let help = "an id has 64 hexadecimal digits".to_owned();
                let id = text.parse().ok();
                if id.is_none() {
                    reader.error(content.position, format!("`{}` is no id", shortened(&text)), help);
                }
                id.map(Which::Id)
            }
        }
    }

    /// The name of something that is deployed.
    fn named(&self, reader: &mut Reader, node: &Node, name: &Arc<str>) -> Option<String> {
        if !self.deployments.iter().any(|known| **known == **name) {
            let known = self.deployments.iter().map(String::as_str);
            let help = suggestion(name, known)
                .unwrap_or_else(|| "name what `workload` or a `new` deploys".to_owned());
            let message = format!("nothing that is deployed is called `{}`", shortened(name));
            reader.error(node.position, message, help);
            return None;
        }
        Some(name.to_string())
    }

    /// The name of a deployment, or a map.
    fn info(&self, reader: &mut Reader, node: &Node) -> Option<ControlKind> {
        if !node.is_map() {
            let of = self.which(reader, node)?;
            return Some(ControlKind::Info { of, usage: false, logs: false, allocations: Vec::new() });
        }
        let keys = ["deployment", "usage", "logs", "allocations"];
        let map = reader.map(node, "info", node.position, &keys)?;
        let help = "about which, as in `deployment: web`";
        let of = reader.required(&map, "deployment", help, |r, node| self.which(r, node));
        let mut flag = |key: &str| match map.node.entry(key) {
            Some(_) => reader.optional(&map, key, |r, node| r.word(node, key, &FLAG)),
            None => Some(false),
        };
        let (usage, logs) = (flag("usage"), flag("logs"));
        let names = reader.list(&map, "allocations");
        let allocations: Vec<Option<Arc<str>>> =
            names.iter().map(|node| reader.text(node, "allocations")).collect();
        let allocations: Option<Vec<Arc<str>>> = allocations.into_iter().collect();
        let allocations = allocations?.iter().map(ToString::to_string).collect();
        Some(ControlKind::Info { of: of?, usage: usage?, logs: logs?, allocations })
    }

    fn logs(&self, reader: &mut Reader, node: &Node, at: Position) -> Option<ControlKind> {
        let map = reader.map(node, "logs", at, &["deployment", "allocation", "follow"])?;
        let help = "of which, as in `deployment: web`";
        let of = reader.required(&map, "deployment", help, |r, node| self.which(r, node));
        let help = "of which allocation, as in `allocation: front.web`";
        let allocation = reader.required(&map, "allocation", help, |r, node| r.text(node, "allocation"));
        let follow = match map.node.entry("follow") {
            None => None,
            Some((_, node)) => follow(reader, node)?,
        };
        Some(ControlKind::Logs { of: of?, allocation: allocation?.to_string(), follow })
    }

    /// `all`, or `{before: 1h}`.
    fn prune(&self, reader: &mut Reader, node: &Node) -> Option<ControlKind> {
        if !node.is_map() {
            return reader.word(node, "prune", &[("all", ())]).map(|()| ControlKind::Prune(None));
        }
        let map = reader.map(node, "prune", node.position, &["before"])?;
        let help = "those that ended before, as in `before: 1h`";
        let before =
            reader.required(&map, "before", help, |r, node| moment(r, node, "before", self.duration));
        before.map(|before| ControlKind::Prune(Some(Time::ZERO + before)))
    }
}

/// What is listed. That a state, an order or a filter exists is for the node to say.
fn list(reader: &mut Reader, node: &Node, at: Position) -> Option<ControlKind> {
    let map = reader.map(node, "list", at, &["limit", "offset", "status", "sort", "filter"])?;
    let before = reader.errors;
    let mut number = |key: &str| reader.optional(&map, key, |r, node| r.whole(node, key, -MOST, MOST));
    let (limit, offset) = (number("limit").unwrap_or(0), number("offset").unwrap_or(0));
    let mut word = |key: &str| reader.optional(&map, key, |r, node| r.text(node, key));
    let (status, sort) = (word("status").unwrap_or_default(), word("sort").unwrap_or_default());
    let items = reader.list(&map, "filter");
    let filter = items.iter().filter_map(|node| reader.text(node, "filter")).collect();
    let list = ListRequest { limit, offset, status, sort, filter };
    (reader.errors == before).then_some(ControlKind::List(list))
}

/// `true` for every ten seconds, or an interval.
fn follow(reader: &mut Reader, node: &Node) -> Option<Option<Span>> {
    if node.scalar_text().is_some_and(|text| ["true", "false"].contains(&&*text)) {
        let follows = reader.word(node, "follow", &FLAG)?;
        return Some(follows.then_some(LOG_FOLLOW_INTERVAL));
    }
    reader.positive_span(node, "follow").map(Some)
}
