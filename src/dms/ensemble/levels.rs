//! In what order allocations start, and what standby nodes are called.
//!
//! Levels are Kahn's layers over `depends_on` (dms-orchestration 2.11): what is in one level may start together.
use std::sync::Arc;

use indexmap::IndexMap;
use thiserror::Error;

use super::config::EnsembleConfig;

/// Why allocations have no order. The texts are those of DMS.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LevelError {
    /// A dependency is not among the allocations.
    #[error("service {dependent} depends on non-existent service {missing}")]
    Missing {
        /// Who depends.
        dependent: Arc<str>,
        /// On what.
        missing: Arc<str>,
    },
    /// Allocations wait for each other.
    #[error("cycle detected in dependencies")]
    Cycle,
}

/// The allocations of a node in levels: each depends only on earlier levels. Inside a level the order is the node's.
///
/// # Errors
/// A dependency outside the node, or a cycle; a validated configuration has neither.
pub fn start_levels(config: &EnsembleConfig, node: &str) -> Result<Vec<Vec<Arc<str>>>, LevelError> {
    let edges: Vec<(Arc<str>, Vec<Arc<str>>)> = config
        .allocations_of(node)
        .map(|(name, allocation)| (name.clone(), allocation.depends_on.clone()))
        .collect();
    levels(&edges)
}

/// Kahn's layers over names and what each depends on.
///
/// # Errors
/// A dependency that is not among the names, or a cycle.
pub fn levels(edges: &[(Arc<str>, Vec<Arc<str>>)]) -> Result<Vec<Vec<Arc<str>>>, LevelError> {
    let index: IndexMap<&Arc<str>, usize> =
        edges.iter().enumerate().map(|(at, (name, _))| (name, at)).collect();
    let mut waits_for: Vec<Vec<usize>> = Vec::with_capacity(edges.len());
    for (dependent, dependencies) in edges {
        let found: Result<Vec<usize>, LevelError> = dependencies
            .iter()
            .map(|name| {
                index.get(name).copied().ok_or_else(|| LevelError::Missing {
                    dependent: dependent.clone(),
                    missing: name.clone(),
                })
            })
            .collect();
        waits_for.push(found?);
    }
    let mut done = vec![false; edges.len()];
    let mut layers = Vec::new();
    let mut left = edges.len();
    while left > 0 {
        let ready: Vec<usize> = (0..edges.len())
            .filter(|&at| !done[at] && waits_for[at].iter().all(|&dependency| done[dependency]))
            .collect();
        if ready.is_empty() {
            return Err(LevelError::Cycle);
        }
        for &at in &ready {
            done[at] = true;
        }
        left -= ready.len();
        layers.push(ready.into_iter().map(|at| edges[at].0.clone()).collect());
    }
    Ok(layers)
}

/// One cycle for each knot of allocations that wait for each other, without those that wait only for themselves.
/// Unknown names are ignored. Each cycle lists its members so that each depends on the next, the last on the first.
pub(super) fn find_cycles(edges: &[(Arc<str>, Vec<Arc<str>>)]) -> Vec<Vec<Arc<str>>> {
    let index: IndexMap<&Arc<str>, usize> =
        edges.iter().enumerate().map(|(at, (name, _))| (name, at)).collect();
    let next = |at: usize| edges[at].1.iter().filter_map(|name| index.get(name).copied());
    let mut state = vec![Visit::New; edges.len()];
    let mut cycles = Vec::new();
    for start in 0..edges.len() {
        // A depth-first walk without recursion: the path, and at each step the dependencies that are left.
        let mut path: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut enter = Some(start).filter(|&at| state[at] == Visit::New);
        while enter.is_some() || !path.is_empty() {
            if let Some(at) = enter.take() {
                state[at] = Visit::OnPath;
                let mut left: Vec<usize> = next(at).filter(|&other| other != at).collect();
                left.reverse();
                path.push((at, left));
            }
            let Some((at, left)) = path.last_mut() else { break };
            match left.pop() {
                None => {
                    state[*at] = Visit::Done;
                    path.pop();
                }
                Some(other) if state[other] == Visit::New => enter = Some(other),
                Some(other) if state[other] == Visit::OnPath => {
                    let from = path.iter().position(|(member, _)| *member == other).unwrap_or(0);
                    cycles.push(path[from..].iter().map(|(member, _)| edges[*member].0.clone()).collect());
                }
                Some(_) => {}
            }
        }
    }
    cycles
}

#[derive(Clone, Copy, PartialEq)]
enum Visit {
    New,
    OnPath,
    Done,
}

/// The name of a node's `number`th standby, from 1.
pub fn standby_name(node: &str, number: u32) -> Arc<str> {
    format!("{node}-standby-{number}").into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edges(text: &str) -> Vec<(Arc<str>, Vec<Arc<str>>)> {
        text.split(' ')
            .map(|one| {
                let (name, rest) = one.split_once(':').unwrap_or((one, ""));
                (name.into(), rest.split(',').filter(|word| !word.is_empty()).map(Arc::from).collect())
            })
            .collect()
    }

    #[test]
    fn levels_follow_the_dependencies_in_file_order() {
        let layers = levels(&edges("web:api,db api:db db cache")).unwrap();
        let shown: Vec<String> = layers.iter().map(|layer| layer.join(" ")).collect();
        assert_eq!(shown, ["db cache", "api", "web"]);
        assert_eq!(
            levels(&edges("a:b")).unwrap_err().to_string(),
            "service a depends on non-existent service b"
        );
        assert_eq!(levels(&edges("a:b b:a c")).unwrap_err().to_string(), "cycle detected in dependencies");
    }

    proptest! {
        /// Kahn's layers fail exactly where the walk finds a cycle, and every cycle is one.
        #[test]
        fn layers_and_cycles_agree(graph in proptest::collection::vec(proptest::collection::vec(0..8_usize, 0..3), 8)) {
            let name = |at: usize| -> Arc<str> { format!("n{at}").into() };
            let edges: Vec<_> = graph
                .iter()
                .enumerate()
                .map(|(at, next)| (name(at), next.iter().filter(|&&to| to != at).map(|&to| name(to)).collect()))
                .collect::<Vec<(Arc<str>, Vec<Arc<str>>)>>();
            let cycles = find_cycles(&edges);
            prop_assert_eq!(levels(&edges).is_err(), !cycles.is_empty());
            for cycle in cycles {
                for (at, member) in cycle.iter().enumerate() {
                    let next = &cycle[(at + 1) % cycle.len()];
                    prop_assert!(edges.iter().any(|(own, to)| own == member && to.contains(next)));
                }
            }
            for (level, members) in levels(&edges).unwrap_or_default().iter().enumerate() {
                let is_free = |name: &Arc<str>| edges.iter().any(|(own, to)| own == name && to.is_empty());
                prop_assert!(level > 0 || members.iter().all(is_free));
            }
        }
    }
}
