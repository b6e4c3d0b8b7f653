//! `metrics.om`: the series and the final metrics of a run as OpenMetrics text, with timestamps, so that a time series
//! database can take them up as if they had been scraped.
//!
//! All samples of a family must stand together, so the file is written at the end, from rows that the run has anyway.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::metrics::metric;
use super::record::Preface;
use super::rows::{MetricRow, SeriesRow};
use crate::kernel::{Span, Time};

/// Before all names, so that they are told from those of others.
const PREFIX: &str = "dmsim_";
/// Before the names of final metrics, of which some are named like series.
const FINAL_PREFIX: &str = "dmsim_run_";

/// What is known of a series that a final metric does not say: name, unit, whether it counts up, definition.
const SERIES: &[(&str, &str, bool, &str)] = &[
    ("peers.up", "", false, "peers that are up"),
    ("deployments", "", false, "deployments by their status"),
    ("services.wanted", "", false, "service allocations that should run"),
    ("services.running", "", false, "service allocations that run"),
    ("messages.sent", "", true, "messages handed to the network"),
    ("messages.rejected", "", true, "messages that a receiver refused to handle"),
    ("flows.active", "", false, "large transfers under way"),
    ("resources.allocated_cpu_cores", "cores", false, "cores that allocations hold"),
    ("cards.allocation_ratio", "", false, "part of all graphics cards that is held"),
    ("cards.fragmentation", "", false, "part of all graphics cards that is free and of no use"),
];

/// One family of samples.
struct Family {
    kind: &'static str,
    unit: &'static str,
    help: String,
    /// Labels as text, milliseconds or nothing, value.
    samples: Vec<(String, Time, f64)>,
}

/// The unit as the names of metrics have it.
fn unit_word(unit: &str) -> &'static str {
    match unit {
        "s" => "seconds",
        "h" => "hours",
        "B" => "bytes",
        "fraction" => "ratio",
        "core-hours" => "core_hours",
        "cores" => "cores",
        _ => "",
    }
}

/// A name of letters, digits and `_`.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// A name that ends with its unit.
fn name_of(prefix: &str, name: &str, more: &str, unit: &str) -> String {
    let plain = format!("{}{more}", clean(name));
    let plain = plain.strip_suffix("_fraction").filter(|_| unit == "ratio").unwrap_or(&plain);
    let ends_so = unit.is_empty() || plain == unit || plain.ends_with(&format!("_{unit}"));
    if ends_so { format!("{prefix}{plain}") } else { format!("{prefix}{plain}_{unit}") }
}

/// A text within quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The labels of a row and of the whole run, as they stand between braces.
fn braces(run: &[(&str, String)], labels: &str) -> String {
    let of_row = labels.split(';').filter_map(|pair| pair.split_once('='));
    let of_row = of_row.map(|(key, value)| format!("{}=\"{}\"", clean(key), escaped(value)));
    let of_run = run.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value)));
    of_row.chain(of_run).collect::<Vec<_>>().join(",")
}

fn number(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        format!("{value}")
    }
}

/// Seconds since the Unix epoch, exactly.
fn timestamp(preface: &Preface, at: Time) -> String {
    let ns = preface.unix_ns(at);
    format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)
}

fn of_series(families: &mut BTreeMap<String, Family>, run: &[(&str, String)], rows: &[SeriesRow]) {
    for row in rows.iter().filter(|row| !row.value.is_nan()) {
        let known = SERIES.iter().find(|(name, ..)| *name == &*row.metric);
        let (_, unit, counts, help) = known.copied().unwrap_or(("", "", false, "sampled every minute"));
        let name = name_of(PREFIX, &row.metric, "", unit);
        let family = families.entry(name).or_insert_with(|| Family {
            kind: if counts { "counter" } else { "gauge" },
            unit,
            help: help.to_owned(),
            samples: Vec::new(),
        });
        let at = Time::ZERO + Span::from_secs_f64(row.time_s);
        family.samples.push((braces(run, &row.labels), at, row.value));
    }
}

fn of_metrics(
    families: &mut BTreeMap<String, Family>,
    run: &[(&str, String)],
    rows: &[MetricRow],
    end: Time,
) {
    for row in rows.iter().filter(|row| !row.value.is_nan()) {
        // A row of the whole run is the sum of those with a label, so it must not stand among them.
        let keys: Vec<_> = row.labels.split(';').filter_map(|pair| pair.split_once('=')).collect();
        let by: String = keys.iter().map(|(key, _)| format!("_by_{}", clean(key))).collect();
        let unit = unit_word(&row.unit);
        let name = name_of(FINAL_PREFIX, &row.metric, &by, unit);
        let definition = metric(&row.metric).map_or("", |metric| metric.definition);
        let counted = if unit.is_empty() { format!(" ({})", row.unit) } else { String::new() };
        let family = families.entry(name).or_insert_with(|| Family {
            kind: "gauge",
            unit,
            help: format!("{definition}{counted}; at the end of the run"),
            samples: Vec::new(),
        });
        family.samples.push((braces(run, &row.labels), end, row.value));
    }
}

/// Writes all of it: series, final metrics at `end`, and what the run was.
///
/// # Errors
/// What the sink says.
pub fn write_open_metrics(
    out: &mut dyn Write,
    preface: &Preface,
    (series, metrics): (&[SeriesRow], &[MetricRow]),
    end: Time,
) -> io::Result<()> {
    let run = [("scenario", preface.name.clone()), ("seed", preface.seed.to_string())];
    let mut families = BTreeMap::new();
    of_series(&mut families, &run, series);
    of_metrics(&mut families, &run, metrics, end);
    writeln!(out, "# TYPE dmsim_run info")?;
    writeln!(out, "# HELP dmsim_run What was run.")?;
    let [profile, signatures] = [&preface.profile, &preface.signatures].map(|text| escaped(text));
    writeln!(
        out,
        "dmsim_run_info{{profile=\"{profile}\",signatures=\"{signatures}\",{}}} 1 {}",
        braces(&run, ""),
        timestamp(preface, end)
    )?;
    for (name, mut family) in families {
        writeln!(out, "# TYPE {name} {}", family.kind)?;
        if !family.unit.is_empty() {
            writeln!(out, "# UNIT {name} {}", family.unit)?;
        }
        writeln!(out, "# HELP {name} {}", escaped(&family.help))?;
        // Samples of one set of labels stand together, in the order of their times.
        family.samples.sort_by(|(one, at, _), (other, then, _)| (one, at).cmp(&(other, then)));
        let suffix = if family.kind == "counter" { "_total" } else { "" };
        for (labels, at, value) in family.samples {
            let (value, at) = (number(value), timestamp(preface, at));
            writeln!(out, "{name}{suffix}{{{labels}}} {value} {at}")?;
        }
    }
    out.write_all(b"# EOF\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Timestamp;
    use crate::observe::labels;

    fn text(series: &[SeriesRow], metrics: &[MetricRow]) -> String {
        let preface = Preface {
            name: "a \"b\"".to_owned(),
            seed: 7,
            profile: "intended".to_owned(),
            signatures: "modelled".to_owned(),
            epoch: Timestamp(1_000_000_000_000_000_000),
            peers: Vec::new(),
        };
        let mut out = Vec::new();
        write_open_metrics(&mut out, &preface, (series, metrics), Time(2_500_000_000)).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn final_of(metric: &str, labels: &str, value: f64, unit: &str) -> MetricRow {
        MetricRow { metric: metric.into(), labels: labels.into(), value, unit: unit.into() }
    }

    #[test]
    fn names_end_with_their_units() {
        assert_eq!(
            name_of(PREFIX, "time_to_running.p50", "", "seconds"),
            "dmsim_time_to_running_p50_seconds"
        );
        assert_eq!(name_of(PREFIX, "messages.bytes", "", "bytes"), "dmsim_messages_bytes");
        assert_eq!(name_of(PREFIX, "peers.up_fraction", "", "ratio"), "dmsim_peers_up_ratio");
        assert_eq!(name_of(PREFIX, "a.b", "_by_way", "ratio"), "dmsim_a_b_by_way_ratio");
    }

    #[test]
    fn samples_have_their_times_and_texts_are_escaped() {
        let row = |time_s, value| SeriesRow {
            time_s,
            metric: "deployments".into(),
            labels: labels(&[("status", "run\\ning")]),
            value,
        };
        let text = text(&[row(0.0, 1.0), row(0.25, 2.0)], &[]);
        let labels = r#"{status="run\\ning",scenario="a \"b\"",seed="7"}"#;
        assert!(text.contains(&format!("dmsim_deployments{labels} 1 1000000000.000000000\n")), "{text}");
        assert!(text.contains(&format!("dmsim_deployments{labels} 2 1000000000.250000000\n")), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn sums_stand_apart_from_their_parts_and_what_was_not_measured_is_missing() {
        let text = text(
            &[],
            &[
                final_of("messages.lost", "", 3.0, "messages"),
                final_of("messages.lost", "reason=loss", 3.0, "messages"),
                final_of("recovery_time.p50", "", f64::NAN, "s"),
            ],
        );
        let run = r#"scenario="a \"b\"",seed="7"} 3 1000000002.500000000"#;
        assert!(text.contains(&format!("\ndmsim_run_messages_lost{{{run}\n")), "{text}");
        assert!(
            text.contains(&format!("\ndmsim_run_messages_lost_by_reason{{reason=\"loss\",{run}\n")),
            "{text}"
        );
        assert!(!text.contains("recovery_time"));
    }
}
