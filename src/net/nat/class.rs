//! What stands between a host and the network, and who can dial whom because of it.
//!
//! The classes are those of RFC 3489 section 5, in the words of RFC 4787: how a translator maps (does a socket keep its
//! outer port whoever it talks to?) and how it filters (who may answer?). docs/network-model.md has the sources of the
//! shares.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::kernel::Rng;

/// What stands between a host and the network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NatClass {
    /// Nothing: everyone can dial it.
    #[default]
    Public,
    /// A translator that keeps the outer port and lets everyone in; a port mapped by UPnP is the same.
    FullCone,
    /// Keeps the outer port, and lets in the addresses that the host has sent to.
    Restricted,
    /// Keeps the outer port, and lets in the addresses and ports that the host has sent to.
    PortRestricted,
    /// Takes another outer port for every receiver, and lets in only that one.
    Symmetric,
    /// A translator of the carrier behind one's own: together they behave as port restricted, and none of the
    /// carrier's ports can be mapped.
    CarrierGrade,
    /// A firewall that lets nothing in, and no UDP out.
    Firewalled,
}

impl NatClass {
    /// All classes, the most open first.
    pub const ALL: [Self; 7] = [
        Self::Public,
        Self::FullCone,
        Self::Restricted,
        Self::PortRestricted,
        Self::Symmetric,
        Self::CarrierGrade,
        Self::Firewalled,
    ];

    /// Its name in scenarios and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::FullCone => "full_cone",
            Self::Restricted => "restricted",
            Self::PortRestricted => "port_restricted",
            Self::Symmetric => "symmetric",
            Self::CarrierGrade => "carrier_grade",
            Self::Firewalled => "firewalled",
        }
    }

    /// Whether everyone can dial a host behind it, once its address is known.
    #[must_use]
    pub const fn is_dialable(self) -> bool {
        matches!(self, Self::Public | Self::FullCone)
    }

    /// Whether a host knows by itself that it can be dialled: its own address is the one that others see.
    #[must_use]
    pub const fn needs_no_verdict(self) -> bool {
        matches!(self, Self::Public)
    }

    /// Whether UDP, and with it QUIC, passes.
    #[must_use]
    pub const fn passes_udp(self) -> bool {
        !matches!(self, Self::Firewalled)
    }

    /// Whether two hosts that send to each other at the same moment get through: a port that is another for every
    /// receiver cannot be told in advance, which does not matter to a filter that looks at addresses alone. Symmetric.
    #[must_use]
    pub const fn can_punch(self, other: Self) -> bool {
        if !self.passes_udp() || !other.passes_udp() {
            return false;
        }
        match (self, other) {
            (Self::Symmetric, other) | (other, Self::Symmetric) => {
                matches!(other, Self::Public | Self::FullCone | Self::Restricted)
            }
            _ => true,
        }
    }
}

/// Which part of the hosts is of which class. They add up to one.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct NatShares([f64; 7]);

/// Why shares make no sense.
#[derive(Clone, Copy, PartialEq, Debug, Error)]
pub enum SharesError {
    /// A share that is no part.
    #[error("{} is {share}: a share is between 0 and 1", class.as_str())]
    Share {
        /// Whose.
        class: NatClass,
        /// What was given.
        share: f64,
    },
    /// They are not the whole.
    #[error("the shares add up to {}%, not to 100%", percent(*sum))]
    Sum {
        /// To what they add up.
        sum: f64,
    },
}

/// In percent, to a thousandth.
fn percent(share: f64) -> f64 {
    libm::round(share * 1e5) / 1e3
}

/// How far a sum of shares may be from one: shares are written in decimals.
const SUM_TOLERANCE: f64 = 1e-9;

impl NatShares {
    /// The shares as measured: half of the hosts cannot be dialled.
    pub const MEASURED: Self = Self([0.20, 0.30, 0.07, 0.25, 0.05, 0.09, 0.04]);
    /// The lower end of what is measured: 40 % cannot be dialled, in the proportions of [`MEASURED`](Self::MEASURED).
    pub const OPTIMISTIC: Self = Self([0.24, 0.36, 0.056, 0.20, 0.04, 0.072, 0.032]);
    /// The upper end: 60 % cannot be dialled.
    pub const PESSIMISTIC: Self = Self([0.16, 0.24, 0.084, 0.30, 0.06, 0.108, 0.048]);

    /// Shares in the order of [`NatClass::ALL`].
    ///
    /// # Errors
    /// If one is no part of a whole, or all together are not the whole.
    pub fn new(shares: [f64; 7]) -> Result<Self, SharesError> {
        for (class, share) in NatClass::ALL.into_iter().zip(shares) {
            if !(0.0..=1.0).contains(&share) {
                return Err(SharesError::Share { class, share });
            }
        }
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(SharesError::Sum { sum });
        }
        Ok(Self(shares))
    }

    /// Everyone is of one class.
    #[must_use]
    pub fn all(class: NatClass) -> Self {
        Self(NatClass::ALL.map(|other| if other == class { 1.0 } else { 0.0 }))
    }

    /// The share of a class.
    #[must_use]
    pub const fn of(&self, class: NatClass) -> f64 {
        self.0[class as usize]
    }

    /// The shares with their classes.
    pub fn iter(&self) -> impl Iterator<Item = (NatClass, f64)> {
        NatClass::ALL.into_iter().zip(self.0)
    }

    /// The shares in the order of [`NatClass::ALL`].
    #[must_use]
    pub const fn as_array(&self) -> [f64; 7] {
        self.0
    }

    /// The part of the hosts that nobody can dial.
    #[must_use]
    pub fn undialable(&self) -> f64 {
        self.iter().filter(|(class, _)| !class.is_dialable()).map(|(_, share)| share).sum()
    }

    /// A class by its share. One draw.
    #[must_use]
    pub fn draw(&self, rng: &mut Rng<'_>) -> NatClass {
        let mut left = rng.unit_f64();
        let mut last = NatClass::Public;
        for (class, share) in self.iter().filter(|(_, share)| *share > 0.0) {
            if left < share {
                return class;
            }
            left -= share;
            last = class;
        }
        // What rounding leaves belongs to the last class that there is.
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Domain, Streams};

    /// Rows and columns in the order of [`NatClass::ALL`]: `d` the column can be dialled, `r` it cannot and the row
    /// can, so that it dials back, `p` both send at once, `-` neither.
    const DIALLING: [&str; 7] = [
        "d d r r r r r", // public
        "d d r r r r r", // full cone
        "d d p p p p -", // restricted
        "d d p p - p -", // port restricted
        "d d p - - - -", // symmetric
        "d d p p - p -", // carrier grade
        "d d - - - - -", // firewalled
    ];

    #[test]
    fn who_dials_whom_is_as_written() {
        for (from, row) in NatClass::ALL.into_iter().zip(DIALLING) {
            for (to, expected) in NatClass::ALL.into_iter().zip(row.split(' ')) {
                let way = match () {
                    () if to.is_dialable() => "d",
                    () if from.is_dialable() => "r",
                    () if from.can_punch(to) => "p",
                    () => "-",
                };
                assert_eq!(way, expected, "{} dials {}", from.as_str(), to.as_str());
                assert_eq!(from.can_punch(to), to.can_punch(from));
            }
        }
    }

    #[test]
    fn presets_keep_to_what_was_measured() {
        let presets =
            [(NatShares::OPTIMISTIC, 0.4), (NatShares::MEASURED, 0.5), (NatShares::PESSIMISTIC, 0.6)];
        for (shares, undialable) in presets {
            assert_eq!(NatShares::new(shares.0), Ok(shares));
            assert!((shares.undialable() - undialable).abs() < 1e-12);
            // Of the pairs of hosts that cannot be dialled 70 % punch through.
            let hidden = || shares.iter().filter(|(class, _)| !class.is_dialable());
            let pairs = hidden().flat_map(|(a, part)| hidden().map(move |(b, other)| (a, b, part * other)));
            let punched: f64 = pairs.filter(|(a, b, _)| a.can_punch(*b)).map(|(_, _, part)| part).sum();
            assert!((punched / (undialable * undialable) - 0.7).abs() < 0.01, "{punched}");
        }
    }

    /// Within four standard deviations of the binomial distribution.
    #[test]
    fn classes_are_drawn_by_their_shares() {
        let mut rng = Streams::new(3).owned(Domain::new("net.nat.test"), 0);
        let shares = NatShares::MEASURED;
        let draws = 100_000;
        let mut counts = [0_u32; 7];
        (0..draws).for_each(|_| counts[shares.draw(&mut rng) as usize] += 1);
        for (class, share) in shares.iter() {
            let sigma = (share * (1.0 - share) / f64::from(draws)).sqrt();
            let drawn = f64::from(counts[class as usize]) / f64::from(draws);
            assert!((drawn - share).abs() < 4.0 * sigma, "{class:?}: {drawn} for {share}");
        }
        for class in NatClass::ALL {
            assert_eq!(NatShares::all(class).draw(&mut rng), class);
        }
    }

    #[test]
    fn impossible_shares_are_refused() {
        let mut shares = NatShares::MEASURED.0;
        shares[0] = 0.5;
        let error = NatShares::new(shares).unwrap_err();
        assert_eq!(error.to_string(), "the shares add up to 130%, not to 100%");
        shares[6] = -0.26;
        let error = NatShares::new(shares).unwrap_err();
        assert_eq!(error.to_string(), "firewalled is -0.26: a share is between 0 and 1");
        assert!(NatShares::new([f64::NAN; 7]).is_err());
    }
}
