//! What the ensemble format can say and this version of the simulator does not honour yet.
//!
//! Silence would be a wrong answer, so each use is an error when a scenario loads the file.
use super::config::{EnsembleConfig, KeyKind};
use super::finding::{Finding, Findings};
use super::tree::{Node, Position};

/// Every use of a feature that is not simulated, in the order of the file. `root` is the tree that `config` was
/// loaded from; it gives the positions.
pub fn unsupported(config: &EnsembleConfig, root: &Node) -> Vec<Finding> {
    let mut out = Findings::default();
    let mut report = |position: Position, feature: &str| {
        out.error(
            position,
            format!("`{feature}` is part of the ensemble format but not simulated in this version"),
        );
    };
    let top = |key: &str| key_position(Some(root), key).unwrap_or(root.position);
    for (name, allocation) in &config.allocations {
        let own = root.get("allocations").and_then(|allocations| allocations.get(name));
        let place = |key: &str| key_position(own, key).unwrap_or_else(|| top("allocations"));
        if allocation.keys.iter().any(|key| key.kind != KeyKind::Ssh) {
            report(place("keys"), "keys: {type: gpg}");
        }
        if !allocation.provision.is_empty() {
            report(place("provision"), "provision");
        }
    }
    out.into_sorted()
}

fn key_position(map: Option<&Node>, key: &str) -> Option<Position> {
    map?.entry(key).map(|(key, _)| key.position)
}
