//! Stretches of time made of records: of a deployment, its phases, rounds of bids and recoveries, and of allocations
//! that run. Both the Perfetto trace and the OTLP traces are made of these.
//!
//! What is open is kept, and nothing of what has ended: the memory that it takes does not grow with the run.

use std::collections::BTreeMap;

use super::record::{FactRecord, Record, Step, What};
use crate::kernel::Time;

/// What a span is of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SpanKind {
    /// A deployment, from being accepted to its last state.
    Deployment,
    /// One of its states.
    Phase,
    /// A round of asking for bids.
    Round,
    /// A node, from being missed to running again.
    Recovery,
    /// An allocation that runs.
    Run,
}

impl SpanKind {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Phase => "phase",
            Self::Round => "round",
            Self::Recovery => "recovery",
            Self::Run => "run",
        }
    }
}

/// A stretch of time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// Of what.
    pub kind: SpanKind,
    /// Its title beside that: the deployment's name, the phase, the number of the round, the node, `node.allocation`.
    pub name: String,
    /// The number of the deployment.
    pub deployment: u32,
    /// Counts the spans of the deployment, from 0, which is the deployment itself; its number and this one tell it
    /// apart.
    pub number: u32,
    /// The number of the span that it is a part of.
    pub parent: Option<u32>,
    /// Where it happens: at the orchestrator, or at the provider of an allocation.
    pub peer: u32,
    /// The generation of an allocation.
    pub generation: Option<u32>,
    /// When it began.
    pub start: Time,
}

/// How a span ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending<'a> {
    /// When.
    pub at: Time,
    /// In a word or a few.
    pub how: &'a str,
    /// Whether that is a failure.
    pub is_failure: bool,
}

/// A span begins or ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<'a> {
    /// It begins.
    Begins(&'a Span),
    /// It ends.
    Ends(&'a Span, Ending<'a>),
}

/// A deployment that lives.
#[derive(Debug)]
struct Live {
    root: Span,
    /// Who orchestrates it.
    by: u32,
    phase: Option<(&'static str, Span)>,
    round: Option<Span>,
    rounds: u32,
    recoveries: BTreeMap<String, Span>,
}

/// An allocation that runs: peer, deployment, `node.allocation`, generation.
type RunKey = (u32, u32, String, u32);

/// All that is open.
#[derive(Debug, Default)]
pub struct Spans {
    live: BTreeMap<u32, Live>,
    runs: BTreeMap<RunKey, Span>,
    /// How many spans each deployment has had, by its number.
    counts: Vec<u32>,
}

impl Spans {
    /// Takes a record and tells what begins and ends by it, ends first.
    pub fn take(&mut self, record: &Record<'_>, tell: &mut dyn FnMut(Change<'_>)) {
        match record.what {
            What::Fact(fact) => {
                if let Some(deployment) = fact.labels.deployment {
                    self.step(record.at, deployment, fact, tell);
                }
            }
            What::Down { peer, with_machine: true } => self.end_runs_of(record.at, peer, tell),
            What::End => self.end_all(record.at, tell),
            What::Begin(_) | What::Up(_) | What::Down { .. } | What::Fault(_) | What::Message(_) => {}
        }
    }

    fn step(&mut self, at: Time, deployment: u32, fact: &FactRecord<'_>, tell: &mut dyn FnMut(Change<'_>)) {
        match fact.step {
            Step::None => {}
            Step::Accepted(name) => self.accept(at, deployment, fact.peer, name, tell),
            Step::TurnedDown { name, reason } => {
                self.accept(at, deployment, fact.peer, name, tell);
                self.finish(deployment, Ending { at, how: reason, is_failure: true }, tell);
            }
            Step::Status { status, is_terminal, failure } => {
                self.enter(at, deployment, fact.peer, status, tell);
                if is_terminal {
                    let ending =
                        Ending { at, how: failure.unwrap_or(status), is_failure: status == "Failed" };
                    self.finish(deployment, ending, tell);
                }
            }
            Step::RoundOpened => self.open_round(at, deployment, tell),
            Step::Recovers => self.recovers(at, deployment, fact, tell),
            Step::HandedOver => {
                if let Some(live) = self.live.get_mut(&deployment) {
                    live.by = fact.peer;
                    // Whatever it does from now on it does elsewhere.
                    if let Some((phase, span)) = live.phase.take() {
                        end_round(live, Ending::at(at, "handed over"), tell);
                        tell(Change::Ends(&span, Ending::at(at, "handed over")));
                        self.enter(at, deployment, fact.peer, phase, tell);
                    }
                }
            }
            Step::Runs => self.runs(at, deployment, fact, tell),
            Step::Stops(how) => {
                let is_failure = how == "failed";
                if let Some(span) = self.runs.remove(&run_key(deployment, fact)) {
                    tell(Change::Ends(&span, Ending { at, how, is_failure }));
                }
            }
        }
    }

    fn number(&mut self, deployment: u32) -> u32 {
        let place = deployment as usize;
        if self.counts.len() <= place {
            self.counts.resize(place + 1, 0);
        }
        let number = self.counts[place];
        self.counts[place] += 1;
        number
    }

    fn span(&mut self, kind: SpanKind, deployment: u32, name: String, peer: u32, start: Time) -> Span {
        let number = self.number(deployment);
        let parent = (number > 0).then_some(0);
        Span { kind, name, deployment, number, parent, peer, generation: None, start }
    }

    fn accept(&mut self, at: Time, deployment: u32, peer: u32, name: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let root = self.span(SpanKind::Deployment, deployment, name.to_owned(), peer, at);
        tell(Change::Begins(&root));
        let live = Live { root, by: peer, phase: None, round: None, rounds: 0, recoveries: BTreeMap::new() };
        self.live.insert(deployment, live);
    }

    /// A deployment is in this state now.
    fn enter(
        &mut self,
        at: Time,
        deployment: u32,
        peer: u32,
        status: &'static str,
        tell: &mut dyn FnMut(Change<'_>),
    ) {
        let Some(live) = self.live.get_mut(&deployment) else { return };
        if live.phase.as_ref().is_some_and(|(phase, _)| *phase == status) {
            return;
        }
        let ending = Ending::at(at, status);
        end_round(live, ending, tell);
        if let Some((_, span)) = live.phase.take() {
            tell(Change::Ends(&span, ending));
        }
        if status == "Running" {
            std::mem::take(&mut live.recoveries).values().for_each(|span| tell(Change::Ends(span, ending)));
        }
        if matches!(status, "Failed" | "Completed") {
            return;
        }
        let span = self.span(SpanKind::Phase, deployment, status.to_owned(), peer, at);
        tell(Change::Begins(&span));
        if let Some(live) = self.live.get_mut(&deployment) {
            live.phase = Some((status, span));
        }
    }

    fn open_round(&mut self, at: Time, deployment: u32, tell: &mut dyn FnMut(Change<'_>)) {
        let Some(live) = self.live.get_mut(&deployment) else { return };
        end_round(live, Ending::at(at, "another round"), tell);
        live.rounds += 1;
        let (by, rounds) = (live.by, live.rounds);
        let phase = live.phase.as_ref().map(|(_, span)| span.number);
        let mut span = self.span(SpanKind::Round, deployment, rounds.to_string(), by, at);
        span.parent = phase.or(span.parent);
        tell(Change::Begins(&span));
        if let Some(live) = self.live.get_mut(&deployment) {
            live.round = Some(span);
        }
    }

    fn recovers(
        &mut self,
        at: Time,
        deployment: u32,
        fact: &FactRecord<'_>,
        tell: &mut dyn FnMut(Change<'_>),
    ) {
        let node = fact.labels.node.unwrap_or_default();
        let Some(live) = self.live.get(&deployment) else { return };
        if live.recoveries.contains_key(node) {
            return;
        }
        let by = live.by;
        let span = self.span(SpanKind::Recovery, deployment, node.to_owned(), by, at);
        tell(Change::Begins(&span));
        if let Some(live) = self.live.get_mut(&deployment) {
            live.recoveries.insert(node.to_owned(), span);
        }
    }

    fn runs(&mut self, at: Time, deployment: u32, fact: &FactRecord<'_>, tell: &mut dyn FnMut(Change<'_>)) {
        let node = fact.labels.node.unwrap_or_default();
        if let Some(live) = self.live.get_mut(&deployment)
            && let Some(span) = live.recoveries.remove(node)
        {
            tell(Change::Ends(&span, Ending::at(at, "runs again")));
        }
        let key = run_key(deployment, fact);
        if !self.runs.contains_key(&key) {
            let mut span = self.span(SpanKind::Run, deployment, key.2.clone(), fact.peer, at);
            span.generation = fact.labels.generation;
            tell(Change::Begins(&span));
            self.runs.insert(key, span);
        }
    }

    /// A deployment has ended: so has all that its orchestrator was doing. What runs of it ends by itself.
    fn finish(&mut self, deployment: u32, ending: Ending<'_>, tell: &mut dyn FnMut(Change<'_>)) {
        let Some(mut live) = self.live.remove(&deployment) else { return };
        end_round(&mut live, ending, tell);
        live.recoveries.values().for_each(|span| tell(Change::Ends(span, ending)));
        if let Some((_, span)) = &live.phase {
            tell(Change::Ends(span, ending));
        }
        tell(Change::Ends(&live.root, ending));
    }

    fn end_runs_of(&mut self, at: Time, peer: u32, tell: &mut dyn FnMut(Change<'_>)) {
        let of_peer = (peer, 0, String::new(), 0)..(peer + 1, 0, String::new(), 0);
        let keys: Vec<RunKey> = self.runs.range(of_peer).map(|(key, _)| key.clone()).collect();
        let ending = Ending { at, how: "peer lost", is_failure: true };
        keys.iter()
            .filter_map(|key| self.runs.remove(key))
            .for_each(|span| tell(Change::Ends(&span, ending)));
    }

    fn end_all(&mut self, at: Time, tell: &mut dyn FnMut(Change<'_>)) {
        let ending = Ending::at(at, "end of the run");
        for span in std::mem::take(&mut self.runs).values() {
            tell(Change::Ends(span, ending));
        }
        let all: Vec<u32> = self.live.keys().copied().collect();
        all.into_iter().for_each(|deployment| self.finish(deployment, ending, tell));
    }
}

impl<'a> Ending<'a> {
    const fn at(at: Time, how: &'a str) -> Self {
        Self { at, how, is_failure: false }
    }
}

fn end_round(live: &mut Live, ending: Ending<'_>, tell: &mut dyn FnMut(Change<'_>)) {
    if let Some(span) = live.round.take() {
        tell(Change::Ends(&span, ending));
    }
}

fn run_key(deployment: u32, fact: &FactRecord<'_>) -> RunKey {
    let labels = &fact.labels;
    let name = format!("{}.{}", labels.node.unwrap_or_default(), labels.allocation.unwrap_or_default());
    (fact.peer, deployment, name, labels.generation.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Labels;

    /// What begins (`+`) and ends (`-`), with its place.
    struct Told(Spans, Vec<String>);

    impl Told {
        fn take(&mut self, seconds: u64, what: What<'_>) {
            let Self(spans, told) = self;
            spans.take(&Record { at: Time(seconds * 1_000_000_000), what }, &mut |change| {
                told.push(match change {
                    Change::Begins(span) => format!("+{} {} @{}", span.kind.as_str(), span.name, span.peer),
                    Change::Ends(span, ending) => {
                        format!("-{} {}: {}", span.kind.as_str(), span.name, ending.how)
                    }
                });
            });
        }

        fn step(&mut self, seconds: u64, peer: u32, step: Step<'_>) {
            let labels = Labels {
                deployment: Some(0),
                node: Some("n"),
                allocation: Some("a"),
                generation: Some(0),
                ..Labels::default()
            };
            let kind = "any";
            let fact =
                FactRecord { kind, peer, count: 1, is_trouble: false, labels, content: Vec::new(), step };
            self.take(seconds, What::Fact(&fact));
        }

        fn status(&mut self, seconds: u64, peer: u32, status: &'static str) {
            let is_terminal = status == "Completed";
            self.step(seconds, peer, Step::Status { status, is_terminal, failure: None });
        }

        fn expect(&mut self, changes: &[&str]) {
            assert_eq!(std::mem::take(&mut self.1), changes);
        }
    }

    fn begun() -> Told {
        let mut told = Told(Spans::default(), Vec::new());
        told.step(0, 1, Step::Accepted("web"));
        told.status(0, 1, "Preparing");
        told.step(0, 1, Step::RoundOpened);
        told.expect(&["+deployment web @1", "+phase Preparing @1", "+round 1 @1"]);
        told
    }

    #[test]
    fn a_deployment_goes_through_its_phases_and_all_of_it_ends() {
        let mut told = begun();
        told.step(5, 1, Step::RoundOpened);
        told.expect(&["-round 1: another round", "+round 2 @1"]);
        told.status(10, 1, "Running");
        told.expect(&["-round 2: Running", "-phase Preparing: Running", "+phase Running @1"]);
        told.step(10, 2, Step::Runs);
        told.step(11, 2, Step::Runs);
        told.status(11, 1, "Running");
        told.expect(&["+run n.a @2"]);
        told.step(20, 1, Step::Recovers);
        told.step(21, 1, Step::Recovers);
        told.status(30, 1, "Completed");
        told.expect(&[
            "+recovery n @1",
            "-phase Running: Completed",
            "-recovery n: Completed",
            "-deployment web: Completed",
        ]);
        // What runs ends by itself, and what comes after the end is nothing new.
        told.status(31, 1, "Running");
        told.step(31, 2, Step::Stops("terminated"));
        told.take(40, What::End);
        told.expect(&["-run n.a: terminated"]);
    }

    #[test]
    fn what_runs_on_a_machine_that_is_lost_ends_with_it_and_recovers_elsewhere() {
        let mut told = begun();
        told.step(1, 2, Step::Runs);
        told.take(2, What::Down { peer: 2, with_machine: false });
        told.expect(&["+run n.a @2"]);
        told.take(3, What::Down { peer: 2, with_machine: true });
        told.step(4, 1, Step::Recovers);
        told.step(9, 3, Step::Runs);
        told.expect(&["-run n.a: peer lost", "+recovery n @1", "-recovery n: runs again", "+run n.a @3"]);
    }

    #[test]
    fn who_takes_over_has_the_phase_and_the_end_of_the_run_ends_all() {
        let mut told = begun();
        told.step(7, 4, Step::HandedOver);
        told.expect(&["-round 1: handed over", "-phase Preparing: handed over", "+phase Preparing @4"]);
        told.take(9, What::End);
        told.expect(&["-phase Preparing: end of the run", "-deployment web: end of the run"]);
        assert!(told.0.live.is_empty() && told.0.runs.is_empty());
    }
}
