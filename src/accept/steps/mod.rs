//! The phrases, chapter by chapter. Those of DMS's own acceptance suite (`acceptance-steps`) keep their words, and
//! assert what they say even where that suite looks away; the others are this program's own.

mod agreements;
mod capabilities;
mod contracts;
mod deployments;
mod faults;
mod information;
mod names;
mod networking;
mod nodes;
mod observing;
mod organizations;
mod placement;
mod recovery;
mod requests;
mod resources;
mod ssh;
mod status;
mod storage;
mod updates;
mod whereabouts;

use super::failure::{Done, Failure};
use super::vocabulary::{Act, Args, Chapter, Entry};
use crate::accept::play::Play;
use crate::accept::setting::Setting;
use crate::kernel::Span;

/// All chapters, in the order in which they are listed.
pub(super) static ALL: &[&Chapter] = &[
    &nodes::CHAPTER,
    &deployments::CHAPTER,
    &information::CHAPTER,
    &updates::CHAPTER,
    &placement::CHAPTER,
    &resources::CHAPTER,
    &observing::CHAPTER,
    &contracts::CHAPTER,
    &agreements::CHAPTER,
    &capabilities::CHAPTER,
    &organizations::CHAPTER,
    &status::CHAPTER,
    &networking::CHAPTER,
    &faults::CHAPTER,
    &whereabouts::CHAPTER,
    &recovery::CHAPTER,
    &storage::CHAPTER,
    &names::CHAPTER,
    &requests::CHAPTER,
    &ssh::CHAPTER,
];

/// A phrase that says what there is.
const fn set(phrase: &'static str, meaning: &'static str, act: fn(&mut Setting, &Args<'_>) -> Done) -> Entry {
    Entry { phrase, act: Act::Set(act), meaning }
}

/// A phrase that does something.
const fn act(
    phrase: &'static str,
    meaning: &'static str,
    act: fn(&mut Play<'_, '_>, &Args<'_>) -> Done,
) -> Entry {
    Entry { phrase, act: Act::Do(act), meaning }
}

/// A phrase that asserts something.
const fn check(
    phrase: &'static str,
    meaning: &'static str,
    act: fn(&mut Play<'_, '_>, &Args<'_>) -> Done,
) -> Entry {
    Entry { phrase, act: Act::Check(act), meaning }
}

/// So many of a unit of time.
fn span(count: u64, unit: &str) -> Result<Span, Failure> {
    let one = match unit.trim_end_matches('s') {
        "second" => Span::secs(1),
        "minute" => Span::mins(1),
        "hour" => Span::hours(1),
        "day" => Span::hours(24),
        other => return Failure::bad(format!("`{other}` is no unit of time")),
    };
    Ok(one.times(count))
}

/// The name of an allocation, by its key `node.allocation` or its full id.
fn own_name(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(_, name)| name)
}

/// What a step says is so, or `why` not.
fn holds(it: bool, why: impl FnOnce() -> String) -> Done {
    if it { Ok(()) } else { Err(Failure::Wrong(why())) }
}
