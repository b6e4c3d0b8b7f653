//! The rules for `allocations.*`.
use std::sync::Arc;

use indexmap::IndexMap;

use super::super::config::{
    AllocationConfig, AllocationKind, ExecutionConfig, Executor, HealthCheckConfig, HealthProbe, KeyConfig,
    KeyKind, VolumeConfig, VolumeSource,
};
use super::super::finding::{Finding, Findings, Step};
use super::super::tree::{Key, Node, Value};
use super::super::{fields, format, units};
use super::{execution, names, resources};
use crate::kernel::time::Span;

/// Checks and builds every allocation.
pub(super) fn all(root: &Node, out: &mut Findings) -> IndexMap<Arc<str>, AllocationConfig> {
    let entries = fields::map(root, "allocations", out).map_or(&[][..], Node::entries);
    if entries.is_empty() && root.present("allocations").is_none_or(Node::is_map) {
        let at = root.entry("allocations").map_or(root.position, |(key, _)| key.position);
        out.quote(at, "at least one allocation must be defined");
    }
    let mut found = IndexMap::new();
    for (key, node) in entries {
        if !names::is_hostname(&key.text) {
            let message = format!("invalid allocation name, must be a valid hostname: {}", key.text);
            out.quote(key.position, message);
        }
        if node.is_map() {
            found.insert(key.text.clone(), one(key, node, root, out));
        } else {
            fields::must_be(node, &format!("allocation `{}`", key.text), "a map", out);
        }
    }
    found
}

fn one(key: &Key, node: &Node, root: &Node, out: &mut Findings) -> AllocationConfig {
    fields::known_keys(node, &format::ALLOCATION, out);
    let (executor, execution) = runs_on(key, node, out);
    AllocationConfig {
        kind: kind(key, node, out),
        executor,
        resources: resources::read(key, node, out),
        execution,
        dns_name: dns_name(key, node, out),
        keys: keys(node, out),
        provision: provision(node, root, out),
        healthcheck: healthcheck(node, out),
        volumes: volumes(node, out),
        failure_recovery: fields::word(node, "failure_recovery", "failure_recovery", fields::refused, out),
        depends_on: fields::texts(node, "depends_on", out),
    }
}

/// DMS only wants some type; a word that is neither would run as nothing that it knows, so it is an error here.
fn kind(key: &Key, node: &Node, out: &mut Findings) -> AllocationKind {
    if node.present("type").is_none_or(|node| node.as_text().is_some_and(|text| text.is_empty())) {
        out.quote(key.position, "allocation must have a type (service or task)");
        return AllocationKind::Task;
    }
    fields::word(node, "type", "allocation type", Finding::accepted_by_dms, out)
        .unwrap_or(AllocationKind::Task)
}

/// The executor and what it runs; both must name the same executor.
fn runs_on(key: &Key, node: &Node, out: &mut Findings) -> (Executor, ExecutionConfig) {
    let named = executor_word(node.get("executor"));
    if named.is_none() {
        out.quote(key.position, "allocation must have an executor");
    }
    let execution = execution::read(key, node, out);
    let type_node = node.get("execution").and_then(|execution| execution.get("type"));
    if let (Some(named), Some(own)) = (&named, executor_word(type_node))
        && *named != own
    {
        let message = format!("allocation executor type ({named}) must match execution type ({own})");
        out.quote(node.get("executor").map_or(key.position, |node| node.position), message);
    }
    (execution.executor(), execution)
}

/// An executor's name. A bare `null` means the executor of that name, although YAML takes it for nothing.
pub(super) fn executor_word(node: Option<&Node>) -> Option<Arc<str>> {
    let node = node?;
    match &node.value {
        Value::Null if node.written.as_deref() == Some("null") => Some("null".into()),
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

fn dns_name(key: &Key, node: &Node, out: &mut Findings) -> Arc<str> {
    let Some(name) = fields::non_empty(node, "dns_name", "dns_name", out) else { return key.text.clone() };
    if !names::is_hostname(&name) {
        let at = node.get("dns_name").map_or(key.position, |node| node.position);
        out.reword(at, format!("invalid dns_name, must be a valid DNS name: {name}"));
    }
    name
}

fn keys(node: &Node, out: &mut Findings) -> Vec<KeyConfig> {
    let mut found = Vec::new();
    for (index, item) in fields::list(node, "keys", out).iter().enumerate() {
        if !item.is_map() {
            let help = "names of top-level keys are the old form: write {type: ssh, file: PATH}".to_owned();
            let message = format!("invalid allocation key spec at index {index}: must be a map");
            out.quote_with_help(item.position, message, help);
            continue;
        }
        fields::known_keys(item, &format::KEY, out);
        let kind = fields::word(item, "type", "allocation key type", fields::refused, out);
        if item.present("type").is_none() {
            out.reword(item.position, format!("allocation key at index {index} must have a type"));
        }
        let file = fields::non_empty(item, "file", "allocation key file", out);
        if item.present("file").is_none() {
            out.reword(item.position, format!("allocation key at index {index} must have a file"));
        }
        let destination = fields::non_empty(item, "dest", "allocation key dest", out);
        if kind == Some(KeyKind::Gpg) && item.present("dest").is_none() {
            out.reword(item.position, format!("allocation key at index {index} must have a dest"));
        }
        if let (Some(kind), Some(file)) = (kind, file) {
            found.push(KeyConfig { kind, file, destination });
        }
    }
    found
}

fn provision(node: &Node, root: &Node, out: &mut Findings) -> Vec<Arc<str>> {
    let names = fields::texts_with_positions(node, "provision", out);
    let scripts = root.present("scripts");
    if let (Some((key, _)), None) = (node.entry("provision").filter(|_| !names.is_empty()), scripts) {
        out.quote(key.position, "scripts must be defined when provision is defined");
    }
    for (name, at) in &names {
        if scripts.is_some_and(|scripts| scripts.get(name).is_none()) {
            out.quote(*at, format!("referenced script '{name}' not found"));
        }
    }
    names.into_iter().map(|(name, _)| name).collect()
}

fn healthcheck(node: &Node, out: &mut Findings) -> Option<HealthCheckConfig> {
    let (key, written) = node.entry("healthcheck")?;
    if written.as_text().is_some() {
        let help = "naming a script is the old form: write {type: command, exec: [...]}".to_owned();
        let finding = Finding::error(written.position, "healthcheck must be a map");
        out.push(fields::refused(finding).with_help(help));
        return None;
    }
    if written.is_null() || (written.is_map() && written.entries().is_empty()) {
        out.quote(key.position, "healthcheck cannot be empty if specified");
        return None;
    }
    let check = fields::map(node, "healthcheck", out)?;
    fields::known_keys(check, &format::COMMAND_CHECK, out);
    let interval = interval(check, out);
    let expected = fields::map(check, "response", out).and_then(|response| {
        fields::known_keys(response, &format::RESPONSE, out);
        // Read to be checked only: every type is compared as text.
        fields::text(response, "type", out);
        fields::text(response, "value", out)
    });
    let Some(kind) = fields::text(check, "type", out).filter(|kind| !kind.is_empty()) else {
        if check.present("type").is_none_or(|kind| kind.as_text().is_some()) {
            out.quote(key.position, "healthcheck must have a type");
        }
        return None;
    };
    let probe = match &*kind {
        "command" => {
            let exec = fields::texts(check, "exec", out);
            if exec.is_empty() {
                out.reword(key.position, "command healthcheck must have exec");
            }
            HealthProbe::Command { exec, expected }
        }
        "http" => {
            let endpoint = fields::text(check, "endpoint", out).unwrap_or_default();
            if endpoint.is_empty() {
                out.reword(key.position, "http healthcheck must have an endpoint");
            }
            HealthProbe::Http { endpoint, expected }
        }
        _ => {
            let at = check.get("type").map_or(key.position, |node| node.position);
            out.quote(at, format!("unsupported healthcheck type: {kind}"));
            return None;
        }
    };
    Some(HealthCheckConfig { probe, interval })
}

/// The interval. Which unit DMS gives to a bare number was not seen; seconds are assumed, with a warning.
fn interval(check: &Node, out: &mut Findings) -> Option<Span> {
    let node = check.present("interval")?;
    let Some(text) = node.scalar_text() else {
        fields::must_be(node, "`interval`", "a duration", out);
        return None;
    };
    let bare = node.is_number();
    let parsed = if bare { units::go_duration(&format!("{text}s")) } else { units::go_duration(&text) };
    match parsed {
        Ok(Span::ZERO) | Err(units::UnitError::Negative { .. }) => {
            out.quote(node.position, "healthcheck interval must be greater than 0");
            None
        }
        Ok(span) => {
            if bare {
                let help = format!("seconds are assumed: write `{text}s`");
                out.warning(node.position, "`interval` has no unit", help);
            }
            Some(span)
        }
        Err(error) => {
            let finding = Finding::error(node.position, format!("invalid healthcheck interval: {error}"));
            out.push(finding.reworded(Step::Transform));
            None
        }
    }
}

fn volumes(node: &Node, out: &mut Findings) -> Vec<VolumeConfig> {
    let mut found = Vec::new();
    for key in ["volume", "volumes"] {
        let Some(written) = node.present(key) else { continue };
        let Value::Sequence(items) = &written.value else {
            let message =
                format!("invalid volume configuration: must be a list, not {}", written.type_name());
            let help = "a single volume as a map is the old form: put it into a list".to_owned();
            let finding = Finding::error(written.position, message).reworded(Step::Transform);
            out.push(finding.with_help(Some(help).filter(|_| written.is_map())));
            continue;
        };
        found.extend(items.iter().filter_map(|item| volume(item, out)));
    }
    found
}

fn volume(item: &Node, out: &mut Findings) -> Option<VolumeConfig> {
    if !item.is_map() {
        let message = format!("invalid volume configuration: {} is not a map", item.type_name());
        let help = "a text must have the form `name:mountpoint`".to_owned();
        out.push(Finding::error(item.position, message).reworded(Step::Transform).with_help(help));
        return None;
    }
    fields::known_keys(item, &format::VOLUME, out);
    let mount_destination = fields::text(item, "mount_destination", out).filter(|text| !text.is_empty());
    if mount_destination.is_none() {
        out.quote(item.position, "volume must define a mount destination");
    }
    let kind = fields::text(item, "type", out).unwrap_or_default();
    let source = match &*kind {
        "local" => local_source(item, out)?,
        "glusterfs" => {
            let servers = fields::texts(item, "servers", out);
            if servers.is_empty() || servers.iter().any(|server| server.is_empty()) {
                out.reword(
                    item.position,
                    "glusterfs volume must have at least one server, and none may be empty",
                );
            }
            VolumeSource::Glusterfs {
                servers,
                client_private_key: fields::text(item, "client_private_key", out),
                client_pem: fields::text(item, "client_pem", out),
                client_ca: fields::text(item, "client_ca", out),
            }
        }
        _ => {
            let at = item.get("type").map_or(item.position, |node| node.position);
            out.quote(at, format!("unsupported volume type: {kind}"));
            return None;
        }
    };
    Some(VolumeConfig {
        name: fields::text(item, "name", out),
        source,
        mount_destination: mount_destination?,
        read_only: fields::boolean(item, "read_only", out).unwrap_or(false),
    })
}

/// A local volume's `src`: an absolute path if it contains `/`, else a name.
fn local_source(item: &Node, out: &mut Findings) -> Option<VolumeSource> {
    let Some(src) = fields::text(item, "src", out).filter(|src| !src.is_empty()) else {
        out.reword(item.position, "local volume must have a src");
        return None;
    };
    let at = item.get("src").map_or(item.position, |node| node.position);
    if src.contains('/') && !src.starts_with('/') {
        out.reword(at, format!("local volume src must be an absolute path: {src}"));
    }
    let mut characters = src.chars();
    let starts_well = characters.next().is_some_and(|c| c.is_ascii_alphanumeric());
    let named_well = starts_well && characters.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if !src.contains('/') && !named_well {
        out.reword(at, format!("invalid local volume name: {src}"));
    }
    Some(VolumeSource::Local { src })
}
