//! Peers come and go as their group does: by times that are drawn, as a trace says, or when a repairer has time.

use super::event::{Event, PeerId};
use super::faults::Down;
use super::population::GroupChurn;
use super::setup::PeerGroup;
use super::world::World;
use crate::kernel::{Streams, Time};
use crate::workload::{ChurnStart, Comings, PeerChurn, Workshop};

impl GroupChurn {
    /// How the members of a group come and go; none for those that stay.
    ///
    /// # Errors
    /// Why they cannot, in words.
    pub(super) fn of(group: &PeerGroup) -> Result<Option<Self>, String> {
        let Some((churn, start)) = &group.churn else { return Ok(None) };
        let comings = churn.comings().map_err(|error| format!("group {}: {error}", group.name))?;
        Ok(Some(Self { comings, start: *start, workshop: group.repairers.map(Workshop::new) }))
    }

    /// The histories of the members, the first of whom has the number `first`.
    pub(super) fn begin(&mut self, first: u32, count: u32, streams: Streams) -> Vec<PeerChurn> {
        let history = |number: u32| {
            let entity = (u64::from(first + number), number);
            PeerChurn::following(&self.comings, self.start, streams, entity, Time::ZERO)
        };
        let mut members: Vec<PeerChurn> = (0..count).map(history).collect();
        if let (Some(workshop), Comings::Drawn(model), ChurnStart::Stationary) =
            (&mut self.workshop, &self.comings, self.start)
        {
            workshop.live_before(&mut members, first, model, streams);
        }
        members
    }
}

impl World<'_> {
    /// A peer comes or goes.
    pub(super) fn churn(&mut self, now: Time, peer: PeerId) {
        let group = self.population.group_of(peer);
        let (Some(own), Some(churn)) = (&mut self.churns[group], &mut self.hosts[peer.0 as usize].churn)
        else {
            return;
        };
        let mut begins = None;
        match (&mut own.workshop, &own.comings) {
            (Some(workshop), Comings::Drawn(model)) => {
                begins = workshop.pass(peer.0, churn, model, self.streams);
            }
            _ => drop(churn.pass(&own.comings, own.start, self.streams, u64::from(peer.0))),
        }
        let up = churn.is_up();
        self.await_change(peer);
        if let Some(other) = begins.map(PeerId) {
            self.begin_churn_repair(now, other);
        }
        if !up {
            self.take_down(now, peer, Down::Machine);
        } else if !self.hosts[peer.0 as usize].crashed {
            self.bring_up(now, peer);
        }
    }

    /// A repairer begins with a peer.
    fn begin_churn_repair(&mut self, now: Time, peer: PeerId) {
        let group = self.population.group_of(peer);
        let (Some(GroupChurn { comings: Comings::Drawn(model), .. }), Some(churn)) =
            (&self.churns[group], &mut self.hosts[peer.0 as usize].churn)
        else {
            return;
        };
        churn.begin_repair(now, model, self.streams, u64::from(peer.0));
        self.await_change(peer);
    }

    /// Foresees the next coming or going of a peer, if it is known.
    pub(super) fn await_change(&mut self, peer: PeerId) {
        if let Some(churn) = &self.hosts[peer.0 as usize].churn
            && churn.next_change() < Time::MAX
        {
            self.queue.post(churn.next_change(), Event::Churn(peer));
        }
    }
}
