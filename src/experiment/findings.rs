//! What a study has found, in words: a table for each condition, and a paragraph.

use std::fmt::Write as _;

use super::statistics::Estimate;
use super::study::Summary;
use crate::scenario::study::{Study, Wanted};

/// The findings as Markdown.
#[must_use]
pub fn findings(study: &Study, rows: &[Summary]) -> String {
    let mut text = format!("# {}\n\n", study.name);
    text.push_str(&paragraph(study, rows));
    for condition in &study.conditions {
        let _ = write!(text, "\n## {}\n\n| |", condition.name);
        for Wanted { metric, .. } in &study.metrics {
            let _ = write!(text, " {metric} |");
        }
        let _ = writeln!(text, "\n| --- |{}", " --- |".repeat(study.metrics.len()));
        for variant in &study.variants {
            let _ = write!(text, "| {} |", variant.name);
            for Wanted { metric, .. } in &study.metrics {
                let row = find(rows, &condition.name, &variant.name, metric);
                let cell = row.map_or_else(|| "-".to_owned(), |row| shown(row.estimate(), row.unit));
                let _ = write!(text, " {cell} |");
            }
            text.push('\n');
        }
    }
    text
}

/// The findings as prose: how it was compared, and for each condition which variant did best by each metric.
#[must_use]
pub fn paragraph(study: &Study, rows: &[Summary]) -> String {
    let baseline = &study.variants[study.baseline].name;
    let mut text = format!(
        "{} variants were compared under {} conditions in {} replications each, on common random numbers; intervals \
         are of 95 % by Student's t, differences are to {baseline}, taken replication by replication.",
        study.variants.len(),
        study.conditions.len(),
        study.replications,
    );
    for condition in &study.conditions {
        let sentences: Vec<String> = study
            .metrics
            .iter()
            .filter_map(|wanted| sentence(study, rows, &condition.name, wanted))
            .collect();
        let _ = write!(text, " Under {}: {}.", condition.name, sentences.join("; "));
    }
    text.push('\n');
    text
}

fn sentence(study: &Study, rows: &[Summary], condition: &str, wanted: &Wanted) -> Option<String> {
    let Wanted { metric, higher } = wanted;
    let of = |variant: &str| find(rows, condition, variant, metric);
    let known =
        study.variants.iter().filter_map(|variant| of(&variant.name)).filter(|row| row.mean.is_finite());
    let is_better = |one: &Summary, other: &Summary| (one.mean > other.mean) == *higher;
    let best = known.reduce(|best, row| if is_better(row, best) { row } else { best })?;
    let baseline = of(&study.variants[study.baseline].name)?;
    let known = shown(best.estimate(), best.unit);
    Some(if best.variant == baseline.variant {
        format!("{metric} was best with {} itself ({known})", best.variant)
    } else if best.to_baseline().is_certain() {
        let difference = shown(best.to_baseline(), best.unit);
        let sign = if best.difference > 0.0 { "+" } else { "" };
        format!("{metric} was best with {} ({known}; {sign}{difference})", best.variant)
    } else {
        format!("{metric} was best with {} ({known}), without a certain difference", best.variant)
    })
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
