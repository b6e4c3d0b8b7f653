//! The scores of all machines for each kind of job, kept until a machine changes.
//!
//! A kind is built when a job of it comes for the first time, from the scores of all machines; whenever another one
//! comes, only machines that have changed since are asked again. Where there are too many kinds to keep, the one that
//! has not been asked for the longest goes.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::draw;
use super::tree::{Summary, Tree};
use crate::kernel::Rng;
use crate::placement::{Ask, Choosing, Machine, Policy, Score, judged};

/// How many scores are kept at most, over all kinds: 4 million take about 100 MB.
const MOST_SCORES: usize = 4_000_000;
/// So many kinds are kept in any case.
const FEWEST_KINDS: usize = 8;
/// A kind that has come so often is worth an index of its own.
const COMMON: u32 = 8;

/// The best of some machines; none where the job fits on none of them.
#[derive(Clone, Copy, Debug)]
struct Best(Option<(Score, u32)>);

impl Summary for Best {
    fn empty() -> Self {
        Self(None)
    }

    fn join(left: &Self, right: &Self) -> Self {
        match (left.0, right.0) {
            // Among equals the left one wins, which has the lower rank.
            (Some((one, _)), Some((other, _))) if other > one => *right,
            (Some(_), _) => *left,
            (None, _) => *right,
        }
    }
}

/// What is kept of a kind: its best machine, or where it fits.
#[derive(Debug)]
enum Kept {
    Best(Tree<Best>),
    Fitting(Tree<u32>),
}

#[derive(Debug)]
struct Kind {
    kept: Kept,
    /// Up to which change it has been brought.
    seen: u64,
    /// The version of each machine that its scores are of.
    versions: Vec<u32>,
    /// When it was asked for the last time.
    asked: u64,
}

/// All kinds, and which machines have changed.
#[derive(Debug)]
pub(super) struct Kinds {
    kinds: FxHashMap<Ask, Kind>,
    /// How often each kind was asked for, where that is of interest.
    times: FxHashMap<Ask, u32>,
    most: usize,
    asked: u64,
    /// How often each machine has changed.
    versions: Vec<u32>,
    /// The places of the machines that have changed last, as many as there are machines at most.
    changes: VecDeque<u32>,
    /// How many changes there have been before these.
    forgotten: u64,
}

impl Kinds {
    pub(super) fn of(machines: usize) -> Self {
        Self {
            kinds: FxHashMap::default(),
            times: FxHashMap::default(),
            most: (MOST_SCORES / machines.max(1)).max(FEWEST_KINDS),
            asked: 0,
            versions: vec![0; machines],
            changes: VecDeque::new(),
            forgotten: 0,
        }
    }

    /// Keeps no more kinds than these.
    #[cfg(test)]
    pub(super) const fn keep_at_most(&mut self, kinds: usize) {
        self.most = kinds;
    }

    /// Whether jobs of this kind have come a few times only; this one counts.
    pub(super) fn is_rare(&mut self, ask: &Ask) -> bool {
        if self.kinds.contains_key(ask) {
            return false;
        }
        let times = self.times.entry(ask.clone()).or_default();
        *times += 1;
        *times < COMMON
    }

    /// A machine has changed.
    pub(super) fn note_change(&mut self, place: usize) {
        self.versions[place] = self.versions[place].wrapping_add(1);
        if self.changes.len() >= self.versions.len() {
            self.changes.pop_front();
            self.forgotten += 1;
        }
        self.changes.push_back(place as u32);
    }

    /// The place with the best score.
    pub(super) fn best(&mut self, ask: &Ask, machines: &[Machine], policy: &dyn Policy) -> Option<usize> {
        match self.brought_up(ask, machines, policy) {
            Kept::Best(tree) => tree.root().0.map(|(_, place)| place as usize),
            Kept::Fitting(_) => None,
        }
    }

    /// Any place where the job fits.
    pub(super) fn any(
        &mut self,
        ask: &Ask,
        machines: &[Machine],
        policy: &dyn Policy,
        random: &mut Rng<'_>,
    ) -> Option<usize> {
        match self.brought_up(ask, machines, policy) {
            Kept::Fitting(tree) if *tree.root() > 0 => {
                Some(tree.nth(random.below(u64::from(*tree.root())) as u32))
            }
            _ => None,
        }
    }

    /// So many places where it fits, drawn.
    pub(super) fn drawn(
        &mut self,
        ask: &Ask,
        machines: &[Machine],
        policy: &dyn Policy,
        count: u32,
        random: &mut Rng<'_>,
    ) -> Vec<usize> {
        match self.brought_up(ask, machines, policy) {
            Kept::Fitting(tree) => {
                let all = *tree.root() as usize;
                draw(all, count, random).into_iter().map(|nth| tree.nth(nth as u32)).collect()
            }
            Kept::Best(_) => Vec::new(),
        }
    }

    /// What is kept of a kind of job, with all changes.
    fn brought_up(&mut self, ask: &Ask, machines: &[Machine], policy: &dyn Policy) -> &Kept {
        self.asked += 1;
        let now = self.forgotten + self.changes.len() as u64;
        if !self.kinds.contains_key(ask) {
            self.make_room();
            let kept = build(ask, machines, policy);
            let kind = Kind { kept, seen: now, versions: self.versions.clone(), asked: 0 };
            self.kinds.insert(ask.clone(), kind);
        }
        let kind = self.kinds.get_mut(ask).expect("it has just been put there");
        kind.asked = self.asked;
        match kind.seen.checked_sub(self.forgotten) {
            Some(seen) => {
                for &place in self.changes.range(seen as usize..) {
                    kind.update(place as usize, &self.versions, ask, machines, policy);
                }
            }
            None => {
                (0..machines.len())
                    .for_each(|place| kind.update(place, &self.versions, ask, machines, policy));
            }
        }
        kind.seen = now;
        &kind.kept
    }

    /// Forgets the kind that has not been asked for the longest, if there are too many.
    fn make_room(&mut self) {
        if self.kinds.len() >= self.most {
            // No two were asked for at the same time, so the order of the map says nothing.
            let oldest = self.kinds.iter().min_by_key(|(_, kind)| kind.asked).map(|(ask, _)| ask.clone());
            oldest.and_then(|ask| self.kinds.remove(&ask));
        }
    }
}

impl Kind {
    /// Asks for the score of a machine again if it has changed.
    fn update(
        &mut self,
        place: usize,
        versions: &[u32],
        ask: &Ask,
        machines: &[Machine],
        policy: &dyn Policy,
    ) {
        if std::mem::replace(&mut self.versions[place], versions[place]) == versions[place] {
            return;
        }
        match &mut self.kept {
            Kept::Best(tree) => tree.set(place, best(place, ask, machines, policy)),
            Kept::Fitting(tree) => {
                let fits = u32::from(machines[place].fits(ask));
                if *tree.leaf(place) != fits {
                    tree.set(place, fits);
                }
            }
        }
    }
}

fn build(ask: &Ask, machines: &[Machine], policy: &dyn Policy) -> Kept {
    match policy.choosing() {
        Choosing::Any | Choosing::BestOfDrawn(_) => {
            Kept::Fitting(Tree::of(machines.iter().map(|machine| u32::from(machine.fits(ask)))))
        }
        Choosing::Best | Choosing::First => {
            Kept::Best(Tree::of((0..machines.len()).map(|place| best(place, ask, machines, policy))))
        }
    }
}

/// What one machine is for a job.
fn best(place: usize, ask: &Ask, machines: &[Machine], policy: &dyn Policy) -> Best {
    let machine = &machines[place];
    Best(machine.fits(ask).then(|| (judged(policy, ask, machine), place as u32)))
}
