//! `volumes`: `"data:/var/lib/data:ro"`, or a map.

use super::model::Volume;
use crate::dms::ensemble::finding::Findings;
use crate::dms::ensemble::tree::Node;

/// Warns of top-level volumes that are more than a name.
pub(super) fn check_top(node: &Node, out: &mut Findings) {
    for (name, volume) in node.entries() {
        for (key, value) in volume.entries() {
            if &*key.text == "driver" && value.as_text().is_some_and(|driver| &**driver == "local") {
                continue;
            }
            let help = "every named volume becomes a local one of the provider".to_owned();
            out.warning(key.position, format!("`{}` of volume `{}` is left out", key.text, name.text), help);
        }
    }
}

/// The volumes of one service.
pub(super) fn read(node: &Node, out: &mut Findings) -> Vec<Volume> {
    node.items().iter().filter_map(|item| one(item, out)).collect()
}

fn one(item: &Node, out: &mut Findings) -> Option<Volume> {
    let (source, target, read_only) = if item.is_map() {
        let text = |key: &str| item.present(key).and_then(Node::scalar_text).map(|text| text.to_string());
        let kind = text("type").unwrap_or_else(|| "volume".to_owned());
        if kind != "volume" && kind != "bind" {
            out.warning(item.position, format!("a volume of type `{kind}` is left out"), None);
            return None;
        }
        for (key, _) in item.entries() {
            if !["type", "source", "target", "read_only"].contains(&&*key.text) {
                super::left_out(&key.text, key.position, out);
            }
        }
        (text("source"), text("target"), text("read_only").as_deref() == Some("true"))
    } else {
        let text = item.scalar_text().unwrap_or_default();
        let parts: Vec<String> = text.split(':').map(str::to_owned).collect();
        match &parts[..] {
            [target] => (None, Some(target.clone()), false),
            [source, target] => (Some(source.clone()), Some(target.clone()), false),
            [source, target, mode] => {
                (Some(source.clone()), Some(target.clone()), mode.split(',').any(|word| word == "ro"))
            }
            _ => (None, None, false),
        }
    };
    let Some(target) = target.filter(|target| !target.is_empty()) else {
        out.error(item.position, "a volume must be like \"data:/path\" or {source: data, target: /path}");
        return None;
    };
    let Some(source) = source.filter(|source| !source.is_empty()) else {
        let help = "give the volume a name to keep it".to_owned();
        out.warning(item.position, format!("the anonymous volume at `{target}` is left out"), help);
        return None;
    };
    if source.starts_with(['.', '~']) || (source.contains('/') && !source.starts_with('/')) {
        let help =
            "a path of your machine means nothing on a provider: put the files into the image".to_owned();
        out.warning(item.position, format!("`{source}` at `{target}` is left out"), help);
        return None;
    }
    if source.starts_with('/') {
        let help = "the provider must have it, not you".to_owned();
        out.warning(item.position, format!("`{source}` will be a path of the provider"), help);
    }
    Some(Volume { r#type: "local", src: source, mount_destination: target, read_only })
}
