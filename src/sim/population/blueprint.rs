//! How the peers of a group are built: from the group's description and each peer's own random streams, so that it does
//! not matter when.

use std::sync::{Arc, OnceLock};

use crate::dms::capability::{Anchors, CapabilityContext, OrganizationKeys, Rules, own_node};
use crate::dms::ensemble::Executor;
use crate::dms::gateway::GatewayConfig;
use crate::dms::identity::{Did, SecretKey, SignatureMode};
use crate::dms::orchestrator::Strategy;
use crate::dms::profile::Profile;
use crate::dms::provider::Machine;
use crate::dms::provider::quotas::Quota;
use crate::dms::resources::{Cpu, Gpu, Resources};
use crate::dms::storage::VolumeServer;
use crate::dms::{Peer, PeerConfig};
use crate::kernel::{Domain, Rng, Streams, Timestamp};
use crate::net::CityId;
use crate::sim::atlas::{WorldAtlas, location_of};
use crate::sim::disks::Disk;
use crate::sim::host::Inside;
use crate::sim::office::{Held, Office, User};
use crate::sim::setup::{Onboard, Organization, PeerGroup, Role, Setup};
use crate::sim::texts::shared;
use crate::workload::Hardware;

/// Keys and the nonces of the tokens of the set-up.
const KEYS: Domain = Domain::new("sim.keys");
/// What each peer's machine has.
const HARDWARE: Domain = Domain::new("sim.hardware");

/// The organizations of a run with their keys.
pub(in crate::sim) type Organizations = Arc<[(Organization, OrganizationKeys)]>;

/// The organizations of a setup.
pub(super) fn organizations(setup: &Setup, streams: Streams) -> Organizations {
    let keys = |(organization, number): (&Organization, u64)| {
        let secret = SecretKey::ed25519(streams.owned(KEYS, u64::MAX - number).bytes(), setup.signatures);
        let keys = OrganizationKeys::new(organization.name.clone(), secret, Rules::of(setup.profile));
        (organization.clone(), keys)
    };
    setup.organizations.iter().zip(0..).map(keys).collect()
}

/// How the peers of a group are built.
pub(in crate::sim) struct Blueprint {
    streams: Streams,
    signatures: SignatureMode,
    profile: Profile,
    epoch: Timestamp,
    strategy: Strategy,
    group: PeerGroup,
    /// The number of its first member.
    first: u32,
    executors: Arc<[Executor]>,
    organizations: Organizations,
    specimen: OnceLock<Box<Inside>>,
}

/// A peer with what its operator keeps at home.
pub(super) struct Raised {
    pub(super) inside: Inside,
    pub(super) secret: SecretKey,
    pub(super) user: CapabilityContext,
    pub(super) memberships: Vec<Held>,
}

impl Blueprint {
    /// That of a group, whose first member has this number.
    pub(super) fn new(
        setup: &Setup,
        (group, first): (&PeerGroup, u32),
        organizations: &Organizations,
        streams: Streams,
    ) -> Self {
        Self {
            streams,
            signatures: setup.signatures,
            profile: group.profile.unwrap_or(setup.profile),
            epoch: setup.epoch,
            strategy: setup.strategy.clone(),
            group: group.clone(),
            first,
            executors: group.executors.as_slice().into(),
            organizations: Arc::clone(organizations),
            specimen: OnceLock::new(),
        }
    }

    /// The same, of peers that follow another strategy.
    pub(in crate::sim) fn following(&self, strategy: &Strategy) -> Self {
        Self {
            strategy: strategy.clone(),
            group: self.group.clone(),
            executors: Arc::clone(&self.executors),
            organizations: Arc::clone(&self.organizations),
            specimen: OnceLock::new(),
            ..*self
        }
    }

    /// The weaknesses of the software that they run.
    pub(in crate::sim) const fn profile(&self) -> Profile {
        self.profile
    }

    /// What can run allocations on each of them.
    pub(in crate::sim) fn executors(&self) -> &[Executor] {
        &self.executors
    }

    /// A peer of the group: but for their keys and machines all of them are like it, as long as nothing has happened to
    /// them.
    pub(in crate::sim) fn specimen(&self) -> &Inside {
        self.specimen.get_or_init(|| Box::new(self.likeness()))
    }

    /// Another one to be tried out.
    pub(in crate::sim) fn likeness(&self) -> Inside {
        // Its number is that of no peer of the run, so that nobody takes it for one.
        let (number, city) = (u32::MAX, CityId(0));
        match self.specimen.get() {
            // The one has joined what the other would join.
            Some(joined) => {
                self.install(number, city, self.secret(number), joined.peer.capabilities().clone())
            }
            None => self.build(number, city),
        }
    }

    /// The node's key of the peer with this number.
    pub(in crate::sim) fn secret(&self, number: u32) -> SecretKey {
        self.next_secret(&mut self.streams.owned(KEYS, u64::from(number)))
    }

    fn next_secret(&self, rng: &mut Rng<'_>) -> SecretKey {
        SecretKey::ed25519(rng.bytes(), self.signatures)
    }

    /// The machine of the peer with this number.
    pub(in crate::sim) fn machine(&self, number: u32, city: CityId) -> Machine {
        let place = number.wrapping_sub(self.first);
        let rng = &mut self.streams.owned(HARDWARE, u64::from(number));
        machine(&self.group, &self.executors, (city, place), rng)
    }

    /// The peer with this number, as it is before anything has happened to it.
    ///
    /// # Panics
    /// If its memberships cannot be had, which [`Blueprint::raise`] says of all of its group alike.
    pub(in crate::sim) fn build(&self, number: u32, city: CityId) -> Inside {
        self.raise(number, city, None).expect("the first of its group was built at the start").inside
    }

    /// The operator of the peer with this number, as at the start, with the rules of `profile`.
    ///
    /// # Panics
    /// As [`Blueprint::build`].
    pub(in crate::sim) fn raise_user(&self, number: u32, city: CityId, profile: Profile) -> User {
        let raised = self.raise(number, city, None).expect("the first of its group was built at the start");
        let mut user = User { context: raised.user, memberships: raised.memberships };
        user.context.set_rules(Rules::of(profile));
        user
    }

    /// A peer with its user, joined to its organizations as in dms-capabilities section 2.7.
    ///
    /// # Errors
    /// Why a membership cannot be had, in words.
    pub(super) fn raise(&self, number: u32, city: CityId, owner: Option<&Did>) -> Result<Raised, String> {
        let mut rng = self.streams.owned(KEYS, u64::from(number));
        let (group, epoch) = (&self.group, self.epoch);
        let rules = Rules::of(self.profile);
        let secret = self.next_secret(&mut rng);
        let mut user = CapabilityContext::new(CapabilityContext::USER, self.next_secret(&mut rng), rules);
        let mut capabilities = CapabilityContext::new(CapabilityContext::NODE, secret.clone(), rules);
        own_node(&user, &mut capabilities, epoch).map_err(|error| error.to_string())?;
        if let Some(owner) = owner {
            let owns = Anchors { roots: std::slice::from_ref(owner), ..Anchors::default() };
            capabilities.add_roots(&owns, epoch).map_err(|error| error.to_string())?;
        }
        let mut memberships = Vec::new();
        for name in group.membership.iter().flat_map(|_| &group.organizations) {
            let form = group.membership.expect("outsiders join nothing");
            let all = &self.organizations;
            let organization = Office::place_of(all, name);
            let dms = capabilities.did().clone();
            let tokens = Office::admit(all, organization, &mut user, &dms, None, epoch, &mut rng)?;
            capabilities
                .add_roots(&tokens.anchors(form), epoch)
                .map_err(|error| format!("joining {name}: {error}"))?;
            memberships.push(Held { organization, tokens, form });
        }
        let inside = self.install(number, city, secret.clone(), capabilities);
        Ok(Raised { inside, secret, user, memberships })
    }

    /// A peer of this number on its machine, with a key and what its node may do.
    fn install(
        &self,
        number: u32,
        city: CityId,
        secret: SecretKey,
        capabilities: CapabilityContext,
    ) -> Inside {
        let mut machine = self.machine(number, city);
        machine.quotas = self.quotas();
        let disk = Disk::new(&self.group.storage, machine.total.disk_bytes);
        let config = PeerConfig {
            secret,
            capabilities,
            profile: self.profile,
            machine,
            strategy: self.strategy.clone(),
            atlas: &WorldAtlas,
        };
        let mut peer = Peer::new(config, self.epoch);
        give_role(&mut peer, &self.group);
        Inside::new(peer, disk)
    }

    /// The quotas of the group with the keys of their organizations.
    fn quotas(&self) -> Arc<[Quota]> {
        let quota = |(name, share_milli): &(String, u32)| {
            let (_, keys) = &self.organizations[Office::place_of(&self.organizations, name)];
            Quota { organization: keys.did().clone(), name: name.as_str().into(), share_milli: *share_milli }
        };
        self.group.quotas.iter().map(quota).collect()
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

fn machine(
    group: &PeerGroup,
    executors: &Arc<[Executor]>,
    (city, place): (CityId, u32),
    rng: &mut Rng<'_>,
) -> Machine {
    let hardware = group.hardware.draw(place, rng);
    let total = total(&hardware);
    let onboarded =
        group.onboard.filter(|_| group.role == Role::Provider).map(|part| onboarded(&total, part));
    let location = group.location.clone().unwrap_or_else(|| location_of(city).clone());
    let tariff = group.tariff.as_ref().map(|plan| plan.draw(rng));
    let executors = Arc::clone(executors);
    Machine { total, onboarded, location, executors, tariff, places: group.places, quotas: Arc::default() }
}

fn total(hardware: &Hardware) -> Resources {
    let cards = hardware.gpus.iter().map(|gpu| Gpu {
        vendor: Some(shared(&gpu.vendor)),
        model: Some(shared(&gpu.model)),
        vram_bytes: gpu.vram_bytes,
    });
    Resources {
        cpu: Cpu {
            cores_milli: u64::from(hardware.cores) * 1000,
            clock_hz: hardware.clock_hz,
            architecture: Some(shared(&hardware.architecture)),
        },
        ram_bytes: hardware.ram_bytes,
        disk_bytes: hardware.disk_bytes,
        gpus: cards.collect(),
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
