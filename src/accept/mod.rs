//! Acceptance: Gherkin features, run against a simulated network.
//!
//! A scenario of a feature file begins with what there is (nodes, networks, ensembles), from which a
//! [`Setup`](crate::sim::Setup) is made; its other steps drive the world by hand ([`crate::sim::by_hand`]): they order
//! something as an operator would, let simulated time pass until something is the case, and look at what is really
//! there. The vocabulary is that of DMS's own acceptance suite, so that a team's files run unchanged, and this
//! program's own beside it (`dmsim list steps`).
//!
//! The runner is strict. A step that is no phrase, a file that is not Gherkin, a scenario that asserts nothing and a
//! step of which there is nothing to assert are errors with file and line, never passes.
//!
//! - [`feature`]: feature files; `expression`, `vocabulary` and `steps`: what steps can say;
//! - `setting`: what there is; `play`: a scenario that is being played; `crowd`: other peers around it;
//! - [`suite`]: all scenarios of all files, run on all cores; [`results`]: what came of them;
//! - [`output`]: results as text, JSON, JUnit XML and Markdown; [`matrix`]: the test matrix.

pub mod complaint;
mod crowd;
mod ensembles;
mod expression;
mod failure;
pub mod feature;
pub mod matrix;
pub mod output;
mod play;
pub mod results;
mod setting;
mod steps;
pub mod suite;
mod vocabulary;

pub use complaint::Complaint;
pub use feature::{Feature, TagFilter};
pub use results::{CaseResult, Report, Verdict};
pub use suite::{Options, Suite};

/// Every phrase, with its chapter, what it is for (`set`, `do`, `check`) and what it means.
pub fn phrases() -> impl Iterator<Item = (&'static str, &'static str, &'static str, &'static str)> {
    vocabulary::ALL.iter().flat_map(|chapter| {
        let of_chapter = chapter.entries.iter();
        of_chapter.map(|entry| (chapter.title, entry.phrase, entry.act.word(), entry.meaning))
    })
}
