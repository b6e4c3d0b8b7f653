//! Who takes part: names, places, machines, keys and memberships, drawn from the setup.

use std::sync::Arc;

use indexmap::IndexMap;

use super::atlas::WorldAtlas;
use super::attack::Credentials;
use super::disks::Disk;
use super::event::PeerId;
use super::office::{Held, Office, User};
use super::setup::{AttackKind, Onboard, PeerGroup, Role, Selection, Setup};
use super::world::Host;
use crate::dms::capability::{Anchors, CapabilityContext, OrganizationKeys, Rules, own_node};
use crate::dms::ensemble::{EnsembleConfig, Location};
use crate::dms::gateway::GatewayConfig;
use crate::dms::identity::{Did, Handle, SecretKey};
use crate::dms::provider::Machine;
use crate::dms::resources::{Cpu, Gpu, Resources};
use crate::dms::storage::VolumeServer;
use crate::dms::{Peer, PeerConfig};
use crate::kernel::{Domain, Rng, Streams, Time};
use crate::net::{BandwidthConfig, Cities, CityId, Duty, Endpoint, NatClass, NatShares};
use crate::workload::{Hardware, PeerChurn, PlaceDraw};

/// Keys and the nonces of the tokens of the set-up.
const KEYS: Domain = Domain::new("sim.keys");
/// Where each peer is.
const PLACE: Domain = Domain::new("sim.place");
/// What stands before each peer.
const NAT: Domain = Domain::new("sim.nat");
/// What each peer's machine has.
const HARDWARE: Domain = Domain::new("sim.hardware");

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
    members: Vec<Member>,
    by_name: IndexMap<Arc<str>, PeerId>,
    groups: Vec<String>,
}

impl Population {
    /// All peers, in order.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
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

    /// The peers that fulfil everything that a selection says; its part of them is the caller's to draw.
    #[must_use]
    pub fn matching(&self, who: &Selection) -> Vec<PeerId> {
        let cities = Cities::world();
        let fulfils = |member: &Member| {
            let city = cities.city(member.city);
            who.group.as_ref().is_none_or(|group| self.groups[member.group] == *group)
                && (who.peers.is_empty() || who.peers.iter().any(|name| **name == *member.name))
                && who.continent.as_ref().is_none_or(|continent| city.continent.code() == continent)
                && who.country.as_ref().is_none_or(|country| *city.country == **country)
        };
        let all = self.members.iter().zip(0..);
        all.filter(|(member, _)| fulfils(member)).map(|(_, number)| PeerId(number)).collect()
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
            self.find(pin).map(handle).or_else(|| {
                let id: crate::dms::identity::PeerId = pin.parse().ok()?;
                Some(Arc::new(Handle::root(id.0)))
            })
        };
        ensemble.nodes.values().map(|node| node.peer.as_ref().and_then(resolve)).collect()
    }
}

/// What a world begins with.
pub(super) struct Populated {
    pub(super) population: Population,
    pub(super) hosts: Vec<Host>,
    pub(super) endpoints: Vec<Endpoint>,
    /// Keys and tokens of organizations and operators.
    pub(super) office: Office,
    /// What attackers hold, in their order.
    pub(super) credentials: Vec<Credentials>,
}

/// Draws every peer of a setup.
///
/// # Errors
/// What cannot be drawn: a place without cities, a churn without a mean.
pub(super) fn populate(setup: &Setup, streams: Streams) -> Result<Populated, String> {
    let mut builder = Builder::new(setup, streams);
    let mut members: Vec<Member> = Vec::new();
    let (mut hosts, mut endpoints): (Vec<Host>, _) = (Vec::new(), Vec::new());
    for (group, description) in setup.groups.iter().enumerate() {
        let place = description.place.prepare().map_err(|error| error.to_string())?;
        for number in 0..description.count {
            let entity = hosts.len() as u64;
            // A virtual machine is where its gateway is, and trusts it as its owner.
            let owner = owner_of(setup, &members, group, number);
            let city = match owner {
                Some(gateway) => members[gateway].city,
                None => draw_city(&place, streams, entity),
            };
            endpoints.push(endpoint(setup, description, city, streams, entity));
            let owner = owner.map(|gateway| hosts[gateway].peer.capabilities().did().clone());
            hosts.push(builder.host(description, city, entity, owner.as_ref())?);
            let name = match description.names.get(number as usize) {
                Some(name) => Arc::from(name.as_str()),
                None => format!("{}-{number}", description.name).into(),
            };
            members.push(Member { name, group, city });
        }
    }
    let by_name = members.iter().zip(0..).map(|(member, n)| (Arc::clone(&member.name), PeerId(n))).collect();
    let groups = setup.groups.iter().map(|group| group.name.clone()).collect();
    let population = Population { members, by_name, groups };
    let Builder { office, credentials, .. } = builder;
    Ok(Populated { population, hosts, endpoints, office, credentials })
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

struct Builder<'s> {
    setup: &'s Setup,
    streams: Streams,
    office: Office,
    credentials: Vec<Credentials>,
}

impl<'s> Builder<'s> {
    fn new(setup: &'s Setup, streams: Streams) -> Self {
        let mut builder = Self { setup, streams, office: Office::default(), credentials: Vec::new() };
        for (organization, number) in setup.organizations.iter().zip(0..) {
            let secret = builder.secret(&mut streams.owned(KEYS, u64::MAX - number));
            let keys = OrganizationKeys::new(organization.name.clone(), secret, Rules::of(setup.profile));
            builder.office.organizations.push((organization.clone(), keys));
        }
        builder
    }

    fn secret(&self, rng: &mut Rng<'_>) -> SecretKey {
        SecretKey::ed25519(rng.bytes(), self.setup.signatures)
    }

    /// A peer with its user, joined to its organizations as in dms-capabilities section 2.7.
    fn host(
        &mut self,
        group: &PeerGroup,
        city: CityId,
        entity: u64,
        owner: Option<&Did>,
    ) -> Result<Host, String> {
        let mut rng = self.streams.owned(KEYS, entity);
        let profile = group.profile.unwrap_or(self.setup.profile);
        let rules = Rules::of(profile);
        let secret = self.secret(&mut rng);
        let mut user = CapabilityContext::new(CapabilityContext::USER, self.secret(&mut rng), rules);
        let mut capabilities = CapabilityContext::new(CapabilityContext::NODE, secret.clone(), rules);
        let epoch = self.setup.epoch;
        own_node(&user, &mut capabilities, epoch).map_err(|error| error.to_string())?;
        if let Some(owner) = owner {
            let owns = Anchors { roots: std::slice::from_ref(owner), ..Anchors::default() };
            capabilities.add_roots(&owns, epoch).map_err(|error| error.to_string())?;
        }
        let mut memberships = Vec::new();
        for name in group.membership.iter().flat_map(|_| &group.organizations) {
            let form = group.membership.expect("outsiders join nothing");
            let organization = self.office.organization(name);
            let all = &self.office.organizations;
            let dms = capabilities.did().clone();
            let tokens = Office::admit(all, organization, &mut user, &dms, None, epoch, &mut rng)?;
            capabilities
                .add_roots(&tokens.anchors(form), epoch)
                .map_err(|error| format!("joining {name}: {error}"))?;
            memberships.push(Held { organization, tokens, form });
        }
        if group.attack.is_some() {
            let revoked = memberships.first().map(|held| {
                let keys = &self.office.organizations[held.organization].1;
                keys.context().revoke(&held.tokens.org_to_user)
            });
            let revocation = revoked.transpose().map_err(|error| error.to_string())?.map(Arc::new);
            let peer = PeerId(entity as u32);
            let (secret, node, user) = (secret.clone(), capabilities.clone(), user.clone());
            self.credentials.push(Credentials { peer, secret, node, user, revocation });
        }
        if !self.setup.operations.is_empty() {
            self.office.users.push(User { context: user, memberships });
        }
        let machine = machine(group, city, &mut self.streams.owned(HARDWARE, entity));
        let machine_disk_bytes = machine.total.disk_bytes;
        let config = PeerConfig {
            secret,
            capabilities,
            profile,
            machine,
            strategy: self.setup.strategy,
            atlas: &WorldAtlas,
        };
        let churn = match &group.churn {
            Some((churn, start)) => {
                let model = churn.model().map_err(|error| format!("group {}: {error}", group.name))?;
                Some(PeerChurn::new(&model, *start, self.streams, entity, Time::ZERO))
            }
            None => None,
        };
        let mut peer = Peer::new(config, epoch);
        give_role(&mut peer, group);
        let disk = Disk::new(&group.storage, machine_disk_bytes);
        let mut host = Host::new(peer, churn, disk);
        host.up &= group.role != Role::Machine;
        if let Some(AttackKind::ClockSkew { offset_ns }) = group.attack.as_ref().map(|plan| &plan.kind) {
            host.clock_offset_ns = *offset_ns;
        }
        Ok(host)
    }
}

/// What a peer of this group is beside a node like all others.
fn give_role(peer: &mut Peer, group: &PeerGroup) {
    if let Some(plan) = &group.gateway {
        peer.configure_gateway(GatewayConfig {
            plans: plan.plans.iter().map(total).collect(),
            machines: plan.machines,
            executors: group.executors.clone(),
        });
    }
    if group.role == Role::VolumeServer {
        let certificate = format!("certificate of {}", peer.handle_of_root().did);
        peer.serve_volumes(VolumeServer::new(certificate.into()));
    }
}

fn machine(group: &PeerGroup, city: CityId, rng: &mut Rng<'_>) -> Machine {
    let hardware = group.hardware.draw(rng);
    let city = Cities::world().city(city);
    let total = total(&hardware);
    let onboarded =
        group.onboard.filter(|_| group.role == Role::Provider).map(|part| onboarded(&total, part));
    Machine {
        total,
        onboarded,
        location: Location {
            continent: city.continent.code().into(),
            country: Some(city.country.to_string().into()),
            city: Some(city.name.to_string().into()),
            asn: None,
            isp: None,
        },
        executors: group.executors.clone(),
    }
}

fn total(hardware: &Hardware) -> Resources {
    let gpu = hardware.gpu.as_ref().map(|gpu| Gpu {
        vendor: Some(gpu.vendor.as_str().into()),
        model: Some(gpu.model.as_str().into()),
        vram_bytes: gpu.vram_bytes,
    });
    Resources {
        cpu: Cpu {
            cores_milli: u64::from(hardware.cores) * 1000,
            clock_hz: hardware.clock_hz,
            architecture: Some(hardware.architecture.as_str().into()),
        },
        ram_bytes: hardware.ram_bytes,
        disk_bytes: hardware.disk_bytes,
        gpus: gpu.into_iter().collect(),
    }
}

/// The offered part of a machine; cores in hundredths, as DMS counts them. A graphics card is offered whole.
fn onboarded(total: &Resources, part: Onboard) -> Resources {
    let share = |amount: u64, fraction: f64| (amount as f64 * fraction) as u64;
    Resources {
        cpu: Cpu { cores_milli: share(total.cpu.cores_milli, part.cpu) / 10 * 10, ..total.cpu.clone() },
        ram_bytes: share(total.ram_bytes, part.ram),
        disk_bytes: share(total.disk_bytes, part.disk),
        gpus: total.gpus.clone(),
    }
}
