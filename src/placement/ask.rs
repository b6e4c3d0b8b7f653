//! What a job asks of one machine.

use smallvec::SmallVec;

/// A vendor or model of graphics cards, without regard to case.
///
/// A number of 64 bits made of its name, so that a comparison costs nothing; two of the few hundred names that there
/// are share a number with a probability of less than 10^-14.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tag(u64);

impl Tag {
    /// That of a name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        // FNV-1a.
        let step = |key: u64, byte: u8| (key ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(name.bytes().map(|byte| byte.to_ascii_lowercase()).fold(0xcbf2_9ce4_8422_2325, step))
    }
}

/// What a job asks of one machine. Its wishes for cards are all alike, and no two of them share a card.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Ask {
    /// Cores, in thousandths.
    pub cpu_milli: u64,
    /// Memory.
    pub ram_bytes: u64,
    /// Disk.
    pub disk_bytes: u64,
    /// How many graphics cards.
    pub cards: u32,
    /// How much of each card, in thousandths of it: 1000 is all of a card.
    pub card_milli: u32,
    /// Vendors or models that will do; empty = any.
    pub accepts: SmallVec<[Tag; 2]>,
}

impl Ask {
    /// All that it asks of cards together, in thousandths of a card.
    #[must_use]
    pub const fn cards_milli(&self) -> u64 {
        self.cards as u64 * self.card_milli as u64
    }

    /// Whether it asks for a part of one card.
    #[must_use]
    pub const fn is_share(&self) -> bool {
        self.cards == 1 && self.card_milli < super::WHOLE_CARD_MILLI
    }

    /// Whether a card with these tags will do.
    #[must_use]
    pub fn accepts(&self, tags: &[Tag; 2]) -> bool {
        self.accepts.is_empty() || self.accepts.iter().any(|wanted| tags.contains(wanted))
    }
}
