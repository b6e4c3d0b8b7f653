//! The fidelity switches: where the real DMS falls short of its own documents, one switch for each shortcoming.
//!
//! A [`Profile`] is a set of [`Weakness`]es that are present. [`Profile::AS_IS`] has all of them and behaves as DMS
//! was read to behave; [`Profile::INTENDED`] has none and behaves as its documents promise. Numbers are those of
//! dms-orchestration section 8 (W) and of dms-capabilities section 10 (C, the inferred ones in their order).

use std::fmt;
use std::str::FromStr;

/// What is known about a weakness, for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Description {
    /// Its number, `C1`.
    pub id: &'static str,
    /// What is wrong in the real DMS.
    pub as_is: &'static str,
    /// What `intended` does instead.
    pub intended: &'static str,
}

/// Makes the type of weaknesses from the table of them.
macro_rules! weaknesses {
    ($($name:ident = $id:literal, as_is: $as_is:literal, intended: $intended:literal;)*) => {
        /// A shortcoming of the real DMS.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Weakness {
            $(#[doc = concat!($id, ": ", $as_is, ".")] $name,)*
        }

        impl Weakness {
            /// All that this version has. A new one stands at the end: its place is its bit in a [`Profile`].
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What is known about it.
            #[must_use]
            pub const fn describe(self) -> Description {
                match self {
                    $(Self::$name => Description { id: $id, as_is: $as_is, intended: $intended },)*
                }
            }
        }
    };
}

weaknesses! {
    UncheckedNonces = "C1",
        as_is: "receivers do not look at nonces: a message can be replayed until it expires",
        intended: "a receiver remembers the nonces of unexpired messages and drops the second one";
    UnboundDid = "C2",
        as_is: "the sender's DID is not bound to its key: a member can act in another's name",
        intended: "the DID must be that of the sender's host, and a root actor's key that of its host";
    BlindSubsumption = "C4",
        as_is: "a newly anchored token displaces one of another action, topic, depth or chain",
        intended: "a token displaces another only when it allows all that the other allows";
    NoTokenCollection = "C5",
        as_is: "expired tokens and revocations stay in the stores for ever",
        intended: "they are dropped every two minutes of activity";
    LapsingHealthGrants = "C8",
        as_is: "the right to check an allocation's health lapses after four hours",
        intended: "it is renewed for as long as the allocation lives";
    NoRevocationCatchUp = "C9",
        as_is: "a peer that was away during a revocation's broadcast accepts the revoked token until it \
                 expires",
        intended: "peers compare their revocations when they connect and fetch what they lack";
    UnnoticedSelfSigning = "C10",
        as_is: "a sender without authority signs for itself and only sees a timeout",
        intended: "a node knows that it sent without authority, says so, and anchors nothing that was \
                 granted to others";
    LooseAnchoring = "C14",
        as_is: "a failing anchor request leaves half of its tokens behind, and the empty capability \
                 gives all",
        intended: "anchoring is all or nothing, and the empty capability gives nothing";
    UnsignedSelfSends = "C15",
        as_is: "messages to oneself are sent unsigned and dropped by the own signature check",
        intended: "they are signed like all others";
    InTurnSupervision = "W2",
        as_is: "a supervisor checks one allocation after another, restarts in place and does nothing \
                 about a lost node; what the ensemble file declares about recovery is not used",
        intended: "all allocations are watched at once, and recovery does what the ensemble file declares";
    LapsingOrchestratorGrants = "W12",
        as_is: "what lets a provider report to the orchestrator is renewed once and lapses ten minutes \
                 after the deployment: the end of a longer task, heartbeats and states are refused",
        intended: "it is renewed at half of its life for as long as the deployment lives";
    LapsingCheckGrants = "W13",
        as_is: "the supervisor's right to check health is renewed once: after four hours a healthy \
                 service is restarted again and again",
        intended: "it is renewed for as long as the allocation lives";
    BlindToCards = "W3",
        as_is: "graphics cards are not in requests for bids, a machine without any compares as better, \
                 and pools do not count them",
        intended: "they are asked for, compared by vendor, model and memory, and their memory is given out once";
    LeakingLeases = "W7",
        as_is: "the sweep over commit leases runs once, before any can have ended: an abandoned commit \
                 is held for ever",
        intended: "it runs every minute while there is anything to sweep";
    LoosePorts = "W15",
        as_is: "a refused fixed port is freed whoever has it, fixed ports beside a dynamic one are never \
                 given back, and several dynamic ports of an allocation are one",
        intended: "ports are reserved all or none, and given back by whom they were given to";
    FalselyCompleted = "W14",
        as_is: "a deployment restored before it ran stays so for ever, or its tasks that never started \
                 count as ended",
        intended: "it goes on where it was, or begins anew, until its deadline";
    Orphans = "W20",
        as_is: "what a dead orchestrator has left, an unreachable peer holds at the shutdown, or an interrupted \
                 shutdown has not ended, stays for ever",
        intended: "an undo is repeated until acknowledged, and providers give up after 3 h without their \
                 orchestrator";
    HastyDestruction = "W23",
        as_is: "a restarted provider destroys what a restored orchestrator, who does not answer, still wants",
        intended: "a restored orchestrator answers, at first with \"wait\", and silence destroys nothing \
                 before 3 h";
    SkippedStatus = "W25",
        as_is: "changes within a status, quick ones and failed shutdowns are not saved: restarts revive an \
                 old state",
        intended: "every change is saved, and a restored deployment asks its providers what they have";
    RacingWrites = "W26",
        as_is: "two answers to starts or shutdowns in the same moment may break the process down",
        intended: "they are handled one after the other";
    HotLoop = "W21",
        as_is: "no cancel before Running, no attempt limit, no back-off: a failing deployment asks every 5 s",
        intended: "attempts back off from 5 s to 5 min, and a deployment can be cancelled in every state";
    UnacknowledgedEnd = "W17",
        as_is: "the end of a task is one unacknowledged message: lost, or dropped because its output is \
                 over 1 MiB",
        intended: "it is told until it is acknowledged, and long output is fetched in chunks";
    SilentEdges = "W1",
        as_is: "a provider that is asked to verify an edge never answers, and answers are kept whatever the limits",
        intended: "it measures round trip and bandwidth to the other end, and answers are kept by peers and limits";
    UnverifiedCandidate = "W4",
        as_is: "at the deadline a candidate that failed the verification of its edges is taken as a success",
        intended: "a deployment without a verified candidate fails at its deadline";
    IncompleteSearch = "W5",
        as_is: "candidates are drawn with replacement and from the first million combinations only",
        intended: "every combination is within reach, and one that is known to fail is not tried again";
    LostCommit = "W6",
        as_is: "a commit that fails or goes unanswered is not reverted, blocks later ones, and hangs those beside it",
        intended: "it is undone like all others, and the node goes elsewhere";
    PoisonedRetry = "W6b",
        as_is: "nodes that are reverted after a failed commit are missing in later attempts, which go on without",
        intended: "every attempt is about all nodes";
    RestartedNonces = "W16",
        as_is: "each attempt counts its rounds from 1, and providers that answered such a round before stay silent",
        intended: "rounds go on counting over attempts";
    UnbiddenStandbys = "W19",
        as_is: "standbys are not asked for, but their bids are waited for: redundancy never deploys",
        intended: "standbys are asked for, committed and allocated, and one takes the place of a lost primary";
    AllOrNothing = "W22",
        as_is: "bids reserve nothing, and one collision at commit reverts all nodes one by one and begins anew",
        intended: "only the node that failed asks for bids again";
    StalledProvisioning = "W24",
        as_is: "replies to messages of provisioning that live for 5 s are awaited for 2 min",
        intended: "they are awaited for as long as the message lives";
    SilentWithoutRoom = "W18",
        as_is: "a provider whose machine suits the first node that it looks at, and that has no room for it, \
                 stays silent",
        intended: "it tries the next node of the request";
    LeakingTerminations = "W9",
        as_is: "what an allocation holds is never given back when its container could not be terminated",
        intended: "the provider tries again, with pauses from 30 s and doubling to 5 min, until it could";
    FailedStartsRun = "W10",
        as_is: "an allocation whose start failed is running by its provider's books",
        intended: "it has failed";
    UnverifiedContracts = "C3",
        as_is: "a contract's signatures cover a copy that changes, and its host never verifies them",
        intended: "they cover what was agreed, and the host takes only those that hold";
    LooseParticipants = "C6",
        as_is: "whoever knows the DID of a valid contract can deploy under it, at the cost of its requestor",
        intended: "providers bid under a contract only for its requestor";
    LooseContractStates = "C7",
        as_is: "ended contracts move on, the end date is noticed late, and a missing termination option \
                 breaks the host down",
        intended: "what has ended can only be settled, the end date ends it at once, and the termination \
                 is refused";
    GappyBilling = "C11",
        as_is: "usage near the boundaries of billing windows is billed twice or never, and the last part of \
                 a completed contract is not billed",
        intended: "windows are laid end to end from the start of a contract to its end, and runs are \
                 clipped to them";
    LostUsageEvents = "C12",
        as_is: "usage events that wait to be delivered are lost at a restart, at a full queue, and when \
                 nobody answers for minutes; a restarted server of volumes has forgotten who owns them",
        intended: "they are kept until they are delivered, a node that starts again tells what stopped, and owners \
                 are on disk";
    UnsupervisedUpdate = "W8",
        as_is: "an update ends the health checks of everything that ran before it",
        intended: "it leaves them as they are";
    SilentUpdateTimeout = "W11",
        as_is: "an update that is not done by its deadline is told as a success, and what it has reserved stays",
        intended: "its answer says what could not be done and why, and that is undone";
    ToldSecrets = "C13",
        as_is: "a node's status report holds its whole configuration, keys of other services among it, for \
                 whoever may ask",
        intended: "of a key it tells only that there is one";
    ArbitraryHead = "C16",
        as_is: "usage of a deployment with several contracts is billed under an arbitrary one, or under all",
        intended: "it is billed under the contract between its orchestrator and this provider, or the chain \
                 that leads to it";
}

impl Weakness {
    /// Its number, `C1`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.describe().id
    }

    /// All of them in the order of their numbers, C before W.
    #[must_use]
    pub fn by_number() -> Vec<Self> {
        let mut all = Self::ALL.to_vec();
        // "W6b" comes after "W6" and before "W7".
        all.sort_by_key(|weakness| {
            let (letter, number) = weakness.id().split_at(1);
            let digits = number.trim_end_matches(char::is_alphabetic);
            (letter, digits.parse::<u8>().unwrap_or(u8::MAX), number)
        });
        all
    }

    const fn bit(self) -> u64 {
        1 << self as u8
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A text that is no weakness's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownWeakness;

impl FromStr for Weakness {
    type Err = UnknownWeakness;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|weakness| weakness.id() == text).ok_or(UnknownWeakness)
    }
}

/// The weaknesses that a peer has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Profile(u64);

impl Profile {
    /// None of them: as DMS's documents and manifests promise.
    pub const INTENDED: Self = Self(0);
    /// All of them: as DMS was read.
    pub const AS_IS: Self = Self((1 << Weakness::ALL.len()) - 1);

    /// Whether the weakness is present.
    #[must_use]
    pub const fn has(self, weakness: Weakness) -> bool {
        self.0 & weakness.bit() != 0
    }
    /// The same with one weakness more.
    #[must_use]
    pub const fn with(self, weakness: Weakness) -> Self {
        Self(self.0 | weakness.bit())
    }
    /// The same with one weakness mended.
    #[must_use]
    pub const fn without(self, weakness: Weakness) -> Self {
        Self(self.0 & !weakness.bit())
    }
    /// Whether more of them are present than absent: differences that have no number are then as in the real DMS.
    #[must_use]
    pub const fn is_nearer_as_is(self) -> bool {
        self.0.count_ones() as usize * 2 > Weakness::ALL.len()
    }
    /// The weaknesses that are present, by number.
    pub fn weaknesses(self) -> impl Iterator<Item = Weakness> {
        Weakness::by_number().into_iter().filter(move |&weakness| self.has(weakness))
    }
}

/// `intended`, `as-is`, or the nearer of the two with what is different: `as-is, fix C1 C4`; `intended, add C9`.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let absent = |f: &mut fmt::Formatter<'_>| {
            Weakness::by_number().into_iter().filter(|&w| !self.has(w)).try_for_each(|w| write!(f, " {w}"))
        };
        let all = Weakness::ALL.len() as u32;
        match self.0.count_ones() {
            0 => f.write_str("intended"),
            n if n == all => f.write_str("as-is"),
            _ if self.is_nearer_as_is() => {
                f.write_str("as-is, fix")?;
                absent(f)
            }
            _ => {
                f.write_str("intended, add")?;
                self.weaknesses().try_for_each(|w| write!(f, " {w}"))
            }
        }
    }
}
impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profile({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_says_what_it_is() {
        assert_eq!(Profile::INTENDED.to_string(), "intended");
        assert_eq!(Profile::AS_IS.to_string(), "as-is");
        let mixed = Profile::AS_IS.without(Weakness::UncheckedNonces).without(Weakness::LooseAnchoring);
        assert_eq!(mixed.to_string(), "as-is, fix C1 C14");
        assert_eq!(Profile::INTENDED.with(Weakness::UnboundDid).to_string(), "intended, add C2");
    }

    #[test]
    fn every_weakness_has_its_own_number_and_bit() {
        for (place, &weakness) in Weakness::ALL.iter().enumerate() {
            assert_eq!(weakness as usize, place);
            assert_eq!(weakness.id().parse(), Ok(weakness));
            assert!(Profile::AS_IS.has(weakness));
            assert!(!Profile::INTENDED.has(weakness));
            assert!(!Profile::AS_IS.without(weakness).has(weakness));
        }
        assert_eq!("C99".parse::<Weakness>(), Err(UnknownWeakness));
    }
}
