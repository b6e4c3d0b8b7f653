//! What is checked when a contract is created and signed, how it moves, and how chains of two hold.

use super::{START, accepted, contract, did, key};
use crate::dms::contract::chain::{ChainError, ChainRequest, TailError, find_tail, verify_chain};
use crate::dms::contract::model::{Contract, InvalidContract, Participants};
use crate::dms::contract::signing::{self, SigningError};
use crate::dms::contract::state::{Event, State, TransitionError};
use crate::dms::identity::{Did, SecretKey, SignatureMode};
use crate::dms::profile::{Profile, Weakness};
use crate::kernel::Span;

#[test]
fn what_is_missing_or_wrong_is_named() {
    type Change = fn(&mut Contract);
    let cases: [(Change, &str); 17] = [
        (|c| c.solution_enabler_did = Did::Empty, "solution_enabler_did is required"),
        (|c| c.payment_validator_did = Did::Empty, "payment_validator_did is required"),
        (|c| c.participants.provider = Did::Empty, "participants.provider is required"),
        (|c| c.participants.requestor = Did::Empty, "participants.requestor is required"),
        (|c| c.duration.start_date = None, "duration.start_date is required"),
        (|c| c.duration.end_date = None, "duration.end_date is required"),
        (|c| c.duration.end_date = Some(START), "duration.end_date must be after duration.start_date"),
        (|c| c.payment_details.payment_model = "".into(), "payment_model is required"),
        (|c| c.payment_details.payment_model = "free".into(), "invalid payment model \"free\""),
        (|c| c.payment_details.fee = None, "fee is required"),
        (|c| c.payment_details.fee = Some("-1".parse().unwrap()), "fee must not be negative"),
        (
            |c| c.payment_details.payment_model = "pay_per_resource_utilization".into(),
            "resource_fees is required",
        ),
        (|c| c.payment_details.payment_model = "fixed_rental".into(), "payment_period is required"),
        (
            |c| {
                c.payment_details.payment_model = "periodic".into();
                c.payment_details.payment_period = "day".into();
            },
            "payment_period_count is required",
        ),
        (
            |c| c.payment_details.payment_period = "year".into(),
            "payment_period must be minute, hour, day, week or month, not \"year\"",
        ),
        (|c| c.payment_details.payment_period_count = Some(0), "payment_period_count must be positive"),
        (|c| c.payment_details.payment_period_count = Some(-3), "payment_period_count must be positive"),
    ];
    for (change, said) in cases {
        let mut broken = contract();
        change(&mut broken);
        assert_eq!(broken.validate().map_err(|error| error.to_string()), Err(said.to_owned()));
    }
    assert_eq!(contract().validate(), Ok(()));
}

#[test]
fn json_reads_back_and_has_the_words_of_dms() {
    let mut signed = contract();
    signed.signatures.push(signing::sign(&signed, &did(1), &key(1), Profile::INTENDED));
    signed.take(Event::Terminate, &did(1), START + Span::millis(1), Profile::INTENDED).unwrap();
    let json = serde_json::to_string(&signed).unwrap();
    assert_eq!(serde_json::from_str::<Contract>(&json).unwrap(), signed);
    for part in [
        "\"solution_enabler_did\":{\"uri\":\"did:key:",
        "\"start_date\":\"2025-01-01T00:00:00Z\"",
        "\"payment_model\":\"pay_per_allocation\"",
        "\"fee\":\"10.00000000\"",
        "\"current_state\":\"TERMINATED\"",
        "\"event\":\"TERMINATE\",\"time\":\"2025-01-01T00:00:00.001000000Z\"",
        "\"termination_option\":{\"allowed\":true,",
        "\"metadata\":{}",
    ] {
        assert!(json.contains(part), "{part} is not in {json}");
    }
    let unknown = json.replace("TERMINATED", "FORGOTTEN");
    assert!(serde_json::from_str::<Contract>(&unknown).is_err());
}

#[test]
fn two_signatures_of_the_parties_make_it_accepted() {
    for mode in [SignatureMode::Real, SignatureMode::Modelled] {
        let key = |seed: u8| SecretKey::ed25519([seed; 32], mode);
        let did = |seed: u8| Did::Key(key(seed).public());
        let mut contract =
            Contract { participants: Participants { provider: did(2), requestor: did(1) }, ..contract() };
        let sign = |contract: &Contract, seed: u8| {
            signing::sign(contract, &did(seed), &key(seed), Profile::INTENDED)
        };
        let (first, second, stranger) = (sign(&contract, 1), sign(&contract, 2), sign(&contract, 3));
        let mut add = |signed| signing::add(&mut contract, signed, START, mode, Profile::INTENDED);
        assert_eq!(add(stranger), Err(SigningError::NotAllowed));
        assert_eq!(add(first.clone()), Ok(false));
        assert_eq!(add(first.clone()), Err(SigningError::AlreadySigned));
        let mut foreign = first;
        foreign.did = did(2);
        assert_eq!(add(foreign), Err(SigningError::Invalid));
        // Signed before the other signature was there and taken after it: what was agreed is the same.
        assert_eq!(add(second), Ok(true));
    }
}

#[test]
fn as_is_anything_counts_as_a_signature() {
    let mut contract = contract();
    let mut nonsense = signing::sign(&contract, &did(9), &key(9), Profile::AS_IS);
    nonsense.did = did(2);
    let add = |contract: &mut Contract, signed, profile| {
        signing::add(contract, signed, START, SignatureMode::Modelled, profile)
    };
    assert_eq!(add(&mut contract, nonsense.clone(), Profile::AS_IS), Ok(false));
    contract.signatures.clear();
    assert_eq!(add(&mut contract, nonsense, Profile::INTENDED), Err(SigningError::Invalid));
}

#[test]
fn nobody_signs_what_is_over_unless_states_are_loose() {
    let mut contract = contract();
    let signed = signing::sign(&contract, &did(1), &key(1), Profile::INTENDED);
    let end = contract.end();
    let mut add = |now, profile| {
        contract.signatures.clear();
        signing::add(&mut contract, signed.clone(), now, SignatureMode::Modelled, profile)
    };
    assert_eq!(add(end, Profile::INTENDED), Err(SigningError::Over));
    assert_eq!(add(end - Span(1), Profile::INTENDED), Ok(false));
    assert_eq!(add(end, Profile::INTENDED.with(Weakness::LooseContractStates)), Ok(false));
}

#[test]
fn what_has_ended_stays_ended_unless_states_are_loose() {
    let loose = Profile::INTENDED.with(Weakness::LooseContractStates);
    let by = did(1);
    let mut strict = accepted();
    strict.take(Event::Complete, &by, START, Profile::INTENDED).unwrap();
    let refused = strict.take(Event::Terminate, &by, START, Profile::INTENDED);
    assert_eq!(refused, Err(TransitionError::Impossible(State::Completed, Event::Terminate)));
    strict.take(Event::Settle, &by, START, Profile::INTENDED).unwrap();
    assert!(strict.take(Event::Terminate, &by, START, Profile::INTENDED).is_err());
    assert!(strict.settled && strict.ended() == Some((START, State::Completed)));

    let mut as_is = accepted();
    for event in [Event::Complete, Event::Terminate, Event::Settle, Event::Complete] {
        as_is.take(event, &by, START, loose).unwrap();
        assert_eq!(as_is.current_state, event.target());
    }
    // Acceptance forgets what was before.
    as_is.take(Event::Accepted, &by, START, loose).unwrap();
    assert_eq!(as_is.transitions.len(), 1);
}

#[test]
fn a_termination_must_have_been_agreed() {
    let mut contract = accepted();
    contract.termination_option = Some(super::TerminationOption { allowed: false, notice_period: 0 });
    for profile in [Profile::AS_IS, Profile::INTENDED] {
        let refused = contract.take(Event::Terminate, &did(1), START, profile).unwrap_err();
        assert_eq!(refused.to_string(), "contract is not allowed to be terminated");
    }
    contract.termination_option = None;
    let refused = contract.take(Event::Terminate, &did(1), START, Profile::INTENDED);
    assert_eq!(refused, Err(TransitionError::NoTerminationOption));
}

/// A head between orchestrator 1 and organization 5, a tail between that and provider 2.
fn chain() -> Vec<Contract> {
    let between = |number: u8, requestor: u8, provider: u8| Contract {
        contract_did: did(number),
        participants: Participants { requestor: did(requestor), provider: did(provider) },
        ..accepted()
    };
    vec![between(10, 1, 5), between(11, 5, 2), between(12, 5, 6)]
}

fn request(head: u8, provider: u8, orchestrator: u8) -> ChainRequest {
    ChainRequest { contract_did: did(head), provider_did: did(provider), orchestrator_did: did(orchestrator) }
}

#[test]
fn a_host_verifies_a_chain_in_its_order() {
    let mut contracts = chain();
    let ask = |contracts: &[Contract], request: ChainRequest, caller: u8, profile| {
        verify_chain(contracts.iter(), &request, &did(caller), profile)
    };
    let intended = Profile::INTENDED;
    let answer = ask(&contracts, request(10, 2, 1), 2, intended).unwrap();
    assert_eq!((answer.organization_did, answer.contract_b), (did(5), did(11)));
    let other = ask(&contracts, request(10, 2, 1), 6, intended);
    let said = format!("caller DID ({}) does not match ProviderDID in request ({})", did(6), did(2));
    assert_eq!(other.unwrap_err().to_string(), said);
    let absent = ask(&contracts, request(99, 2, 1), 2, intended);
    assert_eq!(absent.unwrap_err().to_string(), format!("contract A not found: {}", did(99)));
    assert_eq!(ask(&contracts, request(10, 2, 7), 2, intended), Err(ChainError::NotAParticipant(did(7))));
    let untied = ask(&contracts, request(10, 8, 1), 8, intended).unwrap_err().to_string();
    assert_eq!(untied, format!("no active contract found between organization and provider: {}", did(8)));
    // A contract of the two themselves needs no tail.
    assert!(ask(&contracts, request(11, 2, 5), 2, intended).unwrap().contract_b.is_empty());
    contracts[0].current_state = State::Completed;
    let ended = ask(&contracts, request(10, 2, 1), 2, intended).unwrap_err().to_string();
    assert_eq!(ended, "contract A is not in active state: COMPLETED");
}

#[test]
fn as_is_a_stranger_is_refused_only_with_a_strange_provider() {
    let contracts = chain();
    let loose = Profile::INTENDED.with(Weakness::LooseParticipants);
    let ask = |provider: u8, orchestrator: u8, head: u8| {
        verify_chain(contracts.iter(), &request(head, provider, orchestrator), &did(provider), loose)
    };
    assert_eq!(ask(2, 7, 10), Err(ChainError::NotAParticipant(did(7))));
    assert!(ask(2, 1, 10).is_ok());
    // With the provider a party nobody minds the orchestrator; that there is no tail is found out after that.
    assert_eq!(ask(2, 7, 11), Err(ChainError::NoTail(did(2))));
}

#[test]
fn a_provider_finds_the_tail_that_its_usage_belongs_to() {
    let mut contracts = chain();
    let find = |contracts: &[Contract], organization: &Did, provider: &Did| {
        find_tail(contracts.iter(), &did(10), organization, provider).map(|tail| tail.contract_did.clone())
    };
    assert_eq!(find(&contracts, &did(5), &did(2)), Ok(did(11)));
    assert_eq!(find(&contracts, &Did::Empty, &did(2)), Err(TailError::NoProvider));
    assert_eq!(find(&contracts, &did(5), &Did::Empty), Err(TailError::InvalidProvider));
    assert_eq!(find(&contracts, &did(5), &did(9)), Err(TailError::None));
    contracts.push(Contract { contract_did: did(13), ..contracts[1].clone() });
    assert_eq!(find(&contracts, &did(5), &did(2)), Err(TailError::Several));
    assert_eq!(TailError::NoProvider.to_string(), "head contract config is missing provider DID");
    assert_eq!(TailError::InvalidProvider.to_string(), "invalid compute provider DID");
    assert_eq!(TailError::Several.to_string(), "multiple tail contracts found");
}

#[test]
fn a_cycle_needs_a_period() {
    let mut contract = contract();
    contract.payment_details.payment_model = "periodic".into();
    assert_eq!(contract.validate(), Err(InvalidContract::Missing("payment_period")));
}
