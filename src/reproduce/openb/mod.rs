//! The openb placement experiment (Weng et al., "Beware of Fragmentation", USENIX ATC 2023), met point by point.
//!
//! Jobs arrive one by one on 1,213 machines with 6,212 graphics cards and never leave; one that fits nowhere is lost.
//! Six policies are compared by how much of the cards they use and how much of the rest is of no use. Five of them have
//! no randomness, and the published tables are met exactly (openb-placement in the facts about DMS has the rules). The
//! policies are those of [`placement`](crate::placement), which bidding uses as well.

mod columns;
mod data;

use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;

use self::columns::Arrival;
pub use self::data::{COLUMNS, DataErrors, Metric, Node, Order, Pod, Published, Source};
use crate::kernel::{Domain, Streams};
use crate::placement::{Ask, Cluster, Machine, Mix, Parameters, listed};

/// What the random policy draws.
const DRAWS: Domain = Domain::new("reproduce.openb");

/// The policies of the experiment: as it calls them, and as we do.
pub const POLICIES: [(&str, &str); 6] = [
    ("Random", "uniform"),
    ("DotProd", "dot_product"),
    ("GpuClustering", "gpu_clustering"),
    ("GpuPacking", "gpu_packing"),
    ("BestFit", "best_fit"),
    ("FGD", "fgd"),
];

/// A workload on its machines.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The name of the workload.
    pub workload: String,
    machines: Vec<Machine>,
    asks: Vec<Ask>,
    mix: Arc<Mix>,
    all_milli: u64,
}

impl Experiment {
    /// A workload on the nodes of the same source.
    ///
    /// # Errors
    /// What is wrong with either.
    pub fn of(source: &Source, workload: &str) -> Result<Self, DataErrors> {
        Ok(Self::new(workload, &source.nodes()?, &source.pods(workload)?))
    }

    /// These jobs on these nodes. The typical jobs are those of the workload itself.
    #[must_use]
    pub fn new(workload: &str, nodes: &[Node], pods: &[Pod]) -> Self {
        let asks: Vec<Ask> = pods.iter().map(Pod::ask).collect();
        let kind = |pod: &Pod| (pod.cpu_milli, pod.gpu_milli, pod.num_gpu, pod.gpu_spec.clone());
        let mix = Mix::of(pods.iter().zip(&asks).map(|(pod, ask)| (kind(pod), ask.clone())));
        let machines: Vec<Machine> = nodes.iter().map(Node::machine).collect();
        let all_milli = machines.iter().map(Machine::free_cards_milli).sum();
        Self { workload: workload.to_owned(), machines, asks, mix: Arc::new(mix), all_milli }
    }

    /// How many jobs the workload has.
    #[must_use]
    pub const fn jobs(&self) -> usize {
        self.asks.len()
    }

    /// How many machines there are.
    #[must_use]
    pub const fn machines(&self) -> usize {
        self.machines.len()
    }

    /// Places all jobs in an order by the policy of this name, and says what came of it in the columns of the published
    /// tables: by metric, in the order of [`Metric::ALL`]. `seed` governs what it draws.
    ///
    /// # Panics
    /// If no policy is called so.
    #[must_use]
    pub fn run(&self, policy: &str, order: &Order, seed: u64) -> [Vec<f64>; Metric::ALL.len()] {
        let parameters = Parameters { mix: Arc::clone(&self.mix), ..Parameters::default() };
        let placement = (listed(policy).expect("policies are those of the list").make)(&parameters);
        let mut cluster = Cluster::new(self.machines.clone(), Some(&order.ranks), placement);
        let mut random = Streams::new(seed).owned(DRAWS, 0);
        let mut fragmented: Vec<f64> =
            self.machines.iter().map(|machine| self.mix.fragmentation(machine)).collect();
        let mut arrivals: Vec<Arrival> = Vec::with_capacity(order.rows.len());
        let (mut arrived_milli, mut used_milli) = (0, 0);
        for &row in &order.rows {
            let ask = &self.asks[usize::from(row)];
            arrived_milli += ask.cards_milli();
            // One that fits nowhere is lost.
            if let Some(placed) = cluster.place(ask, &mut random) {
                used_milli += ask.cards_milli();
                fragmented[placed.machine] = self.mix.fragmentation(cluster.machine(placed.machine));
            }
            let fragmented_milli = fragmented.iter().fold(0.0, |sum, one| sum + one);
            arrivals.push(Arrival { arrived_milli, used_milli, fragmented_milli });
        }
        Metric::ALL.map(|metric| columns::columns(metric, &arrivals, self.all_milli))
    }
}

/// A run compared with what was published of it, by one metric.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Compared {
    /// The workload.
    pub workload: String,
    /// The policy, as the experiment calls it.
    pub policy: &'static str,
    /// The seed.
    pub seed: u64,
    /// The metric.
    pub metric: &'static str,
    /// Ours, a column each.
    pub ours: Vec<f64>,
    /// Theirs.
    pub theirs: Vec<f64>,
    /// The largest difference of a column.
    pub largest_difference: f64,
}

/// The runs to make: a workload, a policy and a seed each.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The workloads, ready.
    pub experiments: Vec<Experiment>,
    /// Policies as the experiment calls them.
    pub policies: Vec<&'static str>,
    /// Seeds with the orders of each workload, in their order.
    pub orders: Vec<(u64, Vec<Order>)>,
    /// What was published.
    pub published: Vec<Published>,
}

impl Plan {
    /// Reads all that these runs need.
    ///
    /// # Errors
    /// What is wrong with it, and what was never published.
    pub fn read(
        source: &Source,
        workloads: &[String],
        policies: &[&'static str],
        seeds: &[u64],
    ) -> Result<Self, DataErrors> {
        let experiments = workloads
            .iter()
            .map(|workload| Experiment::of(source, workload))
            .collect::<Result<Vec<_>, _>>()?;
        let order = |seed: u64| {
            let of = |one: &Experiment| source.order(&one.workload, seed, one.jobs(), one.machines());
            Ok((seed, experiments.iter().map(of).collect::<Result<Vec<_>, _>>()?))
        };
        let orders = seeds.iter().map(|&seed| order(seed)).collect::<Result<_, _>>()?;
        let plan = Self { experiments, policies: policies.to_vec(), orders, published: source.published()? };
        plan.check_published()?;
        Ok(plan)
    }

    /// Every run must have something to be compared with.
    fn check_published(&self) -> Result<(), DataErrors> {
        let mut missing = Vec::new();
        for Experiment { workload, .. } in &self.experiments {
            for policy in &self.policies {
                for (seed, _) in &self.orders {
                    let curves =
                        Metric::ALL.iter().filter_map(|metric| self.curve(workload, policy, *seed, *metric));
                    if curves.count() < Metric::ALL.len() {
                        missing.push(format!(
                            "of workload `{workload}`, policy {policy}, seed {seed} nothing was published\n  \
                             = help: `--expected` names a folder with further tables"
                        ));
                    }
                }
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(DataErrors::of(missing)) }
    }

    /// What was published of a run by a metric.
    fn curve(&self, workload: &str, policy: &str, seed: u64, metric: Metric) -> Option<&[f64]> {
        let is_it = |one: &&Published| {
            one.workload == workload && one.policy == policy && one.seed == seed && one.metric == metric
        };
        self.published.iter().find(is_it).map(|one| one.columns.as_slice())
    }

    /// Makes all runs, side by side, and compares them: by workload, policy, seed and metric, in this order.
    #[must_use]
    pub fn compare(&self) -> Vec<Compared> {
        let mut jobs = Vec::new();
        for experiment in 0..self.experiments.len() {
            for policy in &self.policies {
                jobs.extend(
                    self.orders
                        .iter()
                        .map(|(seed, orders)| (experiment, *policy, *seed, &orders[experiment])),
                );
            }
        }
        let of_run = |(experiment, policy, seed, order): (usize, &'static str, u64, &Order)| {
            let experiment = &self.experiments[experiment];
            let own = POLICIES.iter().find(|(theirs, _)| *theirs == policy).expect("it is one of them").1;
            let columns = experiment.run(own, order, seed);
            let compared = Metric::ALL.into_iter().zip(columns).filter_map(|(metric, ours)| {
                let theirs = self.curve(&experiment.workload, policy, seed, metric)?.to_vec();
                let differences = ours.iter().zip(&theirs).map(|(own, their)| (own - their).abs());
                let largest_difference = differences.fold(0.0, f64::max);
                Some(Compared {
                    workload: experiment.workload.clone(),
                    policy,
                    seed,
                    metric: metric.name(),
                    ours,
                    theirs,
                    largest_difference,
                })
            });
            compared.collect::<Vec<_>>()
        };
        jobs.into_par_iter().with_max_len(1).flat_map_iter(of_run).collect()
    }
}
