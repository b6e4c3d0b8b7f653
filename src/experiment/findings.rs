//! What a study has found, in words: a table for each condition, and a paragraph.

use std::fmt::Write as _;

use super::statistics::Estimate;
use super::summary::Summary;
use crate::observe::{Better, PlannedMetric, SweepPlan};

/// The findings as Markdown.
#[must_use]
pub fn findings(plan: &SweepPlan, rows: &[Summary]) -> String {
    let mut text = format!("# {}\n\n", plan.name);
    text.push_str(&paragraph(plan, rows));
    for condition in &plan.conditions {
        let _ = write!(text, "\n## {}\n\n| |", condition.name);
        for PlannedMetric { metric, .. } in &plan.metrics {
            let _ = write!(text, " {metric} |");
        }
        let _ = writeln!(text, "\n| --- |{}", " --- |".repeat(plan.metrics.len()));
        for variant in &plan.variants {
            let _ = write!(text, "| {} |", variant.name);
            for PlannedMetric { metric, .. } in &plan.metrics {
                let row = find(rows, &condition.name, &variant.name, metric);
                let cell = row.map_or_else(|| "-".to_owned(), |row| shown(row.estimate(), &row.unit));
                let _ = write!(text, " {cell} |");
            }
            text.push('\n');
        }
    }
    text
}

/// The findings as prose: how it was compared, and for each condition which variant did best and worst by each metric,
/// and which did better than the baseline for certain.
#[must_use]
pub fn paragraph(plan: &SweepPlan, rows: &[Summary]) -> String {
    let baseline = &plan.baseline;
    let fewer = (0..plan.variants.len()).filter(|place| plan.replications_of(*place) < plan.replications);
    let fewer: Vec<String> = fewer
        .map(|place| format!("{} of {}", plan.replications_of(place), plan.variants[place].name))
        .collect();
    let but = if fewer.is_empty() { String::new() } else { format!(" ({})", fewer.join(", ")) };
    let mut text = format!(
        "{} variants were compared under {} conditions in {} replications each{but}, on common random numbers. \
         Intervals are of 95 % by Student's t; a variant does better or worse than {baseline} for certain where a \
         difference so large, taken replication by replication, would come by chance once in twenty such studies \
         (corrected by Holm for all that are compared by the metric).",
        plan.variants.len(),
        plan.conditions.len(),
        plan.replications,
    );
    for condition in &plan.conditions {
        let sentences: Vec<String> =
            plan.metrics.iter().filter_map(|wanted| sentence(plan, rows, &condition.name, wanted)).collect();
        let _ = write!(text, "\n\nUnder {}: {}.", condition.name, sentences.join("; "));
    }
    text.push('\n');
    text
}

fn sentence(plan: &SweepPlan, rows: &[Summary], condition: &str, wanted: &PlannedMetric) -> Option<String> {
    let PlannedMetric { metric, better, .. } = wanted;
    let higher = *better == Better::Higher;
    let mut known: Vec<&Summary> = plan
        .variants
        .iter()
        .filter_map(|variant| find(rows, condition, &variant.name, metric))
        .filter(|row| row.mean.is_finite())
        .collect();
    // Those that do alike stay in the order of the plan.
    known.sort_by(|one, other| match higher {
        true => other.mean.total_cmp(&one.mean),
        false => one.mean.total_cmp(&other.mean),
    });
    let baseline = find(rows, condition, &plan.baseline, metric)?;
    let (best, worst) = (known.first()?, known.last()?);
    let said = |row: &Summary| format!("{} with {}", shown(row.estimate(), &row.unit), row.variant);
    let mut others: Vec<&Summary> = vec![best, worst];
    if others.iter().all(|row| row.variant != baseline.variant) && baseline.mean.is_finite() {
        others.insert(1, baseline);
    }
    let range: Vec<String> = others.into_iter().map(said).collect();
    let is_better = |row: &&&Summary| row.differs() && (row.difference > 0.0) == higher;
    let better: Vec<&str> = known.iter().filter(is_better).map(|row| row.variant.as_str()).collect();
    let certainly = match better.as_slice() {
        [] => String::new(),
        all => format!(" (better for certain: {})", all.join(", ")),
    };
    Some(format!("{metric} was {}{certainly}", range.join(", ")))
}

fn find<'a>(rows: &'a [Summary], condition: &str, variant: &str, metric: &str) -> Option<&'a Summary> {
    let fits = |row: &&Summary| row.condition == condition && row.variant == variant && row.metric == metric;
    rows.iter().find(fits)
}

/// An estimate with its interval, with as many decimals as the interval leaves sense in.
fn shown(estimate: Estimate, unit: &str) -> String {
    let (factor, unit) = match unit {
        "fraction" => (100.0, " %"),
        "s" => (1.0, " s"),
        _ => (1.0, ""),
    };
    let (value, half) = (estimate.value * factor, estimate.half_width * factor);
    if !value.is_finite() {
        return "-".to_owned();
    }
    // Two digits of the interval.
    let decimals = match half.abs() {
        half if !half.is_finite() || half <= 0.0 => 3,
        half => (1 - libm::floor(libm::log10(half)) as i32).clamp(0, 6),
    };
    let decimals = decimals as usize;
    if half.is_finite() {
        format!("{value:.decimals$} ± {half:.decimals$}{unit}")
    } else {
        format!("{value:.decimals$}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_their_interval_allows() {
        let of = |value, half_width, unit| shown(Estimate { value, half_width }, unit);
        assert_eq!(of(0.987_654, 0.001_23, "fraction"), "98.77 ± 0.12 %");
        assert_eq!(of(1234.567, 98.7, "s"), "1235 ± 99 s");
        assert_eq!(of(500.0, 0.0, "tasks"), "500.000 ± 0.000");
        assert_eq!(of(2.0, f64::NAN, "s"), "2.000 s");
        assert_eq!(of(f64::NAN, f64::NAN, "s"), "-");
    }
}
