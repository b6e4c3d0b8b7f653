//! Offering a part of the machine to others, and withdrawing it (dms-orchestration section 5.4).

use std::sync::Arc;

use super::Provider;
use crate::dms::actor::{Message, Offer, Report};
use crate::dms::desk::Desk;
use crate::dms::fact::Fact;
use crate::dms::profile::Profile;
use crate::dms::resources::{Amount, Cpu, Dimension, Pool, Resources, Shortage};

/// What `GiB` in an offer means: the real DMS counts in powers of ten (dms-orchestration section 5.1).
const GIB_AS_READ: u64 = 1_000_000_000;
const GIB: u64 = 1 << 30;

/// Why an offer was not made or not withdrawn.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum OnboardingError {
    /// More than the machine has or its operator may give away, or less than is of use.
    #[error("{dimension} must be between {least} and {most}: {asked} cannot be offered")]
    Limit {
        /// Of what.
        dimension: Dimension,
        /// The least that can be offered.
        least: Amount,
        /// The most.
        most: Amount,
        /// What was asked for.
        asked: Amount,
    },
    /// Less than is in use.
    #[error("Demand too high: {0}")]
    DemandTooHigh(Shortage),
    /// There is nothing to withdraw.
    #[error("the machine is not onboarded")]
    NotOnboarded,
    /// Somebody still uses it.
    #[error("still in use: {0}")]
    InUse(Box<Resources>),
}

impl Provider {
    /// Offers a part of the machine, for the first time or instead of another.
    pub(in crate::dms) fn onboard(&mut self, desk: &mut Desk<'_, '_>, offer: &Offer) -> Message {
        let done = self.change_offer(offer, desk.security.profile);
        conclude(desk, done.map(|offered| (Fact::Onboarded(offered.clone()), Report::Offered(offered))))
    }

    /// Offers nothing any more.
    pub(in crate::dms) fn offboard(&mut self, desk: &mut Desk<'_, '_>) -> Message {
        let done = self.withdraw_offer();
        conclude(desk, done.map(|()| (Fact::Offboarded, Report::Onboarded(false))))
    }

    fn change_offer(&mut self, offer: &Offer, profile: Profile) -> Result<Resources, OnboardingError> {
        let offered = self.offered(offer, profile);
        self.check_limits(&offered)?;
        self.pool.offer(offered.clone()).map_err(OnboardingError::DemandTooHigh)?;
        self.machine.onboarded = Some(offered.clone());
        Ok(offered)
    }

    /// What an offer comes to on this machine.
    fn offered(&self, offer: &Offer, profile: Profile) -> Resources {
        let gib = if profile.is_nearer_as_is() { GIB_AS_READ } else { GIB };
        let bytes = |thousandths: u64| {
            u64::try_from(u128::from(thousandths) * u128::from(gib) / 1000).unwrap_or(u64::MAX)
        };
        let total = &self.machine.total;
        Resources {
            cpu: Cpu { cores_milli: offer.cores_milli, ..total.cpu.clone() },
            ram_bytes: bytes(offer.ram_milli_gib),
            disk_bytes: bytes(offer.disk_milli_gib),
            gpus: if offer.no_gpu { Vec::new() } else { total.gpus.clone() },
        }
    }

    /// At least a core and at most all of them, from a tenth to nine tenths of the memory, and no more disk than
    /// there is.
    fn check_limits(&self, offered: &Resources) -> Result<(), OnboardingError> {
        let total = &self.machine.total;
        let ram = u128::from(total.ram_bytes);
        let tenths = |count: u128, round: u128| ((ram * count + round) / 10) as u64;
        for (dimension, asked, least, most) in [
            (Dimension::Cpu, offered.cpu.cores_milli, 1000, total.cpu.cores_milli),
            (Dimension::Ram, offered.ram_bytes, tenths(1, 9), tenths(9, 0)),
            (Dimension::Disk, offered.disk_bytes, 0, total.disk_bytes),
        ] {
            if !(least..=most).contains(&asked) {
                let [least, most, asked] =
                    [least, most, asked].map(|quantity| Amount { dimension, quantity });
                return Err(OnboardingError::Limit { dimension, least, most, asked });
            }
        }
        Ok(())
    }

    fn withdraw_offer(&mut self) -> Result<(), OnboardingError> {
        if self.machine.onboarded.is_none() {
            return Err(OnboardingError::NotOnboarded);
        }
        if self.pool.holdings().next().is_some() {
            let all = self.pool.holdings();
            let held = all.fold(Resources::default(), |sum, (_, holding)| sum.plus(&holding.resources));
            return Err(OnboardingError::InUse(Box::new(held)));
        }
        self.machine.onboarded = None;
        self.pool = Pool::default();
        Ok(())
    }
}

/// Says how it went, to whom it concerns and to who asked.
fn conclude(desk: &mut Desk<'_, '_>, done: Result<(Fact, Report), OnboardingError>) -> Message {
    match done {
        Ok((fact, report)) => {
            desk.fact(fact);
            Message::Report(report.into())
        }
        Err(refused) => {
            let reason: Arc<str> = refused.to_string().into();
            desk.fact(Fact::OnboardingRefused(Arc::clone(&reason)));
            Message::Error(reason)
        }
    }
}
