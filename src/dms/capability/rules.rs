//! The switches between DMS as it was read and as it is meant to be, as far as capabilities are concerned.

use crate::dms::profile::{Profile, Weakness};

/// Which of the known weaknesses of capability handling are present (spec section 10).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rules {
    /// C14, second half: the empty capability implies every absolute path. When off, it implies nothing.
    pub empty_implies_absolute: bool,
    /// C4: subsumption compares issuer, subject, audience, expiry and capabilities only, so that a token can
    /// displace one of another purpose. When off, action, topics, depth and the anchors of the chain must be
    /// covered too.
    pub blind_subsumption: bool,
    /// C14, first half: a failing `add_roots` leaves what it accepted before the failure. When off, it
    /// changes nothing.
    pub partial_anchoring: bool,
}

impl Rules {
    /// DMS as it was read.
    pub const AS_IS: Self = Self::of(Profile::AS_IS);
    /// DMS as it is meant to be.
    pub const INTENDED: Self = Self::of(Profile::INTENDED);

    /// The rules of a peer with this profile.
    #[must_use]
    pub const fn of(profile: Profile) -> Self {
        Self {
            empty_implies_absolute: profile.has(Weakness::LooseAnchoring),
            blind_subsumption: profile.has(Weakness::BlindSubsumption),
            partial_anchoring: profile.has(Weakness::LooseAnchoring),
        }
    }
}
impl Default for Rules {
    fn default() -> Self {
        Self::INTENDED
    }
}
