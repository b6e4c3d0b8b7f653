//! The fidelity switches: where the real DMS falls short of its own documents, one switch for each shortcoming.
//!
//! A [`Profile`] is a set of [`Weakness`]es that are present. [`Profile::AS_IS`] has all of them and behaves as DMS
//! was read to behave; [`Profile::INTENDED`] has none and behaves as its documents promise. Numbers are those of
//! dms-orchestration section 8 (W) and of dms-capabilities section 10 (C, the inferred ones in their order).

use std::fmt;
use std::str::FromStr;

/// A shortcoming of the real DMS.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Weakness {
    /// C1: receivers do not look at nonces, so a message can be replayed until it expires.
    UncheckedNonces,
    /// C2: `from.did` need not belong to the key that signs.
    UnboundDid,
    /// C4: subsumption ignores action, topics, depth and chain.
    BlindSubsumption,
    /// C5: the collection of expired tokens never starts.
    NoTokenCollection,
    /// C8: the authority to check an allocation's health is renewed once only.
    LapsingHealthGrants,
    /// C9: who was away when a revocation was broadcast never learns of it.
    NoRevocationCatchUp,
    /// C10: a sender without authority does not notice.
    UnnoticedSelfSigning,
    /// C14: anchoring is not atomic, and the empty capability implies everything absolute.
    LooseAnchoring,
    /// C15: messages to oneself are not signed and dropped for it.
    UnsignedSelfSends,
    /// C3: signatures of contracts are over whatever the signer's copy says, and never verified.
    UnverifiedContracts,
    /// C6: whoever knows a contract can deploy under it.
    LooseParticipants,
    /// C7: any event moves a contract from any state, and its end is noticed late.
    LooseContractStates,
    /// C11: billing windows leave gaps, and overlap.
    GappyBilling,
    /// C12: usage events wait in memory only.
    LostUsageEvents,
}

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

impl Weakness {
    /// All that this version has, by number.
    pub const ALL: [Self; 14] = [
        Self::UncheckedNonces,
        Self::UnboundDid,
        Self::BlindSubsumption,
        Self::NoTokenCollection,
        Self::LapsingHealthGrants,
        Self::NoRevocationCatchUp,
        Self::UnnoticedSelfSigning,
        Self::LooseAnchoring,
        Self::UnsignedSelfSends,
        Self::UnverifiedContracts,
        Self::LooseParticipants,
        Self::LooseContractStates,
        Self::GappyBilling,
        Self::LostUsageEvents,
    ];

    /// What is known about it.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "it is a table")]
    pub const fn describe(self) -> Description {
        let (id, as_is, intended) = match self {
            Self::UncheckedNonces => (
                "C1",
                "receivers do not look at nonces: a message can be replayed until it expires",
                "a receiver remembers the nonces of unexpired messages and drops the second one",
            ),
            Self::UnboundDid => (
                "C2",
                "the sender's DID is not bound to its key: a member can act in another's name",
                "the DID must be that of the sender's host, and a root actor's key that of its host",
            ),
            Self::BlindSubsumption => (
                "C4",
                "a newly anchored token displaces one of another action, topic, depth or chain",
                "a token displaces another only when it allows all that the other allows",
            ),
            Self::NoTokenCollection => (
                "C5",
                "expired tokens and revocations stay in the stores for ever",
                "they are dropped every two minutes of activity",
            ),
            Self::LapsingHealthGrants => (
                "C8",
                "the right to check an allocation's health lapses after four hours",
                "it is renewed for as long as the allocation lives",
            ),
            Self::NoRevocationCatchUp => (
                "C9",
                "a peer that was away during a revocation's broadcast accepts the revoked token until it expires",
                "peers compare their revocations when they connect and fetch what they lack",
            ),
            Self::UnnoticedSelfSigning => (
                "C10",
                "a sender without authority signs for itself and only sees a timeout",
                "a node knows that it sent without authority, says so, and anchors nothing that was granted to others",
            ),
            Self::LooseAnchoring => (
                "C14",
                "a failing anchor request leaves half of its tokens behind, and the empty capability gives all",
                "anchoring is all or nothing, and the empty capability gives nothing",
            ),
            Self::UnsignedSelfSends => (
                "C15",
                "messages to oneself are sent unsigned and dropped by the own signature check",
                "they are signed like all others",
            ),
            Self::UnverifiedContracts => (
                "C3",
                "a contract's signatures cover a copy that changes, and its host never verifies them",
                "they cover what was agreed, and the host takes only those that hold",
            ),
            Self::LooseParticipants => (
                "C6",
                "whoever knows the DID of a valid contract can deploy under it, at the cost of its requestor",
                "providers bid under a contract only for its requestor",
            ),
            Self::LooseContractStates => (
                "C7",
                "ended contracts move on, the end date is noticed late, and a missing termination option breaks the host",
                "what has ended can only be settled, the end date ends it at once, and a termination is refused",
            ),
            Self::GappyBilling => (
                "C11",
                "usage near the boundaries of billing windows is billed twice or never, and the last part is not billed",
                "windows are laid end to end from the start of a contract to its end, and runs are clipped to them",
            ),
            Self::LostUsageEvents => (
                "C12",
                "usage events that wait to be delivered are lost at a restart, and with too many or too late answers",
                "they are kept until they are delivered, and a restart tells what stopped with it",
            ),
        };
        Description { id, as_is, intended }
    }

    /// Its number, `C1`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.describe().id
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
        Self::ALL.into_iter().find(|weakness| weakness.id() == text).ok_or(UnknownWeakness)
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
    /// The weaknesses that are present, by number.
    pub fn weaknesses(self) -> impl Iterator<Item = Weakness> {
        Weakness::ALL.into_iter().filter(move |&weakness| self.has(weakness))
    }
}

/// `intended`, `as-is`, or the nearer of the two with what is different: `as-is, fix C1 C4`; `intended, add C9`.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let absent = |f: &mut fmt::Formatter<'_>| {
            Weakness::ALL.into_iter().filter(|&w| !self.has(w)).try_for_each(|w| write!(f, " {w}"))
        };
        let all = Weakness::ALL.len() as u32;
        match self.0.count_ones() {
            0 => f.write_str("intended"),
            n if n == all => f.write_str("as-is"),
            n if n * 2 > all => {
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
        for (place, weakness) in Weakness::ALL.into_iter().enumerate() {
            assert_eq!(weakness as usize, place);
            assert_eq!(weakness.id().parse(), Ok(weakness));
            assert!(Profile::AS_IS.has(weakness));
            assert!(!Profile::INTENDED.has(weakness));
            assert!(!Profile::AS_IS.without(weakness).has(weakness));
        }
        assert_eq!("C99".parse::<Weakness>(), Err(UnknownWeakness));
    }
}
