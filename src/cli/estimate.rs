//! What a run will take, in words: for `dmsim check --estimate`, and before `dmsim run` begins what cannot end well.

use std::fmt::Write as _;

use crate::sim::estimate::{Estimate, Range};

/// A table of the estimate, its sources included; `available` is the memory that may still be had, in bytes.
pub(super) fn table(estimate: &Estimate, available: Option<u64>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<34}{value}");
    };
    line("peers", estimate.peers.to_string());
    line("deployments", format!("about {}", short(estimate.deployments)));
    line("events", with_range(estimate.events, short));
    for source in &estimate.sources {
        line(&format!("  {}", source.what), short(source.events));
    }
    if estimate.foreseen.likely >= 1.0 {
        line("refusals without an event", with_range(estimate.foreseen, short));
    }
    let memory = with_range(estimate.memory_bytes, bytes);
    let here = available
        .map_or_else(String::new, |available| format!("; {} can be had here", bytes(available as f64)));
    line("memory", memory + &here);
    line("time of a release build", with_range(estimate.cpu_s, duration));
    text
}

/// Why a run does not fit into the memory that can be had, and what to do about it; none if it fits.
pub(super) fn refusal(estimate: &Estimate, available: u64) -> Option<String> {
    let memory = estimate.memory_bytes;
    (memory.likely > available as f64).then(|| {
        format!(
            "error: this run takes about {} of memory ({} to {}), and {} can be had here\n  \
             = help: run fewer peers or deployments (`--set peers[0].providers.count=1000`), end other programs, or \
             take a larger machine\n  = help: `dmsim check --estimate` shows what it is made of; `--even-so` runs it \
             all the same",
            bytes(memory.likely),
            bytes(memory.low),
            bytes(memory.high),
            bytes(available as f64)
        )
    })
}

fn with_range(range: Range, show: impl Fn(f64) -> String) -> String {
    format!("about {}, {} to {}", show(range.likely), show(range.low), show(range.high))
}

/// Two digits that count, and a word for the size.
fn short(value: f64) -> String {
    let (scale, word) = match value {
        value if value >= 1e9 => (1e9, " billion"),
        value if value >= 1e6 => (1e6, " million"),
        value if value >= 1e4 => (1e3, " thousand"),
        _ => return format!("{value:.0}"),
    };
    two_digits(value / scale) + word
}

fn bytes(value: f64) -> String {
    let (scale, unit) = if value >= 1e9 { (1e9, "GB") } else { (1e6, "MB") };
    format!("{} {unit}", two_digits(value / scale))
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s >= 7200.0 => format!("{} h", two_digits(s / 3600.0)),
        s if s >= 120.0 => format!("{} min", two_digits(s / 60.0)),
        s => format!("{} s", two_digits(s)),
    }
}

fn two_digits(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(memory: f64) -> Estimate {
        let range = |likely: f64| Range { low: likely / 3.0, likely, high: likely * 3.0 };
        Estimate {
            peers: 1_000_000,
            deployments: 100.0,
            events: range(12_345_678.0),
            sources: vec![crate::sim::estimate::Source { what: "bids", events: 20_000.0 }],
            foreseen: range(0.0),
            memory_bytes: range(memory),
            cpu_s: range(300.0),
        }
    }

    #[test]
    fn a_run_is_refused_where_it_does_not_fit_and_only_there() {
        assert_eq!(refusal(&estimate(2e9), 2_000_000_000), None);
        let said = refusal(&estimate(2e9), 1_500_000_000).expect("it does not fit");
        let cause = "this run takes about 2.0 GB of memory (667 MB to 6.0 GB), and 1.5 GB can be had here";
        assert!(said.contains(cause) && said.contains("--even-so"), "{said}");
    }

    #[test]
    fn the_table_names_every_source_with_its_size() {
        let text = table(&estimate(2e9), Some(16_000_000_000));
        let rows = [
            "peers                             1000000",
            "events                            about 12 million, 4.1 million to 37 million",
            "  bids                            20 thousand",
            "memory                            about 2.0 GB, 667 MB to 6.0 GB; 16 GB can be had here",
            "time of a release build           about 5.0 min, 100 s to 15 min",
        ];
        for row in rows {
            assert!(text.contains(row), "{row}\n{text}");
        }
        assert!(!text.contains("refusals without an event"), "{text}");
        assert!(!table(&estimate(2e9), None).contains("can be had"));
    }
}
