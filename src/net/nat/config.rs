//! What a scenario says of NAT, and the constants of libp2p that it does not say.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::class::{NatShares, SharesError};
use crate::kernel::Span;

/// From booting to AutoNAT's verdict, when a host that nobody can dial looks for relays (dms-orchestration section 7).
pub const VERDICT_AFTER: Span = Span::mins(1);
/// Until a host that got no verdict or no relay tries again (dms-orchestration section 7).
pub const BACK_OFF: Span = Span::secs(30);
/// Relays at which a host reserves (dms-orchestration section 7).
pub const RELAYS_A_HOST: usize = 2;
/// Relays that it considers at a time (dms-orchestration section 7: two to three).
pub const CANDIDATES: usize = 3;
/// From booting to the first search for peers (dms-orchestration section 0).
pub const FIRST_DISCOVERY: Span = Span::mins(1);
/// Between two searches (dms-orchestration section 0).
pub const DISCOVERY_INTERVAL: Span = Span::mins(15);
/// Peers that a search dials at most (dms-orchestration section 0).
pub const DISCOVERY_DIALS: usize = 16;
/// More connections than this are closed, the least recently used first (dms-orchestration section 7).
pub const HIGH_WATER: usize = 400;
/// Down to this many (dms-orchestration section 7).
pub const LOW_WATER: usize = 100;
/// Connections that a host accepts, and as many that it opens (dms-orchestration section 7).
pub const MOST_EACH_WAY: usize = 512;
/// Younger connections are not closed for being too many: the default of go-libp2p.
pub const GRACE: Span = Span::mins(1);
/// Until the other side of a connection is known to be gone: the idle time of QUIC in go-libp2p.
pub const NOTICE: Span = Span::secs(30);
/// Attempts at a hole: the default of go-libp2p.
pub const PUNCHES: u32 = 3;
/// What a failed attempt costs: the time-out of its dial in go-libp2p.
pub const PUNCH_TIMEOUT: Span = Span::secs(5);
/// From coming up to having dialled a bootstrap.
pub const ENTER_AFTER: Span = Span::secs(1);

/// Round trips of opening a connection over QUIC.
const QUIC_ROUND_TRIPS: u64 = 1;
/// Over TCP: its own, the choice of the encryption, and TLS.
const TCP_ROUND_TRIPS: u64 = 3;
/// Round trips through a relay until two hosts may talk over it: the circuit (connect and its confirmation), the choice
/// of the encryption, and TLS.
pub const CIRCUIT_ROUND_TRIPS: u64 = 3;
/// Half round trips through the relay of an attempt at a hole: addresses there and back, then the sign to start.
pub const PUNCH_HALF_TRIPS: u64 = 3;

/// Round trips of opening a connection, with or without UDP.
#[must_use]
pub const fn handshake_round_trips(udp: bool) -> u64 {
    if udp { QUIC_ROUND_TRIPS } else { TCP_ROUND_TRIPS }
}

/// How hosts are hidden from each other and find each other nevertheless.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NatConfig {
    /// What stands before hosts that are not given a class of their own.
    pub shares: NatShares,
    /// The probability that an attempt at a hole succeeds, between classes that allow it.
    pub punching: f64,
    /// How the run begins.
    pub start: NatStart,
    /// What relays grant.
    pub relays: RelayLimits,
}

impl Default for NatConfig {
    /// As measured, in the middle of things, with the limits of DMS.
    fn default() -> Self {
        Self {
            shares: NatShares::MEASURED,
            punching: 0.976,
            start: NatStart::default(),
            relays: RelayLimits::default(),
        }
    }
}

/// How a run begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NatStart {
    /// Hosts have been up for long: they have relays and know each other.
    #[default]
    Stationary,
    /// All of them boot at the start and know nobody but bootstraps.
    Fresh,
}

/// What a relay grants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelayLimits {
    /// How long a relayed connection lasts.
    pub duration: Span,
    /// Bytes over a relayed connection, both ways together.
    pub bytes: u64,
    /// Hosts that may reserve.
    pub reservations: u32,
    /// Relayed connections of one host at a time.
    pub circuits: u32,
}

impl Default for RelayLimits {
    /// 5 minutes and 2 MiB (dms-orchestration section 7); 128 reservations and 16 circuits, the defaults of go-libp2p.
    fn default() -> Self {
        Self { duration: Span::mins(5), bytes: 2 << 20, reservations: 128, circuits: 16 }
    }
}

/// What a host does for others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Duty {
    /// Nothing.
    #[default]
    None,
    /// Relays.
    Relay,
    /// Is known to everybody from the start.
    Bootstrap,
}

/// Why hosts cannot be hidden like this.
#[derive(Clone, Copy, PartialEq, Debug, Error)]
pub enum NatError {
    /// Shares that are none.
    #[error(transparent)]
    Shares(#[from] SharesError),
    /// A chance that is no probability.
    #[error("punching is {0}: it must be between 0 and 1")]
    Punching(f64),
    /// A relayed connection that could carry nothing.
    #[error("a relay must grant time, bytes, reservations and circuits: {0:?}")]
    Limits(RelayLimits),
}

impl NatConfig {
    /// Whether it can be simulated.
    ///
    /// # Errors
    /// What cannot.
    pub fn check(&self) -> Result<(), NatError> {
        NatShares::new(self.shares.as_array())?;
        if !(0.0..=1.0).contains(&self.punching) {
            return Err(NatError::Punching(self.punching));
        }
        let RelayLimits { duration, bytes, reservations, circuits } = self.relays;
        if duration == Span::ZERO || bytes == 0 || reservations == 0 || circuits == 0 {
            return Err(NatError::Limits(self.relays));
        }
        Ok(())
    }
}
