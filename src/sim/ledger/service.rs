//! Availability: for how long services were wanted, and for how long of that they ran.

use std::sync::Arc;

use crate::dms::ensemble::AllocationKind;
use crate::dms::fact::Role;
use crate::kernel::{OrderedMap, Span, Time};
use crate::observe::SpanHistogram;

/// One service allocation over all of its generations.
#[derive(Clone, Debug, Default)]
pub(super) struct Service {
    wanted: bool,
    running: u32,
    since: Time,
    pub(super) wanted_for: Span,
    pub(super) served_for: Span,
    /// When it went down while it was wanted.
    down_since: Option<Time>,
}

impl Service {
    /// Counts the time since the last change.
    fn count(&mut self, now: Time) {
        if self.wanted {
            let span = now.since(self.since);
            self.wanted_for += span;
            if self.running > 0 {
                self.served_for += span;
            }
        }
        self.since = now;
    }
}

/// Every service allocation of a run, by deployment and key.
#[derive(Clone, Debug, Default)]
pub(super) struct Services {
    pub(super) all: OrderedMap<(u32, Arc<str>), Service>,
    pub(super) recoveries: SpanHistogram,
    /// What allocations serve, of those that updates have left or added.
    pub(super) roles: OrderedMap<(u32, Arc<str>), (Arc<str>, AllocationKind)>,
}

impl Services {
    fn change(&mut self, now: Time, deployment: u32, key: &str) -> &mut Service {
        let service = self.all.entry((deployment, key.into())).or_default();
        service.count(now);
        service
    }

    /// Its deployment runs: from now on it should.
    pub(super) fn want(&mut self, now: Time, deployment: u32, key: &str) {
        let service = self.change(now, deployment, key);
        service.wanted = true;
        service.down_since = (service.running == 0).then_some(now);
    }

    /// Its deployment has ended as its user wished.
    pub(super) fn unwant(&mut self, now: Time, deployment: u32) {
        for ((number, _), service) in &mut self.all {
            if *number == deployment && service.wanted {
                service.count(now);
                service.wanted = false;
                service.down_since = None;
            }
        }
    }

    /// Its deployment was updated: from now on it consists of these.
    pub(super) fn reshape(&mut self, now: Time, deployment: u32, allocations: &[Role]) {
        let wanted = || allocations.iter().filter(|role| role.is_wanted);
        for ((number, key), service) in &mut self.all {
            if *number == deployment && service.wanted && !wanted().any(|role| role.service == *key) {
                service.count(now);
                service.wanted = false;
                service.down_since = None;
            }
        }
        for role in allocations {
            let serves = (Arc::clone(&role.service), role.kind);
            self.roles.insert((deployment, Arc::clone(&role.allocation)), serves);
        }
        for role in wanted().filter(|role| role.kind == AllocationKind::Service) {
            let known = self.all.get(&(deployment, Arc::clone(&role.service)));
            if !known.is_some_and(|service| service.wanted) {
                self.want(now, deployment, &role.service);
            }
        }
    }

    /// An instance of it runs. Tasks are counted too, and never wanted.
    pub(super) fn starts(&mut self, now: Time, deployment: u32, key: &str) {
        let service = self.change(now, deployment, key);
        service.running += 1;
        if let Some(down) = service.down_since.take() {
            self.recoveries.record(now.since(down));
        }
    }

    /// An instance of it runs no more.
    pub(super) fn stops(&mut self, now: Time, deployment: u32, key: &str) {
        let service = self.change(now, deployment, key);
        service.running -= 1;
        if service.wanted && service.running == 0 {
            service.down_since = Some(now);
        }
    }

    /// How many are wanted now, and how many of them run.
    pub(super) fn now(&self) -> (u64, u64) {
        let wanted = self.all.values().filter(|service| service.wanted);
        let running = wanted.clone().filter(|service| service.running > 0).count();
        (wanted.count() as u64, running as u64)
    }

    /// Counts to the end of the run.
    pub(super) fn finish(&mut self, now: Time) {
        self.all.values_mut().for_each(|service| service.count(now));
    }

    /// The part of the wanted time in which a service ran, over all; none where nothing was wanted.
    pub(super) fn availability(&self) -> f64 {
        let total = |part: fn(&Service) -> Span| -> u128 {
            self.all.values().map(|service| u128::from(part(service).0)).sum()
        };
        total(|service| service.served_for) as f64 / total(|service| service.wanted_for) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Time {
        Time::ZERO + Span::secs(second)
    }

    #[test]
    fn availability_counts_wanted_time_only() {
        let mut services = Services::default();
        services.starts(at(5), 0, "a.x");
        services.want(at(10), 0, "a.x");
        services.stops(at(20), 0, "a.x");
        services.starts(at(25), 0, "a.x");
        services.unwant(at(50), 0);
        services.finish(at(100));
        assert!((services.availability() - 35.0 / 40.0).abs() < 1e-12);
        assert_eq!(services.recoveries.count(), 1);
    }

    #[test]
    fn two_live_generations_serve_once() {
        let mut services = Services::default();
        services.starts(at(0), 0, "a.x");
        services.want(at(0), 0, "a.x");
        services.starts(at(10), 0, "a.x");
        services.stops(at(20), 0, "a.x");
        services.finish(at(40));
        assert!((services.availability() - 1.0).abs() < 1e-12);
    }
}
