//! Checking single results.

use super::{About, Strategy};

/// Results of tasks are checked with a probability against what is known to be right. Whoever told a wrong one is
/// caught: the result does not count, its node is placed anew, and the orchestrator takes no more bids of that peer.
///
/// Whether a result is checked is decided when it is there, so no provider can tell that it will be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SpotCheck(pub CheckedShare);

impl Strategy for SpotCheck {
    fn about(&self) -> &'static About {
        &About {
            name: "spot_check",
            line: "a share of all results is checked; who told a wrong one gets no more work",
            source: "Sarmenta, Sabotage-tolerance mechanisms for volunteer computing systems, FGCS 18(4), 2002",
        }
    }

    fn checked_share(&self) -> Option<CheckedShare> {
        Some(self.0)
    }
}

/// How likely a result is checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CheckedShare {
    /// In millionths.
    pub millionths: u32,
}

impl CheckedShare {
    /// A tenth, as where a scenario says no more.
    pub const DEFAULT: Self = Self { millionths: 100_000 };
    /// All of them, in millionths.
    pub const ALL: u32 = 1_000_000;

    /// Whether a result with this lot is checked, where all lots are equally likely.
    #[must_use]
    pub const fn takes(self, lot: u64) -> bool {
        // The lot as a part of all, in millionths and rounded down.
        let place = (lot as u128 * Self::ALL as u128) >> 64;
        place < self.millionths as u128
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::digest::mix;

    #[test]
    fn a_share_takes_its_part_of_all_lots() {
        let taken = |millionths, lots: u64| {
            let share = CheckedShare { millionths };
            (0..lots).filter(|lot| share.takes(mix(*lot))).count()
        };
        assert_eq!(taken(0, 10_000), 0);
        assert_eq!(taken(CheckedShare::ALL, 10_000), 10_000);
        // Four standard deviations of 100,000 draws are 380.
        let tenth = taken(CheckedShare::DEFAULT.millionths, 100_000);
        assert!(tenth.abs_diff(10_000) < 380, "{tenth}");
    }

    #[test]
    fn the_ends_belong_to_nothing_and_to_everything() {
        let share = |millionths| CheckedShare { millionths };
        assert!(!share(0).takes(0));
        assert!(share(1).takes(0));
        assert!(share(CheckedShare::ALL).takes(u64::MAX));
        assert!(!share(CheckedShare::ALL - 1).takes(u64::MAX));
    }
}
