//! The metrics of a node (dms-capabilities section 9.2) and when they are exported.
//!
//! The real DMS exports all of them every three seconds. Between two inputs nothing of a node changes but the time, so
//! an export is due only at the first such moment after an input, and holds until the next one: what is exported is the
//! same, and a node that has nothing to do costs nothing. Of an export the readings are told that differ from those of
//! the last one; uptime and load, which differ every time, are told beside them. What allocations receive and send goes
//! on between inputs, and is told with what follows from the next one, their heartbeats at the latest.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::dms::actor::AllocationState;
use crate::dms::constants::METRICS_EXPORT_INTERVAL;
use crate::dms::contract::fact::ContractFact;
use crate::dms::fact::{DeploymentStatus, Fact};
use crate::dms::orchestrator::Deployment;
use crate::dms::provider::Provider;
use crate::dms::resources::Resources;
use crate::dms::system::System;
use crate::kernel::Timestamp;

/// Over how long a load is averaged, in seconds.
const LOAD_WINDOW_S: f64 = 900.0;
/// Decimal units, as resource code has them.
const MB: f64 = 1e6;
const GB: f64 = 1e9;
/// The currency of transactions that are counted apart.
const DOLLARS: &str = "USD";

/// One value of one metric.
#[derive(Clone, PartialEq, Debug)]
pub struct Reading {
    /// Its name.
    pub metric: &'static str,
    /// An attribute beside the node's `did`, as `key=value`; empty without one.
    pub attribute: Arc<str>,
    /// Its value, in the unit of the real DMS.
    pub value: f64,
}

type Key = (&'static str, Arc<str>);

/// All metrics of a node since its process began.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    began: Timestamp,
    counters: IndexMap<Key, f64>,
    told: IndexMap<Key, f64>,
    /// Since when there is something to export.
    changed: Option<Timestamp>,
    /// Before that there is no further export.
    next: Timestamp,
    /// The load up to `load_at`, and the cores in use from then on.
    load: f64,
    load_at: Timestamp,
    busy_cores: f64,
}

fn cores(amount: &Resources) -> f64 {
    amount.cpu.cores_milli as f64 / 1000.0
}

fn none() -> Arc<str> {
    Arc::from("")
}

impl Meters {
    pub(super) fn new(began: Timestamp) -> Self {
        Self {
            began,
            counters: IndexMap::new(),
            told: IndexMap::new(),
            changed: Some(began),
            next: began,
            load: 0.0,
            load_at: began,
            busy_cores: 0.0,
        }
    }

    fn add(&mut self, metric: &'static str, attribute: Arc<str>, amount: f64) {
        *self.counters.entry((metric, attribute)).or_default() += amount;
    }

    /// Something has happened: these many bytes came in, and those went out.
    pub(super) fn touch(&mut self, now: Timestamp, provider: &Provider, (incoming, outgoing): (u64, u64)) {
        self.changed.get_or_insert(now);
        self.load = self.load_at(now);
        self.load_at = now;
        self.busy_cores = cores(&provider.usage());
        self.add("dms.sys.network.in", none(), incoming as f64);
        self.add("dms.sys.network.out", none(), outgoing as f64);
    }

    /// The load averaged over fifteen minutes, as a kernel keeps it.
    fn load_at(&self, now: Timestamp) -> f64 {
        let kept = libm::exp(-now.since(self.load_at).as_secs_f64() / LOAD_WINDOW_S);
        self.load * kept + self.busy_cores * (1.0 - kept)
    }

    pub(super) fn bid_received(&mut self) {
        self.add("dms.bid.received", none(), 1.0);
    }

    /// An allocation has reported that it lives.
    pub(super) fn heartbeat(&mut self) {
        self.add("dms.allocation.heartbeat", none(), 1.0);
    }

    /// A fact; `sender` is whose message is being handled.
    pub(super) fn count(&mut self, fact: &Fact, sender: Option<&str>, deployments: &[Deployment]) {
        match fact {
            Fact::Committed { .. } => {
                let attribute = sender.map_or_else(none, |sender| format!("orchestratorID={sender}").into());
                self.add("dms.bid.accepted", attribute, 1.0);
            }
            Fact::DeploymentStatus { ensemble, status, .. } => {
                let attribute = format!("status={}", status.as_str()).into();
                self.add("dms.deployment.status", attribute, 1.0);
                let own = deployments.iter().find(|deployment| deployment.id() == *ensemble);
                if let Some(deployment) = own.filter(|_| *status == DeploymentStatus::Running) {
                    self.succeed(deployment);
                }
            }
            Fact::AllocationState { state, .. } => {
                self.add("dms.allocation.status", format!("status={}", state.word()).into(), 1.0);
            }
            Fact::Contract { what, .. } => self.count_money(what),
            _ => {}
        }
    }

    /// What is owed, and what was paid; of the newest version what is owed in dollars, and which fees were paid.
    fn count_money(&mut self, what: &ContractFact) {
        match what {
            ContractFact::Owed { amount, currency, .. } => {
                self.add("dms.transaction.created.amount", none(), amount.as_f64());
                if currency.eq_ignore_ascii_case(DOLLARS) {
                    self.add("dms.transaction.created.usd", none(), amount.as_f64());
                }
            }
            ContractFact::Paid { amount, is_fee, .. } => {
                self.add("dms.transaction.paid.amount", none(), amount.as_f64());
                if *is_fee {
                    self.add("dms.transaction.paid.fees", none(), amount.as_f64());
                }
            }
            _ => {}
        }
    }

    /// A deployment runs: what it was assigned.
    fn succeed(&mut self, deployment: &Deployment) {
        let ensemble = deployment.ensemble();
        let all = ensemble.nodes.values().flat_map(|node| &node.allocations);
        let of = all.filter_map(|name| ensemble.allocations.get(name)).map(|one| &one.resources);
        let (mut count, mut sum) = (0.0, Resources::default());
        for resources in of {
            count += 1.0;
            sum = sum.plus(resources);
        }
        self.add("dms.deployment.success", none(), 1.0);
        self.add("dms.deployment.success.allocations", none(), count);
        self.add("dms.deployment.success.cpu.assigned", none(), cores(&sum));
        self.add("dms.deployment.success.memory.assigned", none(), sum.ram_bytes as f64 / GB);
        self.add("dms.deployment.success.disk.assigned", none(), sum.disk_bytes as f64 / MB);
        self.add("dms.deployment.success.gpu.assigned", none(), sum.gpus.len() as f64);
    }

    /// The clock may have been put back: nothing has begun or changed later than `now`, and the next export is no
    /// further away than an interval.
    pub(super) fn correct(&mut self, now: Timestamp) {
        self.began = self.began.min(now);
        self.changed = self.changed.map(|changed| changed.min(now));
        self.next = self.next.min(now + METRICS_EXPORT_INTERVAL);
        self.load_at = self.load_at.min(now);
    }

    /// When the next export is due: the first third second from the change on, and one for each.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let since = self.changed?.since(self.began);
        let third = self.began + METRICS_EXPORT_INTERVAL.times(since.0.div_ceil(METRICS_EXPORT_INTERVAL.0));
        Some(third.max(self.next))
    }

    /// What is exported at `at`: the readings that are new.
    pub(super) fn export(&mut self, at: Timestamp, provider: &Provider, system: &dyn System) -> Vec<Reading> {
        self.changed = None;
        self.next = at + METRICS_EXPORT_INTERVAL;
        let mut all = gauges(provider, system);
        all.extend(
            self.counters.iter().map(|((metric, attribute), value)| (*metric, attribute.clone(), *value)),
        );
        let current: IndexMap<Key, f64> =
            all.into_iter().map(|(metric, attribute, value)| ((metric, attribute), value)).collect();
        let gone = self.told.keys().filter(|key| !current.contains_key(*key)).cloned();
        let gone: Vec<(Key, f64)> = gone.map(|key| (key, 0.0)).collect();
        let is_news =
            |key: &Key, value: f64| self.told.get(key).is_none_or(|told| !told.total_cmp(&value).is_eq());
        let fresh = current.iter().filter(|(key, value)| is_news(key, **value));
        let fresh = fresh.map(|(key, value)| (key.clone(), *value)).chain(gone);
        let reading = |((metric, attribute), value)| Reading { metric, attribute, value };
        let mut readings: Vec<Reading> = fresh.map(reading).collect();
        self.told = current;
        let timed =
            [("dms.sys.uptime", at.since(self.began).as_secs_f64()), ("dms.sys.load.15", self.load_at(at))];
        readings.extend(timed.map(|(metric, value)| Reading { metric, attribute: none(), value }));
        readings
    }
}

/// What a look at the node shows.
fn gauges(provider: &Provider, system: &dyn System) -> Vec<(&'static str, Arc<str>, f64)> {
    let machine = provider.machine();
    let (total, used) = (&machine.total, provider.usage());
    let all = cores(total);
    let busy = if all > 0.0 { cores(&used) / all } else { 0.0 };
    let offered = machine.onboarded.clone().unwrap_or_default();
    let flag = f64::from(u8::from(machine.onboarded.is_some()));
    let plain = [
        ("dms.sys.cpu.total.norm", busy),
        ("dms.sys.memory.actual.used", used.ram_bytes as f64),
        ("dms.sys.memory.total", total.ram_bytes as f64),
        ("dms.sys.filesystem.used", used.disk_bytes as f64),
        ("dms.sys.filesystem.total", total.disk_bytes as f64),
        ("dms.node.onboarded", flag),
        ("dms.node.cpu", cores(&offered)),
        ("dms.node.memory", offered.ram_bytes as f64 / GB),
        ("dms.node.disk", offered.disk_bytes as f64 / MB),
        ("dms.node.gpu", offered.gpus.len() as f64),
    ];
    let mut gauges: Vec<_> = plain.map(|(metric, value)| (metric, none(), value)).into();
    let place = super::place(&machine.location);
    gauges.push(("dms.node.location", format!("location={place}").into(), 1.0));
    for info in provider.allocation_infos() {
        let attribute: Arc<str> = format!("allocationID={}", info.id).into();
        let runs = info.status == AllocationState::Running;
        let in_use = |amount: f64| if runs { amount } else { 0.0 };
        let memory = info.resources.ram_bytes as f64;
        let network = system.network_of(&info.id);
        for (metric, value) in [
            ("dms.allocation.cpu.usage", in_use(cores(&info.resources))),
            ("dms.allocation.memory.used", in_use(memory)),
            ("dms.allocation.memory.limit", memory),
            ("dms.allocation.network.rx", network.received_bytes as f64),
            ("dms.allocation.network.tx", network.sent_bytes as f64),
        ] {
            gauges.push((metric, Arc::clone(&attribute), value));
        }
    }
    gauges
}
