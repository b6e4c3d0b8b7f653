//! What a study asks for, spelled out: its scenario in all variants under all conditions, and every run.
//!
//! Replication `n` has the same seed for every variant under every condition. Every draw of a run comes from a stream
//! of its own, so the runs of a replication meet the same machines, failures and requests, and the difference of two
//! variants is taken replication by replication: what they have in common cancels out.

use indexmap::IndexMap;

use super::CONFIDENCE;
use super::statistics::Stopping;
use super::summary::Measured;
use crate::kernel::{Domain, Streams};
use crate::observe::{
    self, Arm, Better, CellRow, PlannedEnd, PlannedMetric, PlannedSetup, SWEEP_SCHEMA, SeriesName, SweepPlan,
    sha256_hex,
};
use crate::scenario::study::{Beginning, Study, Until, Variant, Wanted};
use crate::scenario::{Loaded, Report};

/// The seeds of replications.
const SEED: Domain = Domain::new("experiment.study.seed");

/// The scenario of a study cannot be used with the overrides of this variant under this condition.
#[derive(Debug, thiserror::Error)]
#[error("`{variant}` under `{condition}`:\n{}", report.render(false))]
pub struct PlanError {
    /// Which variant.
    pub variant: String,
    /// Under which condition.
    pub condition: String,
    /// What is wrong.
    pub report: Box<Report>,
}

/// A study that can be run.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What is run.
    pub plan: SweepPlan,
    /// The scenarios by the numbers of their folders.
    pub setups: Vec<Loaded>,
}

/// A run of a sweep.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cell {
    /// Its place among all of them.
    pub index: u64,
    /// What names its result: all that goes in.
    pub id: String,
    /// The number of its scenario's folder.
    pub setup: usize,
    /// The place of its condition.
    pub condition: usize,
    /// The place of its variant.
    pub variant: usize,
    /// Its replication, from 0.
    pub replication: u32,
    /// Its seed.
    pub seed: u64,
}

impl Planned {
    /// Loads the scenario of a study in all of its variants.
    ///
    /// # Errors
    /// [`PlanError`], by the first that cannot be used.
    pub fn of(study: &Study) -> Result<Self, PlanError> {
        let names = observe::metric_names();
        let metrics: Vec<PlannedMetric> = study.metrics.iter().map(metric).collect();
        let mut plan = SweepPlan {
            schema: SWEEP_SCHEMA,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            name: study.name.clone(),
            seed: study.seed,
            replications: study.replications,
            until: study.until.map(|until| end(&until, &metrics)),
            warm_up_s: match study.warm_up {
                Beginning::For(span) => Some(span.as_secs_f64()),
                Beginning::Found => None,
            },
            conditions: study.conditions.iter().map(arm).collect(),
            variants: study.variants.iter().map(arm).collect(),
            baseline: study.variants[study.baseline].name.clone(),
            metrics,
            setups: Vec::new(),
            cells: 0,
        };
        let mut setups: IndexMap<String, Loaded> = IndexMap::new();
        for condition in 0..study.conditions.len() {
            for variant in 0..study.variants.len() {
                let loaded = study.load(condition, variant, &names).map_err(|report| PlanError {
                    variant: study.variants[variant].name.clone(),
                    condition: study.conditions[condition].name.clone(),
                    report: Box::new(report),
                })?;
                let sha256 = fingerprint(&plan, &loaded);
                let entry = setups.entry(sha256.clone());
                plan.setups.push(PlannedSetup { folder: entry.index(), sha256 });
                entry.or_insert(loaded);
            }
        }
        plan.cells = cells(&plan).len() as u64;
        Ok(Self { plan, setups: setups.into_values().collect() })
    }
}

fn end(until: &Until, metrics: &[PlannedMetric]) -> PlannedEnd {
    let metric = metrics[until.metric].metric.clone();
    PlannedEnd { metric, half_width: until.relative, at_least: until.at_least }
}

fn arm(variant: &Variant) -> Arm {
    let Variant { name, set, parameters, replications } = variant.clone();
    Arm { name, set, parameters: parameters.into_iter().collect(), replications }
}

fn metric(wanted: &Wanted) -> PlannedMetric {
    let unit = observe::metric(&wanted.metric).map_or("", |metric| metric.unit);
    PlannedMetric {
        metric: wanted.metric.clone(),
        unit: unit.to_owned(),
        better: if wanted.higher { Better::Higher } else { Better::Lower },
        series: wanted.series.clone().map(|(metric, labels)| SeriesName { metric, labels }),
    }
}

/// SHA-256 of all that a run reads, but for its seed, and of what is measured.
pub(super) fn fingerprint(plan: &SweepPlan, loaded: &Loaded) -> String {
    let mut all = format!("{}\n{:?}\n{:?}\n{}", plan.program, plan.metrics, plan.warm_up_s, loaded.resolved);
    for (name, text) in loaded.copies() {
        all += &format!("\n{name} {}", sha256_hex(text.as_bytes()));
    }
    for file in &loaded.job_traces {
        all += &format!("\n{} {}", file.copy, file.sha256);
    }
    sha256_hex(all.as_bytes())
}

/// The seed of a replication.
#[must_use]
pub fn seed_of(plan: &SweepPlan, replication: u32) -> u64 {
    Streams::new(plan.seed).owned(SEED, u64::from(replication)).next_u64()
}

/// Every cell, those of a replication together, so that an interrupted sweep has whole replications. Where it ends by
/// itself these are all that there may be.
#[must_use]
pub fn cells(plan: &SweepPlan) -> Vec<Cell> {
    let mut cells = Vec::new();
    for replication in 0..plan.replications {
        let seed = seed_of(plan, replication);
        for condition in 0..plan.conditions.len() {
            for variant in 0..plan.variants.len() {
                if replication >= plan.replications_of(variant) {
                    continue;
                }
                let PlannedSetup { folder, sha256 } = plan.setup_of(condition, variant);
                let mut id = sha256_hex(format!("{sha256} {seed}").as_bytes());
                id.truncate(32);
                let (index, setup) = (cells.len() as u64, *folder);
                cells.push(Cell { index, id, setup, condition, variant, replication, seed });
            }
        }
    }
    cells
}

/// A cell with the names of its plan.
#[must_use]
pub fn row_of<'a>(plan: &'a SweepPlan, cell: &'a Cell) -> CellRow<'a> {
    CellRow {
        index: cell.index,
        id: &cell.id,
        setup: cell.setup,
        condition: &plan.conditions[cell.condition].name,
        variant: &plan.variants[cell.variant].name,
        replication: cell.replication,
        seed: cell.seed,
    }
}

/// How many replications count, of a sweep of which all of this is known: those with which it would have ended by
/// itself, in whichever order and on however many machines they were made.
///
/// # Errors
/// So many replications there are to be before it is seen whether these are enough.
pub fn counting(plan: &SweepPlan, measured: &Measured) -> Result<u32, u32> {
    let whole = measured.whole_replications(plan);
    let mut count = 0;
    loop {
        match next(plan, measured, count) {
            None => return Ok(count),
            Some(more) if more <= whole => count = more,
            Some(more) => return Err(more),
        }
    }
}

/// How many replications there are to be after the first `count` before it is seen whether these are enough; none when
/// the first `count` are.
fn next(plan: &SweepPlan, measured: &Measured, count: u32) -> Option<u32> {
    let place = |until: &PlannedEnd| plan.metrics.iter().position(|metric| metric.metric == until.metric);
    let Some((until, metric)) = plan.until.as_ref().and_then(|until| Some((until, place(until)?))) else {
        return (count < plan.replications).then_some(plan.replications);
    };
    let rule = Stopping {
        relative: until.half_width,
        confidence: CONFIDENCE,
        at_least: until.at_least,
        at_most: plan.replications,
    };
    let is_over = |condition, variant| {
        let values = measured.values(condition, variant, metric);
        rule.is_over(&values[..values.len().min(count as usize)])
    };
    // Those that have fewer of their own are not waited for.
    let compared = |variant: &usize| plan.variants[*variant].replications.is_none();
    let all = (0..plan.conditions.len()).all(|condition| {
        (0..plan.variants.len()).filter(compared).all(|variant| is_over(condition, variant))
    });
    (count < rule.at_most && !all).then(|| rule.next(count))
}
