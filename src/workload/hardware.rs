//! The machines of peers: cores, memory, disk and graphics cards.

mod preset;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::preset::HardwarePreset;
use super::nodes::NodeList;
use crate::kernel::sample::lognormal;
use crate::kernel::{Ratio, Rng};

const GIB: u64 = 1 << 30;
const GB: f64 = 1e9;
const NVIDIA: &str = "NVIDIA";
const CLOCK_HZ: u64 = 3_000_000_000;
const MEDIAN_DISK_GB: f64 = 500.0;
/// Deviation of the logarithm of a disk's size: about two thirds of all disks are between half and twice the
/// median, as the usual sizes of 256 GB to 1 TB suggest.
const DISK_SIGMA: f64 = 0.7;
/// Peers without a graphics card that can be used.
const NO_GPU: Ratio = Ratio::new(1, 5);

/// Shares in tenths of a per cent of a survey of home PCs of 2026; each table is rescaled to one.
const CORES: [(u64, u64); 5] = [(6, 286), (8, 270), (4, 130), (10, 76), (16, 55)];
const RAM_GIB: [(u64, u64); 4] = [(16, 409), (32, 376), (8, 77), (64, 41)];
const VRAM_GIB: [(u64, u64); 6] = [(8, 268), (16, 235), (12, 135), (6, 64), (4, 60), (24, 50)];

/// A graphics card.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// Its maker.
    pub vendor: String,
    /// Its model.
    pub model: String,
    /// Its memory in bytes.
    pub vram_bytes: u64,
}

/// A machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Processor cores.
    pub cores: u32,
    /// Clock of a core in Hz.
    pub clock_hz: u64,
    /// Processor architecture, as in `x86_64`.
    pub architecture: String,
    /// Memory in bytes.
    pub ram_bytes: u64,
    /// Disk in bytes.
    pub disk_bytes: u64,
    /// Graphics cards that can be used.
    #[serde(default)]
    pub gpus: Vec<Gpu>,
}

/// Which machines the peers of a group have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HardwareConfig {
    /// Drawn from a survey, or from figures that are usual.
    Preset(HardwarePreset),
    /// The same machine for all.
    Fixed(Hardware),
    /// Each as one of these, as likely as its weight says; one at least, and each with a weight of one at least.
    Mix(Vec<(u32, Self)>),
    /// One row a peer, in order, and from the first again after the last.
    Listed(Arc<NodeList>),
}

impl Default for HardwareConfig {
    fn default() -> Self {
        Self::Preset(HardwarePreset::HomePc)
    }
}

impl HardwareConfig {
    /// The most cores and the most cards that a machine may have.
    #[must_use]
    pub fn largest(&self) -> (u32, u32) {
        let larger = |one: (u32, u32), other: (u32, u32)| (one.0.max(other.0), one.1.max(other.1));
        let of = |machine: &Hardware| (machine.cores, machine.gpus.len() as u32);
        match self {
            Self::Preset(preset) => preset.largest(),
            Self::Fixed(machine) => of(machine),
            Self::Mix(parts) => parts.iter().map(|(_, part)| part.largest()).fold((0, 0), larger),
            Self::Listed(nodes) => nodes.kinds().iter().map(of).fold((0, 0), larger),
        }
    }

    /// The machine of the peer at this place of its group, from 0. Five draws of the preset of home PCs, whatever the
    /// machine.
    pub fn draw(&self, place: u32, rng: &mut Rng<'_>) -> Hardware {
        match self {
            Self::Preset(preset) => preset.draw(rng),
            Self::Fixed(hardware) => hardware.clone(),
            Self::Mix(parts) => {
                let mut point = rng.below(parts.iter().map(|(weight, _)| u64::from(*weight)).sum());
                for (weight, part) in parts {
                    if point < u64::from(*weight) {
                        return part.draw(place, rng);
                    }
                    point -= u64::from(*weight);
                }
                unreachable!("a point below the sum of all weights lies in one of them")
            }
            Self::Listed(nodes) => nodes.of(place),
        }
    }

    /// All machines that it may give, where these can be told; none where some are drawn.
    #[must_use]
    pub fn all(&self) -> Option<Vec<Hardware>> {
        match self {
            Self::Preset(_) => None,
            Self::Fixed(machine) => Some(vec![machine.clone()]),
            Self::Mix(parts) => {
                let parts: Option<Vec<_>> = parts.iter().map(|(_, part)| part.all()).collect();
                Some(parts?.concat())
            }
            Self::Listed(nodes) => Some(nodes.kinds()),
        }
    }
}

fn home_pc(rng: &mut Rng<'_>) -> Hardware {
    let cores = by_share(&CORES, rng) as u32;
    let ram_bytes = by_share(&RAM_GIB, rng) * GIB;
    let vram_bytes = by_share(&VRAM_GIB, rng) * GIB;
    let has_gpu = !rng.bool(NO_GPU);
    let disk_gb = lognormal(rng, libm::log(MEDIAN_DISK_GB), DISK_SIGMA);
    // The survey tells memory but not makers; the name of the most common one stands for all.
    let model = format!("home {} GiB", vram_bytes / GIB);
    let gpu = has_gpu.then(|| Gpu { vendor: NVIDIA.to_owned(), model, vram_bytes });
    Hardware {
        cores,
        clock_hz: CLOCK_HZ,
        architecture: "x86_64".to_owned(),
        ram_bytes,
        disk_bytes: libm::round(disk_gb * GB) as u64,
        gpus: gpu.into_iter().collect(),
    }
}

/// A value of a table of values and shares. One draw.
fn by_share(table: &[(u64, u64)], rng: &mut Rng<'_>) -> u64 {
    let mut place = rng.below(table.iter().map(|(_, share)| share).sum());
    for &(value, share) in table {
        if place < share {
            return value;
        }
        place -= share;
    }
    unreachable!("a place below the sum of all shares lies in one of them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Domain, Streams};

    const TEST: Domain = Domain::new("workload.hardware.test");
    const DRAWS: usize = 50_000;

    fn sample() -> Vec<Hardware> {
        let mut rng = Streams::new(5).owned(TEST, 0);
        let config = HardwareConfig::default();
        (0..DRAWS as u32).map(|place| config.draw(place, &mut rng)).collect()
    }

    fn assert_share(machines: &[Hardware], expected: f64, is: impl Fn(&Hardware) -> bool) {
        let hits = machines.iter().filter(|machine| is(machine)).count() as f64;
        let count = machines.len() as f64;
        let sigma = (count * expected * (1.0 - expected)).sqrt();
        assert!((hits - expected * count).abs() < 4.0 * sigma, "{hits} of {count}, expected {expected}");
    }

    #[test]
    fn home_pcs_have_the_shares_of_the_survey() {
        let machines = sample();
        assert_share(&machines, 28.6 / 81.7, |it| it.cores == 6);
        assert_share(&machines, 5.5 / 81.7, |it| it.cores == 16);
        assert_share(&machines, 37.6 / 90.3, |it| it.ram_bytes == 32 * GIB);
        assert_share(&machines, 0.2, |it| it.gpus.is_empty());
        assert_share(&machines, 0.8 * 5.0 / 81.2, |it| it.gpus.iter().any(|gpu| gpu.vram_bytes == 24 * GIB));
        assert_share(&machines, 0.5, |it| it.disk_bytes < 500_000_000_000);
        assert!(machines.iter().all(|it| it.clock_hz == 3_000_000_000 && it.architecture == "x86_64"));
    }

    #[test]
    fn fixed_machines_are_all_alike() {
        let text = r#"{"fixed": {"cores": 4, "clock_hz": 2000000000, "architecture": "aarch64",
                       "ram_bytes": 1, "disk_bytes": 2}}"#;
        let config: HardwareConfig = serde_json::from_str(text).unwrap();
        let mut rng = Streams::new(5).owned(TEST, 1);
        let machine = config.draw(0, &mut rng);
        assert_eq!((machine.cores, machine.gpus.is_empty()), (4, true));
        assert_eq!(config.draw(1, &mut rng), machine);
        assert_eq!(
            serde_json::from_str::<HardwareConfig>(r#"{"preset": "home-pc"}"#).unwrap(),
            HardwareConfig::default()
        );
    }

    #[test]
    fn mixes_have_the_parts_of_their_weights() {
        let of = |cores| {
            let machine = HardwareConfig::Preset(HardwarePreset::HomePc).draw(0, &mut stream());
            HardwareConfig::Fixed(Hardware { cores, ..machine })
        };
        let mix = HardwareConfig::Mix(vec![(3, of(1)), (1, of(2)), (1, HardwareConfig::default())]);
        let mut rng = stream();
        let all: Vec<Hardware> = (0..DRAWS as u32).map(|place| mix.draw(place, &mut rng)).collect();
        assert_share(&all, 0.6, |it| it.cores == 1);
        assert_share(&all, 0.2, |it| it.cores == 2);
        assert_share(&all, 0.2, |it| it.cores >= 4);
        assert_eq!(mix.all(), None);
        assert_eq!(HardwareConfig::Mix(vec![(1, of(1)), (9, of(2))]).all().map(|all| all.len()), Some(2));
    }

    #[test]
    fn presets_stay_within_their_figures() {
        let draw = |preset: HardwarePreset| {
            let mut rng = stream();
            (0..2000).map(|_| preset.draw(&mut rng)).collect::<Vec<_>>()
        };
        let servers = draw(HardwarePreset::GpuServer);
        assert!(servers.iter().all(|it| [4, 8].contains(&it.gpus.len()) && it.ram_bytes >= 512 * GIB));
        assert_share(&servers, 0.7, |it| it.gpus.len() == 8);
        assert!(servers.iter().all(|it| it.gpus.iter().all(|gpu| *gpu == it.gpus[0])), "cards are alike");
        let desks = draw(HardwarePreset::Workstation);
        assert!(desks.iter().all(|it| it.gpus.len() == 1 && (16..=32).contains(&it.cores)));
        let edge = draw(HardwarePreset::EdgeDevice);
        assert!(edge.iter().all(|it| it.gpus.is_empty() && it.architecture == "aarch64"));
        let rented = draw(HardwarePreset::CloudVm);
        assert!(rented.iter().all(|it| it.ram_bytes == u64::from(it.cores) * 4 * GIB));
        assert_share(&rented, 0.3, |it| it.cores == 2);
    }

    fn stream() -> Rng<'static> {
        Streams::new(5).owned(TEST, 2)
    }
}
