//! Gateways and their virtual machines.

use super::{PeerGroup, Role};
use crate::kernel::Distribution;
use crate::workload::Hardware;

/// What each gateway of a group can have made.
#[derive(Clone, PartialEq, Debug)]
pub struct GatewayPlan {
    /// The kinds of machines, in the order in which they are tried; each is offered whole.
    pub plans: Vec<Hardware>,
    /// How many machines there may be at one time.
    pub machines: u32,
    /// From the order to a machine that is up.
    pub boot: Distribution,
    /// Probability that a machine does not come up, 0..=1.
    pub fails: f64,
}

impl PeerGroup {
    /// The group of the virtual machines of these gateways, which must follow theirs in a setup: `NAME-machines`, those
    /// of the first gateway first. None for a group of others.
    #[must_use]
    pub fn machines(&self) -> Option<Self> {
        let plan = self.gateway.as_ref()?;
        Some(Self {
            name: format!("{}-machines", self.name),
            role: Role::Machine,
            count: self.count.saturating_mul(plan.machines),
            names: Vec::new(),
            churn: None,
            repairers: None,
            joins: None,
            clock: None,
            gateway: None,
            ..self.clone()
        })
    }
}
