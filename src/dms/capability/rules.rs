//! The switches between DMS as it was read and as it is meant to be, as far as capabilities are concerned.

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
    pub const AS_IS: Self =
        Self { empty_implies_absolute: true, blind_subsumption: true, partial_anchoring: true };
    /// DMS as it is meant to be.
    pub const INTENDED: Self =
        Self { empty_implies_absolute: false, blind_subsumption: false, partial_anchoring: false };
}
impl Default for Rules {
    fn default() -> Self {
        Self::INTENDED
    }
}
