//! What became of contracts: their states, what was used, invoiced and paid.

use std::sync::Arc;

use indexmap::IndexMap;

use super::Ledger;
use crate::dms::contract::fact::ContractFact;
use crate::dms::contract::money::Money;
use crate::dms::contract::state::State;
use crate::dms::identity::Did;
use crate::kernel::Time;
use crate::observe::{ContractRow, InvoiceRow, labels};
use crate::sim::event::PeerId;
use crate::sim::setup::{ContractPlan, PeerGroup, Setup};

/// A contract as the ledger knows it.
#[derive(Clone, Debug)]
struct Record {
    plan: Option<usize>,
    created: Time,
    accepted: Option<Time>,
    ended: Option<Time>,
    state: State,
    signatures: u32,
    refused: u32,
    used: u64,
    lost: u64,
    payments_refused: u32,
    invoices: IndexMap<u64, Invoice>,
}

#[derive(Clone, Debug)]
struct Invoice {
    at: Time,
    items: u32,
    amount: Money,
    paid: Money,
    paid_at: Option<Time>,
}

/// A plan's name and parties, for tables.
#[derive(Clone, Debug)]
struct Parties {
    name: Arc<str>,
    requestor: Arc<str>,
    provider: Arc<str>,
    host: Arc<str>,
    validator: Arc<str>,
    model: Arc<str>,
    currency: Arc<str>,
    /// Of requestor and provider.
    organizations: [Arc<str>; 2],
}

/// All contracts of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Contracts {
    parties: Vec<Parties>,
    records: IndexMap<Did, Record>,
}

impl Contracts {
    pub(super) fn of(setup: &Setup) -> Self {
        let mut all = Self::default();
        setup.contracts.iter().for_each(|plan| all.add(setup, plan));
        all
    }

    /// Takes a further one.
    fn add(&mut self, setup: &Setup, plan: &ContractPlan) {
        let organization = |name: &str| {
            let of_peer = |group: &&PeerGroup| {
                group.names.iter().any(|own| own == name)
                    || name.strip_prefix(group.name.as_str()).is_some_and(|rest| {
                        rest.strip_prefix('-').is_some_and(|digits| digits.parse::<u32>().is_ok())
                    })
            };
            let found = setup.groups.iter().find(of_peer);
            found.map(|group| group.organizations.join(" ")).unwrap_or_default().into()
        };
        self.parties.push(Parties {
            name: plan.name.as_str().into(),
            requestor: plan.requestor.as_str().into(),
            provider: plan.provider.as_str().into(),
            host: plan.host.as_str().into(),
            validator: plan.validator.as_str().into(),
            model: Arc::clone(&plan.payment.payment_model),
            currency: Arc::clone(&plan.payment.pricing_currency),
            organizations: [organization(&plan.requestor), organization(&plan.provider)],
        });
    }

    /// The number of a contract in the run.
    pub(super) fn number(&self, contract: &Did) -> Option<u32> {
        self.records.get_index_of(contract).map(|place| place as u32)
    }

    /// A host has made a contract, the one of this plan.
    fn created(&mut self, now: Time, contract: &Did, plan: Option<usize>) {
        let record = Record {
            plan,
            created: now,
            accepted: None,
            ended: None,
            state: State::Draft,
            signatures: 0,
            refused: 0,
            used: 0,
            lost: 0,
            payments_refused: 0,
            invoices: IndexMap::new(),
        };
        self.records.insert(contract.clone(), record);
    }

    fn apply(&mut self, now: Time, contract: &Did, what: &ContractFact) {
        let Some(record) = self.records.get_mut(contract) else { return };
        match what {
            ContractFact::Created | ContractFact::NotMoved(_) | ContractFact::Owed { .. } => {}
            ContractFact::Signed => record.signatures += 1,
            ContractFact::SignatureRefused(_) => record.refused += 1,
            ContractFact::Is(state) => {
                record.state = *state;
                if *state == State::Accepted {
                    record.accepted.get_or_insert(now);
                }
                if state.is_end() {
                    record.ended.get_or_insert(now);
                }
            }
            ContractFact::Used(_) => record.used += 1,
            ContractFact::UsageLost { .. } => record.lost += 1,
            ContractFact::Invoiced { number, items, amount } => {
                let (items, amount) = (*items, *amount);
                let invoice = Invoice { at: now, items, amount, paid: Money::ZERO, paid_at: None };
                record.invoices.entry(*number).or_insert(invoice);
            }
            ContractFact::Paid { number, amount, .. } => {
                if let Some(invoice) = record.invoices.get_mut(number) {
                    invoice.paid = invoice.paid + *amount;
                    if invoice.paid >= invoice.amount {
                        invoice.paid_at = Some(now);
                    }
                }
            }
            ContractFact::NotPaid(_) => record.payments_refused += 1,
        }
    }

    fn party(&self, record: &Record) -> Option<&Parties> {
        record.plan.map(|place| &self.parties[place])
    }

    pub(super) fn rows(&self) -> (Vec<ContractRow>, Vec<InvoiceRow>) {
        let mut invoices = Vec::new();
        let mut contracts = Vec::new();
        for (number, record) in self.records.values().enumerate() {
            let text = |of: fn(&Parties) -> &Arc<str>| {
                self.party(record).map_or_else(|| Arc::from(""), |parties| Arc::clone(of(parties)))
            };
            let name = text(|parties| &parties.name);
            let sum = |of: fn(&Invoice) -> Money| record.invoices.values().map(of).sum::<Money>().to_string();
            contracts.push(ContractRow {
                contract: number as u32,
                name: Arc::clone(&name),
                requestor: text(|parties| &parties.requestor),
                provider: text(|parties| &parties.provider),
                host: text(|parties| &parties.host),
                validator: text(|parties| &parties.validator),
                model: text(|parties| &parties.model),
                state: record.state.as_str().into(),
                signatures: record.signatures,
                created_s: record.created.as_secs_f64(),
                accepted_s: record.accepted.map(Time::as_secs_f64),
                ended_s: record.ended.map(Time::as_secs_f64),
                usage_events: record.used,
                usage_lost: record.lost,
                invoices: record.invoices.len() as u32,
                invoiced: sum(|invoice| invoice.amount).into(),
                paid: sum(|invoice| invoice.paid).into(),
                currency: text(|parties| &parties.currency),
            });
            invoices.extend(record.invoices.iter().map(|(invoice, made)| InvoiceRow {
                contract: number as u32,
                name: Arc::clone(&name),
                invoice: *invoice,
                invoiced_s: made.at.as_secs_f64(),
                items: made.items,
                amount: made.amount.to_string().into(),
                paid: made.paid.to_string().into(),
                paid_s: made.paid_at.map(Time::as_secs_f64),
            }));
        }
        (contracts, invoices)
    }

    /// Metrics with their labels, in the order of the catalogue.
    pub(super) fn metrics(&self) -> Vec<(&'static str, Arc<str>, f64)> {
        let count = |of: &dyn Fn(&Record) -> u64| self.records.values().map(of).sum::<u64>() as f64;
        let mut all: Vec<(&'static str, Arc<str>, f64)> = Vec::new();
        let mut add = |name, value| all.push((name, "".into(), value));
        add("contracts.asked", self.parties.len() as f64);
        add("contracts.created", self.records.len() as f64);
        add("contracts.accepted", count(&|record| u64::from(record.accepted.is_some())));
        add("contracts.ended", count(&|record| u64::from(record.ended.is_some())));
        add("contracts.signatures_refused", count(&|record| u64::from(record.refused)));
        add("contracts.usage_events", count(&|record| record.used));
        add("contracts.usage_lost", count(&|record| record.lost));
        add("contracts.payments_refused", count(&|record| u64::from(record.payments_refused)));
        add("contracts.invoices", count(&|record| record.invoices.len() as u64));
        type Sum = (&'static str, &'static str, fn(&Invoice) -> Money, fn(&Parties) -> &Arc<str>);
        let sums: [Sum; 4] = [
            ("contracts.invoiced", "requestor", |invoice| invoice.amount, |parties| &parties.requestor),
            ("contracts.paid", "provider", |invoice| invoice.paid, |parties| &parties.provider),
            ("contracts.spent", "organization", |invoice| invoice.paid, |parties| &parties.organizations[0]),
            ("contracts.earned", "organization", |invoice| invoice.paid, |parties| &parties.organizations[1]),
        ];
        for (name, label, amount, party) in sums {
            let of = |record: &Record| record.invoices.values().map(amount).sum::<Money>();
            let total: Money = self.records.values().map(of).sum();
            all.push((name, "".into(), total.as_f64()));
            let mut by: IndexMap<Arc<str>, Money> = IndexMap::new();
            for record in self.records.values() {
                if let Some(parties) = self.party(record) {
                    let sum = by.entry(Arc::clone(party(parties))).or_default();
                    *sum = *sum + of(record);
                }
            }
            by.sort_unstable_keys();
            let known = by.into_iter().filter(|(who, _)| !who.is_empty());
            all.extend(known.map(|(who, sum)| (name, labels(&[(label, &who)]), sum.as_f64())));
        }
        all
    }
}

impl Ledger {
    /// Takes a fact about a contract.
    pub(super) fn apply_contract(&mut self, now: Time, peer: PeerId, contract: &Did, what: &ContractFact) {
        if let ContractFact::NotMoved(reason)
        | ContractFact::NotPaid(reason)
        | ContractFact::SignatureRefused(reason) = what
        {
            self.refuse(now, peer, None, "contract", Arc::clone(reason));
        }
        self.contracts.apply(now, contract, what);
    }

    /// A further contract is asked for, while the run goes on.
    pub(in crate::sim) fn add_contract(&mut self, setup: &Setup, plan: &ContractPlan) {
        self.contracts.add(setup, plan);
    }

    /// A contract exists from now on, the one of this place in the setup.
    pub(in crate::sim) fn contract_created(&mut self, now: Time, contract: &Did, plan: Option<usize>) {
        self.contracts.created(now, contract, plan);
    }

    /// Something about a contract came to nothing, for a reason that is known.
    pub(in crate::sim) fn contract_refused(&mut self, now: Time, peer: PeerId, reason: &str) {
        self.refuse(now, peer, None, "contract", reason.into());
    }

    pub(super) fn contract_metrics(&self) -> Vec<(&'static str, Arc<str>, f64)> {
        self.contracts.metrics()
    }
}
