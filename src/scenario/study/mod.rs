//! A study: one scenario in several variants under several conditions, each with a name and some overrides.

use std::path::{Path, PathBuf};
use std::sync::Arc;

mod grid;

use super::diagnostic::{Diagnostic, Sources};
use super::files::Files;
use super::reader::{Map, Reader};
use super::{Loaded, Overrides, Report, yaml};
use crate::dms::ensemble::Finding;
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::{Node, Position};
use crate::kernel::Span;
use crate::observe::sweep::MOST_CELLS;
use crate::observe::{Text, metric as metric_of};

const KEYS: &[&str] = &[
    "version",
    "name",
    "scenario",
    "seed",
    "replications",
    "conditions",
    "baseline",
    "variants",
    "grid",
    "warm_up",
    "metrics",
];
/// How the mean of a series is called beside metrics.
const MEAN_OF: &str = "mean of ";
const MOST_REPLICATIONS: i64 = 10_000;

/// What is compared.
#[derive(Clone, PartialEq, Debug)]
pub struct Study {
    /// Its name, which names its results.
    pub name: String,
    /// The scenario of all its runs.
    pub scenario: PathBuf,
    /// The seed of the seeds of its replications.
    pub seed: u64,
    /// How many runs of each variant under each condition; at most so many where they end by themselves.
    pub replications: u32,
    /// When there are enough of them; none = when they are as many as that.
    pub until: Option<Until>,
    /// How much of the beginning of series does not count.
    pub warm_up: Beginning,
    /// Under what it is compared; one at least.
    pub conditions: Vec<Variant>,
    /// What is compared; one at least.
    pub variants: Vec<Variant>,
    /// The place of the variant to which all others are compared.
    pub baseline: usize,
    /// By which metrics; one at least.
    pub metrics: Vec<Wanted>,
}

/// When there are enough replications: as soon as a metric is known well enough for every variant under every
/// condition.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Until {
    /// The place of the metric.
    pub metric: usize,
    /// Half of its 95 % interval may be this part of its mean.
    pub relative: f64,
    /// So many at least.
    pub at_least: u32,
}

/// How much of the beginning of a series tells of how it began, and does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beginning {
    /// This much simulated time.
    For(Span),
    /// As much as MSER-5 cuts off, run by run.
    Found,
}

/// A metric, and which of two values of it is the better one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Its name.
    pub metric: String,
    /// Whether the higher one is.
    pub higher: bool,
    /// The series of which it is the mean, by what it samples and its labels; none = a metric of the whole run.
    pub series: Option<(String, String)>,
}

/// Some overrides with a name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// As behind `--set`.
    pub set: Vec<String>,
    /// Its place in a grid: paths with their values, which are in `set` too.
    pub parameters: Vec<(String, String)>,
    /// How many replications there are of it; none = as many as of the study.
    pub replications: Option<u32>,
}

impl Study {
    /// The scenario of a variant under a condition. `metrics` are the names that its expectations may use.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(&self, condition: usize, variant: usize, metrics: &[&str]) -> Result<Loaded, Report> {
        let loaded = super::load(&self.scenario, &self.overrides(condition, variant), metrics)?;
        let duration = loaded.setup.duration;
        match self.warm_up {
            Beginning::For(warm_up)
                if warm_up >= duration && self.metrics.iter().any(|one| one.series.is_some()) =>
            {
                let message =
                    format!("`warm_up: {warm_up}` of the study leaves nothing of a run of {duration}");
                let finding =
                    Finding::error(Position::START, message).with_help("make it shorter".to_owned());
                let shown = super::shown(&self.scenario);
                let diagnostics = vec![Diagnostic::new("study", &shown, finding)];
                Err(Report { diagnostics, sources: Sources::new() })
            }
            _ => Ok(loaded),
        }
    }

    /// The overrides of a variant under a condition. What a variant sets wins.
    #[must_use]
    pub fn overrides(&self, condition: usize, variant: usize) -> Overrides {
        let set = self.conditions[condition].set.iter().chain(&self.variants[variant].set);
        Overrides { set: set.cloned().collect(), seed: None }
    }
}

/// The names of all series, as a study writes them: with their labels in braces.
#[must_use]
pub fn series_names() -> Vec<String> {
    let name = |(metric, labels): (Text, Text)| match &*labels {
        "" => metric.to_string(),
        labels => format!("{metric}{{{labels}}}"),
    };
    crate::sim::ledger::series::names().into_iter().map(name).collect()
}

/// Whether a study may measure it: a metric, or the mean of a series.
#[must_use]
pub fn is_measurable(name: &str) -> bool {
    let series = name.strip_prefix(MEAN_OF);
    metric_of(name).is_some()
        || series.is_some_and(|series| series_names().iter().any(|known| known == series))
}

/// Whether a file is a study, by one of its keys.
#[must_use]
pub(super) fn key_of_studies(root: &Node) -> Option<&'static str> {
    ["replications", "variants", "grid"].into_iter().find(|key| root.get(key).is_some())
}

/// Checks a study with its scenario in every variant under every condition; what is wrong with the first of these that
/// cannot be used is said.
pub(super) fn check(path: &Path, metrics: &[&str]) -> Report {
    let study = match load_study(path, metrics) {
        Ok(study) => study,
        Err(report) => return report,
    };
    let pairs = (0..study.conditions.len())
        .flat_map(|condition| (0..study.variants.len()).map(move |variant| (condition, variant)));
    for (condition, variant) in pairs {
        if let Err(mut report) = study.load(condition, variant, metrics) {
            let (variant, condition) = (&study.variants[variant].name, &study.conditions[condition].name);
            let message = format!("its scenario cannot be used as `{variant}` under `{condition}`");
            let finding = Finding::error(Position::START, message);
            let shown = super::shown(path);
            report.diagnostics.insert(0, Diagnostic::new("study", &shown, finding));
            return report;
        }
    }
    Report::default()
}

/// Reads a study. Its scenario is not looked at. `metrics` are the names that it may use.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_study(path: &Path, metrics: &[&str]) -> Result<Study, Report> {
    let shown = super::shown(path);
    let bytes = super::bytes_of(path)?;
    let mut files = Files::beside(path);
    files.note(&shown, &shown, &bytes);
    let (study, findings) = match yaml::parse(&bytes) {
        Err(findings) => (None, findings),
        Ok(root) => {
            let mut reader = Reader::default();
            let study = read(&mut reader, &root, path, metrics);
            (study, reader.findings.into_sorted())
        }
    };
    let place = |finding| Diagnostic::new("study", &shown, finding);
    let report = Report { diagnostics: findings.into_iter().map(place).collect(), sources: files.sources };
    study.filter(|_| !report.has_errors()).ok_or(report)
}

fn read(reader: &mut Reader, root: &Node, path: &Path, metrics: &[&str]) -> Option<Study> {
    let top = reader.map(root, "a study", root.position, KEYS)?;
    reader.required(&top, "version", "write `version: 1`", |r, node| r.whole(node, "version", 1, 1));
    let name = reader.optional(&top, "name", |r, node| super::peers::identifier(r, node, "name"));
    let help = "the file of a scenario, as in `scenario: base.yaml`";
    let scenario = reader.required(&top, "scenario", help, |r, node| r.text(node, "scenario"));
    let seed = reader.optional(&top, "seed", |r, node| r.whole(node, "seed", 0, i64::MAX));
    let help = "how many runs of each, as in `replications: 20`";
    let replications = reader.required(&top, "replications", help, replications);
    let (conditions, variants) = arms(reader, &top);
    let names: Vec<&str> = variants.iter().map(|variant| variant.name.as_str()).collect();
    let baseline = reader.optional(&top, "baseline", |r, node| {
        let text = r.text(node, "baseline")?;
        let place = names.iter().position(|name| *name == &*text);
        if place.is_none() {
            r.error(
                node.position,
                format!("`{text}` is no variant"),
                suggestion(&text, names.iter().copied()),
            );
        }
        place
    });
    let mut wanted: Vec<Wanted> = Vec::new();
    for item in reader.list(&top, "metrics") {
        let Some(one) = metric(reader, item, metrics) else { continue };
        if wanted.iter().any(|other| other.metric == one.metric) {
            reader.error(item.position, format!("`{}` stands here twice", one.metric), None);
        }
        wanted.push(one);
    }
    if wanted.is_empty() {
        let help = "as in `metrics: [{higher: services.availability}, {lower: work.wasted}]`".to_owned();
        reader.error(top.at, "a study needs `metrics` by which it compares".to_owned(), help);
    }
    let warm_up = reader.optional(&top, "warm_up", beginning);
    let (replications, until) = replications?;
    let until = match until {
        Some(until) => Some(until.among(reader, &wanted)?),
        None => None,
    };
    let known = replications.min(MOST_REPLICATIONS as u32);
    check_replications(reader, &top, (&conditions, &variants), (known, until.is_some()));
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Some(Study {
        name: name.map_or(stem, |name| name.to_string()),
        scenario: path.parent().unwrap_or(Path::new("")).join(&*scenario?),
        seed: seed.unwrap_or(42).unsigned_abs(),
        replications,
        until,
        warm_up: warm_up.unwrap_or(Beginning::For(Span::ZERO)),
        conditions,
        variants,
        baseline: baseline.unwrap_or(0),
        metrics: wanted,
    })
}

/// Whether there is something to run, and not too much.
fn check_replications(
    reader: &mut Reader,
    top: &Map<'_>,
    (conditions, variants): (&[Variant], &[Variant]),
    (replications, ends): (u32, bool),
) {
    let own = |variant: &Variant| variant.replications.unwrap_or(replications);
    for variant in variants.iter().filter(|variant| own(variant) > replications) {
        let message =
            format!("`{}` has {} replications, the study {replications}", variant.name, own(variant));
        reader.error(top.at, message, "a variant may have fewer".to_owned());
    }
    if ends && !variants.is_empty() && variants.iter().all(|variant| variant.replications.is_some()) {
        let help = "leave `replications` out of one of the variants at least".to_owned();
        reader.error(
            top.at,
            "a study of which every variant has its own end needs no `until`".to_owned(),
            help,
        );
    }
    let cells = variants.iter().map(|variant| u64::from(own(variant))).sum::<u64>() * conditions.len() as u64;
    if cells > MOST_CELLS {
        too_large(reader, top, &format!("{cells} runs"));
    }
}

fn too_large(reader: &mut Reader, top: &Map<'_>, what: &str) {
    let help = format!("at most {MOST_CELLS} are planned; split it into several studies");
    reader.error(top.at, format!("the study has {what}"), help);
}

/// Under what is compared, and what. A grid alone is what is compared; beside variants it is under what.
fn arms(reader: &mut Reader, top: &Map<'_>) -> (Vec<Variant>, Vec<Variant>) {
    let points = grid::points(reader, top);
    let written = |reader: &mut Reader, key, keys| {
        top.node.entry(key).map(|_| variants(reader, top, key, keys)).unwrap_or_default()
    };
    let conditions = written(reader, "conditions", &["name", "set"]);
    if top.node.entry("variants").is_none() && top.node.entry("grid").is_some() {
        return (or_as_it_is(conditions), points);
    }
    let variants = variants(reader, top, "variants", &["name", "set", "replications"]);
    let conditions = match conditions.is_empty() {
        true if !points.is_empty() => points,
        // More than can be planned are not put together first.
        _ if (conditions.len() * points.len().max(1)) as u64 > MOST_CELLS => {
            let what = format!("{} conditions at {} points each", conditions.len(), points.len());
            too_large(reader, top, &what);
            Vec::new()
        }
        _ => grid::cross(or_as_it_is(conditions), &points),
    };
    (conditions, variants)
}

fn or_as_it_is(conditions: Vec<Variant>) -> Vec<Variant> {
    if !conditions.is_empty() {
        return conditions;
    }
    vec![Variant { name: "as it is".to_owned(), ..Variant::default() }]
}

/// `2h`, or `auto`.
fn beginning(reader: &mut Reader, node: &Node) -> Option<Beginning> {
    match node.as_text() {
        Some(text) if &**text == "auto" => Some(Beginning::Found),
        _ => reader.span(node, "warm_up").map(Beginning::For),
    }
}

/// What is said of when there are enough replications.
struct Written {
    metric: Arc<str>,
    at: Position,
    relative: f64,
    at_least: u32,
}

impl Written {
    /// With the place of its metric among those of the study.
    fn among(self, reader: &mut Reader, wanted: &[Wanted]) -> Option<Until> {
        let Self { metric, at, relative, at_least } = self;
        let Some(place) = wanted.iter().position(|one| one.metric == *metric) else {
            let names = wanted.iter().map(|one| one.metric.as_str());
            let help = suggestion(&metric, names)
                .unwrap_or_else(|| format!("add it to `metrics`, as in `- higher: {metric}`"));
            reader.error(at, format!("`{metric}` is not among the metrics of the study"), help);
            return None;
        };
        Some(Until { metric: place, relative, at_least })
    }
}

/// `20`, or `{until: services.availability, half_width: 2%, at_least: 10, at_most: 200}`: how many at most, and when
/// there are enough.
fn replications(reader: &mut Reader, node: &Node) -> Option<(u32, Option<Written>)> {
    let whole = |r: &mut Reader, node: &Node, what| {
        r.whole(node, what, 1, MOST_REPLICATIONS).and_then(|count| u32::try_from(count).ok())
    };
    if !node.is_map() {
        return whole(reader, node, "replications").map(|count| (count, None));
    }
    let keys = &["until", "half_width", "at_least", "at_most"];
    let map = reader.map(node, "replications", node.position, keys)?;
    let help = "the metric that is to be known well enough, as in `until: services.availability`";
    let metric =
        reader.required(&map, "until", help, |r, node| Some((r.text(node, "until")?, node.position)));
    let help = "half of its 95 % interval as a part of its mean, as in `half_width: 2%`";
    let relative = reader.required(&map, "half_width", help, |r, node| {
        let part = r.fraction(node, "half_width")?;
        if part <= 0.0 {
            let help = "a hundredth is `1%`".to_owned();
            r.error(node.position, "an interval without any width needs runs without end", help);
            return None;
        }
        Some(part)
    });
    let at_least = reader.optional(&map, "at_least", |r, node| whole(r, node, "at_least")).unwrap_or(10);
    let help = "how many runs there are at most, as in `at_most: 200`";
    let at_most = reader.required(&map, "at_most", help, |r, node| whole(r, node, "at_most"))?;
    if at_least > at_most {
        let help = "it ends with `at_most` in any case".to_owned();
        reader.error(
            node.position,
            format!("`at_least: {at_least}` is more than `at_most: {at_most}`"),
            help,
        );
        return None;
    }
    let (metric, at) = metric?;
    Some((at_most, Some(Written { metric, at, relative: relative?, at_least })))
}

/// A list of names with overrides; an error if it is empty, or a name stands in it twice.
fn variants(reader: &mut Reader, top: &Map<'_>, key: &str, keys: &'static [&'static str]) -> Vec<Variant> {
    let items = reader.list(top, key);
    let mut all: Vec<Variant> = Vec::new();
    for item in items {
        let Some(map) = reader.map(item, key, item.position, keys) else { continue };
        let name = reader.required(&map, "name", "a name of its own", |r, node| r.text(node, "name"));
        let set = reader.list(&map, "set").iter().filter_map(|node| reader.text(node, "an override"));
        let set = set.map(|text| text.to_string()).collect();
        let replications = reader
            .optional(&map, "replications", |r, node| r.whole(node, "replications", 1, MOST_REPLICATIONS))
            .map(|count| count as u32);
        let Some(name) = name else { continue };
        if all.iter().any(|other| *other.name == *name) {
            reader.error(item.position, format!("`{name}` stands here twice"), None);
        }
        all.push(Variant { name: name.to_string(), set, parameters: Vec::new(), replications });
    }
    if items.is_empty() {
        let help = format!("as in `{key}: [{{name: one, set: [seed=1]}}]`");
        reader.error(top.at, format!("a study needs `{key}`"), help);
    }
    all
}

/// `higher: services.availability`, or `lower: {mean_of: messages.rejected}`.
fn metric(reader: &mut Reader, node: &Node, metrics: &[&str]) -> Option<Wanted> {
    let variant = reader.variant(node, "what is better", &["higher", "lower"])?;
    let (node, higher) = (variant.node, variant.name == "higher");
    if node.is_map() {
        return series(reader, node, &series_names()).map(|wanted| Wanted { higher, ..wanted });
    }
    let text = reader.text(node, "a metric")?;
    if metrics.contains(&&*text) {
        return Some(Wanted { metric: text.to_string(), higher, series: None });
    }
    let help = suggestion(&text, metrics.iter().copied())
        .unwrap_or_else(|| "`dmsim list metrics` lists all of them".to_owned());
    reader.error(node.position, format!("`{text}` is not a metric"), help);
    None
}

/// The mean of a series: `mean_of: deployments{status=running}`.
fn series(reader: &mut Reader, node: &Node, known: &[String]) -> Option<Wanted> {
    let map = reader.map(node, "a mean", node.position, &["mean_of"])?;
    let help = "a series, as in `mean_of: peers.up`";
    let (text, at) =
        reader.required(&map, "mean_of", help, |r, node| Some((r.text(node, "mean_of")?, node.position)))?;
    if !known.iter().any(|name| *name == *text) {
        let help = suggestion(&text, known.iter().map(String::as_str))
            .unwrap_or_else(|| format!("known are {}", known.join(", ")));
        reader.error(at, format!("`{text}` is not a series"), help);
        return None;
    }
    let (metric, labels) = text.split_once('{').unwrap_or((&text, ""));
    let series = Some((metric.to_owned(), labels.trim_end_matches('}').to_owned()));
    Some(Wanted { metric: format!("{MEAN_OF}{text}"), higher: true, series })
}
