use proptest::prelude::*;

use super::reference::ReferenceQueue;
use super::*;

/// One step of a random history. Indices choose among the ids handed out so far, fired ones included.
#[derive(Clone, Debug)]
enum Step {
    Schedule {
        delay: u64,
        times: u8,
    },
    Post {
        delay: u64,
    },
    /// Many events out of order within two to the power of `bits` nanoseconds, or crowded into a few places of them.
    Spread {
        delay: u64,
        times: u16,
        bits: u32,
        crowded: bool,
    },
    /// An event at an absolute time of a coarse grid, where many meet.
    Meet {
        cell: u64,
    },
    Cancel {
        index: usize,
    },
    CancelAll,
    Pop {
        times: u8,
    },
    PopBefore {
        within: u64,
    },
    Peek,
}

/// Delays of every size: none, a few nanoseconds, some powers of two about the borders of buckets, weeks.
fn delay() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(0),
        3 => 0_u64..4,
        2 => 0_u64..2_000,
        3 => (0_u32..50, 0_u64..3).prop_map(|(bit, more)| ((1 << bit) - 1) + more),
        2 => 0_u64..1_000_000_000,
        1 => 0_u64..1_000_000_000_000_000,
        1 => Just(u64::MAX),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (delay(), 1_u8..4).prop_map(|(delay, times)| Step::Schedule { delay, times }),
        1 => (delay(), 60_u8..=255).prop_map(|(delay, times)| Step::Schedule { delay, times }),
        3 => delay().prop_map(|delay| Step::Post { delay }),
        1 => (delay(), 40_u16..1500, 4_u32..30, any::<bool>())
            .prop_map(|(delay, times, bits, crowded)| Step::Spread { delay, times, bits, crowded }),
        4 => (0_u64..8).prop_map(|cell| Step::Meet { cell }),
        3 => any::<usize>().prop_map(|index| Step::Cancel { index }),
        1 => Just(Step::CancelAll),
        8 => (1_u8..4).prop_map(|times| Step::Pop { times }),
        1 => (50_u8..=255).prop_map(|times| Step::Pop { times }),
        3 => delay().prop_map(|within| Step::PopBefore { within }),
        2 => Just(Step::Peek),
    ]
}

/// Runs a history on both queues and compares everything they answer, to the last event.
fn compare(steps: &[Step]) -> Result<(), TestCaseError> {
    let mut fast = EventQueue::<u32>::new();
    let mut slow = ReferenceQueue::<u32>::new();
    let mut ids = Vec::new();
    let mut name = 0;
    let mut now = Time::ZERO;
    for step in steps {
        let mut add = |at: Time| {
            name += 1;
            ids.push((fast.schedule(at, name), slow.schedule(at, name)));
        };
        match *step {
            Step::Schedule { delay, times } => {
                (0..times).for_each(|_| add(Time(now.0.saturating_add(delay))));
            }
            Step::Meet { cell } => add(Time((now.0 / 1000 + cell).saturating_mul(1000).max(now.0))),
            Step::Spread { delay, times, bits, crowded } => {
                for number in 0..u64::from(times) {
                    let scattered = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits);
                    let place = if crowded { scattered % 97 } else { scattered };
                    add(Time(now.0.saturating_add(delay).saturating_add(place)));
                }
            }
            Step::Post { delay } => {
                name += 1;
                fast.post(Time(now.0.saturating_add(delay)), name);
                slow.post(Time(now.0.saturating_add(delay)), name);
            }
            Step::Cancel { index } => {
                if let Some((a, b)) = ids.get(index % ids.len().max(1)) {
                    prop_assert_eq!(fast.cancel(*a), slow.cancel(*b));
                }
            }
            Step::CancelAll => {
                for (a, b) in &ids {
                    prop_assert_eq!(fast.cancel(*a), slow.cancel(*b));
                }
            }
            Step::Pop { times } => {
                for _ in 0..times {
                    let popped = fast.pop();
                    prop_assert_eq!(popped, slow.pop());
                    now = popped.map_or(now, |(at, _)| at);
                }
            }
            Step::PopBefore { within } => {
                let limit = Time(now.0.saturating_add(within));
                let popped = fast.pop_before(limit);
                prop_assert_eq!(popped, slow.pop_before(limit));
                now = popped.map_or(now, |(at, _)| at);
            }
            Step::Peek => prop_assert_eq!(fast.peek_time(), slow.peek_time()),
        }
        prop_assert_eq!(fast.len(), Pending::len(&slow));
    }
    let upcoming = fast.upcoming();
    let mut come = Vec::new();
    loop {
        let popped = fast.pop();
        prop_assert_eq!(popped, slow.pop());
        match popped {
            Some(next) => come.push(next),
            None => break,
        }
    }
    prop_assert_eq!(upcoming, come);
    for (a, b) in &ids {
        prop_assert_eq!((fast.cancel(*a), slow.cancel(*b)), (false, false));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn equals_the_reference(steps in proptest::collection::vec(step(), 1..120)) {
        compare(&steps)?;
    }
}

/// Many events at once, earlier ones put before them after a peek, then everything cancelled.
#[test]
fn equals_the_reference_in_large_bursts() {
    let burst = |delay, times| (0..times).map(move |_| Step::Schedule { delay, times: 250 });
    let mut steps: Vec<Step> = burst(1 << 40, 20).chain(burst((1 << 40) + 1, 20)).collect();
    steps.push(Step::Peek);
    for delay in 0..2_000 {
        steps.push(Step::Schedule { delay: (delay * 7919) % (1 << 41), times: 1 });
    }
    steps.extend((0..30).map(|_| Step::Pop { times: 100 }));
    steps.extend((0..500).map(|index| Step::Cancel { index: index * 31 }));
    steps.extend(burst(0, 10));
    steps.push(Step::CancelAll);
    steps.extend(burst(5, 4));
    compare(&steps).unwrap();
}

/// A run of one instant that was prepared and is given back stays before events that were scheduled for its instant
/// later.
#[test]
fn a_run_given_back_stays_before_later_events_of_its_instant() {
    let steps = [
        Step::Schedule { delay: 0, times: 1 },
        Step::Schedule { delay: 2, times: 1 },
        Step::Pop { times: 1 },
        Step::Peek,
        Step::Schedule { delay: 2, times: 1 },
        Step::Schedule { delay: 0, times: 200 },
    ];
    compare(&steps).unwrap();
}

/// A look for events before a limit deals a bucket out and finds nothing; what is scheduled then comes before it.
#[test]
fn an_event_may_be_scheduled_before_a_bucket_that_was_dealt_out() {
    let mut steps: Vec<Step> =
        (0..100).map(|n| Step::Schedule { delay: (1 << 24) + (1 << 20) + (n << 10), times: 1 }).collect();
    steps.push(Step::PopBefore { within: (1 << 24) + 1 });
    steps.push(Step::Schedule { delay: 5, times: 1 });
    steps.push(Step::Pop { times: 2 });
    compare(&steps).unwrap();
}

#[test]
#[should_panic(expected = "before the one popped last")]
fn the_past_is_closed() {
    let mut queue = EventQueue::new();
    queue.post(Time(10), ());
    queue.pop();
    queue.post(Time(9), ());
}

#[test]
fn cancelled_events_do_not_pile_up() {
    let mut queue = EventQueue::new();
    for round in 0..100_000_u64 {
        let id = queue.schedule(Time(round + 1_000_000_000), round);
        queue.post(Time(round), round);
        assert_eq!(queue.pop(), Some((Time(round), round)));
        assert!(queue.cancel(id) && !queue.cancel(id));
    }
    assert!(queue.is_empty() && queue.slots.cancelled() <= SWEEP_SLACK + 1);
    assert_eq!(queue.pop(), None);
}

/// The slot of the largest intended event is one cache line, a key a quarter of one.
#[test]
fn sizes() {
    assert_eq!(size_of::<slots::Slot<[u64; 6]>>(), 64);
    assert_eq!(size_of::<Key>(), 16);
}
