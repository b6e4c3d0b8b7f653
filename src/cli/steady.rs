//! `dmsim steady RUN`: what the series of one long run say once its beginning is cut off, and how sure that is.

use std::path::PathBuf;

use clap::Args;
use indexmap::IndexMap;
use serde::Serialize;

use super::{Exit, Format};
use crate::experiment::statistics::{WarmUp, batch_means, effective_size, mser5};
use crate::observe::{SeriesRow, read_series, write_atomically};
use crate::report::steady::{Drawn, svg};

/// How sure intervals are.
const CONFIDENCE: f64 = 0.95;

#[derive(Args, Debug)]
pub(super) struct SteadyArguments {
    /// The folder of the run's results, with its `series.csv`.
    run: PathBuf,
    /// Only series whose name begins so: `peers.up`, `deployments`. May be repeated.
    #[arg(long = "metric", value_name = "NAME")]
    metrics: Vec<String>,
    /// Write a plot of them: series, where they are cut, and by what.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// How they are printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// A series: times in seconds and values.
struct Series {
    metric: String,
    labels: String,
    points: Vec<(f64, f64)>,
    values: Vec<f64>,
    /// Its beginning; none where it has not come to rest.
    warm_up: Option<WarmUp>,
}

/// What is said of a series.
#[derive(Serialize)]
struct Said {
    metric: String,
    labels: String,
    samples: usize,
    /// Where its beginning ends; none where it has not come to rest.
    warm_up_s: Option<f64>,
    mean: Option<f64>,
    half_width: Option<f64>,
    effective_size: Option<f64>,
}

pub(super) fn steady(arguments: &SteadyArguments) -> Exit {
    let rows = match read_series(&arguments.run.join("series.csv")) {
        Ok(rows) => rows,
        Err(error) => {
            eprintln!("error: {error}");
            return Exit::BadInput;
        }
    };
    let is_wanted = |row: &SeriesRow| {
        arguments.metrics.is_empty() || arguments.metrics.iter().any(|name| row.metric.starts_with(&**name))
    };
    let all = series_of(rows.into_iter().filter(is_wanted));
    if all.is_empty() {
        eprintln!(
            "error: no series of the run begins with any of these names: {}",
            arguments.metrics.join(", ")
        );
        return Exit::BadInput;
    }
    let said: Vec<Said> = all.iter().map(said_of).collect();
    if let Some(path) = &arguments.plot {
        let picture = svg("series and where they are cut", &all.iter().map(drawn).collect::<Vec<_>>());
        if let Err(error) = write_atomically(path, picture.as_bytes()) {
            eprintln!("error: {error}");
            return Exit::Internal;
        }
    }
    match arguments.format {
        Format::Json => {
            println!("{}", serde_json::to_string_pretty(&said).expect("the table has only string keys"));
        }
        Format::Human => said.iter().for_each(print),
    }
    Exit::Fine
}

/// The series of a table, in the order in which they begin.
fn series_of(rows: impl Iterator<Item = SeriesRow>) -> Vec<Series> {
    let mut all: IndexMap<(String, String), Vec<(f64, f64)>> = IndexMap::new();
    for row in rows {
        let key = (row.metric.to_string(), row.labels.to_string());
        all.entry(key).or_default().push((row.time_s, row.value));
    }
    let series = |((metric, labels), points): (_, Vec<(f64, f64)>)| {
        let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        let warm_up = mser5(&values);
        Series { metric, labels, points, values, warm_up }
    };
    all.into_iter().map(series).collect()
}

fn said_of(series: &Series) -> Said {
    let cut = series.warm_up.as_ref().map(|found| found.cut);
    let rest = cut.map(|cut| &series.values[cut..]);
    let estimate = rest.map(|rest| batch_means(rest, CONFIDENCE));
    let number = |number: f64| Some(number).filter(|number| number.is_finite());
    Said {
        metric: series.metric.clone(),
        labels: series.labels.clone(),
        samples: series.values.len(),
        warm_up_s: cut.map(|cut| if cut == 0 { 0.0 } else { series.points[cut].0 }),
        mean: estimate.and_then(|estimate| number(estimate.value)),
        half_width: estimate.and_then(|estimate| number(estimate.half_width)),
        effective_size: rest.map(effective_size),
    }
}

fn drawn(series: &Series) -> Drawn {
    let found = series.warm_up.as_ref();
    let at = |place: usize| series.points[place].0;
    let step = |(place, statistic): (usize, &f64)| (at(WarmUp::STEP * place), *statistic);
    Drawn {
        title: named(&series.metric, &series.labels),
        points: series.points.clone(),
        cut_s: found.map(|found| at(found.cut)),
        statistic: found
            .map_or_else(Vec::new, |found| found.statistic.iter().enumerate().map(step).collect()),
    }
}

fn named(metric: &str, labels: &str) -> String {
    if labels.is_empty() { metric.to_owned() } else { format!("{metric} ({labels})") }
}

fn print(said: &Said) {
    let name = named(&said.metric, &said.labels);
    let Some(warm_up_s) = said.warm_up_s else {
        return println!("{name:<44} of {} samples: has not come to rest", said.samples);
    };
    let mean = said.mean.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.4}"));
    let mean = match said.half_width {
        Some(half) => format!("{mean} ± {half:.2}"),
        None => format!("{mean}, no interval: too few samples that tell something new"),
    };
    let worth = said.effective_size.unwrap_or(0.0);
    println!(
        "{name:<44} of {} samples: warm-up {warm_up_s:.0} s, then {mean} (worth {worth:.0} samples)",
        said.samples
    );
}
