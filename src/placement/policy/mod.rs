//! The policies, one file each, and the list of them.

mod best_fit;
mod data_aware;
mod dot_product;
pub mod expression;
mod first_fit;
mod fragmentation_gradient;
mod gpu_clustering;
mod gpu_packing;
mod latency_aware;
mod least_loaded;
mod power_of_d;
mod reliability_aware;
mod reverse_auction;
mod uniform;
mod worst_fit;

use std::sync::Arc;

pub use self::best_fit::BestFit;
pub use self::data_aware::DataAware;
pub use self::dot_product::DotProduct;
pub use self::expression::Expression;
pub use self::first_fit::FirstFit;
pub use self::fragmentation_gradient::FragmentationGradient;
pub use self::gpu_clustering::GpuClustering;
pub use self::gpu_packing::GpuPacking;
pub use self::latency_aware::LatencyAware;
pub use self::least_loaded::LeastLoaded;
pub use self::power_of_d::PowerOfD;
pub use self::reliability_aware::ReliabilityAware;
pub use self::reverse_auction::ReverseAuction;
pub use self::uniform::Uniform;
pub use self::worst_fit::WorstFit;
use super::{Mix, Payment, Placement};

/// The largest machine, by which amounts are made comparable.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scale {
    /// Its cores, in thousandths.
    pub cpu_milli: f64,
    /// Its cards, in thousandths of a card.
    pub cards_milli: f64,
}

impl Default for Scale {
    /// 128 cores and 8 cards, as in the openb experiment.
    fn default() -> Self {
        Self { cpu_milli: 128_000.0, cards_milli: 8000.0 }
    }
}

/// What a policy is made of where somebody says it.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// The largest machine.
    pub scale: Scale,
    /// The jobs that are to be expected.
    pub mix: Arc<Mix>,
    /// How many machines are drawn, where some are.
    pub drawn: u32,
}

impl Default for Parameters {
    /// The scale of the openb experiment, no jobs to be expected, and two machines to draw.
    fn default() -> Self {
        Self { scale: Scale::default(), mix: Arc::default(), drawn: 2 }
    }
}

/// A policy of the list.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// What scenarios call it.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Makes it.
    pub make: fn(&Parameters) -> Placement,
}

/// Every policy. A new one is a row here and a file beside this one.
pub const LISTED: &[Listed] = &[
    Listed {
        name: "uniform",
        about: "any machine with the same probability",
        source: "what DMS does: dms-orchestration 2.7",
        make: |_| Placement::new(Uniform),
    },
    Listed {
        name: "first_fit",
        about: "the first machine with room, in a fixed order",
        source: "Johnson, Near-optimal bin packing algorithms, MIT 1973",
        make: |_| Placement::new(FirstFit),
    },
    Listed {
        name: "best_fit",
        about: "the machine on which least is left of cores and cards",
        source: "Johnson 1973; openb-placement, BestFit",
        make: |given| Placement::new(BestFit(given.scale)),
    },
    Listed {
        name: "worst_fit",
        about: "the machine on which most is left of cores and cards",
        source: "Johnson 1973",
        make: |given| Placement::new(WorstFit(given.scale)),
    },
    Listed {
        name: "dot_product",
        about: "the machine whose free amounts are least like what is asked",
        source: "Grandl et al., Multi-resource packing for cluster schedulers, SIGCOMM 2014; openb-placement, DotProd",
        make: |given| Placement::new(DotProduct(given.scale)),
    },
    Listed {
        name: "gpu_clustering",
        about: "a machine that runs jobs with as many cards",
        source: "Xiao et al., Gandiva, OSDI 2018; openb-placement, GpuClustering",
        make: |given| Placement::new(GpuClustering(given.scale)),
    },
    Listed {
        name: "gpu_packing",
        about: "cards that are in use before others, machines that are before others",
        source: "Weng et al., MLaaS in the wild, NSDI 2022; openb-placement, GpuPacking",
        make: |_| Placement::new(GpuPacking),
    },
    Listed {
        name: "fgd",
        about: "the machine where least room of cards becomes useless to the jobs that are to be expected",
        source: "Weng et al., Beware of Fragmentation, USENIX ATC 2023; openb-placement, FGD",
        make: |given| Placement::new(FragmentationGradient(Arc::clone(&given.mix))),
    },
    Listed {
        name: "power_of_d",
        about: "of d machines that are drawn, the one with the fewest jobs",
        source: "Mitzenmacher, The power of two choices in randomized load balancing, IEEE TPDS 2001",
        make: |given| Placement::new(PowerOfD(given.drawn)),
    },
    Listed {
        name: "least_loaded",
        about: "the machine with the fewest jobs that run or wait",
        source: "Winston, Optimality of the shortest line discipline, J. Appl. Prob. 1977",
        make: |_| Placement::new(LeastLoaded),
    },
    Listed {
        name: "latency_aware",
        about: "the machine with the shortest round trip to whoever asks",
        source: "Dabek et al., Vivaldi, SIGCOMM 2004",
        make: |_| Placement::new(LatencyAware),
    },
    Listed {
        name: "reliability_aware",
        about: "the machine that has been up for the longest",
        source: "Godfrey et al., Minimizing churn in distributed systems, SIGCOMM 2006",
        make: |_| Placement::new(ReliabilityAware),
    },
    Listed {
        name: "data_aware",
        about: "the machine that lacks the fewest of the job's images, and of these the nearest",
        source: "Zaharia et al., Delay scheduling, EuroSys 2010",
        make: |_| Placement::new(DataAware),
    },
    Listed {
        name: "first_price_auction",
        about: "the cheapest machine, which is paid its own price",
        source: "Vickrey, Counterspeculation, auctions, and competitive sealed tenders, J. Finance 1961",
        make: |_| Placement::new(ReverseAuction(Payment::OwnPrice)),
    },
    Listed {
        name: "second_price_auction",
        about: "the cheapest machine, which is paid the price of the second cheapest",
        source: "Vickrey, Counterspeculation, auctions, and competitive sealed tenders, J. Finance 1961",
        make: |_| Placement::new(ReverseAuction(Payment::SecondPrice)),
    },
];

/// Their names.
pub const NAMES: [&str; LISTED.len()] = {
    let mut names = [""; LISTED.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = LISTED[place].name;
        place += 1;
    }
    names
};

/// The policy of this name.
#[must_use]
pub fn listed(name: &str) -> Option<&'static Listed> {
    LISTED.iter().find(|one| one.name == name)
}
