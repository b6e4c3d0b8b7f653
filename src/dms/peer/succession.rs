//! A node as a principal and as a deputy: its part in handing deployments over (see [`crate::dms::deputy`]).

use super::{Peer, give_answers};
use crate::dms::actor::{Behaviour, BehaviourKind, Envelope};
use crate::dms::deputy::{Deputies, DeputyConfig};
use crate::dms::desk::Desk;
use crate::dms::identity::{EnsembleId, Inbox};
use crate::dms::orchestrator::Deployment;
use crate::dms::outbox::{Input, Outbox, Owner, Timer};
use crate::kernel::Timestamp;

/// The deployments that an input may change.
#[derive(Clone, Copy, Debug)]
pub(super) enum Touched {
    Nothing,
    Number(u32),
    Of(EnsembleId),
    Everything,
}

impl Touched {
    pub(super) fn by(input: &Input<'_>) -> Self {
        match input {
            Input::Timer(timer) => timer.deployment().map_or(Self::Nothing, Self::Number),
            Input::Dispatch(envelope) => match envelope.to.as_ref().map(|to| &to.inbox) {
                Some(Inbox::Ensemble(id)) => Self::Of(*id),
                Some(Inbox::Root) if envelope.behaviour.kind.is_about_deployments() => Self::Everything,
                _ => Self::Nothing,
            },
            Input::Command(_) => Self::Everything,
            _ => Self::Nothing,
        }
    }
}

impl Peer {
    /// Who stands in for it, and for whom it stands in.
    pub fn configure_deputies(&mut self, config: DeputyConfig) {
        self.deputies.configure(config);
    }

    /// The place of the deployment of this id: of the last one, where the node has had it before.
    pub(super) fn place_of(&self, id: EnsembleId) -> Option<usize> {
        Deployment::latest(&self.deployments, id)
    }

    /// The deployment of this id: the last one, where the node has had it before.
    #[must_use]
    pub fn deployment(&self, id: EnsembleId) -> Option<&Deployment> {
        self.place_of(id).map(|place| &self.deployments[place])
    }

    /// Tells its deputy what has become of its deployments.
    pub(super) fn inform_deputy(&mut self, now: Timestamp, touched: Touched, out: &mut Outbox<'_>) {
        if !self.deputies.has_deputy() {
            return;
        }
        let places = match touched {
            Touched::Nothing => return,
            Touched::Number(number) => number as usize..number as usize + 1,
            Touched::Of(id) => match self.place_of(id) {
                Some(place) => place..place + 1,
                None => return,
            },
            Touched::Everything => 0..self.deployments.len(),
        };
        let mut desk = Desk { now, security: &mut self.security, out };
        for place in places {
            let Some(deployment) = self.deployments.get(place) else { continue };
            // What this node has taken back since is told of as it is now.
            let is_former = deployment.is_handed_over()
                && Deployment::latest(&self.deployments, deployment.id()) != Some(place);
            if !is_former {
                self.deputies.inform(&mut desk, &mut self.root, deployment);
            }
        }
    }

    /// After a restart: deployments go on, those that a deputy may have taken over after it has said that it has not.
    pub(super) fn resume_deployments(&mut self, now: Timestamp, out: &mut Outbox<'_>) {
        let mut desk = Desk { now, security: &mut self.security, out };
        for deployment in &mut self.deployments {
            if self.deputies.vets(deployment) {
                deployment.hold();
                self.deputies.inform(&mut desk, &mut self.root, deployment);
                continue;
            }
            if deployment.is_handed_over() || deployment.owes_its_end() {
                self.deputies.tell(&mut desk, &mut self.root, deployment);
            }
            deployment.resume(&mut desk);
        }
    }

    /// Whether a message to the node is about handing over.
    pub(super) fn concerns_deputies(&self, behaviour: &Behaviour) -> bool {
        match behaviour.kind {
            BehaviourKind::ReplyTo => self.deputies.awaits(behaviour),
            kind => Deputies::is_responsible(kind),
        }
    }

    /// Handles one.
    pub(super) fn handle_deputy(&mut self, now: Timestamp, envelope: &Envelope, out: &mut Outbox<'_>) {
        let mut desk = Desk { now, security: &mut self.security, out };
        let (deputies, deployments) = (&mut self.deputies, &mut self.deployments);
        match envelope.behaviour.reply_nonce() {
            Some(nonce) => {
                let answer = Some((&envelope.from.host, &envelope.message));
                deputies.resolve(&mut desk, &mut self.root, deployments, nonce, answer);
            }
            None => deputies.handle(&mut desk, &mut self.root, deployments, envelope),
        }
    }

    /// A beat or a look is due, or an answer overdue.
    pub(super) fn handle_deputy_timer(&mut self, now: Timestamp, timer: Timer, out: &mut Outbox<'_>) {
        let mut desk = Desk { now, security: &mut self.security, out };
        let (deputies, deployments) = (&mut self.deputies, &mut self.deployments);
        match timer {
            Timer::Beat => deputies.beat(&mut desk, &mut self.root, deployments),
            Timer::Reply(Owner::Deputy, nonce) => {
                deputies.resolve(&mut desk, &mut self.root, deployments, nonce, None);
            }
            _ => self.take_over(now, out),
        }
    }

    /// Goes on with the deployments of principals that have been silent for too long.
    fn take_over(&mut self, now: Timestamp, out: &mut Outbox<'_>) {
        let mut desk = Desk { now, security: &mut self.security, out };
        for record in self.deputies.watch(&mut desk) {
            let mut desk = Desk { now, security: &mut self.security, out };
            let record = record.handed_over(&self.root.handle, now);
            // It may have had it before, and lost it to the one that it now takes it from. What that one did not hear
            // of is not forgotten: what was placed where, and that it has ended.
            let former = Deployment::latest(&self.deployments, record.id);
            let former = former.map(|place| self.deployments[place].record());
            if let Some(mandate) = &record.mandate {
                for former in self.deployments.iter_mut().filter(|former| former.id() == record.id) {
                    former.hear_mandate(&mut desk, mandate);
                }
            }
            let number = self.deployments.len() as u32;
            let location = self.provider.machine().location.clone();
            let mut deployment = Deployment::restored(number, record, self.atlas, now).at(location);
            deployment.succeed(&mut desk);
            if let Some(former) = former {
                deployment.undo_foreign(&mut desk, &former);
            }
            self.deputies.inform(&mut desk, &mut self.root, &deployment);
            give_answers(&mut desk, &mut self.root, &mut deployment);
            self.deployments.push(deployment);
            self.join_queue();
        }
    }
}
