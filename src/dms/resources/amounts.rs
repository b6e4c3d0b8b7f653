//! Amounts of what a machine has: cores, memory, disk, graphics cards.
//!
//! Integers in fixed units, so that pools never drift: cores in thousandths, clocks in Hz, the rest in bytes.
use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

/// An amount of everything a machine has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Resources {
    /// Processor.
    pub cpu: Cpu,
    /// Memory, in bytes.
    pub ram_bytes: u64,
    /// Disk, in bytes.
    pub disk_bytes: u64,
    /// Graphics cards, each a thing of its own.
    pub gpus: Vec<Gpu>,
}

/// An amount of processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Cpu {
    /// Cores in thousandths: 1500 is one and a half.
    pub cores_milli: u64,
    /// Clock in Hz; 0 = not said.
    pub clock_hz: u64,
    /// Architecture such as `amd64`; `None` = not said.
    pub architecture: Option<Arc<str>>,
}

/// A graphics card, or the wish for one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Gpu {
    /// Vendor such as `NVIDIA`; in a wish, `None` = any.
    pub vendor: Option<Arc<str>>,
    /// Model; in a wish, `None` = any.
    pub model: Option<Arc<str>>,
    /// Its memory, in bytes; in a wish, at least so much.
    pub vram_bytes: u64,
}

impl Gpu {
    /// Whether this card fulfils a wish: vendor and model where the wish names them (ignoring case), and no less
    /// memory.
    pub fn fulfils(&self, wish: &Self) -> bool {
        self.vram_bytes >= wish.vram_bytes && self.is_of_kind(wish)
    }

    /// Whether vendor and model are those that a wish names.
    fn is_of_kind(&self, wish: &Self) -> bool {
        fn agrees(wanted: Option<&Arc<str>>, actual: Option<&Arc<str>>) -> bool {
            wanted.is_none_or(|wanted| actual.is_some_and(|actual| actual.eq_ignore_ascii_case(wanted)))
        }
        agrees(wish.vendor.as_ref(), self.vendor.as_ref()) && agrees(wish.model.as_ref(), self.model.as_ref())
    }
}

/// One kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// Cores, in thousandths.
    Cpu,
    /// Memory, in bytes.
    Ram,
    /// Disk, in bytes.
    Disk,
    /// Graphics cards, counted.
    Gpu,
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "CPU",
            Self::Ram => "RAM",
            Self::Disk => "disk",
            Self::Gpu => "GPU",
        })
    }
}

/// A quantity of one kind, for people: `1.5 cores`, `512 MiB`, `2 GPUs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// What is counted.
    pub dimension: Dimension,
    /// How much, in the dimension's unit.
    pub quantity: u64,
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dimension {
            Dimension::Cpu => {
                let plural = if self.quantity == 1000 { "" } else { "s" };
                write_decimal(f, u128::from(self.quantity), 1000)?;
                write!(f, " core{plural}")
            }
            Dimension::Ram | Dimension::Disk => write_bytes(f, self.quantity),
            Dimension::Gpu => {
                write!(f, "{} GPU{}", self.quantity, if self.quantity == 1 { "" } else { "s" })
            }
        }
    }
}

/// There is less of one dimension than required.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[error(
    "{dimension} is short by {}: {} required, {} available{}",
    self.missing(),
    self.in_units(*.required),
    self.in_units(*.available),
    .card.as_ref().map(|card| format!("; {card}")).unwrap_or_default()
)]
pub struct Shortage {
    /// What is short.
    pub dimension: Dimension,
    /// How much is required, in the dimension's unit.
    pub required: u64,
    /// How much there is, in the dimension's unit.
    pub available: u64,
    /// For graphics cards: the first that is missing.
    pub card: Option<Box<MissingCard>>,
}

impl Shortage {
    const fn of(dimension: Dimension, required: u64, available: u64) -> Self {
        Self { dimension, required, available, card: None }
    }

    /// By how much it is short.
    pub const fn missing(&self) -> Amount {
        self.in_units(self.required.saturating_sub(self.available))
    }

    const fn in_units(&self, quantity: u64) -> Amount {
        Amount { dimension: self.dimension, quantity }
    }
}

/// A wish for a graphics card that no card fulfils.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MissingCard {
    /// The wish.
    pub wish: Gpu,
    /// By how many bytes of memory the largest card of that vendor and model falls short; none if there is no such
    /// card that another wish has not taken.
    pub vram_short_bytes: Option<u64>,
}

impl fmt::Display for MissingCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {}", self.wish)?;
        match self.vram_short_bytes {
            Some(bytes) => {
                f.write_str(", the nearest has ")?;
                write_bytes(f, bytes)?;
                f.write_str(" too little memory")
            }
            None => f.write_str(", nor any card of that kind that is not taken"),
        }
    }
}

impl Resources {
    /// The sum. Cores, memory and disk add up and the lists of cards are joined; of the clocks the faster one stays,
    /// and of the architectures the first one that is said. Sums stop at the largest number instead of wrapping.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            cpu: Cpu {
                cores_milli: self.cpu.cores_milli.saturating_add(other.cpu.cores_milli),
                clock_hz: self.cpu.clock_hz.max(other.cpu.clock_hz),
                architecture: self.cpu.architecture.clone().or_else(|| other.cpu.architecture.clone()),
            },
            ram_bytes: self.ram_bytes.saturating_add(other.ram_bytes),
            disk_bytes: self.disk_bytes.saturating_add(other.disk_bytes),
            gpus: self.gpus.iter().chain(&other.gpus).cloned().collect(),
        }
    }

    /// What is left after `taken` is taken away. Clock and architecture stay those of `self`. Each wish for a card
    /// takes one whole card: the smallest that fulfils it.
    ///
    /// # Errors
    /// The first dimension that is short, in the order CPU, RAM, disk, GPU.
    pub fn checked_minus(&self, taken: &Self) -> Result<Self, Shortage> {
        self.divide(taken).map(|(left, _)| left)
    }

    /// What is left after `taken` is taken away as by [`Resources::checked_minus`], and what was taken: the same as
    /// `taken`, with the very cards that fulfil its wishes.
    ///
    /// # Errors
    /// As [`Resources::checked_minus`].
    pub fn divide(&self, taken: &Self) -> Result<(Self, Self), Shortage> {
        let left = |dimension, available: u64, required| {
            available.checked_sub(required).ok_or(Shortage::of(dimension, required, available))
        };
        let (cpu, ram_bytes, disk_bytes) = (
            Cpu {
                cores_milli: left(Dimension::Cpu, self.cpu.cores_milli, taken.cpu.cores_milli)?,
                ..self.cpu.clone()
            },
            left(Dimension::Ram, self.ram_bytes, taken.ram_bytes)?,
            left(Dimension::Disk, self.disk_bytes, taken.disk_bytes)?,
        );
        let (gpus, given) = self.deal_cards(&taken.gpus)?;
        Ok((Self { cpu, ram_bytes, disk_bytes, gpus }, Self { gpus: given, ..taken.clone() }))
    }

    /// Every dimension in which `required` is more than there is; empty means that it fits.
    pub fn shortages(&self, required: &Self) -> Vec<Shortage> {
        let mut found: Vec<Shortage> = [
            (Dimension::Cpu, self.cpu.cores_milli, required.cpu.cores_milli),
            (Dimension::Ram, self.ram_bytes, required.ram_bytes),
            (Dimension::Disk, self.disk_bytes, required.disk_bytes),
        ]
        .into_iter()
        .filter(|(_, available, required)| required > available)
        .map(|(dimension, available, required)| Shortage::of(dimension, required, available))
        .collect();
        found.extend(self.deal_cards(&required.gpus).err());
        found
    }

    /// The cards that are left when each wish has taken one, and those that were taken. The pickiest wishes choose
    /// first and each takes the smallest card that does, so a full assignment is found whenever there is one.
    pub(super) fn deal_cards(&self, wishes: &[Gpu]) -> Result<(Vec<Gpu>, Vec<Gpu>), Shortage> {
        let mut order: Vec<&Gpu> = wishes.iter().collect();
        order.sort_by_key(|wish| Reverse((wish.model.is_some(), wish.vendor.is_some(), wish.vram_bytes)));
        let (mut left, mut given) = (self.gpus.clone(), Vec::new());
        let mut unfulfilled = None;
        for wish in order {
            let best =
                (0..left.len()).filter(|&at| left[at].fulfils(wish)).min_by_key(|&at| left[at].vram_bytes);
            match best {
                Some(at) => given.push(left.remove(at)),
                None => unfulfilled = unfulfilled.or(Some(wish)),
            }
        }
        let Some(wish) = unfulfilled else { return Ok((left, given)) };
        let nearest = left.iter().filter(|card| card.is_of_kind(wish)).map(|card| card.vram_bytes).max();
        let vram_short_bytes = nearest.map(|bytes| wish.vram_bytes.saturating_sub(bytes));
        let card = Some(Box::new(MissingCard { wish: wish.clone(), vram_short_bytes }));
        let (required, available) = (wishes.len() as u64, given.len() as u64);
        Err(Shortage { card, ..Shortage::of(Dimension::Gpu, required, available) })
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Amount { dimension: Dimension::Cpu, quantity: self.cpu.cores_milli })?;
        if self.cpu.clock_hz > 0 {
            f.write_str(" at ")?;
            write_hertz(f, self.cpu.clock_hz)?;
        }
        if let Some(architecture) = &self.cpu.architecture {
            write!(f, " ({architecture})")?;
        }
        f.write_str(", ")?;
        write_bytes(f, self.ram_bytes)?;
        f.write_str(" RAM, ")?;
        write_bytes(f, self.disk_bytes)?;
        f.write_str(" disk")?;
        for gpu in &self.gpus {
            write!(f, ", {gpu}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GPU")?;
        for word in [&self.vendor, &self.model].into_iter().flatten() {
            write!(f, " {word}")?;
        }
        if self.vram_bytes > 0 {
            f.write_str(" ")?;
            write_bytes(f, self.vram_bytes)?;
        }
        Ok(())
    }
}

/// Writes bytes in the largest binary unit of which there is at least one.
fn write_bytes(f: &mut fmt::Formatter<'_>, bytes: u64) -> fmt::Result {
    const UNITS: [(&str, u64); 5] =
        [("PiB", 1 << 50), ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    write_in_units(f, bytes, &UNITS, "B")
}

/// Writes a frequency in the largest unit of which there is at least one.
fn write_hertz(f: &mut fmt::Formatter<'_>, hertz: u64) -> fmt::Result {
    const UNITS: [(&str, u64); 3] = [("GHz", 1_000_000_000), ("MHz", 1_000_000), ("kHz", 1_000)];
    write_in_units(f, hertz, &UNITS, "Hz")
}

fn write_in_units(f: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)], base: &str) -> fmt::Result {
    let (name, size) = units.iter().find(|(_, size)| value >= *size).copied().unwrap_or((base, 1));
    write_decimal(f, u128::from(value), u128::from(size))?;
    write!(f, " {name}")
}

/// Writes `value / size`, rounded to three decimals without trailing zeros.
fn write_decimal(f: &mut fmt::Formatter<'_>, value: u128, size: u128) -> fmt::Result {
    let thousandths = (value * 1000 + size / 2) / size;
    let (whole, part) = (thousandths / 1000, thousandths % 1000);
    if part == 0 {
        return write!(f, "{whole}");
    }
    let digits = format!("{part:03}");
    write!(f, "{whole}.{}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn machine(cores_milli: u64, ram_bytes: u64, disk_bytes: u64) -> Resources {
        Resources { cpu: Cpu { cores_milli, ..Cpu::default() }, ram_bytes, disk_bytes, gpus: Vec::new() }
    }

    fn card(vendor: &str, model: &str, vram_gib: u64) -> Gpu {
        let word = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
        Gpu { vendor: word(vendor), model: word(model), vram_bytes: vram_gib * GIB }
    }

    #[test]
    fn a_shortage_names_the_resource_and_by_how_much() {
        let have = machine(4000, 4 * GIB, 10 * GIB);
        let error = have.checked_minus(&machine(1000, 5 * GIB + GIB / 2, 0)).unwrap_err();
        assert_eq!(error.to_string(), "RAM is short by 1.5 GiB: 5.5 GiB required, 4 GiB available");
        let all: Vec<String> = have
            .shortages(&machine(4500, 5 * GIB, 0))
            .iter()
            .map(|short| short.missing().to_string())
            .collect();
        assert_eq!(all, ["0.5 cores", "1 GiB"]);
    }

    #[test]
    fn picky_wishes_choose_first_and_take_the_smallest_card_that_does() {
        let have = Resources {
            gpus: vec![card("NVIDIA", "A100", 40), card("AMD", "MI210", 64), card("NVIDIA", "T4", 16)],
            ..Resources::default()
        };
        let want =
            Resources { gpus: vec![card("", "", 16), card("nvidia", "t4", 8)], ..Resources::default() };
        let left = have.checked_minus(&want).unwrap();
        assert_eq!(left.gpus, [card("AMD", "MI210", 64)]);
        let more = Resources { gpus: vec![card("NVIDIA", "", 1); 3], ..Resources::default() };
        assert_eq!(
            have.checked_minus(&more).unwrap_err().to_string(),
            "GPU is short by 1 GPU: 3 GPUs required, 2 GPUs available; no GPU NVIDIA 1 GiB, nor any card of that \
             kind that is not taken"
        );
        let large = Resources { gpus: vec![card("NVIDIA", "A100", 80)], ..Resources::default() };
        assert_eq!(
            have.checked_minus(&large).unwrap_err().to_string(),
            "GPU is short by 1 GPU: 1 GPU required, 0 GPUs available; no GPU NVIDIA A100 80 GiB, the nearest has \
             40 GiB too little memory"
        );
    }

    #[test]
    fn amounts_are_shown_in_normalised_units() {
        let mut some = machine(250, 1536 << 20, 20 * GIB);
        assert_eq!(some.to_string(), "0.25 cores, 1.5 GiB RAM, 20 GiB disk");
        some.cpu = Cpu { cores_milli: 1000, clock_hz: 2_400_000_000, architecture: Some("amd64".into()) };
        some.gpus.push(card("NVIDIA", "T4", 16));
        assert_eq!(
            some.to_string(),
            "1 core at 2.4 GHz (amd64), 1.5 GiB RAM, 20 GiB disk, GPU NVIDIA T4 16 GiB"
        );
        assert_eq!(machine(0, 1000, 0).to_string(), "0 cores, 1000 B RAM, 0 B disk");
    }

    proptest! {
        #[test]
        fn taking_back_what_was_added_leaves_the_amount(
            a in any::<[u32; 3]>(), b in any::<[u32; 3]>()
        ) {
            let [first, second] = [a, b].map(|[c, r, d]| machine(c.into(), r.into(), d.into()));
            prop_assert_eq!(first.plus(&second).checked_minus(&second), Ok(first.clone()));
            prop_assert_eq!(first.shortages(&second).first().cloned(), first.checked_minus(&second).err());
        }

        /// Oracle: try every assignment of wishes to cards.
        #[test]
        fn a_full_assignment_of_cards_is_found_whenever_there_is_one(
            have in proptest::collection::vec((0..2_usize, 0..2_usize, 1..5_u64), 0..5),
            want in proptest::collection::vec((0..3_usize, 0..3_usize, 1..5_u64), 0..5),
        ) {
            // A model belongs to one vendor, so a wish that names a model always names its vendor too.
            let build = |(vendor, model, vram): (usize, usize, u64)| match (vendor, model) {
                (2, _) => card("", "", vram),
                (v, 2) => card(["a", "b"][v], "", vram),
                (v, m) => card(["a", "b"][v], [["x", "y"], ["z", "w"]][v][m], vram),
            };
            let have: Vec<Gpu> = have.into_iter().map(build).collect();
            let want: Vec<Gpu> = want.into_iter().map(build).collect();
            fn possible(cards: &[Gpu], wishes: &[Gpu]) -> bool {
                wishes.split_first().is_none_or(|(wish, rest)| (0..cards.len()).any(|at| {
                    let mut others = cards.to_vec();
                    others.remove(at).fulfils(wish) && possible(&others, rest)
                }))
            }
            let expected = possible(&have, &want);
            let pool = Resources { gpus: have, ..Resources::default() };
            let wish = Resources { gpus: want, ..Resources::default() };
            prop_assert_eq!(pool.checked_minus(&wish).is_ok(), expected);
        }
    }
}
