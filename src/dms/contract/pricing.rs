//! The six payment models: what is counted and what it costs (dms-capabilities section 6.8).
//!
//! A host measures ([`Usage`]), a payment validator prices ([`Pricing::items`]). Everything is exact until an amount
//! stands in an invoice item.

use std::sync::Arc;

use num_bigint::BigInt;
use serde::Serialize;

use super::model::{InvalidContract, OrchestrationFee, PaymentDetails, Quantities, ResourceFees};
use super::money::{Exact, Money};
use crate::dms::identity::EnsembleId;
use crate::kernel::Span;

/// How the id of an item ends that is an orchestration fee.
pub(super) const ORCHESTRATION_FEE: &str = "-orchestration-fee";

/// Bytes of memory or disk that are one unit in prices.
const GIB: u64 = 1 << 30;

/// A payment model.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// For each allocation that was started.
    PayPerAllocation,
    /// For each deployment that was started.
    PayPerDeployment,
    /// For the time in which allocations ran.
    PayPerTimeUtilization,
    /// For what they held in that time.
    PayPerResourceUtilization,
    /// For each cycle, whatever ran.
    FixedRental,
    /// For the time in which deployments ran, by the cycle.
    Periodic,
}

impl Model {
    /// All six.
    pub const ALL: [Self; 6] = [
        Self::PayPerAllocation,
        Self::PayPerDeployment,
        Self::PayPerTimeUtilization,
        Self::PayPerResourceUtilization,
        Self::FixedRental,
        Self::Periodic,
    ];

    /// The word in contracts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PayPerAllocation => "pay_per_allocation",
            Self::PayPerDeployment => "pay_per_deployment",
            Self::PayPerTimeUtilization => "pay_per_time_utilization",
            Self::PayPerResourceUtilization => "pay_per_resource_utilization",
            Self::FixedRental => "fixed_rental",
            Self::Periodic => "periodic",
        }
    }
    /// The model of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.as_str() == text)
    }
    /// Whether somebody may have it billed at any time; the others are billed by their cycle only.
    #[must_use]
    pub const fn is_manual(self) -> bool {
        !matches!(self, Self::FixedRental | Self::Periodic)
    }
    /// Whether the version of DMS that was read bills it by itself.
    #[must_use]
    pub const fn is_automatic_as_is(self) -> bool {
        !matches!(self, Self::PayPerTimeUtilization)
    }
}

/// A model with its prices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pricing {
    /// Which.
    pub model: Model,
    fee: Money,
    resources: ResourceFees,
    time_unit: Span,
    orchestration: OrchestrationFee,
}

/// What was used in a window, as far as a model asks for it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum Usage {
    /// So many started, allocations or deployments.
    Started(u64),
    /// The time of each deployment.
    Time(Vec<(EnsembleId, Span)>),
    /// What was held, each for so long.
    Resources(Vec<(Quantities, Span)>),
    /// Cycles, whole ones and parts: the rented time and the length of one cycle.
    Cycles {
        /// The time.
        rented: Span,
        /// One cycle.
        cycle: Span,
    },
}

impl Usage {
    /// Whether nothing was used.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Started(count) => *count == 0,
            Self::Time(times) => times.iter().all(|(_, time)| *time == Span::ZERO),
            Self::Resources(held) => held.iter().all(|(_, time)| *time == Span::ZERO),
            Self::Cycles { rented, .. } => *rented == Span::ZERO,
        }
    }
}

/// One line of an invoice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// The invoice's base id, with what tells its items apart.
    pub id: Arc<str>,
    /// The deployment that it is for, where the model bills each by itself.
    pub deployment: Option<EnsembleId>,
    /// How much.
    pub amount: Money,
}

impl Pricing {
    /// The model and prices of a contract.
    ///
    /// # Errors
    /// The field that is missing or wrong.
    pub fn of(details: &PaymentDetails) -> Result<Self, InvalidContract> {
        if details.payment_model.is_empty() {
            return Err(InvalidContract::Missing("payment_model"));
        }
        let model = Model::parse(&details.payment_model)
            .ok_or_else(|| InvalidContract::Model(Arc::clone(&details.payment_model)))?;
        let by_resource = model == Model::PayPerResourceUtilization;
        let fee = match details.fee {
            None if !by_resource => return Err(InvalidContract::Missing("fee")),
            fee => fee.unwrap_or_default(),
        };
        let resources = match details.resource_fees {
            None if by_resource => return Err(InvalidContract::Missing("resource_fees")),
            fees => fees.unwrap_or_default(),
        };
        let orchestration = details.orchestration_fee.unwrap_or_default();
        for (amount, field) in [
            (fee, "fee"),
            (resources.cpu_core, "resource_fees.cpu_core"),
            (resources.ram_gib, "resource_fees.ram_gib"),
            (resources.disk_gib, "resource_fees.disk_gib"),
            (resources.gpu, "resource_fees.gpu"),
            (orchestration.fixed, "orchestration_fee.fixed"),
            (orchestration.percentage, "orchestration_fee.percentage"),
        ] {
            if amount.is_negative() {
                return Err(InvalidContract::Negative(field));
            }
        }
        // What is paid by the cycle counts time in the cycle's own unit.
        let time_unit = match (model, details.time_unit) {
            (Model::Periodic, _) => details.period().span(),
            (_, Some(unit)) => unit.span(),
            (_, None) => Span::hours(1),
        };
        Ok(Self { model, fee, resources, time_unit, orchestration })
    }

    /// The items of an invoice over `usage`: one, or for what is billed by deployment one for each; then the
    /// orchestration fee over their total. None when nothing was used.
    #[must_use]
    pub fn items(&self, base: &str, usage: &Usage) -> Vec<Item> {
        let one = |amount: &Exact| Item { id: base.into(), deployment: None, amount: Money::rounded(amount) };
        let mut items = if usage.is_nothing() {
            Vec::new()
        } else {
            match usage {
                Usage::Started(count) => vec![one(&(self.fee.exact() * whole(*count)))],
                Usage::Time(times) => {
                    let used = times.iter().filter(|(_, time)| *time > Span::ZERO);
                    used.map(|(deployment, time)| self.time_item(base, *deployment, *time)).collect()
                }
                Usage::Resources(held) => {
                    let costs = held.iter().map(|(held, time)| self.rate(held) * self.units(*time));
                    vec![one(&costs.sum())]
                }
                Usage::Cycles { rented, cycle } => {
                    vec![one(&(self.fee.exact() * ratio(*rented, *cycle)))]
                }
            }
        };
        items.extend(self.orchestration_item(base, &items));
        items
    }

    fn time_item(&self, base: &str, deployment: EnsembleId, time: Span) -> Item {
        let amount = Money::rounded(&(self.fee.exact() * self.units(time)));
        Item { id: format!("{base}-{deployment}").into(), deployment: Some(deployment), amount }
    }

    fn orchestration_item(&self, base: &str, items: &[Item]) -> Option<Item> {
        let OrchestrationFee { fixed, percentage } = self.orchestration;
        if items.is_empty() || (fixed.is_zero() && percentage.is_zero()) {
            return None;
        }
        let total: Money = items.iter().map(|item| item.amount).sum();
        let amount = fixed.exact() + percentage.exact() * total.exact() / whole(100);
        let id = format!("{base}{ORCHESTRATION_FEE}").into();
        Some(Item { id, deployment: None, amount: Money::rounded(&amount) })
    }

    /// A time in the units in which it is paid.
    fn units(&self, time: Span) -> Exact {
        ratio(time, self.time_unit)
    }

    /// What some resources cost in one unit of time.
    fn rate(&self, held: &Quantities) -> Exact {
        let fees = &self.resources;
        let part = |amount: u64, of: u64| Exact::new(BigInt::from(amount), BigInt::from(of));
        part(held.cores_milli, 1000) * fees.cpu_core.exact()
            + part(held.ram_bytes, GIB) * fees.ram_gib.exact()
            + part(held.disk_bytes, GIB) * fees.disk_gib.exact()
            + whole(held.gpus) * fees.gpu.exact()
    }
}

fn whole(count: u64) -> Exact {
    Exact::from_integer(BigInt::from(count))
}

fn ratio(time: Span, unit: Span) -> Exact {
    Exact::new(BigInt::from(time.0), BigInt::from(unit.0))
}
