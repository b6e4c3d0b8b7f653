//! Scripts: the commands on top of a transcript, one a line.
//!
//! ```text
//! weaknesses: W1 W6 | all                   those that every peer has; without the line none
//! known providers: NUMBER                   so many are believed to exist, and a part of them is asked for bids
//! hand over after: SPAN                     orchestrators are each other's deputies; without the line they are not
//! peers: NAME, NAME(orchestrator), NAME(2 cores), NAME(orchestrator, of ORGANIZATION), NAME(gateway),
//!     NAME(machine of GATEWAY)              a gateway's machines have four cores; they are down until it has them made
//! hide BEHAVIOUR                            messages that are not written down
//! deploy FILE [by NAME] [for SPAN]          for: how long the request is valid
//! shutdown DEPLOYMENT
//! print BYTES                               what every program prints from now on
//! check every result                        of the tasks of deployments that are asked for from now on
//! ask NAME [at NAME] list [status WORD] [limit NUMBER] [offset NUMBER] [sort WORD]
//! ask NAME [at NAME] status|info|manifest|shutdown|delete DEPLOYMENT|unknown
//! ask NAME [at NAME] logs DEPLOYMENT ALLOCATION [follow SPAN]
//! ask NAME [at NAME] prune all
//! ask NAME [at NAME] update DEPLOYMENT to FILE [for SPAN]   for: how long the request is valid
//! advance SPAN | advance until BEHAVIOUR    until such a message has been sent
//! drop [reply to] BEHAVIOUR|all [from NAME] [to NAME] [once]
//! delay [reply to] BEHAVIOUR|all [from NAME] [to NAME] by SPAN [once]
//! cut NAME from NAME | heal                 heal: forget every drop, delay and cut
//! fail the next start on NAME               of a gateway: the next machine that it has made does not boot
//! NAME is unhealthy | NAME is healthy
//! NAME lies                                 about what programs print there
//! exit ALLOCATION on NAME with CODE
//! kill NAME | stop NAME | start NAME            stop: its process only, what it runs goes on
//! show
//! ```
//!
//! A behaviour is named by the last parts of its path: `commit`, `subnet/create`.

use std::path::Path;
use std::sync::Arc;

use dmsim::dms::actor::{
    DeploymentRequest, InfoRequest, ListRequest, LogsRequest, Printed, PruneRequest, UpdateDeployment,
};
use dmsim::dms::ensemble::EnsembleConfig;
use dmsim::dms::identity::{EnsembleId, SignatureMode};
use dmsim::dms::profile::{Profile, Weakness};
use dmsim::kernel::Span;
use dmsim::scenario::{ensemble_file, units};

use super::lab::{Description, Lab, Rule};

/// Runs the commands of a script and gives what happened.
///
/// # Errors
/// The first line that is no command, with the reason.
pub(super) fn run(script: &str, ensembles: &Path, mode: SignatureMode) -> Result<String, String> {
    let mut lab: Option<Lab> = None;
    let mut profile = Profile::INTENDED;
    let (mut known_providers, mut handed_over) = (None, None);
    for line in script.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let (Some(names), None) = (line.strip_prefix("weaknesses:"), &lab) {
            profile = weaknesses(names).map_err(|reason| format!("`{line}`: {reason}"))?;
            continue;
        }
        if let (Some(number), None) = (line.strip_prefix("known providers:"), &lab) {
            let number = number.trim().parse().map_err(|_| format!("`{line}`: how many?"))?;
            known_providers = Some(number);
            continue;
        }
        if let (Some(after), None) = (line.strip_prefix("hand over after:"), &lab) {
            handed_over = Some(span(after.trim()).map_err(|reason| format!("`{line}`: {reason}"))?);
            continue;
        }
        let done = match (line.strip_prefix("peers:"), &mut lab) {
            (Some(peers), None) => descriptions(peers).map(|peers| {
                lab = Some(Lab::new(&peers, profile, known_providers, handed_over, mode));
            }),
            (None, Some(lab)) => {
                lab.record.command(line);
                command(lab, &line.split_whitespace().collect::<Vec<_>>(), ensembles)
            }
            _ => Err("a script has one line of peers, before everything else".to_owned()),
        };
        done.map_err(|reason| format!("`{line}`: {reason}"))?;
    }
    let mut lab = lab.ok_or("there are no peers")?;
    lab.record.command("show");
    lab.show();
    Ok(lab.record.text())
}

/// An ensemble file of the tests.
///
/// # Errors
/// What is wrong with it.
pub(super) fn ensemble(folder: &Path, file: &str) -> Result<EnsembleConfig, String> {
    let bytes = std::fs::read(folder.join(file)).map_err(|error| format!("{file}: {error}"))?;
    match ensemble_file::read_for_simulation(file, &bytes) {
        Ok(loaded) => Ok(loaded.config),
        Err(diagnostics) => Err(format!("{diagnostics:?}")),
    }
}

/// `W1 W6`: a profile with these.
fn weaknesses(names: &str) -> Result<Profile, String> {
    if names.trim() == "all" {
        return Ok(Profile::AS_IS);
    }
    names.split_whitespace().try_fold(Profile::INTENDED, |profile, name| {
        let weakness: Weakness = name.parse().map_err(|_| format!("there is no weakness {name}"))?;
        Ok(profile.with(weakness))
    })
}

/// `alice(orchestrator) p1 p2(2 cores)`, with or without commas between them.
fn descriptions(text: &str) -> Result<Vec<Description>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find([' ', ',', '(']).unwrap_or(rest.len());
        let mut peer = Description {
            name: rest[..end].to_owned(),
            cores: Some(4),
            organization: "nunet".to_owned(),
            plan: None,
            gateway: None,
        };
        rest = rest[end..].trim_start();
        if let Some(inside) = rest.strip_prefix('(') {
            let (inside, after) = inside.split_once(')').ok_or("a bracket is not closed")?;
            for word in inside.split(',').map(str::trim) {
                match word.split_whitespace().collect::<Vec<_>>()[..] {
                    ["orchestrator"] => peer.cores = None,
                    ["gateway"] => (peer.plan, peer.cores) = (Some(4), None),
                    ["machine", "of", gateway] => {
                        let place = found.iter().position(|other: &Description| other.name == gateway);
                        peer.gateway = Some(place.ok_or("a machine follows its gateway")?);
                        peer.cores = None;
                    }
                    ["of", organization] => organization.clone_into(&mut peer.organization),
                    [number, "cores"] => peer.cores = Some(number.parse().map_err(|_| "how many cores?")?),
                    _ => return Err(format!("a peer cannot be `{word}`")),
                }
            }
            rest = after;
        }
        rest = rest.trim_start_matches([' ', ',']);
        found.push(peer);
    }
    Ok(found)
}

fn command(lab: &mut Lab, words: &[&str], ensembles: &Path) -> Result<(), String> {
    match words {
        ["hide", behaviour] => lab.record.hidden.push((*behaviour).to_owned()),
        ["deploy", file, rest @ ..] => return deploy(lab, file, rest, ensembles),
        ["shutdown", label] if lab.record.is_taken(label) => lab.shutdown(label),
        ["print", bytes] => {
            let bytes: usize = bytes.parse().map_err(|_| "how many bytes?")?;
            lab.output.stdout = Printed("0123456789abcde\n".repeat(bytes.div_ceil(16)).into());
        }
        ["ask", name, rest @ ..] => return ask(lab, name, rest, ensembles),
        ["advance", "until", behaviour] => {
            if !lab.advance_until(behaviour) {
                return Err(format!("no {behaviour} was sent within an hour"));
            }
        }
        ["advance", time] => lab.advance(span(time)?),
        ["drop", rest @ ..] => {
            let rule = rule(lab, rest, None)?;
            lab.rules.push(rule);
        }
        ["delay", rest @ ..] => {
            let rule = rule(lab, rest, Some(Span::ZERO))?;
            lab.rules.push(rule);
        }
        ["cut", first, "from", second] => {
            let (first, second) = (peer(lab, first)?, peer(lab, second)?);
            for (from, to) in [(first, second), (second, first)] {
                let (from, to) = (Some(from), Some(to));
                lab.rules.push(Rule { behaviour: None, reply: false, from, to, delay: None, once: false });
            }
        }
        ["heal"] => lab.rules.clear(),
        ["fail", "the", "next", "start", "on", name] => {
            let peer = peer(lab, name)?;
            lab.fail_next_start(peer);
        }
        ["check", "every", "result"] => lab.checks = true,
        [name, "lies"] => {
            let peer = peer(lab, name)?;
            lab.corrupt(peer);
        }
        [name, "is", state @ ("healthy" | "unhealthy")] => {
            let peer = peer(lab, name)?;
            lab.set_healthy(peer, *state == "healthy");
        }
        ["exit", allocation, "on", name, "with", code] => {
            let code = code.parse().map_err(|_| "an exit code is a number")?;
            let peer = peer(lab, name)?;
            lab.exit(peer, allocation, code);
        }
        ["kill", name] => {
            let peer = peer(lab, name)?;
            lab.kill(peer);
        }
        ["stop", name] => {
            let peer = peer(lab, name)?;
            lab.stop(peer);
        }
        ["start", name] => {
            let peer = peer(lab, name)?;
            lab.start(peer);
        }
        ["show"] => lab.show(),
        _ => return Err("no such command".to_owned()),
    }
    Ok(())
}

/// What an operator asks their own node, or another.
fn ask(lab: &mut Lab, name: &str, rest: &[&str], ensembles: &Path) -> Result<(), String> {
    let by = peer(lab, name)?;
    let (at, rest) = match rest {
        ["at", other, rest @ ..] => (peer(lab, other)?, rest),
        rest => (by, rest),
    };
    let (request, timeout) = match rest {
        ["update", label, "to", file, rest @ ..] => update(lab, label, file, rest, ensembles)?,
        rest => (request(lab, rest)?, Span::mins(1)),
    };
    lab.ask(by, at, request, timeout);
    Ok(())
}

fn id_of(lab: &Lab, label: &str) -> Result<EnsembleId, String> {
    match label {
        "unknown" => Ok(EnsembleId([7; 32])),
        label => lab.record.deployment(label).ok_or_else(|| format!("there is no deployment {label}")),
    }
}

/// An update, and how long it may take.
fn update(
    lab: &Lab,
    label: &str,
    file: &str,
    rest: &[&str],
    ensembles: &Path,
) -> Result<(DeploymentRequest, Span), String> {
    let timeout = match rest {
        [] => Span::mins(5),
        ["for", time] => span(time)?,
        [word, ..] => return Err(format!("what is `{word}`?")),
    };
    let (id, config) = (id_of(lab, label)?, ensemble(ensembles, file)?);
    let pins = lab.pins(&config);
    let order = UpdateDeployment { id, ensemble: Arc::new(config), pins };
    Ok((DeploymentRequest::Update(order), timeout))
}

/// What an operator asks.
fn request(lab: &Lab, words: &[&str]) -> Result<DeploymentRequest, String> {
    let id = |label: &str| id_of(lab, label);
    Ok(match words {
        ["list", rest @ ..] => DeploymentRequest::List(list(rest)?),
        ["status", label] => DeploymentRequest::Status(id(label)?),
        ["manifest", label] => DeploymentRequest::Manifest(id(label)?),
        ["shutdown", label] => DeploymentRequest::Shutdown(id(label)?),
        ["delete", label] => DeploymentRequest::Delete(id(label)?),
        ["info", label] => {
            let (id, allocations) = (id(label)?, Vec::new());
            DeploymentRequest::Info(InfoRequest { id, usage: true, logs: true, allocations })
        }
        ["logs", label, allocation, rest @ ..] => {
            let follow = match rest {
                [] => None,
                ["follow", time] => Some(span(time)?),
                [word, ..] => return Err(format!("what is `{word}`?")),
            };
            DeploymentRequest::Logs(LogsRequest { id: id(label)?, allocation: (*allocation).into(), follow })
        }
        ["prune", "all"] => DeploymentRequest::Prune(PruneRequest { all: true, before: None }),
        _ => return Err("nothing that can be asked".to_owned()),
    })
}

fn list(mut words: &[&str]) -> Result<ListRequest, String> {
    let mut list = ListRequest::default();
    let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number"));
    while !words.is_empty() {
        words = match words {
            ["status", word, rest @ ..] => {
                list.status = (*word).into();
                rest
            }
            ["sort", word, rest @ ..] => {
                list.sort = (*word).into();
                rest
            }
            ["limit", text, rest @ ..] => {
                list.limit = number(text)?;
                rest
            }
            ["offset", text, rest @ ..] => {
                list.offset = number(text)?;
                rest
            }
            [word, ..] => return Err(format!("what is `{word}`?")),
            [] => words,
        };
    }
    Ok(list)
}

fn deploy(lab: &mut Lab, file: &str, mut rest: &[&str], ensembles: &Path) -> Result<(), String> {
    let mut by = lab.hosts.iter().position(|host| !host.is_provider()).ok_or("there is no orchestrator")?;
    let mut expire = Span::mins(5);
    while !rest.is_empty() {
        rest = match rest {
            ["by", name, rest @ ..] => {
                by = peer(lab, name)?;
                rest
            }
            ["for", time, rest @ ..] => {
                expire = span(time)?;
                rest
            }
            [word, ..] => return Err(format!("what is `{word}`?")),
            [] => rest,
        };
    }
    let stem = file.trim_end_matches(".yaml");
    let later = (2..).map(|number| format!("{stem}{number}"));
    let label = std::iter::once(stem.to_owned()).chain(later).find(|label| !lab.record.is_taken(label));
    lab.deploy(by, &label.expect("numbers do not end"), ensemble(ensembles, file)?, expire);
    Ok(())
}

fn rule(lab: &Lab, mut words: &[&str], mut delay: Option<Span>) -> Result<Rule, String> {
    let mut rule = Rule { behaviour: None, reply: false, from: None, to: None, delay: None, once: false };
    if let ["reply", "to", rest @ ..] = words {
        rule.reply = true;
        words = rest;
    }
    let [behaviour, rest @ ..] = words else { return Err("which behaviour?".to_owned()) };
    rule.behaviour = (*behaviour != "all").then(|| (*behaviour).to_owned());
    words = rest;
    while !words.is_empty() {
        words = match words {
            ["from", name, rest @ ..] => {
                rule.from = Some(peer(lab, name)?);
                rest
            }
            ["to", name, rest @ ..] => {
                rule.to = Some(peer(lab, name)?);
                rest
            }
            ["by", time, rest @ ..] if delay.is_some() => {
                delay = Some(span(time)?);
                rest
            }
            ["once", rest @ ..] => {
                rule.once = true;
                rest
            }
            [word, ..] => return Err(format!("what is `{word}`?")),
            [] => words,
        };
    }
    rule.delay = delay;
    Ok(rule)
}

fn peer(lab: &Lab, name: &str) -> Result<usize, String> {
    lab.find(name).ok_or_else(|| format!("there is no peer {name}"))
}

fn span(text: &str) -> Result<Span, String> {
    units::span(text).map_err(|_| format!("`{text}` is no span of time such as 30s"))
}
