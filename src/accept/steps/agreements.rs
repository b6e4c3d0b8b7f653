//! Contracts that a scenario names: what they say, where they stand, and what is paid under them (dms-capabilities
//! section 6).

use std::collections::BTreeSet;

use super::contracts::{about, becomes, deploy_named, did, list, state};
use super::deployments::pin_first;
use super::{act, check, holds};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{Agreement, CONTRACT_LIMIT, Play};
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::actor::Message;
use crate::dms::contract::message::ContractMessage;
use crate::dms::contract::model::{ChainRole, Contract, Transition};
use crate::dms::contract::money::Money;
use crate::dms::contract::payments::{PaymentStatus, Transaction};
use crate::dms::contract::signing;
use crate::dms::identity::Did;
use crate::kernel::Span;
use crate::sim::setup::{ContractAction, OperationKind};

/// How long an action about a contract may take.
const ACTION_LIMIT: Span = Span::secs(40);
/// So many things can be owed at once under a contract in a scenario.
const MOST_OWED: u32 = 1000;

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Contracts by name, and payments",
    entries: &[
        act(
            "{string} approves/terminates/completes/settles/bills the contract {string}",
            "by its name in the scenario's `contracts`; it must come about",
            |play, args| {
                let (agreement, action) = (named(play, args.text(1))?, action(args)?);
                about(play, args.text(0), &agreement, action).map(drop)
            },
        ),
        act(
            "{string} tries to approve/terminate/complete/settle/bill the contract {string}",
            "the same, which may come to nothing",
            |play, args| tries(play, args.text(0), args.text(1), action(args)?),
        ),
        act(
            "{string} tries to sign the contract {string} for the other party",
            "sends a signature in its name to the contract's actor",
            |play, args| tries(play, args.text(0), args.text(1), ContractAction::Forge),
        ),
        check(
            "the contract {string} should be {word}",
            "within ten seconds both parties see it in this state",
            |play, args| {
                let (agreement, wanted) = (named(play, args.text(0))?, state(args.text(1))?);
                let parties = [agreement.requestor.clone(), agreement.provider.clone()];
                parties.iter().try_for_each(|party| becomes(play, party, &agreement, wanted))
            },
        ),
        check(
            "the contract {string} should be signed by {string}",
            "by exactly these, with commas between them, and each signature is over what was agreed",
            signed_by,
        ),
        check("the contract {string} should be signed by nobody", "and its host knows it", |play, args| {
            let agreement = named(play, args.text(0))?;
            let contract = told(play, &agreement)?;
            holds(contract.signatures.is_empty(), || format!("{} have", contract.signatures.len()))
        }),
        check(
            "deployments may rely on the contract {string}",
            "its actor says that it is valid",
            |play, args| relied_on(play, args.text(0), true),
        ),
        check(
            "deployments may not rely on the contract {string}",
            "its actor says that it is not",
            |play, args| relied_on(play, args.text(0), false),
        ),
        check(
            "the contract {string} should have gone through {string}",
            "its states, with commas between them, as its actor has noted each step",
            gone_through,
        ),
        check(
            "the contract {string} should say(:)",
            "a table of fields with what its provider reads there: requestor, provider, host, validator, model, fee, \
             currency, blockchain, cpu, ram, disk, gpus, duration, termination, terms, role",
            says,
        ),
        check(
            "{string} should see {int} incoming and {int} outgoing contract(s)",
            "under which it provides, and under which it asks",
            |play, args| {
                let name = args.text(0);
                let incoming = list(play, name, ContractAction::ListIncoming)?.len() as u64;
                let outgoing = list(play, name, ContractAction::ListOutgoing)?.len() as u64;
                holds([incoming, outgoing] == [args.int(1)?, args.int(2)?], || {
                    format!("it sees {incoming} incoming and {outgoing} outgoing ones")
                })
            },
        ),
        act(
            "{string} deploys {string} under the contract {string}",
            "an ensemble file as it is; peers are sought unless it pins them",
            |play, args| {
                let agreement = named(play, args.text(2))?;
                let ensemble = (*play.setting.ensemble(args.text(1))?).clone();
                deploy_named(play, args.text(0), ensemble, &agreement)
            },
        ),
        act(
            "{string} deploys {string} on {string} under the contract {string}",
            "the same, pinned",
            |play, args| {
                let (target, agreement) = (play.node(args.text(2))?, named(play, args.text(3))?);
                let mut ensemble = (*play.setting.ensemble(args.text(1))?).clone();
                pin_first(&mut ensemble, &target)?;
                deploy_named(play, args.text(0), ensemble, &agreement)
            },
        ),
        check(
            "the contract {string} should be billed {string} in {int} invoice(s)",
            "what its requestor was told to pay so far, paid or not, is exactly this",
            billed,
        ),
        check(
            "{string} should owe {string} under the contract {string}",
            "what its node lists as unpaid is exactly this",
            |play, args| sum(play, args, PaymentStatus::Unpaid),
        ),
        check(
            "{string} should have paid/received {string} under the contract {string}",
            "within ten seconds its node lists exactly this as paid",
            |play, args| sum(play, args, PaymentStatus::Paid),
        ),
        act(
            "{string} pays the contract {string}",
            "everything that is owed under it, each on the chain, and confirms it",
            pay,
        ),
        act(
            "{string} claims to have paid the contract {string}",
            "confirms the oldest thing that is owed, with the hash of no transfer",
            |play, args| tries(play, args.text(0), args.text(1), ContractAction::ClaimPaid),
        ),
        check(
            "{string} should see the contract {string} as paid/unpaid",
            "what its payment validator answers to it",
            |play, args| {
                let agreement = named(play, args.text(1))?;
                let wanted = args.says("as paid");
                let found = answer(play, args.text(0), &agreement, ContractAction::PaymentStatus)?;
                holds(found == wanted, || if found { "it is paid" } else { "it is unpaid" }.to_owned())
            },
        ),
    ],
};

/// The contract of this name: one that a step has asked for, or one of the scenario.
fn named(play: &mut Play<'_, '_>, name: &str) -> Result<Agreement, Failure> {
    if let Some(known) = play.contracts.iter().find(|one| one.name == name) {
        return Ok(known.clone());
    }
    let Some(plan) = play.world.contract_plan(name) else {
        return Failure::bad(format!("there is no contract {name}: describe it under `contracts`"));
    };
    let agreement = Agreement {
        name: plan.name.clone(),
        requestor: plan.requestor.clone(),
        provider: plan.provider.clone(),
        host: plan.host.clone(),
    };
    play.contracts.push(agreement.clone());
    Ok(agreement)
}

/// What a step says is done.
fn action(args: &Args<'_>) -> Result<ContractAction, Failure> {
    const WORDS: [(&str, ContractAction); 5] = [
        ("approve", ContractAction::Approve),
        ("terminate", ContractAction::Terminate),
        ("complete", ContractAction::Complete),
        ("settle", ContractAction::Settle),
        ("bill", ContractAction::Calculate),
    ];
    // The names of contracts may contain the same words.
    let found = WORDS.iter().find(|(word, _)| {
        args.says(&format!("\" {word}s the contract")) || args.says(&format!("to {word} the contract"))
    });
    found
        .map(|(_, action)| *action)
        .ok_or_else(|| Failure::Bad("it says nothing that could be done".to_owned()))
}

fn tries(play: &mut Play<'_, '_>, by: &str, name: &str, action: ContractAction) -> Done {
    let name = named(play, name)?.name;
    play.order(by, OperationKind::Contract { name, action }, ACTION_LIMIT).map(drop)
}

/// What is said about contracts in answer to an action.
fn said(
    play: &mut Play<'_, '_>,
    by: &str,
    agreement: &Agreement,
    action: ContractAction,
) -> Result<ContractMessage, Failure> {
    let answers = about(play, by, agreement, action)?;
    let found = answers.into_iter().find_map(|message| match message {
        Message::Contract(said) => Some(*said),
        _ => None,
    });
    found.ok_or_else(|| Failure::Wrong(format!("{action}: the answer says nothing about contracts")))
}

/// What is answered to a question for yes or no.
fn answer(
    play: &mut Play<'_, '_>,
    by: &str,
    agreement: &Agreement,
    action: ContractAction,
) -> Result<bool, Failure> {
    match said(play, by, agreement, action)? {
        ContractMessage::Answer(answer) => Ok(answer),
        other => Failure::wrong(format!("{action}: {}", other.summary())),
    }
}

/// A contract as its actor tells it to the requestor.
fn told(play: &mut Play<'_, '_>, agreement: &Agreement) -> Result<Contract, Failure> {
    match said(play, &agreement.requestor.clone(), agreement, ContractAction::State)? {
        ContractMessage::Contracts(mut all) if all.len() == 1 => Ok(all.remove(0)),
        other => Failure::wrong(format!("state: {}", other.summary())),
    }
}

fn signed_by(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let agreement = named(play, args.text(0))?;
    let contract = told(play, &agreement)?;
    let names: Vec<String> =
        args.text(1).split(',').map(|name| play.node(name.trim())).collect::<Result<_, _>>()?;
    let mut wanted: Vec<Did> = names.iter().map(|name| play.did_of(name)).collect::<Result<_, _>>()?;
    let mut signers: Vec<Did> = contract.signatures.iter().map(|one| one.did.clone()).collect();
    wanted.sort();
    signers.sort();
    holds(signers == wanted, || format!("{} have signed it, or others", signers.len()))?;
    let mode = play.world.look_at(&agreement.host).capabilities().secret().mode();
    contract.signatures.iter().try_for_each(|signature| {
        let checked = signing::check(&contract, signature, mode);
        checked.map_err(|why| Failure::Wrong(format!("the signature of {}: {why}", signature.did)))
    })
}

fn relied_on(play: &mut Play<'_, '_>, name: &str, wanted: bool) -> Done {
    let agreement = named(play, name)?;
    let found = answer(play, &agreement.requestor.clone(), &agreement, ContractAction::Validate)?;
    holds(found == wanted, || format!("its actor says {found}"))
}

fn gone_through(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let agreement = named(play, args.text(0))?;
    let contract = told(play, &agreement)?;
    let wanted: Vec<String> = args.text(1).split(',').map(|state| state.trim().to_uppercase()).collect();
    for state in &wanted {
        self::state(state)?;
    }
    let first = contract.transitions.first().map_or(contract.current_state, |step| step.from_state);
    let states = |step: &Transition| step.to_state.to_string();
    let found: Vec<String> =
        std::iter::once(first.to_string()).chain(contract.transitions.iter().map(states)).collect();
    holds(found == wanted, || format!("it went through {}", found.join(", ")))
}

fn says(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let agreement = named(play, args.text(0))?;
    let own = did(play, &agreement)?;
    let all = list(play, &agreement.provider.clone(), ContractAction::ListIncoming)?;
    let Some(contract) = all.into_iter().find(|one| one.contract_did == own) else {
        return Failure::wrong("its provider does not list it");
    };
    for row in args.table()? {
        let [field, wanted] = row.as_slice() else {
            return Failure::bad("its table has two columns: a field, and what it says");
        };
        let (field, wanted) = (field.trim(), wanted.trim());
        let found = field_of(&contract, &agreement.name, field)?;
        let wanted = match field {
            "requestor" | "provider" | "host" | "validator" => play.did_of(wanted)?.to_string(),
            "fee" => money(wanted)?.to_string(),
            _ => wanted.to_owned(),
        };
        holds(found == wanted, || format!("its {field} is {found}"))?;
    }
    Ok(())
}

/// What a contract says in a field, in words.
fn field_of(contract: &Contract, name: &str, field: &str) -> Result<String, Failure> {
    const GIB: u64 = 1 << 30;
    let (payment, resources) = (&contract.payment_details, &contract.resource_configuration);
    let gib = |bytes: u64| format!("{} GiB", bytes as f64 / GIB as f64);
    Ok(match field {
        "requestor" => contract.participants.requestor.to_string(),
        "provider" => contract.participants.provider.to_string(),
        "host" => contract.solution_enabler_did.to_string(),
        "validator" => contract.payment_validator_did.to_string(),
        "model" => payment.payment_model.to_string(),
        "fee" => payment.fee.unwrap_or_default().to_string(),
        "currency" => payment.pricing_currency.to_string(),
        "blockchain" => payment.blockchain.as_str().to_owned(),
        "cpu" => (resources.cores_milli as f64 / 1000.0).to_string(),
        "ram" => gib(resources.ram_bytes),
        "disk" => gib(resources.disk_bytes),
        "gpus" => resources.gpus.to_string(),
        "duration" => contract.end().since(contract.start()).to_string(),
        "termination" => match contract.termination_option {
            Some(option) if option.allowed => "allowed".to_owned(),
            Some(_) => "refused".to_owned(),
            None => "unsaid".to_owned(),
        },
        // The name of a contract stands at the beginning of its terms.
        "terms" => contract.terms.strip_prefix(&*format!("{name}: ")).unwrap_or_default().to_owned(),
        "role" => match contract.metadata.contract_chain_role {
            Some(ChainRole::Head) => "head".to_owned(),
            Some(ChainRole::Tail) => "tail".to_owned(),
            None => "none".to_owned(),
        },
        other => return Failure::bad(format!("a contract has no field `{other}` here")),
    })
}

fn money(text: &str) -> Result<Money, Failure> {
    text.parse().map_err(|why| Failure::Bad(format!("`{text}` is no amount of money: it {why}")))
}

/// What a node lists of what is to be paid, or was, under a contract.
fn transactions(
    play: &mut Play<'_, '_>,
    by: &str,
    agreement: &Agreement,
) -> Result<Vec<Transaction>, Failure> {
    let own = did(play, agreement)?;
    match said(play, by, agreement, ContractAction::Transactions)? {
        ContractMessage::Transactions(all) => {
            Ok(all.into_iter().filter(|one| one.contract_did == own).collect())
        }
        other => Failure::wrong(format!("transactions: {}", other.summary())),
    }
}

fn billed(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let agreement = named(play, args.text(0))?;
    let (wanted, count) = (money(args.text(1))?, args.int(2)?);
    let all = transactions(play, &agreement.requestor.clone(), &agreement)?;
    let invoices: BTreeSet<u64> = all.iter().map(|one| one.invoice).collect();
    let total: Money = all.iter().map(|one| one.amount).sum();
    holds(total == wanted && invoices.len() as u64 == count, || {
        format!("it is billed {total} in {} invoices", invoices.len())
    })
}

/// A copy of what is paid comes to the provider a moment after the requestor has been told so.
fn sum(play: &mut Play<'_, '_>, args: &Args<'_>, status: PaymentStatus) -> Done {
    let (agreement, wanted) = (named(play, args.text(2))?, money(args.text(1))?);
    let until = play.world.now() + CONTRACT_LIMIT;
    loop {
        let all = transactions(play, args.text(0), &agreement)?;
        let fitting = all.iter().filter(|one| one.status == status);
        let total: Money = fitting.map(|one| one.amount).sum();
        if total == wanted {
            return Ok(());
        }
        if status == PaymentStatus::Unpaid || play.world.now() >= until {
            return Failure::wrong(format!("it is {total}"));
        }
        play.pass(Span::millis(500));
    }
}

fn pay(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let (by, agreement) = (args.text(0), named(play, args.text(1))?);
    for number in 0..MOST_OWED {
        let all = transactions(play, by, &agreement)?;
        if !all.iter().any(|one| one.status == PaymentStatus::Unpaid) {
            return if number == 0 { Failure::vacuous("nothing is owed") } else { Ok(()) };
        }
        about(play, by, &agreement, ContractAction::Pay)?;
    }
    Failure::wrong("there is no end to what is owed")
}
