//! A payment validator: it computes what invoices ask for, tells the requestor, and believes a payment when the chain
//! shows it (dms-capabilities section 6.10).

use std::sync::Arc;

use super::{Contracts, OVERDUE, Purpose, Waiting, actor_of, payload, said};
use crate::dms::actor::{Actor, BehaviourKind, LACKING, Message};
use crate::dms::constants::CONTRACT_MESSAGE_TIMEOUT;
use crate::dms::contract::billing::Invoice;
use crate::dms::contract::fact::ContractFact;
use crate::dms::contract::message::ContractMessage;
use crate::dms::contract::model::Contract;
use crate::dms::contract::money::Money;
use crate::dms::contract::payments::{Confirmation, Transfer};
use crate::dms::desk::Desk;
use crate::dms::identity::{Did, Handle};
use crate::dms::outbox::Action;
use crate::kernel::{Span, Timestamp};

/// Pause before somebody is told again who did not answer.
const NOTICE_PAUSE: Span = Span::mins(1);

/// Something that somebody is told until it has arrived.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    number: u64,
    to: Arc<Handle>,
    kind: BehaviourKind,
    message: ContractMessage,
    due: Timestamp,
    under_way: bool,
}

impl Notice {
    pub(super) const fn forget_call(&mut self) {
        self.under_way = false;
    }
}

/// A payment that waits for the chain to be looked at.
#[derive(Clone, Debug)]
pub(super) struct Confirming {
    said: Confirmation,
    waiting: Waiting,
}

impl Contracts {
    /// A host sends what was used; it is priced, kept, and the requestor is told.
    pub(super) fn take_invoice(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        from: &Did,
        contract: &Contract,
        invoice: &Invoice,
    ) -> Result<ContractMessage, Arc<str>> {
        if contract.payment_validator_did != root.handle.did {
            return Err("not the payment validator of this contract".into());
        }
        if contract.solution_enabler_did != *from {
            return Err("only the host of a contract sends its usage".into());
        }
        let known =
            self.book.of_contract(&contract.contract_did).any(|known| known.invoice == invoice.number);
        let made = self.book.take(contract, invoice).map_err(|error| Arc::from(error.to_string()))?;
        if !known {
            let amount: Money = made.iter().map(|transaction| transaction.amount).sum();
            let (number, items) = (invoice.number, made.len() as u32);
            desk.fact(said(&contract.contract_did, ContractFact::Invoiced { number, items, amount }));
            let requestor = &contract.participants.requestor;
            for transaction in made {
                let message = ContractMessage::Transaction(Box::new(transaction));
                self.notify_node(desk, requestor, message);
            }
            self.send_notices(desk, root);
        }
        Ok(ContractMessage::Answer(true))
    }

    fn notify_node(&mut self, desk: &Desk<'_, '_>, node: &Did, message: ContractMessage) {
        if let Ok(key) = node.public_key() {
            let to = Arc::new(Handle::root(key));
            self.notify(desk, to, BehaviourKind::ContractTransaction, message, false);
        }
    }

    /// Has somebody told until it has arrived, now or, if it is `under_way`, again later; the number of the notice.
    pub(super) fn notify(
        &mut self,
        desk: &Desk<'_, '_>,
        to: Arc<Handle>,
        kind: BehaviourKind,
        message: ContractMessage,
        under_way: bool,
    ) -> u64 {
        self.notice_count += 1;
        let number = self.notice_count;
        self.notices.push(Notice { number, to, kind, message, due: desk.now, under_way });
        number
    }

    /// The same is to be told once more, which then stands for both.
    pub(super) fn forget_notice(&mut self, message: &ContractMessage) {
        self.notices.retain(|notice| notice.message != *message);
    }

    /// Sends what is due.
    pub(super) fn send_notices(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor) {
        let due: Vec<Notice> = self
            .notices
            .iter_mut()
            .filter(|notice| !notice.under_way && notice.due <= desk.now)
            .map(|notice| {
                notice.under_way = true;
                notice.clone()
            })
            .collect();
        for Notice { number, to, kind, message, .. } in due {
            let purpose = Purpose::Notice(number);
            self.call(desk, root, &to, kind, message, CONTRACT_MESSAGE_TIMEOUT, purpose);
        }
    }

    /// Whether it has arrived. That a payment is not believed is an answer as well.
    pub(super) fn notice_answered(&mut self, desk: &Desk<'_, '_>, number: u64, reply: &Message) -> bool {
        let Some(place) = self.notices.iter().position(|notice| notice.number == number) else {
            return false;
        };
        let notice = &mut self.notices[place];
        let has_arrived = match reply {
            Message::Error(reason) => {
                matches!(notice.message, ContractMessage::Confirm(_)) && **reason != *OVERDUE
            }
            _ => true,
        };
        if has_arrived {
            let notice = self.notices.remove(place);
            self.note_paid(&notice.message, reply);
        } else {
            notice.under_way = false;
            notice.due = desk.now + NOTICE_PAUSE;
        }
        has_arrived
    }

    pub(super) fn correct_notices(&mut self, now: Timestamp) {
        for notice in &mut self.notices {
            notice.due = notice.due.min(now + NOTICE_PAUSE);
        }
    }

    pub(super) fn next_notice(&self) -> Option<Timestamp> {
        self.notices.iter().filter(|notice| !notice.under_way).map(|notice| notice.due).min()
    }

    /// The requestor says that it has paid: the chain is looked at.
    pub(super) fn look_up(&mut self, desk: &mut Desk<'_, '_>, said: &Confirmation, waiting: Waiting) {
        desk.action(Action::LookUpTransfer(said.blockchain, Arc::clone(&said.tx_hash)));
        self.confirming.push(Confirming { said: said.clone(), waiting });
    }

    /// The chain shows the transfer, or does not know it.
    pub(super) fn confirm_all(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        tx_hash: &str,
        found: Option<&Transfer>,
    ) {
        let all = std::mem::take(&mut self.confirming);
        let (now, later): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|known| *known.said.tx_hash == *tx_hash);
        self.confirming = later;
        for Confirming { said, waiting } in now {
            let answer = self.confirm(desk, &said, found);
            self.answer(desk, root, waiting, payload(answer));
        }
        self.send_notices(desk, root);
    }

    fn confirm(
        &mut self,
        desk: &mut Desk<'_, '_>,
        confirmation: &Confirmation,
        found: Option<&Transfer>,
    ) -> Result<ContractMessage, Arc<str>> {
        if let Some(paid) = self.book.paid_before(confirmation) {
            return Ok(ContractMessage::Transaction(Box::new(paid.clone())));
        }
        match self.book.confirm(confirmation, found, desk.now).cloned() {
            Ok(paid) => {
                let (number, amount, is_fee) = (paid.invoice, paid.amount, paid.is_fee());
                desk.fact(said(&paid.contract_did, ContractFact::Paid { number, amount, is_fee }));
                let copy = ContractMessage::Transaction(Box::new(paid.clone()));
                self.notify_node(desk, &paid.provider_did, copy.clone());
                self.tell_actor(desk, &paid.contract_did);
                Ok(copy)
            }
            Err(error) => {
                let reason: Arc<str> = error.to_string().into();
                if let Some(known) = self.book.transaction(&confirmation.unique_id) {
                    desk.fact(said(&known.contract_did, ContractFact::NotPaid(Arc::clone(&reason))));
                }
                Err(reason)
            }
        }
    }

    /// When everything that was invoiced is paid, the contract's actor is told so.
    fn tell_actor(&mut self, desk: &Desk<'_, '_>, contract: &Did) {
        if !self.book.is_paid(contract) {
            return;
        }
        let host = self.book.of_contract(contract).next().map(|known| known.solution_enabler_did.clone());
        if let Some(actor) = host.and_then(|host| actor_of(contract, &host)) {
            let message = ContractMessage::About(contract.clone());
            self.notify(desk, actor, BehaviourKind::PaymentValidate, message, false);
        }
    }

    /// `payment/validation/request`: the same, when somebody asks for it.
    pub(super) fn validate_payment(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        contract: &Did,
    ) -> Result<ContractMessage, Arc<str>> {
        if !self.book.is_paid(contract) {
            return Err("payment not verified: not all invoices are paid".into());
        }
        self.tell_actor(desk, contract);
        self.send_notices(desk, root);
        Ok(ContractMessage::Answer(true))
    }

    /// `payment/quote/get`, `validate` and `cancel`.
    pub(super) fn handle_quote(
        &mut self,
        desk: &Desk<'_, '_>,
        kind: BehaviourKind,
        from: &Did,
        message: &ContractMessage,
    ) -> Result<ContractMessage, Arc<str>> {
        let text = |error: &dyn std::fmt::Display| Arc::from(error.to_string());
        match message {
            ContractMessage::QuoteFor { unique_id, payment_currency } => {
                let payer = self.book.transaction(unique_id).map(|known| &known.requestor_did);
                if payer.is_some_and(|payer| payer != from) {
                    return Err("only the requestor can ask for a quote".into());
                }
                let quote = self.book.quote(unique_id, payment_currency, &self.config.rates, desk.now);
                quote.map(|quote| ContractMessage::Quote(Box::new(quote))).map_err(|error| text(&error))
            }
            ContractMessage::AboutQuote(id) if kind == BehaviourKind::QuoteValidate => {
                let active = self.book.quotes().active(id, desk.now).cloned();
                active.map(|quote| ContractMessage::Quote(Box::new(quote))).map_err(|error| text(&error))
            }
            ContractMessage::AboutQuote(id) => {
                let cancelled = self.book.quotes().cancel(id, desk.now);
                cancelled.map(|()| ContractMessage::Answer(true)).map_err(|error| text(&error))
            }
            _ => Err(LACKING.into()),
        }
    }
}
