//! What the parties of a contract sign, and whether it holds (dms-capabilities section 6.4).
//!
//! A party of the real DMS signs the JSON of whatever its copy of the contract says at that moment, signatures and
//! state included, and the host never verifies it (C3): a signature proves nothing. As it is meant, a party signs what
//! was agreed, which never changes, under a prefix of its own; and the host verifies.

use thiserror::Error;

use super::model::{Contract, ContractSignature};
use super::state::State;
use crate::dms::identity::{Did, SecretKey, Signable, SignatureMode, verify};
use crate::dms::profile::{Profile, Weakness};
use crate::kernel::{Timestamp, fingerprint128};

/// Why a signature is not taken.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SigningError {
    /// By somebody who is no party.
    #[error("not allowed to sign this contract")]
    NotAllowed,
    /// By somebody who has signed.
    #[error("contract already signed")]
    AlreadySigned,
    /// Too late: the contract would have ended.
    #[error("the end of the contract has passed")]
    Over,
    /// It is not over this contract, or not by this key.
    #[error("contract signature: signature verification failed")]
    Invalid,
    /// Its DID names no key.
    #[error("contract signature: {0} names no key")]
    NoKey(Did),
}

/// The part of a contract that was agreed and never changes.
struct Agreed(Vec<u8>);

impl Agreed {
    fn of(contract: &Contract) -> Self {
        let fixed = Contract {
            signatures: Vec::new(),
            transitions: Vec::new(),
            current_state: State::Draft,
            paid: false,
            settled: false,
            termination_started: None,
            verification: "".into(),
            proof: "".into(),
            ..contract.clone()
        };
        Self(json(&fixed))
    }
}

impl Signable for Agreed {
    fn signing_bytes(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"dms:contract:");
        out.extend_from_slice(&self.0);
    }
    fn fingerprint(&self) -> u128 {
        fingerprint128(&self.0)
    }
}

/// The signature of the party `did`, with its node's key.
#[must_use]
pub fn sign(contract: &Contract, did: &Did, secret: &SecretKey, profile: Profile) -> ContractSignature {
    let signature = if profile.has(Weakness::UnverifiedContracts) {
        secret.sign(&*json(contract))
    } else {
        secret.sign(&Agreed::of(contract))
    };
    ContractSignature { did: did.clone(), signature }
}

/// Whether a party signed what was agreed.
///
/// # Errors
/// [`SigningError::NoKey`] and [`SigningError::Invalid`].
pub fn check(
    contract: &Contract,
    signed: &ContractSignature,
    mode: SignatureMode,
) -> Result<(), SigningError> {
    let key = signed.did.public_key().map_err(|_| SigningError::NoKey(signed.did.clone()))?;
    let holds = verify(mode, &key, &Agreed::of(contract), &signed.signature);
    if holds { Ok(()) } else { Err(SigningError::Invalid) }
}

/// Adds a signature that the host was sent, before the end of the contract; the real DMS looks at no date (C7). True
/// when it was the second: the contract is accepted.
///
/// # Errors
/// Why it is not taken.
pub fn add(
    contract: &mut Contract,
    signed: ContractSignature,
    now: Timestamp,
    mode: SignatureMode,
    profile: Profile,
) -> Result<bool, SigningError> {
    if !contract.participants.include(&signed.did) {
        return Err(SigningError::NotAllowed);
    }
    if contract.signatures.iter().any(|known| known.did == signed.did) {
        return Err(SigningError::AlreadySigned);
    }
    if !profile.has(Weakness::LooseContractStates) && now >= contract.end() {
        return Err(SigningError::Over);
    }
    if !profile.has(Weakness::UnverifiedContracts) {
        check(contract, &signed, mode)?;
    }
    contract.signatures.push(signed);
    Ok(contract.signatures.len() == 2)
}

fn json(contract: &Contract) -> Vec<u8> {
    serde_json::to_vec(contract).expect("a contract has only string keys")
}
