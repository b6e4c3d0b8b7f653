//! What a refusal means, for readers who do not know DMS: who says no, why, and what could be done about it.

/// What is said of a stage, wherever the reason says nothing more exact.
const STAGES: [(&str, &str); 17] = [
    (
        "operation",
        "An operator asked a node to do something, and the node or one that it asked said no. Nothing was changed.",
    ),
    (
        "anchor",
        "Another node sent tokens to be anchored, and this one did not take them: what is anchored must lead to \
         somebody whom the node trusts already.",
    ),
    (
        "send",
        "A node wanted to send a message and found no token that would give it the authority to. It sent nothing.",
    ),
    (
        "message",
        "A message was not let through by the node that received it: nothing behind that gate saw it, and the real \
         network stays silent. The sender learns of it only by waiting in vain.",
    ),
    (
        "request",
        "A node did not take a request for a deployment from its user. The deployment was never begun.",
    ),
    (
        "bid",
        "A provider was asked for a bid and made none, or a round of asking ended without the bids that were needed. \
         Providers stay silent where they make no bid; the orchestrator asks again until its time is over.",
    ),
    ("candidate", "The orchestrator did not use a bid or a combination of bids for its ensemble."),
    (
        "commit",
        "A provider that had made a bid did not commit the resources when it was asked to: between bid and commit \
         somebody else may have taken them, or its answer did not come in time. The attempt is undone, and another \
         candidate is tried.",
    ),
    (
        "allocate",
        "Resources were committed, but the allocation could not be created from them, or nothing was heard of it in \
         time. What was committed is given back.",
    ),
    (
        "provision",
        "The allocations exist, but their private network, names or ports could not be set up on every machine.",
    ),
    (
        "start",
        "The allocations were ready, but one of them did not start, or nothing was heard of it in time.",
    ),
    (
        "run",
        "Something that ran was found not to run any more, or its machine does not answer. What follows is said by \
         the recovery strategy: a restart on the same machine, or a new place on another.",
    ),
    (
        "revert",
        "The orchestrator took something back and did not hear that it was done. The provider's lease ends it later.",
    ),
    ("shutdown", "An allocation was to end and did not say that it had. The provider's lease ends it later."),
    (
        "edge",
        "The ensemble asks for a network of a certain quality between two of its machines. They measured it, and it \
         was not met, or one of them did not answer: the candidate is not used.",
    ),
    (
        "convert",
        "A gateway had promised a machine and could not make it: its cloud had none, failed, or took too long.",
    ),
    (
        "contract",
        "Something about a contract did not happen: it was not signed, did not move, or was not paid.",
    ),
];

/// What is said of a reason: the stage, what the reason contains, and what that means. The first that fits counts.
const REASONS: [(&str, &str, &str); 24] = [
    (
        "message",
        "not authorized",
        "The message was whole and in time, but the tokens that came with it do not lead to an anchor of the receiver \
         for this behaviour: one is missing, has expired, was revoked, or grants something else. The example names \
         the link of the chain at which it broke.",
    ),
    (
        "message",
        "rate limit exceeded",
        "The receiver lets in so many messages a second from anybody without a proven right, and this one came above \
         that. It was not looked at.",
    ),
    ("message", "queue full", "The receiver's actor had more messages waiting than its queue holds."),
    (
        "message",
        "expired",
        "The message came after the time at which its sender let it expire, by the receiver's clock. Slow networks, \
         and clocks that are wrong, do that.",
    ),
    (
        "message",
        "no such actor",
        "The message was for an actor that does not exist at the receiver any more: mostly the answer to a call that \
         had been given up, or something for a deployment that has ended.",
    ),
    (
        "message",
        "unknown behaviour",
        "The actor exists and does not listen to this behaviour now: mostly a bid that came after its round.",
    ),
    ("message", "replayed", "The receiver has handled this very message before."),
    ("message", "signature", "The message does not bear a signature of who it says sent it."),
    ("message", "1 MiB", "The message is longer than nodes take."),
    (
        "bid",
        "not enough is free",
        "The machine would be large enough, but others hold too much of it right now. It could make a bid later.",
    ),
    (
        "bid",
        "too small",
        "The machine does not have what the ensemble asks for, even when nothing else runs there.",
    ),
    ("bid", "location", "The ensemble accepts some places only, and this machine is elsewhere."),
    ("bid", "executor", "The machine has no executor of the kind that the ensemble needs."),
    (
        "bid",
        "excluded",
        "The request names this provider as one that shall not answer: mostly it was just lost there, and a new place \
         is sought elsewhere.",
    ),
    (
        "bid",
        "not onboarded",
        "The machine is part of the network and offers none of its resources to others.",
    ),
    ("bid", "no bids for", "The round ended, and no provider had made a bid for this node of the ensemble."),
    (
        "bid",
        "held back",
        "So that not thousands answer at once, the request asks a part of the providers only, and this one is not \
         among them.",
    ),
    (
        "bid",
        "restart",
        "The provider is up again and still takes up what it hosted before; until then it makes no bids.",
    ),
    (
        "candidate",
        "eight bids",
        "An orchestrator keeps eight bids for each node of an ensemble; those that come later are not looked at. That \
         is no trouble.",
    ),
    ("commit", "no reply", "The provider did not answer in time: it is down, cut off, or busy."),
    ("allocate", "no reply", "The provider did not answer in time: it is down, cut off, or busy."),
    ("provision", "no reply", "One of the machines did not answer in time: it is down, cut off, or busy."),
    (
        "start",
        "no reply",
        "Nothing was heard of the start in time: fetching the image may have taken too long, or the provider is down \
         or cut off.",
    ),
    ("run", "does not answer", "The supervisor asked the machine and heard nothing: it is down or cut off."),
];

/// What a refusal means, in a sentence or two: of its stage, and of the reason where more is known.
#[must_use]
pub(super) fn meaning(stage: &str, reason: &str) -> String {
    let of_stage = STAGES.iter().find(|(name, _)| *name == stage).map_or("", |(_, text)| text);
    let of_reason = REASONS
        .iter()
        .find(|(name, part, _)| *name == stage && reason.contains(part))
        .map(|(_, _, text)| *text);
    match of_reason {
        Some(text) if of_stage.is_empty() => text.to_owned(),
        Some(text) => format!("{text} {of_stage}"),
        None => of_stage.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{REASONS, STAGES, meaning};

    #[test]
    fn every_stage_and_reason_has_a_meaning() {
        assert!(meaning("commit", "no reply within 5s").starts_with("The provider did not answer"));
        assert!(meaning("commit", "something new").starts_with("A provider that had made a bid"));
        assert_eq!(meaning("nowhere", ""), "");
        for (stage, part, text) in REASONS {
            assert!(STAGES.iter().any(|(name, _)| *name == stage), "{stage} is no stage");
            assert!(meaning(stage, part).starts_with(text), "{part} is hidden by an earlier one");
        }
    }
}
