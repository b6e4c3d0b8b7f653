//! What people do about contracts in a run, and the chain on which money moves.

use std::sync::Arc;

use indexmap::IndexSet;

use super::event::{ContractStep, Event, PeerId};
use super::host::Rest;
use super::setup::{ContractAction, ContractPlan};
use super::world::World;
use crate::dms::actor::{Behaviour, BehaviourKind, Message};
use crate::dms::contract::ContractsConfig;
use crate::dms::contract::fact::ContractFact;
use crate::dms::contract::message::{ContractMessage, ContractRef};
use crate::dms::contract::model::{Blockchain, ContractSignature, PartyRole};
use crate::dms::contract::order::ContractOrder;
use crate::dms::contract::payments::{Confirmation, PaymentStatus, Transfer};
use crate::dms::contract::quote::Rate;
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::identity::{Did, Handle, Inbox, Signature};
use crate::dms::node::Order;
use crate::dms::outbox::{Command, Input};
use crate::kernel::{Span, Time};

/// Time to look a transfer up at somebody's node of the chain.
const LOOK_UP: Span = Span::secs(1);
/// Time between two blocks of Ethereum, and of Cardano.
const BLOCK: [Span; 2] = [Span::secs(12), Span::secs(20)];

/// All transfers of the run, and who looks for one. What it shows is true and never lost.
#[derive(Debug, Default)]
pub(super) struct Chain {
    transfers: Vec<(Time, Transfer)>,
    look_ups: Vec<(Blockchain, Arc<str>)>,
    /// What requestors will pay by themselves: who, and the transaction.
    dues: Vec<(PeerId, Arc<str>)>,
}

impl Chain {
    /// Moves money: the hash of the transfer.
    fn transfer(&mut self, now: Time, transfer: Transfer) -> Arc<str> {
        let tx_hash: Arc<str> = format!("0x{:064x}", self.transfers.len() + 1).into();
        self.transfers.push((now, Transfer { tx_hash: Arc::clone(&tx_hash), ..transfer }));
        tx_hash
    }

    fn find(&self, now: Time, blockchain: Blockchain, tx_hash: &str) -> Option<Transfer> {
        let fits =
            |known: &&(Time, Transfer)| known.1.blockchain == blockchain && *known.1.tx_hash == *tx_hash;
        let (at, found) = self.transfers.iter().find(fits)?;
        let block = BLOCK[usize::from(blockchain == Blockchain::Cardano)];
        Some(Transfer { blocks_ago: now.since(*at).0 / block.0, ..found.clone() })
    }
}

impl World<'_> {
    /// What is pending about contracts at the start.
    pub(super) fn begin_contracts(&mut self) {
        self.configure_contracts();
        for (plan, number) in self.setup.contracts.iter().zip(0..) {
            self.queue.post(plan.at, Event::Contract(ContractStep::Create(number)));
            if let Some(after) = plan.approve_after {
                self.queue.post(plan.at + after, Event::Contract(ContractStep::Approve(number)));
            }
        }
    }

    /// What operators have configured: who bids only under contracts, and what currencies are worth.
    fn configure_contracts(&mut self) {
        let setup = self.setup;
        for number in 0..self.hosts.len() {
            let member = &self.population.members()[number];
            let of_validator = setup.contracts.iter().filter(|plan| *plan.validator == *member.name);
            let rates: Vec<Rate> = of_validator
                .filter_map(|plan| {
                    let (from, to) = (&plan.payment.pricing_currency, &plan.payment.payment_currency);
                    Some(Rate { from: Arc::clone(from), to: Arc::clone(to), rate: plan.rate? })
                })
                .collect();
            let require_contracts = setup.groups[member.group].require_contracts;
            if require_contracts || !rates.is_empty() {
                let config = ContractsConfig { require_contracts, rates };
                self.hosts[number].rest = Rest::Exempt;
                self.hosts[number].peer.configure_contracts(config);
            }
        }
    }

    /// The time has come for a step.
    pub(super) fn contract_step(&mut self, now: Time, step: ContractStep) {
        match step {
            ContractStep::Create(number) => {
                let plan = Arc::clone(&self.plans.contracts[number as usize]);
                let dids = [&plan.requestor, &plan.provider, &plan.host, &plan.validator]
                    .map(|name| self.root_of(self.peer(name)).did.clone());
                // It begins by the requestor's own clock.
                let requestor = self.peer(&plan.requestor);
                let start = self.clock_of(requestor, now);
                let draft = Box::new(plan.draft(dids, start));
                self.order_by_itself(now, requestor, ContractOrder::Create(draft));
            }
            ContractStep::Approve(number) => {
                let plan = &self.plans.contracts[number as usize];
                let provider = self.peer(&plan.provider);
                match self.did_of(plan) {
                    Some(did) => self.order_by_itself(now, provider, ContractOrder::Approve(did)),
                    None => self.ledger.contract_refused(now, provider, "there is nothing to approve"),
                }
            }
            ContractStep::Pay(number) => {
                let (peer, transaction) = self.chain.dues[number as usize].clone();
                if let Some(said) = self.pay(now, peer, &transaction) {
                    self.order_by_itself(now, peer, ContractOrder::Confirm(said));
                }
            }
            ContractStep::LookUp { peer, life, number } => {
                if self.hosts[peer.0 as usize].life == life {
                    let (blockchain, tx_hash) = self.chain.look_ups[number as usize].clone();
                    let found = self.chain.find(now, blockchain, &tx_hash);
                    self.feed(now, peer, |_| Input::Transfer { tx_hash, found });
                }
            }
        }
    }

    fn order_by_itself(&mut self, now: Time, peer: PeerId, order: ContractOrder) {
        if !self.hosts[peer.0 as usize].up {
            return self.ledger.contract_refused(now, peer, "the peer is down");
        }
        if self.troubles.is_frozen(peer) {
            return self.ledger.contract_refused(now, peer, "the peer does not answer");
        }
        let order = Box::new(order);
        self.feed(now, peer, |_| Input::Command(Command::Contract { operation: None, order }));
    }

    /// A peer looks for a transfer.
    pub(super) fn look_up(
        &mut self,
        now: Time,
        peer: PeerId,
        life: u32,
        blockchain: Blockchain,
        tx_hash: Arc<str>,
    ) {
        let number = self.chain.look_ups.len() as u32;
        self.chain.look_ups.push((blockchain, tx_hash));
        self.queue.post(now + LOOK_UP, Event::Contract(ContractStep::LookUp { peer, life, number }));
    }

    /// A peer tells something about a contract that concerns more than the ledger.
    pub(super) fn hear_of_contract(&mut self, now: Time, peer: PeerId, contract: &Did, what: &ContractFact) {
        match what {
            ContractFact::Created => {
                let mut hosted = self.hosts[peer.0 as usize].peer.contracts().hosted();
                let made = hosted.find(|known| known.contract_did == *contract);
                let plan = made.and_then(|made| self.plans.contracts.iter().position(|plan| plan.is(made)));
                self.ledger.contract_created(now, contract, plan);
            }
            ContractFact::Owed { unique_id, .. } => self.owe(now, peer, contract, unique_id),
            _ => {}
        }
    }

    /// A requestor has learnt that it owes something. It pays when its time comes, if it is one that does.
    fn owe(&mut self, now: Time, peer: PeerId, contract: &Did, transaction: &Arc<str>) {
        let plan = self.plans.contracts.iter().find(|plan| self.did_of(plan).as_ref() == Some(contract));
        if let Some(after) = plan.and_then(|plan| plan.pay_after) {
            let number = self.chain.dues.len() as u32;
            self.chain.dues.push((peer, Arc::clone(transaction)));
            self.queue.post(now + after, Event::Contract(ContractStep::Pay(number)));
        }
    }

    /// The DID that the host of a contract has made for it; none before that.
    pub(super) fn did_of(&self, plan: &ContractPlan) -> Option<Did> {
        let contracts = self.hosts[self.peer(&plan.host).0 as usize].peer.contracts();
        contracts.hosted().find(|contract| plan.is(contract)).map(|contract| contract.contract_did.clone())
    }

    /// The contracts of these names, and then those that the ensemble names, as a deployment refers to them. An
    /// operator cannot name a contract that was not made yet.
    pub(super) fn contract_refs(
        &self,
        names: &[String],
        ensemble: &EnsembleConfig,
    ) -> Result<Arc<[ContractRef]>, String> {
        let reference = |name: &str| {
            let missing = || format!("the contract {name} was not made yet");
            let plan = self.plans.contract(name).ok_or_else(missing)?;
            let root = |peer: &str| self.root_of(self.peer(peer)).did.clone();
            Ok(ContractRef {
                name: name.into(),
                did: self.did_of(plan).ok_or_else(missing)?,
                host: root(&plan.host),
                provider: root(&plan.provider),
                requestor: root(&plan.requestor),
            })
        };
        let written = names.iter().map(String::as_str);
        let of_ensemble = ensemble.contracts.keys().map(|name| &**name);
        let all: IndexSet<&str> = written.chain(of_ensemble).collect();
        all.into_iter().map(reference).collect()
    }

    /// Money for a transaction moves: what is said about it then. By the quote, where there is one.
    fn pay(&mut self, now: Time, peer: PeerId, transaction: &str) -> Option<Confirmation> {
        let contracts = self.hosts[peer.0 as usize].peer.contracts();
        let owed = contracts.transactions().find(|known| *known.unique_id == *transaction)?.clone();
        let quote = contracts.quote_for(transaction).cloned();
        let transfer = Transfer {
            tx_hash: "".into(),
            blockchain: owed.blockchain,
            from: owed.from_address,
            to: owed.to_address,
            amount: quote.as_ref().map_or(owed.amount, |quote| quote.converted_amount),
            blocks_ago: 0,
        };
        let tx_hash = self.chain.transfer(now, transfer);
        let quote_id = quote.map(|quote| quote.id);
        Some(Confirmation { unique_id: owed.unique_id, tx_hash, blockchain: owed.blockchain, quote_id })
    }

    /// What an operator's action about a contract is for its node.
    pub(super) fn contract_command(
        &mut self,
        now: Time,
        operation: u32,
        by: PeerId,
        name: &str,
        action: ContractAction,
    ) -> Result<Command, String> {
        let plan = self.plans.contract(name).cloned().ok_or("there is no such contract")?;
        let plan = &*plan;
        let contract = self.did_of(plan).ok_or("the contract was never made")?;
        let host = self.root_of(self.peer(&plan.host));
        let validator = self.root_of(self.peer(&plan.validator)).did.clone();
        use BehaviourKind as Kind;
        let ask =
            |behaviour| ContractOrder::Ask { contract: contract.clone(), host: host.did.clone(), behaviour };
        let ask_node = |node: &Did, behaviour| ContractOrder::AskNode {
            contract: contract.clone(),
            node: node.clone(),
            behaviour,
        };
        let order = match action {
            ContractAction::Approve => ContractOrder::Approve(contract),
            ContractAction::Terminate => ask(Kind::ContractTerminate),
            ContractAction::Complete => ask(Kind::ContractComplete),
            ContractAction::Settle => ask(Kind::ContractSettle),
            ContractAction::State => ask(Kind::ContractState),
            ContractAction::Validate => ask(Kind::ContractValidate),
            ContractAction::Calculate => ask_node(&host.did, Kind::UsagesCalculate),
            ContractAction::Info => ask_node(&host.did, Kind::ContractInfo),
            ContractAction::PaymentStatus => ask_node(&validator, Kind::PaymentStatus),
            ContractAction::RequestValidation => ask_node(&validator, Kind::PaymentValidationRequest),
            ContractAction::List => ContractOrder::List(None),
            ContractAction::ListIncoming => ContractOrder::List(Some(PartyRole::Provider)),
            ContractAction::ListOutgoing => ContractOrder::List(Some(PartyRole::Requestor)),
            ContractAction::Transactions => ContractOrder::ListTransactions,
            ContractAction::Forge => return Ok(forge(operation, &contract, &host, plan, self, by)),
            ContractAction::Pay
            | ContractAction::ClaimPaid
            | ContractAction::Quote
            | ContractAction::ValidateQuote
            | ContractAction::CancelQuote => self.about_owed(now, by, plan, &contract, action)?,
        };
        Ok(Command::Contract { operation: Some(operation), order: Box::new(order) })
    }

    /// An action about the oldest thing that is owed under a contract.
    fn about_owed(
        &mut self,
        now: Time,
        by: PeerId,
        plan: &ContractPlan,
        contract: &Did,
        action: ContractAction,
    ) -> Result<ContractOrder, String> {
        let known = self.hosts[by.0 as usize].peer.contracts();
        let owed = known
            .transactions()
            .find(|known| known.contract_did == *contract && known.status == PaymentStatus::Unpaid)
            .ok_or("nothing is owed")?;
        let (unique_id, blockchain) = (Arc::clone(&owed.unique_id), owed.blockchain);
        Ok(match action {
            ContractAction::Quote => {
                let payment_currency = Arc::clone(&plan.payment.payment_currency);
                ContractOrder::Quote { unique_id, payment_currency }
            }
            ContractAction::ValidateQuote => {
                ContractOrder::AboutQuote { unique_id, behaviour: BehaviourKind::QuoteValidate }
            }
            ContractAction::CancelQuote => {
                ContractOrder::AboutQuote { unique_id, behaviour: BehaviourKind::QuoteCancel }
            }
            ContractAction::ClaimPaid => {
                let tx_hash = "0xnothing".into();
                ContractOrder::Confirm(Confirmation { unique_id, tx_hash, blockchain, quote_id: None })
            }
            _ => ContractOrder::Confirm(self.pay(now, by, &unique_id).ok_or("nothing is owed")?),
        })
    }
}

/// A signature in the name of the other party, sent to the contract's actor.
fn forge(
    operation: u32,
    contract: &Did,
    host: &Handle,
    plan: &ContractPlan,
    world: &World<'_>,
    by: PeerId,
) -> Command {
    let [requestor, provider] =
        [&plan.requestor, &plan.provider].map(|name| world.root_of(world.peer(name)).did.clone());
    let own = world.root_of(by).did.clone();
    let did = if own == requestor { provider } else { requestor };
    let signed = ContractSignature { did, signature: Signature::NONE };
    let message = Message::Contract(Box::new(ContractMessage::Sign(Box::new(signed))));
    let key = contract.public_key().expect("a host makes contracts of keys");
    let inbox = Inbox::Other(contract.to_string().into());
    let to = Arc::new(Handle { id: key.into(), did: contract.clone(), host: host.host, inbox });
    let behaviour = Behaviour::fixed(BehaviourKind::ContractSign);
    let order = Order::Call { to, behaviour, message, timeout: Span::secs(20) };
    Command::Operate { operation, order: Box::new(order) }
}
