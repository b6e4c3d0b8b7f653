//! One service to one allocation.

use indexmap::IndexMap;

use super::model::{Allocation, Execution, HealthCheck, Port};
use super::{left_out, pairs, ports, resources, volumes};
use crate::dms::ensemble::config::{RestartPolicy, Word};
use crate::dms::ensemble::finding::Findings;
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::{Key, Node, Value};
use crate::dms::ensemble::units;

/// Keys of a service of which something is made.
pub(super) const KEYS: &[&str] = &[
    "image",
    "build",
    "command",
    "entrypoint",
    "environment",
    "working_dir",
    "user",
    "restart",
    "depends_on",
    "healthcheck",
    "ports",
    "expose",
    "volumes",
    "deploy",
    "cpus",
    "mem_limit",
    "mem_reservation",
];

/// What is needed to translate a service.
pub(super) struct Translator<'a> {
    /// The allocation of each service.
    pub names: &'a IndexMap<String, String>,
    /// Its own.
    pub own: &'a str,
}

impl Translator<'_> {
    /// The allocation of a service; its ports go to the node.
    pub(super) fn allocation(
        &self,
        key: &Key,
        node: &Node,
        mapped: &mut Vec<Port>,
        out: &mut Findings,
    ) -> Option<Allocation> {
        for (key, _) in node.entries() {
            if !KEYS.contains(&&*key.text) && !key.text.starts_with("x-") {
                let message = format!("`{}` has no counterpart in an ensemble: it is left out", key.text);
                out.warning(key.position, message, suggestion(&key.text, KEYS.iter().copied()));
            }
        }
        if let Some(written) = node.present("ports") {
            ports::add(written, self.own, mapped, out);
        }
        Some(Allocation {
            r#type: self.kind(node, out),
            executor: "docker",
            resources: resources::read(node, out),
            execution: execution(key, node, out)?,
            depends_on: self.depends_on(node, out),
            healthcheck: node.present("healthcheck").and_then(|check| healthcheck(check, out)),
            volume: node.present("volumes").map_or(Vec::new(), |written| volumes::read(written, out)),
        })
    }

    /// A job of compose is a task; everything else runs on.
    fn kind(&self, node: &Node, out: &mut Findings) -> &'static str {
        let deploy = node.present("deploy");
        for (key, value) in deploy.map_or(&[][..], Node::entries) {
            match (&*key.text, &value.value) {
                ("resources", _) | ("replicas", Value::Integer(1)) => {}
                ("mode", Value::String(mode)) if mode.ends_with("-job") || &**mode == "replicated" => {}
                ("replicas", _) => {
                    let help = format!("copy the allocation `{}` under other names", self.own);
                    out.warning(key.position, "an allocation is one container: `replicas` is left out", help);
                }
                _ => left_out(&format!("deploy.{}", key.text), key.position, out),
            }
        }
        let mode = deploy.and_then(|deploy| deploy.get("mode")).and_then(Node::as_text);
        if mode.is_some_and(|mode| mode.ends_with("-job")) { "task" } else { "service" }
    }

    fn depends_on(&self, node: &Node, out: &mut Findings) -> Vec<String> {
        let Some(written) = node.present("depends_on") else { return Vec::new() };
        let mut found = Vec::new();
        let from_list =
            written.items().iter().filter_map(|item| Some((item.as_text()?.clone(), item.position, None)));
        let from_map =
            written.entries().iter().map(|(key, node)| (key.text.clone(), key.position, Some(node)));
        for (name, at, options) in from_list.chain(from_map) {
            let Some(own) = self.names.get(&*name) else {
                let help = suggestion(&name, self.names.keys().map(String::as_str));
                out.error_with_help(at, format!("there is no service `{name}`"), help);
                continue;
            };
            let condition = options.and_then(|options| options.get("condition")).and_then(Node::as_text);
            if let Some(condition) = condition.filter(|condition| &***condition != "service_started") {
                let help = "DMS starts what depends as soon as the other has started".to_owned();
                out.warning(at, format!("nothing waits for `{condition}` of `{name}`"), help);
            }
            found.push(own.clone());
        }
        found
    }
}

fn execution(key: &Key, node: &Node, out: &mut Findings) -> Option<Execution> {
    let text = |key: &str| node.present(key).and_then(Node::scalar_text).map(|text| text.to_string());
    let image = text("image").filter(|image| !image.is_empty());
    match (&image, node.entry("build")) {
        (None, Some((at, _))) => {
            let help = "build and push it, then name it under `image`".to_owned();
            out.error_with_help(at.position, "providers pull images and build none", help);
        }
        (None, None) => out.error(key.position, format!("service `{}` has no `image`", key.text)),
        (Some(image), Some((at, _))) => {
            let help = format!("push `{image}` to a registry that providers reach");
            out.warning(at.position, "providers pull images and build none: `build` is left out", help);
        }
        (Some(_), None) => {}
    }
    Some(Execution {
        r#type: "docker",
        image: image?,
        entrypoint: words(node, "entrypoint", out),
        cmd: words(node, "command", out),
        environment: environment(node, out),
        working_directory: text("working_dir"),
        user: text("user"),
        restart_policy: restart(node, out),
    })
}

/// A command, as a list or as a line that a shell would split.
fn words(node: &Node, key: &str, out: &mut Findings) -> Vec<String> {
    let Some(written) = node.present(key) else { return Vec::new() };
    if let Value::Sequence(items) = &written.value {
        return items.iter().filter_map(Node::scalar_text).map(|text| text.to_string()).collect();
    }
    let text = written.scalar_text().unwrap_or_default();
    let split = shlex::split(&text);
    if split.is_none() {
        out.error(written.position, format!("`{key}` has a quote that does not end"));
    }
    split.unwrap_or_default()
}

fn environment(node: &Node, out: &mut Findings) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value, at) in node.present("environment").map_or(Vec::new(), pairs) {
        match value {
            Some(value) => found.push(format!("{name}={value}")),
            None => {
                let help = "write its value: compose takes it from your shell".to_owned();
                out.warning(at, format!("variable `{name}` has no value: it is left out"), help);
            }
        }
    }
    found
}

/// `on-failure:3` loses its number.
fn restart(node: &Node, out: &mut Findings) -> Option<&'static str> {
    let written = node.present("restart")?;
    // YAML 1.1, which compose reads, takes a bare `no` for false.
    let text = match written.value {
        Value::Bool(false) => "no".into(),
        _ => written.scalar_text()?,
    };
    let (word, number) = text.split_once(':').map_or((&*text, None), |(word, number)| (word, Some(number)));
    if let Some(number) = number {
        out.warning(written.position, format!("the limit of {number} restarts is left out"), None);
    }
    let policy = RestartPolicy::from_word(word);
    if policy.is_none() {
        let help = format!("known are {}", RestartPolicy::WORDS.join(", "));
        out.error_with_help(written.position, format!("`{word}` is not a restart policy"), help);
    }
    policy.map(RestartPolicy::word)
}

fn healthcheck(node: &Node, out: &mut Findings) -> Option<HealthCheck> {
    let disabled = node.get("disable").is_some_and(|node| node.value == Value::Bool(true));
    let test = node.present("test").filter(|_| !disabled)?;
    for (key, _) in node.entries() {
        if !["test", "interval", "disable"].contains(&&*key.text) {
            left_out(&format!("healthcheck.{}", key.text), key.position, out);
        }
    }
    let parts: Vec<String> = match &test.value {
        Value::Sequence(items) => {
            items.iter().filter_map(Node::scalar_text).map(|text| text.to_string()).collect()
        }
        _ => ["CMD-SHELL".to_owned()]
            .into_iter()
            .chain(test.scalar_text().map(|text| text.to_string()))
            .collect(),
    };
    let exec: Vec<String> = match parts.split_first() {
        Some((how, _)) if how == "NONE" => return None,
        Some((how, rest)) if how == "CMD" => rest.to_vec(),
        Some((how, rest)) if how == "CMD-SHELL" => {
            ["/bin/sh".to_owned(), "-c".to_owned()].into_iter().chain(rest.iter().cloned()).collect()
        }
        _ => Vec::new(),
    };
    if exec.is_empty() {
        let help = "it begins with CMD, CMD-SHELL or NONE".to_owned();
        out.error_with_help(test.position, "`test` of a health check is no command", help);
        return None;
    }
    let interval = node.present("interval").and_then(|interval| {
        let text = interval.scalar_text()?;
        if let Err(error) = units::go_duration(&text) {
            out.error(interval.position, format!("`interval`: {error}"));
        }
        Some(text.to_string())
    });
    Some(HealthCheck { r#type: "command", exec, interval })
}
