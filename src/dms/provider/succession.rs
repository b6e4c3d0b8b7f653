//! Who orchestrates what runs here, where deployments are handed over (an extension of DMS, see
//! [`crate::dms::deputy`]).

use std::sync::Arc;

use super::{Provider, grant_health_checks};
use crate::dms::actor::{Envelope, Message};
use crate::dms::deputy::{DeputyMessage, Mandate};
use crate::dms::desk::Desk;
use crate::dms::identity::{Did, Handle, Inbox};

impl Provider {
    /// Somebody says that it orchestrates an ensemble of which allocations live here. It is believed if the
    /// ensemble's actor, whose key is known here, has signed that, for that very sender, in a later term.
    pub(super) fn handle_take_over(
        &mut self,
        desk: &mut Desk<'_, '_>,
        from: &Handle,
        mandate: &Arc<Mandate>,
    ) -> Message {
        let Some(hosted) = self.hosted.get(&mandate.ensemble) else {
            return Message::Error(format!("nothing of ensemble {} lives here", mandate.ensemble).into());
        };
        match &hosted.mandate {
            Some(known) if known == mandate => return Message::Ok,
            Some(known) if known.term >= mandate.term => return superseded(known),
            _ => {}
        }
        let mode = desk.security.capabilities.trust().mode();
        if *from != *mandate.successor {
            return Message::Error("the mandate is somebody else's".into());
        }
        if !mandate.is_of(&hosted.orchestrator.id, mode) {
            return Message::Error("the mandate is not signed by the ensemble's actor".into());
        }
        self.follow(desk, mandate);
        Message::Ok
    }

    /// Takes orders by a mandate from now on, and reports to its holder.
    fn follow(&mut self, desk: &mut Desk<'_, '_>, mandate: &Arc<Mandate>) {
        let Some(hosted) = self.hosted.get_mut(&mandate.ensemble) else { return };
        hosted.orchestrator = Arc::clone(&mandate.successor);
        hosted.mandate = Some(Arc::clone(mandate));
        hosted.heard = desk.now;
        hosted.confirmation = None;
        let orchestrator = mandate.successor.did.clone();
        self.redirect_farewells(mandate.ensemble, &mandate.successor);
        let of_it = self.allocations.values().filter(|allocation| allocation.ensemble == mandate.ensemble);
        let actors: Vec<Did> = of_it.map(|allocation| allocation.actor.handle.id.did()).collect();
        if actors.is_empty() {
            // What has ended here is asked for as well.
            self.grant_ensemble(desk, &orchestrator, mandate.ensemble);
        }
        for actor in actors {
            self.grant_orchestrator(desk, &orchestrator, &actor, mandate.ensemble);
            grant_health_checks(desk, &orchestrator, &actor);
        }
    }

    /// Whether somebody who creates allocations is the ensemble's orchestrator, by the mandate that it shows.
    ///
    /// # Errors
    /// The answer, where it is not.
    pub(super) fn recognise(
        &mut self,
        desk: &mut Desk<'_, '_>,
        orchestrator: &Handle,
        mandate: Option<&Arc<Mandate>>,
    ) -> Result<(), Message> {
        let Some(mandate) = mandate else { return Ok(()) };
        let is_known =
            self.hosted.get(&mandate.ensemble).is_some_and(|one| one.mandate.as_ref() == Some(mandate));
        match self.handle_take_over(desk, orchestrator, mandate) {
            Message::Ok => {
                if !is_known {
                    self.question_successor(desk, mandate.ensemble);
                }
                Ok(())
            }
            refused => Err(refused),
        }
    }

    /// The answer to an order of somebody who does not orchestrate the ensemble any more, or not yet.
    pub(super) fn refuse_superseded(&self, request: &Envelope) -> Option<Message> {
        if self.hosted.values().all(|hosted| hosted.mandate.is_none()) {
            return None;
        }
        let Inbox::Ensemble(ensemble) = &request.from.inbox else { return None };
        let hosted = self.hosted.get(ensemble)?;
        let mandate = hosted.mandate.as_ref()?;
        (request.from.host != hosted.orchestrator.host).then(|| superseded(mandate))
    }
}

fn superseded(mandate: &Arc<Mandate>) -> Message {
    Message::Deputy(Box::new(DeputyMessage::Superseded(Arc::clone(mandate))))
}
