//! Comings and goings as somebody has written them down: the sessions of the hosts of a trace, taken round and round.
//!
//! A trace is one cycle, from its first session to the end of its last; what follows on its end is its beginning. A
//! peer lives through the history of one host, from some place in it on.

use std::sync::Arc;

use thiserror::Error;

use super::fitting::Session;
use crate::kernel::{Domain, Rng, Span, Streams, Time};

/// Which host each peer follows, and from where in the trace on.
const TRACED: Domain = Domain::new("workload.churn.trace");

/// A moment of the cycle at which a host comes up or goes down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Change {
    at: Span,
    up: bool,
}

/// When the hosts of a trace are up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpTrace {
    length: Span,
    /// Of each host the changes in the order of their times; none where it never changes.
    hosts: Vec<Vec<Change>>,
    /// Of each host how long it is up in a cycle.
    up: Vec<Span>,
}

/// Why a trace says nothing of comings and goings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum UpTraceError {
    /// All of its sessions end when they begin.
    #[error("no host is ever up: all sessions end when they begin")]
    NeverUp,
    /// It has more hosts or changes than can be counted.
    #[error("it has more hosts or sessions than 4 billion")]
    TooLong,
}

/// How a group of peers follows a trace.
#[derive(Clone, PartialEq, Debug)]
pub struct TraceChurn {
    /// The trace.
    pub trace: Arc<UpTrace>,
    /// Whether the first peer of the group follows the first host, and so on, from the first again after the last;
    /// else each draws one.
    pub in_order: bool,
    /// Under which name a copy of the trace is kept with the results.
    pub copy: String,
}

impl UpTrace {
    /// The trace of `hosts` hosts with these sessions, sorted by host and start, of which no two of a host overlap.
    ///
    /// # Errors
    /// If nobody is ever up in it, or it is too long.
    pub fn new(hosts: usize, sessions: &[Session]) -> Result<Self, UpTraceError> {
        let begin_s = sessions.iter().map(|one| one.start_s).fold(f64::INFINITY, f64::min);
        let end_s = sessions.iter().map(|one| one.end_s).fold(f64::NEG_INFINITY, f64::max);
        let length = Span::from_secs_f64((end_s - begin_s).max(0.0));
        if u32::try_from(sessions.len()).is_err() || u32::try_from(hosts).is_err() {
            return Err(UpTraceError::TooLong);
        }
        let mut all = vec![Vec::new(); hosts];
        let mut up = vec![Span::ZERO; hosts];
        for session in sessions {
            let [from, to] = [session.start_s, session.end_s].map(|at_s| Span::from_secs_f64(at_s - begin_s));
            // What is shorter than the trace can tell is as if it had not been.
            if from < to {
                let host = session.host as usize;
                up[host] += Span(to.0 - from.0);
                add(&mut all[host], from, to);
            }
        }
        all.iter_mut().for_each(|changes| close(changes, length));
        if up.iter().all(|up| *up == Span::ZERO) {
            return Err(UpTraceError::NeverUp);
        }
        Ok(Self { length, hosts: all, up })
    }

    /// How many hosts it has.
    #[must_use]
    pub const fn hosts(&self) -> usize {
        self.hosts.len()
    }

    /// From its first session to the end of its last.
    #[must_use]
    pub const fn length(&self) -> Span {
        self.length
    }

    /// The share of time that its hosts are up.
    #[must_use]
    pub fn availability(&self) -> f64 {
        let up: f64 = self.up.iter().map(|up| up.as_secs_f64()).sum();
        up / (self.length.as_secs_f64() * self.hosts.len() as f64)
    }

    /// How often in a second a host comes up, on the average over all.
    #[must_use]
    pub fn comings_a_second(&self) -> f64 {
        let changes: usize = self.hosts.iter().map(Vec::len).sum();
        changes as f64 / 2.0 / (self.length.as_secs_f64() * self.hosts.len() as f64)
    }
}

/// A session is one with the one before if it begins where that one ends.
fn add(changes: &mut Vec<Change>, from: Span, to: Span) {
    if changes.last().is_some_and(|last| last.at == from) {
        changes.pop();
    } else {
        changes.push(Change { at: from, up: true });
    }
    changes.push(Change { at: to, up: false });
}

/// Makes a cycle of the changes of a host: its end and its beginning are one moment.
fn close(changes: &mut Vec<Change>, length: Span) {
    let Some(last) = changes.last().copied().filter(|last| last.at == length) else { return };
    changes.pop();
    if changes.first().is_some_and(|first| first.at == Span::ZERO) {
        changes.remove(0);
    } else {
        changes.insert(0, Change { at: Span::ZERO, ..last });
    }
}

/// Where a peer is in the history of its host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Place {
    host: u32,
    /// The next change, counted from the beginning of the cycle in which the run began.
    change: u32,
}

impl TraceChurn {
    /// Where peer `entity`, the one with `number` in its group, is at the start of the run, and whether it is up;
    /// `anywhere` or at the beginning of the trace.
    pub(super) fn begin(
        &self,
        streams: Streams,
        entity: u64,
        number: u32,
        anywhere: bool,
    ) -> (Place, bool, Time) {
        let mut rng = streams.owned(TRACED, entity);
        let drawn = rng.below(self.trace.hosts.len() as u64) as u32;
        let host = if self.in_order { number % self.trace.hosts.len() as u32 } else { drawn };
        let offset = if anywhere { self.offset(&mut rng) } else { Span::ZERO };
        let changes = &self.trace.hosts[host as usize];
        let before = changes.partition_point(|change| change.at <= offset);
        let up = match changes.get(before).or(changes.first()) {
            Some(next) => !next.up,
            None => self.trace.up[host as usize] > Span::ZERO,
        };
        let place = Place { host, change: before as u32 };
        (place, up, self.time_of(place, offset))
    }

    /// Goes on to the next change; whether the peer is up then, and when the one after it comes.
    pub(super) fn follow(
        &self,
        place: &mut Place,
        streams: Streams,
        entity: u64,
        anywhere: bool,
    ) -> (bool, Time) {
        let mut rng = streams.owned(TRACED, entity);
        // The offset is kept nowhere: it is drawn again, after the host.
        rng.below(self.trace.hosts.len() as u64);
        let offset = if anywhere { self.offset(&mut rng) } else { Span::ZERO };
        let changes = &self.trace.hosts[place.host as usize];
        let up = changes[place.change as usize % changes.len()].up;
        place.change += 1;
        (up, self.time_of(*place, offset))
    }

    fn offset(&self, rng: &mut Rng<'_>) -> Span {
        Span(rng.below(self.trace.length.0))
    }

    /// When a change comes about in a run that began at `offset` of the cycle; [`Time::MAX`] where nothing changes.
    fn time_of(&self, place: Place, offset: Span) -> Time {
        let changes = &self.trace.hosts[place.host as usize];
        let Some(cycle) = (place.change as usize).checked_div(changes.len()) else { return Time::MAX };
        let at = changes[place.change as usize % changes.len()].at;
        let after = cycle as u128 * u128::from(self.trace.length.0) + u128::from(at.0) - u128::from(offset.0);
        Time(u64::try_from(after).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{ChurnStart, Comings, PeerChurn};

    fn trace(hosts: usize, sessions: &[(u32, f64, f64)], in_order: bool) -> TraceChurn {
        let session = |&(host, start_s, end_s)| Session { host, start_s, end_s };
        let sessions: Vec<Session> = sessions.iter().map(session).collect();
        TraceChurn { trace: Arc::new(UpTrace::new(hosts, &sessions).unwrap()), in_order, copy: String::new() }
    }

    /// The changes of a peer up to a second, with whether it is up at the start.
    fn history(churn: &TraceChurn, start: ChurnStart, number: u32, until_s: u64) -> (bool, Vec<u64>) {
        let comings = Comings::Traced(churn.clone());
        let (streams, entity) = (Streams::new(5), 1000 + u64::from(number));
        let mut peer = PeerChurn::following(&comings, start, streams, (entity, number), Time::ZERO);
        let begins_up = peer.is_up();
        let mut changes = Vec::new();
        while peer.next_change() <= Time::ZERO + Span::secs(until_s) {
            let at = peer.next_change();
            let up = peer.pass(&comings, start, streams, entity);
            assert_eq!(up, begins_up ^ changes.len().is_multiple_of(2));
            changes.push(at.0 / 1_000_000_000);
        }
        (begins_up, changes)
    }

    #[test]
    fn the_end_of_a_trace_is_followed_by_its_beginning() {
        let churn = trace(
            4,
            &[
                (0, 100.0, 110.0),
                (0, 130.0, 150.0),
                (1, 105.0, 120.0),
                (1, 120.0, 125.0),
                (2, 100.0, 150.0),
                (3, 140.0, 140.0),
            ],
            true,
        );
        let fresh = |number| history(&churn, ChurnStart::Fresh, number, 120);
        // Up at both ends is up in between.
        assert_eq!(fresh(0), (true, vec![10, 30, 60, 80, 110]));
        assert_eq!(fresh(1), (false, vec![5, 25, 55, 75, 105]), "two that touch are one");
        assert_eq!(fresh(2), (true, vec![]), "always up");
        assert_eq!(fresh(3), (false, vec![]), "never up");
        assert_eq!(fresh(4), fresh(0), "the first comes again after the last");
        assert!((churn.trace.availability() - 100.0 / 200.0).abs() < 1e-12);
        let ends = trace(2, &[(0, 0.0, 10.0), (1, 5.0, 20.0)], true);
        assert_eq!(history(&ends, ChurnStart::Fresh, 1, 60), (false, vec![5, 20, 25, 40, 45, 60]));
    }

    /// A peer that is met anywhere in the trace is up with the share of it that its hosts are.
    #[test]
    fn a_stationary_start_is_anywhere_in_the_trace() {
        let churn = trace(2, &[(0, 0.0, 30.0), (1, 50.0, 100.0)], false);
        let up = |at_s: u64| {
            let peers = (0..20_000).map(|number| history(&churn, ChurnStart::Stationary, number, at_s));
            peers.filter(|(begins_up, changes)| begins_up ^ !changes.len().is_multiple_of(2)).count() as f64
        };
        // 40 % of 20,000, with a standard deviation of 69.
        for at_s in [0, 37, 1000] {
            assert!((up(at_s) - 8000.0).abs() < 250.0, "{} are up after {at_s} s", up(at_s));
        }
    }

    #[test]
    fn a_trace_without_anybody_is_refused() {
        let never = [Session { host: 0, start_s: 3.0, end_s: 3.0 }];
        assert_eq!(UpTrace::new(1, &never), Err(UpTraceError::NeverUp));
    }
}
