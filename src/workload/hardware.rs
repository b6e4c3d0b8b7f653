//! The machines of peers: cores, memory, disk and graphics cards.

use serde::{Deserialize, Serialize};

use crate::kernel::sample::lognormal;
use crate::kernel::{Ratio, Rng};

const GIB: u64 = 1 << 30;
const GB: f64 = 1e9;
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
    /// Graphics card that can be used, if any.
    #[serde(default)]
    pub gpu: Option<Gpu>,
}

/// Which machines the peers of a group have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HardwareConfig {
    /// Drawn from a survey.
    Preset(HardwarePreset),
    /// The same machine for all.
    Fixed(Hardware),
}

/// A survey of machines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HardwarePreset {
    /// Home PCs: cores, memory and graphics memory by their shares, independent of each other; one peer in
    /// five without a usable graphics card; 3 GHz, `x86_64`; disks lognormal with a median of 500 GB.
    HomePc,
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
        match self {
            Self::Preset(HardwarePreset::HomePc) => {
                (CORES.iter().map(|(cores, _)| *cores as u32).max().unwrap_or(0), 1)
            }
            Self::Fixed(hardware) => (hardware.cores, u32::from(hardware.gpu.is_some())),
        }
    }

    /// The machine of one peer. Five draws of a preset, whatever the machine.
    pub fn draw(&self, rng: &mut Rng<'_>) -> Hardware {
        match self {
            Self::Preset(HardwarePreset::HomePc) => home_pc(rng),
            Self::Fixed(hardware) => hardware.clone(),
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
    let gpu = has_gpu.then(|| Gpu { vendor: "NVIDIA".to_owned(), model, vram_bytes });
    Hardware {
        cores,
        clock_hz: CLOCK_HZ,
        architecture: "x86_64".to_owned(),
        ram_bytes,
        disk_bytes: libm::round(disk_gb * GB) as u64,
        gpu,
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
        (0..DRAWS).map(|_| config.draw(&mut rng)).collect()
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
        assert_share(&machines, 0.2, |it| it.gpu.is_none());
        assert_share(&machines, 0.8 * 5.0 / 81.2, |it| {
            it.gpu.as_ref().is_some_and(|gpu| gpu.vram_bytes == 24 * GIB)
        });
        assert_share(&machines, 0.5, |it| it.disk_bytes < 500_000_000_000);
        assert!(machines.iter().all(|it| it.clock_hz == 3_000_000_000 && it.architecture == "x86_64"));
    }

    #[test]
    fn fixed_machines_are_all_alike() {
        let text = r#"{"fixed": {"cores": 4, "clock_hz": 2000000000, "architecture": "aarch64",
                       "ram_bytes": 1, "disk_bytes": 2}}"#;
        let config: HardwareConfig = serde_json::from_str(text).unwrap();
        let mut rng = Streams::new(5).owned(TEST, 1);
        let machine = config.draw(&mut rng);
        assert_eq!((machine.cores, machine.gpu.is_none()), (4, true));
        assert_eq!(config.draw(&mut rng), machine);
        assert_eq!(
            serde_json::from_str::<HardwareConfig>(r#"{"preset": "home-pc"}"#).unwrap(),
            HardwareConfig::default()
        );
    }
}
