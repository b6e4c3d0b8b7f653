//! Where allocations really run: on which nodes, how often, since when, in which generation, and whether users are
//! answered.
//!
//! All of it is what peers have, not what anybody believes. An allocation is called by its name or by
//! `node.allocation`, of the last deployment unless `deployment/` stands before it. `within N seconds` waits for
//! something, `for N seconds` looks whether it stays so; without either it is so now.

use std::sync::Arc;

use super::{act, check, holds, own_name};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::Play;
use crate::accept::vocabulary::{Args, Chapter, Entry};
use crate::dms::identity::EnsembleId;
use crate::kernel::{Span, Time};
use crate::sim::World;
use crate::sim::by_hand::{Life, Whereabouts};

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Where things run",
    entries: &[
        NOTED,
        CALLED,
        GIVEN_TO,
        RUNS_ON,
        RUNS_ON_SOON,
        RUNS_SOON,
        RUNS_ELSEWHERE,
        DOES_NOT_RUN,
        NOT_ON,
        ENDS_SOON,
        STAYS_DOWN,
        KEEPS_RUNNING,
        ONCE,
        ONCE_SOON,
        RESTARTED,
        HAS_RESTARTED,
        NOT_RESTARTED,
        LATER_GENERATION,
        SAME_GENERATION,
        STARTED_TIMES,
        STARTED_BEFORE,
        ANSWERS,
        NO_ANSWERS,
    ],
};

const NOTED: Entry = act(
    "it is noted what runs",
    "as every step does by which something breaks: later ones say what has changed since",
    |play, _| {
        play.note_runs();
        Ok(())
    },
);
const CALLED: Entry = act(
    "{string} is the node on which allocation {string} runs",
    "a further name for it, for all steps after this one",
    |play, args| {
        let sought = sought(play, args.text(1))?;
        let runs = running(&sought.places(play.world)).into_iter().map(|(host, _)| host);
        name_host(play, args.text(0), &runs.collect::<Vec<_>>())
    },
);
const GIVEN_TO: Entry = act(
    "{string} is the node to which allocation {string} was given",
    "the same, whether it runs there or is only about to",
    |play, args| {
        let sought = sought(play, args.text(1))?;
        let there: Vec<Arc<str>> = sought.places(play.world).into_iter().map(|one| one.peer).collect();
        name_host(play, args.text(0), &there)
    },
);
const RUNS_ON: Entry = check("allocation {string} runs on {string}", "now", |play, args| {
    runs_on(play, Span::ZERO, args.text(0), args.text(1))
});
const RUNS_ON_SOON: Entry =
    check("within {int} second(s) allocation {string} runs on {string}", "waited for", |play, args| {
        runs_on(play, seconds(args)?, args.text(1), args.text(2))
    });
const RUNS_SOON: Entry =
    check("within {int} second(s) allocation {string} runs", "on whatever node", |play, args| {
        comes(play, seconds(args)?, args.text(1), |there| there.iter().any(|one| one.runs))
    });
const RUNS_ELSEWHERE: Entry = check(
    "within {int} second(s) allocation {string} runs elsewhere than on {string}",
    "on any other node",
    |play, args| {
        let old = play.node(args.text(2))?;
        comes(play, seconds(args)?, args.text(1), |there| {
            there.iter().any(|one| one.runs && *one.peer != *old)
        })
    },
);
const DOES_NOT_RUN: Entry = check(
    "allocation {string} does not run anywhere",
    "now, whatever its orchestrator believes",
    |play, args| comes(play, Span::ZERO, args.text(0), |there| !there.iter().any(|one| one.runs)),
);
const NOT_ON: Entry = check("allocation {string} does not run on {string}", "now", |play, args| {
    let host = play.node(args.text(1))?;
    comes(play, Span::ZERO, args.text(0), |there| !there.iter().any(|one| one.runs && *one.peer == *host))
});
const ENDS_SOON: Entry =
    check("within {int} second(s) allocation {string} does not run anywhere", "waited for", |play, args| {
        comes(play, seconds(args)?, args.text(1), |there| !there.iter().any(|one| one.runs))
    });
const STAYS_DOWN: Entry =
    check("for {int} second(s) allocation {string} does not run anywhere", "it stays down", |play, args| {
        stays(play, seconds(args)?, args.text(1), |there| !there.iter().any(|one| one.runs))
    });
const KEEPS_RUNNING: Entry = check(
    "for {int} second(s) allocation {string} keeps running on {string}",
    "the same program, there alone",
    |play, args| {
        let host = play.node(args.text(2))?;
        let sought = sought(play, args.text(1))?;
        let here = running(&sought.places(play.world));
        let [(peer, since)] = here.as_slice() else {
            return Failure::wrong(format!("it runs {} times", here.len()));
        };
        holds(**peer == *host, || format!("it runs on {peer}"))?;
        let same = [(Arc::clone(peer), *since)];
        stays(play, seconds(args)?, args.text(1), |there| running(there) == same)
    },
);
const ONCE: Entry = check(
    "allocation {string} runs exactly once",
    "nowhere else, and in no second generation",
    |play, args| comes(play, Span::ZERO, args.text(0), |there| running(there).len() == 1),
);
const ONCE_SOON: Entry = check(
    "within {int} second(s) allocation {string} runs exactly once",
    "until then a former generation may run beside the present one, but never two of one",
    |play, args| {
        let sought = sought(play, args.text(1))?;
        let (limit, mut twice) = (seconds(args)?, None);
        let comes = play.wait(limit, |world| {
            let there = sought.places(world);
            twice = twice.take().or_else(|| doubled(&there));
            twice.is_some() || running(&there).len() == 1
        });
        if let Some(twice) = twice {
            return Failure::wrong(twice);
        }
        holds(comes, || describe(&sought.places(play.world)))
    },
);
const RESTARTED: Entry = check(
    "within {int} second(s) allocation {string} has restarted where it was",
    "the same allocation of the same generation on the same node, as another run of its program than was noted",
    |play, args| has_restarted(play, seconds(args)?, args.text(1)),
);
const HAS_RESTARTED: Entry =
    check("allocation {string} has restarted", "where it was, and runs now", |play, args| {
        has_restarted(play, Span::ZERO, args.text(0))
    });
const NOT_RESTARTED: Entry = check(
    "allocation {string} has not restarted",
    "the same run of its program goes on that was noted",
    |play, args| {
        let (sought, before) = (sought(play, args.text(0))?, noted(play, args.text(0))?);
        let (old, new) = (running(&before), running(&sought.places(play.world)));
        if old.is_empty() {
            return Failure::vacuous("it did not run before");
        }
        holds(old == new, || {
            format!("{}; before: {}", describe(&sought.places(play.world)), describe(&before))
        })
    },
);
const LATER_GENERATION: Entry = check(
    "allocation {string} is of a later generation than before",
    "than what was noted of it",
    |play, args| {
        let (old, new) = generations(play, args.text(0))?;
        holds(new > old, || format!("it is of generation {new}, and was of {old}"))
    },
);
const SAME_GENERATION: Entry = check(
    "allocation {string} is of the same generation as before",
    "as what was noted of it",
    |play, args| {
        let (old, new) = generations(play, args.text(0))?;
        holds(new == old, || format!("it is of generation {new}, and was of {old}"))
    },
);
const STARTED_TIMES: Entry = check(
    "allocation {string} has been placed and started {int} time(s)",
    "on whatever nodes, in all of its generations; restarts where it is do not count",
    |play, args| {
        let lives = lives(play, args.text(0))?;
        let (wanted, count) =
            (args.int(1)?, lives.iter().filter(|life| life.started.is_some()).count() as u64);
        holds(count == wanted, || format!("it has {count} times"))
    },
);
const STARTED_BEFORE: Entry = check(
    "allocation {string} started before allocation {string}",
    "when each ran for the first time",
    |play, args| {
        let mut first = Vec::new();
        for place in [0, 1] {
            let lives = lives(play, args.text(place))?;
            let Some(at) = lives.iter().filter_map(|life| life.started).min() else {
                return Failure::vacuous(format!("{} has never run", args.text(place)));
            };
            first.push(at);
        }
        holds(first[0] < first[1], || format!("they ran from {} and from {} on", at(first[0]), at(first[1])))
    },
);
const ANSWERS: Entry = check(
    "within {int} second(s) users get answers from allocation {string}",
    "from outside, at the public port that leads to it",
    |play, args| {
        let sought = sought(play, args.text(1))?;
        let done = play.wait(seconds(args)?, |world| sought.answers(world).is_ok());
        holds(done, || sought.answers(play.world).err().unwrap_or("too late").to_owned())
    },
);
const NO_ANSWERS: Entry = check(
    "users get no answer from allocation {string}",
    "from outside, at the public port that leads to it, now",
    |play, args| {
        let sought = sought(play, args.text(0))?;
        holds(sought.answers(play.world).is_err(), || "they do".to_owned())
    },
);

/// An allocation that a step is about.
pub(super) struct Sought {
    pub(super) id: EnsembleId,
    owner: String,
    name: String,
}

impl Sought {
    /// Whether `node.allocation` is it.
    pub(super) fn is_it(&self, key: &str) -> bool {
        key == self.name || own_name(key) == self.name
    }

    fn places(&self, world: &World<'_>) -> Vec<Whereabouts> {
        world.whereabouts(self.id).into_iter().filter(|one| self.is_it(&one.key)).collect()
    }

    fn lives(&self, world: &World<'_>) -> Vec<Life> {
        world.lives_of(self.id).into_iter().filter(|one| self.is_it(&one.key)).collect()
    }

    pub(super) fn suspicions(&self, world: &World<'_>) -> u64 {
        self.lives(world).iter().map(|life| u64::from(life.suspected)).sum()
    }

    /// What somebody gets who asks it from the city of its owner.
    fn answers(&self, world: &World<'_>) -> Result<(), &'static str> {
        let own = own_name(&self.name);
        world.call_from_outside(&self.owner, self.id, own)
    }
}

/// The allocation of this name, which the ensemble must have.
pub(super) fn sought(play: &Play<'_, '_>, text: &str) -> Result<Sought, Failure> {
    let (deployed, name) = match text.split_once('/') {
        Some((deployment, name)) => (play.deployment_of(deployment)?, name),
        None => {
            let accepted = play.deployments.iter().rev().find(|one| one.id.is_some());
            let none = || Failure::Vacuous("no deployment was accepted before".to_owned());
            (accepted.ok_or_else(none)?, text)
        }
    };
    let Some(id) = deployed.id else { return Failure::vacuous(format!("{text} was refused at once")) };
    let own = own_name(name);
    if !deployed.ensemble.allocations.contains_key(own) {
        let known: Vec<&str> = deployed.ensemble.allocations.keys().map(|name| &**name).collect();
        return Failure::bad(format!("there is no allocation {own}; there are {}", known.join(", ")));
    }
    Ok(Sought { id, owner: deployed.owner.clone(), name: name.to_owned() })
}

/// The time at the beginning of a step.
pub(super) fn seconds(args: &Args<'_>) -> Result<Span, Failure> {
    Ok(Span::secs(args.int(0)?))
}

/// A time in words.
fn at(time: Time) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

/// Where programs of an allocation run, and since when.
fn running(there: &[Whereabouts]) -> Vec<(Arc<str>, Option<Time>)> {
    there.iter().filter(|one| one.runs).map(|one| (Arc::clone(&one.peer), one.since)).collect()
}

/// Two that run of one generation, if there are.
fn doubled(there: &[Whereabouts]) -> Option<String> {
    let all = there.iter().filter(|one| one.runs).enumerate();
    all.flat_map(|(place, one)| {
        let others = there.iter().filter(|other| other.runs).skip(place + 1);
        others.map(move |other| (one, other))
    })
    .find(|(one, other)| (&one.key, one.generation) == (&other.key, other.generation))
    .map(|(one, other)| format!("{} runs twice at one time, on {} and {}", one.key, one.peer, other.peer))
}

/// What there is of an allocation comes to be so within a time.
fn comes(
    play: &mut Play<'_, '_>,
    limit: Span,
    name: &str,
    holds_of: impl Fn(&[Whereabouts]) -> bool,
) -> Done {
    let sought = sought(play, name)?;
    let done = play.wait(limit, |world| holds_of(&sought.places(world)));
    holds(done, || describe(&sought.places(play.world)))
}

/// What there is of an allocation is so for a time.
fn stays(play: &mut Play<'_, '_>, span: Span, name: &str, holds_of: impl Fn(&[Whereabouts]) -> bool) -> Done {
    let sought = sought(play, name)?;
    let left = play.wait(span, |world| !holds_of(&sought.places(world)));
    holds(!left, || format!("at {} {}", at(play.world.now()), describe(&sought.places(play.world))))
}

fn runs_on(play: &mut Play<'_, '_>, limit: Span, name: &str, host: &str) -> Done {
    let host = play.node(host)?;
    comes(play, limit, name, |there| there.iter().any(|one| one.runs && *one.peer == *host))
}

/// It comes to be another run of the same allocation that was noted, within a time.
fn has_restarted(play: &mut Play<'_, '_>, limit: Span, name: &str) -> Done {
    let (sought, before) = (sought(play, name)?, noted(play, name)?);
    let is_new = |one: &Whereabouts| {
        let same = |old: &&Whereabouts| {
            (&old.peer, &old.key, old.generation) == (&one.peer, &one.key, one.generation)
        };
        one.runs && before.iter().find(same).is_some_and(|old| old.since != one.since)
    };
    let done = play.wait(limit, |world| sought.places(world).iter().any(is_new));
    holds(done, || format!("{}; before: {}", describe(&sought.places(play.world)), describe(&before)))
}

/// Gives a node another name, for the one of these.
fn name_host(play: &mut Play<'_, '_>, name: &str, hosts: &[Arc<str>]) -> Done {
    let name = name.to_lowercase();
    if play.world.has_peer(&name) {
        return Failure::bad(format!("{name} is a node"));
    }
    let [host] = hosts else { return Failure::wrong(format!("there are {} such nodes", hosts.len())) };
    play.given_names.retain(|(own, _)| *own != name);
    play.given_names.push((name, host.to_string()));
    Ok(())
}

/// What there is of an allocation, in words.
fn describe(there: &[Whereabouts]) -> String {
    let each = there.iter().map(|one| {
        let (runs, Whereabouts { key, generation, peer, .. }) = (if one.runs { "" } else { "not " }, one);
        let since = one.since.map(|since| format!(" since {}", at(since))).unwrap_or_default();
        format!("{key} of generation {generation} does {runs}run on {peer}{since}")
    });
    let all = each.collect::<Vec<_>>().join(", ");
    if all.is_empty() { "it is nowhere".to_owned() } else { all }
}

/// What was noted of an allocation.
fn noted(play: &Play<'_, '_>, name: &str) -> Result<Vec<Whereabouts>, Failure> {
    let sought = sought(play, name)?;
    let Some((_, before)) = play.before.iter().find(|(id, _)| *id == sought.id) else {
        return Failure::vacuous("nothing has broken before, and nobody has noted what runs");
    };
    Ok(before.iter().filter(|one| sought.is_it(&one.key)).cloned().collect())
}

/// The highest generation of an allocation that was noted, and that of now.
fn generations(play: &Play<'_, '_>, name: &str) -> Result<(u32, u32), Failure> {
    let highest = |there: &[Whereabouts]| there.iter().map(|one| one.generation).max();
    let old = highest(&noted(play, name)?);
    let old = old.ok_or_else(|| Failure::Vacuous("it was nowhere before".to_owned()))?;
    let new = highest(&sought(play, name)?.places(play.world));
    Ok((old, new.ok_or_else(|| Failure::Wrong("it is nowhere now".to_owned()))?))
}

pub(super) fn lives(play: &Play<'_, '_>, name: &str) -> Result<Vec<Life>, Failure> {
    Ok(sought(play, name)?.lives(play.world))
}
