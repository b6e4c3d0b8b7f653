//! What a scenario deploys, by name: what other parts of it may speak of.

use super::operations;
use super::reader::{Map, Reader, shortened};
use super::workload::Request;
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::Node;
use crate::sim::setup::Operation;

/// What the workload and the operations deploy.
pub(super) struct Deployed<'a> {
    all: Vec<(&'a str, &'a EnsembleConfig)>,
    /// Whether all that is deployed could be read.
    complete: bool,
}

impl<'a> Deployed<'a> {
    pub(super) fn new(top: &Map<'_>, requests: &'a [Request], operations: &'a [Operation]) -> Self {
        let all = requests.iter().map(|one| (one.deploy.name.as_str(), &*one.deploy.ensemble));
        let all = all.chain(operations.iter().filter_map(operations::deployed)).collect();
        let written = |key: &str| top.node.present(key).map_or(0, |list| list.items().len());
        let complete = written("workload") == requests.len() && written("operations") == operations.len();
        Self { all, complete }
    }

    /// The ensembles that are deployed under a name.
    pub(super) fn called<'s>(
        &'s self,
        name: Option<&'s str>,
    ) -> impl Iterator<Item = &'a EnsembleConfig> + 's {
        self.all.iter().filter(move |(known, _)| name == Some(*known)).map(|(_, ensemble)| *ensemble)
    }

    /// A name of something that is deployed; another is an error, unless what it means could not be read.
    pub(super) fn name(&self, reader: &mut Reader, node: &Node) -> Option<String> {
        let name = reader.text(node, "deployment")?;
        if self.complete && !self.all.iter().any(|(known, _)| **known == *name) {
            let names = self.all.iter().map(|(name, _)| *name);
            let help = suggestion(&name, names).unwrap_or_else(|| {
                "the name of a `deploy` is its `name`, or that of its ensemble's file".to_owned()
            });
            reader.error(node.position, format!("nothing called `{}` is deployed", shortened(&name)), help);
        }
        Some(name.to_string())
    }
}
