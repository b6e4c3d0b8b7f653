//! Contracts alone: what they say, where they stand, who signed, what they cost.

mod agreement;
mod as_is;
mod oracle;
mod paying;
mod year;

use crate::dms::contract::model::{Contract, Duration, Participants, PaymentDetails, TerminationOption};
use crate::dms::contract::usage::{UsageEvent, UsageKind};
use crate::dms::identity::{Did, EnsembleId, SecretKey, SignatureMode};
use crate::kernel::{Span, Timestamp};

/// The start of every contract here: 2025-01-01T00:00:00Z.
const START: Timestamp = Timestamp(1_735_689_600_000_000_000);

fn key(seed: u8) -> SecretKey {
    SecretKey::ed25519([seed; 32], SignatureMode::Modelled)
}

fn did(seed: u8) -> Did {
    Did::Key(key(seed).public())
}

/// Ten for each allocation, for a year, between requestor 1 and provider 2.
fn contract() -> Contract {
    Contract {
        contract_did: did(10),
        solution_enabler_did: did(3),
        payment_validator_did: did(4),
        termination_option: Some(TerminationOption { allowed: true, notice_period: 0 }),
        duration: Duration { start_date: Some(START), end_date: Some(START + Span::hours(365 * 24)) },
        participants: Participants { provider: did(2), requestor: did(1) },
        payment_details: PaymentDetails {
            payment_model: "pay_per_allocation".into(),
            fee: Some("10".parse().unwrap()),
            pricing_currency: "NTX".into(),
            payment_currency: "NTX".into(),
            requestor_address: "0xaa".into(),
            provider_address: "0xbb".into(),
            ..PaymentDetails::default()
        },
        ..Contract::default()
    }
}

fn accepted() -> Contract {
    Contract { current_state: crate::dms::contract::state::State::Accepted, ..contract() }
}

/// An event about the allocation or deployment `number`.
fn event(kind: UsageKind, sequence: u64, number: u64) -> UsageEvent {
    let of_deployment = matches!(kind, UsageKind::DeploymentStart | UsageKind::DeploymentStop);
    UsageEvent {
        kind,
        sequence,
        allocation_id: (!of_deployment).then(|| format!("a{number}").into()),
        deployment_id: deployment(number),
        compute_provider_did: did(2),
        head_contract_did: did(10),
        orchestrator_did: did(1),
        resources: None,
    }
}

/// Three allocations make a deployment.
fn deployment(number: u64) -> EnsembleId {
    EnsembleId([(number / 3) as u8; 32])
}
