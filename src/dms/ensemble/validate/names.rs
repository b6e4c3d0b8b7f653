//! The rules for names and for what refers to what.
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::finding::Findings;
use super::super::levels::{find_cycles, standby_name};
use super::super::suggest::suggestion;
use super::super::tree::{Node, Position, Value};

/// Whether a text is a host name: labels of letters, digits and inner hyphens, up to 63 each and 253 in all
/// (RFC 1123).
pub(super) fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Whether a text is an image's reference: `[host[:port]/]path[:tag][@digest]` as container registries define it.
pub(super) fn is_image_reference(text: &str) -> bool {
    let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
    let tag_at = name.rfind(':').filter(|at| !name[*at..].contains('/'));
    let (path, tag) = tag_at.map_or((name, None), |at| (&name[..at], Some(&name[at + 1..])));
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let tag_fits = tag.is_none_or(|tag| {
        tag.len() <= 128
            && tag.bytes().next().is_some_and(is_word)
            && tag.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
    });
    let digest_fits = digest.is_none_or(|digest| {
        digest.split_once(':').is_some_and(|(algorithm, hex)| {
            !algorithm.is_empty()
                && algorithm.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+._-".contains(&byte))
                && hex.len() >= 32
                && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    });
    let rest = match path.split_once('/') {
        Some((host, rest)) if host == "localhost" || host.contains(['.', ':']) => {
            let (host, port) = host.split_once(':').map_or((host, "1"), |(host, port)| (host, port));
            let port_fits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            if !is_hostname(host) || !port_fits {
                return false;
            }
            rest
        }
        _ => path,
    };
    tag_fits && digest_fits && text.len() <= 512 && rest.split('/').all(is_path_component)
}

/// Small letters and digits, with single dots, one or two underscores, or hyphens between them.
fn is_path_component(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(is_plain)
        && text.ends_with(is_plain)
        && text.split(is_plain).all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        })
}

/// The dependencies of one allocation, each with its place.
struct Dependent<'a> {
    name: &'a Arc<str>,
    depends_on: Vec<(&'a Arc<str>, Position)>,
}

/// Checks everything that concerns more than one allocation or node.
pub(super) fn check(root: &Node, out: &mut Findings) {
    let dependents: Vec<Dependent<'_>> = root
        .get("allocations")
        .map_or(&[][..], Node::entries)
        .iter()
        .map(|(key, node)| Dependent {
            name: &key.text,
            depends_on: node
                .get("depends_on")
                .map_or(&[][..], Node::items)
                .iter()
                .filter_map(|item| Some((item.as_text()?, item.position)))
                .collect(),
        })
        .collect();
    unique_names(root, out);
    existing_dependencies(&dependents, out);
    acyclic(&dependents, out);
    let homes = one_node_each(root, out);
    same_node(&dependents, &homes, out);
    unlike_standbys(root, out);
}

/// No node may have the name that a standby of another gets: one of them would be lost.
fn unlike_standbys(root: &Node, out: &mut Findings) {
    let nodes = root.get("nodes").map_or(&[][..], Node::entries);
    for (key, _) in nodes {
        let parts =
            key.text.rsplit_once("-standby-").and_then(|(node, number)| Some((node, number.parse().ok()?)));
        let Some((primary, number)): Option<(&str, i64)> = parts else { continue };
        let redundancy =
            nodes.iter().find(|(own, _)| &*own.text == primary).and_then(|(_, node)| node.get("redundancy"));
        let Some(Value::Integer(redundancy)) = redundancy.map(|node| &node.value) else { continue };
        if *standby_name(primary, number.try_into().unwrap_or(0)) == *key.text
            && (1..=*redundancy).contains(&number)
        {
            let message = format!("node '{}' has the name of a standby of node '{primary}'", key.text);
            out.stricter(key.position, message, "standbys are called NODE-standby-NUMBER".to_owned());
        }
    }
}

fn unique_names(root: &Node, out: &mut Findings) {
    let mut names: FxHashMap<String, &str> = FxHashMap::default();
    let mut dns_names: FxHashMap<&str, &str> = FxHashMap::default();
    for (key, node) in root.get("allocations").map_or(&[][..], Node::entries) {
        let own = &*key.text;
        match names.get(&own.to_lowercase()) {
            Some(first) => {
                out.quote(key.position, format!("duplicate allocation names found: '{first}' and '{own}'"));
            }
            None => drop(names.insert(own.to_lowercase(), own)),
        }
        let written = node.get("dns_name");
        let dns_name = written.and_then(Node::as_text).map_or(own, |name| &**name);
        match dns_names.get(dns_name) {
            Some(first) => {
                let at = written.map_or(key.position, |node| node.position);
                let used = format!("used in allocations '{first}' and '{own}'");
                out.quote(at, format!("duplicate dns_name found: '{dns_name}' {used}"));
            }
            None => drop(dns_names.insert(dns_name, own)),
        }
    }
}

/// DMS prints the whole list instead of the missing name (dms-acceptance 5.4, quirk 3); the help names it.
fn existing_dependencies(dependents: &[Dependent<'_>], out: &mut Findings) {
    for dependent in dependents {
        let list: Vec<&str> = dependent.depends_on.iter().map(|(name, _)| &***name).collect();
        for (name, at) in &dependent.depends_on {
            if *name == dependent.name {
                out.reword(*at, format!("allocation '{name}' cannot depend on itself"));
            } else if !dependents.iter().any(|other| other.name == *name) {
                let guess = suggestion(name, dependents.iter().map(|other| &**other.name));
                let advice = guess.map_or(String::new(), |guess| format!("; {guess}"));
                out.quote_with_help(
                    *at,
                    format!("depends_on allocation '[{}]' not found", list.join(" ")),
                    format!("there is no allocation `{name}`{advice}"),
                );
            }
        }
    }
}

fn acyclic(dependents: &[Dependent<'_>], out: &mut Findings) {
    let edges: Vec<(Arc<str>, Vec<Arc<str>>)> = dependents
        .iter()
        .map(|one| (one.name.clone(), one.depends_on.iter().map(|(name, _)| (*name).clone()).collect()))
        .collect();
    for cycle in find_cycles(&edges) {
        let (first, second) = (&cycle[0], &cycle[1 % cycle.len()]);
        let at = dependents
            .iter()
            .find(|one| one.name == first)
            .and_then(|one| one.depends_on.iter().find(|(name, _)| *name == second))
            .map_or(Position::START, |(_, at)| *at);
        let help = format!("{} -> {first}", cycle.join(" -> "));
        out.quote_with_help(at, "cyclic dependencies detected in allocations", help);
    }
}

/// The node of each allocation; says where one has two.
fn one_node_each<'a>(root: &'a Node, out: &mut Findings) -> FxHashMap<&'a str, &'a str> {
    let mut homes: FxHashMap<&str, &str> = FxHashMap::default();
    for (key, node) in root.get("nodes").map_or(&[][..], Node::entries) {
        for item in node.get("allocations").map_or(&[][..], Node::items) {
            let Some(name) = item.as_text() else { continue };
            match homes.get(&**name) {
                Some(first) if *first == &*key.text => {
                    let message = format!("allocation '{name}' is listed twice in node '{first}'");
                    out.stricter(item.position, message, None);
                }
                Some(first) => {
                    let nodes = format!("multiple nodes ('{first}' and '{}')", key.text);
                    let rule = "an allocation can only be assigned to one node";
                    out.quote(item.position, format!("allocation '{name}' is assigned to {nodes}: {rule}"));
                }
                None => drop(homes.insert(name, &key.text)),
            }
        }
    }
    homes
}

/// Dependencies must be in the same node, for allocations that are in one.
fn same_node(dependents: &[Dependent<'_>], homes: &FxHashMap<&str, &str>, out: &mut Findings) {
    for dependent in dependents {
        let Some(home) = homes.get(&**dependent.name) else { continue };
        for (name, at) in &dependent.depends_on {
            let exists = dependents.iter().any(|other| other.name == *name);
            if exists && homes.get(&***name) != Some(home) {
                let who = format!("allocation '{}' depends on '{name}'", dependent.name);
                let rule = "dependent allocations must be in the same node";
                out.quote(*at, format!("{who}, but '{name}' is not in the same node: {rule}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_follow_rfc_1123() {
        for good in ["a", "web-1", "Web", "a.b.c", "0x", &"a".repeat(63)] {
            assert!(is_hostname(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a_b", "a..b", "a.", "ä", "a b", &"a".repeat(64), &"a.".repeat(127)] {
            assert!(!is_hostname(bad), "{bad}");
        }
    }

    #[test]
    fn image_references_follow_the_registry_grammar() {
        let digest = format!("nginx@sha256:{}", "0f".repeat(32));
        for good in [
            "hello-world",
            "nginx:1.27-alpine",
            "library/redis",
            "registry.example:5000/team/app:V1",
            "localhost/app",
            "a__b/c.d-e",
            &digest,
        ] {
            assert!(is_image_reference(good), "{good}");
        }
        for bad in [
            "",
            "Nginx",
            "a//b",
            "nginx:",
            ":tag",
            "a b",
            "nginx@sha256:12",
            "-a",
            "a..b",
            "host:x/app",
            "a:b:c",
        ] {
            assert!(!is_image_reference(bad), "{bad}");
        }
    }
}
