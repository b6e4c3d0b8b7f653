//! From the ledger to the tables, metrics and verdicts of a finished run.

use std::fmt::Write as _;
use std::sync::Arc;

use super::entry::key_of;
use super::{Closing, DeploymentRecord, Ledger, refusals};
use crate::dms::ensemble::AllocationKind;
use crate::dms::fact::DeploymentStatus;
use crate::dms::identity::SignatureMode;
use crate::dms::observability::Level;
use crate::kernel::{Span, Time};
use crate::net::Cities;
use crate::observe::{
    AllocationRow, AttackRow, DeploymentRow, InputHash, MetricRow, PeerRow, RefusalRow, RunManifest,
    SpanHistogram, Text, Verdict, labels, metric,
};
use crate::sim::attack::AttackReport;
use crate::sim::event::PeerId;
use crate::sim::outcome::Outcome;
use crate::sim::setup::{Expectation, Setup};
use crate::sim::telemetry::Observed;
use crate::sim::texts::shared;

/// What the tables say of the setup.
#[derive(Clone, Debug)]
pub(in crate::sim) struct RunFacts {
    name: String,
    seed: u64,
    duration: Span,
    profile: String,
    signatures: SignatureMode,
    inputs: Vec<(String, String)>,
    expect: Vec<Expectation>,
}

impl RunFacts {
    pub(super) fn of(setup: &Setup) -> Self {
        Self {
            name: setup.name.clone(),
            seed: setup.seed,
            duration: setup.duration,
            profile: profile(setup),
            signatures: setup.signatures,
            inputs: setup.inputs.clone(),
            expect: setup.expect.clone(),
        }
    }
}

/// The run's profile, with those of the groups that have their own.
fn profile(setup: &Setup) -> String {
    let mut text = setup.profile.to_string();
    for group in &setup.groups {
        if let Some(own) = group.profile.filter(|own| *own != setup.profile) {
            write!(text, "; {}: {own}", group.name).expect("a text takes everything");
        }
    }
    text
}

/// What a metric counts of an attacker.
type Measure = fn(&AttackRow) -> u64;

/// Metrics in the order of the table.
#[derive(Default)]
pub(super) struct Metrics(Vec<MetricRow>);

impl Metrics {
    pub(super) fn add(&mut self, name: &str, value: f64) {
        self.add_labelled(name, "".into(), value);
    }

    pub(super) fn add_labelled(&mut self, name: &str, labels: Text, value: f64) {
        let known = metric(name).expect("every metric is in the catalogue");
        self.0.push(MetricRow { metric: known.name.into(), labels, value, unit: known.unit.into() });
    }

    /// A count by what `key` names, as far as there is any, behind the sum of all.
    pub(super) fn add_counts<'a>(
        &mut self,
        name: &str,
        key: &str,
        counts: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        let counts: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        self.add(name, counts.iter().map(|(_, count)| count).sum::<u64>() as f64);
        for (value, count) in counts {
            self.add_labelled(name, labels(&[(key, value)]), count as f64);
        }
    }
}

/// What observed peers wrote, sent and lost.
fn observation_metrics(m: &mut Metrics, observed: &Observed) {
    let tally = &observed.tally;
    m.add("observed.peers", observed.peers as f64);
    m.add_counts("logs.records", "level", Level::ALL.map(Level::as_str).into_iter().zip(tally.records));
    m.add("logs.below_level", tally.below_level as f64);
    m.add("logs.silenced", tally.silenced as f64);
    m.add("logs.skipped", tally.skipped as f64);
    m.add("logs.rotations", tally.rotations as f64);
    for (name, shipped) in [("logs", &tally.elastic), ("traces", &tally.apm)] {
        m.add(&format!("{name}.shipped"), shipped.delivered as f64);
        m.add(&format!("{name}.refused_batches"), shipped.refused_batches as f64);
        let lost = [("process ended", shipped.lost_end), ("buffer full", shipped.lost_full)];
        m.add_counts(&format!("{name}.lost"), "reason", lost);
        m.add(&format!("{name}.waiting"), shipped.waiting() as f64);
    }
    m.add("traces.transactions", tally.transactions as f64);
    m.add("traces.spans", tally.spans as f64);
    m.add("bus.events", tally.events as f64);
    m.add("peer_metrics.exports", tally.exports as f64);
}

impl Ledger {
    /// Closes the books at `now`.
    pub(in crate::sim) fn finish(mut self, now: Time, mut closing: Closing) -> Outcome {
        self.services.finish(now);
        for presence in &mut self.presence {
            if presence.up {
                presence.total += now.since(presence.since);
            }
        }
        for place in 0..self.allocations.len() {
            let record = &mut self.allocations[place];
            if record.running {
                record.ran += now.since(record.running_since);
            }
        }
        self.requests.absorb(&mut self.digest);
        self.moves.absorb(&mut self.digest);
        let metrics = self.metrics(now, &closing);
        let events = closing.events;
        let manifest = self.manifest(&metrics, closing.interrupted, events);
        let digest = self.digest();
        if self.metrics_only {
            return Outcome { metrics, digest, events, trace: self.trace, manifest, ..Outcome::default() };
        }
        let (contracts, invoices) = self.contracts.rows();
        Outcome {
            checked: Default::default(),
            passed: Default::default(),
            turned: Vec::new(),
            deployments: self.deployment_rows(),
            allocations: self.allocation_rows(),
            refusals: self.refusal_rows(),
            peers: self.peer_rows(now, &closing.memberships),
            capabilities: std::mem::take(&mut closing.capabilities),
            attacks: std::mem::take(&mut closing.attacks.rows),
            operations: self.operations.rows(),
            connections: self.reachability.rows(),
            requests: self.requests.take_rows(),
            contracts,
            invoices,
            series: std::mem::take(&mut self.series),
            metrics,
            digest,
            events,
            foreseen: self.counters.foreseen,
            trace: self.trace.take(),
            manifest,
        }
    }

    fn manifest(&self, metrics: &[MetricRow], interrupted: bool, events: u64) -> RunManifest {
        let facts = &self.manifest;
        let mut manifest = RunManifest::new(&facts.name, facts.seed);
        manifest.profile = facts.profile.clone();
        manifest.signatures = facts.signatures.as_str().into();
        manifest.duration_s = facts.duration.as_secs_f64();
        manifest.inputs = facts
            .inputs
            .iter()
            .map(|(path, sha256)| InputHash { path: path.clone(), sha256: sha256.clone() })
            .collect();
        manifest.digest = format!("{:032x}", self.digest());
        manifest.stop_reason = if interrupted { "interrupted" } else { "end of duration" }.into();
        manifest.expectations = facts.expect.iter().map(|expected| verdict(expected, metrics)).collect();
        let counts = [
            ("allocations", self.allocations.len() as u64),
            ("deployments", self.deployments.len() as u64),
            ("events", events),
            ("facts", self.counters.facts),
            ("peers", self.names.len() as u64),
        ];
        manifest.counts = counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        manifest
    }

    fn metrics(&self, now: Time, closing: &Closing) -> Vec<MetricRow> {
        let mut m = Metrics::default();
        self.deployment_metrics(&mut m, now);
        let seconds = |span: Option<Span>| span.map_or(f64::NAN, Span::as_secs_f64);
        m.add("time_to_running.p50", seconds(self.time_to_running.quantile(0.50)));
        m.add("time_to_running.p95", seconds(self.time_to_running.quantile(0.95)));
        m.add("time_to_running.mean", seconds(self.time_to_running.mean()));
        m.add("services.availability", self.services.availability());
        let c = &self.counters;
        m.add("allocations.started", c.allocations_started as f64);
        m.add("allocations.lost", c.allocations_lost as f64);
        m.add("restarts", c.restarts as f64);
        m.add("redeployments", c.redeployments as f64);
        m.add("deployments.handed_over", c.handed_over as f64);
        m.add("recovery_time.p50", seconds(self.services.recoveries.quantile(0.50)));
        m.add("recovery_time.p95", seconds(self.services.recoveries.quantile(0.95)));
        m.add("peers.total", self.names.len() as f64);
        // A virtual machine that nobody has ordered is not one that fails to be up.
        let everlasting = |member: &&super::Member| self.roles[member.group].0 != "machine";
        let expected = self.names.iter().filter(everlasting).count();
        let present = self.names.iter().zip(&self.presence).filter(|(member, _)| everlasting(member));
        let up: f64 = present.map(|(_, presence)| presence.total.as_secs_f64()).sum();
        let there_s = if self.lifetimes.is_empty() {
            now.as_secs_f64() * expected as f64
        } else {
            let all = self.names.iter().zip(0..).filter(|(member, _)| everlasting(member));
            all.map(|(_, peer)| self.lifetimes.of(PeerId(peer), now).as_secs_f64()).sum()
        };
        m.add("peers.up_fraction", up / there_s);
        self.lifetimes.metrics(&mut m);
        m.add("peers.upgraded", c.upgrades as f64);
        m.add("peers.lost", self.presence.iter().map(|presence| f64::from(presence.crashes)).sum());
        m.add("messages.sent", c.sent as f64);
        m.add("messages.delivered", c.delivered as f64);
        let lost = c.lost.iter().map(|(reason, count)| (reason.as_str(), *count));
        m.add_counts("messages.lost", "reason", lost);
        let rejected = c.rejected.iter().map(|(rejection, count)| (rejection.as_str(), *count));
        m.add_counts("messages.rejected", "reason", rejected);
        m.add("messages.bytes", c.bytes as f64);
        m.add("hellos.answered", c.hellos as f64);
        m.add("secrets.seen", c.secrets_seen as f64);
        m.add("bids.received", c.bids_received as f64);
        m.add("bids.accepted", c.bids_accepted as f64);
        m.add("resources.leaked", closing.leaks as f64);
        m.add("resources.utilisation_cpu", self.utilisation(now));
        m.add("subnets.reachable_fraction", closing.reachable.fraction());
        m.add("image_pull.p50", seconds(self.pulls.quantile(0.50)));
        m.add("image_bytes", c.image_bytes as f64);
        self.fleet_metrics(&mut m, closing);
        self.job_metrics(&mut m);
        self.cost_metrics(&mut m, now);
        self.recovery_metrics(&mut m, now);
        self.execution_metrics(&mut m);
        self.storage_metrics(&mut m);
        self.fault_metrics(&mut m);
        self.capability_metrics(&mut m, closing);
        self.attack_metrics(&mut m, &closing.attacks);
        self.reachability.metrics(&mut m, closing.pairs.as_ref());
        self.requests.metrics(&mut m);
        self.moves.metrics(&mut m);
        for (name, labels, value) in self.contract_metrics() {
            m.add_labelled(name, labels, value);
        }
        for (name, labels, value) in self.machine_metrics(now) {
            m.add_labelled(name, labels, value);
        }
        observation_metrics(&mut m, &closing.observed);
        m.add("events", closing.events as f64);
        m.add("facts", c.facts as f64);
        m.0
    }

    fn fleet_metrics(&self, m: &mut Metrics, closing: &Closing) {
        m.add("cards.allocation_ratio", closing.fleet.held);
        m.add("cards.allocation_ratio_at_end", closing.fleet.held_at_end.unwrap_or(f64::NAN));
        m.add("cards.fragmentation", closing.fleet.fragmented);
        m.add("cards.fragmentation_of_free", closing.fleet.fragmented_of_free);
    }

    fn attack_metrics(&self, m: &mut Metrics, attacks: &AttackReport) {
        let rows = &attacks.rows;
        let mut kinds: Vec<&Text> = Vec::new();
        for row in rows {
            if !kinds.contains(&&row.attack) {
                kinds.push(&row.attack);
            }
        }
        let measures: [(&str, Measure); 5] = [
            ("attacks.attempts", |row| row.attempts),
            ("attacks.executed", |row| row.executed),
            ("attacks.refused", |row| row.refused),
            ("attacks.successes", |row| row.successes),
            ("attacks.shut_out", |row| u64::from(row.shut_out_after_s.is_some())),
        ];
        for (name, measure) in measures {
            m.add(name, rows.iter().map(measure).sum::<u64>() as f64);
            for &kind in &kinds {
                let of_kind: u64 = rows.iter().filter(|row| row.attack == *kind).map(measure).sum();
                m.add_labelled(name, labels(&[("attack", kind)]), of_kind as f64);
            }
        }
        m.add("attacks.before_anchoring", rows.iter().map(|row| row.before_anchoring).sum::<u64>() as f64);
        let mut shut_out = SpanHistogram::new();
        rows.iter()
            .filter_map(|row| row.shut_out_after_s)
            .for_each(|after| shut_out.record(Span::from_secs_f64(after)));
        m.add("attacks.shut_out_after.p50", shut_out.quantile_s(0.50));
        m.add("attacks.shut_out_after.p95", shut_out.quantile_s(0.95));
        m.add("revocations.anchored", self.counters.revocations_anchored as f64);
        m.add("revocations.anchoring_delay.p50", attacks.anchoring.quantile_s(0.50));
        m.add("revocations.anchoring_delay.p95", attacks.anchoring.quantile_s(0.95));
    }

    fn capability_metrics(&self, m: &mut Metrics, closing: &Closing) {
        for (name, value) in self.operations.metrics() {
            m.add(name, value);
        }
        let unnoticed = self.counters.unvouched.saturating_sub(self.counters.noticed);
        m.add("broadcasts.unnoticed", unnoticed as f64);
        m.add("tokens.stored", closing.tokens_stored as f64);
        m.add("tokens.expired", closing.tokens_expired as f64);
        m.add("revocations.issued", self.revocations.len() as f64);
        let delays = &self.revocations.delays;
        m.add("revocation_delay.p50", delays.quantile_s(0.50));
        m.add("revocation_delay.p95", delays.quantile_s(0.95));
        m.add("revocation_delay.max", delays.greatest().map_or(f64::NAN, Span::as_secs_f64));
        m.add("revocations.missing", closing.revocations_missing as f64);
    }

    fn deployment_metrics(&self, m: &mut Metrics, now: Time) {
        let asked = self.deployments.len() as f64;
        let count =
            |test: fn(&DeploymentRecord) -> bool| self.deployments.iter().filter(|d| test(d)).count() as f64;
        let succeeded = count(|d| d.running.is_some());
        m.add("deployments.asked", asked);
        m.add("deployments.succeeded", succeeded);
        let decided = count(|d| d.running.is_some() || d.status.is_terminal());
        m.add("deployments.succeeded_fraction", succeeded / decided);
        m.add("deployments.completed", count(|d| d.status == DeploymentStatus::Completed));
        m.add("deployments.running", count(|d| d.status == DeploymentStatus::Running));
        m.add("deployments.cancelled", count(|d| d.cancelled));
        let stuck =
            |d: &&DeploymentRecord| d.running.is_none() && !d.status.is_terminal() && d.deadline < now;
        m.add("deployments.stuck", self.deployments.iter().filter(stuck).count() as f64);
        let mut reasons: indexmap::IndexMap<Arc<str>, u64> = indexmap::IndexMap::new();
        for record in self.deployments.iter().filter(|d| d.status == DeploymentStatus::Failed) {
            *reasons.entry(reason_class(record)).or_default() += 1;
        }
        let reasons = reasons.iter().map(|(reason, count)| (&**reason, *count));
        m.add_counts("deployments.failed", "reason", reasons);
    }

    /// Core-seconds allocated as a part of those that the run's peers would have offered had they always been up.
    fn utilisation(&self, now: Time) -> f64 {
        let used: f64 = self
            .allocations
            .values()
            .map(|record| {
                let held = record.ended.unwrap_or(now).since(record.committed).as_secs_f64();
                held * record.resources.cpu.cores_milli as f64 / 1000.0
            })
            .sum();
        used / self.offers.core_seconds(now)
    }

    fn deployment_rows(&self) -> Vec<DeploymentRow> {
        let row = |(number, record): (usize, &DeploymentRecord)| {
            let (name, _) = &self.entries[record.entry as usize];
            DeploymentRow {
                deployment: number as u32,
                name: format!("{name}-{number}").into(),
                orchestrator: Arc::clone(&self.names[record.by.0 as usize].name),
                ensemble: name.as_str().into(),
                submitted_s: record.submitted.as_secs_f64(),
                deadline_s: record.deadline.as_secs_f64(),
                running_s: record.running.map(Time::as_secs_f64),
                ended_s: record.ended.map(Time::as_secs_f64),
                status: record.status.as_str().to_lowercase().into(),
                outcome: outcome(record).into(),
                reason: record.reason.clone().unwrap_or_else(|| "".into()),
                rounds: record.rounds,
                attempts: record.attempts,
                bids: record.bids,
                redeployments: record.redeployments,
            }
        };
        self.deployments.iter().enumerate().map(row).collect()
    }

    fn allocation_rows(&self) -> Vec<AllocationRow> {
        let cities = Cities::world();
        let row = |record: &super::AllocationRecord| {
            let member = &self.names[record.peer.0 as usize];
            let city = cities.city(member.city);
            let (node, allocation) = record.key.split_once('.').unwrap_or((&record.key, ""));
            let ensemble = &self.entries[self.deployments[record.deployment as usize].entry as usize].1;
            let config = ensemble.allocations.get(allocation);
            let role = self.services.roles.get(&(record.deployment, Arc::clone(&record.key)));
            let kind = role.map(|role| role.1).or(config.map(|config| config.kind));
            let kind = kind.unwrap_or(AllocationKind::Service);
            let service = self.service_key(record.deployment, &record.key);
            let service = self.services.all.get(&(record.deployment, service));
            let served = record.ran.as_secs_f64();
            let wanted = match service {
                Some(service) if kind == AllocationKind::Service => service.wanted_for.as_secs_f64(),
                _ => served,
            };
            AllocationRow {
                deployment: record.deployment,
                node: node.into(),
                allocation: allocation.into(),
                generation: record.generation,
                kind: kind.word().into(),
                peer: Arc::clone(&member.name),
                city: city.name.to_string().into(),
                country: city.country.to_string().into(),
                committed_s: record.committed.as_secs_f64(),
                started_s: record.started.map(Time::as_secs_f64),
                ended_s: record.ended.map(Time::as_secs_f64),
                end: record.end.into(),
                exit_code: record.exit_code,
                cpu_cores: record.resources.cpu.cores_milli as f64 / 1000.0,
                ram_bytes: record.resources.ram_bytes,
                disk_bytes: record.resources.disk_bytes,
                wanted_s: wanted,
                served_s: served.min(wanted),
                dns_name: Arc::clone(&record.dns_name),
                address: record.address.map(|address| address.to_string()).unwrap_or_default().into(),
                ports: ports_text(&record.ports),
            }
        };
        self.allocations.values().map(row).collect()
    }

    pub(in crate::sim) fn refusal_rows(&self) -> Vec<RefusalRow> {
        let mut rows: Vec<RefusalRow> = self
            .refusals
            .lines
            .iter()
            .map(|(kind, count)| RefusalRow {
                deployment: kind.deployment,
                stage: kind.stage.into(),
                reason: kind.reason.to_string().into(),
                amount_class: kind.amount_class.map(refusals::class_text).unwrap_or_default().into(),
                count: count.count,
                first_time_s: count.first.asked.as_secs_f64(),
                first_peer: Arc::clone(&self.names[count.first.peer.0 as usize].name),
                example: Arc::clone(&count.example),
            })
            .collect();
        rows.sort_by(|a, b| {
            (a.deployment, &a.stage, &a.reason, &a.amount_class).cmp(&(
                b.deployment,
                &b.stage,
                &b.reason,
                &b.amount_class,
            ))
        });
        rows
    }

    fn peer_rows(&self, now: Time, memberships: &[Text]) -> Vec<PeerRow> {
        let cities = Cities::world();
        type Known<'a> = (((&'a super::Member, &'a super::Presence), &'a Text), u32);
        // Rows share what many of them say.
        let row = |(((member, presence), memberships), number): Known<'_>| {
            let there_s = self.lifetimes.of(PeerId(number), now).as_secs_f64();
            let at = cities.city(member.city);
            let (role, organization) = &self.roles[member.group];
            PeerRow {
                peer: Arc::clone(&member.name),
                role: shared(role),
                organization: shared(organization),
                city: shared(at.name),
                country: shared(at.country),
                continent: shared(at.continent.code()),
                lat: at.at.lat,
                lon: at.at.lon,
                // Who was never there was not up.
                up_fraction: if there_s > 0.0 { presence.total.as_secs_f64() / there_s } else { 0.0 },
                crashes: presence.crashes,
                memberships: memberships.clone(),
            }
        };
        self.names.iter().zip(&self.presence).zip(memberships).zip(0..).map(row).collect()
    }
}

fn outcome(record: &DeploymentRecord) -> &'static str {
    match record.status {
        DeploymentStatus::Failed => "failed",
        DeploymentStatus::Completed if record.running.is_none() => "cancelled",
        _ if record.running.is_some() => "succeeded",
        _ => "",
    }
}

/// Failures are counted by stage and cause, without the names and amounts that make each one different.
fn reason_class(record: &DeploymentRecord) -> Arc<str> {
    let reason = record.reason.as_deref().unwrap_or("");
    let class = match reason.split_once(": ") {
        Some((stage, cause)) if cause.starts_with("no bids for") => format!("{stage}: no bids"),
        Some((stage, cause)) => format!("{stage}: {}", cause.split([':', ';']).next().unwrap_or(cause)),
        None => reason.to_owned(),
    };
    key_of(&class).into()
}

/// `public=private;public=private`, sorted.
fn ports_text(ports: &[(u16, u16)]) -> Text {
    let mut sorted = ports.to_vec();
    sorted.sort_unstable();
    let pairs: Vec<String> = sorted.iter().map(|(public, private)| format!("{public}={private}")).collect();
    pairs.join(";").into()
}

/// An expectation is on the metric of the whole run.
fn verdict(expected: &Expectation, metrics: &[MetricRow]) -> Verdict {
    let row = metrics.iter().find(|row| *row.metric == *expected.metric && row.labels.is_empty());
    let value = row.map(|row| row.value).filter(|value| !value.is_nan());
    Verdict {
        expression: format!("{} {} {}", expected.metric, expected.comparison.as_str(), expected.bound),
        value,
        passed: value.is_some_and(|value| expected.comparison.holds(value, expected.bound)),
    }
}
