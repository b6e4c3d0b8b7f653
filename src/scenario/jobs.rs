//! Jobs: an ensemble as a template, and where jobs come from, as scenarios write it.

use std::sync::Arc;

use super::arrivals;
use super::distribution::{write_amounts_of_bytes, write_amounts_of_time, write_things};
use super::files::{Ensemble, Files};
use super::hardware::card_memory;
use super::peers::identifier;
use super::reader::{Map, Reader, Variant};
use super::resolved::{map, text};
use super::strategy;
use super::units::write_bytes;
use super::workload::{
    Context, Request, by, contracts_of, machines, moment, shortage_of_all, template, timeout_of,
};
use crate::dms::ensemble::config::{AllocationKind, EnsembleConfig};
use crate::dms::ensemble::tree::{Node, Position};
use crate::dms::resources::Resources;
use crate::kernel::{Span, Streams};
use crate::sim::requests::take_over;
use crate::sim::setup::{Deploy, Requested};
use crate::workload::trace::azure::FILES;
use crate::workload::trace::replay::{Format, Replay, Survey};
use crate::workload::trace::{TraceError, TraceFile};
use crate::workload::{Amounts, ArrivalsConfig, CardsOfClass, JobClass, JobSource};

const KEYS: &[&str] = &[
    "by",
    "template",
    "name",
    "source",
    "count",
    "timeout",
    "contracts",
    "recovery",
    "detector",
    "priority",
];
/// Where jobs come from.
pub(super) const SOURCES: &[&str] = &["generated", "openb", "azure_v1", "swf"];
const OPENB: &[&str] = &["file", "card_memory", "from", "start", "time_scale", "load", "sample"];
const AZURE: &[&str] =
    &["flavors", "durations", "flavor_map", "interval_map", "from", "start", "time_scale", "load", "sample"];
const SWF: &[&str] = &["file", "partition", "from", "start", "time_scale", "load", "sample"];
const GENERATED: &[&str] = &["arrivals", "classes", "cpu", "ram", "disk", "gpus", "runtime"];
const CLASS: &[&str] = &["weight", "cpu", "ram", "disk", "gpus", "runtime"];
/// What a factor of times and rates may be.
const FACTORS: std::ops::RangeInclusive<f64> = 1e-6..=1e6;
const MOST_CARDS: i64 = 64;
/// So many jobs are held against the machines of the scenario.
const LOOKED_AT: u32 = 2000;

/// Reads jobs, the entry of the workload with this number.
pub(super) fn read(
    reader: &mut Reader,
    variant: &Variant<'_>,
    context: &Context<'_>,
    files: &mut Files,
    entry: u32,
) -> Option<Request> {
    let top = reader.map(variant.node, "jobs", variant.at, KEYS)?;
    let by = by(reader, &top, context);
    let help = "a DMS ensemble file with one task, as in `template: ensembles/job.yaml`";
    let ensemble = reader.required(&top, "template", help, |r, node| {
        let ensemble = template(r, node, context, files)?;
        is_template(r, node.position, &ensemble).then_some(ensemble)
    });
    let name = reader.optional(&top, "name", |r, node| identifier(r, node, "name"));
    let count = match top.node.entry("count") {
        Some(_) => reader.optional(&top, "count", |r, node| r.count(node, "count")),
        None => Some(u32::MAX),
    };
    let timeout = timeout_of(reader, &top);
    let contracts = contracts_of(reader, &top, context);
    let wishes = strategy::wishes(reader, &top, context.peers);
    let help = "where jobs come from, as in `source: {swf: {file: log.swf}}`";
    let source = reader.required(&top, "source", help, |r, node| source(r, node, context, files));
    let (source, natural) = source?;
    let (ensemble, count) = (ensemble?, count?.min(natural.unwrap_or(u32::MAX)));
    let survey = match &source {
        JobSource::Trace(replay) => {
            let end = context.duration?;
            let at = top.node.entry("source").map_or(top.at, |(key, _)| key.position);
            Some(survey(reader, at, replay, (context.seed, entry, end, count), files)?)
        }
        JobSource::Generated { .. } => None,
    };
    let at = top.node.entry("source").map_or(top.at, |(key, _)| key.position);
    fitting(reader, at, (&ensemble, &source), (context, entry, count));
    let deploy = Deploy {
        by: by?,
        name: name.map_or_else(|| ensemble.stem.clone(), |name| name.to_string()),
        ensemble: Arc::clone(&ensemble.config),
        requested: Requested::Jobs { source, survey },
        count,
        timeout: timeout?,
        shutdown_after: None,
        contracts,
        wishes,
    };
    Some(Request { deploy, copy: ensemble.copy })
}

/// Warns of jobs that no machine of the scenario could ever run, among the first that come.
fn fitting(
    reader: &mut Reader,
    at: Position,
    (template, source): (&Ensemble, &JobSource),
    (context, entry, count): (&Context<'_>, u32, u32),
) {
    let Some(machines) = machines(&context.peers.groups) else { return };
    let (mut looked_at, mut too_large, mut first) = (0_u32, 0_u32, None);
    for wanted in first_wanted(&template.config, source, (context.seed, entry), count.min(LOOKED_AT)) {
        looked_at += 1;
        if let Some(shortage) = shortage_of_all(&machines, &wanted) {
            too_large += 1;
            first.get_or_insert(shortage);
        }
    }
    if let Some(shortage) = first {
        let message =
            format!("no provider is large enough for {too_large} of the first {looked_at} jobs: {shortage}");
        reader.warning(at, message, "each of them will fail".to_owned());
    }
}

/// What so many jobs of an entry of the workload ask for, the first that come. What cannot be read is told elsewhere.
pub(super) fn first_wanted(
    template: &EnsembleConfig,
    source: &JobSource,
    (seed, entry): (u64, u32),
    count: u32,
) -> impl Iterator<Item = Resources> {
    let usual = template.allocations.values().next().map(|task| task.resources.clone()).unwrap_or_default();
    let jobs = source.jobs(Streams::new(seed), entry).into_iter().flatten().map_while(Result::ok);
    jobs.take(count as usize).map(move |job| {
        let mut wanted = usual.clone();
        take_over(&mut wanted, &job);
        wanted
    })
}

/// A template has one task, and nothing else: so it is said what takes the resources and the run time of a job.
fn is_template(reader: &mut Reader, at: Position, ensemble: &Ensemble) -> bool {
    let mut all = ensemble.config.allocations.values();
    let fits = matches!((all.next(), all.next()), (Some(only), None) if only.kind == AllocationKind::Task);
    if !fits {
        let help = "each job gives its resources and its run time to that task".to_owned();
        reader.error(at, "a template of jobs has one allocation, and that is a task", help);
    }
    fits
}

/// The source of jobs, and how many they are where it says so.
fn source(
    reader: &mut Reader,
    node: &Node,
    context: &Context<'_>,
    files: &mut Files,
) -> Option<(JobSource, Option<u32>)> {
    let variant = reader.variant(node, "a source of jobs", SOURCES)?;
    let (at, what) = (variant.at, variant.name);
    match what {
        "generated" => generated(reader, &variant, context.duration),
        "openb" => {
            let top = reader.map(variant.node, what, at, OPENB)?;
            let (file, replayed) =
                (file(reader, &top, "file", files), replayed(reader, &top, context.duration));
            let card_bytes = match top.node.entry("card_memory") {
                Some(_) => reader.optional(&top, "card_memory", card_memory).map(Some),
                None => Some(None),
            };
            Some((replayed?(Format::Openb { file: file?, card_bytes: card_bytes? }), None))
        }
        "swf" => {
            let top = reader.map(variant.node, what, at, SWF)?;
            let (file, replayed) =
                (file(reader, &top, "file", files), replayed(reader, &top, context.duration));
            let number = |r: &mut Reader, node: &Node| r.whole(node, "partition", 0, i64::MAX);
            let partition = match top.node.entry("partition") {
                Some(_) => reader.optional(&top, "partition", number).map(|number| Some(number as u64)),
                None => Some(None),
            };
            Some((replayed?(Format::Swf { file: file?, partition: partition? }), None))
        }
        _ => {
            let top = reader.map(variant.node, what, at, AZURE)?;
            let replayed = replayed(reader, &top, context.duration);
            let [flavors, durations, map, intervals] = FILES.map(|key| file(reader, &top, key, files));
            let all = Box::new([flavors?, durations?, map?, intervals?]);
            Some((replayed?(Format::AzureV1(all)), None))
        }
    }
}

fn file(reader: &mut Reader, top: &Map<'_>, key: &str, files: &mut Files) -> Option<TraceFile> {
    let help = format!("a file of the trace, as in `{key}: traces/jobs.txt.gz`");
    reader.required(top, key, &help, |r, node| {
        let path = r.text(node, key)?;
        match files.job_trace(&path) {
            Ok(file) => Some(file),
            Err(reason) => {
                let help = "the path is relative to the scenario file".to_owned();
                r.error(node.position, format!("cannot read the trace `{path}`: {reason}"), help);
                None
            }
        }
    })
}

/// How a trace is replayed.
fn replayed(
    reader: &mut Reader,
    top: &Map<'_>,
    duration: Option<Span>,
) -> Option<impl FnOnce(Format) -> JobSource + use<>> {
    let span = |reader: &mut Reader, key: &str, read: &dyn Fn(&mut Reader, &Node) -> Option<Span>| match top
        .node
        .entry(key)
    {
        Some(_) => reader.optional(top, key, read),
        None => Some(Span::ZERO),
    };
    let from = span(reader, "from", &|r, node| r.span(node, "from"));
    let start = span(reader, "start", &|r, node| moment(r, node, "start", duration));
    let (time_scale, load) = (factor(reader, top, "time_scale"), factor(reader, top, "load"));
    let sample = match top.node.entry("sample") {
        Some(_) => reader.optional(top, "sample", |r, node| positive_part(r, node, "sample")),
        None => Some(1.0),
    };
    let (from, start, time_scale, load, sample) = (from?, start?, time_scale?, load?, sample?);
    Some(move |format| JobSource::Trace(Replay { format, from, start, time_scale, load, sample }))
}

/// A fraction above 0.
fn positive_part(reader: &mut Reader, node: &Node, what: &str) -> Option<f64> {
    let part = reader.fraction(node, what)?;
    if part <= 0.0 {
        reader.error(node.position, format!("`{what}` must be above 0%"), None);
        return None;
    }
    Some(part)
}

fn factor(reader: &mut Reader, top: &Map<'_>, key: &str) -> Option<f64> {
    if top.node.entry(key).is_none() {
        return Some(1.0);
    }
    reader.optional(top, key, |r, node| {
        let factor = r.number(node, key)?;
        if !FACTORS.contains(&factor) {
            let message = format!("`{key}` must be between a millionth and a million, not {factor}");
            r.error(node.position, message, "1 leaves the trace as it is".to_owned());
            return None;
        }
        Some(factor)
    })
}

/// Reads a trace once, so that all that is wrong with it is told before the run.
fn survey(
    reader: &mut Reader,
    at: Position,
    replay: &Replay,
    (seed, entry, end, count): (u64, u32, Span, u32),
    files: &mut Files,
) -> Option<Survey> {
    match replay.survey(Streams::new(seed), entry, end, u64::from(count)) {
        Ok(survey) if survey.rows == 0 => {
            let left_out = survey.left_out;
            let message = format!("the trace has no jobs of which enough is known ({left_out} are left out)");
            reader.error(
                at,
                message,
                "a job needs a time and a run time, and the partition that is asked for".to_owned(),
            );
            None
        }
        Ok(survey) => {
            if survey.jobs == 0 {
                let message = "no job of the trace comes before the end of the run";
                let help =
                    "the first comes at `start`; look at `from`, `time_scale` and `duration`".to_owned();
                reader.warning(at, message, help);
            }
            Some(survey)
        }
        Err((errors, mut unshown)) => {
            for (place, file) in replay.format.files().iter().enumerate() {
                let of_file = errors.iter().filter(|error| error.file == place);
                let of_file: Vec<_> = of_file.map(|TraceError { row, .. }| row.clone()).collect();
                if !of_file.is_empty() {
                    files.report_rows(file, (of_file, std::mem::take(&mut unshown)));
                }
            }
            None
        }
    }
}

fn generated(
    reader: &mut Reader,
    variant: &Variant<'_>,
    duration: Option<Span>,
) -> Option<(JobSource, Option<u32>)> {
    let top = reader.map(variant.node, "generated", variant.at, GENERATED)?;
    let help = "when jobs come, as in `arrivals: {poisson: {mean: 60s}}`";
    let arrivals = reader.required(&top, "arrivals", help, |r, node| arrivals::read(r, node, duration));
    let classes = match top.node.entry("classes") {
        Some((key, list)) => {
            let inline = &GENERATED[2..];
            if let Some((stray, _)) =
                variant.node.entries().iter().find(|(key, _)| inline.contains(&&*key.text))
            {
                let message = format!("`{}` belongs into each of the `classes`", stray.text);
                reader.error(stray.position, message, None);
                return None;
            }
            if list.items().is_empty() {
                let help = "write `[{weight: 3, cpu: 1, runtime: 5m}, ...]`".to_owned();
                reader.wrong_type(list, "`classes`", "a list with a class at least", help);
                return None;
            }
            let read: Vec<Option<JobClass>> = list
                .items()
                .iter()
                .map(|item| {
                    let top = reader.map(item, "class", item.position, CLASS)?;
                    class(reader, &top)
                })
                .collect();
            (key.position, read.into_iter().collect::<Option<Vec<_>>>()?)
        }
        None => (variant.at, vec![class(reader, &top)?]),
    };
    let ((arrivals, natural), (at, classes)) = (arrivals?, classes);
    let source = JobSource::Generated { arrivals, classes };
    if let Err((_, error)) = source.check() {
        reader.error(at, error, None);
        return None;
    }
    Some((source, natural))
}

fn class(reader: &mut Reader, top: &Map<'_>) -> Option<JobClass> {
    let weight = match top.node.entry("weight") {
        Some(_) => reader.optional(top, "weight", |r, node| r.whole(node, "weight", 1, 1_000_000)),
        None => Some(1),
    };
    let mut amounts =
        |key: &str, read: fn(&mut Reader, &Node, &str) -> Option<Amounts>| match top.node.entry(key) {
            Some(_) => reader.optional(top, key, |r, node| read(r, node, key)).map(Some),
            None => Some(None),
        };
    let cpu = amounts("cpu", Reader::amounts_of_things);
    let ram = amounts("ram", Reader::amounts_of_bytes);
    let disk = amounts("disk", Reader::amounts_of_bytes);
    let gpus = match top.node.entry("gpus") {
        Some(_) => reader.optional(top, "gpus", cards).map(Some),
        None => Some(None),
    };
    let help = "how long a job runs, as in `runtime: {lognormal: {median: 5m, sigma: 1}, max: 12h}`";
    let runtime = reader.required(top, "runtime", help, |r, node| r.amounts_of_time(node, "runtime"));
    Some(JobClass {
        weight: weight? as u32,
        cpu: cpu?,
        ram: ram?,
        disk: disk?,
        gpus: gpus?,
        runtime: runtime?,
    })
}

/// How many cards, or also what of each.
fn cards(reader: &mut Reader, node: &Node) -> Option<CardsOfClass> {
    if !node.is_map() {
        let count = reader.whole(node, "gpus", 0, MOST_CARDS)?;
        let count = Amounts::constant(count as f64);
        return Some(CardsOfClass { count, share: 1.0, card_bytes: None, model: None });
    }
    let top = reader.map(node, "gpus", node.position, &["count", "share", "card_memory", "model"])?;
    let help = "how many, as in `count: 1`";
    let count = reader.required(&top, "count", help, |r, node| r.amounts_of_things(node, "count"));
    let share = match node.entry("share") {
        Some(_) => reader.optional(&top, "share", |r, node| positive_part(r, node, "share")),
        None => Some(1.0),
    };
    let card_bytes = match node.entry("card_memory") {
        Some(_) => reader.optional(&top, "card_memory", card_memory).map(Some),
        None => Some(None),
    };
    let model = match node.entry("model") {
        Some(_) => reader.optional(&top, "model", |r, node| r.text(node, "model")).map(Some),
        None => Some(None),
    };
    Some(CardsOfClass { count: count?, share: share?, card_bytes: card_bytes?, model: model? })
}

/// Jobs with every default written out.
pub(super) fn write(deploy: &Deploy, source: &JobSource, copy: &str) -> String {
    let contracts: Vec<String> = deploy.contracts.iter().map(|name| text(name)).collect();
    let content = map(&[
        ("by", Some(text(&deploy.by.name))),
        ("template", Some(text(&format!("ensembles/{copy}.yaml")))),
        ("name", Some(text(&deploy.name))),
        ("source", Some(write_source(source))),
        ("count", (deploy.count != u32::MAX).then(|| deploy.count.to_string())),
        ("timeout", Some(deploy.timeout.to_string())),
        ("contracts", (!contracts.is_empty()).then(|| format!("[{}]", contracts.join(", ")))),
        ("recovery", deploy.wishes.recovery.as_ref().map(strategy::write_recovery)),
        ("detector", deploy.wishes.detector.map(strategy::write_detector)),
        ("priority", deploy.wishes.priority.map(|priority| priority.to_string())),
    ]);
    format!("jobs: {content}")
}

fn write_source(source: &JobSource) -> String {
    let replay = match source {
        JobSource::Generated { arrivals, classes } => return write_generated(arrivals, classes),
        JobSource::Trace(replay) => replay,
    };
    let file = |file: &TraceFile| Some(text(&format!("traces/{}", file.copy)));
    let mut entries = match &replay.format {
        Format::Openb { file: pods, card_bytes } => {
            vec![("file", file(pods)), ("card_memory", card_bytes.map(write_bytes))]
        }
        Format::Swf { file: log, partition } => {
            vec![("file", file(log)), ("partition", partition.map(|number| number.to_string()))]
        }
        Format::AzureV1(files) => FILES.iter().copied().zip(files.iter().map(file)).collect(),
    };
    entries.extend([
        ("from", Some(replay.from.to_string())),
        ("start", Some(replay.start.to_string())),
        ("time_scale", Some(replay.time_scale.to_string())),
        ("load", Some(replay.load.to_string())),
        ("sample", (replay.sample < 1.0).then(|| replay.sample.to_string())),
    ]);
    let name = match replay.format {
        Format::Openb { .. } => "openb",
        Format::AzureV1(_) => "azure_v1",
        Format::Swf { .. } => "swf",
    };
    format!("{{{name}: {}}}", map(&entries))
}

fn write_generated(times: &ArrivalsConfig, classes: &[JobClass]) -> String {
    let classes: Vec<String> = classes.iter().map(write_class).collect();
    format!("{{generated: {{arrivals: {}, classes: [{}]}}}}", arrivals::write(times), classes.join(", "))
}

fn write_class(class: &JobClass) -> String {
    let gpus = class.gpus.as_ref().map(|cards| {
        map(&[
            ("count", Some(write_things(&cards.count))),
            ("share", Some(cards.share.to_string())),
            ("card_memory", cards.card_bytes.map(write_bytes)),
            ("model", cards.model.as_deref().map(text)),
        ])
    });
    map(&[
        ("weight", Some(class.weight.to_string())),
        ("cpu", class.cpu.as_ref().map(write_things)),
        ("ram", class.ram.as_ref().map(write_amounts_of_bytes)),
        ("disk", class.disk.as_ref().map(write_amounts_of_bytes)),
        ("gpus", gpus),
        ("runtime", Some(write_amounts_of_time(&class.runtime))),
    ])
}
