//! Which requests for bids are answered (dms-capabilities section 6.5): only those whose contracts hold.
//!
//! For every contract that a request names, the provider asks its host whether a chain leads from the orchestrator to
//! it. The real DMS asks the contract's actor when that fails for any reason, and is content when the contract is
//! valid, whoever the orchestrator is (C6); as it is meant, what the host says counts. The questions take their time
//! out of the five seconds of the round. Nothing compares what is asked for with what the contract says.

use std::sync::Arc;

use super::{Contracts, Purpose, actor_of, usage};
use crate::dms::actor::{Actor, BehaviourKind, BidRequest, Envelope, Message};
use crate::dms::constants::CONTRACT_MESSAGE_TIMEOUT;
use crate::dms::contract::chain::ChainRequest;
use crate::dms::contract::message::{ContractMessage, ContractRef};
use crate::dms::desk::Desk;
use crate::dms::fact::{Fact, Stage};
use crate::dms::identity::Did;
use crate::dms::profile::Weakness;

/// A request for bids whose contracts are being looked at.
#[derive(Clone, Debug)]
struct Screening {
    number: u64,
    envelope: Box<Envelope>,
    request: Arc<BidRequest>,
    /// The contract that is looked at.
    place: usize,
    /// The tails of those that hold.
    tails: Vec<Did>,
    /// Whether its actor was asked because its host did not say yes.
    fallen_back: bool,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Admission {
    screenings: Vec<Screening>,
    count: u64,
}

impl Admission {
    /// Whether no request was ever screened.
    pub(super) const fn is_untouched(&self) -> bool {
        self.count == 0
    }
}

impl Contracts {
    /// Whether a request for bids has to wait, or is not answered at all; otherwise the provider may go on with it.
    pub(in crate::dms) fn screen(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        envelope: &Envelope,
    ) -> bool {
        let Message::BidRequest(request) = &envelope.message else { return false };
        if request.contracts.is_empty() {
            if self.config.require_contracts {
                refuse(desk, request, "contracts are required and the request names none".into());
            }
            return self.config.require_contracts;
        }
        self.admission.count += 1;
        let number = self.admission.count;
        self.admission.screenings.push(Screening {
            number,
            envelope: Box::new(envelope.clone()),
            request: Arc::clone(request),
            place: 0,
            tails: Vec::new(),
            fallen_back: false,
        });
        self.ask_about_chain(desk, root, number);
        true
    }

    fn ask_about_chain(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, number: u64) {
        let Some((contract, orchestrator)) = self.looked_at(number) else { return };
        let chain = ChainRequest {
            contract_did: contract.did.clone(),
            provider_did: root.handle.did.clone(),
            orchestrator_did: orchestrator,
        };
        let message = ContractMessage::Chain(Box::new(chain));
        let purpose = Purpose::Admission(number);
        self.call_node(desk, root, &contract.host, BehaviourKind::ContractChainVerify, message, purpose);
    }

    fn ask_actor(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, number: u64) {
        let Some((contract, _)) = self.looked_at(number) else { return };
        let message = ContractMessage::About(contract.did.clone());
        match actor_of(&contract.did, &contract.host) {
            Some(actor) => {
                let (kind, timeout) = (BehaviourKind::ContractValidate, CONTRACT_MESSAGE_TIMEOUT);
                self.call(desk, root, &actor, kind, message, timeout, Purpose::Admission(number));
            }
            None => self.turn_down(desk, number, "the contract names no key"),
        }
    }

    /// The contract that a screening looks at, and the orchestrator's DID.
    fn looked_at(&self, number: u64) -> Option<(ContractRef, Did)> {
        let screening = self.admission.screenings.iter().find(|known| known.number == number)?;
        let contract = screening.request.contracts.get(screening.place)?;
        Some((contract.clone(), screening.envelope.from.did.clone()))
    }

    /// An answer about a contract. When it was the last and all of them hold, the request is returned.
    pub(super) fn admission_answered(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        number: u64,
        reply: &Message,
    ) -> Option<Box<Envelope>> {
        let place = self.admission.screenings.iter().position(|known| known.number == number)?;
        let screening = &mut self.admission.screenings[place];
        let tail = match reply {
            Message::Contract(said) => match &**said {
                ContractMessage::ChainHolds(answer) => Some(answer.contract_b.clone()),
                ContractMessage::Answer(true) => Some(Did::Empty),
                _ => None,
            },
            _ => None,
        };
        if let Some(tail) = tail {
            screening.tails.push(tail);
            screening.place += 1;
            screening.fallen_back = false;
            if screening.place < screening.request.contracts.len() {
                self.ask_about_chain(desk, root, number);
                return None;
            }
            let Screening { envelope, request, tails, .. } = self.admission.screenings.swap_remove(place);
            let (contracts, orchestrator) = (&request.contracts, &envelope.from.did);
            let named = || usage::Named::by(Arc::clone(contracts), orchestrator.clone());
            let known = self.named.entry(request.ensemble).or_insert_with(named);
            known.lead_to(tails, contracts, orchestrator);
            return Some(envelope);
        }
        let reason = match reply {
            Message::Error(reason) => Arc::clone(reason),
            _ => "contract is invalid".into(),
        };
        if desk.security.profile.has(Weakness::LooseParticipants) && !screening.fallen_back {
            screening.fallen_back = true;
            self.ask_actor(desk, root, number);
        } else {
            self.turn_down(desk, number, &reason);
        }
        None
    }

    fn turn_down(&mut self, desk: &mut Desk<'_, '_>, number: u64, reason: &str) {
        let Some(place) = self.admission.screenings.iter().position(|known| known.number == number) else {
            return;
        };
        let screening = self.admission.screenings.swap_remove(place);
        let name = screening.request.contracts.get(screening.place).map_or("", |contract| &*contract.name);
        refuse(desk, &screening.request, format!("contract {name}: {reason}").into());
    }
}

/// On the network a refusal is silence.
fn refuse(desk: &mut Desk<'_, '_>, request: &BidRequest, reason: Arc<str>) {
    desk.fact(Fact::StageFailed { ensemble: request.ensemble, stage: Stage::Bid, reason });
}
