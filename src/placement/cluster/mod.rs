//! A central scheduler: one that sees all machines, places jobs one by one, and takes them away when they end.
//!
//! Nothing is scanned where it need not be. The scores of each kind of job are kept in a tree, and only those of
//! machines that have changed are asked for again. First fit needs no scores: for a kind that has come a few times
//! only, it descends a tree of the largest free amounts. [`Cluster::find_slow`] is the plain way, and gives the same.

mod first;
mod scores;
mod tree;

use self::first::Room;
use self::scores::Kinds;
use super::{Ask, Cards, Choosing, Machine, Placement, Policy, Score, judged};
use crate::kernel::Rng;

/// Where a job was put.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// The number of the machine.
    pub machine: usize,
    /// Which of its cards the job has.
    pub cards: Cards,
}

/// Machines and the policy by which jobs come to them.
#[derive(Debug)]
pub struct Cluster {
    placement: Placement,
    /// In the order of their ranks.
    machines: Vec<Machine>,
    /// The number of the machine at a place of that order.
    numbers: Vec<u32>,
    /// The place of a machine by its number.
    places: Vec<u32>,
    index: Index,
}

#[derive(Debug)]
struct Index {
    kinds: Kinds,
    /// For first fit.
    room: Option<Room>,
}

impl Cluster {
    /// A cluster of these machines. The rank of one, by its number, decides among equals, the lowest first; machines
    /// of the same rank go by their numbers. Without `ranks` all do.
    ///
    /// # Panics
    /// If there are ranks, and not one for each machine.
    #[must_use]
    pub fn new(machines: Vec<Machine>, ranks: Option<&[u32]>, placement: Placement) -> Self {
        let mut numbers: Vec<u32> = (0..machines.len() as u32).collect();
        if let Some(ranks) = ranks {
            assert_eq!(ranks.len(), machines.len(), "every machine has a rank");
            numbers.sort_by_key(|&number| ranks[number as usize]);
        }
        let mut places = vec![0; numbers.len()];
        for (place, &number) in numbers.iter().enumerate() {
            places[number as usize] = place as u32;
        }
        let mut all: Vec<Option<Machine>> = machines.into_iter().map(Some).collect();
        let in_order = |&number: &u32| all[number as usize].take().expect("every number stands there once");
        let machines: Vec<Machine> = numbers.iter().map(in_order).collect();
        let is_first_fit = placement.choosing() == Choosing::First;
        let room = is_first_fit.then(|| Room::of(&machines));
        let index = Index { kinds: Kinds::of(machines.len()), room };
        Self { placement, machines, numbers, places, index }
    }

    /// How many machines there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.machines.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.machines.is_empty()
    }

    /// A machine by its number.
    #[must_use]
    pub fn machine(&self, number: usize) -> &Machine {
        &self.machines[self.places[number] as usize]
    }

    /// Puts a job onto the machine that the policy chooses; none where it fits nowhere.
    pub fn place(&mut self, ask: &Ask, random: &mut Rng<'_>) -> Option<Placed> {
        let machine = self.find(ask, random)?;
        let cards = self.placement.cards(ask, self.machine(machine), random);
        self.change(machine, |machine| machine.take(ask, &cards));
        Some(Placed { machine, cards })
    }

    /// Takes a job away.
    pub fn release(&mut self, placed: &Placed, ask: &Ask) {
        self.change(placed.machine, |machine| machine.give_back(ask, &placed.cards));
    }

    /// Changes a machine.
    pub fn change(&mut self, number: usize, how: impl FnOnce(&mut Machine)) {
        let place = self.places[number] as usize;
        how(&mut self.machines[place]);
        self.index.kinds.note_change(place);
        if let Some(room) = &mut self.index.room {
            room.update(place, &self.machines[place]);
        }
    }

    /// The number of the machine that the policy chooses for a job; none where it fits nowhere.
    pub fn find(&mut self, ask: &Ask, random: &mut Rng<'_>) -> Option<usize> {
        let (machines, policy) = (&self.machines, &*self.placement);
        let Index { kinds, room } = &mut self.index;
        let place = match (policy.choosing(), room) {
            (Choosing::First, Some(room)) if kinds.is_rare(ask) => room.find(ask, machines),
            (Choosing::First | Choosing::Best, _) => kinds.best(ask, machines, policy),
            (Choosing::Any, _) => kinds.any(ask, machines, policy, random),
            (Choosing::BestOfDrawn(count), _) => {
                best_of(kinds.drawn(ask, machines, policy, count, random), ask, machines, policy)
            }
        };
        place.map(|place| self.numbers[place] as usize)
    }

    /// The same by looking at every machine; draws alike.
    #[must_use]
    pub fn find_slow(&self, ask: &Ask, random: &mut Rng<'_>) -> Option<usize> {
        let (machines, policy) = (&self.machines, &*self.placement);
        let fitting: Vec<usize> = (0..machines.len()).filter(|&place| machines[place].fits(ask)).collect();
        let place = match policy.choosing() {
            Choosing::First => fitting.first().copied(),
            Choosing::Best => best_of(fitting, ask, machines, policy),
            Choosing::Any => random.choose(&fitting).copied(),
            Choosing::BestOfDrawn(count) => {
                let places = draw(fitting.len(), count, random).into_iter().map(|nth| fitting[nth]).collect();
                best_of(places, ask, machines, policy)
            }
        };
        place.map(|place| self.numbers[place] as usize)
    }
}

/// So many of `all`, or all of them, in ascending order.
fn draw(all: usize, count: u32, random: &mut Rng<'_>) -> Vec<usize> {
    let mut drawn = random.sample_without_replacement(all, all.min(count as usize));
    drawn.sort_unstable();
    drawn
}

/// The place with the best score, the lowest of equals.
fn best_of(places: Vec<usize>, ask: &Ask, machines: &[Machine], policy: &dyn Policy) -> Option<usize> {
    let mut best: Option<(Score, usize)> = None;
    for place in places {
        let score = judged(policy, ask, &machines[place]);
        if best.is_none_or(|(other, _)| score > other) {
            best = Some((score, place));
        }
    }
    best.map(|(_, place)| place)
}

#[cfg(test)]
mod tests;
