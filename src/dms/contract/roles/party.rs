//! A party of contracts: what was proposed to it, what it has agreed to, and what it owes or is owed
//! (dms-capabilities sections 6.4 and 6.10).

use std::sync::Arc;

use super::{Contracts, Purpose, Waiting, actor_of, said};
use crate::dms::actor::{Actor, BehaviourKind, Message};
use crate::dms::constants::{CONTRACT_MESSAGE_TIMEOUT, CONTRACT_SIGN_TIMEOUT};
use crate::dms::contract::fact::ContractFact;
use crate::dms::contract::message::ContractMessage;
use crate::dms::contract::model::{Contract, ContractSignature};
use crate::dms::contract::payments::{Confirmation, PaymentStatus, Transaction};
use crate::dms::contract::signing;
use crate::dms::contract::state::State;
use crate::dms::desk::Desk;
use crate::dms::identity::Did;

/// A party's copy of a contract.
#[derive(Clone, Debug)]
pub(super) struct LocalCopy {
    pub(super) contract: Contract,
    /// Whether it was made at this node's wish.
    own: bool,
}

impl Contracts {
    /// The host has made what this node asked for: it keeps a draft.
    pub(super) fn created(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        waiting: Waiting,
        draft: Contract,
        reply: &Message,
    ) {
        if let Message::Contract(message) = reply
            && let ContractMessage::Created(did) = &**message
        {
            let contract = Contract { contract_did: did.clone(), current_state: State::Draft, ..draft };
            self.copies.entry(did.clone()).or_insert(LocalCopy { contract, own: true }).own = true;
        }
        self.answer(desk, root, waiting, reply.clone());
    }

    /// A host proposes a contract. Whoever wished for it signs; another party keeps it until its operator approves.
    pub(super) fn handle_proposal(
        &mut self,
        desk: &Desk<'_, '_>,
        root: &Actor,
        from: &Did,
        proposed: &Contract,
    ) -> Result<ContractMessage, Arc<str>> {
        let own = &root.handle.did;
        if proposed.solution_enabler_did != *from || !proposed.participants.include(own) {
            return Err("not allowed to sign this contract".into());
        }
        let did = &proposed.contract_did;
        let Some(copy) = self.copies.get(did) else {
            self.copies.insert(did.clone(), LocalCopy { contract: proposed.clone(), own: false });
            return Err("contract is not signed yet".into());
        };
        if !copy.own && copy.contract.current_state == State::Draft {
            return Err("contract is not signed".into());
        }
        Ok(ContractMessage::Sign(Box::new(self.signature(desk, root, proposed))))
    }

    fn signature(&self, desk: &Desk<'_, '_>, root: &Actor, contract: &Contract) -> ContractSignature {
        signing::sign(contract, &root.handle.did, root.secret(), desk.security.profile)
    }

    /// `approve_local`: the operator agrees; the contract's actor is given the signature.
    pub(super) fn approve(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, did: &Did, waiting: Waiting) {
        let actor = self.copies.get_mut(did).and_then(|copy| {
            copy.contract.current_state = State::Accepted;
            Some((actor_of(did, &copy.contract.solution_enabler_did)?, copy.contract.clone()))
        });
        let Some((actor, contract)) = actor else {
            let answer = Message::Error(format!("contract not found: {did}").into());
            return self.answer(desk, root, waiting, answer);
        };
        let signed = ContractMessage::Sign(Box::new(self.signature(desk, root, &contract)));
        let purpose = Purpose::Sign(waiting);
        let (kind, timeout) = (BehaviourKind::ContractSign, CONTRACT_SIGN_TIMEOUT);
        self.call(desk, root, &actor, kind, signed, timeout, purpose);
    }

    /// A validator tells what is owed, or what was paid.
    pub(super) fn take_transaction(
        &mut self,
        desk: &mut Desk<'_, '_>,
        from: &Did,
        told: &Transaction,
    ) -> Result<ContractMessage, Arc<str>> {
        if told.payment_validator_did != *from {
            return Err("only the payment validator tells of payments".into());
        }
        let known = self.transactions.get(&told.unique_id).map(|known| known.status);
        if known.is_none_or(|known| told.status > known) {
            self.transactions.insert(Arc::clone(&told.unique_id), told.clone());
        }
        if known.is_none() && told.status == PaymentStatus::Unpaid {
            let (unique_id, currency) = (Arc::clone(&told.unique_id), Arc::clone(&told.currency));
            let owed = ContractFact::Owed { unique_id, amount: told.amount, currency };
            desk.fact(said(&told.contract_did, owed));
        }
        Ok(ContractMessage::Answer(true))
    }

    /// The operator has paid what this node owes. Its validator is told so until it answers: it asks nobody itself.
    pub(super) fn confirm_payment(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        said: Confirmation,
        waiting: Waiting,
    ) {
        match self.validator_of(&said.unique_id) {
            Ok(to) => {
                let kind = BehaviourKind::TransactionsConfirm;
                let message = ContractMessage::Confirm(Box::new(said));
                self.forget_notice(&message);
                let number = self.notify(desk, Arc::clone(&to), kind, message.clone(), true);
                let purpose = Purpose::Confirm(waiting, number);
                self.call(desk, root, &to, kind, message, CONTRACT_MESSAGE_TIMEOUT, purpose);
            }
            Err(reason) => self.answer(desk, root, waiting, Message::Error(reason)),
        }
    }

    /// The validator has answered what it was told: if it believes a payment, it sends what was paid.
    pub(super) fn note_paid(&mut self, told: &ContractMessage, reply: &Message) {
        if let (ContractMessage::Confirm(said), Message::Contract(paid)) = (told, reply)
            && let ContractMessage::Transaction(paid) = &**paid
        {
            self.transactions.insert(Arc::clone(&said.unique_id), (**paid).clone());
        }
    }

    /// Whether a contract is paid, as far as this node knows: as its host, as its validator, or as a party.
    pub(super) fn payment_status(&self, contract: &Did) -> Result<ContractMessage, Arc<str>> {
        let hosted = self.hosted.get(contract).map(|hosted| hosted.contract.paid);
        let mut own = self.transactions.values().filter(|known| known.contract_did == *contract).peekable();
        let as_party = own.peek().is_some() && own.all(|known| known.status == PaymentStatus::Paid);
        Ok(ContractMessage::Answer(hosted.unwrap_or(false) || as_party || self.book.is_paid(contract)))
    }

    /// Where a tail may be found: what this node has agreed to.
    pub(super) fn agreed(&self) -> impl Iterator<Item = &Contract> {
        self.copies.values().map(|copy| &copy.contract)
    }
}
