//! What the members of an organization may hold of a machine, all of them together (an extension of DMS, off unless the
//! machine's operator asks for it).
//!
//! Whoever asks for a bid shows tokens, and the chain of one of them begins with the organization that vouches for it.
//! A machine that keeps a quota for that organization bids only for what stays within it, beside what is held already
//! for deployments that were asked for in its name, and asks again when it commits. Who is vouched for by nobody with a
//! quota may have whatever there is.

use std::fmt;
use std::sync::Arc;

use super::Provider;
use crate::dms::actor::Envelope;
use crate::dms::capability::CapabilityContext;
use crate::dms::identity::Did;
use crate::dms::resources::{Dimension, Pool, Resources};

/// A quota has thousandths.
const WHOLE: u128 = 1000;

/// What an organization may have of a machine.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Quota {
    /// The organization.
    pub organization: Did,
    /// What people call it.
    pub name: Arc<str>,
    /// How much of what the machine offers, of each kind, in thousandths.
    pub share_milli: u32,
}

/// More than a quota allows.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct OverQuota {
    name: Arc<str>,
    share_milli: u32,
    dimension: Dimension,
}

impl fmt::Display for OverQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, share_milli, dimension } = self;
        let percent = f64::from(*share_milli) / 10.0;
        write!(f, "{name} may have {percent} % of the machine, and would have more of its {dimension}")
    }
}

impl Quota {
    /// Whether so much more is within it.
    pub(super) fn check(&self, pool: &Pool, tenant: u16, wanted: &Resources) -> Result<(), OverQuota> {
        let own = pool.holdings().filter(|(_, holding)| holding.tenant == Some(tenant));
        let held = own.fold(Resources::default(), |sum, (_, holding)| sum.plus(&holding.resources));
        let onboarded = pool.onboarded();
        let cards = |of: &Resources| of.gpus.iter().map(|card| u128::from(card.vram_bytes)).sum::<u128>();
        // A wish for a whole card takes any: the mean of all stands for it.
        let card = cards(onboarded) / onboarded.gpus.len().max(1) as u128;
        let whole = wanted.gpus.iter().filter(|wish| wish.vram_bytes == 0).count() as u128;
        let sizes = |of: fn(&Resources) -> u64| [onboarded, &held, wanted].map(|all| u128::from(of(all)));
        for (dimension, [all, held, wanted]) in [
            (Dimension::Cpu, sizes(|of| of.cpu.cores_milli)),
            (Dimension::Ram, sizes(|of| of.ram_bytes)),
            (Dimension::Disk, sizes(|of| of.disk_bytes)),
            (Dimension::Gpu, [cards(onboarded), cards(&held), cards(wanted) + whole * card]),
        ] {
            if wanted > 0 && (held + wanted) * WHOLE > all * u128::from(self.share_milli) {
                let (name, share_milli) = (Arc::clone(&self.name), self.share_milli);
                return Err(OverQuota { name, share_milli, dimension });
            }
        }
        Ok(())
    }
}

impl Provider {
    /// In whose name a request is made, as the place of a quota; none where there is no quota for it.
    pub(super) fn tenant(&self, capabilities: &CapabilityContext, request: &Envelope) -> Option<u16> {
        let quotas = &self.machine.quotas;
        if quotas.is_empty() {
            return None;
        }
        let place = capabilities
            .sponsors(request.from.id.0)
            .find_map(|sponsor| quotas.iter().position(|quota| quota.organization == *sponsor));
        place.map(|place| place as u16)
    }

    /// The quota of a tenant, with its place.
    pub(super) fn quota_of(&self, tenant: Option<u16>) -> Option<(&Quota, u16)> {
        tenant.map(|tenant| (&self.machine.quotas[usize::from(tenant)], tenant))
    }
}
