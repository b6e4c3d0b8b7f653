//! Amounts of what a machine has: cores, memory, disk, graphics cards.
//!
//! Integers in fixed units, so that pools never drift: cores in thousandths, clocks in Hz, the rest in bytes.
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use super::cards::{Gpu, MissingCard, Offer, deal};

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
    pub(super) const fn of(dimension: Dimension, required: u64, available: u64) -> Self {
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

/// The architecture of what is of this one and of that one, where they are said.
fn both(one: &Option<Arc<str>>, other: &Option<Arc<str>>) -> Option<Arc<str>> {
    match (one, other) {
        (Some(all), Some(another)) if all.split(" and ").all(|known| known != &**another) => {
            Some(format!("{all} and {another}").into())
        }
        _ => one.as_ref().or(other.as_ref()).map(Arc::clone),
    }
}

impl Resources {
    /// The sum. Cores, memory and disk add up and the lists of cards are joined; of the clocks the faster one stays,
    /// and two architectures are one that no machine has. Sums stop at the largest number instead of wrapping.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            cpu: Cpu {
                cores_milli: self.cpu.cores_milli.saturating_add(other.cpu.cores_milli),
                clock_hz: self.cpu.clock_hz.max(other.cpu.clock_hz),
                architecture: both(&self.cpu.architecture, &other.cpu.architecture),
            },
            ram_bytes: self.ram_bytes.saturating_add(other.ram_bytes),
            disk_bytes: self.disk_bytes.saturating_add(other.disk_bytes),
            gpus: self.gpus.iter().chain(&other.gpus).cloned().collect(),
        }
    }

    /// What is left after `taken` is taken away. Clock and architecture stay those of `self`. Each wish for a card
    /// takes memory of one card, and no two of them of the same; a card of which nothing is left is gone.
    ///
    /// # Errors
    /// The first dimension that is short, in the order CPU, RAM, disk, GPU.
    pub fn checked_minus(&self, taken: &Self) -> Result<Self, Shortage> {
        self.check_sizes(taken)?;
        let mut left = self.clone();
        left.cpu.cores_milli -= taken.cpu.cores_milli;
        left.ram_bytes -= taken.ram_bytes;
        left.disk_bytes -= taken.disk_bytes;
        for (place, wish) in self.deal_cards(&taken.gpus)?.into_iter().zip(&taken.gpus) {
            let card = &mut left.gpus[place];
            card.vram_bytes = if wish.vram_bytes == 0 { 0 } else { card.vram_bytes - wish.vram_bytes };
        }
        if !taken.gpus.is_empty() {
            left.gpus.retain(|card| card.vram_bytes > 0);
        }
        Ok(left)
    }

    /// Whether all of this holds `wanted`.
    ///
    /// # Errors
    /// The first dimension that is short, in the order CPU, RAM, disk, GPU.
    pub fn check(&self, wanted: &Self) -> Result<(), Shortage> {
        self.check_sizes(wanted)?;
        if wanted.gpus.is_empty() { Ok(()) } else { self.deal_cards(&wanted.gpus).map(drop) }
    }

    /// Whether cores, memory and disk are enough.
    ///
    /// # Errors
    /// The first of them that is short.
    pub(super) fn check_sizes(&self, required: &Self) -> Result<(), Shortage> {
        for (dimension, own, required) in self.sizes_beside(required) {
            if required > own {
                return Err(Shortage::of(dimension, required, own));
            }
        }
        Ok(())
    }

    /// Which of cores, memory and disk are not enough.
    pub(super) fn short_sizes(&self, required: &Self) -> impl Iterator<Item = Shortage> + use<> {
        let short = self.sizes_beside(required).into_iter().filter(|(_, own, required)| required > own);
        short.map(|(dimension, own, required)| Shortage::of(dimension, required, own))
    }

    /// Cores, memory and disk with what is required of each.
    const fn sizes_beside(&self, required: &Self) -> [(Dimension, u64, u64); 3] {
        [
            (Dimension::Cpu, self.cpu.cores_milli, required.cpu.cores_milli),
            (Dimension::Ram, self.ram_bytes, required.ram_bytes),
            (Dimension::Disk, self.disk_bytes, required.disk_bytes),
        ]
    }

    /// Which of the cards, none of them in use, fulfils each wish.
    pub(super) fn deal_cards(&self, wishes: &[Gpu]) -> Result<Vec<usize>, Shortage> {
        if wishes.is_empty() {
            return Ok(Vec::new());
        }
        deal(wishes, &self.gpus.iter().map(Offer::whole).collect::<Vec<_>>())
    }

    /// Every dimension in which `required` is more than there is; empty means that it fits.
    pub fn shortages(&self, required: &Self) -> Vec<Shortage> {
        let mut found: Vec<Shortage> = self.short_sizes(required).collect();
        found.extend(self.deal_cards(&required.gpus).err());
        found
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Amount { dimension: Dimension::Cpu, quantity: self.cores_milli })?;
        if self.clock_hz > 0 {
            f.write_str(" at ")?;
            write_hertz(f, self.clock_hz)?;
        }
        if let Some(architecture) = &self.architecture {
            write!(f, " ({architecture})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cpu)?;
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

/// Writes bytes in the largest binary unit of which there is at least one.
pub(super) fn write_bytes(f: &mut fmt::Formatter<'_>, bytes: u64) -> fmt::Result {
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
    use crate::dms::resources::cards::tests::card;

    const GIB: u64 = 1 << 30;

    fn machine(cores_milli: u64, ram_bytes: u64, disk_bytes: u64) -> Resources {
        Resources { cpu: Cpu { cores_milli, ..Cpu::default() }, ram_bytes, disk_bytes, gpus: Vec::new() }
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
    fn what_wishes_take_of_cards_is_gone() {
        let have = Resources { gpus: vec![card("A", "", 40), card("B", "", 16)], ..Resources::default() };
        for (wishes, left) in [
            (vec![card("", "", 10)], vec![card("A", "", 40), card("B", "", 6)]),
            (vec![card("", "", 16)], vec![card("A", "", 40)]),
            (vec![card("A", "", 0)], vec![card("B", "", 16)]),
            (vec![card("", "", 30), card("", "", 1)], vec![card("A", "", 10), card("B", "", 15)]),
        ] {
            let want = Resources { gpus: wishes, ..Resources::default() };
            assert_eq!(have.checked_minus(&want).unwrap().gpus, left, "{want}");
        }
    }

    #[test]
    fn amounts_are_shown_in_normalised_units() {
        let mut some = machine(250, 1536 << 20, 20 * GIB);
        assert_eq!(some.to_string(), "0.25 cores, 1.5 GiB RAM, 20 GiB disk");
        some.cpu = Cpu { cores_milli: 1000, clock_hz: 2_400_000_000, architecture: Some("amd64".into()) };
        some.gpus.push(card("NVIDIA", "T4", 16 * GIB));
        assert_eq!(
            some.to_string(),
            "1 core at 2.4 GHz (amd64), 1.5 GiB RAM, 20 GiB disk, GPU NVIDIA T4 16 GiB"
        );
        assert_eq!(machine(0, 1000, 0).to_string(), "0 cores, 1000 B RAM, 0 B disk");
    }

    #[test]
    fn what_is_to_run_on_two_architectures_runs_nowhere() {
        let of = |architecture: Option<&str>| Resources {
            cpu: Cpu { architecture: architecture.map(Into::into), ..Cpu::default() },
            ..Resources::default()
        };
        let sum = |all: &[Option<&str>]| {
            let sum = all.iter().fold(Resources::default(), |sum, one| sum.plus(&of(*one)));
            sum.cpu.architecture.as_deref().map(str::to_owned)
        };
        assert_eq!(sum(&[None, None]), None);
        assert_eq!(sum(&[None, Some("amd64"), None, Some("amd64")]).as_deref(), Some("amd64"));
        let three = sum(&[Some("amd64"), Some("arm64"), None, Some("arm64"), Some("amd64"), Some("riscv")]);
        assert_eq!(three.as_deref(), Some("amd64 and arm64 and riscv"));
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
    }
}
