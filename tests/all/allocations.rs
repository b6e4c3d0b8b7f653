//! An ordinary message allocates nothing but the tokens that it carries, which all that take them up share: neither the
//! peers that send, authorise and handle it, nor the network, the queue and the ledger between them.

use std::path::Path;

use dmsim::kernel::{Span, Time};
use dmsim::scenario::{self, Overrides};
use dmsim::sim::World;

/// Heartbeats and health checks have this period; grants are renewed with five times this period.
const PERIOD: Span = Span::secs(30);
/// The tokens of a report, a check and an answer.
const TOKENS: u64 = 5;

/// Calm machines on one of which a web server runs for as long as the run lasts: it reports that it lives, its
/// orchestrator asks after its health, its executor is probed and the answer goes back.
#[test]
fn heartbeats_and_health_checks_with_their_replies_allocate_their_tokens_alone() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/calm.yaml");
    let workload =
        "workload=[{deploy: {by: alice, ensemble: ensembles/web.yaml, arrivals: {every: 1s}, count: 1}}]";
    let set = vec![workload.to_owned(), "expect=[]".to_owned()];
    let loaded = scenario::load(&path, &Overrides { set, seed: None }, &[])
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    let mut world = World::new(&loaded.setup).unwrap().step_by_step();
    // The server runs after two minutes. Tables, pools and lists then have the size that they need, except that of
    // the samples, which grows by doubling: not between the 35th minute and the 60th.
    let mut until = Time::ZERO + Span::mins(40);
    world.advance(until, &mut |_, _| true);
    let mut allocated = Vec::new();
    for _ in 0..20 {
        until = until + PERIOD;
        let before = world.events();
        let measured =
            allocation_counter::measure(|| assert_eq!(world.advance(until, &mut |_, _| true), None));
        // A report, a check and an answer arrive and are handled, three timers run out, a probe ends.
        assert!(world.events() - before >= 10, "{} events", world.events() - before);
        allocated.push(measured.count_total);
    }
    // New grants are kept, so they need memory: in one of the five periods of a renewal, and in no other.
    let once = |renewal: &[u64]| {
        renewal.iter().filter(|count| **count > TOKENS).count() == 1 && renewal.iter().min() == Some(&TOKENS)
    };
    assert!(allocated.chunks(5).all(once), "allocations in each period: {allocated:?}");
}
