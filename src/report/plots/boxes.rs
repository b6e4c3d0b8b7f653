//! Distributions of spans of runs and of metrics of sweeps: cumulative, as boxes and as violins.

use indexmap::IndexMap;

use super::source::{Source, column, with_unit};
use super::spans::{SPANS, Span};
use super::{Plot, duration_text};
use crate::report::chart::{
    Axis, BoxChart, Chart, Group, Marker, Panel, Quantity, Series, cumulative, grouped, quantile,
};

/// Groups that are drawn, the largest ones.
const MOST_BOXES: usize = 24;
const MOST_LINES: usize = 6;

/// Values by group, with what they are.
struct Values {
    title: String,
    about: String,
    axis: Axis,
    column: String,
    groups: IndexMap<String, Vec<f64>>,
    /// Which groups are left out, if some are.
    left_out: Option<String>,
}

impl Values {
    fn of(source: &Source<'_>, most: usize, usual: Option<&str>) -> Result<Self, String> {
        let mut values = match source.sweep {
            Some(_) => of_sweep(source)?,
            None => of_runs(source, usual)?,
        };
        if values.groups.len() > most {
            let mut order: Vec<(usize, usize)> = values.groups.values().map(Vec::len).enumerate().collect();
            order.sort_by_key(|(place, count)| (std::cmp::Reverse(*count), *place));
            let mut kept: Vec<usize> = order.into_iter().take(most).map(|(place, _)| place).collect();
            kept.sort_unstable();
            let all = values.groups.len();
            values.title = format!("{}, the {most} largest of {}", values.title, grouped(all as f64));
            values.left_out = Some(format!(
                "the smallest {} of {} groups are left out",
                grouped((all - most) as f64),
                grouped(all as f64)
            ));
            let mut place = 0;
            values.groups.retain(|_, _| {
                place += 1;
                kept.binary_search(&(place - 1)).is_ok()
            });
        }
        Ok(values)
    }

    fn caption(&self, how: &str) -> String {
        format!("{}: {}. {how}", self.title, self.about)
    }
}

/// The span that is asked for, or the first of which the runs have any.
fn span_of(source: &Source<'_>) -> Result<&'static Span, String> {
    let names = || SPANS.iter().map(|span| span.name).collect::<Vec<_>>().join(", ");
    let has_any = |span: &Span| source.runs.iter().any(|run| !(span.of)(run.tables).is_empty());
    match &source.choice.metric {
        Some(asked) => {
            let span = SPANS.iter().find(|span| span.name == asked);
            let span = span.ok_or_else(|| format!("`{asked}` is no span of a run: there are {}", names()))?;
            let found = has_any(span).then_some(span);
            found.ok_or_else(|| format!("the runs have no `{asked}` ({})", span.about))
        }
        None => SPANS.iter().find(|span| has_any(span)).ok_or_else(|| {
            "no deployment ran, and no message of one was recorded: there is no span".to_owned()
        }),
    }
}

/// `usual` is what makes groups of a single run where nothing is asked for.
fn of_runs(source: &Source<'_>, usual: Option<&str>) -> Result<Values, String> {
    let span = span_of(source)?;
    let usual = usual.filter(|usual| source.runs.len() == 1 && span.keys.contains(usual));
    let key = source.choice.by.as_deref().or(usual).unwrap_or("run");
    if key != "run" && !span.keys.contains(&key) {
        let keys = span.keys.join(", ");
        return Err(format!("`{}` can be grouped by run, {keys}, and not by `{key}`", span.name));
    }
    let mut groups: IndexMap<String, Vec<f64>> = IndexMap::new();
    for run in source.runs {
        for measured in (span.of)(run.tables) {
            let label = measured.label(key).map(|label| if label.is_empty() { "(none)" } else { label });
            let name = match (label, source.runs.len()) {
                (None, _) => run.name.clone(),
                (Some(label), 1) => label.to_owned(),
                (Some(label), _) => format!("{label}, {}", run.name),
            };
            groups.entry(name).or_default().push(measured.seconds);
        }
    }
    Ok(Values {
        title: span.title.to_owned(),
        about: span.about.to_owned(),
        axis: Axis::new(span.about, Quantity::Time),
        column: format!("{}_s", span.name),
        groups,
        left_out: None,
    })
}

fn of_sweep(source: &Source<'_>) -> Result<Values, String> {
    let sweep = source.sweep()?;
    let place = sweep.metric(source.choice)?;
    let key = source.choice.by.as_deref().unwrap_or("setup");
    if !sweep.keys().iter().any(|known| known == key) {
        return Err(format!("a sweep can be grouped by {}, and not by `{key}`", sweep.keys().join(", ")));
    }
    let (metric, unit) = &sweep.metrics[place];
    let mut groups: IndexMap<String, Vec<f64>> = IndexMap::new();
    for cell in &sweep.cells {
        groups
            .entry(sweep.group(cell, key))
            .or_default()
            .extend(Some(cell.values[place]).filter(|it| it.is_finite()));
    }
    groups.retain(|_, values| !values.is_empty());
    if groups.is_empty() {
        return Err(format!("no cell of {} has measured {metric}", sweep.name));
    }
    let quantity = match unit.as_str() {
        "s" => Quantity::Time,
        "fraction" => Quantity::Share,
        _ => Quantity::Number,
    };
    Ok(Values {
        title: format!("{metric} by {key}"),
        about: format!("one value a run of {}", sweep.name),
        axis: Axis::new(&with_unit(metric, unit), quantity),
        column: column(metric, unit),
        groups,
        left_out: None,
    })
}

fn groups_of(values: &Values) -> Vec<Group> {
    values.groups.iter().filter_map(|(name, values)| Group::of(name, values)).collect()
}

fn draw(source: &Source<'_>, name: &'static str, has_violins: bool, how: &str) -> Result<Plot, String> {
    let values = Values::of(source, MOST_BOXES, Some("ensemble"))?;
    let chart = BoxChart {
        title: values.title.clone(),
        x: values.axis.clone(),
        groups: groups_of(&values),
        has_violins,
    };
    let (caption, data) = (values.caption(how), chart.table(&values.column));
    let plot = Plot { name, caption, left_out: None, svg: chart.svg(), data };
    Ok(plot.leaving_out(values.left_out))
}

pub(super) fn boxes(source: &Source<'_>) -> Result<Plot, String> {
    let how = "The box reaches from quartile to quartile with the median in it, whiskers to the last value within one \
               and a half box lengths, and rings are what lies beyond.";
    draw(source, "box", false, how)
}

pub(super) fn violins(source: &Source<'_>) -> Result<Plot, String> {
    let how = "The outline is the density (Gaussian kernels, width by Silverman's rule), cut at the least and the \
               greatest value, each as wide as there is room; the box inside has quartiles, median and whiskers.";
    draw(source, "violin", true, how)
}

pub(super) fn cdf(source: &Source<'_>) -> Result<Plot, String> {
    let values = Values::of(source, MOST_LINES, None)?;
    let greatest = values.groups.values().flatten().copied().fold(0.0, f64::max);
    let mut series = Vec::new();
    for (number, (name, of_group)) in values.groups.iter().enumerate() {
        let name = format!("{name} (n = {})", grouped(of_group.len() as f64));
        let mut mark = cumulative(of_group);
        // All of them are no greater than the end of the axis, too.
        if let crate::report::chart::Mark::Step(points) = &mut mark {
            points.push((greatest, 1.0));
        }
        series.push(Series::numbered(number, &name, mark));
    }
    let only = values.groups.values().next().filter(|_| values.groups.len() == 1);
    let mut panel =
        Panel::new(Axis::new("share of those that took no longer", Quantity::Share).over(0.0, 1.0), series);
    if let Some(only) = only {
        let mut sorted = only.clone();
        sorted.sort_by(f64::total_cmp);
        for (name, fraction) in [("p50", 0.5), ("p95", 0.95)] {
            let found = quantile(&sorted, fraction);
            panel.markers.extend(found.map(|x| Marker { x, text: format!("{name} {}", duration_text(x)) }));
        }
    }
    let axis = values.axis.clone().over(0.0, (greatest * 1.02).max(1e-3));
    let chart = Chart::new(&values.title, axis, vec![panel]);
    let how = "Cumulative distribution; steps are values that were measured.";
    let plot = Plot::of("cdf", values.caption(how), &chart, &values.column, "share");
    Ok(plot.leaving_out(values.left_out))
}
