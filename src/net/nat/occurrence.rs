//! What happens between hosts, for those who keep the books.

use serde::{Deserialize, Serialize};

use super::class::NatClass;
use crate::kernel::Span;
use crate::net::LossReason;
use crate::net::endpoint::EndpointId;

/// How two hosts are connected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// One has dialled the other.
    Direct,
    /// The other dialled back, asked through a relay.
    Reversed,
    /// Both sent at once, agreed through a relay.
    Punched,
    /// Through a relay, for as long as it grants.
    Relayed,
}

impl Way {
    /// All of them, the cheapest first.
    pub const ALL: [Self; 4] = [Self::Direct, Self::Reversed, Self::Punched, Self::Relayed];

    /// Its name in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Reversed => "reversed",
            Self::Punched => "punched",
            Self::Relayed => "relayed",
        }
    }
}

/// Something that happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occurrence {
    /// A connection was dialled for a message.
    Dialled {
        /// What stands before the caller, and before the one that it calls.
        between: [NatClass; 2],
        /// How the two are connected in the end, or why they are not.
        way: Result<Way, LossReason>,
        /// Until messages go, if any do; through a relay first, unless the way is direct.
        ready: Span,
        /// Until they go without a relay, if ever.
        direct: Option<Span>,
        /// Whether it takes the place of a relayed connection whose limit was reached.
        renewed: bool,
    },
    /// A message went through a relay.
    Forwarded {
        /// Its length.
        bytes: u64,
        /// How much longer the way is than the direct one.
        detour: Span,
    },
    /// A relay died.
    RelayDied {
        /// Which.
        relay: EndpointId,
        /// How many hosts had reserved there.
        clients: u32,
    },
    /// A host has another reservation in the place of one that it lost.
    Replaced {
        /// How long after its relay died.
        after: Span,
    },
}
