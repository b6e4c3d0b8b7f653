//! Requests that programs and users make of what is deployed.

use std::sync::Arc;

use crate::kernel::{Distribution, Span, Time};
use crate::net::BandwidthConfig;
use crate::workload::PlaceConfig;

/// Requests of one kind, from one side to one service, in every deployment of one name.
#[derive(Clone, PartialEq, Debug)]
pub struct RequestStream {
    /// Its name in tables; no two have the same.
    pub name: String,
    /// The name of the deployments.
    pub deployment: String,
    /// Who asks.
    pub from: Source,
    /// The allocation that is asked, by its name in the ensemble.
    pub to: Arc<str>,
    /// When requests come.
    pub rate: Rate,
    /// The length of a request, in bytes where the distribution says seconds.
    pub request_bytes: Distribution,
    /// The length of an answer, likewise.
    pub response_bytes: Distribution,
    /// How long a worker of the service is busy with a request.
    pub service: Distribution,
    /// How many requests the service handles at once, and how many more may wait; none = any number.
    pub workers: Option<(u32, u32)>,
    /// How long who asks waits for an answer.
    pub timeout: Span,
    /// How often who asks tries again.
    pub retries: u32,
    /// How long after a failure.
    pub pause: Span,
    /// The length of an interval in `requests.csv`.
    pub interval: Span,
    /// How many requests of an interval are followed one by one to learn their latencies; none = all.
    pub samples: Option<u32>,
}

impl RequestStream {
    /// What a stream does where nothing is said: five seconds, no second try, 64 samples in five minutes.
    pub const TIMEOUT: Span = Span::secs(5);
    /// From a failure to the next try.
    pub const PAUSE: Span = Span::secs(1);
    /// The length of an interval.
    pub const INTERVAL: Span = Span::mins(5);
    /// Samples of an interval.
    pub const SAMPLES: u32 = 64;
    /// How many requests may wait for a worker.
    pub const QUEUE: u32 = 100;

    /// In which of the parts of its intervals a time lies, each of which has one sample: requests of one part may be
    /// accounted for together.
    #[must_use]
    pub fn part_of(&self, at: Time) -> u64 {
        let samples = u128::from(self.samples.unwrap_or(u32::MAX).max(1));
        u64::try_from(u128::from(at.0) * samples / u128::from(self.interval.0)).unwrap_or(u64::MAX)
    }

    /// The longest time from a request to its last failure.
    #[must_use]
    pub fn horizon(&self) -> Span {
        let tries = u64::from(self.retries);
        self.timeout.times(tries + 1) + self.pause.times(tries)
    }
}

/// Who makes requests.
#[derive(Clone, PartialEq, Debug)]
pub enum Source {
    /// An allocation of the same deployment, over the subnet and by the name of what it asks.
    Allocation(Arc<str>),
    /// Users outside, over the public port.
    Clients(Clients),
}

/// Users outside of the network of peers.
#[derive(Clone, PartialEq, Debug)]
pub struct Clients {
    /// How many there are, each with the same part of the requests.
    pub count: u32,
    /// Where they are.
    pub place: PlaceConfig,
    /// Their links.
    pub bandwidth: BandwidthConfig,
    /// The port inside that they mean; none = any that is mapped.
    pub port: Option<u16>,
    /// Whether they look up the name of the host in the zone of dynamic DNS; else they keep the address that the
    /// manifest named.
    pub by_name: bool,
}

/// When requests come, in each deployment.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rate {
    /// The mean time from one to the next.
    pub interval: Span,
    /// Whether all gaps are equal; else they are at random (Poisson).
    pub regular: bool,
    /// How the rate changes with the time of day; never with equal gaps.
    pub daily: Option<Daily>,
    /// From when on.
    pub start: Time,
    /// Until when; none = to the end of the run.
    pub end: Option<Time>,
}

/// A rate that swings around its mean once a day, like a cosine.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Daily {
    /// By which part of the mean, 0..=1.
    pub swing: f64,
    /// At which time of the day, in UTC, it is greatest.
    pub peak: Span,
}
