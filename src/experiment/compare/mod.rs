//! Whether something has become better or worse: two runs, two sweeps, or either against a stored baseline.
//!
//! Runs of the same seeds met the same world, so their differences are taken pair by pair; otherwise the samples are
//! compared as they are (docs/statistics.md, "Verdicts").

mod side;

use indexmap::{IndexMap, IndexSet};
use serde::Serialize;

use super::CONFIDENCE;
use super::statistics::{Difference, average, holm};
use crate::observe::Better;

pub use side::{BASELINE_SCHEMA, Group, Side, SideError, SideMetric};

/// How large a difference may be that counts as none.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Tolerance {
    /// A part of what the first has shown.
    Relative(f64),
    /// In the unit of the metric.
    Absolute(f64),
}

impl Tolerance {
    /// In the unit of the metric, where the first has shown this.
    fn limit(self, first: f64) -> f64 {
        match self {
            Self::Relative(part) => part * first.abs(),
            Self::Absolute(limit) => limit,
        }
    }
}

/// What is asked of a comparison.
#[derive(Clone, PartialEq, Debug)]
pub struct Rules {
    /// Where nothing else is said.
    pub tolerance: Tolerance,
    /// By metric.
    pub tolerances: IndexMap<String, Tolerance>,
    /// These metrics only; empty = all that both have.
    pub metrics: Vec<String>,
    /// Which of two values is the better one, where it is not that of the study or the catalogue.
    pub better: IndexMap<String, Better>,
}

/// What is to be said of a metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Better by more than the tolerance, for certain.
    Better,
    /// Worse by more than the tolerance, for certain.
    Worse,
    /// Different by more than the tolerance, where nobody says which is better.
    Different,
    /// Within the tolerance, for certain.
    Same,
    /// Too few runs to say.
    Unclear,
    /// The first has measured it, and the second has not.
    Missing,
}

impl Verdict {
    /// A word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Different => "different",
            Self::Same => "same",
            Self::Unclear => "unclear",
            Self::Missing => "missing",
        }
    }

    /// Whether it is a reason to hold something back.
    #[must_use]
    pub const fn is_regression(self) -> bool {
        matches!(self, Self::Worse | Self::Missing)
    }
}

/// A metric of a group, of both.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// The group: `redeploy under storm`, or `redeploy` where there is one condition; empty for runs.
    pub group: String,
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// Which of two values is the better one.
    pub better: Option<Better>,
    /// What the first has shown, on the average of those that are compared.
    pub first: Option<f64>,
    /// What the second has shown.
    pub second: Option<f64>,
    /// The second less the first.
    pub difference: Option<f64>,
    /// Half of its 95 % interval; none where there are too few runs for one.
    pub half_width: Option<f64>,
    /// How many runs of each are compared.
    pub runs: (usize, usize),
    /// Whether they are pairs that met the same world.
    pub paired: bool,
    /// How large a difference counts as none, in the unit of the metric.
    pub tolerance: f64,
    /// How likely such a difference beyond the tolerance is by chance, corrected for all that are compared (Holm).
    pub p_value: Option<f64>,
    /// What follows.
    pub verdict: Verdict,
}

/// Two sides compared.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Comparison {
    /// Metric by metric, group by group.
    pub rows: Vec<Row>,
    /// Groups of the first that the second does not have.
    pub lost_groups: Vec<String>,
    /// Expectations that did not hold, or cells that failed, of the first and the second.
    pub failures: (u64, u64),
}

impl Comparison {
    /// Whether the second is worse by anything that was looked at.
    #[must_use]
    pub fn has_regression(&self) -> bool {
        self.failures.1 > self.failures.0
            || !self.lost_groups.is_empty()
            || self.rows.iter().any(|row| row.verdict.is_regression())
    }

    /// Whether of something too little is known to say whether it is worse.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        self.rows.iter().any(|row| row.verdict == Verdict::Unclear)
    }
}

/// Compares what two have shown.
#[must_use]
pub fn compare(first: &Side, second: &Side, rules: &Rules) -> Comparison {
    let mut rows = Vec::new();
    let mut samples = Vec::new();
    let mut lost_groups = Vec::new();
    let conditions = first.groups.iter().map(|group| &group.condition).collect::<IndexSet<_>>().len();
    for group in &first.groups {
        let name = match (&*group.condition, conditions) {
            ("", _) | (_, 1) => group.variant.clone(),
            (condition, _) => format!("{} under {condition}", group.variant),
        };
        let Some(other) = second.groups.iter().find(|other| other.key() == group.key()) else {
            lost_groups.push(name);
            continue;
        };
        for (place, metric) in first.metrics.iter().enumerate() {
            if !rules.metrics.is_empty() && !rules.metrics.contains(&metric.metric) {
                continue;
            }
            let there = second.metrics.iter().position(|one| one.metric == metric.metric);
            let theirs = there.map_or_else(Vec::new, |there| other.values[there].clone());
            let sample = Sample::of((&group.seeds, &group.values[place]), (&other.seeds, &theirs));
            if let Some(row) = sample.row(&name, metric, rules) {
                rows.push(row);
                samples.push(sample);
            }
        }
    }
    judge(&mut rows, &samples);
    let failures = |side: &Side| side.groups.iter().map(|group| group.failures).sum();
    Comparison { rows, lost_groups, failures: (failures(first), failures(second)) }
}

/// The values of a metric that are compared.
struct Sample {
    first: Vec<f64>,
    second: Vec<f64>,
    paired: bool,
}

impl Sample {
    /// Of pairs, where some seeds are those of both; of all otherwise.
    fn of(first: (&[u64], &[Option<f64>]), second: (&[u64], &[Option<f64>])) -> Self {
        let known = |(seeds, values): (&[u64], &[Option<f64>])| -> IndexMap<u64, f64> {
            seeds.iter().zip(values).filter_map(|(seed, value)| Some((*seed, (*value)?))).collect()
        };
        let (one, other) = (known(first), known(second));
        let common: Vec<(f64, f64)> =
            one.iter().filter_map(|(seed, value)| Some((*value, *other.get(seed)?))).collect();
        if common.is_empty() {
            let all = |values: IndexMap<u64, f64>| values.into_values().collect();
            return Self { first: all(one), second: all(other), paired: false };
        }
        let (first, second) = common.into_iter().unzip();
        Self { first, second, paired: true }
    }

    fn difference(&self) -> Difference {
        match self.paired {
            true => Difference::of_pairs(&self.first, &self.second),
            false => Difference::of_samples(&self.first, &self.second),
        }
    }

    /// What is known before it is judged; none where the first has nothing to compare with.
    fn row(&self, group: &str, metric: &SideMetric, rules: &Rules) -> Option<Row> {
        let number = |value: f64| Some(value).filter(|value| value.is_finite());
        let (first, second) = (number(average(&self.first))?, number(average(&self.second)));
        let tolerance = rules.tolerances.get(&metric.metric).copied().unwrap_or(rules.tolerance);
        let estimate = self.difference().estimate(CONFIDENCE);
        Some(Row {
            group: group.to_owned(),
            metric: metric.metric.clone(),
            unit: metric.unit.clone(),
            better: rules.better.get(&metric.metric).copied().or(metric.better),
            first: Some(first),
            second,
            difference: number(estimate.value),
            half_width: number(estimate.half_width),
            runs: (self.first.len(), self.second.len()),
            paired: self.paired,
            tolerance: tolerance.limit(first),
            p_value: None,
            verdict: Verdict::Missing,
        })
    }
}

/// Decides, with what is certain of each corrected for how many there are.
fn judge(rows: &mut [Row], samples: &[Sample]) {
    let p_value = |(row, sample): (&Row, &Sample)| {
        let difference = sample.difference();
        let mirrored = Difference { value: -difference.value, ..difference };
        let (above, below) = (difference.chance_above(row.tolerance), mirrored.chance_above(row.tolerance));
        // The smaller of two numbers would be the one that is a number.
        if above.is_nan() { f64::NAN } else { (2.0 * above.min(below)).min(1.0) }
    };
    let corrected = holm(&rows.iter().zip(samples).map(p_value).collect::<Vec<_>>());
    for (row, p_value) in rows.iter_mut().zip(corrected) {
        let Some(difference) = row.difference else { continue };
        row.p_value = Some(p_value).filter(|value| value.is_finite());
        let beyond = match row.p_value {
            Some(p_value) => p_value < 1.0 - CONFIDENCE,
            // A single run of each: what it shows is all that is known.
            None => difference.abs() > row.tolerance,
        };
        let within = difference.abs() + row.half_width.unwrap_or(0.0) <= row.tolerance;
        row.verdict = match (beyond, row.better) {
            (true, None) => Verdict::Different,
            (true, Some(better)) if (difference > 0.0) == (better == Better::Higher) => Verdict::Better,
            (true, Some(_)) => Verdict::Worse,
            (false, _) if within => Verdict::Same,
            (false, _) => Verdict::Unclear,
        };
    }
}

#[cfg(test)]
mod tests;
