//! What a node logs: the one table from its facts to records. Names are those of the real DMS where they were read
//! (dms-capabilities section 9.1), the rest follows them.

use std::sync::Arc;

use super::record::{Fields, Label, Level, Value};
use crate::dms::actor::AllocationState;
use crate::dms::contract::fact::ContractFact;
use crate::dms::fact::{ContainerFact, DeploymentStatus, Fact, Judgement, MachineFact, Stage};
use crate::dms::identity::EnsembleId;
use crate::dms::provider::BidRefusal;

/// A record without its time and its node.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) level: Level,
    pub(super) message: &'static str,
    pub(super) labels: &'static [Label],
    pub(super) fields: Fields,
}

const NODE: &[Label] = &[Label::Node];
const USER: &[Label] = &[Label::User];
const DEPLOYMENT: &[Label] = &[Label::Deployment];
const ALLOCATION: &[Label] = &[Label::Allocation];
const CONTRACT: &[Label] = &[Label::Contract];
const VERIFICATION: &[Label] = &[Label::Deployment, Label::Contract];
const MONEY: &[Label] = &[Label::Contract, Label::Accounting];

fn entry(level: Level, message: &'static str, labels: &'static [Label], fields: Fields) -> Entry {
    Entry { level, message, labels, fields }
}

pub(super) fn node_start_initiated() -> Entry {
    entry(Level::Info, "node_start_initiated", NODE, Vec::new())
}

pub(super) fn geolocation_successful(place: String) -> Entry {
    entry(Level::Info, "geolocation_successful", NODE, vec![("location", place.into())])
}

pub(super) fn node_started_successfully() -> Entry {
    entry(Level::Info, "node_started_successfully", NODE, Vec::new())
}

pub(super) fn node_stopped() -> Entry {
    entry(Level::Info, "node_stopped", NODE, Vec::new())
}

pub(super) fn logger_configured() -> Entry {
    entry(Level::Info, "logger_configured", &[], Vec::new())
}

pub(super) fn bid_request(ensemble: EnsembleId, orchestrator: String) -> Entry {
    let fields = vec![id(ensemble), ("orchestratorID", orchestrator.into())];
    entry(Level::Info, "bid_request", DEPLOYMENT, fields)
}

pub(super) fn contract_verified(ensemble: EnsembleId) -> Entry {
    entry(Level::Info, "contract_verification_success", VERIFICATION, vec![id(ensemble)])
}

fn id(ensemble: EnsembleId) -> (&'static str, Value) {
    ("deploymentID", ensemble.to_string().into())
}

fn of_allocation(allocation: &Arc<str>, generation: u32) -> Fields {
    vec![("allocationID", allocation.into()), ("generation", generation.into())]
}

fn with(mut fields: Fields, key: &'static str, value: impl Into<Value>) -> Fields {
    fields.push((key, value.into()));
    fields
}

/// The record of a fact.
#[expect(clippy::too_many_lines, reason = "an arm for each kind, and no more")]
pub(super) fn of(fact: &Fact) -> Entry {
    match fact {
        Fact::AddressGiven { .. }
        | Fact::Named { .. }
        | Fact::PortMapped { .. }
        | Fact::Committed { .. }
        | Fact::AllocationCreated { .. }
        | Fact::AllocationState { .. }
        | Fact::Released { .. }
        | Fact::Suspected { .. }
        | Fact::RestartOrdered { .. }
        | Fact::AllocationRestored { .. }
        | Fact::Container { .. }
        | Fact::NotTerminated { .. } => of_allocation_fact(fact),
        Fact::DeploymentAccepted(_)
        | Fact::DeploymentRefused(_)
        | Fact::DeploymentStatus { .. }
        | Fact::RoundOpened { .. }
        | Fact::BidMade(_)
        | Fact::BidRefused { .. }
        | Fact::BidAccepted(_)
        | Fact::StageFailed { .. }
        | Fact::RedeploymentStarted { .. }
        | Fact::DeploymentRestored { .. }
        | Fact::DeploymentReshaped { .. }
        | Fact::ResultDecided { .. }
        | Fact::DeploymentHandedOver { .. }
        | Fact::DeploymentSuperseded { .. }
        | Fact::ResultChecked { .. }
        | Fact::DeploymentQueued(_)
        | Fact::NodeAwarded { .. }
        | Fact::SubnetJoined { .. } => of_deployment_fact(fact),
        Fact::Contract { contract, what } => of_contract(contract.to_string(), what),
        Fact::MessageRejected { rejection, behaviour, explanation, .. } => {
            let fields =
                vec![("behaviour", behaviour.to_string().into()), ("reason", rejection.as_str().into())];
            let fields = match explanation {
                Some(why) => with(fields, "explanation", why),
                None => fields,
            };
            entry(Level::Warn, "message_rejected", NODE, fields)
        }
        Fact::HelloAnswered => entry(Level::Debug, "hello_answered", NODE, Vec::new()),
        Fact::SentWithoutAuthority { behaviour, .. } => {
            let fields = vec![("behaviour", behaviour.to_string().into())];
            entry(Level::Warn, "sent_without_authority", NODE, fields)
        }
        Fact::OperationAnswered { answer, .. } => {
            entry(Level::Debug, "behaviour_answered", USER, vec![("answer", answer.into())])
        }
        Fact::OperationRefused { reason, .. } => {
            entry(Level::Error, "behaviour_refused", USER, vec![("error", reason.into())])
        }
        Fact::OperationUnanswered { reason, .. } => {
            entry(Level::Error, "behaviour_unanswered", USER, vec![("error", reason.into())])
        }
        Fact::AnchorRefused { slot, reason } => {
            let fields = vec![("anchor", slot.as_str().into()), ("error", reason.into())];
            entry(Level::Error, "anchor_error", NODE, fields)
        }
        Fact::RevocationAnchored(_) => entry(Level::Info, "revocation_anchored", NODE, Vec::new()),
        Fact::Onboarded(offer) => {
            entry(Level::Info, "onboard_success", NODE, vec![("resources", offer.to_string().into())])
        }
        Fact::Offboarded => entry(Level::Info, "offboard_success", NODE, Vec::new()),
        Fact::OnboardingRefused(reason) => {
            entry(Level::Error, "onboard_error", NODE, vec![("error", reason.into())])
        }
        Fact::Machine { machine, what, .. } => of_machine(*machine, what),
        Fact::SecretsSeen(count) => {
            entry(Level::Warn, "secrets_seen", NODE, vec![("count", (*count).into())])
        }
    }
}

fn of_deployment_fact(fact: &Fact) -> Entry {
    let (level, message, fields) = match fact {
        Fact::DeploymentAccepted(ensemble) => (Level::Info, "deployment_created", vec![id(*ensemble)]),
        Fact::DeploymentRefused(reason) => (Level::Error, "deployment_error", vec![("error", reason.into())]),
        Fact::DeploymentStatus { ensemble, status, reason } => {
            let fields = vec![id(*ensemble), ("status", status.as_str().into())];
            let fields = match reason {
                Some(why) => with(fields, "reason", why),
                None => fields,
            };
            let failed = *status == DeploymentStatus::Failed;
            (if failed { Level::Error } else { Level::Info }, "deployment_status", fields)
        }
        Fact::RoundOpened { ensemble, nodes, .. } => {
            (Level::Info, "bid_round_opened", with(vec![id(*ensemble)], "nodes", u32::from(*nodes)))
        }
        Fact::BidMade(ensemble) => (Level::Info, "sending_bid_response", vec![id(*ensemble)]),
        Fact::BidRefused { ensemble, refusal } => {
            let message = match refusal {
                BidRefusal::Free(_) | BidRefusal::Port(_) | BidRefusal::NoMachineLeft(_) => {
                    "no_resource_availability_for_bid"
                }
                _ => "bid_requirements_not_satisfied",
            };
            (Level::Info, message, with(vec![id(*ensemble)], "reason", refusal.to_string()))
        }
        Fact::BidAccepted(ensemble) => (Level::Info, "bid_accepted", vec![id(*ensemble)]),
        // A provider's refusal for a contract names it; an orchestrator's own lack of bids does not.
        Fact::StageFailed { ensemble, stage: Stage::Bid, reason } if reason.starts_with("contract") => {
            let fields = with(vec![id(*ensemble)], "error", reason);
            return entry(Level::Error, "contract_verification_error", VERIFICATION, fields);
        }
        Fact::StageFailed { ensemble, stage, reason } => {
            let fields = with(vec![id(*ensemble), ("stage", stage.as_str().into())], "reason", reason);
            (Level::Warn, "deployment_stage_failed", fields)
        }
        Fact::RedeploymentStarted { ensemble, node, generation } => {
            let fields = with(vec![id(*ensemble), ("node", node.into())], "generation", *generation);
            (Level::Warn, "redeployment_started", fields)
        }
        Fact::DeploymentRestored { ensemble, status } => {
            (Level::Info, "deployment_restored", with(vec![id(*ensemble)], "status", status.as_str()))
        }
        Fact::DeploymentHandedOver { ensemble, term } => {
            (Level::Warn, "deployment_taken_over", with(vec![id(*ensemble)], "term", *term))
        }
        Fact::DeploymentSuperseded { ensemble, term } => {
            (Level::Warn, "deployment_superseded", with(vec![id(*ensemble)], "term", *term))
        }
        Fact::DeploymentReshaped { ensemble, allocations } => {
            let fields = with(vec![id(*ensemble)], "allocations", allocations.len() as u64);
            (Level::Info, "deployment_updated", fields)
        }
        Fact::ResultDecided { ensemble, node, agreed, votes, .. } => {
            let fields = with(vec![id(*ensemble), ("node", node.into())], "agreed", *agreed);
            (Level::Info, "result_decided", with(fields, "votes", *votes))
        }
        Fact::ResultChecked { allocation, generation, provider, judgement } => {
            let fields = with(of_allocation(allocation, *generation), "peer", provider.to_string());
            let level = if *judgement == Judgement::Right { Level::Info } else { Level::Warn };
            (level, "result_checked", with(fields, "judgement", judgement.as_str()))
        }
        Fact::DeploymentQueued(ensemble) => (Level::Info, "deployment_queued", vec![id(*ensemble)]),
        Fact::NodeAwarded { ensemble, paid_micro_per_h: paid, .. } => {
            (Level::Info, "node_awarded", with(vec![id(*ensemble)], "paidMicroPerHour", *paid))
        }
        Fact::SubnetJoined { ensemble, address } => {
            (Level::Info, "subnet_joined", with(vec![id(*ensemble)], "ip", address.to_string()))
        }
        _ => unreachable!("only called for facts about deployments"),
    };
    entry(level, message, DEPLOYMENT, fields)
}

fn of_allocation_fact(fact: &Fact) -> Entry {
    let (level, message, fields) = match fact {
        Fact::Committed { allocation, generation, resources } => {
            let fields = with(of_allocation(allocation, *generation), "resources", resources.to_string());
            (Level::Info, "resources_committed", fields)
        }
        Fact::AllocationCreated { allocation, generation } => {
            (Level::Info, "allocation_created", of_allocation(allocation, *generation))
        }
        Fact::AddressGiven { allocation, generation, address } => {
            let fields = with(of_allocation(allocation, *generation), "ip", address.to_string());
            (Level::Debug, "allocation_address", fields)
        }
        Fact::Named { allocation, generation, name } => {
            (Level::Debug, "allocation_dns_name", with(of_allocation(allocation, *generation), "name", name))
        }
        Fact::PortMapped { allocation, generation, public, private } => {
            let ports = format!("{public}:{private}");
            (
                Level::Debug,
                "allocation_port_mapped",
                with(of_allocation(allocation, *generation), "ports", ports),
            )
        }
        Fact::AllocationState { allocation, generation, state, exit_code } => {
            let (level, message) = match state {
                AllocationState::Running => (Level::Info, "allocation_run_started"),
                AllocationState::Completed => (Level::Info, "allocation_completed"),
                AllocationState::Failed => (Level::Error, "allocation_failed"),
                AllocationState::Terminated => (Level::Info, "allocation_terminated"),
                _ => (Level::Debug, "allocation_status"),
            };
            let fields = with(of_allocation(allocation, *generation), "status", state.word());
            let fields = match exit_code {
                Some(code) => with(fields, "exit_code", Value::Whole((*code).into())),
                None => fields,
            };
            (level, message, fields)
        }
        Fact::Released { allocation, generation, lapsed } => {
            let fields = with(of_allocation(allocation, *generation), "lapsed", Value::Flag(*lapsed));
            (Level::Info, "resources_released", fields)
        }
        Fact::Suspected { allocation, generation, cause } => {
            let fields = with(of_allocation(allocation, *generation), "cause", format!("{cause:?}"));
            (Level::Warn, "allocation_suspected", fields)
        }
        Fact::RestartOrdered { allocation } => {
            (Level::Warn, "allocation_restart", vec![("allocationID", allocation.into())])
        }
        Fact::AllocationRestored { allocation, generation } => {
            (Level::Info, "allocation_restored", of_allocation(allocation, *generation))
        }
        Fact::NotTerminated { allocation, generation, reason } => {
            let fields = with(of_allocation(allocation, *generation), "error", reason);
            (Level::Error, "allocation_termination_error", fields)
        }
        Fact::Container { allocation, generation, what: ContainerFact::Restarted(code) } => {
            let code = Value::Whole((*code).into());
            let fields = with(of_allocation(allocation, *generation), "exit_code", code);
            (Level::Warn, "container_restarted", fields)
        }
        Fact::Container { allocation, generation, what: ContainerFact::Killed(cause) } => {
            let fields = with(of_allocation(allocation, *generation), "cause", format!("{cause:?}"));
            (Level::Error, "container_killed", fields)
        }
        _ => unreachable!("only called for facts about allocations"),
    };
    entry(level, message, ALLOCATION, fields)
}

fn of_contract(contract: String, what: &ContractFact) -> Entry {
    let fields = vec![("contractDID", contract.into())];
    match what {
        ContractFact::Created => entry(Level::Info, "contract_created", CONTRACT, fields),
        ContractFact::Signed => entry(Level::Info, "contract_signed", CONTRACT, fields),
        ContractFact::SignatureRefused(reason) => {
            entry(Level::Error, "contract_signature_error", CONTRACT, with(fields, "error", reason))
        }
        ContractFact::Is(state) => {
            entry(Level::Info, "contract_state", CONTRACT, with(fields, "state", state.as_str()))
        }
        ContractFact::NotMoved(reason) => {
            entry(Level::Error, "contract_error", CONTRACT, with(fields, "error", reason))
        }
        ContractFact::Used(kind) => {
            entry(Level::Debug, "contract_usage", MONEY, with(fields, "event", format!("{kind:?}")))
        }
        ContractFact::UsageLost { reason, .. } => {
            entry(Level::Error, "contract_usage_lost", MONEY, with(fields, "error", *reason))
        }
        ContractFact::Invoiced { items, amount, .. } => {
            let fields = with(with(fields, "items", *items), "amount", amount.to_string());
            entry(Level::Info, "invoice_created", MONEY, fields)
        }
        ContractFact::Owed { unique_id, amount, currency } => {
            let fields = with(with(fields, "transactionID", unique_id), "amount", amount.to_string());
            let fields = with(fields, "currency", currency);
            entry(Level::Info, "transaction_created", MONEY, fields)
        }
        ContractFact::Paid { amount, .. } => {
            entry(Level::Info, "transaction_paid", MONEY, with(fields, "amount", amount.to_string()))
        }
        ContractFact::NotPaid(reason) => {
            entry(Level::Error, "transaction_error", MONEY, with(fields, "error", reason))
        }
    }
}

fn of_machine(machine: u32, what: &MachineFact) -> Entry {
    let fields = vec![("machine", machine.into())];
    match what {
        MachineFact::Ordered => entry(Level::Info, "machine_ordered", NODE, fields),
        MachineFact::Up => entry(Level::Info, "machine_up", NODE, fields),
        MachineFact::Given => entry(Level::Info, "machine_given", NODE, fields),
        MachineFact::Failed(reason) => {
            entry(Level::Error, "machine_error", NODE, with(fields, "error", reason))
        }
        MachineFact::Deleted(reason) => {
            entry(Level::Info, "machine_deleted", NODE, with(fields, "reason", reason))
        }
    }
}
