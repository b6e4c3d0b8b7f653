//! A machine as a policy sees it.

use smallvec::SmallVec;

use super::ask::{Ask, Tag};

/// All of a graphics card, in thousandths of it.
pub const WHOLE_CARD_MILLI: u32 = 1000;

/// Places of cards on a machine, in ascending order of their room.
pub type Cards = SmallVec<[u16; 8]>;

/// Amounts of what a machine has, cards aside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Amounts {
    /// Cores, in thousandths.
    pub cpu_milli: u64,
    /// Memory.
    pub ram_bytes: u64,
    /// Disk.
    pub disk_bytes: u64,
}

/// A graphics card.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Card {
    /// Its vendor and its model.
    pub tags: [Tag; 2],
    /// What is free of it, in thousandths.
    pub free_milli: u32,
}

/// What kind of user of cards a job is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CardKind {
    /// It asks for a part of one card.
    Share,
    /// It asks for so many cards.
    Cards(u32),
}

impl CardKind {
    /// That of a job; none where it asks for no card.
    #[must_use]
    pub const fn of(ask: &Ask) -> Option<Self> {
        match ask.cards {
            0 => None,
            _ if ask.is_share() => Some(Self::Share),
            cards => Some(Self::Cards(cards)),
        }
    }
}

/// What else is known of a machine, as far as it is.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Circumstances {
    /// Jobs that run there or wait for their turn.
    pub jobs: u32,
    /// Round trip between whoever asks and the machine, in milliseconds.
    pub rtt_ms: Option<f64>,
    /// For how long it has been up without a break, in seconds.
    pub up_s: Option<f64>,
    /// What it wants for the job per hour.
    pub price_per_h: Option<f64>,
    /// How many of the job's images are not there yet.
    pub missing_images: Option<u32>,
}

/// A machine: what it has, what is free of it, and what it runs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Machine {
    /// What it has.
    pub total: Amounts,
    /// What is free of it.
    pub free: Amounts,
    /// Its graphics cards.
    pub cards: SmallVec<[Card; 8]>,
    /// How many jobs of each kind of user of cards run there; only those of which there is one.
    pub kinds: SmallVec<[(CardKind, u32); 2]>,
    /// What else is known.
    pub known: Circumstances,
}

impl Machine {
    /// A machine of which nothing is in use.
    #[must_use]
    pub fn new(total: Amounts, cards: impl IntoIterator<Item = [Tag; 2]>) -> Self {
        let whole = |tags| Card { tags, free_milli: WHOLE_CARD_MILLI };
        let cards = cards.into_iter().map(whole).collect();
        Self { total, free: total, cards, kinds: SmallVec::new(), known: Circumstances::default() }
    }

    /// What is free of all its cards together, in thousandths of a card.
    #[must_use]
    pub fn free_cards_milli(&self) -> u64 {
        self.cards.iter().map(|card| u64::from(card.free_milli)).sum()
    }

    /// Whether there is room for a job.
    #[must_use]
    pub fn fits(&self, ask: &Ask) -> bool {
        let Amounts { cpu_milli, ram_bytes, disk_bytes } = self.free;
        cpu_milli >= ask.cpu_milli
            && ram_bytes >= ask.ram_bytes
            && disk_bytes >= ask.disk_bytes
            && (ask.cards == 0 || self.suitable(ask).count() >= ask.cards as usize)
    }

    /// The places of the cards that will do for a job, each for one of its wishes.
    pub fn suitable(&self, ask: &Ask) -> impl Iterator<Item = usize> {
        let does = |card: &Card| card.free_milli >= ask.card_milli && ask.accepts(&card.tags);
        self.cards.iter().enumerate().filter(move |(_, card)| does(card)).map(|(place, _)| place)
    }

    /// The cards with the least room that will do, the first of equals; none where there are too few. Cards that are
    /// asked for as a whole are all alike, so these are the first that nobody uses.
    #[must_use]
    pub fn tightest_cards(&self, ask: &Ask) -> Option<Cards> {
        let mut cards: Cards = self.suitable(ask).map(|place| place as u16).collect();
        cards.sort_by_key(|&place| self.cards[usize::from(place)].free_milli);
        let wanted = ask.cards as usize;
        if cards.len() < wanted {
            return None;
        }
        cards.truncate(wanted);
        Some(cards)
    }

    /// Puts a job onto the machine, with these cards.
    pub fn take(&mut self, ask: &Ask, cards: &[u16]) {
        self.free.cpu_milli -= ask.cpu_milli;
        self.free.ram_bytes -= ask.ram_bytes;
        self.free.disk_bytes -= ask.disk_bytes;
        for &place in cards {
            self.cards[usize::from(place)].free_milli -= ask.card_milli;
        }
        self.known.jobs += 1;
        let Some(kind) = CardKind::of(ask) else { return };
        match self.kinds.iter_mut().find(|(own, _)| *own == kind) {
            Some((_, count)) => *count += 1,
            None => self.kinds.push((kind, 1)),
        }
    }

    /// Takes a job away that was put there with these cards.
    pub fn give_back(&mut self, ask: &Ask, cards: &[u16]) {
        self.free.cpu_milli += ask.cpu_milli;
        self.free.ram_bytes += ask.ram_bytes;
        self.free.disk_bytes += ask.disk_bytes;
        for &place in cards {
            self.cards[usize::from(place)].free_milli += ask.card_milli;
        }
        self.known.jobs -= 1;
        if let Some(kind) = CardKind::of(ask) {
            self.kinds.iter_mut().filter(|(own, _)| *own == kind).for_each(|(_, count)| *count -= 1);
            self.kinds.retain(|(_, count)| *count > 0);
        }
    }
}
