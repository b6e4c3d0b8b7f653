//! When peers come and go: alternating up and down times of measured systems.
//!
//! The presets are Weibull fits of the Failure Trace Archive. A run starts in the middle of such a history: a
//! peer is up with its long-run probability, and what is left of its session is drawn from the equilibrium
//! distribution. Fresh sessions for all would bunch their ends: with the shape of desktop PCs 13 % would
//! leave in the first hour instead of 2 %.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::uptrace::{Place, TraceChurn};
use crate::kernel::sample::DistributionError;
use crate::kernel::{Cursor, Distribution, Domain, Rng, Span, Streams, Time};

const CHURN: Domain = Domain::new("workload.churn");

/// A measured system.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChurnPreset {
    /// Microsoft's desktop PCs, 1999.
    DesktopPc,
    /// Overnet, 2003: file sharing.
    Overnet,
    /// Skype's superpeers, 2005 to 2006.
    Skype,
    /// PlanetLab's nodes, 2004 to 2005.
    Planetlab,
    /// Processors of Notre Dame's Condor desktops, 2007.
    Condor,
    /// Grid'5000's nodes, 2005 to 2006.
    Grid5000,
    /// Los Alamos' nodes, 1996 to 2005.
    Lanl,
}

impl ChurnPreset {
    /// All presets.
    pub const ALL: [Self; 7] = [
        Self::DesktopPc,
        Self::Overnet,
        Self::Skype,
        Self::Planetlab,
        Self::Condor,
        Self::Grid5000,
        Self::Lanl,
    ];

    /// Shape, and scale in hours, of the Weibull fits to up and down times.
    const fn fits(self) -> [(f64, f64); 2] {
        match self {
            Self::DesktopPc => [(0.55, 35.30), (0.60, 9.34)],
            Self::Overnet => [(0.85, 2.04), (0.44, 2.98)],
            Self::Skype => [(0.64, 10.86), (0.63, 9.48)],
            Self::Planetlab => [(0.33, 19.35), (0.36, 5.59)],
            Self::Condor => [(0.45, 4.16), (0.51, 0.74)],
            Self::Grid5000 => [(0.48, 14.37), (0.35, 0.47)],
            Self::Lanl => [(0.48, 816.60), (0.58, 2.18)],
        }
    }

    /// The model of this system.
    #[must_use]
    pub fn model(self) -> ChurnModel {
        let [up, down] =
            self.fits().map(|(shape, scale_h)| Distribution::Weibull { shape, scale_s: scale_h * 3600.0 });
        ChurnModel { up, down }
    }
}

/// How the peers of a group come and go.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChurnConfig {
    /// As in a measured system.
    Preset(ChurnPreset),
    /// With these up and down times.
    Model(ChurnModel),
    /// As the hosts of a trace.
    #[serde(skip)]
    Trace(TraceChurn),
}

/// What the peers of a group go by when they come and go.
#[derive(Clone, PartialEq, Debug)]
pub enum Comings {
    /// Times that are drawn.
    Drawn(ChurnModel),
    /// A trace.
    Traced(TraceChurn),
}

/// What state peers start in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChurnStart {
    /// In the middle of a long history.
    #[default]
    Stationary,
    /// All up, at the start of a session.
    Fresh,
}

/// Alternating up and down times, independent of each other.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChurnModel {
    /// How long a peer stays up.
    pub up: Distribution,
    /// How long it stays down.
    pub down: Distribution,
}

/// Why a model makes no sense.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum ChurnError {
    /// A parameter of a distribution.
    #[error("{what} times: {source}")]
    Distribution {
        /// `up` or `down`.
        what: &'static str,
        /// What is wrong with it.
        source: DistributionError,
    },
    /// A mean that is infinite, or up times of nothing, so that there is no long run.
    #[error("{what} times have a mean of {mean_s} s: it must be finite, and that of up times positive")]
    Mean {
        /// `up` or `down`.
        what: &'static str,
        /// Their mean.
        mean_s: f64,
    },
}

impl ChurnConfig {
    /// What the peers go by, checked.
    ///
    /// # Errors
    /// If its times have senseless parameters, or no finite mean, or nobody is ever up.
    pub fn comings(&self) -> Result<Comings, ChurnError> {
        let model = match self {
            Self::Preset(preset) => preset.model(),
            Self::Model(model) => *model,
            Self::Trace(trace) => return Ok(Comings::Traced(trace.clone())),
        };
        for (what, times) in [("up", &model.up), ("down", &model.down)] {
            times.check().map_err(|source| ChurnError::Distribution { what, source })?;
            let mean_s = times.mean_s();
            // Who is renewed at once is never down.
            if !(mean_s > 0.0 || mean_s == 0.0 && what == "down") || !mean_s.is_finite() {
                return Err(ChurnError::Mean { what, mean_s });
            }
        }
        Ok(Comings::Drawn(model))
    }
}

impl Comings {
    /// The share of time that a peer is up in the long run.
    #[must_use]
    pub fn availability(&self) -> f64 {
        match self {
            Self::Drawn(model) => model.availability(),
            Self::Traced(traced) => traced.trace.availability(),
        }
    }

    /// How often in a second a peer comes, in the long run.
    #[must_use]
    pub fn comings_a_second(&self) -> f64 {
        match self {
            Self::Drawn(model) => 1.0 / (model.up.mean_s() + model.down.mean_s()),
            Self::Traced(traced) => traced.trace.comings_a_second(),
        }
    }
}

impl ChurnModel {
    /// The share of time that a peer is up in the long run.
    #[must_use]
    pub fn availability(&self) -> f64 {
        let (up, down) = (self.up.mean_s(), self.down.mean_s());
        up / (up + down)
    }

    fn times(&self, up: bool) -> &Distribution {
        if up { &self.up } else { &self.down }
    }
}

/// The comings and goings of one peer, from a stream of its own or along a trace: 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerChurn {
    cursor: Cursor,
    /// Where it is in a trace, if it follows one.
    place: Place,
    next: Time,
    up: bool,
}

impl PeerChurn {
    /// The history of peer `entity` from `now` on.
    #[must_use]
    pub fn new(model: &ChurnModel, start: ChurnStart, streams: Streams, entity: u64, now: Time) -> Self {
        let mut cursor = Cursor::default();
        let mut rng = streams.rng(CHURN, entity, &mut cursor);
        let (up, left) = initial(model, start, &mut rng);
        drop(rng);
        Self { cursor, place: Place::default(), next: now + left, up }
    }

    /// That of a peer which goes by either; `number` is its place in its group. A trace begins with the run.
    #[must_use]
    pub fn following(
        comings: &Comings,
        start: ChurnStart,
        streams: Streams,
        (entity, number): (u64, u32),
        now: Time,
    ) -> Self {
        match comings {
            Comings::Drawn(model) => Self::new(model, start, streams, entity, now),
            Comings::Traced(traced) => {
                let anywhere = start == ChurnStart::Stationary;
                let (place, up, next) = traced.begin(streams, entity, number, anywhere);
                Self { cursor: Cursor::default(), place, next, up }
            }
        }
    }

    /// Whether the peer is up until its next change.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.up
    }

    /// When it next comes or goes; [`Time::MAX`] if it never does, or waits for a repairer.
    #[must_use]
    pub const fn next_change(&self) -> Time {
        self.next
    }

    /// Makes the next change, and finds when the one after it comes. Whether the peer is up now.
    pub fn pass(&mut self, comings: &Comings, start: ChurnStart, streams: Streams, entity: u64) -> bool {
        match comings {
            Comings::Drawn(model) => self.change(model, streams, entity),
            Comings::Traced(traced) => {
                let anywhere = start == ChurnStart::Stationary;
                (self.up, self.next) = traced.follow(&mut self.place, streams, entity, anywhere);
                self.up
            }
        }
    }

    /// Makes the next change, and draws when the one after it comes. Whether the peer is up now.
    pub fn change(&mut self, model: &ChurnModel, streams: Streams, entity: u64) -> bool {
        self.up = !self.up;
        self.draw(self.next, model, streams, entity);
        self.up
    }

    /// The peer fails, and nobody repairs it yet.
    pub(super) const fn wait(&mut self) {
        self.up = false;
        self.next = Time::MAX;
    }

    /// Somebody begins to repair the peer.
    pub fn begin_repair(&mut self, now: Time, model: &ChurnModel, streams: Streams, entity: u64) {
        self.draw(now, model, streams, entity);
    }

    /// Has what was after `by` be as long after the beginning.
    pub(super) const fn move_back(&mut self, by: Span) {
        if self.next.0 < Time::MAX.0 {
            self.next = Time(self.next.0.saturating_sub(by.0));
        }
    }

    fn draw(&mut self, from: Time, model: &ChurnModel, streams: Streams, entity: u64) {
        let mut rng = streams.rng(CHURN, entity, &mut self.cursor);
        // Two changes of one moment would be none; a nanosecond keeps them in order.
        self.next = from + model.times(self.up).sample(&mut rng).max(Span(1));
    }
}

/// Whether a peer starts up, and how long it stays so.
fn initial(model: &ChurnModel, start: ChurnStart, rng: &mut Rng<'_>) -> (bool, Span) {
    match start {
        ChurnStart::Fresh => (true, model.up.sample(rng)),
        ChurnStart::Stationary => {
            let up = rng.chance(model.availability());
            (up, model.times(up).sample_residual(rng))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEERS: u64 = 20_000;
    const HOURS: [u64; 4] = [0, 1, 6, 24];

    /// How many standard deviations the share of peers that are up is off the long-run availability, at each
    /// of [`HOURS`].
    fn deviations(model: &ChurnModel, start: ChurnStart, seed: u64) -> [f64; 4] {
        let streams = Streams::new(seed);
        let mut up = [0_u64; 4];
        for entity in 0..PEERS {
            let mut peer = PeerChurn::new(model, start, streams, entity, Time::ZERO);
            for (hour, up) in HOURS.iter().zip(&mut up) {
                while peer.next_change() <= Time::ZERO + Span::hours(*hour) {
                    peer.change(model, streams, entity);
                }
                *up += u64::from(peer.is_up());
            }
        }
        let p = model.availability();
        let sigma = (PEERS as f64 * p * (1.0 - p)).sqrt();
        up.map(|up| (up as f64 - PEERS as f64 * p) / sigma)
    }

    #[test]
    fn a_stationary_start_stays_at_the_long_run_availability() {
        for preset in [ChurnPreset::DesktopPc, ChurnPreset::Overnet, ChurnPreset::Skype, ChurnPreset::Lanl] {
            let off = deviations(&preset.model(), ChurnStart::Stationary, 11);
            assert!(off.iter().all(|off| off.abs() < 3.0), "{preset:?}: {off:?}");
        }
    }

    #[test]
    fn a_fresh_start_is_not_stationary() {
        let off = deviations(&ChurnPreset::DesktopPc.model(), ChurnStart::Fresh, 11);
        assert!(off.iter().filter(|off| off.abs() > 10.0).count() >= 2, "{off:?}");
    }

    /// Published: 13 % of fresh desktop sessions end in their first hour, under 2 % of those met at random.
    #[test]
    fn few_sessions_met_at_random_end_in_the_first_hour() {
        let model = ChurnPreset::DesktopPc.model();
        let leaving = |start| {
            let peers =
                (0..PEERS).map(|entity| PeerChurn::new(&model, start, Streams::new(3), entity, Time::ZERO));
            let up: Vec<_> = peers.filter(PeerChurn::is_up).collect();
            let gone = up.iter().filter(|peer| peer.next_change() <= Time::ZERO + Span::hours(1)).count();
            gone as f64 / up.len() as f64
        };
        let (fresh, stationary) = (leaving(ChurnStart::Fresh), leaving(ChurnStart::Stationary));
        assert!((fresh - 0.13).abs() < 0.01 && stationary < 0.02, "{fresh} {stationary}");
    }

    /// The archive's fits imply these availabilities (`mean_up / (mean_up + mean_down)`).
    #[test]
    fn availabilities_are_those_of_the_fits() {
        let expected = [0.810_478, 0.222_063, 0.529_358, 0.825_186, 0.878_366, 0.929_322, 0.998_06];
        for (preset, expected) in ChurnPreset::ALL.into_iter().zip(expected) {
            let availability = ChurnConfig::Preset(preset).comings().unwrap().availability();
            assert!((availability - expected).abs() < 1e-5, "{preset:?}: {availability}");
        }
    }

    #[test]
    fn senseless_models_are_refused() {
        let constant = |secs| Distribution::constant(Span::secs(secs));
        let never = ChurnConfig::Model(ChurnModel { up: constant(0), down: constant(1) });
        assert!(matches!(never.comings(), Err(ChurnError::Mean { what: "up", .. })));
        let weibull = Distribution::Weibull { shape: -1.0, scale_s: 1.0 };
        let bad = ChurnConfig::Model(ChurnModel { up: constant(1), down: weibull });
        assert!(matches!(bad.comings(), Err(ChurnError::Distribution { what: "down", .. })));
        let read: ChurnConfig = serde_json::from_str(r#"{"preset": "desktop-pc"}"#).unwrap();
        assert_eq!(read, ChurnConfig::Preset(ChurnPreset::DesktopPc));
    }

    /// What is renewed at once is up all the time, and new after each of its lives.
    #[test]
    fn peers_may_be_renewed_at_once() {
        let (up, down) = (Distribution::Exponential { mean_s: 60.0 }, Distribution::constant(Span::ZERO));
        let Ok(Comings::Drawn(model)) = ChurnConfig::Model(ChurnModel { up, down }).comings() else {
            panic!("it is a model");
        };
        assert!((model.availability() - 1.0).abs() < 1e-12);
        let streams = Streams::new(4);
        let mut renewals = 0_u64;
        for entity in 0..1000 {
            let mut peer = PeerChurn::new(&model, ChurnStart::Stationary, streams, entity, Time::ZERO);
            assert!(peer.is_up());
            while peer.next_change() <= Time::ZERO + Span::hours(1) {
                let at = peer.next_change();
                if peer.change(&model, streams, entity) {
                    renewals += 1;
                } else {
                    assert_eq!(peer.next_change(), at + Span(1));
                }
            }
        }
        // 60 an hour for each, with a standard deviation of 245 for all.
        assert!(renewals.abs_diff(60_000) < 750, "{renewals}");
    }

    #[test]
    fn peers_do_not_share_draws() {
        let model = ChurnPreset::Skype.model();
        let run = |entity| {
            let mut peer =
                PeerChurn::new(&model, ChurnStart::Stationary, Streams::new(1), entity, Time::ZERO);
            let up = peer.is_up();
            assert_eq!(peer.change(&model, Streams::new(1), entity), !up);
            peer.next_change()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }
}
