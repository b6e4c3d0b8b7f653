//! Contracts are billed once, for all that ran and for nothing else (dms-capabilities sections 6.7 to 6.9, C11 and
//! C12): a host is told of what starts and ends under a contract and of nothing that never ran; each invoice begins
//! where the one before it ended; it says what was used in its time, at the price that was agreed; and what a contract
//! leaves is billed when it has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::authority::Verdict;
use super::lasting::Lasting;
use super::memberships::can_tell;
use super::{Found, Invariant, Look};
use crate::dms::actor::{AllocationState, Envelope, Message};
use crate::dms::contract::billing::Invoice;
use crate::dms::contract::cycle::Cycle;
use crate::dms::contract::fact::ContractFact;
use crate::dms::contract::message::ContractMessage;
use crate::dms::contract::model::{Contract, Quantities, TimeUnit};
use crate::dms::contract::money::Money;
use crate::dms::contract::pricing::Model;
use crate::dms::contract::usage::{UsageEvent, UsageKind, Window};
use crate::dms::fact::Fact;
use crate::dms::identity::{Did, EnsembleId};
use crate::kernel::{Span, Timestamp};
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// So long what happened may be on its way to the host, and an invoice to its validator, once nothing is broken.
const GRACE: Span = Span::mins(15);

const GIB: f64 = (1_u64 << 30) as f64;

/// What the actor of a contract was told.
#[derive(Default)]
struct Told {
    /// Where the actor lives, once it was told anything.
    host: Option<PeerId>,
    /// Sender and number of each event, for one that comes again counts once.
    seen: BTreeSet<(Did, u64)>,
    starts: Vec<(Timestamp, Arc<str>)>,
    deployments: Vec<(Timestamp, EnsembleId)>,
    /// When each allocation ran, with what it held, by who has told so.
    allocation_runs: BTreeMap<(Did, Arc<str>), (Quantities, Runs)>,
    deployment_runs: BTreeMap<EnsembleId, Runs>,
    /// How many invoices there were, and up to when everything is billed.
    billed: (u64, Timestamp),
}

type Runs = Vec<(Timestamp, Option<Timestamp>)>;

/// See the module.
#[derive(Default)]
pub(super) struct Billing {
    told: BTreeMap<Did, Told>,
    /// Allocations that ran at some time.
    ran: BTreeSet<Arc<str>>,
    /// What ran under a contract of its orchestrator with its provider, and whether it still does.
    served: BTreeMap<Did, BTreeMap<Arc<str>, (PeerId, bool)>>,
    amounts: BTreeMap<(Did, u64), Money>,
    untold: Lasting<(Did, Arc<str>)>,
    unbilled: Lasting<Did>,
}

impl Invariant for Billing {
    fn name(&self) -> &'static str {
        "billing"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, _found: &mut Found<'_>) {
        match fact {
            Fact::AllocationState { allocation, state: AllocationState::Running, .. } => {
                self.ran.insert(Arc::clone(allocation));
                if let Some(contract) = serves_under(look, peer, allocation) {
                    let served = self.served.entry(contract).or_default();
                    served.insert(Arc::clone(allocation), (peer, true));
                }
            }
            Fact::AllocationState { allocation, .. } => {
                let all = self.served.values_mut().filter_map(|served| served.get_mut(allocation));
                all.filter(|(by, _)| *by == peer).for_each(|(_, runs)| *runs = false);
            }
            // Whether it runs is said again when its provider knows.
            Fact::AllocationRestored { allocation, .. } => {
                for served in self.served.values_mut() {
                    served.remove(allocation);
                }
            }
            Fact::Contract { contract, what: ContractFact::Invoiced { number, amount, .. } } => {
                self.amounts.insert((contract.clone(), *number), *amount);
            }
            _ => {}
        }
    }

    fn executed(
        &mut self,
        look: &Look<'_, '_>,
        peer: PeerId,
        (envelope, _): (&Envelope, Verdict),
        found: &mut Found<'_>,
    ) {
        let Message::Contract(message) = &envelope.message else { return };
        match &**message {
            ContractMessage::Event(event) => {
                let actor = envelope.to.as_ref().map_or(Did::Empty, |to| to.did.clone());
                self.hear(look, peer, (actor, &envelope.from.did, event), found);
            }
            ContractMessage::Usage(contract, invoice) => self.bill(look, peer, (contract, invoice), found),
            _ => {}
        }
    }

    fn disk_lost(&mut self, peer: PeerId) {
        // Its own contracts are gone, with what their actors were told, and nobody tells what ran there.
        self.told.retain(|_, told| told.host != Some(peer));
        self.served.values_mut().for_each(|served| served.retain(|_, (by, _)| *by != peer));
    }

    fn minute(&mut self, look: &Look<'_, '_>, calm: Span, found: &mut Found<'_>) {
        let (mut untold, mut unbilled) = (Vec::new(), Vec::new());
        for (host, inside) in look.up() {
            for contract in inside.peer.contracts().hosted() {
                let did = &contract.contract_did;
                let told = self.told.get(did);
                for (allocation, (by, runs)) in self.served.get(did).into_iter().flatten() {
                    let teller = look.world.hosts[by.0 as usize].peer.handle_of_root().did.clone();
                    let key = (teller, Arc::clone(allocation));
                    let known = told.and_then(|told| told.allocation_runs.get(&key));
                    let said = known.and_then(|(_, runs)| runs.last()).map(|(_, end)| end.is_none());
                    if look.world.hosts[by.0 as usize].up && said != Some(*runs) {
                        let key = (did.clone(), Arc::clone(allocation));
                        untold.push((key, (*by, Arc::clone(allocation), *runs)));
                    }
                }
                if told.is_some_and(|told| is_unbilled(look, (host, contract), told)) {
                    unbilled.push((did.clone(), (host, did.clone())));
                }
            }
        }
        for (by, allocation, runs) in self.untold.look((look.now, calm, GRACE), untold) {
            let what = if runs { "runs" } else { "has ended" };
            let key = key_of(&allocation);
            found.stuck(look, by, format!("{key} {what}, and the host of its contract was not told"));
        }
        for (host, did) in self.unbilled.look((look.now, calm, GRACE), unbilled) {
            found.stuck(look, host, format!("{} has ended, and not all is billed", name_of(look, &did)));
        }
    }
}

impl Billing {
    /// The actor of a contract is told something.
    fn hear(
        &mut self,
        look: &Look<'_, '_>,
        host: PeerId,
        (contract, sender, event): (Did, &Did, &UsageEvent),
        found: &mut Found<'_>,
    ) {
        let now = look.world.clock_of(host, look.now);
        let contracts = look.world.hosts[host.0 as usize].peer.contracts();
        // A clock may have been put back to before what is billed.
        let counts_from =
            |contract: &Did| contracts.account(contract).map(|account| account.counts_from(now));
        if !self.told(&contract, host).note(sender, event, counts_from(&contract).unwrap_or(now)) {
            return;
        }
        // What is used under a tail is used under its head as well.
        let head = &event.head_contract_did;
        if let Some(from) = counts_from(head).filter(|_| *head != contract) {
            self.told(head, host).note(sender, event, from);
        }
        if let (UsageKind::StartAllocation, Some(id)) = (event.kind, &event.allocation_id)
            && !self.ran.contains(id)
        {
            found.wrong(look, host, format!("was told that {} has started, which never did", key_of(id)));
        }
    }

    fn told(&mut self, contract: &Did, host: PeerId) -> &mut Told {
        let begin = || Told { host: Some(host), ..Told::default() };
        self.told.entry(contract.clone()).or_insert_with(begin)
    }

    /// A validator is told what was used.
    fn bill(
        &mut self,
        look: &Look<'_, '_>,
        validator: PeerId,
        (contract, invoice): (&Contract, &Invoice),
        found: &mut Found<'_>,
    ) {
        let did = &contract.contract_did;
        // Rent is due although nobody tells of anything.
        let told = self.told.entry(did.clone()).or_default();
        if is_untold(contract) {
            return;
        }
        // What was not taken is sent again as it was.
        let Some(amount) = self.amounts.get(&(did.clone(), invoice.number)) else { return };
        let (count, from) = (told.billed.0, told.billed.1.max(contract.start()));
        if invoice.number <= count {
            return;
        }
        let (name, number) = (name_of(look, did), invoice.number);
        if invoice.window.from < from {
            found.wrong(look, validator, format!("invoice {number} of {name} bills again what was billed"));
        }
        let gap = Window { from, to: invoice.window.from.max(from) };
        if price(contract, told, gap) > 1e-6 {
            found.wrong(
                look,
                validator,
                format!("invoice {number} of {name} leaves out what was used before"),
            );
        }
        told.billed = (number, invoice.window.to);
        let due = price(contract, told, invoice.window);
        // Each item is rounded to eight decimals.
        if (amount.as_f64() - due).abs() > 1e-6 * due.max(1.0) {
            found.wrong(
                look,
                validator,
                format!("invoice {number} of {name} says {amount}, and {due} was used"),
            );
        }
    }
}

impl Told {
    /// Takes an event in. False for one that came before.
    fn note(&mut self, sender: &Did, event: &UsageEvent, now: Timestamp) -> bool {
        if !self.seen.insert((sender.clone(), event.sequence)) {
            return false;
        }
        let id = event.allocation_id.clone();
        match (event.kind, id) {
            (UsageKind::DeploymentStart, _) => {
                self.deployments.push((now, event.deployment_id));
                start(self.deployment_runs.entry(event.deployment_id).or_default(), now);
            }
            (UsageKind::DeploymentStop, _) => {
                stop(self.deployment_runs.entry(event.deployment_id).or_default(), now);
            }
            (kind, Some(id)) => {
                let (held, runs) = self.allocation_runs.entry((sender.clone(), Arc::clone(&id))).or_default();
                *held = event.resources.unwrap_or(*held);
                match kind {
                    UsageKind::StartAllocation => {
                        start(runs, now);
                        self.starts.push((now, id));
                    }
                    UsageKind::StopAllocation | UsageKind::CompleteAllocation => stop(runs, now),
                    _ => {}
                }
            }
            _ => {}
        }
        true
    }
}

fn start(runs: &mut Runs, now: Timestamp) {
    if runs.last().is_none_or(|(_, end)| end.is_some()) {
        runs.push((now, None));
    }
}

fn stop(runs: &mut Runs, now: Timestamp) {
    if let Some((_, end)) = runs.last_mut() {
        end.get_or_insert(now);
    }
}

/// Seconds of runs within a window.
fn seconds(runs: &Runs, window: Window) -> f64 {
    let within = |(from, end): &(Timestamp, Option<Timestamp>)| {
        let (from, end) = ((*from).max(window.from), end.unwrap_or(window.to).min(window.to));
        end.since(from).as_secs_f64()
    };
    runs.iter().map(within).sum()
}

/// What was used in a window costs this much.
fn price(contract: &Contract, told: &Told, window: Window) -> f64 {
    let details = &contract.payment_details;
    let Some(model) = Model::parse(&details.payment_model) else { return 0.0 };
    let fee = details.fee.unwrap_or_default().as_f64();
    let unit = details.time_unit.map_or(Span::hours(1), TimeUnit::span).as_secs_f64();
    let holds = |at: &Timestamp| window.from <= *at && *at < window.to;
    let amount = match model {
        Model::PayPerAllocation => {
            let started = told.starts.iter().filter(|(at, _)| holds(at));
            fee * started.map(|(_, id)| id).collect::<BTreeSet<_>>().len() as f64
        }
        Model::PayPerDeployment => {
            let started = told.deployments.iter().filter(|(at, _)| holds(at));
            fee * started.map(|(_, id)| id).collect::<BTreeSet<_>>().len() as f64
        }
        Model::PayPerTimeUtilization => {
            let all = told.allocation_runs.values();
            fee * all.map(|(_, runs)| seconds(runs, window)).sum::<f64>() / unit
        }
        Model::PayPerResourceUtilization => {
            let fees = details.resource_fees.unwrap_or_default();
            let rate = |held: &Quantities| {
                held.cores_milli as f64 / 1000.0 * fees.cpu_core.as_f64()
                    + held.ram_bytes as f64 / GIB * fees.ram_gib.as_f64()
                    + held.disk_bytes as f64 / GIB * fees.disk_gib.as_f64()
                    + held.gpus as f64 * fees.gpu.as_f64()
            };
            let all = told.allocation_runs.values();
            all.map(|(held, runs)| rate(held) * seconds(runs, window) / unit).sum()
        }
        Model::FixedRental => {
            let cycle = details.cycle().map_or(Span::hours(1), Cycle::span);
            fee * window.span().as_secs_f64() / cycle.as_secs_f64()
        }
        Model::Periodic => {
            let all = told.deployment_runs.values();
            let period = details.period().span().as_secs_f64();
            fee * all.map(|runs| seconds(runs, window)).sum::<f64>() / period
        }
    };
    let orchestration = details.orchestration_fee.unwrap_or_default();
    let on_top = orchestration.fixed.as_f64() + orchestration.percentage.as_f64() / 100.0 * amount;
    if amount > 0.0 { amount + on_top } else { 0.0 }
}

/// At the end of a chain nobody tells when a deployment runs.
fn is_untold(contract: &Contract) -> bool {
    let model = Model::parse(&contract.payment_details.payment_model);
    contract.is_tail() && matches!(model, Some(Model::PayPerDeployment | Model::Periodic))
}

/// Whether a contract has ended, and its host has something left of it that its validator could have taken.
fn is_unbilled(look: &Look<'_, '_>, (host, contract): (PeerId, &Contract), told: &Told) -> bool {
    let Some((ended, _)) = contract.ended() else { return false };
    let from = told.billed.1.max(contract.start());
    let rest = Window { from, to: ended.min(contract.end()).max(from) };
    look.world.clock_of(host, look.now) > rest.to
        && !contract.disable_billing
        && !is_untold(contract)
        && look.node(&contract.payment_validator_did).is_some_and(|validator| can_tell(look, validator, host))
        && price(contract, told, rest) > 1e-6
}

/// The contract between a provider and the orchestrator of an allocation, where the deployment names just that one.
fn serves_under(look: &Look<'_, '_>, provider: PeerId, allocation: &str) -> Option<Did> {
    let (by, deployment) = look.deployment(look.world.ledger.deployment_of(allocation)?)?;
    let [contract] = deployment.contracts() else { return None };
    let parties = [look.node(&contract.provider), look.node(&contract.requestor)];
    (parties == [Some(provider), Some(by)]).then(|| contract.did.clone())
}

/// What a contract is called in the scenario, or its DID.
pub(super) fn name_of(look: &Look<'_, '_>, contract: &Did) -> String {
    let world = look.world;
    let plan = world.plans.contracts.iter().find(|plan| world.did_of(plan).as_ref() == Some(contract));
    plan.map_or_else(|| contract.to_string(), |plan| plan.name.clone())
}
