//! Checks of single results (an extension of DMS, off unless a strategy asks for it).
//!
//! In spot-checking with blacklisting (Sarmenta 2002) the master knows what some tasks come to, and looks whether that
//! is what a worker says. Here the node asks its driver, who knows it beforehand or has a program that verifies it.
//! Which results are checked follows from the deployment's secret key and the name and the generation of the
//! allocation: it moves no other draw, is the same after a restart, and nobody else can tell.
//!
//! A peer that is caught is caught for the whole node. What it was given before goes on, and what it told before
//! counts; results that it tells afterwards do not.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Deployment;
use crate::dms::actor::Printed;
use crate::dms::desk::Desk;
use crate::dms::fact::{DeploymentStatus, Fact, Judgement};

impl Deployment {
    /// Whether what a task has come to, without an error, counts. Where it does not, the task's node has been taken
    /// from its peer and is placed anew. A result that is too long to come with the end of its task is not known yet,
    /// and is not checked.
    pub(super) fn stands_check(
        &mut self,
        desk: &mut Desk<'_, '_>,
        at: (usize, usize),
        result: Option<&Printed>,
    ) -> bool {
        let Some(share) = self.strategy.recovery.checked_share() else { return true };
        let node = &self.nodes[at.0];
        let Some(provider) = node.place.as_ref().map(|place| place.host) else { return true };
        let member = &node.members[at.1];
        let judgement = if desk.security.has_caught(&provider) {
            Judgement::Distrusted
        } else if !share.takes(self.lot_of(at)) {
            return true;
        } else {
            match result.and_then(|result| desk.out.system.is_right(&member.config, result)) {
                None => return true,
                Some(true) => Judgement::Right,
                Some(false) => Judgement::Wrong,
            }
        };
        desk.fact(Fact::ResultChecked {
            allocation: Arc::clone(&member.id),
            generation: member.generation,
            provider,
            judgement,
        });
        let reason = match judgement {
            Judgement::Right => return true,
            Judgement::Wrong => {
                desk.security.catch(provider);
                "the result was checked and is wrong"
            }
            Judgement::Distrusted => "the result is of a peer that was caught telling a wrong one",
        };
        // What is being shut down wants no other result.
        if self.status != DeploymentStatus::ShuttingDown {
            self.replace_liar(desk, at.0, reason);
        }
        false
    }

    /// What is drawn for the result of an allocation's life. Names and generations are told everybody, the key nobody.
    fn lot_of(&self, (node, member): (usize, usize)) -> u64 {
        let node = &self.nodes[node];
        let member = &node.members[member];
        let digest: [u8; 32] = Sha256::new()
            .chain_update("spot check")
            .chain_update(self.actor.secret().seed())
            .chain_update(member.generation.to_le_bytes())
            .chain_update(node.name.as_bytes())
            // No name has this byte, so no two pairs of names are the same.
            .chain_update([0])
            .chain_update(member.name.as_bytes())
            .finalize()
            .into();
        let (first, _) = digest.split_first_chunk().expect("a digest has more than eight bytes");
        u64::from_le_bytes(*first)
    }

    /// Takes a node from the peer that has lied about it, and has others do its work.
    fn replace_liar(&mut self, desk: &mut Desk<'_, '_>, index: usize, reason: &str) {
        let index = self.made_whole(desk, index);
        self.note_loss(desk, index, reason);
        let place = self.take_away(desk, index);
        self.nodes[index].excluded.extend(place.map(|place| place.host));
        self.unpin(index);
        self.hand_on(desk, index);
    }
}
