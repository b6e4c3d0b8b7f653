//! Units of quantities, as powers of a few basic ones.

use std::fmt;

/// The basic units, as they are shown.
const BASIC: [&str; 8] = ["cores", "GiB", "cards", "jobs", "ms", "s", "price/h", "images"];

/// A unit: how often it has each basic one as a factor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unit([i8; BASIC.len()]);

impl Unit {
    /// Of a ratio.
    pub const ONE: Self = Self([0; BASIC.len()]);
    /// Processor cores.
    pub const CORES: Self = Self::basic(0);
    /// Memory, disk, files.
    pub const GIB: Self = Self::basic(1);
    /// Graphics cards.
    pub const CARDS: Self = Self::basic(2);
    /// Jobs.
    pub const JOBS: Self = Self::basic(3);
    /// Round trips.
    pub const MS: Self = Self::basic(4);
    /// Times.
    pub const S: Self = Self::basic(5);
    /// Prices.
    pub const PRICE_PER_H: Self = Self::basic(6);
    /// Images.
    pub const IMAGES: Self = Self::basic(7);

    const fn basic(place: usize) -> Self {
        let mut powers = [0; BASIC.len()];
        powers[place] = 1;
        Self(powers)
    }

    /// That of a product, where `sign` is 1, or of a quotient, where it is -1.
    pub(super) fn times(self, other: Self, sign: i8) -> Self {
        let power = |place: usize| self.0[place].saturating_add(other.0[place].saturating_mul(sign));
        Self(std::array::from_fn(power))
    }

    /// That of the square root; none where there is no such unit.
    pub(super) fn root(self) -> Option<Self> {
        let is_even = self.0.iter().all(|power| power % 2 == 0);
        is_even.then(|| Self(self.0.map(|power| power / 2)))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ONE {
            return f.write_str("no unit");
        }
        let factors = BASIC.iter().zip(self.0).filter(|(_, power)| *power != 0);
        for (place, (name, power)) in factors.enumerate() {
            let before = if place > 0 { " " } else { "" };
            match power {
                1 => write!(f, "{before}{name}")?,
                power => write!(f, "{before}{name}^{power}")?,
            }
        }
        Ok(())
    }
}
