//! `dmsim bench --placement`: what it costs a central scheduler to place many virtual machines on many hosts, policy by
//! policy.

use super::measure::Stopwatch;
use crate::kernel::{Domain, Rng, Streams};
use crate::placement::{Amounts, Ask, Cluster, LISTED, Machine, Parameters};

const DRAWS: Domain = Domain::new("cli.placement_bench");
const HOSTS: usize = 20_000;
const VIRTUAL_MACHINES: usize = 40_000;
const GIB: u64 = 1 << 30;

/// For each policy, the seconds of CPU for all placements, building the cluster included, and how many found a place.
///
/// Hosts have 8 cores and 32 GiB; virtual machines have 1, 2, 4 or 8 cores with 2 to 8 GiB each, in sizes that users
/// rent. They ask for nearly all that there is, so that the last ones have to look far.
pub(super) fn figures() -> Vec<(String, f64)> {
    let total = Amounts { cpu_milli: 8000, ram_bytes: 32 * GIB, disk_bytes: 1000 * GIB };
    let hosts = || vec![Machine::new(total, []); HOSTS];
    let mut rng = Streams::new(1).owned(DRAWS, 0);
    let asks: Vec<Ask> = (0..VIRTUAL_MACHINES).map(|_| virtual_machine(&mut rng)).collect();
    let mut figures = Vec::new();
    for listed in LISTED {
        let stopwatch = Stopwatch::start();
        let mut cluster = Cluster::new(hosts(), None, (listed.make)(&Parameters::default()));
        let mut random = Streams::new(1).owned(DRAWS, 1);
        let placed = asks.iter().filter(|ask| cluster.place(ask, &mut random).is_some()).count();
        figures.push((format!("{}.cpu_s", listed.name), stopwatch.worked_s()));
        figures.push((format!("{}.placed", listed.name), placed as f64));
    }
    figures
}

fn virtual_machine(rng: &mut Rng<'_>) -> Ask {
    let cores = [1, 2, 2, 4, 4, 4, 8][rng.index(7)];
    let ram_bytes = cores * [2, 4, 4, 8][rng.index(4)] * GIB;
    Ask {
        cpu_milli: cores * 1000,
        ram_bytes: ram_bytes.min(32 * GIB),
        disk_bytes: 10 * GIB,
        ..Ask::default()
    }
}
