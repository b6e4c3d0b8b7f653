//! The short table that `dmsim run` prints of a run.

use crate::kernel::path_text;
use crate::observe::Provenance;
use crate::sim::{Outcome, Setup};

pub(super) fn print_summary(
    setup: &Setup,
    outcome: &Outcome,
    provenance: &Provenance,
    folder: &std::path::Path,
) {
    let value = |name: &str| outcome.metric(name).unwrap_or(f64::NAN);
    let count = |name: &str| format!("{:.0}", value(name));
    // What nothing was measured of is a dash.
    let with = |number: f64, decimals: usize, unit: &str| {
        if number.is_nan() { "-".to_owned() } else { format!("{number:.decimals$} {unit}") }
    };
    let quantiles = |name: &str, decimals: usize| {
        let at = |quantile: &str| with(value(&format!("{name}.{quantile}")), decimals, "s");
        format!("{} / {}", at("p50"), at("p95"))
    };
    println!(
        "{} (seed {}): {} simulated, {} peers",
        setup.name,
        setup.seed,
        setup.duration,
        count("peers.total")
    );
    println!();
    line("deployments asked", count("deployments.asked"));
    line(
        "  reached running",
        format!(
            "{} ({:.1} %)",
            count("deployments.succeeded"),
            value("deployments.succeeded_fraction") * 100.0
        ),
    );
    line("  failed", count("deployments.failed"));
    print_reasons(outcome, "deployments.failed");
    line("time to running p50 / p95", quantiles("time_to_running", 1));
    line("availability of services", with(value("services.availability") * 100.0, 3, "%"));
    line("recovery time p50 / p95", quantiles("recovery_time", 0));
    line(
        "peers lost",
        format!("{} (mean {:.1} % up)", count("peers.lost"), value("peers.up_fraction") * 100.0),
    );
    line(
        "allocations lost, redeployed",
        format!("{}, {}", count("allocations.lost"), count("redeployments")),
    );
    line("messages", format!("{} sent, {:.1} MB", count("messages.sent"), value("messages.bytes") / 1e6));
    let cpu = provenance.cpu_s.map_or_else(String::new, |cpu| format!(", {cpu:.1} s of CPU"));
    if !outcome.attacks.is_empty() {
        let text = format!(
            "{} attempts, {} executed, {} of them against the rules",
            count("attacks.attempts"),
            count("attacks.executed"),
            count("attacks.successes")
        );
        line("attacks", text);
    }
    print_contracts(outcome);
    print_reachability(outcome);
    line("events", format!("{} ({:.2} million/s{cpu})", outcome.events, provenance.events_per_second / 1e6));
    line("digest", format!("{:032x}", outcome.digest));
    if !outcome.manifest.expectations.is_empty() {
        println!();
        for verdict in &outcome.manifest.expectations {
            let found =
                verdict.value.map_or_else(|| "nothing measured".to_owned(), |value| format!("{value}"));
            let mark = if verdict.passed { "ok    " } else { "FAILED" };
            println!("  {mark}  {} (it is {found})", verdict.expression);
        }
    }
    println!();
    println!("results in {}", path_text(folder));
}

fn line(name: &str, text: impl std::fmt::Display) {
    println!("  {name:<30}{text}");
}

/// How often what this metric counts has happened, by its reasons.
fn print_reasons(outcome: &Outcome, metric: &str) {
    for row in outcome.metrics.iter().filter(|row| &*row.metric == metric && !row.labels.is_empty()) {
        line("", format!("{:>4} x {}", row.value, row.labels.trim_start_matches("reason=")));
    }
}

/// What was agreed and paid, where there are contracts.
fn print_contracts(outcome: &Outcome) {
    if outcome.contracts.is_empty() {
        return;
    }
    let value = |name: &str| outcome.metric(name).unwrap_or(f64::NAN);
    let (accepted, asked) = (value("contracts.accepted"), value("contracts.asked"));
    line("contracts", format!("{asked} asked for, {accepted} accepted"));
    let (invoices, invoiced) = (value("contracts.invoices"), value("contracts.invoiced"));
    line("invoices", format!("{invoices}, {invoiced} in all, {} of it paid", value("contracts.paid")));
}

/// Who reached whom, where hosts stand behind translators and firewalls.
fn print_reachability(outcome: &Outcome) {
    if outcome.connections.is_empty() {
        return;
    }
    let value = |name: &str| outcome.metric(name).unwrap_or(f64::NAN);
    line("pairs that could connect", format!("{:.1} %", value("pairs.reached_fraction") * 100.0));
    let (dialled, failed) = (value("connections.dialled"), value("connections.failed"));
    line("connections", format!("{dialled} dialled, {failed} failed"));
    print_reasons(outcome, "connections.failed");
    let (messages, megabytes) = (value("relays.messages"), value("relays.bytes") / 1e6);
    line("relays", format!("{messages} messages, {megabytes:.1} MB; {} died", value("relays.deaths")));
}

pub(super) fn summary_json(outcome: &Outcome, folder: &std::path::Path) -> String {
    let summary = serde_json::json!({
        "digest": format!("{:032x}", outcome.digest),
        "events": outcome.events,
        "expectations": outcome.manifest.expectations,
        "folder": path_text(folder),
        "metrics": outcome.metrics,
    });
    serde_json::to_string_pretty(&summary).expect("a summary has only string keys")
}
