//! The kinds of cases: what each needs, what it measures, and by what.

use super::availability::{self, Measured};
use super::{
    Effort, OracleCase, auctions, audits, bins, checkpoints, detection, joins, losses, network, queues,
    recovery, samplers, schedules, servers, supermarket, voting,
};
use crate::scenario::oracle_cases::{Bound, OracleForm};

/// What gives the numbers of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Machinery {
    /// Runs of a world.
    World,
    /// The network of runs, between hosts with programs of their own.
    Network,
    /// Random streams alone: nothing of DMS takes part.
    Sampler,
}

impl Machinery {
    /// Its word in tables.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::World => "run",
            Self::Network => "network",
            Self::Sampler => "sampler",
        }
    }
}

/// How the numbers of a case are measured.
type Measure = fn(&OracleCase, &Effort) -> Result<Measured, String>;

/// A kind of cases.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) machinery: Machinery,
    /// What its cases say.
    pub(super) form: OracleForm<'static>,
    pub(super) measure: Measure,
    /// Those of its values that are computed by a formula.
    formulas: &'static [&'static str],
}

impl Kind {
    /// The same, of which these values are computed.
    const fn computing(self, formulas: &'static [&'static str]) -> Self {
        Self { formulas, ..self }
    }

    /// What gives a value, in a word.
    pub(super) fn gives(&self, value: &str) -> &'static str {
        if self.formulas.contains(&value) { "formula" } else { self.machinery.words() }
    }
}

/// What gives the numbers of a kind; none when it is not known.
#[must_use]
pub fn machinery(kind: &str) -> Option<Machinery> {
    find(kind).map(|kind| kind.machinery)
}

pub(super) fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

const fn measured(machinery: Machinery, form: OracleForm<'static>, measure: Measure) -> Kind {
    Kind { name: form.kind, machinery, form, measure, formulas: &[] }
}

/// What P4 has.
const SCHEDULES: [&str; 4] = ["list_m3", "lpt_m3", "lpt_example", "opt_example"];

/// What R1 has.
const CHECKPOINTS: [&str; 7] = [
    "young",
    "daly_higher_order",
    "exact_lambert",
    "exact_numeric",
    "waste_at_exact",
    "waste_at_young",
    "waste_no_failure_at_exact",
];

pub(super) static KINDS: [Kind; 30] = [
    measured(
        Machinery::World,
        OracleForm {
            kind: "F1",
            params: &[("MTTF_h", Bound::Positive), ("MTTR_h", Bound::Positive)],
            has_value: availability::is_of_on_off,
            values: &["A", "A_1h", "A_24h", "sd_up_of_1000"],
        },
        availability::on_off,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "F2",
            params: &[("n", Bound::Whole(400)), ("k", Bound::Whole(400)), ("p", Bound::Share)],
            has_value: |name| name == "P",
            values: &["P"],
        },
        availability::some_of_many,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "F4",
            params: &[("alpha", Bound::AboveOne), ("xm", Bound::Positive)],
            has_value: availability::is_of_residual,
            values: &["mrl_at_1", "mrl_at_10"],
        },
        availability::residual,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "F5",
            params: &[("n", Bound::Whole(10_000)), ("MTBF_h", Bound::Positive), ("T_h", Bound::Positive)],
            has_value: |name| ["first_failure_h", "mean_failures_24h", "sd"].contains(&name),
            values: &["first_failure_h", "mean_failures_24h", "sd"],
        },
        availability::superposition,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "R3",
            params: &[("w_h", Bound::Positive), ("MTBF_h", Bound::Positive), ("downtime_h", Bound::Amount)],
            has_value: |name| ["E", "attempts", "wasted_h", "Var"].contains(&name),
            values: &["E", "attempts", "wasted_h", "Var"],
        },
        recovery::restarts,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "R4",
            params: &[("mu", Bound::Positive)],
            has_value: recovery::is_of_order_statistics,
            values: &["max_10", "min_10", "k7_of_10"],
        },
        recovery::order_statistics,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "R5",
            params: &[("r", Bound::Whole(2)), ("MTTF_h", Bound::Positive), ("repair_h", Bound::Positive)],
            has_value: |name| ["MTTDL_parallel_repair_h", "MTTDL_single_repair_h"].contains(&name),
            values: &["MTTDL_parallel_repair_h", "MTTDL_single_repair_h"],
        },
        availability::data_loss,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "R1",
            params: &[
                ("MTBF_s", Bound::Positive),
                ("C_s", Bound::Positive),
                ("R_s", Bound::Positive),
                ("D_s", Bound::Amount),
            ],
            has_value: |name| CHECKPOINTS.contains(&name),
            values: &CHECKPOINTS,
        },
        checkpoints::optimum,
    )
    .computing(&[
        "young",
        "daly_higher_order",
        "exact_lambert",
        "exact_numeric",
        "waste_no_failure_at_exact",
    ]),
    measured(
        Machinery::World,
        OracleForm {
            kind: "Q11",
            params: &[
                ("lam", Bound::Positive),
                ("mu", Bound::Positive),
                ("fail", Bound::Positive),
                ("repair", Bound::Positive),
            ],
            has_value: |name| ["EC", "EC2", "Wq", "T"].contains(&name),
            values: &["EC", "EC2", "Wq", "T"],
        },
        queues::stalling_server,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "Q14",
            params: &[
                ("N", Bound::Whole(400)),
                ("c", Bound::Whole(400)),
                ("lam", Bound::Positive),
                ("mu", Bound::Positive),
            ],
            has_value: |name| ["mean_down", "availability", "P_all_up", "fail_rate"].contains(&name),
            values: &["mean_down", "availability", "P_all_up", "fail_rate"],
        },
        availability::repair_queue,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "S1",
            params: &[("m", Bound::Whole(8)), ("f", Bound::Share)],
            has_value: |name| ["err", "mean_copies"].contains(&name),
            values: &["err", "mean_copies"],
        },
        voting::majority,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "G3",
            params: &[("d", Bound::Positive), ("tau", Bound::Positive)],
            has_value: |name| ["mean", "lo", "hi"].contains(&name),
            values: &["mean", "lo", "hi"],
        },
        detection::heartbeats,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "S2",
            params: &[("q", Bound::Share), ("s", Bound::Share), ("n", Bound::Whole(400))],
            has_value: |name| ["P", "n_for_99"].contains(&name),
            values: &["P", "n_for_99"],
        },
        audits::spot_checks,
    ),
    measured(
        Machinery::Sampler,
        OracleForm {
            kind: "D1",
            params: &[("m", Bound::Whole(30))],
            has_value: |name| ["mean", "max"].contains(&name),
            values: &["mean", "max"],
        },
        samplers::hops,
    )
    .computing(&["max"]),
    measured(
        Machinery::Sampler,
        OracleForm {
            kind: "D2",
            params: &[("n", Bound::Whole(1000))],
            has_value: |name| ["max_arc", "min_arc"].contains(&name),
            values: &["max_arc", "min_arc"],
        },
        samplers::arcs,
    ),
    measured(
        Machinery::Sampler,
        OracleForm {
            kind: "G5",
            params: &[("n", Bound::Whole(1000))],
            has_value: |name| ["E", "Var"].contains(&name),
            values: &["E", "Var"],
        },
        samplers::coupons,
    ),
    measured(
        Machinery::Network,
        OracleForm {
            kind: "G1",
            params: &[("n", Bound::Whole(1000))],
            has_value: |name| ["E_rounds", "log2n_plus_lnn"].contains(&name),
            values: &["E_rounds", "log2n_plus_lnn"],
        },
        network::rumour,
    )
    .computing(&["log2n_plus_lnn"]),
    measured(
        Machinery::Network,
        OracleForm {
            kind: "N3",
            params: &[
                ("n", Bound::Whole(10_000)),
                ("s", Bound::Whole(1_000_000)),
                ("h", Bound::Whole(1000)),
                ("r", Bound::Whole(1_000_000_000)),
                ("d", Bound::Amount),
            ],
            has_value: |name| name == "T",
            values: &["T"],
        },
        network::store_and_forward,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "Q1",
            params: &[("lam", Bound::Positive), ("mu", Bound::Positive)],
            has_value: servers::is_of_servers,
            values: &["L", "T", "Wq", "Lq", "P_wait", "T_p50", "T_p95", "T_p99"],
        },
        servers::single,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "Q2",
            params: &[
                ("c", Bound::Whole(2000)),
                ("offered_erlangs", Bound::Positive),
                ("mu", Bound::Positive),
            ],
            has_value: servers::is_of_servers,
            values: &["P_wait", "Wq", "T", "Lq", "L"],
        },
        servers::pool,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "Q3",
            params: &[("c", Bound::Whole(2000)), ("offered_erlangs", Bound::Positive)],
            has_value: |name| ["P_block", "carried", "util"].contains(&name),
            values: &["P_block", "carried", "util"],
        },
        losses::erlang,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "Q4",
            params: &[
                ("C", Bound::Whole(4000)),
                ("classes", Bound::Maps(&[("a", Bound::Positive), ("b", Bound::Whole(4000))], 7)),
            ],
            has_value: losses::is_of_multi_rate,
            values: &["block_b1", "block_b4", "block_b8", "mean_used", "P_full"],
        },
        losses::multi_rate,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "Q5",
            params: &[("lam", Bound::Positive), ("ES", Bound::Positive), ("SCV", Bound::Amount)],
            has_value: servers::is_of_servers,
            values: &["Wq", "T", "Lq", "L"],
        },
        servers::general,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "Q7",
            params: &[("lam", Bound::Positive), ("ES", Bound::Positive)],
            has_value: losses::is_of_endless,
            values: &["mean", "var", "P_N_gt_40"],
        },
        losses::endless,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "Q8",
            params: &[("lam", Bound::Share)],
            has_value: supermarket::is_of_supermarket,
            values: &["T_d1", "T_d2", "tail2_d2"],
        },
        supermarket::shortest_of_asked,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "Q12",
            params: &[("rho", Bound::Share), ("mu", Bound::Positive)],
            has_value: |name| name == "T",
            values: &["T"],
        },
        joins::fork,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "Q13",
            params: &[
                ("k", Bound::Whole(16)),
                ("d", Bound::Whole(16)),
                ("lam_per_server", Bound::Positive),
                ("mu", Bound::Positive),
            ],
            has_value: |name| name == "T",
            values: &["T"],
        },
        joins::redundancy,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "A1",
            params: &[("n", Bound::Whole(100))],
            has_value: |name| ["E_min_cost", "E_payment", "E_rent"].contains(&name),
            values: &["E_min_cost", "E_payment", "E_rent"],
        },
        auctions::reverse,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "P3",
            params: &[("n", Bound::Whole(64))],
            has_value: |name| name == "E_max",
            values: &["E_max"],
        },
        bins::fullest,
    ),
    measured(
        Machinery::World,
        OracleForm {
            kind: "P4",
            params: &[],
            has_value: |name| SCHEDULES.contains(&name),
            values: &SCHEDULES,
        },
        schedules::bounds,
    ),
];
