//! Any series of runs over time: a line, or the middle of several runs with a band.

use indexmap::IndexMap;

use super::Plot;
use super::source::{Run, Source};
use crate::report::chart::{
    Axis, Chart, Dash, Mark, Panel, Quantity, Series, grouped, interpolated_quantile, palette,
};

/// Series that are drawn where none is named.
const USUAL: [(&str, &str); 4] =
    [("peers.up", ""), ("deployments", "status=running"), ("services.running", ""), ("messages.sent", "")];
/// Lines in a panel.
const MOST_LINES: usize = 6;
/// Pixel columns of the plot area: a line that is denser is drawn with a band from its least to its greatest value in
/// each.
const COLUMNS: usize = 800;

type Samples = Vec<(f64, f64)>;

pub(super) fn series(source: &Source<'_>) -> Result<Plot, String> {
    let chosen = chosen(source)?;
    let end = source.runs.iter().map(|run| run.tables.run.duration_s).fold(0.0, f64::max);
    let mut panels: Vec<Panel> = Vec::new();
    let mut left_out = 0;
    for (metric, all_labels) in &chosen {
        let shown = &all_labels[..all_labels.len().min(MOST_LINES)];
        left_out += all_labels.len() - shown.len();
        let mut drawn = Vec::new();
        for (number, labels) in shown.iter().enumerate() {
            // Alone in its panel it is named by the panel.
            let name = if shown.len() == 1 { "" } else { labels };
            let runs: Vec<Samples> = source
                .runs
                .iter()
                .map(|run| samples(run, metric, labels))
                .filter(|all| !all.is_empty())
                .collect();
            drawn.extend(match &runs[..] {
                [only] => line(number, name, only),
                _ => middle(number, name, &runs),
            });
        }
        // Bands lie behind all lines.
        drawn.sort_by_key(|series| matches!(series.mark, Mark::Line(_)));
        let title = match shown {
            [only] if !only.is_empty() => format!("{metric} ({only})"),
            _ => metric.clone(),
        };
        panels.push(Panel::new(Axis::new(&title, Quantity::Number), drawn));
    }
    let x = Axis::new("simulated time", Quantity::Time).over(0.0, end);
    let title = match (&chosen[..], left_out) {
        ([(metric, _)], 0) => format!("{metric} over time"),
        ([(metric, labels)], _) => {
            format!("{metric} over time, the {MOST_LINES} greatest of {}", grouped(labels.len() as f64))
        }
        _ => "Series over time".to_owned(),
    };
    let chart =
        Chart { size: (900.0, 420.0 + 110.0 * (panels.len() as f64 - 1.0)), ..Chart::new(&title, x, panels) };
    let how = match source.runs.len() {
        1 => "Samples of the run; where they are closer than pixels, a band reaches from the least to the greatest \
              of each pixel."
            .to_owned(),
        count => format!("Lines are medians over {count} runs, bands reach from the 10th to the 90th percentile."),
    };
    let said = || format!("{} more with other labels are left out", grouped(left_out as f64));
    Ok(Plot::of("series", how, &chart, "time_s", "value").leaving_out((left_out > 0).then(said)))
}

/// The series to draw, each with its labels.
fn chosen(source: &Source<'_>) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut known: IndexMap<&str, IndexMap<&str, f64>> = IndexMap::new();
    for row in source.runs.iter().flat_map(|run| &run.tables.series) {
        let greatest = known.entry(&row.metric).or_default().entry(&row.labels).or_insert(0.0);
        *greatest = greatest.max(row.value.abs());
    }
    if known.is_empty() {
        return Err("series.csv has no rows: the run was too short for a sample".to_owned());
    }
    if let Some(asked) = &source.choice.metric {
        let Some(labels) = known.get(&**asked) else {
            let names: Vec<&str> = known.keys().copied().collect();
            return Err(format!("`{asked}` is no series of the runs: there are {}", names.join(", ")));
        };
        // The greatest first: what is cut off is what one would not see.
        let mut labels: Vec<(&str, f64)> = labels.iter().map(|(labels, most)| (*labels, *most)).collect();
        labels.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let labels = labels.into_iter().map(|(labels, _)| labels.to_owned()).collect();
        return Ok(vec![(asked.clone(), labels)]);
    }
    let is_there =
        |(metric, labels): &&(&str, &str)| known.get(metric).is_some_and(|all| all.contains_key(labels));
    let usual = USUAL.iter().filter(is_there).take(3);
    let mut found: Vec<(String, Vec<String>)> =
        usual.map(|(metric, labels)| ((*metric).to_owned(), vec![(*labels).to_owned()])).collect();
    if found.is_empty() {
        let (metric, labels) = known.first().expect("there is one");
        found.push(((*metric).to_owned(), labels.keys().map(|labels| (*labels).to_owned()).collect()));
    }
    Ok(found)
}

fn samples(run: &Run<'_>, metric: &str, labels: &str) -> Samples {
    let rows = run.tables.series.iter().filter(|row| &*row.metric == metric && &*row.labels == labels);
    let mut samples: Samples =
        rows.map(|row| (row.time_s, row.value)).filter(|(_, it)| it.is_finite()).collect();
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    samples
}

/// The line of a single run, with a band where it is too dense for one.
fn line(number: usize, name: &str, samples: &Samples) -> Vec<Series> {
    let line = Series::numbered(number, name, Mark::Line(samples.clone()));
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Vec::new() };
    if samples.len() <= 2 * COLUMNS {
        return vec![line];
    }
    let width = (last.0 - first.0) / COLUMNS as f64;
    let mut columns: Vec<(f64, f64, f64, f64, f64)> = Vec::new();
    for (time, value) in samples {
        let at = first.0 + libm::floor((time - first.0) / width) * width;
        match columns.last_mut() {
            Some((from, low, high, sum, count)) if *from >= at => {
                (*low, *high, *sum, *count) = (low.min(*value), high.max(*value), *sum + value, *count + 1.0);
            }
            _ => columns.push((at, *value, *value, *value, 1.0)),
        }
    }
    let color = line.color;
    let band = columns.iter().map(|(at, low, high, _, _)| (*at, *low, *high)).collect();
    let means = columns.iter().map(|(at, _, _, sum, count)| (*at, sum / count)).collect();
    vec![Series::new("", color.alpha(0.3), Mark::Area(band)), Series { mark: Mark::Line(means), ..line }]
}

/// The median of several runs with the band from the 10th to the 90th percentile, at every moment at which one of them
/// was sampled; each run keeps a value until its next sample, and counts from its first to its last.
fn middle(number: usize, name: &str, runs: &[Samples]) -> Vec<Series> {
    let mut moments: Vec<f64> = runs.iter().flatten().map(|(time, _)| *time).collect();
    moments.sort_by(f64::total_cmp);
    moments.dedup();
    let mut places = vec![0; runs.len()];
    let (mut band, mut median) = (Vec::new(), Vec::new());
    for moment in moments {
        let mut values = Vec::new();
        for (run, place) in runs.iter().zip(&mut places) {
            while run.get(*place + 1).is_some_and(|(time, _)| *time <= moment) {
                *place += 1;
            }
            let ended = run.last().is_none_or(|(time, _)| *time < moment);
            values.extend(
                run.get(*place).filter(|(time, _)| *time <= moment && !ended).map(|(_, value)| *value),
            );
        }
        values.sort_by(f64::total_cmp);
        if !values.is_empty() {
            let at = |share| interpolated_quantile(&values, share);
            band.push((moment, at(0.1), at(0.9)));
            median.push((moment, at(0.5)));
        }
    }
    let color = palette::CYCLE[number % palette::CYCLE.len()];
    let named = |what: &str| if name.is_empty() { what.to_owned() } else { format!("{name}, {what}") };
    let line = Series::new(&named("median"), color, Mark::Line(median));
    vec![
        Series::new(&named("10th to 90th percentile"), color.alpha(0.3), Mark::Area(band)),
        line.dashed(Dash::CYCLE[number % Dash::CYCLE.len()]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_runs_is_taken_moment_by_moment() {
        let run = |value: f64| vec![(0.0, value), (60.0, 2.0 * value)];
        let drawn = middle(0, "x", &[run(1.0), run(2.0), run(3.0), run(4.0), vec![(0.0, 5.0)]]);
        let Mark::Area(band) = &drawn[0].mark else { panic!("a band") };
        let Mark::Line(median) = &drawn[1].mark else { panic!("a line") };
        // At 60 s the fifth run is over, so four of 2, 4, 6 and 8 are left.
        assert_eq!(median, &[(0.0, 3.0), (60.0, 5.0)]);
        assert_eq!((band[0].1, band[0].2), (1.4, 4.6));
        assert!((band[1].1 - 2.6).abs() < 1e-12 && (band[1].2 - 7.4).abs() < 1e-12, "{band:?}");
    }

    #[test]
    fn a_dense_line_has_a_band_of_all_its_values() {
        let samples: Samples = (0..10_000).map(|n| (f64::from(n), f64::from(n % 10))).collect();
        let drawn = line(0, "x", &samples);
        let Mark::Area(band) = &drawn[0].mark else { panic!("a band") };
        assert!(band.len() <= COLUMNS + 1, "{}", band.len());
        assert!(band[..COLUMNS].iter().all(|(_, low, high)| (*low, *high) == (0.0, 9.0)));
        assert_eq!(line(0, "x", &samples[..500].to_vec()).len(), 1, "a line alone where pixels suffice");
    }
}
