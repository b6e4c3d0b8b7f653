//! The requests of one caller to one service.
//!
//! Between two changes of the state of the world all requests of a line meet the same: nobody answers, or a service
//! does over a known way. So a stretch of time is accounted for in one go: how many came, and what became of them, from
//! a few that are followed one by one. Only the requests that a change may find under way, those of the last seconds
//! before it, are each taken through what happens. On request all of them are; that is the oracle.

use smallvec::SmallVec;

use super::arriving::{Arriving, Plan};
use super::failure::{Ending, Failure};
use super::queue::Queue;
use super::verdict::{Manner, Server, Verdict};
use crate::dms::dynamic_dns::Resolver;
use crate::kernel::sample::binomial;
use crate::kernel::{Cursor, Domain, Rng, Span, Streams, Time};
use crate::net::{CityId, Course, Network, Outsider};
use crate::sim::event::PeerId;
use crate::sim::ledger::Requests;
use crate::sim::setup::RequestStream;
use crate::sim::troubles::stretched;

/// What becomes of requests.
const OUTCOMES: Domain = Domain::new("sim.traffic.outcomes");

/// One caller of one service.
#[derive(Debug)]
pub(super) struct Line {
    /// The place of its stream in the setup.
    pub(super) stream: usize,
    pub(super) deployment: u32,
    /// The user outside that calls; none for an allocation.
    pub(super) outsider: Option<(Outsider, CityId)>,
    pub(super) plan: Plan,
    pub(super) verdict: Verdict,
    /// The peers on whose state the verdict depends.
    pub(super) watched: SmallVec<[PeerId; 3]>,
    /// What the user remembers of names, and until when they do not ask again for one that they were not told.
    pub(super) resolver: Resolver,
    pub(super) asks_again: Time,
    /// Requests from before this are accounted for, or under way.
    accounted: Time,
    arriving: Arriving,
    entity: u64,
    draws: Cursor,
    under_way: Vec<Request>,
    /// What was exchanged, and nobody has noted yet.
    pub(super) exchanged: Exchanged,
}

/// Bytes of requests that reached a service, and of its answers.
pub(super) type Exchanged = [u64; 2];

/// How long a try takes, how it ends, and what is exchanged.
type Try = (Span, Result<(), Failure>, Exchanged);

const NOTHING: Exchanged = [0, 0];

/// What all requests of a stretch meet.
pub(super) struct Scene<'a> {
    pub(super) streams: Streams,
    pub(super) network: &'a Network,
    pub(super) stream: &'a RequestStream,
    /// Lines of the stream, which share its samples.
    pub(super) lines: u32,
    /// How to get to the service that answers; none where nobody does.
    pub(super) open: Option<Open>,
}

/// A service that answers, and the way there.
pub(super) struct Open {
    pub(super) course: Course,
    /// The probability that a try or its answer is lost.
    pub(super) loss: f64,
    /// What calls leave of the links (down, up) of the host.
    pub(super) idle: [f64; 2],
    /// The part of the tries for which its links have no room.
    pub(super) overflow: f64,
    /// How many times longer the service takes than on a machine that is as usual.
    pub(super) slowness: f64,
    pub(super) queue: Option<Queue>,
}

/// A part of an interval, and how many requests came in it.
struct Stretch {
    interval: u64,
    from: Time,
    to: Time,
    count: u64,
}

/// A request that is followed by itself.
#[derive(Clone, Copy, Debug)]
struct Request {
    interval: u64,
    arrived: Time,
    tries_left: u32,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A try begins.
    Try(Time),
    /// A try that began then ends.
    End { began: Time, at: Time, ending: Result<(), Failure>, bytes: Exchanged },
}

impl Line {
    /// A line whose requests begin at `now`; `entity` names its random streams, its lowest 24 bits are zero.
    pub(super) fn new(
        (stream, deployment): (usize, u32),
        outsider: Option<(Outsider, CityId)>,
        plan: Plan,
        now: Time,
        entity: u64,
    ) -> Self {
        Self {
            stream,
            deployment,
            outsider,
            plan,
            verdict: Verdict::Idle,
            watched: SmallVec::new(),
            resolver: Resolver::default(),
            asks_again: Time::ZERO,
            accounted: now,
            arriving: Arriving::new(entity),
            entity,
            draws: Cursor::default(),
            under_way: Vec::new(),
            exchanged: NOTHING,
        }
    }

    /// Accounts for what is certain by `now`: all but the requests that a change may still find under way.
    pub(super) fn settle(&mut self, scene: &Scene<'_>, now: Time, books: &mut Requests) {
        let until = match scene.stream.samples {
            Some(_) => Time(now.0.saturating_sub(scene.stream.horizon().0)).max(self.accounted),
            None => self.accounted,
        };
        self.account(scene, until, books);
        if scene.stream.samples.is_none() {
            self.follow(scene, now);
        }
        self.advance(scene, now, books);
    }

    /// Accounts for everything before `now`, when the state of the world changes to `next`.
    pub(super) fn change(&mut self, scene: &Scene<'_>, now: Time, next: Verdict, books: &mut Requests) {
        self.settle(scene, now, books);
        self.follow(scene, now);
        self.advance(scene, now, books);
        self.break_off(scene.stream.timeout, now, &next);
        self.verdict = next;
    }

    /// At the end of a run: what is under way ends as if nothing changed any more.
    pub(super) fn finish(&mut self, scene: &Scene<'_>, now: Time, books: &mut Requests) {
        self.account(scene, now, books);
        self.advance(scene, Time::MAX, books);
    }

    /// The next part of one interval before `until` in which requests came; they are somebody's to account for now.
    fn next_stretch(&mut self, scene: &Scene<'_>, until: Time) -> Option<Stretch> {
        while self.accounted < until {
            let from = self.accounted;
            let interval = self.plan.interval_of(from);
            let to = until.min(self.plan.end_of(interval));
            self.accounted = to;
            let count = self.arriving.count(&self.plan, scene.streams, from, to);
            if count > 0 {
                return Some(Stretch { interval, from, to, count });
            }
        }
        None
    }

    /// Accounts for a stretch in one go, interval by interval.
    fn account(&mut self, scene: &Scene<'_>, until: Time, books: &mut Requests) {
        while let Some(Stretch { interval, from, to, count }) = self.next_stretch(scene, until) {
            match &self.verdict {
                Verdict::Idle => {}
                Verdict::Closed(failure, _) => books.add(self.stream, interval, Err(*failure), count),
                Verdict::Open { .. } => {
                    let part = to.since(from).0 as f64 / self.plan.interval.0 as f64;
                    self.sample(scene, interval, count, part, books);
                }
            }
        }
    }

    /// Follows a few of many requests that a service answers; each stands for its share of them. Losses are likely to
    /// be rare, and their number is known: those whose first try is lost are drawn apart.
    fn sample(&mut self, scene: &Scene<'_>, interval: u64, count: u64, part: f64, books: &mut Requests) {
        let Some(open) = &scene.open else { return };
        let all = scene.stream.samples.map_or(f64::MAX, f64::from);
        let most = (libm::ceil(all * part / f64::from(scene.lines.max(1))) as u64).max(1);
        let mut rng = scene.streams.rng(OUTCOMES, self.entity, &mut self.draws);
        let unlucky = binomial(&mut rng, count, open.loss);
        for (count, lost) in [(count - unlucky, false), (unlucky, true)] {
            let followed = count.min(most);
            for number in 0..followed {
                // Whole numbers that add up to the count.
                let stands_for = count * (number + 1) / followed - count * number / followed;
                let (ending, bytes) = whole_request(scene, open, lost, &mut rng);
                add(&mut self.exchanged, bytes, stands_for);
                books.add(self.stream, interval, ending, stands_for);
            }
        }
    }

    /// Takes up every request of a stretch by itself.
    fn follow(&mut self, scene: &Scene<'_>, until: Time) {
        while let Some(Stretch { interval, from, to, count }) = self.next_stretch(scene, until) {
            if self.verdict == Verdict::Idle {
                continue;
            }
            let mut rng = scene.streams.rng(OUTCOMES, self.entity, &mut self.draws);
            let moments = Arriving::moments(&self.plan, count, (from, to), &mut rng);
            let tries_left = scene.stream.retries;
            let request = |at| Request { interval, arrived: at, tries_left, step: Step::Try(at) };
            self.under_way.extend(moments.into_iter().map(request));
        }
    }

    /// Takes the requests under way through what happens before `until`, in the present state of the world.
    fn advance(&mut self, scene: &Scene<'_>, until: Time, books: &mut Requests) {
        if self.under_way.is_empty() {
            return;
        }
        let mut rng = scene.streams.rng(OUTCOMES, self.entity, &mut self.draws);
        let (stream, verdict, exchanged) = (self.stream, &self.verdict, &mut self.exchanged);
        self.under_way.retain_mut(|request| {
            loop {
                match request.step {
                    Step::Try(at) if at < until => {
                        let (after, ending, bytes) = one_try(scene, verdict, None, &mut rng);
                        request.step = Step::End { began: at, at: at + after, ending, bytes };
                    }
                    Step::End { at, ending, bytes, .. } if at < until => {
                        add(exchanged, bytes, 1);
                        match ending {
                            Ok(()) => {
                                books.add(stream, request.interval, Ok(at.since(request.arrived)), 1);
                                return false;
                            }
                            Err(failure) if request.tries_left == 0 => {
                                books.add(stream, request.interval, Err(failure), 1);
                                return false;
                            }
                            Err(_) => {
                                request.tries_left -= 1;
                                request.step = Step::Try(at + scene.stream.pause);
                            }
                        }
                    }
                    _ => return true,
                }
            }
        });
    }

    /// What happens to requests under way when the state of the world changes.
    fn break_off(&mut self, timeout: Span, now: Time, next: &Verdict) {
        // Whoever has ended learns of no answer.
        if *next == Verdict::Idle {
            return self.under_way.clear();
        }
        let Some(server) = self.verdict.server() else { return };
        let silent = match next {
            Verdict::Open { server: other, .. } if other == server => return,
            Verdict::Closed(_, manner) => *manner == Manner::Silent,
            _ => false,
        };
        for request in &mut self.under_way {
            if let Step::End { began, at, ending: ending @ Ok(()), bytes } = &mut request.step {
                *bytes = NOTHING;
                (*at, *ending) = match silent {
                    true => (*began + timeout, Err(Failure::TimedOut)),
                    false => (now, Err(Failure::Reset)),
                };
            }
        }
    }
}

impl Verdict {
    fn server(&self) -> Option<&Server> {
        match self {
            Self::Open { server, .. } => Some(server),
            Self::Idle | Self::Closed(..) => None,
        }
    }
}

/// Adds what so many requests have exchanged.
fn add(sum: &mut Exchanged, bytes: Exchanged, times: u64) {
    sum.iter_mut().zip(bytes).for_each(|(sum, more)| *sum = sum.saturating_add(more.saturating_mul(times)));
}

/// A request from its first try to its end, while nothing changes; `lost` says whether the first try is.
fn whole_request(scene: &Scene<'_>, open: &Open, lost: bool, rng: &mut Rng<'_>) -> (Ending, Exchanged) {
    let mut exchanged = NOTHING;
    let mut took = Span::ZERO;
    let mut lost = Some(lost);
    let mut failure = Failure::TimedOut;
    for number in 0..=scene.stream.retries {
        if number > 0 {
            took += scene.stream.pause;
        }
        let (after, ending, bytes) = try_at(scene, open, lost.take(), rng);
        took += after;
        add(&mut exchanged, bytes, 1);
        match ending {
            Ok(()) => return (Ok(took), exchanged),
            Err(why) => failure = why,
        }
    }
    (Err(failure), exchanged)
}

/// A try in a state of the world.
fn one_try(scene: &Scene<'_>, verdict: &Verdict, lost: Option<bool>, rng: &mut Rng<'_>) -> Try {
    let timeout = scene.stream.timeout;
    match (verdict, &scene.open) {
        (Verdict::Open { .. }, Some(open)) => try_at(scene, open, lost, rng),
        (Verdict::Closed(failure, manner), _) => {
            let after = match manner {
                Manner::AtOnce => Span::ZERO,
                Manner::After(span) => (*span).min(timeout),
                Manner::Silent => timeout,
            };
            (after, Err(*failure), NOTHING)
        }
        _ => (timeout, Err(Failure::TimedOut), NOTHING),
    }
}

/// A try at a service that answers. Of one that is lost nobody knows which of its bytes were.
fn try_at(scene: &Scene<'_>, open: &Open, lost: Option<bool>, rng: &mut Rng<'_>) -> Try {
    let stream = scene.stream;
    let timeout = stream.timeout;
    if lost.unwrap_or_else(|| open.loss > 0.0 && rng.chance(open.loss)) {
        return (timeout, Err(Failure::TimedOut), NOTHING);
    }
    if open.overflow > 0.0 && rng.chance(open.overflow) {
        return (timeout, Err(Failure::Overloaded), NOTHING);
    }
    let wait = match &open.queue {
        None => Span::ZERO,
        Some(queue) => match queue.wait(rng) {
            Some(wait) => wait,
            None => {
                let after = scene.network.exchange_round_trip(&open.course).times(2);
                return (after.min(timeout), Err(Failure::Overloaded), NOTHING);
            }
        },
    };
    let busy = wait + stretched(stream.service.sample(rng), open.slowness);
    let sizes = (stream.request_bytes.sample_s(rng) as u64, stream.response_bytes.sample_s(rng) as u64);
    let took = scene.network.exchange_time(&open.course, sizes, open.idle, rng) + busy;
    let (request, response) = sizes;
    if took <= timeout {
        (took, Ok(()), [request, response])
    } else if busy > timeout {
        // Nobody waits for the answer any more when it is ready.
        (timeout, Err(Failure::Overloaded), [request, 0])
    } else {
        (timeout, Err(Failure::TimedOut), [request, response])
    }
}
