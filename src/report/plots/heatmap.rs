//! The mean of a metric of a sweep over two of its parameters.

use indexmap::IndexSet;

use super::Plot;
use super::source::{Source, Sweep, column, with_unit};
use crate::report::chart::MatrixChart;

/// Values of a parameter that are drawn.
const MOST: usize = 24;

pub(super) fn heatmap(source: &Source<'_>) -> Result<Plot, String> {
    let sweep = source.sweep()?;
    let place = sweep.metric(source.choice)?;
    let (across, down) = keys(sweep, source.choice.by.as_deref())?;
    let (columns, rows) = (values_of(sweep, &across), values_of(sweep, &down));
    if columns.len() > MOST || rows.len() > MOST {
        return Err(format!(
            "`{across}` has {} values and `{down}` {}: a heat map shows at most {MOST} of each; name others by `--by`",
            columns.len(),
            rows.len()
        ));
    }
    let mut sums = vec![vec![(0.0, 0.0); columns.len()]; rows.len()];
    for cell in sweep.cells.iter().filter(|cell| cell.values[place].is_finite()) {
        let (column, row) = (sweep.group(cell, &across), sweep.group(cell, &down));
        let found =
            (rows.iter().position(|name| *name == row), columns.iter().position(|name| *name == column));
        if let (Some(row), Some(column)) = found {
            let (sum, count) = &mut sums[row][column];
            (*sum, *count) = (*sum + cell.values[place], *count + 1.0);
        }
    }
    // Without values a mean is no number, and the cell is hatched.
    let means = sums.iter().map(|row| row.iter().map(|(sum, count)| sum / count).collect());
    let (metric, unit) = &sweep.metrics[place];
    let unit_text = if unit == "fraction" { "share" } else { unit };
    let chart = MatrixChart {
        title: format!("Mean of {}", with_unit(metric, unit)),
        axes: (across.clone(), down.clone()),
        cells: means.collect(),
        names: (columns, rows),
        value: unit_text.to_owned(),
    };
    let caption = format!(
        "Mean of {metric} over the runs of {} for each pair of {across} and {down}; hatched: nothing was measured.",
        sweep.name
    );
    let data = chart.table(&column(&across, ""), &column(&down, ""), &column(metric, unit));
    Ok(Plot { name: "heatmap", caption, left_out: None, svg: chart.svg(), data })
}

/// What is across and what is down: what is asked for, the first two parameters that vary, or variants and conditions.
fn keys(sweep: &Sweep, asked: Option<&str>) -> Result<(String, String), String> {
    let known = sweep.keys();
    if let Some(asked) = asked {
        let names: Vec<&str> = asked.split(',').map(str::trim).collect();
        let [across, down] = names[..] else {
            return Err(format!(
                "a heat map needs two parameters, as in `--by A,B`: there are {}",
                known.join(", ")
            ));
        };
        let unknown = [across, down].into_iter().find(|name| !known.iter().any(|known| known == name));
        return match unknown {
            Some(name) => Err(format!("a sweep can be grouped by {}, and not by `{name}`", known.join(", "))),
            None => Ok((across.to_owned(), down.to_owned())),
        };
    }
    let varies = |key: &&String| values_of(sweep, key).len() > 1;
    let mut paths = known.iter().skip(3).filter(varies);
    if let (Some(across), Some(down)) = (paths.next(), paths.next()) {
        return Ok((across.clone(), down.clone()));
    }
    if sweep.conditions.len() > 1 && sweep.variants.len() > 1 {
        return Ok(("condition".to_owned(), "variant".to_owned()));
    }
    Err(format!(
        "{} has no two parameters that vary: give its study a grid of two, or several variants and conditions",
        sweep.name
    ))
}

/// The values of a parameter: in the order of numbers where all are numbers, in that of the plan otherwise.
fn values_of(sweep: &Sweep, key: &str) -> Vec<String> {
    let found: IndexSet<String> = sweep.cells.iter().map(|cell| sweep.group(cell, key)).collect();
    let mut values: Vec<String> = found.into_iter().collect();
    let number = |text: &String| {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        digits.parse::<f64>().ok()
    };
    let same_unit = |text: &String| {
        text.trim_start_matches(|c: char| c.is_ascii_digit() || ".-+e".contains(c)).to_owned()
    };
    let units: IndexSet<String> = values.iter().map(same_unit).collect();
    if units.len() == 1 && values.iter().all(|value| number(value).is_some()) {
        values.sort_by(|a, b| number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0)));
    }
    values
}
