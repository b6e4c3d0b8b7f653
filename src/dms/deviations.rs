//! Where this logic knowingly differs from what the real DMS does, in one table. `dmsim list deviations` prints it and
//! `docs/deviations.md` shows it.
//!
//! Only what a reader who knows DMS would not expect stands here. What is missing altogether is refused with an error
//! when a scenario asks for it, and listed in `ARCHITECTURE.md`.

/// One difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deviation {
    /// The section of dms-orchestration that says what DMS does.
    pub section: &'static str,
    /// The weakness (W1 to W26, section 8 there) that it answers; empty where it is none.
    pub weakness: &'static str,
    /// What DMS does.
    pub real: &'static str,
    /// What is done here.
    pub here: &'static str,
    /// Why.
    pub why: &'static str,
}

/// All of them, by section.
#[rustfmt::skip]
pub const ALL: &[Deviation] = &[
    Deviation {
        section: "0", weakness: "W12, W13",
        real: "grants among orchestrator, provider and supervisor are renewed once",
        here: "they are renewed at half of their life for as long as they are needed",
        why: "a deployment must not go silent because it is old",
    },
    Deviation {
        section: "1.2", weakness: "",
        real: "an orchestrator begins every deployment when it is asked for",
        here: "with the strategy `queue`, which is off by default, it works on so many at once, and others wait",
        why: "work that comes faster than it is done is better kept waiting than refused by everybody",
    },
    Deviation {
        section: "1.3", weakness: "",
        real: "a deployment is tried again until its deadline",
        here: "with the strategy `attempts`, which is off by default, it fails after so many rounds of bids",
        why: "who wants it now or not at all need not hold up anybody",
    },
    Deviation {
        section: "1.3", weakness: "W21",
        real: "the next attempt follows at once",
        here: "a pause before it, from 5 s and doubling to 5 min",
        why: "a deployment that nobody can host must not flood the network with broadcasts",
    },
    Deviation {
        section: "1.3", weakness: "W16",
        real: "nonces of bid rounds begin at 1 in every attempt",
        here: "they go on counting",
        why: "a provider answers each nonce once, so that repeated ones waste their rounds",
    },
    Deviation {
        section: "1.5", weakness: "W21",
        real: "only a running deployment can be shut down",
        here: "any that has not ended can",
        why: "its owner may have changed their mind",
    },
    Deviation {
        section: "1.5", weakness: "W20",
        real: "what a peer does not answer in a shutdown is an error for the user, and its allocations run on",
        here: "the user is told that it is pending, and the peer is asked again until it has given everything back",
        why: "nobody else would ever end an orphan",
    },
    Deviation {
        section: "2.2", weakness: "",
        real: "every provider that suits and has room answers a request for bids",
        here: "with the strategy `bid_suppression`, which is off by default, a drawn part of them does",
        why: "eight bids are kept, and those of a hundred thousand drown who asked",
    },
    Deviation {
        section: "2.2", weakness: "",
        real: "a request to everybody goes to those as well to which other nodes are pinned",
        here: "it names them among those that need not answer",
        why: "a peer answers a round once, and what it bids for another node is refused",
    },
    Deviation {
        section: "2.3", weakness: "",
        real: "a bid says who bids and where it is, and the first eight are kept",
        here: "with `scored_bids`, off by default, bidders tell what they have and hold, and the best eight are kept",
        why: "no placement policy can do better than to draw among bids that say nothing",
    },
    Deviation {
        section: "2.3", weakness: "W3",
        real: "a machine must compare as better than what is required",
        here: "equal will do, unless graphics cards are overlooked (W3)",
        why: "what fits exactly fits",
    },
    Deviation {
        section: "2.7", weakness: "W4, W5",
        real: "numbers are drawn with replacement over all combinations, the first million of them at most",
        here: "each node's bid is drawn by itself, uniformly",
        why: "it is the same distribution without the bias against late nodes",
    },
    Deviation {
        section: "2.8", weakness: "W1",
        real: "a provider that is asked to verify an edge never answers",
        here: "it measures round trip and bandwidth by probes to the other end, `/dms/deployment/constraint/probe`",
        why: "the limits of an ensemble are to hold",
    },
    Deviation {
        section: "2.9", weakness: "W6, W22",
        real: "a failed commit or allocate reverts every node, and the attempt begins anew",
        here: "the node that failed falls back alone; the others keep what they have reserved",
        why: "all-or-nothing restarts starve each other under load",
    },
    Deviation {
        section: "2.9", weakness: "W19",
        real: "bids are awaited for standbys and not asked for; no standby is ever promoted",
        here: "they are asked for, committed, allocated and connected, and one takes the part of a lost primary",
        why: "that is what redundancy is for",
    },
    Deviation {
        section: "2.9", weakness: "",
        real: "the next attempt asks every provider again",
        here: "a peer at which a step of a node failed is asked again for it only after nobody else has bid",
        why: "others are more likely to do, and one that has failed is better than none",
    },
    Deviation {
        section: "2.9", weakness: "W6",
        real: "an allocation has one name in every attempt",
        here: "every placing of its node is another generation of it",
        why: "what a message of a former attempt means must not be taken for what a later one has made",
    },
    Deviation {
        section: "2.10", weakness: "W6",
        real: "nodes are reverted one after another, each awaited for up to 30 s, before the next attempt begins",
        here: "reverts are sent at once, and the next attempt begins beside them",
        why: "one silent node must not hold up the others",
    },
    Deviation {
        section: "2.10", weakness: "W6, W20",
        real: "a revert is sent once, and a node that does not answer keeps what it holds",
        here: "it is sent again until acknowledged: after 30 s, doubling to 2.5 min, at once when its target reports",
        why: "a peer may be cut off for longer than anyone would wait, and comes back with what it held",
    },
    Deviation {
        section: "2.10", weakness: "",
        real: "a revert destroys the subnet of the ensemble and forgets the allocations named",
        here: "allocations of a later generation, and their subnet, outlive a revert that means an earlier one",
        why: "a late revert must not tear down what has replaced its target",
    },
    Deviation {
        section: "2.11", weakness: "W24",
        real: "replies are awaited for 2 min although messages die after 5 s",
        here: "they are awaited for 5 s",
        why: "nothing can come after that",
    },
    Deviation {
        section: "2.11", weakness: "",
        real: "an address is given back with the revert and the next free one is taken",
        here: "an allocation keeps its address wherever it is moved; only the route to it changes",
        why: "names that others have learnt stay right",
    },
    Deviation {
        section: "2.11", weakness: "",
        real: "two ensembles that drew the same /24 may have an address twice on one machine",
        here: "the second is refused, and its node goes to another provider",
        why: "traffic to such an address would reach either",
    },
    Deviation {
        section: "2.12", weakness: "",
        real: "a promise not converted in time ends the deployment, and an error for an answer its process",
        here: "the node falls back as after a failed commit, except in a profile that is nearer to `as-is`",
        why: "others may host what one cloud cannot; the crash is inferred and has no number",
    },
    Deviation {
        section: "2.12", weakness: "",
        real: "the poll deletes a machine that was handed over and has no allocation yet",
        here: "it is left alone for as long as its bid is good, except in a profile that is nearer to `as-is`",
        why: "the minute of the poll must not decide whether a deployment succeeds",
    },
    Deviation {
        section: "2.12", weakness: "",
        real: "the names of conversion and signing were seen, their paths and contents were not",
        here: "`/dms/deployment/promise/convert` and `/sign`, with the node and its generation",
        why: "they need some, and whoever may deploy on a node may ask it for that",
    },
    Deviation {
        section: "2.12", weakness: "",
        real: "how edges to a promised machine are verified, and what a gateway that was restarted does, was not read",
        here: "its gateway measures in its place; machines that were on their way are deleted",
        why: "it is in the same place, and nobody waits for those any more",
    },
    Deviation {
        section: "3.1", weakness: "",
        real: "whatever is started runs at once, if its resources were reserved",
        here: "with a `queue` of its provider, which is off by default, so many run at once, and others wait",
        why: "a machine that works on one thing after another is a server as queueing theory knows it",
    },
    Deviation {
        section: "3.2", weakness: "",
        real: "whether the watcher of a task wakes when docker starts it again was not read",
        here: "it waits for the end that is the last by the restart policy",
        why: "whoever asks for restarts wants the result",
    },
    Deviation {
        section: "3.4", weakness: "",
        real: "a page is waited for without a limit, and of commands none was read",
        here: "a provider waits for 3 s and says so; a page has no limit in a profile that is nearer to `as-is`",
        why: "the supervisor waits for 5 s: it is to learn why",
    },
    Deviation {
        section: "3.5", weakness: "",
        real: "a local volume whose source is missing cannot be mounted",
        here: "one whose `src` is a name is made where it is missing; a path must be there",
        why: "the format tells names from paths, as Docker does, which makes its named volumes",
    },
    Deviation {
        section: "3.5", weakness: "",
        real: "allocations are created for docker only, although providers bid for whatever their executors run",
        here: "they are created for every executor, except in a profile that is nearer to `as-is`",
        why: "the format promises them",
    },
    Deviation {
        section: "3.7", weakness: "",
        real: "a poll every 10 s destroys the subnet of an ensemble whose last allocation has ended",
        here: "the subnet goes in the moment in which that allocation is released",
        why: "nothing can use the subnet in between, and a million quiet providers need no timer",
    },
    Deviation {
        section: "4.1", weakness: "W2",
        real: "`failure_recovery` and `escalation_strategy` are read and not used",
        here: "they do what the documents promise: restart, redeploy, tear down, or leave it",
        why: "that is what users of the format expect, and what is to be compared",
    },
    Deviation {
        section: "4.2", weakness: "W2",
        real: "`supervisor` of an ensemble is read and not used",
        here: "its groups restart together and escalate as supervisors of Erlang do, from where its words are",
        why: "that is what its three strategies are known for",
    },
    Deviation {
        section: "4.2", weakness: "",
        real: "nothing recovers but restarts in place",
        here: "strategies may be asked for: standbys, checkpoints, further tries, copies or checks of tasks, migration",
        why: "extensions, off unless a scenario wants them: their worth is to be measured",
    },
    Deviation {
        section: "4.2", weakness: "W2",
        real: "the supervisor checks one allocation after another, up to 2 min for a dead one",
        here: "it checks all of them at once",
        why: "one dead allocation must not blind it to the rest",
    },
    Deviation {
        section: "4.3", weakness: "",
        real: "heartbeats are noted and never missed",
        here: "90 s without one raise suspicion",
        why: "a peer that is gone tells nobody",
    },
    Deviation {
        section: "4.3", weakness: "",
        real: "heartbeats are all that is known of a silent peer",
        here: "detectors may be asked for: a fixed timeout, phi accrual, SWIM; they say how often to report",
        why: "extensions, off unless a scenario wants them: their worth is to be measured",
    },
    Deviation {
        section: "4.4", weakness: "",
        real: "peers that run are told of new ones by an update that its owner asks for",
        here: "recovery tells them too, by the same messages",
        why: "an allocation that was moved must be found where it is now",
    },
    Deviation {
        section: "4.4", weakness: "",
        real: "a changed setting of an allocation that runs is overlooked in an update",
        here: "it is refused: an allocation of another name must be added",
        why: "a user who is told OK would take it for done",
    },
    Deviation {
        section: "4.4", weakness: "",
        real: "what an update adds to a node cannot depend on what runs there: that is an error",
        here: "it can, and does not wait for it",
        why: "it runs already",
    },
    Deviation {
        section: "4.4", weakness: "W19",
        real: "no update meets standbys, for none are deployed",
        here: "a node and its standbys are added and removed together, and what a node with standbys has stays",
        why: "a standby must be able to take over whatever its primary runs",
    },
    Deviation {
        section: "4.4", weakness: "W11",
        real: "an update whose deadline passes is told as a success, and what it has reserved stays",
        here: "what could be added stays, the rest is undone and named; what could not be moved may go anywhere",
        why: "the answer must say what runs",
    },
    Deviation {
        section: "4.4", weakness: "W8",
        real: "after an update nobody checks the health of what ran before it",
        here: "it is checked like all else",
        why: "the condition is the wrong way round",
    },
    Deviation {
        section: "4.5", weakness: "",
        real: "an orchestrator that is gone is gone",
        here: "`hand_over` may be asked for: a standby orchestrator with record and key goes on; providers verify it",
        why: "an extension, off unless a scenario wants it: its worth is to be measured",
    },
    Deviation {
        section: "4.6", weakness: "",
        real: "a provider that has restarted runs everything again",
        here: "what its executor has kept goes on; the rest runs again",
        why: "containers outlive the process, and a second one of the same name cannot be made",
    },
    Deviation {
        section: "4.6", weakness: "",
        real: "what docker starts again by its restart policy after a restart of the machine was not read",
        here: "the provider waits for it and does not start it a second time, unless it has volumes to be mounted",
        why: "a second container of the same name cannot be made",
    },
    Deviation {
        section: "5.2", weakness: "",
        real: "an architecture that is not said fits only a machine that reports none",
        here: "it fits any machine",
        why: "what machines report was not read, and if they report anything nobody ever bids",
    },
    Deviation {
        section: "5.3", weakness: "W3",
        real: "a request for a card is subtracted from the card of the same index, and what it lacks is ignored",
        here: "a wish takes memory of any card of its kind, and without an amount a card that nobody else uses",
        why: "an ensemble cannot know the indices of a machine that it has not met",
    },
    Deviation {
        section: "5.4", weakness: "",
        real: "the GiB of an offer are 1e9 bytes",
        here: "they are 2^30 bytes, except in a profile that is nearer to `as-is`",
        why: "that is what the unit says",
    },
    Deviation {
        section: "5.4", weakness: "",
        real: "a limit of the disk that is offered was not read",
        here: "there is as much as the machine has",
        why: "commits are checked against the machine too, and would fail",
    },
    Deviation {
        section: "5.5", weakness: "W15",
        real: "`public: 0` is reserved as the fixed port 0, which fails",
        here: "it is a dynamic port; with W15 several of one allocation are one",
        why: "ensembles with dynamic ports are common and were surely run",
    },
];

/// The table in Markdown, a row a difference.
#[must_use]
pub fn table() -> String {
    let mut text = "| section | weakness | DMS | dmsim | why |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for Deviation { section, weakness, real, here, why } in ALL {
        text.push_str(&format!("| {section} | {weakness} | {real} | {here} | {why} |\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_the_table() {
        let page = include_str!("../../docs/deviations.md");
        assert!(page.contains(&table()), "put the output of `dmsim list deviations` into docs/deviations.md");
    }

    #[test]
    fn rows_are_whole_and_in_order() {
        let number = |section: &str| -> Vec<u32> {
            section.split('.').map(|part| part.parse().expect("a section is numbers")).collect()
        };
        assert!(ALL.is_sorted_by_key(|row| number(row.section)));
        for row in ALL {
            for text in [row.real, row.here, row.why] {
                assert!(!text.is_empty() && !text.contains(['|', '\n']), "{row:?}");
            }
        }
    }
}
