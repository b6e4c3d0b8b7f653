//! Operators who log in to an allocation with a key of its manifest (dms-orchestration section 3.5; dms-acceptance
//! section 2.2, "SSH into a running deployment").
//!
//! Who logs in comes from their own node, which must have joined the subnet; from another allocation of the deployment;
//! or from outside, to a public port that leads to port 22. The keys that an ensemble puts into an allocation are what
//! its server takes; without any there is no reason for a server. Refusals are in the words of OpenSSH.

use super::event::PeerId;
use super::setup::{Ssh, SshFrom};
use super::traffic::Failure;
use super::world::World;
use crate::dms::ensemble::config::KeyKind;
use crate::dms::fact::Fact;
use crate::dms::subnet::LookupError;
use crate::kernel::Time;
use crate::net::BandwidthConfig;

/// Where the server listens.
const PORT: u16 = 22;

/// How a login comes to nothing.
enum Refusal {
    /// Somebody says so.
    Said(String),
    /// Nothing comes back.
    Silence(String),
}

impl World<'_> {
    /// An operator tries to log in.
    pub(super) fn ssh(&mut self, now: Time, operation: u32, by: PeerId, order: &Ssh) {
        let fact = match self.log_in(by, order) {
            Ok(answer) => Fact::OperationAnswered { operation, answer: answer.into() },
            Err(Refusal::Said(why)) => Fact::OperationRefused { operation, reason: why.into() },
            Err(Refusal::Silence(why)) => Fact::OperationUnanswered { operation, reason: why.into() },
        };
        self.check_fact(by, &fact);
        self.book(now, by, fact);
    }

    fn log_in(&self, by: PeerId, order: &Ssh) -> Result<String, Refusal> {
        let ensemble = self.find_deployment(&order.of).map_err(Refusal::Said)?;
        let number = self
            .ledger
            .number_of(ensemble)
            .ok_or_else(|| Refusal::Said("the deployment is not known".to_owned()))?;
        let Some(config) = self.ledger.config_of(number, &order.allocation) else {
            return Err(Refusal::Said(format!("the ensemble has no allocation {}", order.allocation)));
        };
        let name = self.ledger.subnet_name(number, &order.allocation);
        let (host, port, landed) = match &order.from {
            SshFrom::Outside => {
                let city = self.population.members()[by.0 as usize].city;
                let outsider = self.network.outsider(city, BandwidthConfig::Unlimited);
                let Some(target) = self.ledger.mapped(number, &order.allocation, Some(PORT)) else {
                    let why = format!("no public port leads to port {PORT} of {}", order.allocation);
                    return Err(Refusal::Said(why));
                };
                let landed = self.land_outside((outsider, city), (target.0, &target.1, target.2));
                (self.population.name_of(target.0).to_string(), target.2, landed)
            }
            SshFrom::Node | SshFrom::Allocation(_) => {
                let (caller, found) = match &order.from {
                    SshFrom::Allocation(from) => {
                        let Some((caller, source)) = self.ledger.instance(number, from) else {
                            return Err(Refusal::Said(format!("{from} does not run")));
                        };
                        (caller, self.hosts[caller.0 as usize].peer.provider().resolve(&source, &name))
                    }
                    _ => (by, self.hosts[by.0 as usize].peer.provider().resolve_here(ensemble, &name)),
                };
                let endpoint = found.map_err(|error| Refusal::Said(unresolved(&name, &error)))?;
                (name.to_string(), PORT, self.land_inside(caller, ensemble, endpoint))
            }
        };
        let at = format!("ssh: connect to host {host} port {port}");
        let keys: Vec<&str> =
            config.keys.iter().filter(|key| key.kind == KeyKind::Ssh).map(|key| &*key.file).collect();
        match landed {
            Ok(_) if keys.is_empty() => Err(Refusal::Said(format!("{at}: Connection refused"))),
            Ok(_) => {
                let user = config.execution.container().and_then(|container| container.user.as_deref());
                let login = format!("{}@{host}", user.unwrap_or("root"));
                match keys.contains(&&*order.key) {
                    true => Ok(format!("logged in as {login} with {}", order.key)),
                    false => Err(Refusal::Said(format!("{login}: Permission denied (publickey)."))),
                }
            }
            Err((Failure::TimedOut, _)) => Err(Refusal::Silence(format!("{at}: Connection timed out"))),
            Err((Failure::Unreachable, _)) if order.from == SshFrom::Outside => {
                Err(Refusal::Silence(format!("{at}: Connection timed out")))
            }
            Err((Failure::Unreachable, _)) => Err(Refusal::Said(format!("{at}: No route to host"))),
            Err(_) => Err(Refusal::Said(format!("{at}: Connection refused"))),
        }
    }
}

fn unresolved(name: &str, error: &LookupError) -> String {
    match error {
        LookupError::NoRoute(_) => format!("ssh: connect to host {name} port {PORT}: No route to host"),
        LookupError::NotConnected | LookupError::NoSuchName(_) => {
            format!("ssh: Could not resolve hostname {name}: Name or service not known")
        }
    }
}
