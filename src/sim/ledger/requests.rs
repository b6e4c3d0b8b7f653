//! The books of requests: what became of them, by stream and interval.

use std::collections::BTreeMap;

use super::tables::Metrics;
use crate::kernel::{Digest, Span, Time};
use crate::observe::{RequestRow, SpanHistogram, Text, labels, nearest_rank};
use crate::sim::setup::{RequestStream, Setup};
use crate::sim::traffic::{Ending, Failure};

/// Counts by ending.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    answered: u64,
    failed: [u64; Failure::ALL.len()],
}

impl Counts {
    fn add(&mut self, ending: Ending, count: u64) {
        match ending {
            Ok(_) => self.answered += count,
            Err(failure) => self.failed[failure as usize] += count,
        }
    }

    fn offered(&self) -> u64 {
        self.answered + self.failed.iter().sum::<u64>()
    }
}

/// An interval of a stream.
#[derive(Clone, Debug, Default)]
struct Cell {
    counts: Counts,
    /// Latencies, each with the number of requests that it stands for.
    latencies: Vec<(Span, u64)>,
}

/// A stream over the whole run.
#[derive(Clone, Debug)]
struct Stream {
    name: Text,
    interval: Span,
    /// After the end of an interval nothing can be added to it any more.
    horizon: Span,
    counts: Counts,
    latencies: SpanHistogram,
    open: BTreeMap<u64, Cell>,
    rows: Vec<RequestRow>,
}

/// All requests of a run.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Requests {
    streams: Vec<Stream>,
}

impl Requests {
    pub(super) fn of(setup: &Setup) -> Self {
        let stream = |one: &RequestStream| Stream {
            name: one.name.as_str().into(),
            interval: one.interval,
            horizon: one.horizon(),
            counts: Counts::default(),
            latencies: SpanHistogram::new(),
            open: BTreeMap::new(),
            rows: Vec::new(),
        };
        Self { streams: setup.traffic.iter().map(stream).collect() }
    }

    /// So many requests of an interval ended like this.
    pub(in crate::sim) fn add(&mut self, stream: usize, interval: u64, ending: Ending, count: u64) {
        let stream = &mut self.streams[stream];
        let cell = stream.open.entry(interval).or_default();
        cell.counts.add(ending, count);
        stream.counts.add(ending, count);
        if let Ok(latency) = ending {
            cell.latencies.push((latency, count));
            stream.latencies.record_many(latency, count);
        }
    }

    /// Closes the intervals to which nothing can be added any more.
    pub(in crate::sim) fn close(&mut self, now: Time) {
        for stream in &mut self.streams {
            while let Some(entry) = stream.open.first_entry() {
                let number = *entry.key();
                let end = Time((number + 1).saturating_mul(stream.interval.0));
                if end + stream.horizon > now {
                    break;
                }
                let row = row(&stream.name, number, stream.interval, entry.remove());
                stream.rows.push(row);
            }
        }
    }

    /// `requests.csv`, by stream and time.
    pub(super) fn take_rows(&mut self) -> Vec<RequestRow> {
        self.streams.iter_mut().flat_map(|stream| std::mem::take(&mut stream.rows)).collect()
    }

    /// Puts what became of all requests into the digest of the run.
    pub(super) fn absorb(&self, digest: &mut Digest) {
        for stream in &self.streams {
            digest.write_u64(stream.counts.answered);
            stream.counts.failed.iter().for_each(|count| digest.write_u64(*count));
            digest.write_u64(stream.latencies.mean().unwrap_or_default().0);
        }
    }

    pub(super) fn metrics(&self, m: &mut Metrics) {
        let mut all = Counts::default();
        let mut latencies = SpanHistogram::new();
        for stream in &self.streams {
            all.answered += stream.counts.answered;
            all.failed.iter_mut().zip(stream.counts.failed).for_each(|(sum, count)| *sum += count);
            latencies.merge(&stream.latencies);
        }
        m.add("requests.offered", all.offered() as f64);
        m.add("requests.answered", all.answered as f64);
        let failed = Failure::ALL.map(Failure::as_str).into_iter().zip(all.failed);
        m.add_counts("requests.failed", "reason", failed);
        let fraction = |counts: &Counts| counts.answered as f64 / counts.offered() as f64;
        m.add("requests.success_fraction", fraction(&all));
        for stream in &self.streams {
            m.add_labelled("requests.success_fraction", stream.label(), fraction(&stream.counts));
        }
        for (name, share) in [
            ("requests.latency_p50_s", 0.50),
            ("requests.latency_p95_s", 0.95),
            ("requests.latency_p99_s", 0.99),
        ] {
            m.add(name, latencies.quantile_s(share));
            for stream in &self.streams {
                m.add_labelled(name, stream.label(), stream.latencies.quantile_s(share));
            }
        }
    }
}

impl Stream {
    fn label(&self) -> Text {
        labels(&[("stream", &self.name)])
    }
}

fn row(name: &Text, number: u64, interval: Span, mut cell: Cell) -> RequestRow {
    cell.latencies.sort_unstable();
    let answered = cell.counts.answered;
    let quantile = |share: f64| {
        let rank = nearest_rank(answered, share);
        let mut sum = 0;
        let found = cell.latencies.iter().find(|(_, count)| {
            sum += count;
            sum >= rank
        });
        found.map_or(f64::NAN, |(latency, _)| latency.as_secs_f64())
    };
    let failed = |failure: Failure| cell.counts.failed[failure as usize];
    let start_s = Time(number * interval.0).as_secs_f64();
    RequestRow {
        stream: name.clone(),
        start_s,
        length_s: interval.as_secs_f64(),
        offered: cell.counts.offered(),
        answered,
        no_such_name: failed(Failure::NoSuchName),
        unreachable: failed(Failure::Unreachable),
        refused: failed(Failure::Refused),
        timed_out: failed(Failure::TimedOut),
        reset: failed(Failure::Reset),
        overloaded: failed(Failure::Overloaded),
        unhealthy: failed(Failure::Unhealthy),
        latency_p50_s: quantile(0.50),
        latency_p95_s: quantile(0.95),
        latency_p99_s: quantile(0.99),
    }
}
