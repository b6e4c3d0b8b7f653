//! What facts say, in the words and numbers of a recording.

use std::borrow::Cow;
use std::sync::Arc;

use crate::dms::actor::AllocationState;
use crate::dms::contract::fact::ContractFact;
use crate::dms::fact::{ContainerFact, DeploymentStatus, Fact, Judgement, MachineFact, Suspicion};
use crate::dms::identity::PeerId as Host;
use crate::dms::outbox::KillCause;
use crate::dms::resources::Resources;
use crate::observe::{FactRecord, Labels, Step, Value};
use crate::sim::event::PeerId;
use crate::sim::host::Directory;
use crate::sim::ledger::{Ledger, find_id, key_of};
use crate::sim::population::Member;

type Content<'a> = Vec<(&'static str, Value<'a>)>;

/// Knows the numbers of a run.
pub(super) struct Teller<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) directory: &'a Directory,
    pub(super) names: &'a [Member],
}

impl<'a> Teller<'a> {
    /// The record of a fact that is in the books by now; `refusing` is the deployment that was asked for before.
    pub(super) fn record_of(
        &self,
        peer: PeerId,
        fact: &'a Fact,
        count: u64,
        refusing: Option<u32>,
    ) -> FactRecord<'a> {
        let labels = self.labels_of(fact, refusing);
        FactRecord {
            kind: kind_of(fact),
            peer: peer.0,
            count,
            is_trouble: is_trouble(fact),
            labels,
            content: self.content_of(fact),
            step: labels.deployment.map_or(Step::None, |deployment| self.step_of(peer, deployment, fact)),
        }
    }

    fn labels_of(&self, fact: &'a Fact, refusing: Option<u32>) -> Labels<'a> {
        let mut labels = Labels { deployment: self.ledger.deployment_of_fact(fact), ..Labels::default() };
        match fact {
            Fact::DeploymentRefused(_) => labels.deployment = refusing,
            Fact::OperationAnswered { operation, .. }
            | Fact::OperationRefused { operation, .. }
            | Fact::OperationUnanswered { operation, .. } => labels.operation = Some(*operation),
            Fact::RevocationAnchored(key) => labels.revocation = self.ledger.number_of_revocation(*key),
            Fact::Contract { contract, .. } => labels.contract = self.ledger.number_of_contract(contract),
            Fact::Machine { machine, .. } => labels.machine = Some(*machine),
            Fact::RedeploymentStarted { node, generation, .. } => {
                (labels.node, labels.generation) = (Some(&**node), Some(*generation));
            }
            Fact::ResultDecided { node, .. } | Fact::NodeAwarded { node, .. } => labels.node = Some(node),
            Fact::RestartOrdered { allocation } => (labels.node, labels.allocation) = parts_of(allocation),
            Fact::Committed { allocation, generation, .. }
            | Fact::AllocationCreated { allocation, generation }
            | Fact::AddressGiven { allocation, generation, .. }
            | Fact::Named { allocation, generation, .. }
            | Fact::PortMapped { allocation, generation, .. }
            | Fact::AllocationState { allocation, generation, .. }
            | Fact::Released { allocation, generation, .. }
            | Fact::Suspected { allocation, generation, .. }
            | Fact::AllocationRestored { allocation, generation }
            | Fact::NotTerminated { allocation, generation, .. }
            | Fact::Container { allocation, generation, .. }
            | Fact::ResultChecked { allocation, generation, .. } => {
                (labels.node, labels.allocation) = parts_of(allocation);
                labels.generation = Some(*generation);
            }
            _ => {}
        }
        labels
    }

    /// What a fact says beside what it is about.
    #[expect(clippy::too_many_lines, reason = "an arm for each kind, and no more")]
    fn content_of(&self, fact: &'a Fact) -> Content<'a> {
        match fact {
            Fact::MessageRejected { rejection, behaviour, explanation, .. } => {
                let mut content =
                    vec![("behaviour", behaviour.template().into()), ("reason", rejection.as_str().into())];
                content.extend(explanation.as_deref().map(|why| ("explanation", self.text(why))));
                content
            }
            Fact::DeploymentRefused(reason)
            | Fact::OnboardingRefused(reason)
            | Fact::OperationRefused { reason, .. }
            | Fact::OperationUnanswered { reason, .. }
            | Fact::NotTerminated { reason, .. } => vec![("reason", self.text(reason))],
            Fact::DeploymentStatus { status, reason, .. } => {
                let mut content = vec![("status", status.as_str().into())];
                content.extend(reason.as_deref().map(|reason| ("reason", self.text(reason))));
                content
            }
            Fact::RoundOpened { nodes, .. } => vec![("nodes", u32::from(*nodes).into())],
            Fact::BidRefused { refusal, .. } => vec![("reason", self.owned(&refusal.to_string()))],
            Fact::StageFailed { stage, reason, .. } => {
                vec![("stage", stage.as_str().into()), ("reason", self.text(reason))]
            }
            Fact::Committed { resources, .. } | Fact::Onboarded(resources) => amounts(resources),
            Fact::AddressGiven { address, .. } | Fact::SubnetJoined { address, .. } => {
                vec![("address", address.to_string().into())]
            }
            Fact::Named { name, .. } => vec![("name", self.text(name))],
            Fact::PortMapped { public, private, .. } => {
                vec![("public", u32::from(*public).into()), ("private", u32::from(*private).into())]
            }
            Fact::AllocationState { state, exit_code, .. } => {
                let mut content = vec![("state", state.word().into())];
                content.extend(exit_code.map(|code| ("exit_code", Value::Signed(code.into()))));
                content
            }
            Fact::Released { lapsed, .. } => vec![("lapsed", (*lapsed).into())],
            Fact::Suspected { cause, .. } => vec![("cause", cause_of(*cause).into())],
            Fact::SentWithoutAuthority { behaviour, .. } => vec![("behaviour", behaviour.template().into())],
            Fact::OperationAnswered { answer, .. } => vec![("answer", self.text(answer))],
            Fact::AnchorRefused { slot, reason } => {
                vec![("slot", slot.as_str().into()), ("reason", self.text(reason))]
            }
            Fact::DeploymentRestored { status, .. } => vec![("status", status.as_str().into())],
            Fact::Contract { what, .. } => self.contract(what),
            Fact::DeploymentReshaped { allocations, .. } => {
                let wanted = allocations.iter().filter(|role| role.is_wanted);
                let names = wanted.map(|role| Cow::Borrowed(&*role.allocation)).collect();
                vec![("allocations", Value::Texts(names))]
            }
            Fact::Machine { what: MachineFact::Failed(reason) | MachineFact::Deleted(reason), .. } => {
                vec![("reason", self.text(reason))]
            }
            Fact::Container { what, .. } => match what {
                ContainerFact::Restarted(code) => vec![("exit_code", Value::Signed((*code).into()))],
                ContainerFact::Killed(cause) => vec![("cause", kill_of(*cause).into())],
            },
            Fact::SecretsSeen(secrets) => vec![("secrets", (*secrets).into())],
            Fact::ResultDecided { results, agreed, votes, .. } => {
                let results = results.iter().map(|printed| Cow::Borrowed(&*printed.0)).collect();
                let results = ("results", Value::Texts(results));
                vec![results, ("agreed", (*agreed).into()), ("votes", (*votes).into())]
            }
            Fact::DeploymentHandedOver { term, .. } | Fact::DeploymentSuperseded { term, .. } => {
                vec![("term", (*term).into())]
            }
            Fact::NodeAwarded { provider, paid_micro_per_h, .. } => {
                let mut content = vec![("paid_micro_per_h", (*paid_micro_per_h).into())];
                content.extend(self.name_of(provider).map(|name| ("provider", name.into())));
                content
            }
            Fact::ResultChecked { provider, judgement, .. } => {
                let mut content = vec![("judgement", judgement.as_str().into())];
                content.extend(self.name_of(provider).map(|name| ("provider", name.into())));
                content
            }
            Fact::RevocationAnchored(_)
            | Fact::HelloAnswered
            | Fact::Offboarded
            | Fact::Machine { .. }
            | Fact::DeploymentAccepted(_)
            | Fact::DeploymentQueued(_)
            | Fact::BidMade(_)
            | Fact::BidAccepted(_)
            | Fact::AllocationCreated { .. }
            | Fact::RestartOrdered { .. }
            | Fact::RedeploymentStarted { .. }
            | Fact::AllocationRestored { .. } => Vec::new(),
        }
    }

    fn contract(&self, what: &'a ContractFact) -> Content<'a> {
        match what {
            ContractFact::Created | ContractFact::Signed => Vec::new(),
            ContractFact::SignatureRefused(reason)
            | ContractFact::NotMoved(reason)
            | ContractFact::NotPaid(reason) => vec![("reason", self.text(reason))],
            ContractFact::Is(state) => vec![("state", state.as_str().into())],
            ContractFact::Used(kind) => vec![("usage", format!("{kind:?}").into())],
            ContractFact::UsageLost { kind, reason } => {
                vec![("usage", format!("{kind:?}").into()), ("reason", (*reason).into())]
            }
            ContractFact::Invoiced { number, items, amount } => vec![
                ("invoice", (*number).into()),
                ("items", (*items).into()),
                ("amount", amount.to_string().into()),
            ],
            // The number of a transaction is made of keys.
            ContractFact::Owed { unique_id: _, amount, currency } => {
                vec![("amount", amount.to_string().into()), ("currency", self.text(currency))]
            }
            ContractFact::Paid { number, amount, is_fee } => vec![
                ("invoice", (*number).into()),
                ("amount", amount.to_string().into()),
                ("is_fee", (*is_fee).into()),
            ],
        }
    }

    fn step_of(&self, peer: PeerId, deployment: u32, fact: &'a Fact) -> Step<'a> {
        let by = self.ledger.deployment(deployment).map(|(by, _)| by);
        match fact {
            Fact::DeploymentAccepted(_) => Step::Accepted(self.ledger.name_of(deployment)),
            Fact::DeploymentRefused(reason) => {
                Step::TurnedDown { name: self.ledger.name_of(deployment), reason }
            }
            // What a former orchestrator believes while it does not know better counts for nothing.
            Fact::DeploymentStatus { status, reason, .. } if by == Some(peer) => Step::Status {
                status: status.as_str(),
                is_terminal: status.is_terminal(),
                failure: reason.as_deref().filter(|_| *status == DeploymentStatus::Failed),
            },
            Fact::RoundOpened { .. } => Step::RoundOpened,
            Fact::Suspected { .. } | Fact::RestartOrdered { .. } | Fact::RedeploymentStarted { .. } => {
                Step::Recovers
            }
            Fact::DeploymentHandedOver { .. } => Step::HandedOver,
            Fact::AllocationState { state: AllocationState::Running, .. } => Step::Runs,
            Fact::AllocationState { state, .. } => Step::Stops(state.word()),
            Fact::Released { lapsed, .. } => Step::Stops(if *lapsed { "lease ended" } else { "released" }),
            _ => Step::None,
        }
    }

    fn name_of(&self, host: &Host) -> Option<&'a str> {
        self.directory.find(host).map(|peer| &*self.names[peer.0 as usize].name)
    }

    /// A text without ids, which differ between the signature modes.
    fn text(&self, text: &'a str) -> Value<'a> {
        match find_id(text) {
            None => text.into(),
            Some(_) => self.owned(text),
        }
    }

    /// Ids of ensembles become the numbers of their deployments, others only say that there was one.
    fn owned(&self, text: &str) -> Value<'a> {
        let (mut clean, mut rest) = (String::new(), text);
        while let Some((start, end)) = find_id(rest) {
            clean.push_str(&rest[..start]);
            let number = rest[start..end].parse().ok().and_then(|ensemble| self.ledger.number_of(ensemble));
            clean
                .push_str(&number.map_or_else(|| "<id>".to_owned(), |number| format!("deployment-{number}")));
            rest = &rest[end..];
        }
        clean.push_str(rest);
        clean.into()
    }
}

/// Node and allocation of a full id.
fn parts_of(allocation: &Arc<str>) -> (Option<&str>, Option<&str>) {
    match key_of(allocation).split_once('.') {
        Some((node, allocation)) => (Some(node), Some(allocation)),
        None => (None, Some(key_of(allocation))),
    }
}

fn amounts(resources: &Resources) -> Content<'static> {
    vec![
        ("cpu_cores", Value::Number(resources.cpu.cores_milli as f64 / 1000.0)),
        ("ram_bytes", resources.ram_bytes.into()),
        ("disk_bytes", resources.disk_bytes.into()),
        ("gpus", (resources.gpus.len() as u64).into()),
    ]
}

const fn cause_of(cause: Suspicion) -> &'static str {
    match cause {
        Suspicion::HealthCheck => "health check",
        Suspicion::Stale => "stale",
        Suspicion::Ended => "ended",
    }
}

const fn kill_of(cause: KillCause) -> &'static str {
    match cause {
        KillCause::OutOfMemory => "out of memory",
        KillCause::Deaf => "deaf",
    }
}

/// Whether something was refused or went wrong.
const fn is_trouble(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::MessageRejected { .. }
            | Fact::DeploymentRefused(_)
            | Fact::DeploymentStatus { status: DeploymentStatus::Failed, .. }
            | Fact::BidRefused { .. }
            | Fact::StageFailed { .. }
            | Fact::AllocationState { state: AllocationState::Failed, .. }
            | Fact::Suspected { .. }
            | Fact::SentWithoutAuthority { .. }
            | Fact::OperationRefused { .. }
            | Fact::OperationUnanswered { .. }
            | Fact::AnchorRefused { .. }
            | Fact::NotTerminated { .. }
            | Fact::OnboardingRefused(_)
            | Fact::Machine { what: MachineFact::Failed(_), .. }
            | Fact::Container { .. }
            | Fact::SecretsSeen(_)
            | Fact::ResultChecked { judgement: Judgement::Wrong, .. }
            | Fact::Contract {
                what: ContractFact::SignatureRefused(_)
                    | ContractFact::NotMoved(_)
                    | ContractFact::UsageLost { .. }
                    | ContractFact::NotPaid(_),
                ..
            }
    )
}

/// The name of a fact.
const fn kind_of(fact: &Fact) -> &'static str {
    match fact {
        Fact::MessageRejected { .. } => "message_rejected",
        Fact::HelloAnswered => "hello_answered",
        Fact::DeploymentAccepted(_) => "deployment_accepted",
        Fact::DeploymentRefused(_) => "deployment_refused",
        Fact::DeploymentStatus { .. } => "deployment_status",
        Fact::RoundOpened { .. } => "round_opened",
        Fact::BidMade(_) => "bid_made",
        Fact::BidRefused { .. } => "bid_refused",
        Fact::BidAccepted(_) => "bid_accepted",
        Fact::StageFailed { .. } => "stage_failed",
        Fact::Committed { .. } => "committed",
        Fact::AllocationCreated { .. } => "allocation_created",
        Fact::AddressGiven { .. } => "address_given",
        Fact::Named { .. } => "named",
        Fact::PortMapped { .. } => "port_mapped",
        Fact::AllocationState { .. } => "allocation_state",
        Fact::Released { .. } => "released",
        Fact::Suspected { .. } => "suspected",
        Fact::RestartOrdered { .. } => "restart_ordered",
        Fact::RedeploymentStarted { .. } => "redeployment_started",
        Fact::SentWithoutAuthority { .. } => "sent_without_authority",
        Fact::OperationAnswered { .. } => "operation_answered",
        Fact::OperationRefused { .. } => "operation_refused",
        Fact::OperationUnanswered { .. } => "operation_unanswered",
        Fact::AnchorRefused { .. } => "anchor_refused",
        Fact::RevocationAnchored(_) => "revocation_anchored",
        Fact::DeploymentRestored { .. } => "deployment_restored",
        Fact::AllocationRestored { .. } => "allocation_restored",
        Fact::NotTerminated { .. } => "not_terminated",
        Fact::Onboarded(_) => "onboarded",
        Fact::Offboarded => "offboarded",
        Fact::OnboardingRefused(_) => "onboarding_refused",
        Fact::Contract { what, .. } => kind_of_contract(what),
        Fact::DeploymentReshaped { .. } => "deployment_reshaped",
        Fact::Machine { what: MachineFact::Ordered, .. } => "machine_ordered",
        Fact::Machine { what: MachineFact::Up, .. } => "machine_up",
        Fact::Machine { what: MachineFact::Given, .. } => "machine_given",
        Fact::Machine { what: MachineFact::Failed(_), .. } => "machine_failed",
        Fact::Machine { what: MachineFact::Deleted(_), .. } => "machine_deleted",
        Fact::SubnetJoined { .. } => "subnet_joined",
        Fact::Container { what: ContainerFact::Restarted(_), .. } => "container_restarted",
        Fact::Container { what: ContainerFact::Killed(_), .. } => "container_killed",
        Fact::SecretsSeen(_) => "secrets_seen",
        Fact::ResultDecided { .. } => "result_decided",
        Fact::DeploymentHandedOver { .. } => "deployment_handed_over",
        Fact::DeploymentSuperseded { .. } => "deployment_superseded",
        Fact::ResultChecked { .. } => "result_checked",
        Fact::DeploymentQueued(_) => "deployment_queued",
        Fact::NodeAwarded { .. } => "node_awarded",
    }
}

const fn kind_of_contract(what: &ContractFact) -> &'static str {
    match what {
        ContractFact::Created => "contract_created",
        ContractFact::Signed => "contract_signed",
        ContractFact::SignatureRefused(_) => "contract_signature_refused",
        ContractFact::Is(_) => "contract_state",
        ContractFact::NotMoved(_) => "contract_not_moved",
        ContractFact::Used(_) => "contract_used",
        ContractFact::UsageLost { .. } => "contract_usage_lost",
        ContractFact::Invoiced { .. } => "contract_invoiced",
        ContractFact::Owed { .. } => "contract_owed",
        ContractFact::Paid { .. } => "contract_paid",
        ContractFact::NotPaid(_) => "contract_not_paid",
    }
}
