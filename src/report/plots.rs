//! Which plots there are, what each needs, and how it follows from the tables of runs or from a sweep.
//!
//! One file a kind. A kind that finds nothing to show says what is missing, and which file or which setting of a
//! scenario gives it.

mod availability;
mod boxes;
mod capabilities;
mod connections;
mod deployments;
mod forest;
mod fragmentation;
mod gantt;
mod heatmap;
mod map;
mod messages;
mod money;
mod peers;
mod refusals;
mod requests;
mod resources;
mod sequence;
mod series;
mod source;
mod spans;
mod states;
mod survival;
mod time_to_running;

use rayon::prelude::*;

use super::chart::{Axis, BarChart, Chart, Quantity, RowChart};
use super::tables::Tables;
use crate::observe::Table;

pub use source::{Choice, PairedDifference, Run, Source, Sweep, SweepCell};

/// A plot of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Plot {
    /// Its kind, and the name of its file without `.svg`.
    pub name: &'static str,
    /// What it shows and how to read it, in a sentence or two.
    pub caption: String,
    /// What of its data is not drawn, or not one by one: the picture says it, too. None where all is drawn.
    pub left_out: Option<String>,
    /// The picture.
    pub svg: String,
    /// What is drawn, as numbers.
    pub data: Table<'static>,
}

impl Plot {
    /// Of a chart, whose table has these columns for its axes.
    fn of(name: &'static str, caption: String, chart: &Chart, x: &str, y: &str) -> Self {
        Self { name, caption, left_out: None, svg: chart.svg(), data: chart.table(x, y) }
    }

    /// Of bars, whose table has these columns for their names and values.
    fn of_bars(name: &'static str, caption: String, chart: &BarChart, bar: &str, value: &str) -> Self {
        Self { name, caption, left_out: None, svg: chart.svg(), data: chart.table(bar, value) }
    }

    /// Of rows over time, whose table has this column for their names.
    fn of_rows(name: &'static str, caption: String, chart: &RowChart, row: &str) -> Self {
        let plot = Self { name, caption, left_out: None, svg: chart.svg(), data: chart.table(row) };
        plot.leaving_out(chart.drawn_as_one())
    }

    /// The same with something that is left out, in the caption too. The picture has to say it itself.
    fn leaving_out(mut self, said: Option<String>) -> Self {
        if let Some(said) = said {
            self.caption = format!("{} Not all is drawn: {said}.", self.caption);
            let before = self.left_out.take().map_or_else(String::new, |before| format!("{before}; "));
            self.left_out = Some(before + &said);
        }
        self
    }
}

/// What a kind of plots shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// One run.
    Run,
    /// One run, or several in one picture.
    Runs,
    /// A sweep.
    Sweep,
    /// Runs or a sweep.
    RunsOrSweep,
}

/// How a kind is made.
enum Maker {
    /// Of the tables of one run.
    Tables(fn(&Tables) -> Option<Plot>),
    /// Of whatever there is; or what is missing and what gives it.
    Source(fn(&Source<'_>) -> Result<Plot, String>),
}

/// A kind of plots.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What it shows, in a sentence.
    pub about: &'static str,
    /// What it needs.
    pub needs: &'static str,
    /// What it shows one of.
    pub subject: Subject,
    /// Which of the options `metric`, `by` and `deployment` mean something to it.
    pub takes: &'static [&'static str],
    /// Whether it is part of the report of a run.
    is_in_report: bool,
    maker: Maker,
}

impl Kind {
    /// Draws it.
    ///
    /// # Errors
    /// What is missing, and which file or setting gives it.
    pub fn draw(&self, source: &Source<'_>) -> Result<Plot, String> {
        let run = match self.subject {
            Subject::Run | Subject::Runs => Some(source.run()?),
            Subject::Sweep => source.sweep().map(|_| None)?,
            Subject::RunsOrSweep => None,
        };
        match (&self.maker, run) {
            (Maker::Source(make), _) => make(source),
            (Maker::Tables(make), run) => run.and_then(|run| make(run.tables)).ok_or_else(|| {
                let name = run.map_or("", |run| &*run.name);
                format!("{name} has nothing for it: it needs {}", self.needs)
            }),
        }
    }
}

const fn of_tables(
    name: &'static str,
    about: &'static str,
    needs: &'static str,
    make: fn(&Tables) -> Option<Plot>,
) -> Kind {
    Kind {
        name,
        about,
        needs,
        subject: Subject::Run,
        takes: &[],
        is_in_report: true,
        maker: Maker::Tables(make),
    }
}

const fn of_source(
    name: &'static str,
    about: &'static str,
    needs: &'static str,
    (subject, takes): (Subject, &'static [&'static str]),
    make: fn(&Source<'_>) -> Result<Plot, String>,
) -> Kind {
    Kind { name, about, needs, subject, takes, is_in_report: false, maker: Maker::Source(make) }
}

/// All kinds, those of the report first and in its order.
pub static KINDS: [Kind; 23] = [
    of_tables(
        "deployments",
        "Deployments asked for so far, stacked by their state.",
        "series `deployments` in series.csv with a value above zero: a deployment that was asked for",
        deployments::deployments,
    ),
    of_tables(
        "states",
        "The states of each deployment over time, a row each, those that failed first.",
        "history.csv with rows `deployment_status`",
        states::states,
    ),
    of_tables(
        "time_to_running",
        "How long deployments took from submission to running, cumulated.",
        "deployments.csv with a deployment that ran",
        time_to_running::time_to_running,
    ),
    of_tables(
        "survival",
        "For how long peers stay up and allocations live (Kaplan-Meier), with what had not ended counted right.",
        "history.csv with `peer_down`, or allocations.csv with one that was lost, crashed or failed: where nothing \
         ended there is no curve",
        survival::survival,
    ),
    of_tables(
        "availability",
        "Service allocations that should run, and that do.",
        "series `services.wanted` in series.csv: an ensemble with a service",
        availability::availability,
    ),
    of_tables(
        "requests",
        "Which part of the requests is answered, and how soon.",
        "requests.csv with rows: `traffic` in the scenario",
        requests::requests,
    ),
    of_tables(
        "peers",
        "Peers that are up, and deployments that run.",
        "series `peers.up` in series.csv",
        peers::peers,
    ),
    of_tables(
        "messages",
        "Messages sent and rejected by the second, by kind.",
        "series `messages.sent` in series.csv",
        messages::messages,
    ),
    of_tables(
        "resources",
        "CPU cores held by allocations, and transfers in flight.",
        "series `resources.allocated_cpu_cores` or `flows.active` in series.csv",
        resources::resources,
    ),
    of_tables(
        "gantt",
        "Which peer ran which allocation when, how each ended, and when the peer was down.",
        "allocations.csv with rows: a deployment that found a place",
        gantt::gantt,
    ),
    Kind {
        is_in_report: true,
        ..of_source(
            "sequence",
            "The messages of one deployment between its peers, in order: by default the first that failed.",
            "messages.csv with a message of that deployment",
            (Subject::Run, &["deployment"]),
            sequence::sequence,
        )
    },
    of_tables(
        "map",
        "Where the peers are, on land and sea, and between which places most bytes went.",
        "peers.csv with places: `location` of a group of peers",
        map::map,
    ),
    of_tables(
        "connections",
        "How connections between peers behind NAT came about.",
        "connections.csv with rows: `nat` in the scenario",
        connections::connections,
    ),
    of_tables(
        "money",
        "What was invoiced under contracts, paid, and is owed.",
        "invoices.csv with rows: `contracts` in the scenario",
        money::money,
    ),
    of_tables(
        "refusals",
        "The most frequent refusals by stage and reason.",
        "refusals.csv with rows",
        refusals::refusals,
    ),
    of_source(
        "series",
        "Any series over time; of several runs the median and the band from the 10th to the 90th percentile.",
        "series.csv with the series that `--metric` names",
        (Subject::Runs, &["metric"]),
        series::series,
    ),
    of_source(
        "cdf",
        "The cumulative distribution of a span: time to running, recovery, life of allocations, start, message delay.",
        "deployments.csv, allocations.csv or messages.csv with such spans",
        (Subject::Runs, &["metric", "by"]),
        boxes::cdf,
    ),
    of_source(
        "box",
        "Median, quartiles, whiskers and outliers of a span or a sweep's metric, by group.",
        "deployments.csv, allocations.csv or messages.csv with such spans, or a finished sweep",
        (Subject::RunsOrSweep, &["metric", "by"]),
        boxes::boxes,
    ),
    of_source(
        "violin",
        "The density of a span or a sweep's metric, by group, with the box inside.",
        "deployments.csv, allocations.csv or messages.csv with such spans, or a finished sweep",
        (Subject::RunsOrSweep, &["metric", "by"]),
        boxes::violins,
    ),
    of_source(
        "heatmap",
        "The mean of a metric for each pair of values of two parameters of a sweep.",
        "a finished sweep with two parameters in its grid, or several variants under several conditions",
        (Subject::Sweep, &["metric", "by"]),
        heatmap::heatmap,
    ),
    of_source(
        "forest",
        "Paired differences of each variant of a sweep to its baseline, with 95 % intervals.",
        "a finished sweep with two variants",
        (Subject::Sweep, &["metric"]),
        forest::forest,
    ),
    of_source(
        "fragmentation",
        "How graphics cards are used over time, and what of them is free and of no use to anybody.",
        "series of graphics cards in series.csv: machines with cards in the scenario",
        (Subject::Runs, &[]),
        fragmentation::fragmentation,
    ),
    of_source(
        "capabilities",
        "Who may call whom through which token: principals as boxes, grants as arrows.",
        "capabilities.csv",
        (Subject::Run, &[]),
        capabilities::capabilities,
    ),
];

/// The kind of this name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// All plots of the report that the run has data for, in its order.
#[must_use]
pub fn plots(tables: &Tables) -> Vec<Plot> {
    let runs = [Run { name: tables.run.name.clone(), tables }];
    let source = Source { runs: &runs, sweep: None, choice: &Choice::default() };
    KINDS.par_iter().filter(|kind| kind.is_in_report).filter_map(|kind| kind.draw(&source).ok()).collect()
}

fn time_axis(tables: &Tables) -> Axis {
    Axis::new("simulated time", Quantity::Time).over(0.0, tables.run.duration_s)
}

fn count_axis(title: &str) -> Axis {
    Axis::new(title, Quantity::Number)
}

/// A length of time for people: `320 ms`, `12.3 s`, `5.2 min`, `3.4 h`.
#[must_use]
pub fn duration_text(seconds: f64) -> String {
    match seconds {
        s if s < 0.9995 => format!("{:.0} ms", s * 1000.0),
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// A share for people. Only a share of exactly one is `100 %`.
#[must_use]
pub fn percent_text(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    if share < 1.0 && text == "100.00" { "99.99 %".to_owned() } else { format!("{text} %") }
}

#[cfg(test)]
mod tests;
