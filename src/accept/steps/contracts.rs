//! Contracts between nodes, through a host (dms-capabilities section 6).

use std::sync::Arc;

use super::deployments::pin_first;
use super::{act, check, holds};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{Agreement, CONTRACT_LIMIT, DEPLOY_TIMEOUT, Play};
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::actor::Message;
use crate::dms::contract::message::ContractMessage;
use crate::dms::contract::model::{Contract, PaymentDetails, Quantities};
use crate::dms::contract::money::Money;
use crate::dms::contract::pricing::Model;
use crate::dms::contract::state::State;
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::ensemble::config::ContractConfig;
use crate::dms::identity::Did;
use crate::kernel::Span;
use crate::sim::setup::{ContractAction, ContractPlan, OperationKind};

/// How long a contract holds (dms-acceptance section 3).
const LASTS: Span = Span::hours(24);
/// How long a call about a contract may take.
const CALL_LIMIT: Span = Span::secs(40);

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Contracts",
    entries: &[
        act(
            "{string} requests a contract with {string} through {string}",
            "requestor, provider, host; until its host has made it",
            |play, args| request(play, [args.text(0), args.text(1), args.text(2)]).map(drop),
        ),
        act(
            "{string} creates an unrelated contract with {string} through {string}",
            "the same, accepted by the provider",
            |play, args| {
                let agreement = request(play, [args.text(0), args.text(1), args.text(2)])?;
                accept(play, &agreement)
            },
        ),
        act(
            "{string} has an active contract with {string} created through {string}",
            "the same",
            |play, args| {
                let agreement = request(play, [args.text(0), args.text(1), args.text(2)])?;
                accept(play, &agreement)
            },
        ),
        act("{string} accepts the contract", "the last one in which it provides", |play, args| {
            let agreement = provided_by(play, args.text(0))?;
            accept(play, &agreement)
        }),
        check(
            "{string} does not accept the contract",
            "the provider knows it, and it stays a draft",
            |play, args| {
                let agreement = provided_by(play, args.text(0))?;
                becomes(play, args.text(0), &agreement, State::Draft)
            },
        ),
        check(
            "a contract is created between {string} and {string} through {string}",
            "it is accepted, with the right parties, two signatures, and in the requestor's list",
            created,
        ),
        check(
            "contract listings for {string} and {string} should reflect the contract",
            "outgoing at one, incoming at the other, nothing else",
            listings,
        ),
        check(
            "{string} should not see unrelated contracts",
            "its lists hold the contract with itself, and no other",
            |play, args| {
                let (name, own) = (play.node(args.text(0))?, provided_by(play, args.text(0))?);
                let known: Vec<Did> = dids(play, &own)?.into_iter().collect();
                let incoming = list(play, &name, ContractAction::ListIncoming)?;
                let outgoing = list(play, &name, ContractAction::ListOutgoing)?;
                holds(ids(&incoming) == known && outgoing.is_empty(), || {
                    format!("it sees {} incoming and {} outgoing contracts", incoming.len(), outgoing.len())
                })
            },
        ),
        check(
            "{string} should see contracts for {string} and {string}",
            "as a host: exactly those two",
            host_sees,
        ),
        act(
            "{string} deploys a task on {string} with their contract",
            "one task, under the contract between them",
            |play, args| deploy_under(play, args.text(0), args.text(1)),
        ),
        check(
            "{string} contract should be active",
            "the last one of which it is a party is accepted",
            |play, args| {
                let agreement = of_party(play, args.text(0))?;
                becomes(play, args.text(0), &agreement, State::Accepted)
            },
        ),
        act("{string} marks contract as completed", "asks its actor to complete it", |play, args| {
            done(play, args.text(0), ContractAction::Complete)
        }),
        act("{string} requests to terminate the contract", "asks its actor to end it early", |play, args| {
            done(play, args.text(0), ContractAction::Terminate)
        }),
        check("{string} should see contract as {word}", "what its actor says of its state", |play, args| {
            let agreement = of_party(play, args.text(0))?;
            let wanted = state(args.text(1))?;
            becomes(play, args.text(0), &agreement, wanted)
        }),
    ],
};

/// The state of this name, in any letter case; an active one is accepted (dms-acceptance section 6).
pub(super) fn state(name: &str) -> Result<State, Failure> {
    const ALL: [State; 5] =
        [State::Draft, State::Accepted, State::Terminated, State::Completed, State::Settled];
    if name.eq_ignore_ascii_case("active") {
        return Ok(State::Accepted);
    }
    ALL.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(name)).ok_or_else(|| {
        Failure::Bad(format!("`{name}` is no state of a contract: {}", ALL.map(State::as_str).join(", ")))
    })
}

/// A requestor asks for a contract; time passes until its host has made it.
fn request(play: &mut Play<'_, '_>, parties: [&str; 3]) -> Result<Agreement, Failure> {
    let [requestor, provider, host] = parties.map(|name| play.node(name));
    let (requestor, provider, host) = (requestor?, provider?, host?);
    let name = format!("contract{}", play.contracts.len() + 1);
    let currency: Arc<str> = "NTX".into();
    let payment = PaymentDetails {
        payment_model: Model::PayPerAllocation.as_str().into(),
        fee: Some(Money::from_hundred_millionths(10 * 100_000_000)),
        pricing_currency: Arc::clone(&currency),
        payment_currency: currency,
        ..PaymentDetails::default()
    };
    let validator = play.setting.validator().unwrap_or(&host).to_owned();
    let agreement = Agreement { name, requestor, provider, host };
    play.world.request_contract(ContractPlan {
        name: agreement.name.clone(),
        at: play.world.now(),
        requestor: agreement.requestor.clone(),
        provider: agreement.provider.clone(),
        host: agreement.host.clone(),
        validator,
        lasts: LASTS,
        resources: Quantities::default(),
        payment,
        terminable: Some(true),
        role: None,
        terms: String::new(),
        automatic: true,
        approve_after: None,
        pay_after: None,
        rate: None,
    });
    play.contracts.push(agreement.clone());
    let name = agreement.name.clone();
    if !play.wait(CONTRACT_LIMIT, |world| world.contract(&name).is_some()) {
        return Failure::wrong(format!("within {CONTRACT_LIMIT} {} has made no contract", agreement.host));
    }
    Ok(agreement)
}

/// The provider agrees, once the contract has come to it; then it is accepted.
fn accept(play: &mut Play<'_, '_>, agreement: &Agreement) -> Done {
    let provider = agreement.provider.clone();
    knows(play, &provider, agreement)?;
    about(play, &provider, agreement, ContractAction::Approve)?;
    becomes(play, &provider, agreement, State::Accepted)
}

/// A contract comes to a party within ten seconds.
fn knows(play: &mut Play<'_, '_>, party: &str, agreement: &Agreement) -> Done {
    let did = did(play, agreement)?;
    let until = play.world.now() + CONTRACT_LIMIT;
    loop {
        if list(play, party, ContractAction::List)?.iter().any(|one| one.contract_did == did) {
            return Ok(());
        }
        if play.world.now() >= until {
            return Failure::wrong(format!("within {CONTRACT_LIMIT} the contract has not come to {party}"));
        }
        play.pass(Span::millis(500));
    }
}

/// A contract comes into a state within ten seconds, as a party sees it.
pub(super) fn becomes(play: &mut Play<'_, '_>, party: &str, agreement: &Agreement, wanted: State) -> Done {
    let did = did(play, agreement)?;
    let until = play.world.now() + CONTRACT_LIMIT;
    loop {
        let all = list(play, party, ContractAction::List)?;
        let found = all.iter().find(|one| one.contract_did == did).map(|one| one.current_state);
        if found == Some(wanted) {
            return Ok(());
        }
        if play.world.now() >= until {
            let found = found.map_or("unknown", State::as_str);
            return Failure::wrong(format!(
                "within {CONTRACT_LIMIT} it is not {}: it is {found}",
                wanted.as_str()
            ));
        }
        play.pass(Span::millis(500));
    }
}

/// The DID that the host has made.
pub(super) fn did(play: &Play<'_, '_>, agreement: &Agreement) -> Result<Did, Failure> {
    play.world
        .contract(&agreement.name)
        .ok_or_else(|| Failure::Wrong("the contract was never made".to_owned()))
}

/// The last contract in which a node provides.
fn provided_by(play: &Play<'_, '_>, name: &str) -> Result<Agreement, Failure> {
    let name = play.node(name)?;
    let found = play.contracts.iter().rev().find(|one| one.provider == name).cloned();
    found.ok_or_else(|| Failure::Bad(format!("no contract with {name} as provider was asked for")))
}

/// The last contract of which a node is a party or the host.
pub(super) fn of_party(play: &Play<'_, '_>, name: &str) -> Result<Agreement, Failure> {
    let name = play.node(name)?;
    let is_in = |one: &&Agreement| one.provider == name || one.requestor == name || one.host == name;
    let found = play.contracts.iter().rev().find(is_in).cloned();
    found.ok_or_else(|| Failure::Bad(format!("no contract of {name} was asked for")))
}

/// Does something about a contract; what is refused is a failure.
pub(super) fn about(
    play: &mut Play<'_, '_>,
    by: &str,
    agreement: &Agreement,
    action: ContractAction,
) -> Result<Vec<Message>, Failure> {
    let kind = OperationKind::Contract { name: agreement.name.clone(), action };
    let heard = play.order(by, kind, CALL_LIMIT)?;
    if heard.is_answered() {
        return Ok(heard.answers.clone());
    }
    Failure::wrong(format!("{action}: {}", heard.how_it_ended()))
}

fn done(play: &mut Play<'_, '_>, by: &str, action: ContractAction) -> Done {
    let agreement = of_party(play, by)?;
    about(play, by, &agreement, action).map(drop)
}

/// The contracts that a node lists.
pub(super) fn list(
    play: &mut Play<'_, '_>,
    by: &str,
    action: ContractAction,
) -> Result<Vec<Contract>, Failure> {
    let by = play.node(by)?;
    // A list is about no contract; any that was made stands for the behaviour.
    let Some(any) = play.contracts.iter().find(|one| play.world.contract(&one.name).is_some()).cloned()
    else {
        return Ok(Vec::new());
    };
    for message in about(play, &by, &any, action)? {
        if let Message::Contract(said) = message
            && let ContractMessage::Contracts(all) = *said
        {
            return Ok(all);
        }
    }
    Failure::wrong("the answer is no list")
}

fn ids(all: &[Contract]) -> Vec<Did> {
    let mut ids: Vec<Did> = all.iter().map(|one| one.contract_did.clone()).collect();
    ids.sort();
    ids
}

/// All contracts between the parties of one.
fn dids(play: &Play<'_, '_>, of: &Agreement) -> Result<Vec<Did>, Failure> {
    let alike = play.contracts.iter().filter(|one| one.provider == of.provider);
    let mut all: Vec<Did> = alike.map(|one| did(play, one)).collect::<Result<_, _>>()?;
    all.sort();
    Ok(all)
}

fn created(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let [requestor, provider, host] = [0, 1, 2].map(|place| play.node(args.text(place)));
    let (requestor, provider, host) = (requestor?, provider?, host?);
    let fits = |one: &&Agreement| one.requestor == requestor && one.provider == provider && one.host == host;
    let Some(agreement) = play.contracts.iter().rev().find(fits).cloned() else {
        return Failure::vacuous("no such contract was asked for");
    };
    becomes(play, &requestor, &agreement, State::Accepted)?;
    let did = did(play, &agreement)?;
    let outgoing = list(play, &requestor, ContractAction::ListOutgoing)?;
    let Some(contract) = outgoing.into_iter().find(|one| one.contract_did == did) else {
        return Failure::wrong(format!("{requestor} does not list it"));
    };
    let parties = [play.did_of(&requestor)?, play.did_of(&provider)?];
    let named = [&contract.participants.requestor, &contract.participants.provider];
    holds(named == [&parties[0], &parties[1]], || "it names other parties".to_owned())?;
    let mut signers: Vec<&Did> = contract.signatures.iter().map(|one| &one.did).collect();
    signers.sort();
    let mut wanted: Vec<&Did> = parties.iter().collect();
    wanted.sort();
    holds(signers == wanted, || format!("{} have signed it", signers.len()))
}

fn listings(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let (requestor, provider) = (play.node(args.text(0))?, play.node(args.text(1))?);
    let fits = |one: &&Agreement| one.requestor == requestor && one.provider == provider;
    let Some(agreement) = play.contracts.iter().rev().find(fits).cloned() else {
        return Failure::vacuous("no such contract was asked for");
    };
    let own = did(play, &agreement)?;
    for (party, with, without) in [
        (&requestor, ContractAction::ListOutgoing, ContractAction::ListIncoming),
        (&provider, ContractAction::ListIncoming, ContractAction::ListOutgoing),
    ] {
        let shown = list(play, party, with)?;
        holds(shown.iter().any(|one| one.contract_did == own), || format!("{with} of {party} lacks it"))?;
        let others = list(play, party, without)?;
        holds(others.is_empty(), || format!("{without} of {party} has {}", others.len()))?;
    }
    Ok(())
}

fn host_sees(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let (host, providers) = (play.node(args.text(0))?, [play.node(args.text(1))?, play.node(args.text(2))?]);
    let hosted = play.contracts.iter().filter(|one| one.host == host && providers.contains(&one.provider));
    let mut wanted: Vec<Did> = hosted.map(|one| did(play, one)).collect::<Result<_, _>>()?;
    wanted.sort();
    if wanted.len() < 2 {
        return Failure::vacuous(format!("{} such contracts were asked for", wanted.len()));
    }
    let shown = list(play, &host, ContractAction::List)?;
    holds(ids(&shown) == wanted, || format!("it sees {} contracts", shown.len()))?;
    let own = play.did_of(&host)?;
    holds(shown.iter().all(|one| one.solution_enabler_did == own), || {
        "it sees contracts of other hosts".to_owned()
    })
}

fn deploy_under(play: &mut Play<'_, '_>, owner: &str, provider: &str) -> Done {
    let (requestor, target) = (play.node(owner)?, play.node(provider)?);
    let fits = |one: &&Agreement| one.requestor == requestor && one.provider == target;
    let Some(agreement) = play.contracts.iter().rev().find(fits).cloned() else {
        return Failure::bad(format!("{requestor} has no contract with {target}"));
    };
    let mut ensemble = (*play.setting.ensemble("docker_hello.yaml")?).clone();
    pin_first(&mut ensemble, &target)?;
    deploy_named(play, owner, ensemble, &agreement)
}

/// Deploys an ensemble that names a contract.
pub(super) fn deploy_named(
    play: &mut Play<'_, '_>,
    owner: &str,
    mut ensemble: EnsembleConfig,
    agreement: &Agreement,
) -> Done {
    let config = ContractConfig {
        did: did(play, agreement)?.to_string().into(),
        host: Some(play.did_of(&agreement.host)?.to_string().into()),
    };
    ensemble.contracts.insert(agreement.name.as_str().into(), config);
    play.deploy(owner, &Arc::new(ensemble), DEPLOY_TIMEOUT).map(drop)
}
