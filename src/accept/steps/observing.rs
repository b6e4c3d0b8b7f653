//! What nodes tell of themselves: logs, the event bus, traces and metrics (dms-capabilities section 9).
//!
//! Whom the scenario's `observability` names is observed. What was written is looked for in the lines that the files of
//! a run would have.

use serde_json::Value;

use super::{act, check, holds};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{Play, behaviour_of};
use crate::accept::vocabulary::Chapter;
use crate::dms::actor::LoggerChange;
use crate::kernel::Span;
use crate::observe::StreamFile;
use crate::sim::setup::{OperationKind, Payload};

/// How long a node may take to change how it logs.
const LIMIT: Span = Span::secs(30);
/// How long a step waits for something to be written: longer than batches wait and metrics rest.
const WRITTEN_LIMIT: Span = Span::secs(30);

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Observability",
    entries: &[
        act(
            "{string} sets its log level to {word}",
            "at run time, until it is started again",
            |play, args| {
                let change = LoggerChange { level: Some(args.text(1).into()), ..LoggerChange::default() };
                configure(play, args.text(0), change)
            },
        ),
        act("{string} sends its logs to {string}", "the address of another Elasticsearch", |play, args| {
            let change = LoggerChange { elastic_url: Some(args.text(1).into()), ..LoggerChange::default() };
            configure(play, args.text(0), change)
        }),
        check(
            "{string} should have logged {string} as {word}",
            "a record with this message and level",
            |play, args| {
                let level = args.text(2).to_uppercase();
                written(play, StreamFile::Logs, args.text(0), &[("message", args.text(1)), ("level", &level)])
            },
        ),
        check(
            "{string} should not have logged {string}",
            "no record with this message so far",
            |play, args| not_written(play, StreamFile::Logs, args.text(0), &[("message", args.text(1))]),
        ),
        check(
            "{string} should have logged nothing as {word}",
            "no record of this level so far",
            |play, args| {
                let level = args.text(1).to_uppercase();
                not_written(play, StreamFile::Logs, args.text(0), &[("level", &level)])
            },
        ),
        check(
            "the index {string} should have {string} of {string}",
            "Elasticsearch has taken a record with this message",
            |play, args| {
                let wanted = [("index", args.text(0)), ("message", args.text(1))];
                written(play, StreamFile::Index, args.text(2), &wanted)
            },
        ),
        check(
            "the index {string} should have nothing of {string}",
            "Elasticsearch has taken no record of this node there",
            |play, args| not_written(play, StreamFile::Index, args.text(1), &[("index", args.text(0))]),
        ),
        check(
            "{string} should have published the event {string} with {string}",
            "on its bus, with this among its data",
            |play, args| {
                let wanted = [("name", args.text(1)), ("data", args.text(2))];
                written(play, StreamFile::Bus, args.text(0), &wanted)
            },
        ),
        check(
            "{string} should have traced {string}",
            "the server of traces has a transaction or a span of this name",
            |play, args| written(play, StreamFile::Traces, args.text(0), &[("name", args.text(1))]),
        ),
        check(
            "{string} should have exported the metric {string}",
            "at least once, with a value",
            |play, args| written(play, StreamFile::Metrics, args.text(0), &[("metric", args.text(1))]),
        ),
        check(
            "{string} should have exported the metric {string} with value {float}",
            "as its last value",
            |play, args| {
                written(play, StreamFile::Metrics, args.text(0), &[("metric", args.text(1))])?;
                let wanted: f64 = args.text(2).parse().unwrap_or(f64::NAN);
                let all = lines(play, StreamFile::Metrics, args.text(0));
                let own = all.iter().rev().find(|line| line["metric"] == args.text(1));
                let value = own.and_then(|line| line["value"].as_str()?.parse::<f64>().ok());
                holds(value == Some(wanted), || format!("it is {value:?}"))
            },
        ),
        check(
            "nothing of {string} should have been written",
            "no log, event, trace or metric",
            |play, args| {
                let files = [
                    StreamFile::Logs,
                    StreamFile::Index,
                    StreamFile::Bus,
                    StreamFile::Traces,
                    StreamFile::Metrics,
                ];
                files.into_iter().try_for_each(|file| not_written(play, file, args.text(0), &[]))
            },
        ),
    ],
};

fn configure(play: &mut Play<'_, '_>, name: &str, change: LoggerChange) -> Done {
    let to = play.node(name)?;
    let behaviour = behaviour_of("/dms/node/logger/config")?;
    let payload = Some(Payload::Logger(Box::new(change)));
    let kind = OperationKind::Invoke { to: to.clone(), behaviour, peer: None, payload, timeout: LIMIT };
    play.order(&to, kind, LIMIT)?.done()
}

/// What a node has written to a file so far, line by line; rows of metrics by the names of their columns.
fn lines(play: &mut Play<'_, '_>, file: StreamFile, name: &str) -> Vec<Value> {
    play.read_written();
    let name = name.to_lowercase();
    let own = play.written.iter().filter(|(of, _)| *of == file);
    let parsed = own.filter_map(|(_, line)| match file {
        StreamFile::Metrics => Some(row(line)),
        _ => serde_json::from_str(line).ok(),
    });
    parsed.filter(|line: &Value| line["peer"] == *name).collect()
}

/// A row of `peer-metrics.csv`, in which no cell has a comma.
fn row(line: &str) -> Value {
    const COLUMNS: [&str; 6] = ["time_s", "peer", "did", "metric", "attribute", "value"];
    let cells = COLUMNS.into_iter().zip(line.trim_end().split(','));
    cells.map(|(column, cell)| (column.to_owned(), Value::from(cell))).collect()
}

/// Whether a line has all that is wanted: a key with this text, or, of a map, with this text somewhere in it.
fn fits(line: &Value, wanted: &[(&str, &str)]) -> bool {
    wanted.iter().all(|(key, text)| match &line[*key] {
        Value::String(own) => own == text,
        Value::Null => false,
        other => other.to_string().contains(text),
    })
}

/// Within half a minute such a line is written.
fn written(play: &mut Play<'_, '_>, file: StreamFile, name: &str, wanted: &[(&str, &str)]) -> Done {
    let name = play.node(name)?;
    let end = play.world.now() + WRITTEN_LIMIT;
    loop {
        let all = lines(play, file, &name);
        if all.iter().any(|line| fits(line, wanted)) {
            return Ok(());
        }
        if play.world.now() >= end {
            let last: Vec<String> = all.iter().rev().take(5).map(Value::to_string).collect();
            return Failure::wrong(format!(
                "within {WRITTEN_LIMIT} it is not among {} lines, of which the last are\n{}",
                all.len(),
                last.join("\n")
            ));
        }
        play.pass(Span::secs(1));
    }
}

fn not_written(play: &mut Play<'_, '_>, file: StreamFile, name: &str, wanted: &[(&str, &str)]) -> Done {
    let name = play.node(name)?;
    let all = lines(play, file, &name);
    match all.iter().find(|line| fits(line, wanted)) {
        None => Ok(()),
        Some(line) => Failure::wrong(format!("there is {line}")),
    }
}

impl Play<'_, '_> {
    fn read_written(&mut self) {
        let lines = self.world.take_written();
        self.written.extend(lines);
    }
}
