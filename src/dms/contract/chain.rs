//! Chains of two contracts (dms-capabilities section 6.6): the head, between an orchestrator and an organization, and
//! the tail, between that organization and a compute provider.

use thiserror::Error;

use super::model::Contract;
use crate::dms::identity::Did;
use crate::dms::profile::{Profile, Weakness};

/// What a compute provider asks the host of a head contract.
#[derive(Clone, PartialEq, Eq, Hash, Debug, serde::Serialize)]
pub struct ChainRequest {
    /// The head, or a contract without a chain.
    pub contract_did: Did,
    /// Who wants to run an allocation.
    pub provider_did: Did,
    /// For whom.
    pub orchestrator_did: Did,
}

impl ChainRequest {
    /// Bytes of its JSON, known without writing it: providers ask before every bid.
    #[must_use]
    pub fn json_len(&self) -> usize {
        r#"{"contract_did":,"provider_did":,"orchestrator_did":}"#.len()
            + self.contract_did.json_len()
            + self.provider_did.json_len()
            + self.orchestrator_did.json_len()
    }
}

/// The host's "yes".
#[derive(Clone, PartialEq, Eq, Hash, Debug, serde::Serialize)]
pub struct ChainAnswer {
    /// Always true; a "no" is an error with its reason.
    pub valid: bool,
    /// Who stands between the two; empty where they have a contract of their own.
    pub organization_did: Did,
    /// The head.
    pub contract_a: Did,
    /// The tail; empty where there is none.
    pub contract_b: Did,
}

/// Why a chain does not hold.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ChainError {
    /// Somebody asks in another's name.
    #[error("caller DID ({caller}) does not match ProviderDID in request ({provider})")]
    NotTheCaller {
        /// Who asks.
        caller: Did,
        /// In whose name.
        provider: Did,
    },
    /// This host does not know the contract.
    #[error("contract A not found: {0}")]
    NotFound(Did),
    /// The orchestrator is no party of it.
    #[error("orchestrator ({0}) is not a participant of contract A")]
    NotAParticipant(Did),
    /// It is not, or no longer, in force.
    #[error("contract A is not in active state: {0}")]
    NotActive(&'static str),
    /// Nothing connects its provider with the caller.
    #[error("no active contract found between organization and provider: {0}")]
    NoTail(Did),
}

/// Why a provider finds no tail to which it belongs.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TailError {
    /// The head says nothing about its provider.
    #[error("head contract config is missing provider DID")]
    NoProvider,
    /// The provider does not know who it is.
    #[error("invalid compute provider DID")]
    InvalidProvider,
    /// More than one would fit.
    #[error("multiple tail contracts found")]
    Several,
    /// None does.
    #[error("no tail contract found")]
    None,
}

/// What the host checks, in its order, among the `contracts` that it hosts.
///
/// The check of the participants refuses as-is only when neither the orchestrator nor the provider is a party (C6).
/// A contract between the two themselves needs no tail; the real DMS misses one there, and its callers then fall back
/// to asking whether the contract is valid at all.
///
/// # Errors
/// The first check that fails.
pub fn verify_chain<'a>(
    contracts: impl Iterator<Item = &'a Contract> + Clone,
    request: &ChainRequest,
    caller: &Did,
    profile: Profile,
) -> Result<ChainAnswer, ChainError> {
    let ChainRequest { contract_did, provider_did, orchestrator_did } = request;
    if caller != provider_did {
        let (caller, provider) = (caller.clone(), provider_did.clone());
        return Err(ChainError::NotTheCaller { caller, provider });
    }
    let mut all = contracts.clone();
    let head = all.find(|contract| contract.contract_did == *contract_did);
    let head = head.ok_or_else(|| ChainError::NotFound(contract_did.clone()))?;
    let parties = &head.participants;
    let stranger = if profile.has(Weakness::LooseParticipants) {
        !parties.include(orchestrator_did) && !parties.include(provider_did)
    } else {
        parties.requestor != *orchestrator_did
    };
    if stranger {
        return Err(ChainError::NotAParticipant(orchestrator_did.clone()));
    }
    if !head.is_valid() {
        return Err(ChainError::NotActive(head.current_state.as_str()));
    }
    let mut answer = ChainAnswer {
        valid: true,
        organization_did: Did::Empty,
        contract_a: contract_did.clone(),
        contract_b: Did::Empty,
    };
    if parties.provider == *provider_did && !profile.has(Weakness::LooseParticipants) {
        return Ok(answer);
    }
    let mut tails = contracts.filter(|tail| {
        tail.contract_did != *contract_did
            && tail.participants.requestor == parties.provider
            && tail.participants.provider == *provider_did
            && tail.is_valid()
    });
    let tail = tails.next().ok_or_else(|| ChainError::NoTail(provider_did.clone()))?;
    answer.organization_did = parties.provider.clone();
    answer.contract_b = tail.contract_did.clone();
    Ok(answer)
}

/// The tail, among the `contracts` that a compute provider keeps, to which its usage under a head belongs, as the real
/// DMS looks for it (C16). As it is meant, the host of the head names the tail when it says that the chain holds.
///
/// # Errors
/// Why there is none; the caller then takes the contracts that the ensemble names.
pub fn find_tail<'a>(
    contracts: impl Iterator<Item = &'a Contract>,
    head: &Did,
    head_provider: &Did,
    provider: &Did,
) -> Result<&'a Contract, TailError> {
    if head_provider.is_empty() {
        return Err(TailError::NoProvider);
    }
    if provider.is_empty() {
        return Err(TailError::InvalidProvider);
    }
    let mut tails = contracts.filter(|contract| {
        contract.participants.provider == *provider
            && contract.participants.requestor == *head_provider
            && contract.is_valid()
            && contract.contract_did != *head
    });
    match (tails.next(), tails.next()) {
        (Some(tail), None) => Ok(tail),
        (Some(_), Some(_)) => Err(TailError::Several),
        (None, _) => Err(TailError::None),
    }
}
