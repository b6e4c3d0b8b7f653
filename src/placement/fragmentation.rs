//! How much of the free room of graphics cards is of no use to the jobs that are to be expected (Weng et al.,
//! "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent", USENIX ATC 2023,
//! section 3).
//!
//! Given a [`Mix`] of typical jobs and how often each comes, the fragmentation of a machine is the expected room of its
//! cards, in thousandths of a card, that a job drawn from the mix cannot use: all of it where the job does not fit for
//! want of cores, of cards, or of its model, and otherwise what is free on cards that have too little for it.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::ask::{Ask, Tag};
use super::machine::{Card, Machine};

/// A kind of job, and how often it comes.
#[derive(Clone, PartialEq, Debug)]
pub struct Typical {
    /// What such a job asks; its memory and disk do not count.
    pub ask: Ask,
    /// Which part of all jobs these are, 0 to 1.
    pub frequency: f64,
}

/// The jobs that are to be expected.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Mix {
    typical: Vec<Typical>,
}

/// So many of all jobs, in per cent, are of the kinds in a mix at least: the rare rest is left out.
const COVERED_PERCENT: u64 = 95;

impl Mix {
    /// A mix of these kinds, in this order.
    #[must_use]
    pub const fn new(typical: Vec<Typical>) -> Self {
        Self { typical }
    }

    /// The most common kinds of these jobs, so many that they make up 95 % of them. Each job comes with the name of its
    /// kind; of kinds that are equally common, those with the higher name go first. The frequencies add up to one.
    pub fn of<K: Ord + Hash + Clone>(jobs: impl IntoIterator<Item = (K, Ask)>) -> Self {
        let mut places: FxHashMap<K, usize> = FxHashMap::default();
        let mut kinds: Vec<(u64, K, Ask)> = Vec::new();
        let mut total = 0;
        for (kind, ask) in jobs {
            let place = *places.entry(kind.clone()).or_insert_with(|| {
                kinds.push((0, kind, ask));
                kinds.len() - 1
            });
            kinds[place].0 += 1;
            total += 1;
        }
        kinds.sort_by(|(ones, one, _), (others, other, _)| (others, other).cmp(&(ones, one)));
        let mut kept = 0;
        let mut taken = 0;
        while let Some((count, ..)) = kinds.get(taken).filter(|_| kept * 100 < total * COVERED_PERCENT) {
            kept += count;
            taken += 1;
        }
        kinds.truncate(taken);
        // Divided in this order, and not count by kept: the last bit decides between two machines now and then.
        let frequency = |count| (count as f64 / total as f64) / (kept as f64 / total as f64);
        let typical = kinds.into_iter().map(|(count, _, ask)| Typical { ask, frequency: frequency(count) });
        Self { typical: typical.collect() }
    }

    /// The kinds.
    #[must_use]
    pub fn typical(&self) -> &[Typical] {
        &self.typical
    }

    /// The fragmentation of a machine, in thousandths of a card.
    ///
    /// There is one running sum for each reason why room is of no use, and they are added up at the end in a fixed
    /// order: floats do not add up to the same in another one, and scores that are rounded to whole numbers would
    /// differ.
    #[must_use]
    pub fn fragmentation(&self, machine: &Machine) -> f64 {
        self.fragmentation_of(machine.free.cpu_milli, &machine.cards)
    }

    /// The same for so many free cores and these cards.
    #[must_use]
    pub fn fragmentation_of(&self, cpu_milli: u64, cards: &[Card]) -> f64 {
        let free_milli: u64 = cards.iter().map(|card| u64::from(card.free_milli)).sum();
        if free_milli == 0 {
            return 0.0;
        }
        let uniform = cards.iter().all(|card| card.tags == cards[0].tags);
        let all = free_milli as f64;
        let mut sums = Sums::default();
        for Typical { ask, frequency } in &self.typical {
            let has_cpu = cpu_milli >= ask.cpu_milli;
            if ask.cards == 0 {
                *(if has_cpu { &mut sums.no_card_wanted } else { &mut sums.no_card_wanted_nor_cpu }) +=
                    frequency * all;
                continue;
            }
            let accepted = |tags: &[Tag; 2]| uniform || ask.accepts(tags);
            let is_accepted = if uniform {
                ask.accepts(&cards[0].tags)
            } else {
                cards.iter().any(|card| accepted(&card.tags))
            };
            if !is_accepted {
                sums.wrong_model += frequency * all;
                continue;
            }
            let (mut fitting, mut useless_milli) = (0, 0);
            for card in cards {
                if card.free_milli >= ask.card_milli && accepted(&card.tags) {
                    fitting += 1;
                } else {
                    useless_milli += u64::from(card.free_milli);
                }
            }
            match (fitting >= ask.cards, has_cpu) {
                (true, true) => sums.lacks_cards += frequency * useless_milli as f64,
                (false, true) => sums.lacks_cards += frequency * all,
                (true, false) => sums.lacks_cpu += frequency * all,
                (false, false) => sums.lacks_both += frequency * all,
            }
        }
        sums.total()
    }
}

/// Expected room that is of no use, by the reason.
#[derive(Default)]
struct Sums {
    lacks_both: f64,
    lacks_cards: f64,
    lacks_cpu: f64,
    no_card_wanted: f64,
    no_card_wanted_nor_cpu: f64,
    wrong_model: f64,
}

impl Sums {
    fn total(&self) -> f64 {
        let order = [
            self.lacks_both,
            self.lacks_cards,
            self.lacks_cpu,
            self.no_card_wanted,
            self.no_card_wanted_nor_cpu,
            self.wrong_model,
        ];
        order.into_iter().fold(0.0, |sum, one| sum + one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::machine::Amounts;

    fn job(cpu_milli: u64, cards: u32, card_milli: u32) -> Ask {
        Ask { cpu_milli, cards, card_milli, ..Ask::default() }
    }

    #[test]
    fn the_most_common_kinds_make_up_nearly_all_jobs() {
        let jobs = [(job(1, 0, 0), 60), (job(2, 1, 500), 30), (job(3, 1, 500), 5), (job(4, 0, 0), 5)];
        let all = jobs.iter().flat_map(|(ask, count)| vec![(ask.cpu_milli, ask.clone()); *count]);
        let mix = Mix::of(all);
        // Of the two rare ones that with the higher name is needed for 95 %.
        let kept: Vec<(u64, f64)> =
            mix.typical().iter().map(|one| (one.ask.cpu_milli, one.frequency)).collect();
        assert_eq!(kept, [(1, 0.6 / 0.95), (2, 0.3 / 0.95), (4, 0.05 / 0.95)]);
        assert!(Mix::of(Vec::<((), Ask)>::new()).typical().is_empty());
    }

    #[test]
    fn room_is_of_no_use_for_want_of_anything_else() {
        let tags = [Tag::of("maker"), Tag::of("T4")];
        let mut machine = Machine::new(Amounts { cpu_milli: 4000, ram_bytes: 0, disk_bytes: 0 }, [tags; 2]);
        machine.cards[0].free_milli = 300;
        let of = |ask: Ask| Mix::new(vec![Typical { ask, frequency: 0.5 }]).fragmentation(&machine);
        assert_eq!(of(job(1000, 1, 300)), 0.0);
        assert_eq!(of(job(1000, 1, 500)), 150.0, "what is left of the first card");
        assert_eq!(of(job(1000, 2, 500)), 650.0, "two such cards are not free");
        assert_eq!(of(job(5000, 1, 300)), 650.0, "no cores");
        assert_eq!(of(job(1000, 0, 0)), 650.0, "it wants no card");
        let accepts = |model: &str| Ask { accepts: [Tag::of(model)].into_iter().collect(), ..job(0, 1, 300) };
        assert_eq!((of(accepts("P100")), of(accepts("t4")), of(accepts("MAKER"))), (650.0, 0.0, 0.0));
    }

    #[test]
    fn cards_of_another_model_are_of_no_use_on_a_mixed_machine() {
        let card = |model: &str| [Tag::of("maker"), Tag::of(model)];
        let machine =
            Machine::new(Amounts { cpu_milli: 4000, ram_bytes: 0, disk_bytes: 0 }, [card("T4"), card("A10")]);
        let ask = Ask { accepts: [Tag::of("A10")].into_iter().collect(), ..job(0, 1, 100) };
        let mix = Mix::new(vec![Typical { ask, frequency: 1.0 }]);
        assert_eq!(mix.fragmentation(&machine), 1000.0);
    }
}
