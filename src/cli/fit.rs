//! `dmsim fit TRACE`: distributions of the up and down times of an availability trace, as churn for scenarios.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Exit, Format, is_styled};
use crate::kernel::{Distribution, path_text};
use crate::observe::write_into;
use crate::report::fits::{self, Fitted};
use crate::scenario::churn_fragment;
use crate::scenario::trace::{self, Trace, TraceUnit};
use crate::workload::ChurnModel;
use crate::workload::fitting::{
    Fit, Model, OBSERVE_LONGER, Observations, Spans, Window, best, fit as fit_spans,
};

/// Points of a drawn curve.
const POINTS: u32 = 240;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Unit {
    /// Seconds.
    Seconds,
    /// Hours.
    Hours,
}

#[derive(Args, Debug)]
pub(super) struct FitArguments {
    /// A CSV file with the columns host, start and end: a line for each time that a host was up.
    trace: PathBuf,
    /// What the numbers of the trace count, and those of --start and --end.
    #[arg(long, value_enum, default_value = "seconds")]
    unit: Unit,
    /// When the observation began; what had begun before is left out.
    #[arg(long, value_name = "TIME", allow_negative_numbers = true)]
    start: Option<f64>,
    /// When the observation ended; what went on then is right-censored.
    #[arg(long, value_name = "TIME", allow_negative_numbers = true)]
    end: Option<f64>,
    /// A folder for fit.svg and churn.yaml, which is made where it is missing.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How the fits are printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// Up or down times with the fits to them.
struct Side {
    /// `up` or `down`.
    what: &'static str,
    spans: Spans,
    fits: Vec<Fit>,
    best: Fit,
}

/// What is printed for programs.
#[derive(Serialize)]
struct Output<'a> {
    trace: String,
    hosts: usize,
    sessions: usize,
    joined: usize,
    momentary: usize,
    left_out: usize,
    up: SideOutput<'a>,
    down: SideOutput<'a>,
}

#[derive(Serialize)]
struct SideOutput<'a> {
    ended: usize,
    censored: usize,
    longest_s: f64,
    best: &'a str,
    fits: Vec<FitOutput>,
}

#[derive(Serialize)]
struct FitOutput {
    family: &'static str,
    distribution: Distribution,
    log_likelihood: f64,
    aic: f64,
    ks: f64,
    mean_s: f64,
}

pub(super) fn fit(arguments: &FitArguments) -> Exit {
    let unit = match arguments.unit {
        Unit::Seconds => TraceUnit::Seconds,
        Unit::Hours => TraceUnit::Hours,
    };
    let window = window(arguments, unit);
    let trace = trace::load(&arguments.trace, unit);
    if let Err(message) = &window {
        eprintln!("error: {message}");
    }
    if let Err(report) = &trace {
        eprint!("{}", report.render(is_styled()));
    }
    let (Ok(window), Ok(trace)) = (window, trace) else { return Exit::BadInput };
    let seen = Observations::of(&trace.sessions, window);
    let Some(sides) = fit_sides(arguments, &seen) else { return Exit::BadInput };
    if arguments.json || arguments.format == Format::Json {
        let output = output(&arguments.trace, &trace, &seen, &sides);
        println!("{}", serde_json::to_string_pretty(&output).expect("fits have only string keys"));
    } else {
        print!("{}", tables(&arguments.trace, &trace, &seen, &sides));
    }
    arguments.out.as_ref().map_or(Exit::Fine, |folder| write(folder, &arguments.trace, &sides))
}

/// The window in seconds.
fn window(arguments: &FitArguments, unit: TraceUnit) -> Result<Window, String> {
    let in_seconds = |name: &str, time: Option<f64>| match time.map(|time| time * unit.seconds()) {
        Some(time) if !time.is_finite() => Err(format!("`{name}` must be a finite number")),
        other => Ok(other),
    };
    let window = Window {
        start_s: in_seconds("--start", arguments.start)?,
        end_s: in_seconds("--end", arguments.end)?,
    };
    match (window.start_s, window.end_s) {
        (Some(start_s), Some(end_s)) if end_s <= start_s => {
            Err("`--end` must be later than `--start`\n  = help: both are in the unit of the trace"
                .to_owned())
        }
        _ => Ok(window),
    }
}

/// Fits both kinds of times; says what cannot be fitted.
fn fit_sides(arguments: &FitArguments, seen: &Observations) -> Option<[Side; 2]> {
    let side = |what, spans: &Spans| match fit_spans(spans) {
        Ok(fits) => best(&fits).copied().map(|best| Side { what, spans: spans.clone(), fits, best }),
        Err(error) => {
            let (trace, advice) = (path_text(&arguments.trace), error.advice());
            eprintln!("error: {trace}: no fit to {what} times: {error}\n  = help: {advice}");
            None
        }
    };
    let (up, down) = (side("up", &seen.up), side("down", &seen.down));
    if let (Some(up), Some(down)) = (up, down) {
        return Some([up, down]);
    }
    if seen.left_out > 0 {
        eprintln!(
            "  = help: {} times do not begin between `--start` and `--end`: are these right?",
            seen.left_out
        );
    }
    None
}

/// A span in the unit that suits it, with four digits.
fn span_text(span_s: f64) -> String {
    let units = [(31_557_600.0, 10.0, "y"), (86_400.0, 4.0, "d"), (3600.0, 2.0, "h"), (60.0, 2.0, "min")];
    let fitting = units.into_iter().find(|(size, from, _)| span_s >= size * from);
    let (size, unit) = fitting.map_or((1.0, "s"), |(size, _, unit)| (size, unit));
    format!("{} {unit}", digits(span_s / size))
}

/// A number with four digits, or a few more before its point.
fn digits(value: f64) -> String {
    if value.abs() >= 1e6 {
        return format!("{value:.3e}");
    }
    let magnitude = libm::floor(libm::log10(value.abs().max(1e-9))) as i32;
    let places = usize::try_from(3 - magnitude).unwrap_or(0);
    format!("{value:.places$}")
}

fn parameters(model: &Model) -> String {
    match *model {
        Model::Exponential { mean_s } => format!("mean {}", span_text(mean_s)),
        Model::Weibull { shape, scale_s } | Model::Gamma { shape, scale_s } => {
            format!("shape {}, scale {}", digits(shape), span_text(scale_s))
        }
        Model::Lognormal { mu, sigma } => {
            format!("median {}, sigma {}", span_text(libm::exp(mu)), digits(sigma))
        }
    }
}

/// Both tables for people.
fn tables(path: &Path, trace: &Trace, seen: &Observations, sides: &[Side; 2]) -> String {
    let mut text = format!("{}: {} hosts, {} sessions\n", path_text(path), trace.hosts, trace.sessions.len());
    for (count, what) in [
        (seen.joined, "begin where another of the host ends: both are one"),
        (seen.momentary, "end when they begin: no up times"),
        (seen.left_out, "up and down times do not begin between --start and --end: left out"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "  {count} {what}");
        }
    }
    for side in sides {
        let Side { what, spans, fits, .. } = side;
        let (ended, censored) = (spans.ended().len(), spans.censored().len());
        let _ = writeln!(text, "\n{what} times: {ended} ended, {censored} were cut off");
        let header = ["family", "parameters", "log-likelihood", "AIC", "KS", "mean"];
        let mut rows = vec![header.map(str::to_owned)];
        rows.extend(fits.iter().map(|fit| {
            [
                fit.model.family().to_owned(),
                parameters(&fit.model),
                format!("{:.2}", fit.log_likelihood),
                format!("{:.2}", fit.aic),
                format!("{:.4}", fit.ks),
                span_text(fit.model.distribution().mean_s()),
            ]
        }));
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3, 4, 5].map(width);
        for (number, row) in rows.iter().enumerate() {
            let is_best = number > 0 && fits[number - 1] == side.best;
            text.push_str(if is_best { "* " } else { "  " });
            let [family, parameters, log_likelihood, aic, ks, mean] = row;
            let [a, b, c, d, e, f] = widths;
            let _ = writeln!(
                text,
                "{family:a$}  {parameters:b$}  {log_likelihood:>c$}  {aic:>d$}  {ks:>e$}  {mean:>f$}"
            );
        }
        // A host that has left for good looks like one that is away for very long.
        let longest_s = spans.longest_s();
        if side.best.model.distribution().mean_s() > longest_s {
            let longest = span_text(longest_s);
            let _ =
                writeln!(text, "  of the best, the mean is a guess: none was seen for longer than {longest}");
        }
    }
    text.push_str("\n* the least AIC\n");
    text
}

fn output<'a>(path: &Path, trace: &Trace, seen: &Observations, sides: &'a [Side; 2]) -> Output<'a> {
    let side = |side: &'a Side| SideOutput {
        ended: side.spans.ended().len(),
        censored: side.spans.censored().len(),
        longest_s: side.spans.longest_s(),
        best: side.best.model.family(),
        fits: side
            .fits
            .iter()
            .map(|fit| FitOutput {
                family: fit.model.family(),
                distribution: fit.model.distribution(),
                log_likelihood: fit.log_likelihood,
                aic: fit.aic,
                ks: fit.ks,
                mean_s: fit.model.distribution().mean_s(),
            })
            .collect(),
    };
    let [up, down] = sides;
    Output {
        trace: path.display().to_string(),
        hosts: trace.hosts,
        sessions: trace.sessions.len(),
        joined: seen.joined,
        momentary: seen.momentary,
        left_out: seen.left_out,
        up: side(up),
        down: side(down),
    }
}

/// The name of a file without its folders, for texts that should be the same wherever it lies.
fn file_name(path: &Path) -> String {
    // A name may have line breaks, which would end a comment.
    path.file_name().unwrap_or_default().to_string_lossy().replace(char::is_control, "?")
}

/// `churn.yaml`: the best fits as a scenario has them, with where they come from.
fn fragment(path: &Path, sides: &[Side; 2]) -> Result<String, String> {
    let mut text = format!(
        "# Fitted to {} by `dmsim fit`: what stands under `churn` of a group of peers.\n",
        file_name(path)
    );
    for Side { what, spans, best, .. } in sides {
        let (ended, censored) = (spans.ended().len(), spans.censored().len());
        let _ = writeln!(
            text,
            "# {what}: {}, of {ended} that ended and {censored} that were cut off; mean {}, KS {:.4}",
            best.model.family(),
            span_text(best.model.distribution().mean_s()),
            best.ks
        );
    }
    let [up, down] = sides.each_ref().map(|side| side.best.model.rounded().distribution());
    text.push_str(&churn_fragment(&ChurnModel { up, down })?);
    Ok(text)
}

fn plot(path: &Path, sides: &[Side; 2]) -> String {
    let drawn = sides.each_ref().map(|side| {
        let measured = side.spans.cumulative();
        let ends =
            measured.first().zip(measured.last()).map_or((1.0, 1.0), |(first, last)| (first.0, last.0));
        let curve = |model: &Model| {
            let at = |number| ends.0 * libm::pow(ends.1 / ends.0, f64::from(number) / f64::from(POINTS));
            (0..=POINTS).map(|number| (at(number), model.cumulative(at(number)))).collect()
        };
        let curves = side.fits.iter().map(|fit| (fit.model.family().to_owned(), curve(&fit.model)));
        let best = side.fits.iter().position(|fit| *fit == side.best).unwrap_or(0);
        let (ended, censored) = (side.spans.ended().len(), side.spans.censored().len());
        let cut = if censored > 0 { format!(", {censored} cut off") } else { String::new() };
        let title = format!("{} times: {ended} ended{cut}", if side.what == "up" { "Up" } else { "Down" });
        Fitted { title, curves: curves.collect(), measured, best }
    });
    fits::svg(&format!("Fits to {}", file_name(path)), &drawn)
}

/// Writes the churn and the plot.
fn write(folder: &Path, path: &Path, sides: &[Side; 2]) -> Exit {
    let fragment = match fragment(path, sides) {
        Ok(fragment) => fragment,
        Err(reason) => {
            eprintln!("error: the best fits cannot be churn: {reason}\n  = help: {OBSERVE_LONGER}");
            return Exit::BadInput;
        }
    };
    let plot = plot(path, sides);
    let files = [("fit.svg", plot.as_bytes()), ("churn.yaml", fragment.as_bytes())];
    match write_into(folder, &files) {
        Ok(()) => Exit::Fine,
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Internal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        let spans = [0.5, 119.0, 3600.0, 127_080.0, 1e7, 4e22].map(span_text);
        assert_eq!(spans, ["0.5000 s", "119.0 s", "60.00 min", "35.30 h", "115.7 d", "1.268e15 y"]);
        assert_eq!([0.55, 12.345, 123_456.0].map(digits), ["0.5500", "12.35", "123456"]);
    }
}
