//! The nearest machine, by the round trip between it and whoever asks (Dabek et al., "Vivaldi: a decentralized network
//! coordinate system", SIGCOMM 2004, for why that is worth knowing). One whose distance is not known comes last.

use crate::placement::{Ask, Machine, Policy, Score};

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct LatencyAware;

impl Policy for LatencyAware {
    fn name(&self) -> &'static str {
        "latency_aware"
    }

    fn score(&self, _: &Ask, machine: &Machine) -> Score {
        machine.known.rtt_ms.map_or(Score::MIN, |rtt_ms| -rtt_ms)
    }
}
