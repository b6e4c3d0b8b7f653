//! Who takes part: names, places, machines, keys and memberships, drawn from the setup.

mod blueprint;

use std::sync::Arc;

use indexmap::IndexMap;

use self::blueprint::Raised;
pub(super) use self::blueprint::{Blueprint, Organizations};
use super::attack::Credentials;
use super::clocks::Clock;
use super::event::PeerId;
use super::host::{Existence, Host, Rest};
use super::office::Office;
use super::setup::{AttackKind, PeerGroup, Role, Selection, Setup};
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::identity::{Handle, PeerId as HostId, PublicKey, SecretKey, SignatureMode};
use crate::kernel::{Domain, Rng, Streams, fingerprint128};
use crate::net::{BandwidthConfig, Cities, CityId, Duty, Endpoint, NatClass, NatShares, Systems};
use crate::workload::{ChurnStart, Comings, PlaceDraw, Workshop};

/// Where each peer is.
const PLACE: Domain = Domain::new("sim.place");
/// What stands before each peer.
const NAT: Domain = Domain::new("sim.nat");

/// In which autonomous system of its country each peer is.
const SYSTEM: Domain = Domain::new("sim.system");

/// A peer as the world and its observers know it.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: Arc<str>,
    /// The place of its group in the setup.
    pub group: usize,
    /// Where it is.
    pub city: CityId,
}

/// All peers of a run.
#[derive(Clone, Debug)]
pub struct Population {
    members: Arc<[Member]>,
    by_name: IndexMap<Arc<str>, PeerId>,
    groups: Vec<String>,
    streams: Streams,
}

impl Population {
    /// All peers, in order.
    #[must_use]
    pub const fn members(&self) -> &Arc<[Member]> {
        &self.members
    }

    /// The name of a peer.
    #[must_use]
    pub fn name_of(&self, peer: PeerId) -> &Arc<str> {
        &self.members[peer.0 as usize].name
    }

    /// The peer of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PeerId> {
        self.by_name.get(name).copied()
    }

    /// The place of a peer's group in the setup.
    #[must_use]
    pub fn group_of(&self, peer: PeerId) -> usize {
        self.members[peer.0 as usize].group
    }

    /// The number of a peer's autonomous system in its country, from 1; kept nowhere.
    #[must_use]
    pub fn system_of(&self, peer: PeerId) -> u32 {
        let city = Cities::world().city(self.members[peer.0 as usize].city);
        Systems::world().draw(city.country, &mut self.streams.owned(SYSTEM, u64::from(peer.0)))
    }

    /// The peers that fulfil everything that a selection says; its part of them is the caller's to draw.
    #[must_use]
    pub fn matching(&self, who: &Selection) -> Vec<PeerId> {
        let cities = Cities::world();
        let fulfils = |member: &Member, number: u32| {
            let city = cities.city(member.city);
            who.group.as_ref().is_none_or(|group| self.groups[member.group] == *group)
                && (who.peers.is_empty() || who.peers.iter().any(|name| **name == *member.name))
                && who.continent.as_ref().is_none_or(|continent| city.continent.code() == continent)
                && who.country.as_ref().is_none_or(|country| *city.country == **country)
                && who.asn.is_none_or(|asn| self.system_of(PeerId(number)) == asn)
        };
        let all = self.members.iter().zip(0..);
        all.filter(|(member, number)| fulfils(member, *number)).map(|(_, number)| PeerId(number)).collect()
    }

    /// The peers of a selection, in order; its part of them is drawn.
    #[must_use]
    pub fn draw(&self, who: &Selection, rng: &mut Rng<'_>) -> Vec<PeerId> {
        let all = self.matching(who);
        let wanted = match (who.fraction, who.count) {
            (Some(fraction), _) => libm::round(fraction * all.len() as f64) as usize,
            (None, Some(count)) => count as usize,
            (None, None) => return all,
        };
        let mut drawn = rng.sample_without_replacement(all.len(), wanted.min(all.len()));
        drawn.sort_unstable();
        drawn.into_iter().map(|place| all[place]).collect()
    }

    /// The root handles of the peers that an ensemble's nodes are pinned to. A pin is a peer's name in this run or
    /// a peer id; one that is neither leads nowhere, like the id of a host that does not exist.
    pub(super) fn pins(&self, ensemble: &EnsembleConfig, hosts: &[Host]) -> Vec<Option<Arc<Handle>>> {
        let handle = |peer: PeerId| Arc::clone(hosts[peer.0 as usize].peer.handle_of_root());
        let resolve = |pin: &Arc<str>| {
            self.find(pin).map_or_else(
                || {
                    let written: Option<HostId> = pin.parse().ok();
                    let key = written.map_or_else(|| key_of_nobody(pin), |id| id.0);
                    Arc::new(Handle::root(key))
                },
                handle,
            )
        };
        ensemble.nodes.values().map(|node| node.peer.as_ref().map(resolve)).collect()
    }
}

/// The key of a host of this name that nobody has.
fn key_of_nobody(name: &str) -> PublicKey {
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&fingerprint128(name).to_le_bytes());
    SecretKey::ed25519(seed, SignatureMode::Modelled).public()
}

/// What a world begins with.
pub(super) struct Populated {
    pub(super) population: Population,
    pub(super) hosts: Vec<Host>,
    /// Of each group the number of its first member, and how its members are built.
    pub(super) blueprints: Vec<(u32, Arc<Blueprint>)>,
    /// How the members of each group come and go.
    pub(super) churns: Vec<Option<GroupChurn>>,
    pub(super) endpoints: Vec<Endpoint>,
    /// Keys and tokens of organizations and operators.
    pub(super) office: Office,
    /// What attackers hold, in their order.
    pub(super) credentials: Vec<Credentials>,
}

/// How the members of a group come and go.
pub(super) struct GroupChurn {
    pub(super) comings: Comings,
    /// What they start in.
    pub(super) start: ChurnStart,
    /// Who repairs them, where not all are repaired at once.
    pub(super) workshop: Option<Workshop>,
}

/// Draws every peer of a setup.
///
/// # Errors
/// What cannot be drawn: a place without cities, a churn without a mean.
pub(super) fn populate(setup: &Setup, streams: Streams) -> Result<Populated, String> {
    let organizations = blueprint::organizations(setup, streams);
    let mut settlers = Settlers { office: Office::of(&organizations), credentials: Vec::new() };
    let mut members: Vec<Member> = Vec::new();
    let (mut hosts, mut endpoints): (Vec<Host>, _) = (Vec::new(), Vec::new());
    let (mut blueprints, mut churns) = (Vec::new(), Vec::new());
    for (group, description) in setup.groups.iter().enumerate() {
        let place = description.place.prepare().map_err(|error| error.to_string())?;
        let blueprint =
            Arc::new(Blueprint::new(setup, (description, hosts.len() as u32), &organizations, streams));
        blueprints.push((hosts.len() as u32, Arc::clone(&blueprint)));
        let mut churn = GroupChurn::of(description)?;
        let first = hosts.len() as u32;
        let histories = churn.as_mut().map(|churn| churn.begin(first, description.count, streams));
        let when_needed = is_built_when_needed(description);
        let joins = description.joins.as_ref();
        let joins = joins.map(|joins| joins.times(description.count, streams, group as u64));
        for number in 0..description.count {
            let entity = hosts.len() as u32;
            // A virtual machine is where its gateway is, and trusts it as its owner.
            let owner = owner_of(setup, &members, group, number);
            let city = match owner {
                Some(gateway) => members[gateway].city,
                None => draw_city(&place, streams, u64::from(entity)),
            };
            endpoints.push(endpoint(setup, description, city, streams, u64::from(entity)));
            let joins_later = joins.as_ref().is_some_and(|all| all[number as usize].is_some());
            let history = histories.as_ref().filter(|_| !joins_later).map(|all| all[number as usize]);
            let mut host = Host::new(Arc::clone(&blueprint), entity, city, history);
            if joins_later {
                (host.existence, host.up) = (Existence::Coming, false);
            }
            if let Some(plan) = &description.clock {
                host.clock = Clock::drawn(plan, streams, u64::from(entity));
                host.rest = Rest::Exempt;
            }
            // The first of each group shows whether the others can be built.
            if number == 0 || !when_needed {
                let owner = owner.map(|gateway| hosts[gateway].peer.capabilities().did().clone());
                settlers.settle(&mut host, description, blueprint.raise(entity, city, owner.as_ref())?)?;
            }
            if !when_needed {
                host.rest = Rest::Exempt;
            }
            hosts.push(host);
            let name = match description.names.get(number as usize) {
                Some(name) => Arc::from(name.as_str()),
                None => format!("{}-{number}", description.name).into(),
            };
            members.push(Member { name, group, city });
        }
        churns.push(churn);
    }
    let by_name = members.iter().zip(0..).map(|(member, n)| (Arc::clone(&member.name), PeerId(n))).collect();
    let groups = setup.groups.iter().map(|group| group.name.clone()).collect();
    let population = Population { members: members.into(), by_name, groups, streams };
    let Settlers { office, credentials, .. } = settlers;
    Ok(Populated { population, hosts, blueprints, churns, endpoints, office, credentials })
}

/// Whether nobody needs the peers of a group before something happens to them: they are providers like all others.
pub(super) fn is_built_when_needed(group: &PeerGroup) -> bool {
    // What is far from any quota is not all that there is to say of one with quotas.
    group.role == Role::Provider && group.attack.is_none() && group.quotas.is_empty()
}

/// Takes those in who are built at the start, and keeps what they have at home.
struct Settlers {
    office: Office,
    credentials: Vec<Credentials>,
}

impl Settlers {
    fn settle(&mut self, host: &mut Host, group: &PeerGroup, raised: Raised) -> Result<(), String> {
        let Raised { inside, secret, user, memberships } = raised;
        if group.attack.is_some() {
            let revoked = memberships.first().map(|held| {
                let keys = &self.office.organizations[held.organization].1;
                keys.context().revoke(&held.tokens.org_to_user)
            });
            let revocation = revoked.transpose().map_err(|error| error.to_string())?.map(Arc::new);
            let node = inside.peer.capabilities().clone();
            self.credentials.push(Credentials { peer: PeerId(host.number), secret, node, user, revocation });
        }
        host.up &= group.role != Role::Machine;
        if let Some(AttackKind::ClockSkew { offset_ns }) = group.attack.as_ref().map(|plan| &plan.kind) {
            host.clock = Clock::off_by(*offset_ns);
        }
        host.furnish(inside);
        Ok(())
    }
}

/// The gateway whose virtual machine the one of this number in its group is: the group of machines follows that of its
/// gateways, and the machines of the first gateway come first.
pub(super) fn owner_of(setup: &Setup, members: &[Member], group: usize, number: u32) -> Option<usize> {
    let gateways = group.checked_sub(1).filter(|_| setup.groups[group].role == Role::Machine)?;
    let each = setup.groups[gateways].gateway.as_ref()?.machines.max(1);
    let first = members.iter().position(|member| member.group == gateways)?;
    Some(first + (number / each) as usize)
}

fn draw_city(place: &PlaceDraw, streams: Streams, entity: u64) -> CityId {
    place.draw(&mut streams.owned(PLACE, entity))
}

/// An end of the network, as a group describes it.
fn endpoint(setup: &Setup, group: &PeerGroup, city: CityId, streams: Streams, entity: u64) -> Endpoint {
    let bandwidth: BandwidthConfig = group.bandwidth.unwrap_or(setup.network.bandwidth);
    let mut endpoint = Endpoint::in_city(city, bandwidth);
    let Some(nat) = setup.network.nat else { return endpoint };
    let (duty, usual) = match group.role {
        Role::Relay => (Duty::Relay, NatShares::all(NatClass::Public)),
        Role::Bootstrap => (Duty::Bootstrap, NatShares::all(NatClass::Public)),
        Role::Provider
        | Role::Orchestrator
        | Role::Attacker
        | Role::ContractHost
        | Role::PaymentValidator
        | Role::VolumeServer => (Duty::None, nat.shares),
        Role::Gateway | Role::Machine => (Duty::None, NatShares::all(NatClass::Public)),
    };
    endpoint.duty = duty;
    endpoint.nat = group.nat.unwrap_or(usual).draw(&mut streams.owned(NAT, entity));
    endpoint
}
