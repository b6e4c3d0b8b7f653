//! Whether an orchestrator still wants what runs here (dms-orchestration section 4.6).
//!
//! A provider that has started again asks for each ensemble: after a pause it calls the orchestrator's host, and when
//! that answers, the deployment's actor, three times at most. "No" ends the allocations, "wait" means to ask again, and
//! a host that is not there is tried again after ever longer pauses. After three hours of silence the provider gives
//! up.
//!
//! To the real DMS a host that answers and a deployment that does not are a "no" (W23), and it asks only after a
//! restart (W20). The intended provider asks also when it has not heard from an orchestrator for half an hour, so that
//! an orchestrator that is gone for good leaves nothing behind.

use std::sync::Arc;

use super::{Allocation, Provider};
use crate::dms::actor::{Behaviour, BehaviourKind, Envelope, Message};
use crate::dms::constants::{
    CONFIRM_COOLDOWN_MAX, CONFIRM_COOLDOWN_MIN, CONFIRM_GIVE_UP, CONFIRM_PING_TIMEOUT, CONFIRM_QUERIES,
    CONFIRM_QUERY_PAUSE, CONFIRM_QUERY_TIMEOUT, GRANT_ALLOCATION_CAPS_FREQUENCY,
};
use crate::dms::desk::Desk;
use crate::dms::fact::{Fact, Stage};
use crate::dms::identity::{EnsembleId, Handle};
use crate::dms::outbox::{Owner, Timer};
use crate::dms::profile::Weakness;
use crate::kernel::{Span, Timestamp};

/// How long an orchestrator may be silent before it is asked.
const SILENCE: Span = Span(GRANT_ALLOCATION_CAPS_FREQUENCY.0 / 2);

/// An open question.
#[derive(Clone, Debug)]
pub(super) struct Confirmation {
    /// Its timers carry it.
    number: u32,
    step: Step,
    /// The pause before the next attempt.
    cooldown: Span,
    /// When the orchestrator was last heard, or the provider started.
    since: Timestamp,
    /// Whether it is asked although its calls show that it wants something of what is here.
    insists: bool,
}

/// What a question waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// The pause before an attempt.
    Cooldown,
    /// The orchestrator's host, by the nonce of the call.
    Host(u64),
    /// The deployment, by the nonce of the query; which query it is.
    Deployment(u64, u8),
    /// The pause before another query.
    Pause(u8),
}

impl Provider {
    /// After a restart: every orchestrator is asked.
    pub(super) fn begin_confirmations(&mut self, desk: &mut Desk<'_, '_>) {
        for place in
            (0..self.hosted.len()).filter(|place| self.has_allocations_at(*place)).collect::<Vec<_>>()
        {
            self.begin_confirmation(desk, place, (desk.now, CONFIRM_COOLDOWN_MIN), false);
        }
    }

    /// Asks the orchestrators that have been silent for long. The real DMS asks none: what one leaves behind that is
    /// gone for good runs for ever (W20).
    pub(super) fn question_silent_orchestrators(&mut self, desk: &mut Desk<'_, '_>) {
        if desk.security.profile.has(Weakness::Orphans) {
            return;
        }
        for place in 0..self.hosted.len() {
            let hosted = &self.hosted[place];
            let silent = hosted.confirmation.is_none() && desk.now.since(hosted.heard) >= SILENCE;
            if silent && self.has_allocations_at(place) {
                // By a clock that runs on it is not longer ago; one that was put forward has not waited for anybody.
                let since = self.hosted[place].heard.max(desk.now - SILENCE.times(2));
                self.begin_confirmation(desk, place, (since, Span::ZERO), false);
            }
        }
    }

    fn begin_confirmation(
        &mut self,
        desk: &mut Desk<'_, '_>,
        place: usize,
        (since, cooldown): (Timestamp, Span),
        insists: bool,
    ) {
        self.confirmations += 1;
        let number = self.confirmations;
        self.hosted[place].confirmation = Some(Confirmation {
            number,
            step: Step::Cooldown,
            cooldown: CONFIRM_COOLDOWN_MIN,
            since,
            insists,
        });
        desk.timer(cooldown, Timer::Confirm(number));
    }

    /// Somebody brings something new of an ensemble by a mandate that was not shown here before, and so may not know
    /// what of it lives here already: it is asked.
    pub(super) fn question_successor(&mut self, desk: &mut Desk<'_, '_>, ensemble: EnsembleId) {
        let Some(place) = self.hosted.get_index_of(&ensemble) else { return };
        if self.has_allocations_at(place) {
            self.begin_confirmation(desk, place, (desk.now, CONFIRM_COOLDOWN_MIN), true);
        }
    }

    /// The orchestrator of an ensemble has called one of its allocations.
    pub(in crate::dms) fn hear_orchestrator(&mut self, ensemble: EnsembleId, now: Timestamp) {
        if let Some(hosted) = self.hosted.get_mut(&ensemble) {
            hosted.heard = hosted.heard.max(now);
        }
    }

    /// The orchestrator of an allocation calls it, so it wants it.
    pub(super) fn hear(&mut self, desk: &Desk<'_, '_>, id: &str, request: &Envelope) {
        let Some(allocation) = self.allocations.get(id) else { return };
        let Some(hosted) = self.hosted.get_mut(&allocation.ensemble) else { return };
        let calls = request.from == hosted.orchestrator && request.behaviour.reply_nonce().is_none();
        if calls {
            hosted.heard = desk.now;
            let insists = hosted.confirmation.as_ref().is_some_and(|confirmation| confirmation.insists);
            if !insists && !desk.security.profile.has(Weakness::HastyDestruction) {
                hosted.confirmation = None;
            }
        }
    }

    /// Whether the answer to a question may come with this nonce.
    pub(super) fn awaits_confirmation(&self, nonce: u64) -> bool {
        self.asked(nonce).is_some()
    }

    fn asked(&self, nonce: u64) -> Option<usize> {
        let waits = |confirmation: &Confirmation| match confirmation.step {
            Step::Host(asked) | Step::Deployment(asked, _) => asked == nonce,
            Step::Cooldown | Step::Pause(_) => false,
        };
        self.hosted.values().position(|hosted| hosted.confirmation.as_ref().is_some_and(waits))
    }

    /// A pause is over.
    pub(super) fn go_on_confirming(&mut self, desk: &mut Desk<'_, '_>, number: u32) {
        let of_timer = |confirmation: &Confirmation| confirmation.number == number;
        let Some(place) =
            self.hosted.values().position(|hosted| hosted.confirmation.as_ref().is_some_and(of_timer))
        else {
            return;
        };
        match self.hosted[place]
            .confirmation
            .as_ref()
            .map(|confirmation| (confirmation.step, confirmation.since))
        {
            Some((Step::Cooldown, since)) if desk.now.since(since) >= CONFIRM_GIVE_UP => {
                self.give_up(desk, place, "its orchestrator has been silent for 3 h");
            }
            Some((Step::Cooldown, _)) => self.call_host(desk, place),
            Some((Step::Pause(queries), _)) => self.query(desk, place, queries),
            _ => {}
        }
    }

    /// An answer, or none in time.
    pub(super) fn resolve_confirmation(
        &mut self,
        desk: &mut Desk<'_, '_>,
        nonce: u64,
        answer: Option<&Message>,
    ) {
        let Some(place) = self.asked(nonce) else { return };
        let Some(confirmation) = &mut self.hosted[place].confirmation else { return };
        match (confirmation.step, answer) {
            (Step::Host(_), Some(_)) => self.query(desk, place, 0),
            (Step::Deployment(..), Some(Message::Ok)) => {
                self.hosted[place].confirmation = None;
                self.hosted[place].heard = desk.now;
            }
            (Step::Deployment(..), Some(Message::Wait)) => {
                confirmation.cooldown = CONFIRM_COOLDOWN_MIN;
                self.cool_down(desk, place);
            }
            (Step::Deployment(..), Some(_)) => {
                self.give_up(desk, place, "its orchestrator does not want it any more");
            }
            (Step::Deployment(_, queries), None) if queries < CONFIRM_QUERIES => {
                confirmation.step = Step::Pause(queries);
                let number = confirmation.number;
                desk.timer(CONFIRM_QUERY_PAUSE, Timer::Confirm(number));
            }
            (Step::Deployment(..), None) if desk.security.profile.has(Weakness::HastyDestruction) => {
                self.give_up(desk, place, "its orchestrator's host answers, and its deployment does not");
            }
            _ => self.cool_down(desk, place),
        }
    }

    /// Waits before the next attempt, longer each time, and not beyond the moment to give up.
    fn cool_down(&mut self, desk: &mut Desk<'_, '_>, place: usize) {
        let Some(confirmation) = &mut self.hosted[place].confirmation else { return };
        let left = (confirmation.since + CONFIRM_GIVE_UP).since(desk.now);
        confirmation.step = Step::Cooldown;
        desk.timer(confirmation.cooldown.min(left), Timer::Confirm(confirmation.number));
        confirmation.cooldown = confirmation.cooldown.times(2).min(CONFIRM_COOLDOWN_MAX);
    }

    fn call_host(&mut self, desk: &mut Desk<'_, '_>, place: usize) {
        let root = Arc::new(Handle::root(self.hosted[place].orchestrator.host.0));
        let behaviour = Behaviour::fixed(BehaviourKind::PublicHello);
        self.ask(desk, place, &root, behaviour, Message::Hello, CONFIRM_PING_TIMEOUT, Step::Host);
    }

    fn query(&mut self, desk: &mut Desk<'_, '_>, place: usize, queries: u8) {
        let ensemble = self.ensemble_at(place);
        let (to, behaviour) = {
            let hosted = &self.hosted[place];
            (Arc::clone(&hosted.orchestrator), hosted.behaviours.deployment_state.clone())
        };
        let own = |(_, allocation): &(&Arc<str>, &Allocation)| allocation.ensemble == ensemble;
        let allocations = self.allocations.iter().filter(own);
        let allocations = allocations.map(|(id, allocation)| (Arc::clone(id), allocation.generation));
        let message = Message::DeploymentState(allocations.collect());
        let step = |nonce| Step::Deployment(nonce, queries + 1);
        self.ask(desk, place, &to, behaviour, message, CONFIRM_QUERY_TIMEOUT, step);
    }

    /// Sends in the name of the ensemble's first allocation, for whose reports the orchestrator has given authority.
    #[expect(clippy::too_many_arguments, reason = "a question is just that many things")]
    fn ask(
        &mut self,
        desk: &mut Desk<'_, '_>,
        place: usize,
        to: &Arc<Handle>,
        behaviour: Behaviour,
        message: Message,
        timeout: Span,
        step: impl FnOnce(u64) -> Step,
    ) {
        let ensemble = self.ensemble_at(place);
        let first = self.allocations.values_mut().find(|allocation| allocation.ensemble == ensemble);
        let Some(allocation) = first else { return };
        let nonce = desk.invoke(&mut allocation.actor, Owner::Provider, to, behaviour, message, timeout);
        if let Some(confirmation) = &mut self.hosted[place].confirmation {
            confirmation.step = step(nonce);
        }
    }

    fn ensemble_at(&self, place: usize) -> EnsembleId {
        *self.hosted.get_index(place).expect("the caller has found it there").0
    }

    /// Whether anything of an ensemble lives here; of another only logs are kept.
    fn has_allocations_at(&self, place: usize) -> bool {
        let ensemble = self.ensemble_at(place);
        self.allocations.values().any(|allocation| allocation.ensemble == ensemble)
    }

    /// Ends everything of an ensemble that is here.
    fn give_up(&mut self, desk: &mut Desk<'_, '_>, place: usize, reason: &str) {
        let ensemble = self.ensemble_at(place);
        let reason = format!("given up by its provider: {reason}").into();
        desk.fact(Fact::StageFailed { ensemble, stage: Stage::Run, reason });
        let own: Vec<Arc<str>> = self
            .allocations
            .iter()
            .filter(|(_, allocation)| allocation.ensemble == ensemble)
            .map(|(id, _)| Arc::clone(id))
            .collect();
        for id in own {
            self.release(desk, &id, u32::MAX);
        }
        self.forget_if_empty(ensemble);
    }

    /// Whether what an allocation holds is to be kept for an orchestrator that is down: it may come back.
    #[must_use]
    pub fn keeps_for_absent(&self, allocation: &str, now: Timestamp) -> bool {
        let hosted = self.allocations.get(allocation).and_then(|found| self.hosted.get(&found.ensemble));
        hosted.is_some_and(|hosted| {
            let asked = hosted.confirmation.as_ref().map_or(hosted.heard, |confirmation| confirmation.since);
            now.since(asked.max(hosted.heard)) <= CONFIRM_GIVE_UP
        })
    }
}
