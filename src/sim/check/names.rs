//! An allocation finds no names of other ensembles (dms-orchestration section 2.11).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Found, Invariant, Look};
use crate::dms::ensemble::AllocationConfig;
use crate::dms::fact::Fact;
use crate::dms::identity::EnsembleId;
use crate::kernel::Span;
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// See the module.
#[derive(Default)]
pub(super) struct Names {
    /// All that were ever told.
    known: BTreeSet<Arc<str>>,
    /// What the allocations of each deployment have been to be called.
    own: BTreeMap<EnsembleId, BTreeSet<Arc<str>>>,
    told: bool,
}

impl Invariant for Names {
    fn name(&self) -> &'static str {
        "names"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, _found: &mut Found<'_>) {
        match fact {
            Fact::Named { name, .. } => {
                self.known.insert(Arc::clone(name));
            }
            Fact::DeploymentAccepted(id) | Fact::DeploymentReshaped { ensemble: id, .. } => {
                let deployment = look.world.hosts[peer.0 as usize].peer.deployment(*id);
                let all = deployment.into_iter().flat_map(|one| one.ensemble().allocations.values());
                self.own.entry(*id).or_default().extend(all.map(AllocationConfig::subnet_name));
            }
            _ => {}
        }
    }

    fn minute(&mut self, look: &Look<'_, '_>, _calm: Span, found: &mut Found<'_>) {
        if self.told {
            return;
        }
        for (peer, inside) in look.up() {
            let provider = inside.peer.provider();
            for (allocation, ..) in provider.allocations() {
                let orchestration = look.world.ledger.orchestration_of(allocation);
                let Some(own) = orchestration.and_then(|(_, id)| self.own.get(&id)) else { continue };
                let mut others = self.known.difference(own);
                if let Some(name) = others.find(|name| provider.resolve(allocation, name).is_ok()) {
                    let key = key_of(allocation);
                    found.wrong(look, peer, format!("{name} leads {key} to another ensemble"));
                    self.told = true;
                    return;
                }
            }
        }
    }
}
