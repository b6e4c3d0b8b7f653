//! When things arrive: requests, jobs, new peers.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::amounts::{Amounts, AmountsError};
use crate::kernel::sample::exponential;
use crate::kernel::{Domain, Rng, Span, Streams, Time};

const ARRIVALS: Domain = Domain::new("workload.arrivals");

/// When things arrive. Times count from the start of the run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ArrivalsConfig {
    /// At random, independent of each other: gaps are exponential.
    Poisson {
        /// Mean of the gaps.
        mean_interval: Span,
        /// When it begins; the first arrival is a gap later.
        #[serde(default)]
        from: Span,
        /// How many arrive; without it they never end.
        #[serde(default)]
        count: Option<u64>,
    },
    /// At equal gaps.
    Every {
        /// The gap.
        interval: Span,
        /// When the first arrives.
        #[serde(default)]
        from: Span,
        /// How many arrive; without it they never end.
        #[serde(default)]
        count: Option<u64>,
    },
    /// At these times.
    At(Vec<Span>),
    /// Many at once.
    Burst {
        /// When.
        at: Span,
        /// How many.
        count: u64,
        /// Each at a random moment of a span of this length that begins then; zero for the same moment.
        #[serde(default)]
        within: Span,
    },
    /// In bursts: a Poisson process whose rate is that of the state that it is in (MMPP). Each state is left after an
    /// exponential time for the next one of the list, and the last one for the first. It starts in the long run: in a
    /// state as likely as the part of the time that it takes.
    Mmpp {
        /// The states; two at least.
        states: Vec<MmppState>,
        /// When it begins.
        #[serde(default)]
        from: Span,
        /// How many arrive; without it they never end.
        #[serde(default)]
        count: Option<u64>,
    },
    /// By the time of the day: a Poisson process whose rate goes up and down like a cosine.
    Diurnal {
        /// Mean of the gaps over a whole period.
        mean_interval: Span,
        /// By which part of its mean the rate goes up and down, 0..=1.
        amplitude: f64,
        /// Length of a day.
        #[serde(default = "day")]
        period: Span,
        /// When the rate is highest, from the start of the run; and so again each period before and after.
        peak: Span,
        /// When it begins.
        #[serde(default)]
        from: Span,
        /// How many arrive; without it they never end.
        #[serde(default)]
        count: Option<u64>,
    },
    /// Several at the same moment, again and again.
    Batches {
        /// When a batch comes.
        moments: BatchMoments,
        /// How many are in it, to the nearest whole number and one at least.
        size: Amounts,
        /// When it begins.
        #[serde(default)]
        from: Span,
        /// How many arrive in all; without it they never end.
        #[serde(default)]
        count: Option<u64>,
    },
}

/// A state of arrivals in bursts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MmppState {
    /// Mean of the gaps while it lasts; none = nothing arrives.
    #[serde(default)]
    pub mean_interval: Option<Span>,
    /// How long it lasts on the average.
    pub mean_stay: Span,
}

/// When batches come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BatchMoments {
    /// At random, independent of each other, with this mean of the gaps; the first a gap after the beginning.
    Poisson(Span),
    /// At equal gaps, the first at the beginning.
    Every(Span),
}

const fn day() -> Span {
    Span::hours(24)
}

/// Why arrivals make no sense.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum ArrivalsError {
    /// Without a gap all would arrive at once, without end.
    #[error("an interval of zero: use a burst to let many arrive at once")]
    NoInterval,
    /// More at once than fits in memory.
    #[error("a burst of {count} is more than {limit}")]
    TooMany {
        /// What was asked for.
        count: u64,
        /// The most a burst may have.
        limit: u64,
    },
    /// One state is an ordinary Poisson process, and none is nothing.
    #[error("bursts need two states or more")]
    TooFewStates,
    /// A state of no time.
    #[error("a state that lasts no time")]
    NoStay,
    /// Nothing would ever arrive.
    #[error("nothing arrives in any of the states")]
    Silent,
    /// The states change so often that only their mean is left.
    #[error(
        "states change {CHANGES_BETWEEN_ARRIVALS} times and more between two arrivals: use a Poisson process"
    )]
    Restless,
    /// A rate that would fall below zero, or is no number.
    #[error("an amplitude of {0}: it is between 0 and 1")]
    Amplitude(f64),
    /// A day of no time.
    #[error("a period of no time")]
    NoPeriod,
    /// Batches of an impossible size.
    #[error(transparent)]
    Size(#[from] AmountsError),
}

/// The most arrivals of one burst or batch.
pub const MOST_IN_BURST: u64 = 100_000_000;
/// So often may states change between two arrivals.
const CHANGES_BETWEEN_ARRIVALS: u64 = 1_000_000;

impl ArrivalsConfig {
    /// The arrival times in order, drawn from the stream of `entity`.
    ///
    /// # Errors
    /// If they make no sense.
    pub fn times(&self, streams: Streams, entity: u64) -> Result<Arrivals, ArrivalsError> {
        self.check()?;
        let mut rng = streams.owned(ARRIVALS, entity);
        let start = |from: Span| Time::ZERO + from;
        let plan = match *self {
            Self::Poisson { mean_interval, from, .. } => {
                Plan::Poisson { mean_s: mean_interval.as_secs_f64(), last: start(from) }
            }
            Self::Every { interval, from, .. } => Plan::Every { interval, next: start(from) },
            Self::At(ref times) => Plan::listed(times.iter().map(|&span| start(span)).collect()),
            Self::Burst { at, count, within } => {
                let time = |_| Time::ZERO + at + Span(if within.0 == 0 { 0 } else { rng.below(within.0) });
                Plan::listed((0..count).map(time).collect())
            }
            Self::Mmpp { ref states, from, .. } => Plan::Mmpp(Mmpp::new(states, start(from), &mut rng)),
            Self::Diurnal { mean_interval, amplitude, period, peak, from, .. } => Plan::Diurnal(Diurnal {
                mean_s: mean_interval.as_secs_f64(),
                amplitude,
                period_s: period.as_secs_f64(),
                peak_s: peak.as_secs_f64(),
                last: start(from),
            }),
            Self::Batches { moments, size, from, .. } => {
                Plan::Batches(Batches { moments, size, at: start(from), begun: false, left: 0 })
            }
        };
        Ok(Arrivals { rng, plan, left: self.count().unwrap_or(u64::MAX) })
    }

    /// How many arrive, where that is said.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Poisson { count, .. }
            | Self::Every { count, .. }
            | Self::Mmpp { count, .. }
            | Self::Diurnal { count, .. }
            | Self::Batches { count, .. } => *count,
            Self::At(times) => Some(times.len() as u64),
            Self::Burst { count, .. } => Some(*count),
        }
    }

    /// The mean time between two arrivals in seconds, in the long run; none of those that are at given times.
    #[must_use]
    pub fn mean_interval_s(&self) -> Option<f64> {
        match self {
            Self::Poisson { mean_interval: gap, .. }
            | Self::Every { interval: gap, .. }
            | Self::Diurnal { mean_interval: gap, .. } => Some(gap.as_secs_f64()),
            Self::Mmpp { states, .. } => {
                let stays_s: f64 = states.iter().map(|state| state.mean_stay.as_secs_f64()).sum();
                let in_state = |state: &MmppState| {
                    state.mean_interval.map_or(0.0, |gap| state.mean_stay.as_secs_f64() / gap.as_secs_f64())
                };
                Some(stays_s / states.iter().map(in_state).sum::<f64>())
            }
            Self::Batches {
                moments: BatchMoments::Poisson(gap) | BatchMoments::Every(gap), size, ..
            } => Some(gap.as_secs_f64() / size.mean().max(1.0)),
            Self::At(_) | Self::Burst { .. } => None,
        }
    }

    /// When they begin, as far as that is said apart from the times themselves.
    #[must_use]
    pub const fn from(&self) -> Span {
        match *self {
            Self::Poisson { from, .. }
            | Self::Every { from, .. }
            | Self::Mmpp { from, .. }
            | Self::Diurnal { from, .. }
            | Self::Batches { from, .. } => from,
            Self::Burst { at, .. } => at,
            Self::At(_) => Span::ZERO,
        }
    }

    /// Whether they make sense.
    ///
    /// # Errors
    /// The first thing that does not.
    pub fn check(&self) -> Result<(), ArrivalsError> {
        match self {
            Self::Poisson { mean_interval: Span(0), .. }
            | Self::Every { interval: Span(0), .. }
            | Self::Diurnal { mean_interval: Span(0), .. }
            | Self::Batches {
                moments: BatchMoments::Poisson(Span(0)) | BatchMoments::Every(Span(0)), ..
            } => Err(ArrivalsError::NoInterval),
            Self::Burst { count, .. } if *count > MOST_IN_BURST => {
                Err(ArrivalsError::TooMany { count: *count, limit: MOST_IN_BURST })
            }
            Self::Mmpp { states, .. } => self.check_states(states),
            Self::Diurnal { amplitude, .. } if !(0.0..=1.0).contains(amplitude) => {
                Err(ArrivalsError::Amplitude(*amplitude))
            }
            Self::Diurnal { period: Span(0), .. } => Err(ArrivalsError::NoPeriod),
            Self::Batches { size, .. } => Ok(size.check()?),
            _ => Ok(()),
        }
    }

    fn check_states(&self, states: &[MmppState]) -> Result<(), ArrivalsError> {
        if states.len() < 2 {
            return Err(ArrivalsError::TooFewStates);
        }
        if states.iter().any(|state| state.mean_stay == Span::ZERO) {
            return Err(ArrivalsError::NoStay);
        }
        if states.iter().any(|state| state.mean_interval == Some(Span::ZERO)) {
            return Err(ArrivalsError::NoInterval);
        }
        let gap_s = self.mean_interval_s().filter(|gap_s| gap_s.is_finite()).ok_or(ArrivalsError::Silent)?;
        let stays_s: f64 = states.iter().map(|state| state.mean_stay.as_secs_f64()).sum();
        let changes = gap_s * states.len() as f64 / stays_s;
        if changes >= CHANGES_BETWEEN_ARRIVALS as f64 { Err(ArrivalsError::Restless) } else { Ok(()) }
    }
}

/// Arrival times in order.
#[derive(Debug)]
pub struct Arrivals {
    rng: Rng<'static>,
    plan: Plan,
    left: u64,
}

#[derive(Debug)]
enum Plan {
    Poisson { mean_s: f64, last: Time },
    Every { interval: Span, next: Time },
    Listed(std::vec::IntoIter<Time>),
    Mmpp(Mmpp),
    Diurnal(Diurnal),
    Batches(Batches),
}

impl Plan {
    fn listed(mut times: Vec<Time>) -> Self {
        times.sort_unstable();
        Self::Listed(times.into_iter())
    }

    fn next(&mut self, rng: &mut Rng<'_>) -> Option<Time> {
        Some(match self {
            Self::Listed(times) => return times.next(),
            Self::Poisson { mean_s, last } => {
                *last = later(*last, exponential(rng, *mean_s));
                *last
            }
            Self::Every { interval, next } => {
                let at = *next;
                *next = at + *interval;
                at
            }
            Self::Mmpp(bursts) => bursts.next(rng),
            Self::Diurnal(days) => days.next(rng),
            Self::Batches(batches) => batches.next(rng),
        })
    }
}

impl Iterator for Arrivals {
    type Item = Time;

    fn next(&mut self) -> Option<Time> {
        self.left = self.left.checked_sub(1)?;
        // Past the end of time nothing arrives.
        self.plan.next(&mut self.rng).filter(|at| *at < Time::MAX)
    }
}

fn later(time: Time, by_s: f64) -> Time {
    time + Span::from_secs_f64(by_s)
}

/// Arrivals in bursts, under way.
#[derive(Debug)]
struct Mmpp {
    states: Vec<MmppState>,
    state: usize,
    now: Time,
    /// When the state is left.
    until: Time,
}

impl Mmpp {
    fn new(states: &[MmppState], now: Time, rng: &mut Rng<'_>) -> Self {
        let stay_s = |state: &MmppState| state.mean_stay.as_secs_f64();
        let mut point_s = rng.unit_f64() * states.iter().map(stay_s).sum::<f64>();
        let mut state = 0;
        while state + 1 < states.len() && point_s >= stay_s(&states[state]) {
            point_s -= stay_s(&states[state]);
            state += 1;
        }
        // What is left of an exponential time is distributed like the whole.
        let until = later(now, exponential(rng, stay_s(&states[state])));
        Self { states: states.to_vec(), state, now, until }
    }

    fn next(&mut self, rng: &mut Rng<'_>) -> Time {
        while self.now < Time::MAX {
            let gap = self.states[self.state].mean_interval;
            let at = gap.map_or(Time::MAX, |gap| later(self.now, exponential(rng, gap.as_secs_f64())));
            if at < self.until {
                self.now = at;
                return at;
            }
            // A gap that is cut off begins anew: it has no memory.
            self.now = self.until;
            self.state = (self.state + 1) % self.states.len();
            let stay_s = self.states[self.state].mean_stay.as_secs_f64();
            self.until = later(self.now, exponential(rng, stay_s));
        }
        Time::MAX
    }
}

/// Arrivals by the time of the day, under way: those of the highest rate, thinned out.
#[derive(Debug)]
struct Diurnal {
    mean_s: f64,
    amplitude: f64,
    period_s: f64,
    peak_s: f64,
    last: Time,
}

impl Diurnal {
    fn next(&mut self, rng: &mut Rng<'_>) -> Time {
        let highest = 1.0 + self.amplitude;
        while self.last < Time::MAX {
            self.last = later(self.last, exponential(rng, self.mean_s / highest));
            let turns = (self.last.as_secs_f64() - self.peak_s) / self.period_s;
            let rate = 1.0 + self.amplitude * libm::cos(2.0 * std::f64::consts::PI * turns);
            if rng.unit_f64() * highest < rate {
                return self.last;
            }
        }
        Time::MAX
    }
}

/// Arrivals in batches, under way.
#[derive(Debug)]
struct Batches {
    moments: BatchMoments,
    size: Amounts,
    at: Time,
    begun: bool,
    /// How many of the present batch are still to come.
    left: u64,
}

impl Batches {
    fn next(&mut self, rng: &mut Rng<'_>) -> Time {
        if self.left == 0 {
            self.at = match self.moments {
                BatchMoments::Poisson(gap) => later(self.at, exponential(rng, gap.as_secs_f64())),
                BatchMoments::Every(gap) if self.begun => self.at + gap,
                BatchMoments::Every(_) => self.at,
            };
            self.begun = true;
            self.left = self.size.sample_whole(rng).clamp(1, MOST_IN_BURST);
        }
        self.left -= 1;
        self.at
    }
}

#[cfg(test)]
mod tests;
