//! `ports`: `"8080:80"`, `"127.0.0.1:8080:80/tcp"`, or a map.

use super::model::Port;
use crate::dms::constants::PUBLIC_PORT_RANGE;
use crate::dms::ensemble::finding::Findings;
use crate::dms::ensemble::tree::{Node, Position};

/// The lowest public port that DMS lets anyone ask for; 0 asks for any.
const LOWEST_PUBLIC: u16 = 1025;

/// A port as compose writes it; `published` may be missing.
struct Written {
    published: Option<String>,
    target: String,
    protocol: String,
}

/// Adds the ports of one service.
pub(super) fn add(node: &Node, allocation: &str, ports: &mut Vec<Port>, out: &mut Findings) {
    for item in node.items() {
        let Some(written) = read(item, out) else {
            out.error(item.position, "a port must be like \"8080:80\" or {target: 80, published: 8080}");
            continue;
        };
        if written.protocol != "tcp" {
            let message = format!("ports of `{}` are left out: DMS maps tcp only", written.protocol);
            out.warning(item.position, message, None);
            continue;
        }
        let targets = range(&written.target);
        let published = match &written.published {
            Some(text) => range(text).map(Some),
            None => Some(None),
        };
        let (Some(targets), Some(published)) = (targets, published) else {
            out.error(item.position, format!("`{}` is not a port or a range of ports", shown(&written)));
            continue;
        };
        if published.as_ref().is_some_and(|published| published.len() != targets.len()) {
            out.error(item.position, format!("`{}` has ranges of different lengths", shown(&written)));
            continue;
        }
        for (place, private) in targets.enumerate() {
            let wanted = published.as_ref().and_then(|published| published.clone().nth(place));
            let public = wanted.map_or(0, |port| public(port, item.position, out));
            ports.push(Port { public, private, allocation: allocation.to_owned() });
        }
    }
}

fn shown(written: &Written) -> String {
    written.published.iter().chain([&written.target]).map(String::as_str).collect::<Vec<_>>().join(":")
}

fn read(item: &Node, out: &mut Findings) -> Option<Written> {
    if item.is_map() {
        let text = |key: &str| item.present(key).and_then(Node::scalar_text).map(|text| text.to_string());
        let protocol = text("protocol").unwrap_or_else(|| "tcp".to_owned());
        for key in ["host_ip", "mode", "name", "app_protocol"] {
            if let Some((key, _)) = item.entry(key) {
                super::left_out(&key.text, key.position, out);
            }
        }
        return Some(Written { published: text("published"), target: text("target")?, protocol });
    }
    let text = item.scalar_text()?;
    let (text, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
    let (before, target) =
        text.rsplit_once(':').map_or((None, text), |(before, target)| (Some(before), target));
    let published = before.map(|before| match before.rsplit_once(':') {
        Some((host, published)) => {
            out.warning(item.position, format!("the host address `{host}` is left out"), None);
            published.to_owned()
        }
        None => before.to_owned(),
    });
    let published = published.filter(|text| !text.is_empty());
    Some(Written { published, target: target.to_owned(), protocol: protocol.to_owned() })
}

/// `80` or `8000-8005`, as ports above 0.
fn range(text: &str) -> Option<std::ops::RangeInclusive<u16>> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high): (u16, u16) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    (0 < low && low <= high).then_some(low..=high)
}

/// The public port to ask for.
fn public(port: u16, at: Position, out: &mut Findings) -> u16 {
    if port < LOWEST_PUBLIC {
        let help =
            format!("DMS gives out ports from {LOWEST_PUBLIC} on; the provider chooses one (`public: 0`)");
        out.warning(at, format!("port {port} cannot be public"), help);
        return 0;
    }
    if u32::from(port) < PUBLIC_PORT_RANGE.0 {
        let help = format!(
            "`public: 0` lets the provider choose; by default they give out {} and more",
            PUBLIC_PORT_RANGE.0
        );
        out.warning(at, format!("few providers give out port {port}"), help);
    }
    port
}
