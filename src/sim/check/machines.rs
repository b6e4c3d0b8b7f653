//! Nothing is given that is not there: a machine offers no more than it has, and what runs on it, cards included, was
//! promised no more than that (dms-orchestration sections 5.3 and 5.4, W3).

use super::living::living_on;
use super::{Found, Invariant, Look};
use crate::dms::fact::Fact;
use crate::dms::outbox::RunId;
use crate::dms::resources::{Cpu, Resources};
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// See the module.
#[derive(Default)]
pub(super) struct Machines;

impl Invariant for Machines {
    fn name(&self) -> &'static str {
        "machines"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        let Fact::Onboarded(offered) = fact else { return };
        let total = &look.world.hosts[peer.0 as usize].peer.provider().machine().total;
        if let Some(short) = shortage(total, offered) {
            found.wrong(look, peer, format!("offers more {short} than there is"));
        }
    }

    fn program(&mut self, look: &Look<'_, '_>, peer: PeerId, run: RunId, found: &mut Found<'_>) {
        let inside = &look.world.hosts[peer.0 as usize];
        let configs = living_on(peer, inside).filter_map(|one| inside.executor.config_of(one.run));
        let sum = configs.fold(Resources::default(), |sum, config| plus(sum, &config.resources));
        let provider = inside.peer.provider();
        if let Some(short) = shortage(&provider.machine().total, &sum) {
            let what = provider.allocation_of(run).map_or("something", |(id, _)| key_of(id));
            let what = format!("{what} runs, with which more {short} is promised than there is");
            found.wrong(look, peer, what);
        }
    }
}

fn plus(mut sum: Resources, more: &Resources) -> Resources {
    sum.cpu.cores_milli += more.cpu.cores_milli;
    sum.ram_bytes += more.ram_bytes;
    sum.disk_bytes += more.disk_bytes;
    sum.gpus.extend(more.gpus.iter().cloned());
    sum
}

/// What there is too little of, counted plainly: of cards, those that any of the machine's can stand for.
fn shortage(total: &Resources, wanted: &Resources) -> Option<&'static str> {
    let Cpu { cores_milli, .. } = total.cpu;
    let memory = |all: &Resources| all.gpus.iter().map(|card| card.vram_bytes).sum::<u64>();
    let whole = wanted.gpus.iter().filter(|card| card.vram_bytes == 0).count();
    if wanted.cpu.cores_milli > cores_milli {
        Some("CPU")
    } else if wanted.ram_bytes > total.ram_bytes {
        Some("memory")
    } else if wanted.disk_bytes > total.disk_bytes {
        Some("disk")
    } else if whole > total.gpus.len() || memory(wanted) > memory(total) {
        Some("of graphics cards")
    } else {
        None
    }
}
