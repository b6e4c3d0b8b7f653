//! The volumes of allocations on their provider (dms-capabilities section 8, dms-orchestration section 3.5): mounted
//! after the capacity is reserved and before anything is allocated, unmounted when the allocation is gone. A mount that
//! fails fails the allocation with its reason; the data stays where it is, whatever becomes of the allocation.
//!
//! What is mounted is known in memory only. After a restart everything that is to run is mounted again first.

use std::sync::Arc;

use super::Provider;
use crate::dms::actor::{Actor, Allocate, AllocationOrder, AllocationState, Envelope, Message};
use crate::dms::desk::{Desk, OwedReply};
use crate::dms::ensemble::VolumeConfig;
use crate::dms::outbox::{Action, RunId};
use crate::dms::storage::{MountError, MountOrder, mounts_of};

/// An order to allocate that waits for its volumes.
#[derive(Clone, Debug)]
pub(super) struct Mounting {
    allocate: Allocate,
    reply: Option<OwedReply>,
    /// The slot of each of its allocations.
    slots: Vec<u32>,
    /// Which of them are not mounted yet.
    awaited: Vec<RunId>,
}

/// The volumes of provider's allocations.
#[derive(Clone, Debug, Default)]
pub(super) struct Volumes {
    mounting: Vec<Mounting>,
    /// Slots of allocations whose volumes are mounted.
    mounted: Vec<u32>,
    /// Runs that start again when their volumes are mounted again.
    remounting: Vec<RunId>,
}

impl Provider {
    /// Begins to mount the volumes of the allocations of an order. The answer, if there is one already.
    pub(super) fn mount_first(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &Actor,
        request: &Envelope,
        allocate: &Allocate,
    ) -> Option<Message> {
        if allocate.allocations.iter().all(|order| order.config.volumes.is_empty()) {
            return Some(self.handle_allocate(desk, root, allocate, &[]));
        }
        let committed = |id: &Arc<str>, generation: u32| {
            self.pool.held(id).is_some_and(|held| held.lease.is_some() && held.generation == generation)
        };
        if let Some(order) = allocate.allocations.iter().find(|order| !committed(&order.id, order.generation))
        {
            return Some(Message::Error(format!("{} is not committed", order.id).into()));
        }
        let mut orders = Vec::new();
        for order in &allocate.allocations {
            match mount_order(&order.id, &order.name, &order.config.volumes) {
                Ok(mounts) => orders.push(mounts),
                Err(refused) => return Some(Message::Error(refused.to_string().into())),
            }
        }
        let slots: Vec<u32> = (self.next_slot..).take(orders.len()).collect();
        self.next_slot += orders.len() as u32;
        let mut awaited = Vec::new();
        for (order, &slot) in orders.into_iter().zip(&slots) {
            if let Some(order) = order {
                let run = RunId { slot, run: 0 };
                awaited.push(run);
                desk.action(Action::Mount(run, Arc::new(order)));
            }
        }
        let reply = OwedReply::to(request);
        self.volumes.mounting.push(Mounting { allocate: allocate.clone(), reply, slots, awaited });
        None
    }

    /// The volumes of a run are mounted, or why not.
    pub(super) fn handle_mounted(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        run: RunId,
        outcome: Result<(), Arc<str>>,
    ) {
        if outcome.is_ok() {
            self.volumes.mounted.push(run.slot);
        }
        if let Some(place) = self.volumes.remounting.iter().position(|other| *other == run) {
            self.volumes.remounting.remove(place);
            return self.start_remounted(desk, run, outcome);
        }
        let of_run = |mounting: &Mounting| mounting.awaited.contains(&run);
        let Some(place) = self.volumes.mounting.iter().position(of_run) else {
            // Nobody wants it any more.
            return self.unmount(desk, run.slot);
        };
        let mounting = &mut self.volumes.mounting[place];
        mounting.awaited.retain(|other| *other != run);
        if outcome.is_ok() && !mounting.awaited.is_empty() {
            return;
        }
        let Mounting { allocate, reply, slots, .. } = self.volumes.mounting.remove(place);
        let answer = match outcome {
            Ok(()) => self.handle_allocate(desk, root, &allocate, &slots),
            Err(reason) => Message::Error(reason),
        };
        if let Message::Error(_) = answer {
            let unused: Vec<u32> = slots
                .into_iter()
                .filter(|slot| !self.allocations.values().any(|a| a.run.slot == *slot))
                .collect();
            unused.into_iter().for_each(|slot| self.unmount(desk, slot));
        }
        if let Some(owed) = reply {
            desk.reply_later(root, owed, answer);
        }
    }

    fn start_remounted(&mut self, desk: &mut Desk<'_, '_>, run: RunId, outcome: Result<(), Arc<str>>) {
        let found = self.allocations.iter_mut().find(|(_, allocation)| allocation.run == run);
        let Some((id, allocation)) = found else { return };
        match outcome {
            Ok(()) => desk.action(Action::Start(run, Arc::clone(&allocation.config))),
            Err(reason) => {
                let (id, ensemble) = (Arc::clone(id), allocation.ensemble);
                allocation.set_state(desk, &id, AllocationState::Failed, None);
                self.complain(desk, ensemble, reason);
                self.recovering.retain(|other| *other != run);
                self.report(desk, &id);
            }
        }
    }

    /// Mounts the volumes of an allocation again and starts it then. False where it has none: then it is to be
    /// started at once.
    pub(super) fn remount(
        &mut self,
        desk: &mut Desk<'_, '_>,
        id: &Arc<str>,
        run: RunId,
        volumes: &[VolumeConfig],
    ) -> bool {
        let writer = id.rsplit_once('.').map_or(&**id, |(_, name)| name).into();
        // They have been mounted before, so that nothing but the mount itself can fail.
        let Ok(Some(order)) = mount_order(id, &writer, volumes) else { return false };
        self.volumes.remounting.push(run);
        desk.action(Action::Mount(run, Arc::new(order)));
        true
    }

    /// The volumes of a run that went on while the process was away are still mounted.
    pub(super) fn still_mounted(&mut self, run: RunId, volumes: &[VolumeConfig]) {
        if !volumes.is_empty() {
            self.volumes.mounted.push(run.slot);
        }
    }

    /// Unmounts what is mounted for a slot, if anything is.
    pub(super) fn unmount(&mut self, desk: &mut Desk<'_, '_>, slot: u32) {
        if let Some(place) = self.volumes.mounted.iter().position(|other| *other == slot) {
            self.volumes.mounted.remove(place);
            desk.action(Action::Unmount(slot));
        }
    }

    /// Nobody waits any more for the volumes of these allocations, up to these generations.
    pub(super) fn stop_mounting(&mut self, desk: &mut Desk<'_, '_>, reverted: &[(Arc<str>, u32)]) {
        let is_over = |order: &AllocationOrder| {
            reverted.iter().any(|(id, generation)| *id == order.id && order.generation <= *generation)
        };
        let of_it = |mounting: &mut Mounting| mounting.allocate.allocations.iter().any(is_over);
        let dropped: Vec<Mounting> = self.volumes.mounting.extract_if(.., of_it).collect();
        for slot in dropped.into_iter().flat_map(|mounting| mounting.slots) {
            self.unmount(desk, slot);
        }
    }
}

/// What is to be mounted for an allocation; none without volumes.
fn mount_order(
    id: &Arc<str>,
    name: &Arc<str>,
    volumes: &[VolumeConfig],
) -> Result<Option<MountOrder>, MountError> {
    let mounts = mounts_of(id, volumes)?;
    let order = MountOrder { allocation: Arc::clone(id), writer: Arc::clone(name), mounts };
    Ok(Some(order).filter(|order| !order.mounts.is_empty()))
}
