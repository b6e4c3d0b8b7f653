//! A node's part in contracts (dms-capabilities section 6): whatever of host, party, payment validator and compute
//! provider it is.
//!
//! - `host`: contracts whose actors live here: proposing, signing, states, usage, billing;
//! - `party`: copies of contracts that this node has agreed to or not, and what it owes or is owed;
//! - `validator`: what invoices cost and whether they were paid;
//! - `listing`: which contracts there are, here and at the hosts that are known;
//! - `admission`: which requests for bids are answered;
//! - `feed`: usage events on their way.
//!
//! All of it is stored: a restart forgets calls that are under way, and under C12 usage events, but no contract.

mod admission;
mod feed;
mod host;
mod listing;
mod party;
mod usage;
mod validator;

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;

use self::admission::Admission;
use self::feed::Feed;
use self::host::Hosted;
use self::listing::Listings;
use self::party::LocalCopy;
use self::validator::{Confirming, Notice};
use super::billing::Account;
use super::fact::ContractFact;
use super::message::{ContractMessage, ContractRef};
use super::model::Contract;
use super::order::ContractOrder;
use super::payments::{Transaction, Transfer, ValidatorBook};
use super::quote::{Quote, Rate};
use crate::dms::actor::{Actor, Behaviour, BehaviourKind, Envelope, LACKING, Message, SecurityContext};
use crate::dms::alarm::Alarm;
use crate::dms::constants::CONTRACT_MESSAGE_TIMEOUT;
use crate::dms::desk::{Desk, OwedReply};
use crate::dms::fact::Fact;
use crate::dms::identity::{Did, EnsembleId, Handle, Inbox};
use crate::dms::outbox::{Outbox, Owner, Timer};
use crate::dms::profile::{Profile, Weakness};
use crate::dms::provider::Provider;
use crate::kernel::{Span, Timestamp};

/// How a call ends that nobody answers; passed on by a node that has called another, it says the same.
const OVERDUE: &str = "no answer in time";

/// What the operator has configured.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize)]
pub struct ContractsConfig {
    /// `RequireContractsForDeployment`: requests for bids that name no contract are not answered.
    pub require_contracts: bool,
    /// What currencies are worth, where this node validates payments.
    pub rates: Vec<Rate>,
}

/// Who waits for the outcome of something.
#[derive(Clone, Debug)]
enum Waiting {
    Caller(Box<OwedReply>),
    Operator(u32),
    Nobody,
}

/// What a call is for.
#[derive(Clone, Debug)]
enum Purpose {
    /// The host makes a contract.
    Create(Waiting, Box<Contract>),
    /// A party is asked to sign.
    Propose(Did, Did),
    /// The host is given this node's signature.
    Sign(Waiting),
    /// Somebody's question, answered as it is.
    Ask(Waiting),
    /// The validator is told of a payment for the first time; by which notice.
    Confirm(Waiting, u64),
    /// A quote for a transaction.
    Quote(Waiting, Arc<str>),
    /// The validator is sent an invoice of this contract.
    Invoice(Did),
    /// Somebody is told of something until it has arrived.
    Notice(u64),
    /// A contract's actor is told of usage.
    Event(Did, u64),
    /// A host is asked about a chain, or an actor about its contract, for a request for bids.
    Admission(u64),
    /// A host is asked which contracts it knows of, for a list.
    Listing(u64, Did),
}

/// A node's part in contracts.
#[derive(Clone, Debug, Default)]
pub struct Contracts {
    config: ContractsConfig,
    hosted: IndexMap<Did, Hosted>,
    copies: IndexMap<Did, LocalCopy>,
    transactions: IndexMap<Arc<str>, Transaction>,
    quotes: IndexMap<Arc<str>, Quote>,
    book: ValidatorBook,
    notices: Vec<Notice>,
    notice_count: u64,
    confirming: Vec<Confirming>,
    feed: Feed,
    admission: Admission,
    listings: Listings,
    /// The contracts of deployments that are bidden for, run here, or are orchestrated here.
    named: IndexMap<EnsembleId, usage::Named>,
    calls: Vec<(u64, Purpose)>,
    /// The last poll at which the scheduler took accounts.
    polled: Timestamp,
    /// When the next tick comes.
    next: Alarm,
}

impl Contracts {
    /// Whether contracts are responsible for a behaviour of the node itself.
    pub(in crate::dms) const fn is_responsible(kind: BehaviourKind) -> bool {
        kind.is_of_contracts()
    }

    /// Whether no contract ever concerned this node, it asks for none, and it waits for nobody about any.
    pub(in crate::dms) fn is_untouched(&self) -> bool {
        let asks = self.config.require_contracts || !self.config.rates.is_empty();
        let held = self.hosted.len() + self.copies.len() + self.transactions.len();
        let parties = held == 0 && self.notice_count == 0;
        let idle = self.calls.is_empty() && !self.next.is_set() && self.named.is_empty();
        !asks && parties && idle && self.admission.is_untouched() && self.listings.is_untouched()
    }

    pub(in crate::dms) fn configure(&mut self, config: ContractsConfig) {
        self.config = config;
    }

    pub(in crate::dms) const fn config(&self) -> &ContractsConfig {
        &self.config
    }

    /// The account of a contract that is hosted here.
    #[must_use]
    pub fn account(&self, contract: &Did) -> Option<&Account> {
        self.hosted.get(contract).map(|hosted| &hosted.account)
    }

    /// The contracts that are hosted here.
    pub fn hosted(&self) -> impl Iterator<Item = &Contract> + Clone {
        self.hosted.values().map(|hosted| &hosted.contract)
    }

    /// What this node owes, or is owed and was paid.
    pub fn transactions(&self) -> impl Iterator<Item = &Transaction> {
        self.transactions.values()
    }

    /// The last quote that this node was given for a transaction.
    #[must_use]
    pub fn quote_for(&self, transaction: &str) -> Option<&Quote> {
        self.quotes.get(transaction)
    }

    /// Whether one of the own calls waits for this reply.
    pub(in crate::dms) fn awaits(&self, nonce: u64) -> bool {
        self.calls.iter().any(|(known, _)| *known == nonce)
    }

    /// The actor of a contract that lives here, and its authority.
    pub(in crate::dms) fn actor(&self, contract: &str) -> Option<(&Arc<Handle>, &SecurityContext)> {
        let of =
            |hosted: &&Hosted| matches!(&hosted.actor.handle.inbox, Inbox::Other(did) if **did == *contract);
        self.hosted.values().find(of).map(|hosted| (&hosted.actor.handle, &hosted.security))
    }

    /// The same authority, to judge a message by.
    pub(in crate::dms) fn authority(&mut self, actor: &Handle) -> Option<&mut SecurityContext> {
        self.hosted.get_mut(&actor.did).map(|hosted| &mut hosted.security)
    }

    /// Handles a message to a contract's actor.
    pub(in crate::dms) fn handle_actor(
        &mut self,
        now: Timestamp,
        out: &mut Outbox<'_>,
        actor: &Handle,
        request: &Envelope,
    ) {
        let Some(hosted) = self.hosted.get_mut(&actor.did) else { return };
        let told = hosted.handle(now, out, request);
        if let Some(event) = told {
            self.tell_head(now, out, &actor.did, &request.from.did, &event);
        }
    }

    /// Handles a message to the node about contracts.
    pub(in crate::dms) fn handle(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, request: &Envelope) {
        let Message::Contract(message) = &request.message else {
            let answer = Message::lacking();
            return desk.reply(root, request, answer);
        };
        let (kind, from) = (request.behaviour.kind, &request.from.did);
        use BehaviourKind as Kind;
        let answer = match (kind, &**message) {
            (Kind::ContractCreate, ContractMessage::Create(draft)) => {
                return self.create(desk, root, draft, Waiting::of(request));
            }
            (Kind::ContractPropose, ContractMessage::Propose(contract)) => {
                self.handle_proposal(desk, root, from, contract)
            }
            (Kind::ContractApproveLocal, ContractMessage::Approve(did)) => {
                return self.approve(desk, root, did, Waiting::of(request));
            }
            (Kind::ContractListIncoming, ContractMessage::ListFor(role)) => {
                if *from == root.handle.did {
                    return self.list_own(desk, root, *role, Waiting::of(request));
                }
                Ok(ContractMessage::Contracts(self.list_for(from, *role)))
            }
            (Kind::ContractInfo, ContractMessage::About(did)) => self.info(did),
            (Kind::ContractChainVerify, ContractMessage::Chain(chain)) => {
                self.verify_chain(desk, from, chain)
            }
            (Kind::UsagesCalculate, ContractMessage::About(did)) => self.calculate(desk, root, from, did),
            (Kind::ContractUsage, ContractMessage::Usage(contract, invoice)) => {
                self.take_invoice(desk, root, from, contract, invoice)
            }
            (Kind::ContractTransaction, ContractMessage::Transaction(transaction)) => {
                self.take_transaction(desk, from, transaction)
            }
            (Kind::TransactionsList, _) => {
                let concerns = |t: &&Transaction| t.requestor_did == *from || t.provider_did == *from;
                let own = *from == root.handle.did;
                let all = self.transactions.values().filter(|t| own || concerns(t));
                Ok(ContractMessage::Transactions(all.cloned().collect()))
            }
            (Kind::TransactionsConfirm, ContractMessage::Confirm(said)) => {
                match self.book.may_confirm(from, said) {
                    Ok(()) => return self.look_up(desk, said, Waiting::of(request)),
                    Err(error) => Err(error.to_string().into()),
                }
            }
            (Kind::PaymentStatus, ContractMessage::About(did)) => self.payment_status(did),
            (Kind::PaymentValidationRequest, ContractMessage::About(did)) => {
                self.validate_payment(desk, root, did)
            }
            (
                Kind::QuoteGet | Kind::QuoteValidate | Kind::QuoteCancel,
                ContractMessage::QuoteFor { .. } | ContractMessage::AboutQuote(_),
            ) => self.handle_quote(desk, kind, from, message),
            _ => Err(LACKING.into()),
        };
        desk.reply(root, request, payload(answer));
        self.arm(desk);
    }

    /// Handles the reply to an own call, or that none came. A request for bids that has passed is returned.
    pub(in crate::dms) fn handle_reply(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        nonce: u64,
        reply: Option<&Message>,
    ) -> Option<Box<Envelope>> {
        let place = self.calls.iter().position(|(known, _)| *known == nonce)?;
        let (_, purpose) = self.calls.swap_remove(place);
        let overdue = Message::Error(OVERDUE.into());
        let reply = reply.unwrap_or(&overdue);
        let mut passed = None;
        match purpose {
            Purpose::Create(waiting, draft) => self.created(desk, root, waiting, *draft, reply),
            Purpose::Propose(contract, party) => self.proposed(desk, root, &contract, &party, reply),
            Purpose::Sign(waiting) | Purpose::Ask(waiting) => self.answer(desk, root, waiting, reply.clone()),
            Purpose::Confirm(waiting, number) => {
                self.notice_answered(desk, number, reply);
                self.answer(desk, root, waiting, reply.clone());
            }
            Purpose::Quote(waiting, id) => {
                if let Message::Contract(quote) = reply
                    && let ContractMessage::Quote(quote) = &**quote
                {
                    self.quotes.insert(id, (**quote).clone());
                }
                self.answer(desk, root, waiting, reply.clone());
            }
            Purpose::Invoice(contract) => self.invoice_answered(desk, &contract, reply),
            Purpose::Notice(number) => {
                // Who has said that it has paid learns of a refusal although the first answer was lost.
                if self.notice_answered(desk, number, reply) {
                    self.answer(desk, root, Waiting::Nobody, reply.clone());
                }
            }
            Purpose::Event(contract, sequence) => self.event_answered(desk, &contract, sequence, reply),
            Purpose::Listing(number, host) => self.listing_answered(desk, root, number, &host, reply),
            Purpose::Admission(number) => passed = self.admission_answered(desk, root, number, reply),
        }
        self.arm(desk);
        passed
    }

    /// The time has come for something.
    pub(in crate::dms) fn tick(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor) {
        if self.next.rings(desk, Timer::Contracts) {
            self.tend_hosted(desk, root);
            self.send_notices(desk, root);
            self.send_events(desk, root);
        }
        // Also where it rings too early: by a clock that was put back something may be due sooner than was thought.
        self.arm(desk);
    }

    /// The clock may have been put back: nothing was looked at later than now, and no pause is longer than pauses are.
    fn correct_times(&mut self, now: Timestamp) {
        self.polled = self.polled.min(now);
        self.correct_accounts(now);
        self.correct_notices(now);
        self.feed.correct(now);
    }

    /// Sets the timer for what comes next, unless one comes before that.
    fn arm(&mut self, desk: &mut Desk<'_, '_>) {
        self.correct_times(desk.now);
        let next = [self.next_of_hosted(desk.security.profile), self.next_notice(), self.feed.next()];
        if let Some(next) = next.into_iter().flatten().min() {
            self.next.set(desk, next.max(desk.now), Timer::Contracts);
        }
    }

    /// The same for a change that came by way of a contract's actor.
    pub(in crate::dms) fn rearm(&mut self, desk: &mut Desk<'_, '_>) {
        self.arm(desk);
    }

    /// The process has ended. Calls are forgotten, and with C12 usage events; contracts, accounts and books are not.
    pub(in crate::dms) fn stop(&mut self) {
        self.calls.clear();
        self.confirming.clear();
        self.admission = Admission::default();
        self.listings = Listings::default();
        self.next = Alarm::default();
        for hosted in self.hosted.values_mut() {
            hosted.stop();
        }
        for notice in &mut self.notices {
            notice.forget_call();
        }
    }

    /// Everything is lost but what the operator configures.
    pub(in crate::dms) fn lose_disk(&mut self) {
        *self = Self { config: std::mem::take(&mut self.config), ..Self::default() };
    }

    /// Another version of DMS is installed: the actors of contracts run it as well.
    pub(in crate::dms) fn upgrade(&mut self, profile: Profile) {
        for hosted in self.hosted.values_mut() {
            hosted.upgrade(profile);
        }
    }

    /// The process has started: actors of contracts are granted what they were granted at first, billing goes on, and
    /// as it is meant what stopped meanwhile is told.
    pub(in crate::dms) fn start(&mut self, desk: &mut Desk<'_, '_>, root: &Actor, provider: &Provider) {
        self.restart_feed(desk, root, provider);
        for hosted in self.hosted.values_mut() {
            hosted.grant_all(desk.now, desk.out, &root.handle.did);
        }
        self.arm(desk);
    }

    /// Carries out an order of the operator.
    pub(in crate::dms) fn carry_out(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        operation: Option<u32>,
        order: ContractOrder,
    ) {
        let waiting = operation.map_or(Waiting::Nobody, Waiting::Operator);
        let timeout = CONTRACT_MESSAGE_TIMEOUT;
        match order {
            ContractOrder::Create(draft) => self.create(desk, root, &draft, waiting),
            ContractOrder::Approve(did) => self.approve(desk, root, &did, waiting),
            ContractOrder::Ask { contract, host, behaviour } => match actor_of(&contract, &host) {
                Some(to) => {
                    let message = ContractMessage::About(contract);
                    self.call(desk, root, &to, behaviour, message, timeout, Purpose::Ask(waiting));
                }
                None => self.answer(desk, root, waiting, Message::Error("no such contract".into())),
            },
            ContractOrder::AskNode { contract, node, behaviour } => {
                let message = ContractMessage::About(contract);
                self.call_node(desk, root, &node, behaviour, message, Purpose::Ask(waiting));
            }
            ContractOrder::List(role) => self.list_own(desk, root, role, waiting),
            ContractOrder::ListTransactions => {
                let all = self.transactions.values().cloned().collect();
                self.answer(desk, root, waiting, payload(Ok(ContractMessage::Transactions(all))));
            }
            ContractOrder::Confirm(said) => self.confirm_payment(desk, root, said, waiting),
            ContractOrder::Quote { unique_id, payment_currency } => {
                let id = Arc::clone(&unique_id);
                let message = ContractMessage::QuoteFor { unique_id, payment_currency };
                self.ask_validator(
                    desk,
                    root,
                    &id,
                    BehaviourKind::QuoteGet,
                    message,
                    waiting,
                    Purpose::Quote,
                );
            }
            ContractOrder::AboutQuote { unique_id, behaviour } => {
                let quote =
                    self.quotes.get(&unique_id).map_or_else(|| "".into(), |quote| Arc::clone(&quote.id));
                let message = ContractMessage::AboutQuote(quote);
                let purpose = |waiting, _| Purpose::Ask(waiting);
                self.ask_validator(desk, root, &unique_id, behaviour, message, waiting, purpose);
            }
        }
        self.arm(desk);
    }

    #[expect(clippy::too_many_arguments, reason = "a call is just that many things, all of different types")]
    fn ask_validator(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        transaction: &Arc<str>,
        kind: BehaviourKind,
        message: ContractMessage,
        waiting: Waiting,
        purpose: impl FnOnce(Waiting, Arc<str>) -> Purpose,
    ) {
        match self.validator_of(transaction) {
            Ok(validator) => {
                let purpose = purpose(waiting, Arc::clone(transaction));
                self.call(desk, root, &validator, kind, message, CONTRACT_MESSAGE_TIMEOUT, purpose);
            }
            Err(reason) => self.answer(desk, root, waiting, Message::Error(reason)),
        }
    }

    /// The node that is told of the payment of what this one owes.
    fn validator_of(&self, transaction: &str) -> Result<Arc<Handle>, Arc<str>> {
        let known = self.transactions.get(transaction).ok_or("no such transaction")?;
        let key = known.payment_validator_did.public_key().map_err(|error| error.to_string())?;
        Ok(Arc::new(Handle::root(key)))
    }

    fn call_node(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        node: &Did,
        kind: BehaviourKind,
        message: ContractMessage,
        purpose: Purpose,
    ) {
        match node.public_key() {
            Ok(key) => {
                let to = Arc::new(Handle::root(key));
                self.call(desk, root, &to, kind, message, CONTRACT_MESSAGE_TIMEOUT, purpose);
            }
            Err(error) => {
                if let Purpose::Ask(waiting) | Purpose::Create(waiting, _) | Purpose::Sign(waiting) = purpose
                {
                    self.answer(desk, root, waiting, Message::Error(error.to_string().into()));
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a call is just that many things, all of different types")]
    fn call(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        to: &Arc<Handle>,
        kind: BehaviourKind,
        message: ContractMessage,
        timeout: Span,
        purpose: Purpose,
    ) {
        let message = Message::Contract(Box::new(message));
        let nonce = desk.invoke(root, Owner::Contracts, to, Behaviour::fixed(kind), message, timeout);
        self.calls.push((nonce, purpose));
    }

    /// Tells whoever waits how something ended.
    fn answer(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, waiting: Waiting, message: Message) {
        match waiting {
            Waiting::Caller(owed) => desk.reply_later(root, *owed, message),
            Waiting::Operator(operation) => match message {
                Message::Error(reason) if *reason == *OVERDUE => {
                    desk.fact(Fact::OperationUnanswered { operation, reason });
                }
                other => desk.show(operation, other),
            },
            // What its operator's own arrangements come to is told where it fails.
            Waiting::Nobody => {
                if let Message::Error(reason) = message {
                    desk.fact(said(&Did::Empty, ContractFact::NotMoved(reason)));
                }
            }
        }
    }

    /// The chain has been looked at.
    pub(in crate::dms) fn transfer_found(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        tx_hash: &str,
        found: Option<&Transfer>,
    ) {
        self.confirm_all(desk, root, tx_hash, found);
        self.arm(desk);
    }

    /// Whether this node has anything to do with the contracts of deployments.
    pub(in crate::dms) fn is_watching(&self) -> bool {
        !self.named.is_empty()
    }

    /// A deployment of this node names contracts.
    pub(in crate::dms) fn bind(&mut self, ensemble: EnsembleId, contracts: Arc<[ContractRef]>, own: &Did) {
        if !contracts.is_empty() {
            self.named.insert(ensemble, usage::Named::by(contracts, own.clone()));
        }
    }
}

impl Waiting {
    /// The caller of a request; nobody where it wants no answer.
    fn of(request: &Envelope) -> Self {
        OwedReply::to(request).map_or(Self::Nobody, |owed| Self::Caller(Box::new(owed)))
    }
}

/// An answer as it travels.
fn payload(answer: Result<ContractMessage, Arc<str>>) -> Message {
    match answer {
        Ok(message) => Message::Contract(Box::new(message)),
        Err(reason) => Message::Error(reason),
    }
}

fn said(contract: &Did, what: ContractFact) -> Fact {
    Fact::Contract { contract: contract.clone(), what }
}

/// The actor of a contract on its host; none when one of the DIDs names no key.
fn actor_of(contract: &Did, host: &Did) -> Option<Arc<Handle>> {
    let (key, node) = (contract.public_key().ok()?, host.public_key().ok()?);
    Some(Arc::new(Handle {
        id: key.into(),
        did: contract.clone(),
        host: Handle::root(node).host,
        inbox: Inbox::Other(contract.to_string().into()),
    }))
}

/// Whether usage events can be lost here.
fn is_lossy(desk: &Desk<'_, '_>) -> bool {
    desk.security.profile.has(Weakness::LostUsageEvents)
}
