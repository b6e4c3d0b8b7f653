//! `dmsim plot RUN|SWEEP`: pictures of what runs and sweeps have shown, each with its numbers beside it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use rayon::prelude::*;
use serde::{Serialize, Serializer};

use super::sweep::{failed, folder_at, not_merged};
use super::{Exit, Format};
use crate::experiment::merge::{Merged, merge};
use crate::experiment::{Summary, Sweep};
use crate::kernel::path_text;
use crate::observe::sweep::PLAN;
use crate::observe::write_atomically;
use crate::report::chart::{Theme, png, shown_at, themed};
use crate::report::plots::{
    Choice, KINDS, Kind, PairedDifference, Plot, Run, Source, Subject, SweepCell, kind,
};
use crate::report::{Tables, plots};

#[derive(Args, Debug)]
pub(super) struct PlotArguments {
    /// Folders of runs, or the folder of one finished sweep or study. Several runs are drawn into one picture where a
    /// kind can, and into one each otherwise.
    #[arg(value_name = "RUN|SWEEP")]
    paths: Vec<PathBuf>,
    /// Only these kinds, with commas between them [default: all that there is data for].
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Of which series, span or metric.
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// What makes groups: `orchestrator`, `ensemble`, `variant`, a path of a grid; two with a comma for a heat map.
    #[arg(long, value_name = "COLUMN")]
    by: Option<String>,
    /// Of which deployment.
    #[arg(long, value_name = "N")]
    deployment: Option<u32>,
    /// The folder of the pictures [default: `plots` in that of the first run or of the sweep].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Write each picture as PNG too.
    #[arg(long)]
    png: bool,
    /// For which ground. `auto` follows the reader's screen; as PNG it is light.
    #[arg(long, value_enum, default_value = "auto")]
    theme: Ground,
    /// How wide pictures are, in pixels. Texts grow with them.
    #[arg(long, value_name = "N", default_value_t = 900, value_parser = clap::value_parser!(u32).range(200..=6000))]
    width_px: u32,
    /// List the kinds, each with a sentence.
    #[arg(long)]
    list: bool,
    /// How it is told what was written.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Ground {
    Light,
    Dark,
    Auto,
}

/// What was written of a plot.
#[derive(Serialize)]
struct Written {
    kind: &'static str,
    caption: String,
    #[serde(serialize_with = "as_text")]
    svg: PathBuf,
    #[serde(serialize_with = "as_text")]
    csv: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text_if_any")]
    png: Option<PathBuf>,
}

/// A path as JSON can hold it: what is not UTF-8 is replaced.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

#[expect(clippy::ref_option, reason = "so it is asked for")]
fn as_text_if_any<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => as_text(path, serializer),
        None => serializer.serialize_none(),
    }
}

/// A kind of which there is nothing to draw.
#[derive(Serialize)]
struct LeftOut {
    kind: &'static str,
    why: String,
}

/// A plot with the name of its files.
struct Named {
    file: String,
    plot: Plot,
}

pub(super) fn plot(arguments: &PlotArguments) -> Exit {
    if arguments.list {
        list(arguments.format);
        return Exit::Fine;
    }
    run(arguments).unwrap_or_else(|exit| exit)
}

/// Names and sentences of all kinds.
pub(super) fn kinds() -> Vec<(String, String)> {
    let row = |kind: &Kind| (kind.name.to_owned(), format!("{} [{}]", kind.about, kind.needs));
    KINDS.iter().map(row).collect()
}

fn list(format: Format) {
    #[derive(Serialize)]
    struct Row {
        kind: &'static str,
        about: &'static str,
        needs: &'static str,
    }
    if format == Format::Json {
        let row = |kind: &Kind| Row { kind: kind.name, about: kind.about, needs: kind.needs };
        let rows: Vec<Row> = KINDS.iter().map(row).collect();
        return println!("{}", serde_json::to_string_pretty(&rows).expect("rows have only text keys"));
    }
    let rows = kinds();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().for_each(|(name, line)| println!("{name:width$}  {line}"));
}

fn run(arguments: &PlotArguments) -> Result<Exit, Exit> {
    let sweep = checked(arguments)?;
    let choice = Choice {
        metric: arguments.metric.clone(),
        by: arguments.by.clone(),
        deployment: arguments.deployment,
    };
    let (plots, left_out) = match sweep {
        Some(path) => {
            let sweep = sweep_at(path)?;
            drawn(arguments, &Source { runs: &[], sweep: Some(&sweep), choice: &choice })
        }
        None => {
            let tables = tables_of(&arguments.paths)?;
            let runs: Vec<Run<'_>> = names_of(&arguments.paths)
                .into_iter()
                .zip(&tables)
                .map(|(name, tables)| Run { name, tables })
                .collect();
            drawn(arguments, &Source { runs: &runs, sweep: None, choice: &choice })
        }
    };
    // What was asked for by its name is missed; of all kinds some never fit.
    if plots.is_empty() || !arguments.kinds.is_empty() && !left_out.is_empty() {
        left_out.iter().for_each(|one| eprintln!("error: {}: {}", one.kind, one.why));
        eprintln!("  = help: `dmsim plot --list` says what each kind needs");
        return Err(Exit::BadInput);
    }
    left_out.iter().for_each(|one| eprintln!("left out: {}: {}", one.kind, one.why));
    for Named { file, plot } in &plots {
        plot.left_out.iter().for_each(|said| eprintln!("not all is drawn: {file}: {said}"));
    }
    let out = arguments.out.clone().unwrap_or_else(|| arguments.paths[0].join("plots"));
    let written = write(arguments, &out, plots)?;
    tell(arguments.format, &written, &left_out);
    Ok(Exit::Fine)
}

/// Says everything that is wrong with what was asked for. Returns the sweep, where it is one.
fn checked(arguments: &PlotArguments) -> Result<Option<&Path>, Exit> {
    let mut errors: Vec<String> =
        arguments.kinds.iter().filter(|name| kind(name).is_none()).map(|name| unknown(name)).collect();
    if arguments.paths.is_empty() {
        errors.push("name the folder of a run or of a sweep, or `--list` for the kinds of plots".to_owned());
    }
    let mut sweeps: Vec<&Path> = Vec::new();
    for path in &arguments.paths {
        if path.join(PLAN).is_file() {
            sweeps.push(path);
        } else if !path.join("run.json").is_file() {
            errors.push(format!(
                "{} is neither a run nor a sweep: there is no run.json or {PLAN}; `dmsim run` and `dmsim study` make \
                 them",
                path_text(path)
            ));
        }
    }
    if sweeps.len() > 1 || sweeps.len() == 1 && arguments.paths.len() > 1 {
        errors.push("a sweep is drawn alone: name one sweep, or runs only".to_owned());
    }
    let options = options(arguments);
    let asked: Vec<&Kind> = arguments.kinds.iter().filter_map(|name| kind(name)).collect();
    for option in options.iter().filter(|_| !asked.is_empty()) {
        if !asked.iter().any(|kind| kind.takes.contains(option)) {
            let fitting: Vec<&str> =
                KINDS.iter().filter(|kind| kind.takes.contains(option)).map(|kind| kind.name).collect();
            errors.push(format!(
                "--{option} means nothing to what is asked for: it is for {}",
                fitting.join(", ")
            ));
        }
    }
    errors.iter().for_each(|error| eprintln!("error: {error}"));
    if errors.is_empty() { Ok(sweeps.first().copied()) } else { Err(Exit::BadInput) }
}

fn unknown(name: &str) -> String {
    let names = KINDS.iter().map(|kind| kind.name);
    let near = names.map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    let hint = match near {
        Some((distance, known)) if distance <= 1 + known.len() / 4 => format!(": did you mean `{known}`?"),
        _ => "; `dmsim plot --list` lists them".to_owned(),
    };
    format!("`{name}` is no kind of plot{hint}")
}

/// The options that were given and choose what is drawn.
fn options(arguments: &PlotArguments) -> Vec<&'static str> {
    let given = [
        ("metric", arguments.metric.is_some()),
        ("by", arguments.by.is_some()),
        ("deployment", arguments.deployment.is_some()),
    ];
    given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
}

fn tables_of(paths: &[PathBuf]) -> Result<Vec<Tables>, Exit> {
    let mut tables = Vec::new();
    let mut exit = None;
    for path in paths {
        eprintln!("reading {}", path_text(path));
        match Tables::read(path) {
            Ok(read) => tables.push(read),
            Err(error) => {
                eprintln!("error: {error}");
                exit = Some(Exit::BadInput);
            }
        }
    }
    exit.map_or(Ok(tables), Err)
}

/// What legends call runs: the last part of their paths, or all of it where that is the same for two.
fn names_of(paths: &[PathBuf]) -> Vec<String> {
    let last = |path: &PathBuf| {
        let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
        whole
            .file_name()
            .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
    };
    let names: Vec<String> = paths.iter().map(last).collect();
    let name = |(path, name): (&PathBuf, &String)| match names.iter().filter(|other| *other == name).count() {
        1 => name.clone(),
        _ => path.display().to_string(),
    };
    paths.iter().zip(&names).map(name).collect()
}

fn sweep_at(path: &Path) -> Result<plots::Sweep, Exit> {
    eprintln!("reading {}", path_text(path));
    let sweep = Sweep::open(folder_at(path)).map_err(|error| failed(&error))?;
    Ok(shown(&merge(&sweep).map_err(|error| not_merged(&error))?))
}

/// What a sweep has shown, as plots take it.
pub(super) fn shown(merged: &Merged) -> plots::Sweep {
    let Merged { plan, cells, summary } = merged;
    let cell = |(cell, result): &(crate::experiment::plan::Cell, crate::observe::CellResult)| {
        let (variant, condition) = (&plan.variants[cell.variant], &plan.conditions[cell.condition]);
        let mut parameters = condition.parameters.clone();
        parameters.extend(variant.parameters.clone());
        let value = |metric: &crate::observe::PlannedMetric| result.value(&metric.metric).unwrap_or(f64::NAN);
        SweepCell {
            variant: variant.name.clone(),
            condition: condition.name.clone(),
            parameters,
            values: plan.metrics.iter().map(value).collect(),
        }
    };
    let difference = |row: &Summary| PairedDifference {
        metric: row.metric.clone(),
        variant: row.variant.clone(),
        condition: row.condition.clone(),
        difference: row.difference,
        half_width: row.difference_half_width,
        p_value: row.p_value,
    };
    plots::Sweep {
        name: plan.name.clone(),
        variants: plan.variants.iter().map(|arm| arm.name.clone()).collect(),
        conditions: plan.conditions.iter().map(|arm| arm.name.clone()).collect(),
        baseline: plan.baseline.clone(),
        metrics: plan.metrics.iter().map(|metric| (metric.metric.clone(), metric.unit.clone())).collect(),
        cells: cells.iter().map(cell).collect(),
        differences: summary.iter().map(difference).collect(),
    }
}

/// Draws what is asked for, or everything that fits.
fn drawn(arguments: &PlotArguments, source: &Source<'_>) -> (Vec<Named>, Vec<LeftOut>) {
    let options = options(arguments);
    let fits = |kind: &&Kind| {
        let subject = match source.sweep {
            Some(_) => matches!(kind.subject, Subject::Sweep | Subject::RunsOrSweep),
            None => kind.subject != Subject::Sweep,
        };
        subject && (options.is_empty() || options.iter().any(|option| kind.takes.contains(option)))
    };
    let mut asked: Vec<&Kind> = arguments.kinds.iter().filter_map(|name| kind(name)).collect();
    if asked.is_empty() {
        asked = KINDS.iter().filter(fits).collect();
    }
    // What shows one run is drawn for each of several.
    let mut jobs: Vec<(&Kind, String, Source<'_>)> = Vec::new();
    for kind in asked {
        if kind.subject == Subject::Run && source.runs.len() > 1 {
            for (number, run) in source.runs.iter().enumerate() {
                let own = Source { runs: std::slice::from_ref(run), ..*source };
                jobs.push((kind, format!("{}-{}", kind.name, number + 1), own));
            }
        } else {
            jobs.push((kind, kind.name.to_owned(), *source));
        }
    }
    let done: Vec<_> =
        jobs.into_par_iter().map(|(kind, file, source)| (kind, file, kind.draw(&source))).collect();
    let (mut plots, mut left_out) = (Vec::new(), Vec::new());
    for (kind, file, done) in done {
        match done {
            Ok(plot) => plots.push(Named { file, plot }),
            Err(why) => left_out.push(LeftOut { kind: kind.name, why }),
        }
    }
    (plots, left_out)
}

fn write(arguments: &PlotArguments, out: &Path, plots: Vec<Named>) -> Result<Vec<Written>, Exit> {
    let broken = |said: String| {
        eprintln!("error: {said}");
        Exit::Internal
    };
    fs::create_dir_all(out).map_err(|error| broken(format!("cannot make {}: {error}", path_text(out))))?;
    let theme = match arguments.theme {
        Ground::Light => Theme::Light,
        Ground::Dark => Theme::Dark,
        Ground::Auto => Theme::Auto,
    };
    let write_one = |Named { file, plot }: Named| -> Result<Written, Exit> {
        let path = |ending: &str| out.join(format!("{file}.{ending}"));
        let put = |path: &Path, bytes: &[u8]| {
            write_atomically(path, bytes).map_err(|error| broken(error.to_string()))
        };
        let wide = shown_at(&plot.svg, arguments.width_px);
        let (svg, csv) = (path("svg"), path("csv"));
        put(&svg, themed(&wide, theme).as_bytes())?;
        put(&csv, plot.data.csv().as_bytes())?;
        let png = if arguments.png {
            let ground = if theme == Theme::Dark { Theme::Dark } else { Theme::Light };
            let bytes = png(&themed(&wide, ground)).map_err(|why| broken(format!("{file}: {why}")))?;
            put(&path("png"), &bytes)?;
            Some(path("png"))
        } else {
            None
        };
        Ok(Written { kind: plot.name, caption: plot.caption, svg, csv, png })
    };
    plots.into_par_iter().map(write_one).collect()
}

fn tell(format: Format, written: &[Written], left_out: &[LeftOut]) {
    #[derive(Serialize)]
    struct Told<'a> {
        plots: &'a [Written],
        left_out: &'a [LeftOut],
    }
    if format == Format::Json {
        let told = Told { plots: written, left_out };
        return println!("{}", serde_json::to_string_pretty(&told).expect("paths are texts"));
    }
    for one in written {
        [Some(&one.svg), Some(&one.csv), one.png.as_ref()]
            .into_iter()
            .flatten()
            .for_each(|path| println!("{}", path_text(path)));
    }
}
