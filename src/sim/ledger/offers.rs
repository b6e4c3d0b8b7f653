//! What peers offer in the course of a run.

use super::Ledger;
use crate::dms::fact::Fact;
use crate::kernel::Time;
use crate::sim::event::PeerId;

/// The cores that each peer offers, and all of them over time.
#[derive(Clone, Debug, Default)]
pub(super) struct Offers {
    cores_milli: Vec<u64>,
    total_milli: u64,
    since: Time,
    /// Up to `since`, in thousandths of a core times nanoseconds.
    sum: u128,
}

impl Offers {
    /// So many peers that offer nothing yet.
    pub(super) fn of(peers: usize) -> Self {
        Self { cores_milli: vec![0; peers], ..Self::default() }
    }

    /// A peer offers this from now on.
    pub(super) fn set(&mut self, now: Time, peer: PeerId, cores_milli: u64) {
        self.sum += u128::from(self.total_milli) * u128::from(now.since(self.since).0);
        self.since = now;
        let own = &mut self.cores_milli[peer.0 as usize];
        self.total_milli = self.total_milli - *own + cores_milli;
        *own = cores_milli;
    }

    /// The cores that a peer offers.
    pub(super) fn cores(&self, peer: PeerId) -> f64 {
        self.cores_milli[peer.0 as usize] as f64 / 1000.0
    }

    /// Core-seconds offered from the start until now.
    pub(super) fn core_seconds(&self, now: Time) -> f64 {
        let open = u128::from(self.total_milli) * u128::from(now.since(self.since).0);
        (self.sum + open) as f64 / 1e12
    }
}

impl Ledger {
    /// A peer offers so many cores from now on.
    pub(in crate::sim) fn offers(&mut self, now: Time, peer: PeerId, cores_milli: u64) {
        self.offers.set(now, peer, cores_milli);
    }

    /// Takes a fact about what a peer offers.
    pub(super) fn apply_offer(&mut self, now: Time, peer: PeerId, fact: Fact) {
        match fact {
            Fact::Onboarded(resources) => self.offers(now, peer, resources.cpu.cores_milli),
            Fact::Offboarded => self.offers(now, peer, 0),
            Fact::OnboardingRefused(reason) => self.refuse(now, peer, None, "onboarding", reason),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Span;

    #[test]
    fn what_is_offered_counts_for_as_long_as_it_is() {
        let at = |seconds| Time::ZERO + Span::secs(seconds);
        let mut offers = Offers::of(2);
        offers.set(at(0), PeerId(0), 4000);
        offers.set(at(10), PeerId(1), 500);
        offers.set(at(20), PeerId(0), 0);
        assert_eq!(offers.core_seconds(at(20)), 85.0);
        assert_eq!(offers.core_seconds(at(40)), 95.0);
    }
}
