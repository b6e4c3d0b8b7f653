//! The page of a sweep: what was compared and how it came out, with its plots, the runs that failed, and every cell.

use std::fmt::Write as _;

use minijinja::value::Serde;
use serde::Serialize;

use super::ReportError;
use super::chart::{grouped, printable};
use super::page::{Picture, SCRIPT_OF_TABLES, STYLE, environment};
use super::plots::Plot;
use crate::observe::sweep::Field;
use crate::observe::{Arm, Better, FailureRow, SweepFolder, SweepPlan, Table};

/// Rows of the table of cells: more make a page slow, and the file has them all.
const MOST_CELLS: usize = 3000;
/// From which chance on a difference counts as shown.
const SIGNIFICANCE: f64 = 0.05;

const TEMPLATE: &str = include_str!("page/sweep.html");

/// How a variant came out under a condition by one metric: a row of `summary.csv`.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// The condition.
    pub condition: String,
    /// The variant.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// How many runs count.
    pub runs: u32,
    /// The mean over them; not a number without any.
    pub mean: f64,
    /// Half of its 95 % interval; not a number without one.
    pub half_width: f64,
    /// The mean difference to the baseline, run by run; not a number for the baseline.
    pub difference: f64,
    /// Half of its 95 % interval.
    pub difference_half_width: f64,
    /// How likely it is by chance, corrected for all that are compared; not a number for the baseline.
    pub p_value: f64,
}

/// All that the page shows.
#[derive(Clone, Copy, Debug)]
pub struct Sweep<'a> {
    /// What was run.
    pub plan: &'a SweepPlan,
    /// What it says in a paragraph.
    pub paragraph: &'a str,
    /// What came out.
    pub lines: &'a [Line],
    /// `cells.csv`.
    pub cells: &'a Table<'a>,
    /// What failed.
    pub failures: &'a [FailureRow<'a>],
    /// The plots, the most important first.
    pub plots: &'a [Plot],
}

/// How sure it is that something is better or worse than the baseline.
#[derive(Serialize)]
struct Verdict {
    text: &'static str,
    tone: &'static str,
}

#[derive(Serialize)]
struct Row {
    variant: String,
    metric: String,
    runs: u32,
    mean: String,
    /// What it is sorted by; missing values after all others.
    mean_key: String,
    difference: String,
    difference_key: String,
    p_value: String,
    p_key: String,
    verdict: Verdict,
}

#[derive(Serialize)]
struct Condition {
    name: String,
    set: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Variant {
    name: String,
    set: Vec<String>,
    is_baseline: bool,
    better: usize,
    worse: usize,
}

#[derive(Serialize)]
struct Failure {
    cell: String,
    kind: &'static str,
    error: String,
    replay: String,
}

#[derive(Serialize)]
struct CellRow {
    link: String,
    fields: Vec<CellField>,
}

#[derive(Serialize)]
struct CellField {
    text: String,
    is_number: bool,
}

#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    script: String,
    name: String,
    program: String,
    seed: String,
    replications: u32,
    baseline: String,
    paragraph: String,
    cells_total: String,
    shown: usize,
    failed: usize,
    variants: Vec<Variant>,
    conditions: Vec<Condition>,
    plots: Vec<Picture<'a>>,
    failures: Vec<Failure>,
    header: Vec<String>,
    cells: Vec<CellRow>,
}

/// Makes the page. Links to cells lead into the folder of the sweep, beside the page.
///
/// # Errors
/// [`ReportError::Template`] if the template is faulty.
pub fn html(sweep: &Sweep<'_>) -> Result<String, ReportError> {
    let Sweep { plan, paragraph, lines, cells, failures, plots } = *sweep;
    let page = Page {
        style: STYLE,
        script: SCRIPT_OF_TABLES.concat(),
        name: printable(&plan.name),
        program: printable(&plan.program),
        seed: plan.seed.to_string(),
        replications: plan.replications,
        baseline: printable(&plan.baseline),
        paragraph: printable(paragraph),
        cells_total: grouped(cells.rows.len() as f64),
        shown: cells.rows.len().min(MOST_CELLS),
        failed: failures.len(),
        variants: variants(plan, lines),
        conditions: conditions(plan, lines),
        plots: plots.iter().map(Picture::from).collect(),
        failures: failures.iter().map(failure).collect(),
        header: cells.header.iter().map(|name| printable(name)).collect(),
        cells: cell_rows(cells, failures),
    };
    let fault = |error: minijinja::Error| ReportError::Template(format!("{error:#}"));
    let mut environment = environment();
    environment.add_template("sweep.html", TEMPLATE).map_err(fault)?;
    environment.get_template("sweep.html").and_then(|template| template.render(Serde(&page))).map_err(fault)
}

fn variants(plan: &SweepPlan, lines: &[Line]) -> Vec<Variant> {
    let variant = |arm: &Arm| {
        let tone = |wanted: &str| {
            let own = lines.iter().filter(|line| line.variant == arm.name);
            own.filter(|line| verdict(plan, line).tone == wanted).count()
        };
        Variant {
            name: printable(&arm.name),
            set: arm.set.iter().map(|one| printable(one)).collect(),
            is_baseline: arm.name == plan.baseline,
            better: tone("good"),
            worse: tone("bad"),
        }
    };
    plan.variants.iter().map(variant).collect()
}

fn conditions(plan: &SweepPlan, lines: &[Line]) -> Vec<Condition> {
    let condition = |arm: &Arm| Condition {
        name: printable(&arm.name),
        set: arm.set.iter().map(|one| printable(one)).collect(),
        rows: lines.iter().filter(|line| line.condition == arm.name).map(|line| row(plan, line)).collect(),
    };
    plan.conditions.iter().map(condition).collect()
}

fn row(plan: &SweepPlan, line: &Line) -> Row {
    let unit = plan.metrics.iter().find(|metric| metric.metric == line.metric).map_or("", |one| &*one.unit);
    let difference = match line.difference.is_nan() || line.variant == plan.baseline {
        true => String::new(),
        false => interval(line.difference, line.difference_half_width, unit, true),
    };
    let key = |number: f64| if number.is_nan() { "1e300".to_owned() } else { number.to_string() };
    Row {
        mean_key: key(line.mean),
        difference_key: key(line.difference),
        p_key: key(line.p_value),
        variant: printable(&line.variant),
        metric: printable(&line.metric),
        runs: line.runs,
        mean: interval(line.mean, line.half_width, unit, false),
        difference,
        p_value: match line.p_value {
            p if p.is_nan() => String::new(),
            p if p < 0.001 => "< 0.001".to_owned(),
            p => format!("{p:.3}"),
        },
        verdict: verdict(plan, line),
    }
}

fn verdict(plan: &SweepPlan, line: &Line) -> Verdict {
    let better = plan.metrics.iter().find(|metric| metric.metric == line.metric).map(|one| one.better);
    let (text, tone) = match better {
        _ if line.variant == plan.baseline => ("baseline", ""),
        _ if line.p_value.is_nan() => ("", ""),
        _ if line.p_value >= SIGNIFICANCE => ("no difference shown", ""),
        Some(Better::Higher) if line.difference > 0.0 => ("better", "good"),
        Some(Better::Lower) if line.difference < 0.0 => ("better", "good"),
        Some(Better::Higher | Better::Lower) => ("worse", "bad"),
        None => ("different", ""),
    };
    Verdict { text, tone }
}

/// A number with half of its interval: `12.30 ± 0.40 s`, as many digits as the interval tells apart.
fn interval(value: f64, half_width: f64, unit: &str, signed: bool) -> String {
    if value.is_nan() {
        return "nothing measured".to_owned();
    }
    // All runs say the same.
    if half_width == 0.0 && value == 0.0 {
        return "0".to_owned();
    }
    let (factor, unit) = if unit == "fraction" { (100.0, "%") } else { (1.0, unit) };
    let (value, half_width) = (value * factor, half_width * factor);
    let finest = if half_width > 0.0 { half_width } else { value.abs().max(1e-9) / 1000.0 };
    let decimals = (1.0 - libm::floor(libm::log10(finest))).clamp(0.0, 6.0) as usize;
    let mut text = if signed { format!("{value:+.decimals$}") } else { format!("{value:.decimals$}") };
    if half_width.is_finite() {
        let _ = write!(text, " ± {half_width:.decimals$}");
    }
    if !unit.is_empty() {
        let _ = write!(text, " {unit}");
    }
    text
}

fn failure(row: &FailureRow<'_>) -> Failure {
    let FailureRow { condition, variant, replication, .. } = row;
    Failure {
        cell: printable(&format!("{variant} under {condition}, replication {replication}")),
        kind: row.kind,
        error: printable(row.error),
        replay: printable(&row.replay),
    }
}

/// The cells, those that failed first where there are too many.
fn cell_rows(cells: &Table<'_>, failures: &[FailureRow<'_>]) -> Vec<CellRow> {
    let id_at = cells.header.iter().position(|name| name == "id");
    let id_of = |row: &[Field<'_>]| id_at.map_or_else(String::new, |at| row[at].to_string());
    let failed = |id: &str| failures.iter().any(|row| row.id == id);
    let mut rows: Vec<_> = cells.rows.iter().map(|row| (id_of(row), row)).collect();
    if rows.len() > MOST_CELLS {
        rows.sort_by_key(|(id, _)| !failed(id));
        rows.truncate(MOST_CELLS);
    }
    let row = |(id, row): (String, &Vec<Field<'_>>)| CellRow {
        link: SweepFolder::file_of(&id),
        fields: row
            .iter()
            .map(|field| CellField {
                text: printable(&field.to_string()),
                is_number: !matches!(field, Field::Text(_)),
            })
            .collect(),
    };
    rows.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::interval;

    #[test]
    fn intervals_have_the_digits_that_they_tell_apart() {
        assert_eq!(interval(12.345, 0.4, "s", false), "12.35 ± 0.40 s");
        assert_eq!(interval(0.98765, 0.001, "fraction", false), "98.77 ± 0.10 %");
        assert_eq!(interval(-3.0, 12.0, "messages", true), "-3 ± 12 messages");
        assert_eq!(interval(5.0, f64::NAN, "", false), "5.0000");
        assert_eq!(interval(0.0, 0.0, "s", true), "0");
        assert_eq!(interval(f64::NAN, 1.0, "s", false), "nothing measured");
    }
}
