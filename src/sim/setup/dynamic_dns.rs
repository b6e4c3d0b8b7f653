//! Names for peers whose public address changes.

use super::Selection;
use crate::dms::dynamic_dns::ZoneConfig;
use crate::kernel::Span;

/// A zone of dynamic DNS: who serves it, and who has a name in it.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicDns {
    /// What its server is told.
    pub zone: ZoneConfig,
    /// The peer that serves it.
    pub server: String,
    /// Who keeps a record in it, each under the peer's name: `ada.dyn.example`.
    pub who: Selection,
}

impl DynamicDns {
    /// How long answers are remembered where nothing is said.
    pub const TTL: Span = Span::secs(60);
    /// For how long a name is held without being renewed where nothing is said.
    pub const LEASE: Span = Span::mins(10);
}
