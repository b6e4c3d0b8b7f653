//! What a task printed is kept by whoever orchestrates it, as it was told (dms-orchestration section 3.6). Of a
//! deployment that has ended nobody wants to know any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Found, Invariant, Look, Verdict};
use crate::dms::actor::{Envelope, Message};
use crate::dms::fact::Fact;
use crate::dms::identity::EnsembleId;
use crate::kernel::Time;
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// See the module.
#[derive(Default)]
pub(super) struct Outputs {
    /// The newest generation of each allocation: what an older one printed is not kept in its place.
    newest: BTreeMap<Arc<str>, u32>,
    /// From which generation on the orchestrators of each deployment want its nodes, where they have given older ones
    /// up.
    wanted: BTreeMap<EnsembleId, Vec<(Arc<str>, u32)>>,
    /// When each deployment ended.
    ended: BTreeMap<EnsembleId, Time>,
}

impl Invariant for Outputs {
    fn name(&self) -> &'static str {
        "outputs"
    }

    fn fact(&mut self, look: &Look<'_, '_>, _peer: PeerId, fact: &Fact, _found: &mut Found<'_>) {
        match fact {
            Fact::AllocationCreated { allocation, generation } => {
                let newest = self.newest.entry(Arc::clone(allocation)).or_default();
                *newest = (*newest).max(*generation);
            }
            Fact::RedeploymentStarted { ensemble, node, generation } => {
                self.wanted.entry(*ensemble).or_default().push((Arc::clone(node), *generation));
            }
            Fact::DeploymentStatus { ensemble, status, .. } if status.is_terminal() => {
                self.ended.entry(*ensemble).or_insert(look.now);
            }
            _ => {}
        }
    }

    fn executed(
        &mut self,
        look: &Look<'_, '_>,
        peer: PeerId,
        (envelope, _): (&Envelope, Verdict),
        found: &mut Found<'_>,
    ) {
        let Message::TaskTermination(end) = &envelope.message else { return };
        let printed = &*end.output.stdout.0;
        if end.fetch || printed.is_empty() || self.newest.get(&end.allocation) != Some(&end.generation) {
            return;
        }
        let Some((_, id)) = look.world.ledger.orchestration_of(&end.allocation) else { return };
        if self.ended.get(&id).is_some_and(|ended| *ended < look.now) {
            return;
        }
        let key = key_of(&end.allocation);
        let is_of = |node: &str| key.strip_prefix(node).is_some_and(|rest| rest.starts_with('.'));
        let mut wanted = self.wanted.get(&id).into_iter().flatten();
        if wanted.any(|(node, first)| is_of(node) && end.generation < *first) {
            return;
        }
        let deployment = look.world.hosts[peer.0 as usize].peer.deployment(id);
        let kept = deployment.and_then(|one| one.log_file(&format!("deployments/{id}/{key}/stdout.log")));
        if let Some(kept) = kept.filter(|kept| *kept != printed) {
            let (kept, printed) = (kept.len(), printed.len());
            found.wrong(look, peer, format!("keeps {kept} bytes of {printed} that {key} has printed"));
        }
    }
}
