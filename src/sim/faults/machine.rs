//! What is wrong with machines that stay up: executors that break down, fetches that fail, slow and frozen machines,
//! disks, and those who lie (docs/failures.md).

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::entity_of;
use crate::dms::actor::{Output, Printed};
use crate::dms::ensemble::Executor as Kind;
use crate::dms::outbox::{Execution, Input, RunId};
use crate::kernel::{Domain, Time};
use crate::net::FlowId;
use crate::sim::event::{ContractStep, Event, ExecutionStep, PeerId, Turn};
use crate::sim::executor::End;
use crate::sim::routine::Concern;
use crate::sim::setup::{Fault, Selection, Trouble};
use crate::sim::world::{Cargo, World};

/// For how long something is wrong with each machine.
const LASTS: Domain = Domain::new("sim.fault.lasts");
/// Which results are wrong.
const LIES: Domain = Domain::new("sim.fault.lies");

impl World<'_> {
    /// Something begins to be wrong with machines.
    pub(super) fn begin_troubles(&mut self, now: Time, turn: Turn, who: &Selection) {
        for peer in self.select(turn, 0, who) {
            self.step(now, Event::Strike { turn, peer });
        }
    }

    /// Something begins to be wrong with a machine.
    pub(in crate::sim) fn strike(&mut self, now: Time, turn: Turn, peer: PeerId) {
        let fault = Arc::clone(self.plans.fault(turn.fault));
        let Fault::Machine { lasts, trouble, .. } = &*fault else { return };
        let is_off = self.clouds.is_absent(peer) || !self.hosts[peer.0 as usize].up;
        if is_off && matches!(trouble, Trouble::Stall | Trouble::ExecutorCrash) {
            return;
        }
        self.rouse(now, peer);
        self.recall_late(now, peer, None);
        if *trouble == Trouble::ExecutorCrash {
            self.crash_executors(now, peer);
            return self.review_peer(now, peer);
        }
        // What went before it had none of it.
        self.review_if_slow(now, *trouble);
        let entity = entity_of(turn.fault, peer.0, turn.number);
        let end = now + lasts.sample(&mut self.streams.owned(LASTS, entity));
        self.troubles.begin(now, peer, turn, *trouble, end);
        self.queue.post(end, Event::StrikeEnd { turn, peer });
        match trouble {
            Trouble::PullFailure => self.fail_fetches(now, peer, "its server does not answer"),
            Trouble::DiskFull => {
                self.fail_fetches(now, peer, "no space left on device");
                self.foresee_writes(now, peer);
            }
            Trouble::Byzantine { idle: true, .. } => self.pretend_all(now, peer),
            _ => {}
        }
        self.review_if_slow(now, *trouble);
        self.review_peer(now, peer);
    }

    /// Slow services get another queue, and those who ask for them other answers.
    fn review_if_slow(&mut self, now: Time, trouble: Trouble) {
        if matches!(trouble, Trouble::Slow { .. }) {
            self.review_traffic(now);
        }
    }

    /// What a fault has done to a machine is over.
    pub(in crate::sim) fn end_strike(&mut self, now: Time, turn: Turn, peer: PeerId) {
        let fault = Arc::clone(self.plans.fault(turn.fault));
        let Fault::Machine { trouble, .. } = &*fault else { return };
        self.rouse(now, peer);
        self.review_if_slow(now, *trouble);
        self.troubles.end(peer, turn);
        self.review_if_slow(now, *trouble);
        if !self.troubles.is_frozen(peer) {
            self.let_go(now, peer);
        }
        self.review_peer(now, peer);
    }

    /// A machine is frozen no more, or off: what has waited for it happens now, in order.
    fn let_go(&mut self, now: Time, peer: PeerId) {
        for event in self.troubles.take_held(peer) {
            self.queue.post(now, event);
        }
    }

    /// A machine is switched off: it is not frozen any more, and what waited for it finds it off.
    pub(super) fn unfreeze(&mut self, now: Time, peer: PeerId) {
        self.troubles.thaw(now, peer);
        self.let_go(now, peer);
    }

    /// The frozen peer that an event has to wait for.
    pub(in crate::sim) fn frozen_by(&self, event: &Event) -> Option<PeerId> {
        if self.troubles.is_empty() {
            return None;
        }
        let peer = match *event {
            Event::Arrive { peer, .. }
            | Event::Dispatch { peer, .. }
            | Event::Timer { peer, .. }
            | Event::Fetched { peer, .. }
            | Event::Connection { peer, .. }
            | Event::Upgrade { peer, .. }
            | Event::Anchor { peer, .. }
            | Event::Repair(peer)
            | Event::Contract(ContractStep::LookUp { peer, .. }) => peer,
            Event::Machine { gateway, .. } => gateway,
            Event::Shutdown { deployment } => self.ledger.deployment(deployment)?.0,
            Event::Attack { attacker } => self.attackers.peer(attacker),
            Event::Name(step) => self.moving.who_handles(step)?,
            // These tell the node at once what has become of its allocations.
            Event::Strike { turn, peer } => match &**self.plans.fault(turn.fault) {
                Fault::Machine { trouble, .. } if trouble.is_told_at_once() => peer,
                _ => return None,
            },
            _ => return None,
        };
        self.troubles.is_frozen(peer).then_some(peer)
    }

    /// Says hello to a peer on a connection, or makes up for what was missed while there was none.
    pub(in crate::sim) fn greet(&mut self, at: Time, peer: PeerId, to: PeerId, again: bool) {
        if at > self.queue.now() {
            return self.queue.post(at, Event::Connection { peer, to, again });
        }
        if self.troubles.is_frozen(peer) {
            return self.troubles.hold(peer, Event::Connection { peer, to, again });
        }
        // One of them may have gone since.
        if ![peer, to].iter().all(|one| self.hosts[one.0 as usize].up) {
            return;
        }
        let handle = Arc::clone(self.hosts[to.0 as usize].peer.handle_of_root());
        self.feed_about(at, peer, Concern::Nothing, |_| {
            if again { Input::Reconnected(handle) } else { Input::Connected(handle) }
        });
    }

    /// The executors of a machine break down and start again: what they run has ended.
    fn crash_executors(&mut self, now: Time, peer: PeerId) {
        self.fail_fetches(now, peer, "the executor has broken down");
        let (up, starting) = self.at_work(peer);
        for run in starting {
            self.hosts[peer.0 as usize].executor.give_up(run, "the executor has broken down");
            self.after(now, peer, run, ExecutionStep::NotStarted);
        }
        for run in up {
            self.end_turn(now, peer, run, End::Crash, "");
        }
    }

    /// What is up on a machine, and what is to be up for the first time. One to which nothing has happened runs
    /// nothing.
    fn at_work(&self, peer: PeerId) -> (Vec<RunId>, Vec<RunId>) {
        self.hosts[peer.0 as usize].built().map(|inside| inside.executor.at_work()).unwrap_or_default()
    }

    /// All that is being fetched for a machine does not come.
    fn fail_fetches(&mut self, now: Time, peer: PeerId, why: &str) {
        let of_peer = |(flow, cargo): (&FlowId, &Cargo)| match cargo {
            Cargo::Image { peer: to, kind, image, .. } if *to == peer => Some((*flow, *kind, *image)),
            _ => None,
        };
        let mut flows: Vec<(FlowId, Kind, u16)> = self.cargo.iter().filter_map(of_peer).collect();
        flows.sort_unstable_by_key(|(flow, ..)| *flow);
        for (flow, kind, image) in flows {
            self.network.cancel_transfer(now, flow);
            self.drop_cargo(flow);
            self.fetch_failed(now, peer, kind, image, why);
        }
        self.await_transfers();
    }

    /// Whatever writes into the file system of its container will find the disk full.
    fn foresee_writes(&mut self, now: Time, peer: PeerId) {
        for run in self.at_work(peer).0 {
            self.foresee_write(now, peer, run);
        }
    }

    /// The same of one run.
    pub(in crate::sim) fn foresee_write(&mut self, now: Time, peer: PeerId, run: RunId) {
        let executor = &self.hosts[peer.0 as usize].executor;
        if let (Some(after), Some(turn)) = (executor.writes_after(now, run, &self.images), executor.turn(run))
        {
            self.after(now + after, peer, run, ExecutionStep::Writes(turn));
        }
    }

    /// Whether a machine runs nothing of what it says.
    pub(in crate::sim) fn is_idle_liar(&self, peer: PeerId) -> bool {
        self.troubles.of(peer).any(|trouble| matches!(trouble, Trouble::Byzantine { idle: true, .. }))
    }

    /// Whether services on a machine answer nobody, although it says that they are well.
    pub(in crate::sim) fn serves_nobody(&self, peer: PeerId) -> bool {
        self.troubles.has(peer, Trouble::Lies) || self.is_idle_liar(peer)
    }

    /// From now on a machine only says that it runs anything: its tasks are over.
    fn pretend_all(&mut self, now: Time, peer: PeerId) {
        for run in self.at_work(peer).0 {
            if self.hosts[peer.0 as usize].executor.is_task(run, &self.images)
                && let Some(turn) = self.hosts[peer.0 as usize].executor.turn(run)
            {
                self.after(now, peer, run, ExecutionStep::Pretended(turn));
            }
        }
    }

    /// What a task that ends here is said to have printed, if that is not what it has.
    pub(in crate::sim) fn wrong_result(&mut self, peer: PeerId, run: RunId, image: u16) -> Option<Output> {
        let lies = self.troubles.of(peer).find_map(|trouble| match trouble {
            Trouble::Byzantine { fraction_wrong, colluding, idle } => {
                Some((if idle { 1.0 } else { fraction_wrong }, colluding))
            }
            _ => None,
        });
        let (chance, colluding) = lies?;
        let entity = entity_of(peer.0, run.slot, run.run);
        if !self.streams.owned(LIES, entity).chance(chance) {
            return None;
        }
        let liar = if colluding { String::new() } else { format!(" {entity}") };
        let name = &self.images.image(image).name;
        let digest = Sha256::digest(format!("not what {name} computes{liar}"));
        let text = data_encoding::HEXLOWER.encode(&digest);
        self.troubles.note_wrong(peer, run);
        let told = Printed(text.into());
        self.note_lie(&told);
        Some(Output { stdout: told, ..Output::default() })
    }

    /// A node hears of an end: if its result is wrong, that is what it passes on.
    pub(in crate::sim) fn note_result(&mut self, peer: PeerId, report: &Execution) {
        if let Execution::Exited { run, .. } = report
            && self.troubles.forget_wrong(peer, *run)
            && let Some((allocation, generation)) =
                self.hosts[peer.0 as usize].peer.provider().allocation_of(*run)
        {
            self.ledger.told_wrong(allocation, generation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Distribution;
    use crate::sim::conservation::tests::setup;
    use crate::sim::setup::{Image, ImageBehaviour, Setup, When};

    /// A setup whose peers all lie about the results of its only image.
    fn lying(fraction_wrong: f64, colluding: bool) -> Setup {
        let mut setup = setup();
        let run = Distribution::Constant { value_s: 60.0 };
        let behaviour = ImageBehaviour::Task { run, exit_code: 0, prints: Default::default(), stalls: None };
        setup.images.push(Image::new("job", 0, run, behaviour));
        setup.faults.push(Fault::Machine {
            at: When::At(Time::ZERO),
            lasts: Distribution::Constant { value_s: 60.0 },
            who: Selection::default(),
            trouble: Trouble::Byzantine { fraction_wrong, colluding, idle: false },
        });
        setup
    }

    /// What all peers tell of so many runs each, where it is wrong.
    fn told(setup: &Setup, runs: u32) -> Vec<String> {
        let mut world = World::new(setup).unwrap();
        world.advance(Time(1), &mut |_, _| true);
        let peers = (0..world.hosts.len() as u32).map(PeerId);
        let all: Vec<_> = peers.flat_map(|peer| (0..runs).map(move |run| (peer, run))).collect();
        let wrong = all.into_iter().filter_map(|(peer, run)| {
            let output = world.wrong_result(peer, RunId { slot: 0, run }, 0)?;
            Some(output.stdout.0.to_string())
        });
        wrong.collect()
    }

    #[test]
    fn those_who_collude_tell_the_same_and_others_do_not() {
        let mut together = told(&lying(1.0, true), 2);
        assert_eq!((together.len(), together[0].len()), (6, 64));
        together.dedup();
        assert_eq!(together.len(), 1);
        let mut apart = told(&lying(1.0, false), 2);
        apart.sort();
        apart.dedup();
        assert_eq!(apart.len(), 6);
        let some = told(&lying(0.3, true), 1000).len();
        assert!((800..1000).contains(&some), "{some} of 3000");
    }
}
