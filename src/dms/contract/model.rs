//! What a contract says (dms-capabilities section 6.2), and what is checked when one is created.
//!
//! The JSON is that of DMS as far as it was read: `solution_enabler_did`, `payment_validator_did`, `payment_model`,
//! `payment_period`, `payment_period_count`, `termination_option`, `disable_billing`, `paid`, `settled` and
//! `contract_chain_role` are its own names; the other keys are written in the same manner. Absent values are left out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::cycle::{Cycle, Period};
use super::money::Money;
use super::pricing::Pricing;
use super::state::{Event, State, TransitionError};
use crate::dms::identity::{Did, Signature};
use crate::dms::profile::{Profile, Weakness};
use crate::dms::resources::Resources;
use crate::kernel::{Span, Timestamp};

/// A contract, as it travels and as each party keeps it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Contract {
    /// The DID of the contract's own key, which its host makes; empty until then.
    #[serde(skip_serializing_if = "Did::is_empty")]
    pub contract_did: Did,
    /// The node that hosts its actor.
    pub solution_enabler_did: Did,
    /// The node that computes what is to be paid and checks that it was.
    pub payment_validator_did: Did,
    /// What it is about; nothing checks deployments against it.
    pub resource_configuration: Quantities,
    /// Whether a party may end it early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_option: Option<TerminationOption>,
    /// What was agreed for the case that a party fails; nothing enforces it.
    pub penalties: Vec<Penalty>,
    /// From when to when it holds.
    pub duration: Duration,
    /// Who agrees.
    pub participants: Participants,
    /// What is paid.
    pub payment_details: PaymentDetails,
    /// Whether the validator has seen a payment.
    pub paid: bool,
    /// Who has signed.
    pub signatures: Vec<ContractSignature>,
    /// Whether the accounts are closed.
    pub settled: bool,
    /// What somebody verified about it, in words.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub verification: Arc<str>,
    /// A proof of it; what DMS puts here was not read.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub proof: Arc<str>,
    /// Where it stands.
    pub current_state: State,
    /// Whatever else was agreed, in words.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub terms: Arc<str>,
    /// When a party ended it.
    #[serde(with = "optional_date", skip_serializing_if = "Option::is_none")]
    pub termination_started: Option<Timestamp>,
    /// How it came to stand there.
    pub transitions: Vec<Transition>,
    /// Whether nothing is billed automatically.
    pub disable_billing: bool,
    /// Its place in a chain.
    pub metadata: Metadata,
}

/// Amounts of what a machine has, as far as money depends on them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Quantities {
    /// Cores in thousandths.
    pub cores_milli: u64,
    /// Memory in bytes.
    pub ram_bytes: u64,
    /// Disk in bytes.
    pub disk_bytes: u64,
    /// Graphics cards.
    pub gpus: u64,
}

impl From<&Resources> for Quantities {
    fn from(resources: &Resources) -> Self {
        Self {
            cores_milli: resources.cpu.cores_milli,
            ram_bytes: resources.ram_bytes,
            disk_bytes: resources.disk_bytes,
            gpus: resources.gpus.len() as u64,
        }
    }
}

/// Whether, and with what notice, a contract may be terminated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct TerminationOption {
    /// Whether a party may.
    pub allowed: bool,
    /// The notice that was agreed, in nanoseconds; nothing waits for it.
    pub notice_period: u64,
}

/// A penalty that was agreed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Penalty {
    /// For what.
    pub condition: Arc<str>,
    /// How much.
    pub penalty: Money,
}

/// From when to when a contract holds. Both are required.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Duration {
    /// Its beginning.
    #[serde(with = "optional_date", skip_serializing_if = "Option::is_none")]
    pub start_date: Option<Timestamp>,
    /// Its end.
    #[serde(with = "optional_date", skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Timestamp>,
}

/// The two that agree.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Participants {
    /// Who provides: a compute provider, or in a head contract an organization.
    pub provider: Did,
    /// Who asks and pays: an orchestrator, or in a tail contract an organization.
    pub requestor: Did,
}

impl Participants {
    /// Whether somebody is one of the two.
    #[must_use]
    pub fn include(&self, did: &Did) -> bool {
        self.provider == *did || self.requestor == *did
    }
    /// Whether somebody is one of the two in this role; without a role, in any.
    #[must_use]
    pub fn has(&self, role: Option<PartyRole>, did: &Did) -> bool {
        match role {
            Some(PartyRole::Provider) => self.provider == *did,
            Some(PartyRole::Requestor) => self.requestor == *did,
            None => self.include(did),
        }
    }
}

/// One of the two that agree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PartyRole {
    /// Who provides.
    Provider,
    /// Who asks and pays.
    Requestor,
}

/// What is paid, to whom and how. Which fields matter depends on the model; see [`Pricing`].
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PaymentDetails {
    /// One of the six models.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub payment_model: Arc<str>,
    /// The price of one unit of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<Money>,
    /// The prices of resources, for `pay_per_resource_utilization`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_fees: Option<ResourceFees>,
    /// The unit in which time is paid; hours when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_unit: Option<TimeUnit>,
    /// The unit of the billing cycle: minute, hour, day, week or month.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub payment_period: Arc<str>,
    /// How many of them make a cycle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_period_count: Option<i64>,
    /// What the host takes for its work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orchestration_fee: Option<OrchestrationFee>,
    /// In what prices are written.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub pricing_currency: Arc<str>,
    /// In what is paid.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub payment_currency: Arc<str>,
    /// Where it is paid.
    pub blockchain: Blockchain,
    /// From which address.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub requestor_address: Arc<str>,
    /// To which address.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub provider_address: Arc<str>,
}

/// The prices of resources for one unit of time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceFees {
    /// Of a core.
    pub cpu_core: Money,
    /// Of 1024 ^ 3 bytes of memory.
    pub ram_gib: Money,
    /// Of 1024 ^ 3 bytes of disk.
    pub disk_gib: Money,
    /// Of a graphics card.
    pub gpu: Money,
}

/// In what time is paid.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// By the second.
    Second,
    /// By the minute.
    Minute,
    /// By the hour.
    Hour,
}

impl TimeUnit {
    /// How long it is.
    #[must_use]
    pub const fn span(self) -> Span {
        match self {
            Self::Second => Span::secs(1),
            Self::Minute => Span::mins(1),
            Self::Hour => Span::hours(1),
        }
    }
}

/// What is added to each invoice for the work of orchestrating.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OrchestrationFee {
    /// So much.
    pub fixed: Money,
    /// And so many hundredths of the invoice's total.
    pub percentage: Money,
}

/// Where money moves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Blockchain {
    /// Ethereum.
    #[default]
    Ethereum,
    /// Cardano.
    Cardano,
}

impl Blockchain {
    /// DMS's own word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ethereum => "ETHEREUM",
            Self::Cardano => "CARDANO",
        }
    }
}

/// A signature of one party.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ContractSignature {
    /// Whose.
    pub did: Did,
    /// Over what `signing` says.
    pub signature: Signature,
}

/// A step of a contract's life.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Transition {
    /// Before.
    pub from_state: State,
    /// After.
    pub to_state: State,
    /// What moved it.
    pub event: Event,
    /// When, by the host's clock.
    #[serde(with = "date")]
    pub time: Timestamp,
    /// Who asked for it.
    pub initiated_by: Did,
}

/// The place of a contract in a chain of two.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChainRole {
    /// Between an orchestrator and an organization.
    Head,
    /// Between an organization and a compute provider.
    Tail,
}

/// What is noted beside a contract.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Its place in a chain, if it is in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_chain_role: Option<ChainRole>,
}

/// Why a contract cannot be created; the texts name the field.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum InvalidContract {
    /// A field that every contract needs is empty.
    #[error("{0} is required")]
    Missing(&'static str),
    /// The end is not after the start.
    #[error("duration.end_date must be after duration.start_date")]
    EndsBeforeItStarts,
    /// No such model.
    #[error("invalid payment model \"{0}\"")]
    Model(Arc<str>),
    /// No such period.
    #[error("payment_period must be minute, hour, day, week or month, not \"{0}\"")]
    Period(Arc<str>),
    /// No cycle can be made of it.
    #[error("payment_period_count must be positive")]
    PeriodCount,
    /// A price below zero.
    #[error("{0} must not be negative")]
    Negative(&'static str),
}

impl Contract {
    /// What is checked before a contract is created.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn validate(&self) -> Result<(), InvalidContract> {
        let parties = &self.participants;
        for (did, field) in [
            (&self.solution_enabler_did, "solution_enabler_did"),
            (&self.payment_validator_did, "payment_validator_did"),
            (&parties.provider, "participants.provider"),
            (&parties.requestor, "participants.requestor"),
        ] {
            if did.is_empty() {
                return Err(InvalidContract::Missing(field));
            }
        }
        let start = self.duration.start_date.ok_or(InvalidContract::Missing("duration.start_date"))?;
        let end = self.duration.end_date.ok_or(InvalidContract::Missing("duration.end_date"))?;
        if end <= start {
            return Err(InvalidContract::EndsBeforeItStarts);
        }
        self.payment_details.cycle()?;
        Pricing::of(&self.payment_details).map(drop)
    }

    /// When it begins; at the epoch for one that was never validated.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.duration.start_date.unwrap_or_default()
    }

    /// When it ends by itself.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.duration.end_date.unwrap_or(Timestamp::MAX)
    }

    /// Whether deployments may rely on it.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.current_state.is_valid()
    }

    /// Whether it is the tail of a chain.
    #[must_use]
    pub fn is_tail(&self) -> bool {
        self.metadata.contract_chain_role == Some(ChainRole::Tail)
    }

    /// When it came to its end, and how; none while it goes on.
    #[must_use]
    pub fn ended(&self) -> Option<(Timestamp, State)> {
        let end = self.transitions.iter().rev().find(|step| step.to_state.is_end());
        end.map(|step| (step.time, step.to_state))
    }

    /// Moves it, if the profile's rules let it move. As-is any event moves it from any state, only a termination that
    /// was ruled out does not (C7); the acceptance replaces the list of transitions, and the end date leaves none.
    ///
    /// # Errors
    /// Why it stays as it is.
    pub fn take(
        &mut self,
        event: Event,
        by: &Did,
        now: Timestamp,
        profile: Profile,
    ) -> Result<(), TransitionError> {
        if event == Event::Terminate {
            let option = self.termination_option.ok_or(TransitionError::NoTerminationOption)?;
            if !option.allowed {
                return Err(TransitionError::NotTerminable);
            }
        }
        let (from_state, ended) = (self.current_state, self.ended().is_some());
        let loose = profile.has(Weakness::LooseContractStates);
        if !loose && !event.is_allowed(from_state, ended) {
            return Err(TransitionError::Impossible(from_state, event));
        }
        if event == Event::Accepted {
            self.transitions.clear();
        }
        let to_state = event.target();
        self.current_state = to_state;
        self.settled |= event == Event::Settle;
        if event == Event::Terminate {
            self.termination_started = Some(now);
        }
        self.transitions.push(Transition {
            from_state,
            to_state,
            event,
            time: now,
            initiated_by: by.clone(),
        });
        Ok(())
    }
}

impl PaymentDetails {
    /// Its billing cycle. The models that are paid by the cycle must name it; for the others it is an hour unless
    /// they do.
    ///
    /// # Errors
    /// The field that is missing or wrong.
    pub fn cycle(&self) -> Result<Cycle, InvalidContract> {
        let by_the_cycle = matches!(&*self.payment_model, "fixed_rental" | "periodic");
        let period = match &*self.payment_period {
            "" if by_the_cycle => return Err(InvalidContract::Missing("payment_period")),
            "" => Cycle::DEFAULT.period,
            text => text.parse().map_err(|_| InvalidContract::Period(Arc::clone(&self.payment_period)))?,
        };
        let count = match self.payment_period_count {
            None if by_the_cycle => return Err(InvalidContract::Missing("payment_period_count")),
            None => Cycle::DEFAULT.count,
            Some(count) => u32::try_from(count).unwrap_or(0),
        };
        if count == 0 {
            return Err(InvalidContract::PeriodCount);
        }
        Ok(Cycle { period, count })
    }

    /// The unit in which periodic payments count time: that of the cycle.
    #[must_use]
    pub fn period(&self) -> Period {
        self.payment_period.parse().unwrap_or(Cycle::DEFAULT.period)
    }
}

/// Dates in contracts: RFC 3339.
mod date {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::kernel::{Timestamp, date};

    pub(super) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&date::write(*moment))
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        date::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("invalid date: {text}")))
    }
}

/// The same for dates that may be absent.
mod optional_date {
    use serde::{Deserializer, Serializer};

    use crate::kernel::Timestamp;

    pub(super) fn serialize<S: Serializer>(
        moment: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => super::date::serialize(moment, serializer),
            None => serializer.serialize_none(),
        }
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        super::date::deserialize(deserializer).map(Some)
    }
}
