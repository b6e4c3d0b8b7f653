//! A contract host: it makes contracts, runs an actor for each, proposes them to their parties, takes usage in and has
//! it billed (dms-capabilities sections 6.3, 6.4, 6.6 and 6.9).

use std::sync::Arc;

use super::{Contracts, Purpose, Waiting, payload, said};
use crate::dms::actor::{Actor, BehaviourKind, Envelope, Message, SecurityContext};
use crate::dms::capability::{Anchors, Capability, CapabilityContext, Rules};
use crate::dms::constants::{
    BILLING_POLL_INTERVAL, BILLING_TASKS, CONTRACT_EXPIRY_INTERVAL, CONTRACT_GRANT_DURATION,
};
use crate::dms::contract::billing::{Account, Trigger};
use crate::dms::contract::chain::{self, ChainRequest};
use crate::dms::contract::fact::ContractFact;
use crate::dms::contract::message::ContractMessage;
use crate::dms::contract::model::Contract;
use crate::dms::contract::signing;
use crate::dms::contract::state::{Event, State, TransitionError};
use crate::dms::contract::usage::{UsageEvent, UsageLog};
use crate::dms::desk::Desk;
use crate::dms::identity::{Did, Inbox, SecretKey};
use crate::dms::outbox::Outbox;
use crate::dms::profile::{Profile, Weakness};
use crate::kernel::{Span, Timestamp};

/// What a contract's actor lets both parties do.
static OF_PARTIES: [Capability; 8] = [
    Capability::fixed("/dms/tokenomics/contract/events"),
    Capability::fixed("/dms/tokenomics/contract/terminate"),
    Capability::fixed("/dms/tokenomics/contract/complete"),
    Capability::fixed("/dms/tokenomics/contract/state"),
    Capability::fixed("/dms/tokenomics/contract/settle"),
    Capability::fixed("/dms/tokenomics/contract/validate"),
    Capability::fixed("/dms/tokenomics/contract/sign"),
    Capability::fixed("/dms/tokenomics/contract/payment/validate"),
];
/// What it lets its host do.
static OF_HOST: [Capability; 1] = [Capability::fixed("/dms/tokenomics")];
/// What it lets its payment validator do.
static OF_VALIDATOR: [Capability; 1] = [Capability::fixed("/dms/tokenomics/contract/payment/validate")];
/// Its grants are renewed at half of their life, as those of allocations are.
const RENEWAL: Span = Span(CONTRACT_GRANT_DURATION.0 / 2);

/// A contract whose actor lives here. The actor has a key, a DID and an authority of its own, with the host as root.
#[derive(Clone, Debug)]
pub(super) struct Hosted {
    pub(super) contract: Contract,
    pub(super) actor: Actor,
    pub(super) security: SecurityContext,
    pub(super) account: Account,
    log: UsageLog,
    created: Timestamp,
    granted: Timestamp,
    /// Whether an invoice waits for the validator's answer.
    billing: bool,
    /// Whether the last look at the end date has been.
    expired: bool,
}

impl Hosted {
    /// The actor of a contract that the host was asked to make.
    fn new(desk: &mut Desk<'_, '_>, host: &Actor, draft: &Contract) -> Self {
        let context = &desk.security.capabilities;
        let secret = SecretKey::ed25519(desk.out.random.bytes(), context.trust().mode());
        let did = Did::Key(secret.public());
        let inbox = Inbox::Other(did.to_string().into());
        let mut capabilities = CapabilityContext::new("contract", secret.clone(), context.rules());
        let roots = std::slice::from_ref(&host.handle.did);
        capabilities
            .add_roots(&Anchors { roots, ..Anchors::default() }, desk.now)
            .expect("a root needs no verification");
        let actor = Actor::child(secret, did.clone(), host.handle.host, inbox, desk.now);
        let contract = Contract {
            contract_did: did,
            current_state: State::Draft,
            signatures: Vec::new(),
            transitions: Vec::new(),
            paid: false,
            settled: false,
            termination_started: None,
            ..draft.clone()
        };
        let mut hosted = Self {
            contract,
            actor,
            security: SecurityContext::new(capabilities, desk.security.profile),
            account: Account::default(),
            log: UsageLog::default(),
            created: desk.now,
            granted: desk.now,
            billing: false,
            expired: false,
        };
        hosted.grant_all(desk.now, desk.out, &host.handle.did);
        hosted
    }

    /// Lets the host, the parties and the validator work with the contract, for seven days.
    pub(super) fn grant_all(&mut self, now: Timestamp, out: &mut Outbox<'_>, host: &Did) {
        self.granted = now;
        let (parties, own) = (&self.contract.participants, self.actor.handle.id.did());
        for (subject, capabilities) in [
            (host, &OF_HOST[..]),
            (&parties.provider, &OF_PARTIES),
            (&parties.requestor, &OF_PARTIES),
            (&self.contract.payment_validator_did, &OF_VALIDATOR),
        ] {
            let (duration, random) = (CONTRACT_GRANT_DURATION, &mut out.random);
            self.security
                .grant(subject, &own, capabilities, duration, now, random)
                .expect("a grant for a positive time is valid");
        }
    }

    pub(super) const fn stop(&mut self) {
        self.billing = false;
    }

    pub(super) fn upgrade(&mut self, profile: Profile) {
        self.security.profile = profile;
        self.security.capabilities.set_rules(Rules::of(profile));
    }

    /// Handles a message to the actor. A usage event that was new is returned, for the head of a chain.
    pub(super) fn handle(
        &mut self,
        now: Timestamp,
        out: &mut Outbox<'_>,
        request: &Envelope,
    ) -> Option<UsageEvent> {
        let Self { contract, actor, security, log, account, .. } = self;
        let mut desk = Desk { now, security, out };
        let message = match &request.message {
            Message::Contract(message) => Some(&**message),
            _ => None,
        };
        use BehaviourKind as Kind;
        let mut told = None;
        let answer = match (request.behaviour.kind, message) {
            (Kind::ContractState, _) => payload(Ok(ContractMessage::Contracts(vec![contract.clone()]))),
            (Kind::ContractValidate, _) => payload(Ok(ContractMessage::Answer(contract.is_valid()))),
            (Kind::ContractTerminate, _) => move_contract(&mut desk, contract, Event::Terminate, request)?,
            (Kind::ContractComplete, _) => move_contract(&mut desk, contract, Event::Complete, request)?,
            (Kind::ContractSettle, _) => move_contract(&mut desk, contract, Event::Settle, request)?,
            (Kind::PaymentValidate, _) => {
                contract.paid = true;
                Message::Ok
            }
            (Kind::ContractSign, Some(ContractMessage::Sign(signed))) => {
                add_signature(&mut desk, contract, (**signed).clone())
                    .map_or_else(Message::Error, |()| Message::Ok)
            }
            (Kind::ContractEvents, Some(ContractMessage::Event(event))) => {
                if log.record(&request.from.did, event, account.counts_from(now)) {
                    desk.fact(said(&contract.contract_did, ContractFact::Used(event.kind)));
                    told = Some((**event).clone());
                }
                Message::Ok
            }
            _ => Message::lacking(),
        };
        desk.reply(actor, request, answer);
        told
    }

    /// The end date has passed: the contract is complete. As-is that leaves no entry among its transitions (C7).
    fn expire(&mut self, desk: &mut Desk<'_, '_>) {
        if self.expiry_due(desk.security.profile).is_none_or(|due| desk.now < due) {
            return;
        }
        self.expired = true;
        let (end, contract) = (self.contract.end(), &mut self.contract);
        if desk.security.profile.has(Weakness::LooseContractStates) {
            contract.current_state = State::Completed;
        } else {
            let by = contract.solution_enabler_did.clone();
            if contract.take(Event::Complete, &by, end, desk.security.profile).is_err() {
                return;
            }
        }
        desk.fact(said(&contract.contract_did, ContractFact::Is(State::Completed)));
    }

    /// When it is noticed that the end date has passed: at once, where that completes the contract (what has ended
    /// before, or was never signed, is left as it is), or as-is at the next of the looks that come every five minutes,
    /// which is the last.
    fn expiry_due(&self, profile: Profile) -> Option<Timestamp> {
        let (contract, end) = (&self.contract, self.contract.end());
        if !profile.has(Weakness::LooseContractStates) {
            let goes_on = Event::Complete.is_allowed(contract.current_state, contract.ended().is_some());
            return goes_on.then_some(end);
        }
        let looks = end.since(self.created).0 / CONTRACT_EXPIRY_INTERVAL.0 + 1;
        (!self.expired).then(|| self.created + CONTRACT_EXPIRY_INTERVAL.times(looks))
    }

    /// The poll at which the account is due.
    fn billing_due(&self) -> Option<Timestamp> {
        let due = self.account.due(&self.contract).filter(|_| !self.billing)?;
        Some(Timestamp(due.0.div_ceil(BILLING_POLL_INTERVAL.0).saturating_mul(BILLING_POLL_INTERVAL.0)))
    }

    fn renewal_due(&self, profile: Profile) -> Option<Timestamp> {
        let renews = !profile.has(Weakness::LapsingHealthGrants) && self.contract.ended().is_none();
        renews.then(|| self.granted + RENEWAL)
    }
}

/// A party wants the contract to move. None when that breaks the process down (C7).
fn move_contract(
    desk: &mut Desk<'_, '_>,
    contract: &mut Contract,
    event: Event,
    request: &Envelope,
) -> Option<Message> {
    let profile = desk.security.profile;
    let moved = contract.take(event, &request.from.did, desk.now, profile);
    let did = contract.contract_did.clone();
    match moved {
        Ok(()) => {
            desk.fact(said(&did, ContractFact::Is(contract.current_state)));
            Some(Message::Ok)
        }
        Err(error) => {
            let reason: Arc<str> = error.to_string().into();
            desk.fact(said(&did, ContractFact::NotMoved(Arc::clone(&reason))));
            if error == TransitionError::NoTerminationOption && profile.has(Weakness::LooseContractStates) {
                desk.out.effects.crashed = true;
                return None;
            }
            Some(Message::Error(reason))
        }
    }
}

fn add_signature(
    desk: &mut Desk<'_, '_>,
    contract: &mut Contract,
    signed: crate::dms::contract::model::ContractSignature,
) -> Result<(), Arc<str>> {
    let (mode, profile) = (desk.security.capabilities.trust().mode(), desk.security.profile);
    let by = signed.did.clone();
    let did = contract.contract_did.clone();
    match signing::add(contract, signed, desk.now, mode, profile) {
        Ok(complete) => {
            desk.fact(said(&did, ContractFact::Signed));
            if complete && contract.take(Event::Accepted, &by, desk.now, profile).is_ok() {
                desk.fact(said(&did, ContractFact::Is(State::Accepted)));
            }
            Ok(())
        }
        Err(error) => {
            let reason: Arc<str> = error.to_string().into();
            desk.fact(said(&did, ContractFact::SignatureRefused(Arc::clone(&reason))));
            Err(reason)
        }
    }
}

impl Contracts {
    /// Somebody wants a contract made. Its host makes it and answers at once, then proposes it; another node passes
    /// the wish on and keeps a draft.
    pub(super) fn create(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        draft: &Contract,
        waiting: Waiting,
    ) {
        if draft.solution_enabler_did != root.handle.did {
            let (message, host) =
                (ContractMessage::Create(Box::new(draft.clone())), &draft.solution_enabler_did);
            let purpose = Purpose::Create(waiting, Box::new(draft.clone()));
            return self.call_node(desk, root, host, BehaviourKind::ContractCreate, message, purpose);
        }
        if let Err(error) = draft.validate() {
            return self.answer(desk, root, waiting, Message::Error(error.to_string().into()));
        }
        let hosted = Hosted::new(desk, root, draft);
        let did = hosted.contract.contract_did.clone();
        let parties = hosted.contract.participants.clone();
        self.hosted.insert(did.clone(), hosted);
        desk.fact(said(&did, ContractFact::Created));
        self.answer(desk, root, waiting, payload(Ok(ContractMessage::Created(did.clone()))));
        self.propose(desk, root, &did, &parties.provider);
        self.arm(desk);
    }

    fn propose(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, contract: &Did, party: &Did) {
        let Some(hosted) = self.hosted.get(contract) else { return };
        let message = ContractMessage::Propose(Box::new(hosted.contract.clone()));
        let purpose = Purpose::Propose(contract.clone(), party.clone());
        self.call_node(desk, root, party, BehaviourKind::ContractPropose, message, purpose);
    }

    /// A party has signed what was proposed, or not yet; after the provider comes the requestor.
    pub(super) fn proposed(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        contract: &Did,
        party: &Did,
        reply: &Message,
    ) {
        let Some(hosted) = self.hosted.get_mut(contract) else { return };
        if let Message::Contract(message) = reply
            && let ContractMessage::Sign(signed) = &**message
        {
            // A signature that does not hold is a fact; there is nobody to tell.
            let _refused = add_signature(desk, &mut hosted.contract, (**signed).clone());
        }
        let parties = hosted.contract.participants.clone();
        if *party == parties.provider && parties.requestor != parties.provider {
            self.propose(desk, root, contract, &parties.requestor);
        }
    }

    /// Renewals, end dates and accounts that are due.
    pub(super) fn tend_hosted(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor) {
        let (now, profile) = (desk.now, desk.security.profile);
        for hosted in self.hosted.values_mut() {
            if hosted.renewal_due(profile).is_some_and(|due| due <= now) {
                hosted.grant_all(now, desk.out, &root.handle.did);
            }
            hosted.expire(desk);
        }
        for did in self.accounts_due(now) {
            // Why there is none is the account's business.
            let _not_billed = self.bill(desk, root, &did, Trigger::Automatic);
        }
    }

    pub(super) fn correct_accounts(&mut self, now: Timestamp) {
        self.hosted.values_mut().for_each(|hosted| hosted.account.correct(now));
    }

    /// The accounts that the scheduler takes at the poll that has just come; what is left waits for the next one.
    fn accounts_due(&mut self, now: Timestamp) -> Vec<Did> {
        let poll = Timestamp(now.0 / BILLING_POLL_INTERVAL.0 * BILLING_POLL_INTERVAL.0);
        if poll <= self.polled {
            return Vec::new();
        }
        let due = self.hosted.iter().filter(|(_, hosted)| hosted.billing_due().is_some_and(|due| due <= now));
        let due: Vec<Did> = due.map(|(did, _)| did.clone()).take(BILLING_TASKS).collect();
        if !due.is_empty() {
            self.polled = poll;
        }
        due
    }

    /// Looks at an account and sends its invoice to the validator.
    fn bill(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        contract: &Did,
        trigger: Trigger,
    ) -> Result<ContractMessage, Arc<str>> {
        let hosted = self
            .hosted
            .get_mut(contract)
            .ok_or_else(|| Arc::from(format!("contract not found: {contract}")))?;
        let Hosted { contract, account, log, .. } = hosted;
        let billed = account.bill(contract, log, trigger, desk.now, desk.security.profile).cloned();
        log.forget_before(account.last_processed());
        let invoice = billed.map_err(|reason| Arc::from(reason.to_string()))?;
        let (did, validator) = (contract.contract_did.clone(), contract.payment_validator_did.clone());
        let message = ContractMessage::Usage(Box::new(contract.clone()), Box::new(invoice.clone()));
        if !std::mem::replace(&mut hosted.billing, true) {
            self.call_node(
                desk,
                root,
                &validator,
                BehaviourKind::ContractUsage,
                message,
                Purpose::Invoice(did),
            );
        }
        Ok(ContractMessage::Calculated(Box::new(invoice)))
    }

    pub(super) fn invoice_answered(&mut self, desk: &mut Desk<'_, '_>, contract: &Did, reply: &Message) {
        let Some(hosted) = self.hosted.get_mut(contract) else { return };
        hosted.billing = false;
        if matches!(reply, Message::Error(_)) {
            return;
        }
        if let Some(id) = hosted.account.pending().map(|invoice| Arc::clone(&invoice.id)) {
            hosted.account.acknowledge(&id, desk.now, desk.security.profile);
            hosted.log.forget_before(hosted.account.last_processed());
        }
    }

    /// `usages/calculate`: bills now what can be billed on request.
    pub(super) fn calculate(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        from: &Did,
        contract: &Did,
    ) -> Result<ContractMessage, Arc<str>> {
        let known = self.hosted.get(contract).map(|hosted| &hosted.contract);
        let concerned = known.is_some_and(|known| {
            known.participants.include(from)
                || known.payment_validator_did == *from
                || root.handle.did == *from
        });
        if !concerned {
            return Err(format!("contract not found: {contract}").into());
        }
        self.bill(desk, root, contract, Trigger::Manual)
    }

    /// The next time at which something hosted here is due.
    pub(super) fn next_of_hosted(&self, profile: Profile) -> Option<Timestamp> {
        let next = |hosted: &Hosted| {
            // What one poll has left over waits for the next.
            let billing = hosted.billing_due().map(|due| due.max(self.polled + BILLING_POLL_INTERVAL));
            [hosted.expiry_due(profile), billing, hosted.renewal_due(profile)].into_iter().flatten().min()
        };
        self.hosted.values().filter_map(next).min()
    }

    /// What is used under a tail is used under its head as well.
    pub(super) fn tell_head(
        &mut self,
        now: Timestamp,
        out: &mut Outbox<'_>,
        told: &Did,
        sender: &Did,
        event: &UsageEvent,
    ) {
        let head = &event.head_contract_did;
        if head == told {
            return;
        }
        if let Some(hosted) = self.hosted.get_mut(head)
            && hosted.log.record(sender, event, hosted.account.counts_from(now))
        {
            out.effects.facts.push(said(head, ContractFact::Used(event.kind)));
        }
    }

    pub(super) fn verify_chain(
        &self,
        desk: &Desk<'_, '_>,
        from: &Did,
        request: &ChainRequest,
    ) -> Result<ContractMessage, Arc<str>> {
        let answer = chain::verify_chain(self.hosted(), request, from, desk.security.profile);
        answer
            .map(|answer| ContractMessage::ChainHolds(Box::new(answer)))
            .map_err(|error| error.to_string().into())
    }

    /// Who the parties of a contract are.
    pub(super) fn info(&self, contract: &Did) -> Result<ContractMessage, Arc<str>> {
        if contract.is_empty() {
            return Err("contract_did is required".into());
        }
        let known = self.hosted().find(|known| known.contract_did == *contract);
        let parties = known.map(|known| &known.participants);
        parties
            .map(|parties| ContractMessage::Parties(parties.provider.clone(), parties.requestor.clone()))
            .ok_or_else(|| format!("contract not found: {contract}").into())
    }
}
