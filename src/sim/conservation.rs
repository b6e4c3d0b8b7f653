//! Resources are conserved: on every provider, what is allocated, committed and free is what is onboarded
//! (dms-orchestration section 5.3). Each run checks it after everything that a peer handles, on that peer, and once a
//! simulated minute on all; a run in which it fails is of no use and ends there.

use std::fmt;

use super::event::PeerId;
use super::world::World;
use crate::dms::actor::BehaviourKind;
use crate::dms::outbox::{Input, Timer};
use crate::dms::resources::Imbalance;
use crate::kernel::Time;

/// A provider whose books did not balance. That is a fault of the simulated software, never of a scenario.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("resources are not conserved: peer {peer} at {} s, {occasion}: {imbalance}", .at.as_secs_f64())]
pub struct Violation {
    /// The peer's name.
    pub peer: String,
    /// When, after the start.
    pub at: Time,
    /// What it had just handled.
    pub occasion: Occasion,
    /// The amounts.
    pub imbalance: Imbalance,
}

/// What a peer has just handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occasion {
    /// A message has come in and waits.
    Arrival(BehaviourKind),
    /// A message has been handled.
    Dispatch(BehaviourKind),
    /// A timer has run out.
    Timer(Timer),
    /// Its user or operator wanted something.
    Command,
    /// Its executor reported.
    Execution,
    /// Its process has started.
    Start,
    /// A connection has opened.
    Connection,
    /// A look-up of a transfer on a chain is answered.
    Transfer,
    /// A virtual machine was made, or was not.
    Machine,
    /// Nothing: a simulated minute is over.
    Minute,
}

impl From<&Input<'_>> for Occasion {
    fn from(input: &Input<'_>) -> Self {
        match input {
            Input::Arrival { envelope, .. } => Self::Arrival(envelope.behaviour.kind),
            Input::Dispatch(envelope) => Self::Dispatch(envelope.behaviour.kind),
            Input::Timer(timer) => Self::Timer(*timer),
            Input::Command(_) => Self::Command,
            Input::Execution(_) => Self::Execution,
            Input::Started(_) => Self::Start,
            Input::Transfer { .. } => Self::Transfer,
            Input::Machine(_) => Self::Machine,
            Input::Connected(_) | Input::Reconnected(_) => Self::Connection,
        }
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arrival(kind) => write!(f, "when {kind} arrived"),
            Self::Dispatch(kind) => write!(f, "after it had handled {kind}"),
            Self::Timer(timer) => write!(f, "after its timer {timer:?}"),
            Self::Command => f.write_str("after a command of its user"),
            Self::Execution => f.write_str("after a report of its executor"),
            Self::Start => f.write_str("when its process had started"),
            Self::Connection => f.write_str("when a connection opened"),
            Self::Transfer => f.write_str("when a chain had answered"),
            Self::Machine => f.write_str("after a report on a virtual machine"),
            Self::Minute => f.write_str("at the check of every minute"),
        }
    }
}

impl World<'_> {
    /// Checks the books of a peer if they may have changed since the last time.
    #[inline]
    pub(super) fn audit(&mut self, at: Time, peer: PeerId, occasion: Occasion) {
        let host = &mut self.hosts[peer.0 as usize];
        let changes = host.peer.provider().pool().changes();
        if std::mem::replace(&mut host.audited, changes) != changes {
            self.audit_anew(at, peer, occasion);
        }
    }

    /// Checks the books of a peer; the first violation of a run is kept and ends it.
    fn audit_anew(&mut self, at: Time, peer: PeerId, occasion: Occasion) {
        if let Some(inside) = self.hosts[peer.0 as usize].built()
            && let Err(imbalance) = inside.peer.provider().pool().audit()
            && self.violation.is_none()
        {
            let peer = self.population.name_of(peer).to_string();
            self.violation = Some(Box::new(Violation { peer, at, occasion, imbalance }));
        }
    }

    /// Checks the books of all peers, whether or not they say that they have changed, and the other rules of every run.
    pub(super) fn audit_all(&mut self, at: Time) {
        for number in 0..self.hosts.len() as u32 {
            self.audit_anew(at, PeerId(number), Occasion::Minute);
        }
        self.check_all();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::dms::identity::SignatureMode;
    use crate::dms::orchestrator::Strategy;
    use crate::dms::profile::Profile;
    use crate::kernel::{Span, Timestamp};
    use crate::net::NetworkConfig;
    use crate::sim::setup::{Onboard, PeerGroup, Processing, Role, Setup};
    use crate::workload::{HardwareConfig, PlaceConfig};

    /// Three providers that greet each other and are left alone.
    pub(in crate::sim) fn setup() -> Setup {
        let providers = PeerGroup {
            name: "providers".to_owned(),
            role: Role::Provider,
            count: 3,
            names: Vec::new(),
            profile: None,
            organizations: Vec::new(),
            membership: None,
            place: PlaceConfig::default(),
            hardware: HardwareConfig::default(),
            onboard: Some(Onboard { cpu: 1.0, ram: 1.0, disk: 1.0 }),
            location: None,
            bandwidth: None,
            nat: None,
            churn: None,
            repairers: None,
            joins: None,
            clock: None,
            attack: None,
            storage: Default::default(),
            require_contracts: false,
            gateway: None,
            executors: Vec::new(),
            tariff: None,
            power: None,
            places: None,
            quotas: Vec::new(),
        };
        Setup {
            name: "conservation".to_owned(),
            seed: 1,
            duration: Span::mins(5),
            epoch: Timestamp(1_735_689_600_000_000_000),
            profile: Profile::INTENDED,
            signatures: SignatureMode::Modelled,
            processing: Processing::DEFAULT,
            network: NetworkConfig::default(),
            hellos: true,
            organizations: Vec::new(),
            groups: vec![providers],
            images: Vec::new(),
            contracts: Vec::new(),
            workload: Vec::new(),
            operations: Vec::new(),
            traffic: Vec::new(),
            dynamic_dns: None,
            faults: Vec::new(),
            observability: Vec::new(),
            strategy: Strategy::default(),
            expect: Vec::new(),
            inputs: Vec::new(),
            expected_jobs: Default::default(),
        }
    }

    /// Runs to the end, with some cores of the second provider lost after a time.
    fn run_and_lose(after: Span, cores_milli: u64) -> Result<(), String> {
        let setup = setup();
        let mut world = World::new(&setup).unwrap();
        world.advance(Time::ZERO + after, &mut |_, _| true);
        world.hosts[1].peer.lose_cores(cores_milli);
        world.run(&mut |_, _| true).map(drop).map_err(|violation| violation.to_string())
    }

    #[test]
    fn a_loss_is_found_with_the_next_message_or_within_a_minute() {
        assert_eq!(run_and_lose(Span::mins(2), 0), Ok(()));
        let lost = run_and_lose(Span::secs(1), 1500).unwrap_err();
        assert!(lost.starts_with("resources are not conserved: peer providers-1 at "), "{lost}");
        assert!(lost.contains("after its timer Hello(") || lost.contains("/public/hello"), "{lost}");
        assert!(lost.contains(": of CPU, 0 cores allocated, 0 cores committed and "), "{lost}");
        // When everybody has been greeted nothing happens.
        let lost = run_and_lose(Span::secs(150), 500).unwrap_err();
        assert!(lost.contains(" at 180 s, at the check of every minute: of CPU, "), "{lost}");
    }
}
