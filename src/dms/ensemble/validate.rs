//! The second step of loading: checks every rule and builds the typed configuration (dms-acceptance 5.2).
//!
//! Where the text of a message of DMS is known, it is used to the letter. DMS stops at the first error, in an order
//! that changes from run to run; here all errors are reported, in the order of the file.
mod allocation;
mod execution;
mod names;
mod node;
mod resources;

use std::sync::Arc;

use indexmap::IndexMap;

use super::config::{ContractConfig, EdgeConstraint, EnsembleConfig, SubnetConfig, SupervisorConfig};
use super::fields;
use super::finding::{Finding, Findings, Refusal, Step};
use super::format;
use super::suggest::suggestion;
use super::tree::{Node, Position, Value};

/// Checks a tree in long form and builds what it can; the result is good only if there are no errors in `out`.
pub(super) fn validate(root: &Node, out: &mut Findings) -> EnsembleConfig {
    if !root.is_map() {
        out.error(root.position, format!("an ensemble must be a map, not {}", root.type_name()));
        return EnsembleConfig::default();
    }
    top_keys(root, out);
    version(root, out);
    let escalation_strategy =
        fields::word(root, "escalation_strategy", "escalation_strategy", Finding::quoted, out);
    let allocations = allocation::all(root, out);
    let nodes = node::all(root, out);
    names::check(root, out);
    EnsembleConfig {
        allocations,
        nodes,
        edges: edges(root, out),
        supervisor: fields::map(root, "supervisor", out).map(|node| supervisor(node, root, 0, out)),
        scripts: text_map(root, "scripts", out)
            .into_iter()
            .map(|(name, text)| (name, Arc::from(text.as_bytes())))
            .collect(),
        keys: text_map(root, "keys", out),
        subnet: subnet(root, out),
        exclude_peers: fields::texts(root, "exclude_peers", out),
        metadata: text_map(root, "metadata", out),
        contracts: contracts(root, out),
        escalation_strategy,
    }
}

/// Warns of top-level keys that look misspelt. Anything else may stand there, to hold an anchor.
fn top_keys(root: &Node, out: &mut Findings) {
    for (key, _) in root.entries() {
        let known = &format::ENSEMBLE;
        if known.names().any(|name| name == &*key.text) {
            continue;
        }
        // `allocation_defaults` or `x-nodes` hold anchors; only what is nearly a key of the format is a mistake.
        // Most keys of the form before V1 are common words, which may hold anchors too.
        let is_former = root.get("jobs").is_some() || &*key.text == "edges";
        let former = fields::former(known, &key.text).filter(|_| is_former);
        let help = former.or_else(|| suggestion(&key.text, known.names()));
        if help.is_some() {
            out.warning(key.position, format!("unknown key `{}`: DMS ignores it", key.text), help);
        }
    }
}

fn version(root: &Node, out: &mut Findings) {
    let Some(node) = root.present("version") else {
        out.warning(
            root.position,
            "there is no `version`",
            "V1 is assumed: write `version: \"V1\"`".to_owned(),
        );
        return;
    };
    let written = node.scalar_text().unwrap_or_default();
    if !matches!(&*written, "V1" | "ensembleV1") {
        let help = match root.get("jobs") {
            Some(_) => "this is the form before V1: see the advice at each of its keys".to_owned(),
            None => "write `version: \"V1\"`".to_owned(),
        };
        let message = format!("unsupported ensemble version `{written}`");
        out.push(Finding::error(node.position, message).reworded(Step::Transform).with_help(help));
    }
}

/// A top-level map of texts.
fn text_map(root: &Node, key: &str, out: &mut Findings) -> IndexMap<Arc<str>, Arc<str>> {
    let mut found = IndexMap::new();
    for (name, node) in fields::map(root, key, out).map_or(&[][..], Node::entries) {
        match node.as_text() {
            Some(text) => drop(found.insert(name.text.clone(), text.clone())),
            None => fields::must_be(node, &format!("`{}` in `{key}`", name.text), "a string", out),
        }
    }
    found
}

/// What there is to say of a reference to an allocation that is not defined.
fn missing_allocation(name: &str, at: Position, root: &Node) -> Option<Finding> {
    let defined = root.get("allocations").map_or(&[][..], Node::entries);
    if defined.iter().any(|(own, _)| &*own.text == name) {
        return None;
    }
    let help = suggestion(name, defined.iter().map(|(own, _)| &*own.text));
    Some(Finding::error(at, format!("referenced allocation '{name}' not found")).with_help(help))
}

fn edges(root: &Node, out: &mut Findings) -> Vec<EdgeConstraint> {
    let items = fields::list(root, "edge_constraints", out);
    let nodes = root.present("nodes");
    if let (Some((key, _)), None) = (root.entry("edge_constraints").filter(|_| !items.is_empty()), nodes) {
        out.quote(key.position, "nodes must be defined when edge_constraints are present");
    }
    let mut found = Vec::new();
    for item in items {
        if !item.is_map() {
            fields::must_be(item, "an edge constraint", "a map", out);
            continue;
        }
        fields::known_keys(item, &format::EDGE, out);
        let rtt_ms = fields::whole(item, "rtt", out).unwrap_or(0);
        let bandwidth_bits_per_s = fields::whole(item, "bw", out).unwrap_or(0);
        if let Some((source, target)) = edge_ends(item, nodes, out) {
            found.push(EdgeConstraint { source, target, rtt_ms, bandwidth_bits_per_s });
        }
    }
    found
}

/// The two nodes of an edge, which must exist (when there are any nodes) and differ.
fn edge_ends(item: &Node, nodes: Option<&Node>, out: &mut Findings) -> Option<(Arc<str>, Arc<str>)> {
    let Some(ends) = item.present("edges") else {
        out.quote(item.position, "edges should be a pair of named nodes");
        return None;
    };
    let Value::Sequence(pair) = &ends.value else {
        out.quote(ends.position, "edges should be a pair of named nodes");
        return None;
    };
    let names: Vec<Arc<str>> = pair.iter().filter_map(|node| node.as_text().cloned()).collect();
    if names.len() != pair.len() {
        out.quote(ends.position, "edges should be a pair of named nodes");
        return None;
    }
    let [source, target] = &names[..] else {
        let help = format!("exactly 2 nodes are needed, not {}", names.len());
        let finding =
            Finding::error(ends.position, format!("invalid edges parameter: [{}]", names.join(" ")));
        let in_dms = Some(Refusal { step: Step::Transform, verbatim: true });
        out.push(Finding { in_dms, help: Some(help), ..finding });
        return None;
    };
    if source == target {
        out.quote(ends.position, "edge constraint source and target must be different nodes");
    }
    for (name, node) in names.iter().zip(pair) {
        let Some(nodes) = nodes else { break };
        if nodes.get(name).is_none() {
            let help = suggestion(name, nodes.entries().iter().map(|(own, _)| &*own.text));
            out.quote_with_help(node.position, format!("node '{name}' not found"), help);
        }
    }
    Some((source.clone(), target.clone()))
}

/// A supervisor and those below it. DMS checks only the first two levels (dms-acceptance 5.2); here all are checked.
fn supervisor(node: &Node, root: &Node, level: u32, out: &mut Findings) -> SupervisorConfig {
    let in_dms = if level < 2 { fields::refused } else { Finding::accepted_by_dms };
    fields::known_keys(node, &format::SUPERVISOR, out);
    let strategy = fields::non_empty(node, "strategy", "supervisor strategy", out)
        .and_then(|_| fields::word(node, "strategy", "supervisor strategy", in_dms, out));
    let allocations = fields::texts_with_positions(node, "allocations", out);
    for (name, at) in &allocations {
        missing_allocation(name, *at, root).into_iter().for_each(|finding| out.push(in_dms(finding)));
    }
    let mut children = Vec::new();
    for child in fields::list(node, "children", out) {
        if child.is_map() {
            children.push(supervisor(child, root, level + 1, out));
        } else {
            fields::must_be(child, "a child of a supervisor", "a map", out);
        }
    }
    SupervisorConfig {
        strategy,
        allocations: allocations.into_iter().map(|(name, _)| name).collect(),
        children,
    }
}

fn subnet(root: &Node, out: &mut Findings) -> SubnetConfig {
    let Some((key, _)) = root.entry("subnet") else { return SubnetConfig::default() };
    let Some(node) = fields::map(root, "subnet", out) else {
        if root.present("subnet").is_none() {
            out.reword(key.position, "subnet cannot be empty if specified");
        }
        return SubnetConfig::default();
    };
    if node.entries().is_empty() {
        out.reword(key.position, "subnet cannot be empty if specified");
    }
    fields::known_keys(node, &format::SUBNET, out);
    SubnetConfig { join: fields::boolean(node, "join", out).unwrap_or(false) }
}

fn contracts(root: &Node, out: &mut Findings) -> IndexMap<Arc<str>, ContractConfig> {
    let mut found = IndexMap::new();
    for (name, node) in fields::map(root, "contracts", out).map_or(&[][..], Node::entries) {
        let did = node.get("did");
        let Some(text) = did.and_then(Node::as_text) else {
            out.quote(did.map_or(name.position, |node| node.position), "contract 'did' must be a string");
            continue;
        };
        if !text.starts_with("did:") {
            out.quote(did.map_or(name.position, |node| node.position), "invalid did format");
        }
        let host = fields::text(node, "host", out);
        if host.as_ref().is_some_and(|host| !host.starts_with("did:")) {
            let at = node.get("host").map_or(name.position, |node| node.position);
            out.quote(at, "invalid host did format");
        }
        found.insert(name.text.clone(), ContractConfig { did: text.clone(), host });
    }
    found
}
