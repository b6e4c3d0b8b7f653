//! Which changes of a running ensemble an update may make (dms-orchestration section 4.4).

use std::sync::Arc;

use super::config::{EnsembleConfig, LocationConstraints, NodeConfig, SupervisorConfig};

/// Whether a running ensemble may become another one, in which some nodes move to another peer: those begin anew.
/// `guarded` are nodes with standbys that their orchestrator adds although the file asks for none.
///
/// # Errors
/// The first rule that is broken.
pub fn check_update(
    old: &EnsembleConfig,
    new: &EnsembleConfig,
    moves: impl Fn(&str) -> bool,
    guarded: impl Fn(&str) -> bool,
) -> Result<(), Arc<str>> {
    // A node as it was, if the update leaves it with its peer.
    let stays = |name: &str| old.nodes.get(name).filter(|_| new.nodes.contains_key(name) && !moves(name));
    if new.contracts != old.contracts {
        return Err("the contracts of a deployment cannot be changed: it runs under them".into());
    }
    if new.nodes.values().all(|node| node.allocations.is_empty()) {
        return Err("the new ensemble places no allocation: shut the deployment down instead".into());
    }
    check_supervisor(old.supervisor.as_ref(), new.supervisor.as_ref())?;
    for (name, node) in &new.nodes {
        check_standbys(name, old.nodes.get(name), node, guarded(name))?;
        let Some(former) = stays(name) else { continue };
        check_location(name, &former.location, &node.location)?;
        let kept = node.allocations.iter().filter(|allocation| former.allocations.contains(*allocation));
        for allocation in kept {
            check_allocation(allocation, (old, former), (new, node))?;
        }
    }
    let fresh = new.edges.iter().filter(|edge| !old.edges.contains(edge));
    for edge in fresh {
        if [&edge.source, &edge.target].into_iter().all(|name| stays(name).is_some()) {
            let (source, target) = (&edge.source, &edge.target);
            return Err(format!(
                "nodes {source} and {target} are deployed: no edge can be added between them"
            )
            .into());
        }
    }
    Ok(())
}

/// Supervisors may gain allocations and children.
fn check_supervisor(old: Option<&SupervisorConfig>, new: Option<&SupervisorConfig>) -> Result<(), Arc<str>> {
    let Some(old) = old else { return Ok(()) };
    let Some(new) = new else { return Err("a supervisor cannot be removed".into()) };
    if old.strategy != new.strategy {
        return Err("the strategy of a supervisor cannot be changed".into());
    }
    if let Some(removed) = old.allocations.iter().find(|name| !new.allocations.contains(name)) {
        return Err(format!("allocation {removed} cannot be removed from its supervisor").into());
    }
    let mut children = new.children.iter();
    old.children.iter().try_for_each(|child| check_supervisor(Some(child), children.next()))
}

/// A node with standbys is added or removed as a whole. The real DMS has no rule, for it deploys no standbys (W19).
fn check_standbys(
    name: &str,
    former: Option<&NodeConfig>,
    node: &NodeConfig,
    guarded: bool,
) -> Result<(), Arc<str>> {
    let Some(former) = former.filter(|former| !former.allocations.is_empty()) else { return Ok(()) };
    let has_standbys = guarded || former.redundancy > 0 || node.redundancy > 0;
    let is_as_before = (&former.allocations, former.redundancy, &former.peer)
        == (&node.allocations, node.redundancy, &node.peer);
    if has_standbys && !is_as_before {
        return Err(format!(
            "node {name} has standbys: it can be removed, but its allocations, redundancy and peer stay"
        )
        .into());
    }
    Ok(())
}

/// A list of accepted places may only become longer, one of rejected places only shorter.
fn check_location(name: &str, old: &LocationConstraints, new: &LocationConstraints) -> Result<(), Arc<str>> {
    let refused = |what: &str| Err(format!("node {name}: {what}").into());
    let accepts = |location: &LocationConstraints| !location.accept.is_empty();
    match (accepts(old), accepts(new)) {
        (true, false) if !new.reject.is_empty() => {
            refused("it cannot go over from accepted to rejected locations")
        }
        (false, true) => refused("the accepted locations can only become more"),
        (true, true) if old.accept.iter().any(|place| !new.accept.contains(place)) => {
            refused("the accepted locations can only become more")
        }
        _ if new.reject.iter().any(|place| !old.reject.contains(place)) => {
            refused("the rejected locations can only become fewer")
        }
        _ => Ok(()),
    }
}

/// What runs stays as it is. The real DMS has this rule for ports only, and overlooks every other change.
fn check_allocation(
    name: &Arc<str>,
    (old, former): (&EnsembleConfig, &NodeConfig),
    (new, node): (&EnsembleConfig, &NodeConfig),
) -> Result<(), Arc<str>> {
    let ports = |of: &NodeConfig| {
        of.ports.iter().filter(|port| port.allocation == *name).cloned().collect::<Vec<_>>()
    };
    if ports(former) != ports(node) {
        return Err(format!("the ports of allocation {name} cannot be changed: it is deployed").into());
    }
    if old.allocations[name] != new.allocations[name] {
        return Err(
            format!("allocation {name} cannot be changed: it is deployed; add one of another name").into()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::config::{ContractConfig, Location, SupervisorStrategy};
    use super::*;

    #[test]
    fn what_runs_under_contracts_stays_under_them() {
        let old = EnsembleConfig::default();
        let mut new = old.clone();
        new.contracts.insert("compute".into(), ContractConfig { did: "did:key:z6Mk".into(), host: None });
        let refusal =
            |old, new| check_update(old, new, |_| false, |_| false).expect_err("it may not").to_string();
        let reason = "the contracts of a deployment cannot be changed: it runs under them";
        assert_eq!([refusal(&old, &new), refusal(&new, &old)], [reason, reason]);
        assert!(refusal(&new, &new).starts_with("the new ensemble places no allocation"));
    }

    #[test]
    fn supervisors_may_only_gain() {
        let names = |text: &str| text.split_whitespace().map(Arc::from).collect::<Vec<Arc<str>>>();
        let of = |strategy, allocations: &str, children| SupervisorConfig {
            strategy: Some(strategy),
            allocations: names(allocations),
            children,
        };
        let one = SupervisorStrategy::OneForOne;
        let old = of(one, "a b", vec![of(one, "c", vec![])]);
        let grown = of(one, "a b d", vec![of(one, "e c", vec![of(one, "f", vec![])]), of(one, "g", vec![])]);
        assert_eq!(check_supervisor(Some(&old), Some(&grown)), Ok(()));
        assert_eq!(check_supervisor(None, Some(&old)), Ok(()));
        let refused = |new: Option<&SupervisorConfig>| {
            check_supervisor(Some(&old), new).expect_err("it may not").to_string()
        };
        assert_eq!(refused(None), "a supervisor cannot be removed");
        assert_eq!(refused(Some(&of(one, "a b", vec![]))), "a supervisor cannot be removed");
        let less = of(one, "a b", vec![of(one, "d", vec![])]);
        assert_eq!(refused(Some(&less)), "allocation c cannot be removed from its supervisor");
        let other = of(SupervisorStrategy::AllForOne, "a b", vec![]);
        assert_eq!(refused(Some(&other)), "the strategy of a supervisor cannot be changed");
    }

    #[test]
    fn a_location_may_only_become_wider() {
        let place = |continent: &str| Location { continent: continent.into(), ..Location::default() };
        let list = |text: &str| text.split_whitespace().map(place).collect::<Vec<_>>();
        let of =
            |accept: &str, reject: &str| LocationConstraints { accept: list(accept), reject: list(reject) };
        // Accepted and rejected places before and after, and whether that is allowed.
        for (before, after, allowed) in [
            (("", ""), ("", ""), true),
            (("EU", ""), ("EU AF", ""), true),
            (("EU AF", ""), ("EU", ""), false),
            (("EU", ""), ("", ""), true),
            (("EU", ""), ("", "AS"), false),
            (("", ""), ("EU", ""), false),
            (("", "AS EU"), ("", "AS"), true),
            (("", "AS"), ("", "AS EU"), false),
            (("", "AS"), ("", "EU"), false),
        ] {
            let result = check_location("one", &of(before.0, before.1), &of(after.0, after.1));
            assert_eq!(result.is_ok(), allowed, "{before:?} to {after:?}: {result:?}");
        }
    }
}
