//! What follows from the runs of a sweep: means with their intervals, and differences with how sure they are.

use serde::Serialize;

use super::CONFIDENCE;
use super::plan::Cell;
use super::statistics::{self, Estimate, holm};
use crate::observe::format::measured;
use crate::observe::{CellResult, PlannedMetric, SweepPlan};

/// What the runs of a sweep have shown, as far as they are known.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    variants: usize,
    /// By condition and variant, then by replication: the metrics of the plan, not a number where there was nothing to
    /// measure.
    runs: Vec<Vec<Option<Vec<f64>>>>,
}

impl Measured {
    /// What came of the cells of a plan; none of one that is not finished.
    pub fn of<'a>(
        plan: &SweepPlan,
        results: impl Iterator<Item = (&'a Cell, &'a Option<CellResult>)>,
    ) -> Self {
        let runs = vec![vec![None; plan.replications as usize]; plan.conditions.len() * plan.variants.len()];
        let mut measured = Self { variants: plan.variants.len(), runs };
        results.for_each(|(cell, result)| {
            if let Some(result) = result {
                measured.add(plan, cell, result);
            }
        });
        measured
    }

    fn add(&mut self, plan: &SweepPlan, cell: &Cell, result: &CellResult) {
        let value = |metric: &PlannedMetric| result.value(&metric.metric).unwrap_or(f64::NAN);
        let values = plan.metrics.iter().map(value).collect();
        self.runs[cell.condition * self.variants + cell.variant][cell.replication as usize] = Some(values);
    }

    /// The values of a metric by replication; not a number where none is known.
    #[must_use]
    pub fn values(&self, condition: usize, variant: usize, metric: usize) -> Vec<f64> {
        let of = |run: &Option<Vec<f64>>| run.as_ref().map_or(f64::NAN, |values| values[metric]);
        self.runs[condition * self.variants + variant].iter().map(of).collect()
    }

    /// How many replications have all of their runs.
    #[must_use]
    pub fn whole_replications(&self, plan: &SweepPlan) -> u32 {
        let is_whole = |replication: &u32| {
            let wanted = |place: usize| *replication < plan.replications_of(place % self.variants);
            let mut runs = self.runs.iter().enumerate().filter(|(place, _)| wanted(*place));
            runs.all(|(_, runs)| runs[*replication as usize].is_some())
        };
        (0..plan.replications).take_while(is_whole).count() as u32
    }
}

/// What came of a variant under a condition, by one metric: a row of `summary.csv`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Summary {
    /// The condition.
    pub condition: String,
    /// The variant.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// How many runs count.
    pub runs: u32,
    /// The mean over them.
    #[serde(serialize_with = "measured::serialize")]
    pub mean: f64,
    /// Half of its 95 % interval, by Student's t.
    #[serde(serialize_with = "measured::serialize")]
    pub half_width: f64,
    /// The standard deviation of the runs.
    #[serde(serialize_with = "measured::serialize")]
    pub standard_deviation: f64,
    /// The lower end of its 95 % interval by bootstrap, whatever the law of the values is.
    #[serde(serialize_with = "measured::serialize")]
    pub bootstrap_low: f64,
    /// The upper end.
    #[serde(serialize_with = "measured::serialize")]
    pub bootstrap_high: f64,
    /// The median of the runs.
    #[serde(serialize_with = "measured::serialize")]
    pub median: f64,
    /// The lower end of its 95 % interval, by ranks; not a number where there are too few runs for one.
    #[serde(serialize_with = "measured::serialize")]
    pub median_low: f64,
    /// The upper end.
    #[serde(serialize_with = "measured::serialize")]
    pub median_high: f64,
    /// The mean difference to the baseline, replication by replication.
    #[serde(serialize_with = "measured::serialize")]
    pub difference: f64,
    /// Half of its 95 % interval.
    #[serde(serialize_with = "measured::serialize")]
    pub difference_half_width: f64,
    /// How likely a difference as large as this is where there is none, corrected for there being so many variants and
    /// conditions that are compared by this metric (Holm). Not a number for the baseline.
    #[serde(serialize_with = "measured::serialize")]
    pub p_value: f64,
}

impl Summary {
    /// The mean.
    #[must_use]
    pub const fn estimate(&self) -> Estimate {
        Estimate { value: self.mean, half_width: self.half_width }
    }

    /// Whether it differs from the baseline for certain, of all that are compared by this metric.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.p_value < 1.0 - CONFIDENCE
    }
}

/// What follows from the runs of a sweep: a row for each condition, variant and metric, in this order. Only
/// replications of the plan count.
#[must_use]
pub fn summarise(plan: &SweepPlan, measured: &Measured) -> Vec<Summary> {
    let baseline = plan.variants.iter().position(|variant| variant.name == plan.baseline).unwrap_or(0);
    let mut rows = Vec::new();
    for (condition, under) in plan.conditions.iter().enumerate() {
        for (variant, which) in plan.variants.iter().enumerate() {
            for (metric, PlannedMetric { metric: name, unit, .. }) in plan.metrics.iter().enumerate() {
                let of = |variant| {
                    let mut values = measured.values(condition, variant, metric);
                    values.truncate(plan.replications as usize);
                    values
                };
                let (own, base) = (of(variant), of(baseline));
                let mean = statistics::mean(&own, CONFIDENCE);
                let bootstrap = statistics::bootstrap(&own, CONFIDENCE);
                let median = statistics::quantile_of(&own, 0.5, CONFIDENCE);
                let differences: Vec<f64> = own.iter().zip(&base).map(|(own, base)| own - base).collect();
                let difference = statistics::mean(&differences, CONFIDENCE);
                rows.push(Summary {
                    condition: under.name.clone(),
                    variant: which.name.clone(),
                    metric: name.clone(),
                    unit: unit.clone(),
                    runs: own.iter().filter(|value| value.is_finite()).count() as u32,
                    mean: mean.value,
                    half_width: mean.half_width,
                    standard_deviation: statistics::standard_deviation(&own),
                    bootstrap_low: bootstrap.low,
                    bootstrap_high: bootstrap.high,
                    median: median.value,
                    median_low: median.low,
                    median_high: median.high,
                    difference: difference.value,
                    difference_half_width: difference.half_width,
                    p_value: if variant == baseline { f64::NAN } else { statistics::p_value(&differences) },
                });
            }
        }
    }
    for PlannedMetric { metric, .. } in &plan.metrics {
        let of_metric = || rows.iter().filter(|row| row.metric == *metric);
        let corrected = holm(&of_metric().map(|row| row.p_value).collect::<Vec<_>>());
        let own = rows.iter_mut().filter(|row| row.metric == *metric);
        own.zip(corrected).for_each(|(row, p_value)| row.p_value = p_value);
    }
    rows
}
