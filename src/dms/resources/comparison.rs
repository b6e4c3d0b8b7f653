//! How what a machine has compares with what is required (dms-orchestration section 5.2).
//!
//! [`Resources::compare`] is the comparison as intended. [`Resources::compare_as_read`] is that of the real DMS (W3):
//! its processor comparison ignores cores where no clock is asked for, and its cards differ by their memory alone.

use super::{Gpu, Resources};

/// What a machine is beside what is required. Of two comparisons the later one in this order prevails.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Comparison {
    /// Exactly as required.
    Equal,
    /// More than required.
    Better,
    /// Of another kind.
    None,
    /// Less than required.
    Worse,
}

impl Comparison {
    /// Two comparisons as one: `Worse` prevails over all, then `None`, then `Better`; `Equal` is neutral.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    fn of<T: Ord + Copy>(own: T, required: T) -> Self {
        match own.cmp(&required) {
            std::cmp::Ordering::Greater => Self::Better,
            std::cmp::Ordering::Equal => Self::Equal,
            std::cmp::Ordering::Less => Self::Worse,
        }
    }
}

impl Resources {
    /// As intended: cores count whether or not a clock is asked for, an architecture that is not said fits any, and
    /// each card that is asked for needs one of its own that fulfils the wish.
    #[must_use]
    pub fn compare(&self, required: &Self) -> Comparison {
        let cores = Comparison::of(self.cpu.cores_milli, required.cpu.cores_milli);
        // Without a clock in the requirement, speed has nothing to say.
        let speed =
            if required.cpu.clock_hz == 0 { Comparison::Equal } else { self.compare_processor(required) };
        let architecture = self.compare_architecture(required);
        cores.and(speed).and(architecture).and(self.compare_sizes(required)).and(self.compare_cards(required))
    }

    /// As the real DMS was read, except that an architecture that is not said fits any: there it would fit only a
    /// machine that reports none, and what machines report was not read.
    #[must_use]
    pub fn compare_as_read(&self, required: &Self) -> Comparison {
        self.compare_processor(required)
            .and(self.compare_architecture(required))
            .and(self.compare_sizes(required))
            .and(compare_cards_as_read(&self.gpus, &required.gpus))
    }

    /// Cores times clock.
    fn compare_processor(&self, required: &Self) -> Comparison {
        let speed = |of: &Self| u128::from(of.cpu.cores_milli) * u128::from(of.cpu.clock_hz);
        Comparison::of(speed(self), speed(required))
    }

    fn compare_architecture(&self, required: &Self) -> Comparison {
        match &required.cpu.architecture {
            Some(wanted) if self.cpu.architecture.as_ref() != Some(wanted) => Comparison::None,
            _ => Comparison::Equal,
        }
    }

    fn compare_sizes(&self, required: &Self) -> Comparison {
        let ram = Comparison::of(self.ram_bytes, required.ram_bytes);
        ram.and(Comparison::of(self.disk_bytes, required.disk_bytes))
    }

    /// `Worse` if a wish finds no card, `Better` if a card has more memory than its wish, else `Equal`.
    fn compare_cards(&self, required: &Self) -> Comparison {
        if required.gpus.is_empty() {
            return Comparison::Equal;
        }
        let Ok(places) = self.deal_cards(&required.gpus) else { return Comparison::Worse };
        let given = places.into_iter().map(|place| self.gpus[place].vram_bytes);
        let pairs = given.zip(&required.gpus).map(|(own, wish)| Comparison::of(own, wish.vram_bytes));
        pairs.fold(Comparison::Equal, Comparison::and)
    }

    /// What the real DMS keeps of a sum of requirements (section 2.1): clock, architecture and cards are lost on the
    /// way into a request for bids.
    #[must_use]
    pub fn summed_as_read(mut self) -> Self {
        (self.cpu.clock_hz, self.cpu.architecture) = (0, None);
        self.without_cards()
    }

    /// The same without its graphics cards.
    #[must_use]
    pub fn without_cards(mut self) -> Self {
        self.gpus.clear();
        self
    }
}

/// Each card that is required takes the own card that compares best, `Equal` before `Better` before `Worse`, by memory
/// alone. Where own cards run out the loop ends early, and the result is `Better`.
fn compare_cards_as_read(own: &[Gpu], required: &[Gpu]) -> Comparison {
    let mut left: Vec<&Gpu> = own.iter().collect();
    let mut total = Comparison::Equal;
    for wish in required {
        let compared = |card: &Gpu| Comparison::of(card.vram_bytes, wish.vram_bytes);
        let rank = |at: &usize| match compared(left[*at]) {
            Comparison::Equal => 0,
            Comparison::Better => 1,
            Comparison::Worse | Comparison::None => 2,
        };
        let Some(best) = (0..left.len()).min_by_key(rank) else { return total.and(Comparison::Better) };
        total = total.and(compared(left.remove(best)));
    }
    total
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use proptest::prelude::*;

    use super::Comparison::{Better, Equal, None, Worse};
    use super::*;
    use crate::dms::resources::Cpu;
    use crate::dms::resources::cards::tests::some_card;

    /// The table of section 5.2, both ways round.
    #[test]
    fn two_comparisons_combine_as_in_the_table() {
        let table = [
            (Better, Better, Better),
            (Equal, Equal, Equal),
            (Worse, Worse, Worse),
            (None, None, None),
            (Equal, Better, Better),
            (Equal, Worse, Worse),
            (Equal, None, None),
            (Better, Worse, Worse),
            (Better, None, None),
            (Worse, None, Worse),
        ];
        for (a, b, both) in table {
            assert_eq!((a.and(b), b.and(a)), (both, both), "{a:?} and {b:?}");
        }
    }

    fn card(model: &str, vram_bytes: u64) -> Gpu {
        Gpu { vendor: Some("NVIDIA".into()), model: Some(model.into()), vram_bytes }
    }

    fn machine(cores: u64, clock_hz: u64, size: u64, gpus: &[Gpu]) -> Resources {
        let cpu = Cpu { cores_milli: cores * 1000, clock_hz, architecture: Some("amd64".into()) };
        Resources { cpu, ram_bytes: size, disk_bytes: size, gpus: gpus.to_vec() }
    }

    fn required(cores: u64, clock_hz: u64, size: u64, gpus: &[Gpu]) -> Resources {
        let mut required = machine(cores, clock_hz, size, gpus);
        required.cpu.architecture = Option::None;
        required
    }

    #[test]
    fn cards_compare_by_their_wishes_as_intended_and_by_their_memory_as_read() {
        let (t4, a100) = (card("T4", 16), card("A100", 40));
        type Cards<'a> = &'a [Gpu];
        let rows: [(Cards<'_>, Cards<'_>, Comparison, Comparison); 8] = [
            (&[], &[], Equal, Equal),
            (from_ref(&t4), &[], Equal, Equal),
            (from_ref(&t4), from_ref(&t4), Equal, Equal),
            (from_ref(&a100), &[card("A100", 39)], Better, Better),
            (from_ref(&t4), &[card("T4", 17)], Worse, Worse),
            // Nobody asks the real DMS for the model,
            (from_ref(&a100), from_ref(&t4), Worse, Better),
            // no card at all does,
            (&[], from_ref(&t4), Worse, Better),
            // and so do too few.
            (from_ref(&t4), &[t4.clone(), t4.clone()], Worse, Better),
        ];
        for (own, wishes, intended, as_read) in rows {
            let (own, wishes) = (machine(1, 0, 1, own), required(1, 0, 1, wishes));
            assert_eq!(own.compare(&wishes), intended, "{own} for {wishes}");
            assert_eq!(own.compare_as_read(&wishes), as_read, "{own} for {wishes}, as read");
        }
        // A card of too little memory is worse also as read, whatever the others are.
        let poor = machine(1, 0, 1, &[t4.clone(), t4]);
        assert_eq!(poor.compare_as_read(&required(1, 0, 1, &[card("T4", 8), a100])), Worse);
    }

    #[test]
    fn processors_compare_by_cores_and_by_speed_where_a_clock_is_asked_for() {
        let own = machine(4, 2, 10, &[]);
        let rows = [
            // As read, cores are nothing without a clock.
            (required(4, 0, 10, &[]), Equal, Better),
            (required(8, 0, 10, &[]), Worse, Better),
            (required(2, 3, 10, &[]), Better, Better),
            (required(3, 3, 10, &[]), Worse, Worse),
            (required(1, 0, 11, &[]), Worse, Worse),
            (machine(1, 0, 10, &[]), Better, Better),
        ];
        for (required, intended, as_read) in rows {
            assert_eq!(own.compare(&required), intended, "{required}");
            assert_eq!(own.compare_as_read(&required), as_read, "{required}, as read");
        }
        let mut other = machine(1, 0, 10, &[]);
        other.cpu.architecture = Some("arm64".into());
        assert_eq!((own.compare(&other), own.compare_as_read(&other)), (None, None));
    }

    #[test]
    fn how_comparisons_are_grouped_makes_no_difference() {
        let all = [Better, Equal, Worse, None];
        for [a, b, c] in all.iter().flat_map(|&a| all.iter().flat_map(move |&b| all.map(|c| [a, b, c]))) {
            assert_eq!(a.and(b).and(c), a.and(b.and(c)), "{a:?} {b:?} {c:?}");
        }
    }

    /// A machine or a requirement of few values, so that they meet.
    fn some_resources() -> impl Strategy<Value = Resources> {
        let architecture = prop::sample::select(vec![Option::None, Some("amd64"), Some("arm64")]);
        let cards = prop::collection::vec(some_card(), 0..4);
        (1..3_u64, 0..3_u64, architecture, 1..3_u64, 1..3_u64, cards).prop_map(
            |(cores_milli, clock_hz, architecture, ram_bytes, disk_bytes, gpus)| {
                let cpu = Cpu { cores_milli, clock_hz, architecture: architecture.map(Into::into) };
                Resources { cpu, ram_bytes, disk_bytes, gpus }
            },
        )
    }

    /// Every way of giving each wish a card of its own.
    fn assignments<'a>(own: &[&'a Gpu], wishes: &[Gpu]) -> Vec<Vec<&'a Gpu>> {
        let Some((wish, rest)) = wishes.split_first() else { return vec![Vec::new()] };
        let fits = |card: &Gpu| {
            let named = |wanted: &Option<std::sync::Arc<str>>, actual| wanted.is_none() || wanted == actual;
            named(&wish.vendor, &card.vendor)
                && named(&wish.model, &card.model)
                && card.vram_bytes >= wish.vram_bytes
        };
        let mut all = Vec::new();
        for place in (0..own.len()).filter(|&place| fits(own[place])) {
            let mut others = own.to_vec();
            let card = others.remove(place);
            all.extend(assignments(&others, rest).into_iter().map(|more| [vec![card], more].concat()));
        }
        all
    }

    proptest! {
        /// Oracle: what somebody would say who looks at each number, and at every way of dealing cards.
        #[test]
        fn as_intended_it_is_what_one_sees(own in some_resources(), required in some_resources()) {
            let (has, wants) = (&own.cpu, &required.cpu);
            let all = assignments(&own.gpus.iter().collect::<Vec<_>>(), &required.gpus);
            let speed = |of: &Cpu| of.cores_milli * of.clock_hz;
            let slow = wants.clock_hz > 0 && speed(has) < speed(wants);
            let small = has.cores_milli < wants.cores_milli
                || own.ram_bytes < required.ram_bytes
                || own.disk_bytes < required.disk_bytes;
            let other = wants.architecture.is_some() && has.architecture != wants.architecture;
            let more = has.cores_milli > wants.cores_milli
                || wants.clock_hz > 0 && speed(has) > speed(wants)
                || own.ram_bytes > required.ram_bytes
                || own.disk_bytes > required.disk_bytes;
            let larger = |cards: &Vec<&Gpu>| {
                cards.iter().zip(&required.gpus).any(|(card, wish)| card.vram_bytes > wish.vram_bytes)
            };
            let found = own.compare(&required);
            if slow || small || all.is_empty() {
                prop_assert_eq!(found, Worse);
            } else if other {
                prop_assert_eq!(found, None);
            } else if more || all.iter().all(&larger) {
                prop_assert_eq!(found, Better);
            } else if !all.iter().any(larger) {
                prop_assert_eq!(found, Equal);
            } else {
                // Which of the cards are dealt decides, and either will do.
                prop_assert!(matches!(found, Better | Equal));
            }
        }

        /// Oracle: section 5.2 word by word, over the table of all pairs.
        #[test]
        fn as_read_it_is_what_the_description_says(own in some_resources(), required in some_resources()) {
            let mut rows: Vec<Vec<Comparison>> = own
                .gpus
                .iter()
                .map(|card| {
                    let pair = |wish: &Gpu| Comparison::of(card.vram_bytes, wish.vram_bytes);
                    required.gpus.iter().map(pair).collect()
                })
                .collect();
            let mut matches = Vec::new();
            for wish in 0..required.gpus.len() {
                let best = [Equal, Better, Worse]
                    .into_iter()
                    .find_map(|kind| rows.iter().position(|row| row[wish] == kind));
                // No own card is left: an entry of the kind that is none, which never makes it worse.
                matches.push(best.map_or(None, |place| rows.remove(place)[wish]));
            }
            let cards = if matches.contains(&Worse) {
                Worse
            } else if matches.iter().all(|found| *found == Equal) {
                Equal
            } else {
                Better
            };
            let speed = |of: &Resources| of.cpu.cores_milli * of.cpu.clock_hz;
            let architecture = &required.cpu.architecture;
            let rest = [
                Comparison::of(speed(&own), speed(&required)),
                if architecture.is_none() || own.cpu.architecture == *architecture { Equal } else { None },
                Comparison::of(own.ram_bytes, required.ram_bytes),
                Comparison::of(own.disk_bytes, required.disk_bytes),
            ];
            let expected = rest.into_iter().fold(cards, Comparison::and);
            prop_assert_eq!(own.compare_as_read(&required), expected);
        }
    }
}
