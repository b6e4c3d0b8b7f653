//! The rules for `allocations.*.execution`.
use std::sync::Arc;

use super::super::config::{ContainerConfig, ExecutionConfig, FirecrackerConfig, RegistryAuth};
use super::super::finding::{Finding, Findings};
use super::super::suggest::suggestion;
use super::super::tree::{Key, Node, Position};
use super::super::{fields, format};
use super::allocation::executor_word;
use super::names;

/// Checks and builds what an allocation runs. `Null` stands for what could not be read.
pub(super) fn read(key: &Key, allocation: &Node, out: &mut Findings) -> ExecutionConfig {
    if allocation.present("execution").is_none() {
        out.reword(key.position, "allocation must have an execution");
        return ExecutionConfig::Null;
    }
    let Some(node) = fields::map(allocation, "execution", out) else { return ExecutionConfig::Null };
    let at = allocation.entry("execution").map_or(key.position, |(key, _)| key.position);
    let Some(kind) = executor_word(node.get("type")) else {
        out.reword(at, "execution must have a type");
        return ExecutionConfig::Null;
    };
    let only_type = node.entries().len() == 1;
    match &*kind {
        "null" => ExecutionConfig::Null,
        "docker" | "containerd" | "firecracker" if only_type => {
            out.quote(at, "execution must have params");
            ExecutionConfig::Null
        }
        "docker" => ExecutionConfig::Docker(container("docker", node, at, out)),
        "containerd" => ExecutionConfig::Containerd(container("containerd", node, at, out)),
        "firecracker" => ExecutionConfig::Firecracker(firecracker(node, at, out)),
        _ => {
            let at = node.get("type").map_or(at, |node| node.position);
            let help = suggestion(&kind, ["docker", "containerd", "firecracker", "null"]);
            out.quote_with_help(at, format!("unsupported execution type: {kind}"), help);
            ExecutionConfig::Null
        }
    }
}

fn container(executor: &str, node: &Node, at: Position, out: &mut Findings) -> ContainerConfig {
    fields::known_keys(node, &format::CONTAINER, out);
    let in_dms = if executor == "docker" { Finding::quoted } else { fields::refused };
    let image = fields::text(node, "image", out).unwrap_or_default();
    if image.is_empty() {
        if node.present("image").is_none_or(|image| image.as_text().is_some()) {
            out.push(in_dms(Finding::error(at, format!("{executor} execution must have an image"))));
        }
    } else if !names::is_image_reference(&image) {
        let at = node.get("image").map_or(at, |node| node.position);
        out.push(in_dms(Finding::error(at, format!("invalid {executor} image format: {image}"))));
    }
    ContainerConfig {
        image,
        entrypoint: fields::texts(node, "entrypoint", out),
        cmd: fields::texts(node, "cmd", out),
        environment: environment(node, out),
        working_directory: fields::non_empty(node, "working_directory", "working_directory", out),
        restart_policy: fields::word(node, "restart_policy", "restart_policy", fields::refused, out),
        user: fields::text(node, "user", out),
        registry_auth: registry_auth(node, out),
    }
}

/// `KEY=VALUE` strings, whose keys are names of shell variables.
fn environment(node: &Node, out: &mut Findings) -> Vec<Arc<str>> {
    let variables = fields::texts_with_positions(node, "environment", out);
    for (variable, at) in &variables {
        let name = variable.split_once('=').map(|(name, _)| name);
        let valid = name.is_some_and(|name| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        if !valid {
            let help = "it must have the form KEY=VALUE".to_owned();
            let finding = Finding::error(*at, format!("invalid environment variable: {variable}"));
            out.push(fields::refused(finding).with_help(help));
        }
    }
    variables.into_iter().map(|(variable, _)| variable).collect()
}

fn registry_auth(node: &Node, out: &mut Findings) -> Option<RegistryAuth> {
    let auth = fields::map(node, "registry_auth", out)?;
    fields::known_keys(auth, &format::REGISTRY_AUTH, out);
    let username = fields::text(auth, "username", out);
    let password = fields::text(auth, "password", out);
    if auth.present("username").is_none() || auth.present("password").is_none() {
        out.reword(auth.position, "registry_auth must have a username and a password");
    }
    Some(RegistryAuth { username: username?, password: password? })
}

fn firecracker(node: &Node, at: Position, out: &mut Findings) -> FirecrackerConfig {
    fields::known_keys(node, &format::FIRECRACKER, out);
    let mut required = |key: &str| {
        let value = fields::text(node, key, out).unwrap_or_default();
        if value.is_empty() && node.present(key).is_none_or(|node| node.as_text().is_some()) {
            out.reword(at, format!("firecracker execution must have a {key}"));
        }
        value
    };
    let (kernel_image, root_file_system) = (required("kernel_image"), required("root_file_system"));
    FirecrackerConfig {
        kernel_image,
        root_file_system,
        kernel_args: fields::non_empty(node, "kernel_args", "kernel_args", out),
        initrd: fields::non_empty(node, "initrd", "initrd", out),
    }
}
