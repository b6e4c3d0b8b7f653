//! When a contract is billed and for which window (dms-capabilities section 6.9).
//!
//! The windows of one contract, as they are meant, are laid end to end from its start date to its end: each begins
//! where the one before it ended, at a boundary of the cycle, so that nothing is billed twice and nothing is left out.
//! The real DMS starts at the second of its last look and, for periodic payment, rounds that up to a boundary (C11):
//! what happened in between is not billed, what happened within that second is billed again, and what was under way
//! when a contract completed is never billed.

use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use super::cycle::Cycle;
use super::model::Contract;
use super::pricing::{Model, Pricing, Usage};
use super::state::State;
use super::usage::{UsageLog, Window};
use crate::dms::constants::BILLING_CHECK_MIN;
use crate::dms::identity::Did;
use crate::dms::profile::{Profile, Weakness};
use crate::kernel::{Span, Timestamp};

const SECOND: u64 = 1_000_000_000;

/// What a host sends to the payment validator: what was used in a window.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Invoice {
    /// The base of its items' ids.
    pub id: Arc<str>,
    /// The contract.
    pub contract_did: Did,
    /// Which of its invoices this is, from 1.
    pub number: u64,
    /// For which time.
    pub window: Window,
    /// What was used in it.
    pub usage: Usage,
    /// Whether it is the last.
    pub last: bool,
}

/// Who asks for an invoice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// The scheduler.
    Automatic,
    /// A party, with `usages/calculate`.
    Manual,
}

/// Why nothing is billed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum NotBilled {
    /// Less than a cycle has passed.
    #[error("period not elapsed")]
    PeriodNotElapsed,
    /// Only its cycle bills it.
    #[error("payment model {} is billed automatically and cannot be triggered manually", .0.as_str())]
    AutomaticOnly(Model),
    /// Only somebody's request bills it.
    #[error("payment model {} is billed on request only", .0.as_str())]
    ManualOnly(Model),
    /// It says so.
    #[error("billing is disabled for this contract")]
    Disabled,
    /// It has ended, and what was due is billed.
    #[error("the contract has ended")]
    Ended,
    /// It does not hold, or does not yet.
    #[error("the contract is not in force")]
    NotInForce,
    /// Nothing was used; the window counts as billed.
    #[error("nothing was used")]
    Nothing,
}

/// Where the billing of one contract stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Account {
    /// The end of the last window; zero before the first look.
    last_processed: Timestamp,
    /// The last look.
    checked: Timestamp,
    /// What was sent and is not acknowledged: it is sent again as it is.
    pending: Option<Invoice>,
    invoices: u64,
    /// Everything is billed.
    closed: bool,
}

impl Account {
    /// The end of the last window.
    #[must_use]
    pub const fn last_processed(&self) -> Timestamp {
        self.last_processed
    }

    /// When something counts as used of which the host hears at `now`: in no window that is billed, or measured and to
    /// be billed, though its clock has been put back since.
    #[must_use]
    pub fn counts_from(&self, now: Timestamp) -> Timestamp {
        let measured = self.pending.as_ref().map(|invoice| invoice.window.to);
        now.max(self.last_processed).max(measured.unwrap_or_default())
    }

    /// Invoices made so far.
    #[must_use]
    pub const fn invoices(&self) -> u64 {
        self.invoices
    }

    /// Whether nothing will be billed any more.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// The invoice that waits for its acknowledgement.
    #[must_use]
    pub const fn pending(&self) -> Option<&Invoice> {
        self.pending.as_ref()
    }

    /// When the scheduler should look next: at the next boundary of the cycle after the last invoice or at the end of
    /// the contract, but not sooner than one check interval after its last look; none when all is billed.
    #[must_use]
    pub fn due(&self, contract: &Contract) -> Option<Timestamp> {
        if self.closed || contract.disable_billing {
            return self.pending.as_ref().map(|_| self.checked + BILLING_CHECK_MIN);
        }
        let cycle = contract.payment_details.cycle().ok()?;
        let start = contract.start();
        if self.checked == Timestamp::ZERO {
            return Some(start);
        }
        let earliest = self.checked + cycle.check_interval();
        if contract.current_state == State::Draft && self.checked >= contract.end() {
            return None;
        }
        if self.pending.is_some() || contract.current_state == State::Draft {
            return Some(earliest);
        }
        let boundary = cycle.boundary_before(start, self.last_processed) + cycle.span();
        let end = contract.ended().map_or(contract.end(), |(at, _)| at);
        Some(boundary.min(end).max(earliest))
    }

    /// The clock may have been put back: the last look was no later than `now`.
    pub fn correct(&mut self, now: Timestamp) {
        self.checked = self.checked.min(now);
    }

    /// One look at the account. An invoice that it returns is pending until [`Account::acknowledge`].
    ///
    /// # Errors
    /// Why there is none.
    pub fn bill(
        &mut self,
        contract: &Contract,
        log: &UsageLog,
        trigger: Trigger,
        now: Timestamp,
        profile: Profile,
    ) -> Result<&Invoice, NotBilled> {
        self.checked = now;
        if self.pending.is_none() {
            self.pending = Some(self.measure(contract, log, trigger, now, profile)?);
        }
        self.pending.as_ref().ok_or(NotBilled::Nothing)
    }

    /// The validator has taken an invoice. As-is the next window begins at the second in which the answer came.
    pub fn acknowledge(&mut self, id: &str, now: Timestamp, profile: Profile) {
        if let Some(invoice) = self.pending.take_if(|invoice| *invoice.id == *id) {
            self.finish(invoice.window.to, invoice.last, now, profile);
        }
    }

    fn finish(&mut self, to: Timestamp, last: bool, now: Timestamp, profile: Profile) {
        let forgetful = profile.has(Weakness::GappyBilling);
        self.last_processed = if forgetful { whole_second(now) } else { to };
        self.closed |= last;
    }

    fn measure(
        &mut self,
        contract: &Contract,
        log: &UsageLog,
        trigger: Trigger,
        now: Timestamp,
        profile: Profile,
    ) -> Result<Invoice, NotBilled> {
        if self.closed {
            return Err(NotBilled::Ended);
        }
        let details = &contract.payment_details;
        let pricing = Pricing::of(details).map_err(|_| NotBilled::NotInForce)?;
        let cycle = details.cycle().map_err(|_| NotBilled::NotInForce)?;
        if self.last_processed == Timestamp::ZERO {
            self.last_processed = contract.start();
        }
        allowed(pricing.model, trigger, contract, profile)?;
        let forgetful = profile.has(Weakness::GappyBilling);
        let plan = if forgetful {
            self.plan_as_is(contract, pricing.model, cycle, trigger, now)
        } else {
            self.plan(contract, cycle, now)
        };
        let Plan { window, rented, last } = match plan {
            Ok(plan) => plan,
            Err(NotBilled::Ended) => {
                self.closed = true;
                return Err(NotBilled::Ended);
            }
            Err(other) => return Err(other),
        };
        let usage = usage_of(pricing.model, contract, log, window, rented, !forgetful);
        if usage.is_nothing() {
            self.finish(window.to, last, now, profile);
            return Err(NotBilled::Nothing);
        }
        self.invoices += 1;
        let (did, number) = (&contract.contract_did, self.invoices);
        let id = format!("{did}-{number}").into();
        Ok(Invoice { id, contract_did: did.clone(), number, window, usage, last })
    }

    /// As it is meant: from where the last window ended to the last boundary, or to the end of the contract.
    fn plan(&self, contract: &Contract, cycle: Cycle, now: Timestamp) -> Result<Plan, NotBilled> {
        let ended = contract.ended().map(|(at, _)| at);
        if contract.current_state == State::Draft || now < contract.start() {
            return Err(NotBilled::NotInForce);
        }
        let end = ended.map_or(contract.end(), |at| at.min(contract.end()));
        let last = now >= end;
        let to = if last { end } else { cycle.boundary_before(contract.start(), now) };
        if to <= self.last_processed {
            return Err(if last { NotBilled::Ended } else { NotBilled::PeriodNotElapsed });
        }
        let window = Window { from: self.last_processed, to };
        Ok(Plan { window, rented: window.span(), last })
    }

    fn plan_as_is(
        &self,
        contract: &Contract,
        model: Model,
        cycle: Cycle,
        trigger: Trigger,
        now: Timestamp,
    ) -> Result<Plan, NotBilled> {
        let (from, ended) = (self.last_processed, contract.ended());
        let cycles = |to: Timestamp| cycle.elapsed(to.since(from));
        let window = |to: Timestamp| Window { from: periodic_start(model, contract, from), to };
        if let Some((at, State::Terminated)) = ended {
            let full = cycle.span().times(cycles(at));
            let rented = if full > Span::ZERO { full } else { at.since(from) };
            return Ok(Plan { window: window(at), rented, last: true });
        }
        if ended.is_some() || contract.current_state == State::Completed || now > contract.end() {
            return Err(NotBilled::Ended);
        }
        if contract.current_state == State::Draft || now < contract.start() {
            return Err(NotBilled::NotInForce);
        }
        if trigger == Trigger::Automatic && cycles(now) < 1 {
            return Err(NotBilled::PeriodNotElapsed);
        }
        Ok(Plan { window: window(now), rented: cycle.span().times(cycles(now)), last: false })
    }
}

/// What is billed next.
struct Plan {
    window: Window,
    /// The time for which a fixed rental is due.
    rented: Span,
    last: bool,
}

/// Whether this trigger may bill this contract at all.
fn allowed(model: Model, trigger: Trigger, contract: &Contract, profile: Profile) -> Result<(), NotBilled> {
    match trigger {
        Trigger::Manual if !model.is_manual() => Err(NotBilled::AutomaticOnly(model)),
        Trigger::Manual => Ok(()),
        Trigger::Automatic if contract.disable_billing => Err(NotBilled::Disabled),
        Trigger::Automatic if profile.has(Weakness::GappyBilling) && !model.is_automatic_as_is() => {
            Err(NotBilled::ManualOnly(model))
        }
        Trigger::Automatic => Ok(()),
    }
}

fn usage_of(
    model: Model,
    contract: &Contract,
    log: &UsageLog,
    window: Window,
    rented: Span,
    clipped: bool,
) -> Usage {
    let tail = contract.is_tail();
    match model {
        Model::PayPerAllocation => Usage::Started(log.started_allocations(window)),
        Model::PayPerDeployment => Usage::Started(log.started_deployments(window, tail)),
        Model::PayPerTimeUtilization => Usage::Time(log.allocation_times(window, clipped)),
        Model::PayPerResourceUtilization => Usage::Resources(log.resource_times(window, clipped)),
        Model::Periodic => Usage::Time(log.deployment_times(window, clipped, tail)),
        Model::FixedRental => {
            let cycle = contract.payment_details.cycle().map_or(Cycle::DEFAULT, |cycle| cycle).span();
            Usage::Cycles { rented, cycle }
        }
    }
}

/// The real DMS begins a periodic window at the next boundary of the period, not where the last one ended.
fn periodic_start(model: Model, contract: &Contract, from: Timestamp) -> Timestamp {
    if model != Model::Periodic {
        return from;
    }
    let period = Cycle { period: contract.payment_details.period(), count: 1 };
    let before = period.boundary_before(contract.start(), from);
    if before == from { from } else { before + period.span() }
}

/// The real DMS keeps its marks in whole seconds.
const fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp(moment.0 / SECOND * SECOND)
}
