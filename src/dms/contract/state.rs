//! The states of a contract and what moves it between them (dms-capabilities section 6.3).
//!
//! DMS declares nine states and eight events and performs few of the transitions that they suggest: a contract is a
//! draft until two have signed, then accepted until it is terminated, completed or settled. Nothing in the real DMS
//! stops a completed contract from being terminated (C7); as it is meant, what has ended stays ended.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A state. Those that no code of DMS sets are kept because they travel in contracts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Created; not yet signed by both.
    #[default]
    Draft,
    /// Never set.
    Proposed,
    /// Signed by both: it holds.
    Accepted,
    /// Never set, and as good as accepted.
    Active,
    /// Never set.
    Paused,
    /// Never set.
    Updated,
    /// Ended before its time.
    Terminated,
    /// Ended as agreed.
    Completed,
    /// Its accounts are closed.
    Settled,
}

impl State {
    /// DMS's own word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Proposed => "PROPOSED",
            Self::Accepted => "ACCEPTED",
            Self::Active => "ACTIVE",
            Self::Paused => "PAUSED",
            Self::Updated => "UPDATED",
            Self::Terminated => "TERMINATED",
            Self::Completed => "COMPLETED",
            Self::Settled => "SETTLED",
        }
    }
    /// Whether deployments may rely on it.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        matches!(self, Self::Accepted | Self::Active)
    }
    /// Whether the contract has come to its end with it.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Terminated | Self::Completed)
    }
}
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What moves a contract. Of the declared events `PROPOSE`, `ACTIVATE`, `DISPUTE` and `UPDATED` nobody performs, and
/// a contract that names one in its past cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Event {
    /// The second signature.
    Accepted,
    /// A party ends it before its time.
    Terminate,
    /// A party, or the end date, ends it.
    Complete,
    /// The accounts are closed.
    Settle,
}

impl Event {
    /// DMS's own word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Terminate => "TERMINATE",
            Self::Complete => "COMPLETE",
            Self::Settle => "SETTLE",
        }
    }
    /// The state that it leads to.
    #[must_use]
    pub const fn target(self) -> State {
        match self {
            Self::Accepted => State::Accepted,
            Self::Terminate => State::Terminated,
            Self::Complete => State::Completed,
            Self::Settle => State::Settled,
        }
    }
    /// The strict machine: whether the event may come in this state of a contract that has, or has not, ended once.
    /// A settled contract that has not ended goes on, and can still be terminated or completed; one that has ended
    /// can only be settled.
    #[must_use]
    pub const fn is_allowed(self, state: State, ended: bool) -> bool {
        match self {
            Self::Accepted => matches!(state, State::Draft | State::Proposed | State::Updated),
            Self::Terminate => !ended && !state.is_end(),
            Self::Complete => !ended && (state.is_valid() || matches!(state, State::Settled | State::Paused)),
            Self::Settle => state.is_valid() || state.is_end(),
        }
    }
}
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a contract does not move.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TransitionError {
    /// Its parties have not agreed that it may be terminated.
    #[error("contract is not allowed to be terminated")]
    NotTerminable,
    /// The strict machine has no such step.
    #[error("a contract that is {0} cannot take {1}")]
    Impossible(State, Event),
    /// It says nothing about termination; the real DMS breaks down over this (C7).
    #[error("the contract has no termination option")]
    NoTerminationOption,
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 4] = [Event::Accepted, Event::Terminate, Event::Complete, Event::Settle];

    #[test]
    fn the_strict_machine_in_full() {
        let allowed = |state, ended| -> Vec<Event> {
            EVENTS.into_iter().filter(|event| event.is_allowed(state, ended)).collect()
        };
        use Event::{Accepted, Complete, Settle, Terminate};
        for (state, ended, events) in [
            (State::Draft, false, &[Accepted, Terminate][..]),
            (State::Proposed, false, &[Accepted, Terminate]),
            (State::Accepted, false, &[Terminate, Complete, Settle]),
            (State::Active, false, &[Terminate, Complete, Settle]),
            (State::Paused, false, &[Terminate, Complete]),
            (State::Updated, false, &[Accepted, Terminate]),
            (State::Settled, false, &[Terminate, Complete]),
            (State::Terminated, true, &[Settle]),
            (State::Completed, true, &[Settle]),
            (State::Settled, true, &[]),
        ] {
            assert_eq!(allowed(state, ended), events, "{state}");
        }
    }

    #[test]
    fn words_are_those_of_dms() {
        for event in EVENTS {
            assert_eq!(serde_json::to_string(&event).unwrap(), format!("\"{event}\""));
            let state = event.target();
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
        }
    }
}
