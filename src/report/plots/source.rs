//! What plots are made from: the tables of runs, or what a sweep has shown.

use indexmap::{IndexMap, IndexSet};

use crate::report::tables::Tables;

/// A run with the name that legends give it.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// Its name.
    pub name: String,
    /// What it has recorded.
    pub tables: &'a Tables,
}

/// What a sweep has shown, cell by cell.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sweep {
    /// The name of the study.
    pub name: String,
    /// The variants, in the order of the plan.
    pub variants: Vec<String>,
    /// The conditions, in the order of the plan.
    pub conditions: Vec<String>,
    /// The variant to which the others are compared.
    pub baseline: String,
    /// The metrics with their units, in the order of the plan.
    pub metrics: Vec<(String, String)>,
    /// All cells.
    pub cells: Vec<SweepCell>,
    /// What the pairs of each variant and the baseline differ by.
    pub differences: Vec<PairedDifference>,
}

/// A cell of a sweep.
#[derive(Clone, PartialEq, Debug)]
pub struct SweepCell {
    /// Its variant.
    pub variant: String,
    /// Its condition.
    pub condition: String,
    /// Its place in the grid: paths of the scenario with their values.
    pub parameters: IndexMap<String, String>,
    /// By metric; not a number where there was nothing to measure.
    pub values: Vec<f64>,
}

/// By how much a variant differs from the baseline, replication by replication.
#[derive(Clone, PartialEq, Debug)]
pub struct PairedDifference {
    /// The metric.
    pub metric: String,
    /// The variant.
    pub variant: String,
    /// The condition.
    pub condition: String,
    /// The mean difference, in the unit of the metric.
    pub difference: f64,
    /// Half of its 95 % interval; not a number without one.
    pub half_width: f64,
    /// How likely it is by chance, corrected for all that are compared; not a number where nobody knows.
    pub p_value: f64,
}

/// What the reader asks for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Choice {
    /// A series, a span or a metric of a sweep.
    pub metric: Option<String>,
    /// What makes groups; two of them, with a comma, for a heat map.
    pub by: Option<String>,
    /// A deployment.
    pub deployment: Option<u32>,
}

/// All that a plot is made from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The runs.
    pub runs: &'a [Run<'a>],
    /// The sweep, where it is one.
    pub sweep: Option<&'a Sweep>,
    /// What is asked for.
    pub choice: &'a Choice,
}

impl<'a> Source<'a> {
    /// The sweep, or that it is none.
    pub(super) fn sweep(&self) -> Result<&'a Sweep, String> {
        self.sweep.ok_or_else(|| {
            "it shows a finished sweep, and this is a run: `dmsim study FILE` makes one".to_owned()
        })
    }

    /// The first run, or that there is none.
    pub(super) fn run(&self) -> Result<&'a Run<'a>, String> {
        self.runs
            .first()
            .ok_or_else(|| "it shows runs, and this is a sweep: name the folder of a run".to_owned())
    }
}

impl Sweep {
    /// The place of the metric that is asked for, or of the first.
    pub(super) fn metric(&self, choice: &Choice) -> Result<usize, String> {
        let names = || self.metrics.iter().map(|(name, _)| &**name);
        let Some(asked) = &choice.metric else { return Ok(0) };
        names().position(|name| name == asked).ok_or_else(|| {
            format!(
                "`{asked}` is not measured in {}: it has {}",
                self.name,
                names().collect::<Vec<_>>().join(", ")
            )
        })
    }

    /// What cells can be grouped by: `setup`, `variant`, `condition`, and the paths of the grid.
    pub(super) fn keys(&self) -> Vec<String> {
        let paths: IndexSet<&String> = self.cells.iter().flat_map(|cell| cell.parameters.keys()).collect();
        ["setup", "variant", "condition"]
            .into_iter()
            .map(str::to_owned)
            .chain(paths.into_iter().cloned())
            .collect()
    }

    /// The group of a cell by one of these.
    pub(super) fn group(&self, cell: &SweepCell, key: &str) -> String {
        match key {
            "setup" if self.conditions.len() > 1 => format!("{} under {}", cell.variant, cell.condition),
            "setup" | "variant" => cell.variant.clone(),
            "condition" => cell.condition.clone(),
            path => cell.parameters.get(path).cloned().unwrap_or_default(),
        }
    }
}

/// A metric with its unit, as an axis names it.
pub(super) fn with_unit(metric: &str, unit: &str) -> String {
    match unit {
        "" | "fraction" | "s" | "ratio" => metric.to_owned(),
        unit => format!("{metric} ({unit})"),
    }
}

/// A metric as the name of a column, with its unit.
pub(super) fn column(metric: &str, unit: &str) -> String {
    let clean = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
    };
    match unit {
        "" | "ratio" => clean(metric),
        "B" => format!("{}_bytes", clean(metric)),
        unit => format!("{}_{}", clean(metric), clean(unit)),
    }
}
