//! Operations on deployments, carried out: the deployment that a scenario means is looked up, and its operator's node,
//! or another by a message, is told.

use std::sync::Arc;

use super::event::PeerId;
use super::setup::{Control, ControlKind, Which};
use super::world::World;
use crate::dms::actor::{
    Behaviour, DeploymentRequest, InfoRequest, LogsRequest, Message, NewDeployment, PruneRequest,
    UpdateDeployment,
};
use crate::dms::identity::EnsembleId;
use crate::dms::node::Order;
use crate::dms::outbox::Command;
use crate::kernel::Time;

impl World<'_> {
    /// What the operator of `by` tells their own node.
    pub(super) fn command_for(
        &mut self,
        now: Time,
        operation: u32,
        by: PeerId,
        control: &Control,
    ) -> Result<Command, String> {
        let to = control.to.as_ref().map(|name| self.peer(name)).filter(|to| *to != by);
        let kind = control.kind.behaviour();
        let expire = self.clock_of(by, now) + control.timeout;
        let message = match &control.kind {
            ControlKind::New { ensemble, .. } => {
                let pins = self.population.pins(ensemble, &self.hosts);
                let contracts = self.contract_refs(&[], ensemble)?;
                let new = Box::new(NewDeployment { ensemble: Arc::clone(ensemble), pins, contracts });
                if to.is_none() {
                    self.ledger.deployment_ordered(now, operation, by, now + control.timeout);
                    return Ok(Command::New { operation, new, expire });
                }
                Message::NewDeployment(new)
            }
            other => Message::Deployment(Box::new(self.request_for(other)?)),
        };
        let Some(to) = to else {
            let Message::Deployment(request) = message else {
                unreachable!("a new deployment at the own node has been dealt with")
            };
            return Ok(Command::Control { operation, request, expire });
        };
        let (to, behaviour) = (self.root_of(to), Behaviour::fixed(kind));
        let order = Order::Call { to, behaviour, message, timeout: control.timeout };
        Ok(Command::Operate { operation, order: Box::new(order) })
    }

    fn request_for(&self, kind: &ControlKind) -> Result<DeploymentRequest, String> {
        let find = |which: &Which| self.find_deployment(which);
        Ok(match kind {
            ControlKind::New { .. } => unreachable!("a new deployment has a message of its own"),
            ControlKind::List(list) => DeploymentRequest::List(list.clone()),
            ControlKind::Status(which) => DeploymentRequest::Status(find(which)?),
            ControlKind::Manifest(which) => DeploymentRequest::Manifest(find(which)?),
            ControlKind::Shutdown(which) => DeploymentRequest::Shutdown(find(which)?),
            ControlKind::Delete(which) => DeploymentRequest::Delete(find(which)?),
            ControlKind::Update { of, ensemble } => {
                let (id, pins) = (find(of)?, self.population.pins(ensemble, &self.hosts));
                DeploymentRequest::Update(UpdateDeployment { id, ensemble: Arc::clone(ensemble), pins })
            }
            ControlKind::Info { of, usage, logs, allocations } => {
                let allocations = allocations.iter().map(|name| name.as_str().into()).collect();
                let (id, usage, logs) = (find(of)?, *usage, *logs);
                DeploymentRequest::Info(InfoRequest { id, usage, logs, allocations })
            }
            ControlKind::Logs { of, allocation, follow } => {
                let (id, allocation, follow) = (find(of)?, allocation.as_str().into(), *follow);
                DeploymentRequest::Logs(LogsRequest { id, allocation, follow })
            }
            ControlKind::Prune(before) => {
                let before = before.map(|time| self.clock(time));
                DeploymentRequest::Prune(PruneRequest { all: before.is_none(), before })
            }
        })
    }

    pub(super) fn find_deployment(&self, which: &Which) -> Result<EnsembleId, String> {
        let found = match which {
            Which::Id(id) => Some(*id),
            Which::Named(name, number) => self.ledger.accepted(*number, |entry, _| *entry == **name),
            Which::Of(peer, number) => {
                let peer = self.peer(peer);
                self.ledger.accepted(*number, |_, by| by == peer)
            }
        };
        found.ok_or_else(|| format!("there is no {which} yet"))
    }
}
