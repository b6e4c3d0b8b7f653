//! Machines by the kind of place that they stand in.

use serde::{Deserialize, Serialize};

use super::{GIB, Gpu, Hardware, NVIDIA, by_share, home_pc};
use crate::kernel::Rng;

const GB: u64 = 1_000_000_000;
const X86: &str = "x86_64";

/// A kind of machines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HardwarePreset {
    /// Home PCs: cores, memory and graphics memory by their shares, independent of each other; one peer in
    /// five without a usable graphics card; 3 GHz, `x86_64`; disks lognormal with a median of 500 GB.
    HomePc,
    /// Servers with graphics cards: 8 cards (70 %) or 4, all alike, of 80 GiB (50 %), 48 GiB or 24 GiB (25 % each); 16
    /// cores and 128 GiB of memory a card; 2.5 GHz, `x86_64`, a disk of 8 TB. Usual figures, and no survey.
    GpuServer,
    /// Workstations: 16 (50 %), 24 (30 %) or 32 cores; 64 (60 %) or 128 GiB of memory; a card of 24 (60 %), 16 (25 %)
    /// or 48 GiB; 3.5 GHz, `x86_64`, a disk of 2 TB. Usual figures, and no survey.
    Workstation,
    /// Small devices at the edge: 4 (70 %) or 8 cores; 4 (40 %), 8 (40 %) or 16 GiB of memory; no card; 1.8 GHz,
    /// `aarch64`, a disk of 64 GB (60 %) or 128 GB. Usual figures, and no survey.
    EdgeDevice,
    /// Rented virtual machines: 2 (30 %), 4 (40 %), 8 (20 %) or 16 cores with 4 GiB of memory each; no card; 2.5 GHz,
    /// `x86_64`, a disk of 100 GB. Usual figures, and no survey.
    CloudVm,
}

impl HardwarePreset {
    /// All, by the name that a scenario gives them.
    pub const ALL: [(&'static str, Self); 5] = [
        ("home-pc", Self::HomePc),
        ("gpu-server", Self::GpuServer),
        ("workstation", Self::Workstation),
        ("edge-device", Self::EdgeDevice),
        ("cloud-vm", Self::CloudVm),
    ];
    /// Their names.
    pub const NAMES: [&'static str; Self::ALL.len()] = {
        let mut names = [""; Self::ALL.len()];
        let mut place = 0;
        while place < names.len() {
            names[place] = Self::ALL[place].0;
            place += 1;
        }
        names
    };

    /// Its name in a scenario.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }

    /// The most cores and the most cards that such a machine may have.
    #[must_use]
    pub const fn largest(self) -> (u32, u32) {
        match self {
            Self::HomePc => (16, 1),
            Self::GpuServer => (128, 8),
            Self::Workstation => (32, 1),
            Self::EdgeDevice => (8, 0),
            Self::CloudVm => (16, 0),
        }
    }

    /// A machine of the kind. As many draws for each machine of a kind.
    pub(super) fn draw(self, rng: &mut Rng<'_>) -> Hardware {
        match self {
            Self::HomePc => home_pc(rng),
            Self::GpuServer => {
                let cards = by_share(&[(8, 70), (4, 30)], rng);
                let card = card(by_share(&[(80, 50), (48, 25), (24, 25)], rng), "server");
                Hardware {
                    gpus: vec![card; cards as usize],
                    ..machine([16 * cards, 128 * cards, 8_000], 2_500_000_000, X86)
                }
            }
            Self::Workstation => {
                let cores = by_share(&[(16, 50), (24, 30), (32, 20)], rng);
                let ram_gib = by_share(&[(64, 60), (128, 40)], rng);
                let card = card(by_share(&[(24, 60), (16, 25), (48, 15)], rng), "workstation");
                Hardware { gpus: vec![card], ..machine([cores, ram_gib, 2_000], 3_500_000_000, X86) }
            }
            Self::EdgeDevice => {
                let cores = by_share(&[(4, 70), (8, 30)], rng);
                let ram_gib = by_share(&[(4, 40), (8, 40), (16, 20)], rng);
                let disk_gb = by_share(&[(64, 60), (128, 40)], rng);
                machine([cores, ram_gib, disk_gb], 1_800_000_000, "aarch64")
            }
            Self::CloudVm => {
                let cores = by_share(&[(2, 30), (4, 40), (8, 20), (16, 10)], rng);
                machine([cores, 4 * cores, 100], 2_500_000_000, X86)
            }
        }
    }
}

/// A machine without cards of so many cores, GiB of memory and GB of disk.
fn machine([cores, ram_gib, disk_gb]: [u64; 3], clock_hz: u64, architecture: &str) -> Hardware {
    Hardware {
        cores: cores as u32,
        clock_hz,
        architecture: architecture.to_owned(),
        ram_bytes: ram_gib * GIB,
        disk_bytes: disk_gb * GB,
        gpus: Vec::new(),
    }
}

fn card(vram_gib: u64, kind: &str) -> Gpu {
    Gpu { vendor: NVIDIA.to_owned(), model: format!("{kind} {vram_gib} GiB"), vram_bytes: vram_gib * GIB }
}
