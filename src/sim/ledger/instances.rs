//! Where the allocations of a deployment are, for those who ask something of them.

use std::sync::Arc;

use super::{AllocationRecord, Ledger};
use crate::dms::ensemble::{AllocationConfig, EnsembleConfig};
use crate::dms::identity::EnsembleId;
use crate::kernel::Time;
use crate::sim::by_hand::Life;
use crate::sim::event::PeerId;
use crate::sim::population::Population;

impl Ledger {
    /// What a deployment is called.
    pub(in crate::sim) fn name_of(&self, deployment: u32) -> &str {
        &self.entries[self.deployments[deployment as usize].entry as usize].0
    }

    /// The number of a deployment.
    pub(in crate::sim) fn number_of(&self, ensemble: EnsembleId) -> Option<u32> {
        self.by_ensemble.get(&ensemble).copied()
    }

    /// What the ensemble of a deployment says of an allocation.
    pub(in crate::sim) fn config_of(&self, deployment: u32, name: &str) -> Option<&AllocationConfig> {
        self.ensemble_of(deployment).allocations.get(name)
    }

    /// What a deployment was asked to be.
    pub(in crate::sim) fn ensemble_of(&self, deployment: u32) -> &Arc<EnsembleConfig> {
        &self.entries[self.deployments[deployment as usize].entry as usize].1
    }

    /// The allocations of this name in a deployment, those of standbys too, the latest commit first.
    fn instances<'a>(&'a self, deployment: u32, name: &'a str) -> impl Iterator<Item = &'a AllocationRecord> {
        let places = self.committed.get(deployment as usize).map_or(&[][..], Vec::as_slice);
        let records = places.iter().rev().map(|place| &self.allocations[*place]);
        records.filter(move |record| record.key.split_once('.').is_some_and(|(_, own)| own == name))
    }

    /// With which code an allocation has exited last.
    pub(in crate::sim) fn exit_code(&self, deployment: u32, name: &str) -> Option<i32> {
        self.instances(deployment, name).find_map(|record| record.exit_code)
    }

    /// What the allocations of a deployment were, in the order of their commits.
    pub(in crate::sim) fn lives(&self, deployment: u32, population: &Population) -> Vec<Life> {
        let places = self.committed.get(deployment as usize).map_or(&[][..], Vec::as_slice);
        let records = places.iter().map(|place| &self.allocations[*place]);
        let life = |record: &AllocationRecord| Life {
            peer: Arc::clone(population.name_of(record.peer)),
            key: Arc::clone(&record.key),
            generation: record.generation,
            started: record.started,
            ended: record.ended,
            suspected: record.suspected,
        };
        records.map(life).collect()
    }

    fn full_id(&self, record: &AllocationRecord) -> Option<String> {
        let ensemble = self.deployments[record.deployment as usize].ensemble?;
        Some(format!("{ensemble}_{}", record.key))
    }

    /// The allocation of this name that runs, the latest if there are several: where, and its full id.
    pub(in crate::sim) fn instance(&self, deployment: u32, name: &str) -> Option<(PeerId, String)> {
        let record = self.instances(deployment, name).find(|record| record.running)?;
        Some((record.peer, self.full_id(record)?))
    }

    /// The full id of the allocation of this name that was committed last, whether it runs or not.
    pub(in crate::sim) fn latest(&self, deployment: u32, name: &str) -> Option<String> {
        let record = self.instances(deployment, name).next()?;
        self.full_id(record)
    }

    /// The allocation of this name that was last given a public port, for the port inside if that is given: where it
    /// is, its full id, the port, and since when it is there. That is what the manifest of the deployment says. Of a
    /// node and its standby, either may have been committed first.
    pub(in crate::sim) fn mapped(
        &self,
        deployment: u32,
        name: &str,
        inside: Option<u16>,
    ) -> Option<(PeerId, String, u16, Time)> {
        let port = |record: &AllocationRecord| {
            let fits = |(_, private): &&(u16, u16)| inside.is_none_or(|wanted| wanted == *private);
            record.ports.iter().find(fits).map(|(public, _)| *public)
        };
        let all = self.instances(deployment, name).filter_map(|record| Some((record, port(record)?)));
        let (record, public) =
            all.reduce(|latest, other| if other.0.mapped > latest.0.mapped { other } else { latest })?;
        Some((record.peer, self.full_id(record)?, public, record.committed))
    }

    /// The name of an allocation in the subnet of its ensemble.
    pub(in crate::sim) fn subnet_name(&self, deployment: u32, name: &str) -> Arc<str> {
        let ensemble = self.ensemble_of(deployment);
        let own = ensemble.allocations.get(name).map_or(name, |allocation| &allocation.dns_name);
        format!("{own}.internal").into()
    }

    /// The key of the service that an allocation serves: its own, or that of the primary whose spare it is of.
    pub(super) fn service_key(&self, deployment: u32, key: &Arc<str>) -> Arc<str> {
        if let Some((service, _)) = self.services.roles.get(&(deployment, Arc::clone(key))) {
            return Arc::clone(service);
        }
        let nodes = &self.ensemble_of(deployment).nodes;
        let primary = key.split_once('.').and_then(|(node, allocation)| {
            let (primary, number) = node.rsplit_once("-standby-")?;
            number.parse::<u32>().ok()?;
            let is_spare = !nodes.contains_key(node) && nodes.contains_key(primary);
            is_spare.then(|| format!("{primary}.{allocation}").into())
        });
        primary.unwrap_or_else(|| Arc::clone(key))
    }
}
