//! Placement by bidding against placement by a central scheduler, with the same policies.

use std::sync::Arc;

use dmsim::dms::provider::offers::rank_of;
use dmsim::dms::scored_bids::{Disclosure, share_milli};
use dmsim::kernel::{Domain, Streams};
use dmsim::placement::{Ask, Choosing, Cluster, LISTED, Machine, Parameters, Placement, Scale, Tag};
use dmsim::scenario;
use dmsim::sim::setup::Requested;
use dmsim::sim::{Setup, World};
use dmsim::workload::Job;
use dmsim::workload::trace::Cards;

const DRAWS: Domain = Domain::new("test.placement");
const PROVIDERS: usize = 40;
const JOBS: u32 = 260;

/// Machines of four kinds, and jobs of many that ask for more than there is; none of them ends.
fn setup() -> Setup {
    let text = format!(
        "version: 1\nname: bidding\nseed: 11\nduration: 3h\nprocessing: none\n\
         network: {{latency: {{constant: 1ms}}, bandwidth: unlimited, hellos: false}}\n\
         peers:\n\
         \x20 - providers: {{name: node, count: {PROVIDERS}, place: {{city: Berlin}}, \
         hardware: {{csv: nodes.csv, card_memory: 16 GiB}}, \
         onboard: {{cpu: 100%, ram: 90%, disk: 90%}}}}\n\
         \x20 - orchestrators: {{names: [alice], place: {{city: Berlin}}}}\n\
         images: {{acme/job: {{size: 1 B, start: 0s, task: {{run: 1h}}}}}}\n\
         workload:\n\
         \x20 - jobs: {{by: alice, template: job.yaml, count: {JOBS}, timeout: 90s, source: {{generated: {{\
         arrivals: {{every: 40s}}, classes: [\
         {{weight: 3, cpu: {{uniform: {{from: 1, to: 6}}}}, ram: 2 GiB, \
         gpus: {{count: 1, share: 30%, card_memory: 16 GiB}}, runtime: 30h}}, \
         {{weight: 2, cpu: 4, ram: 4 GiB, gpus: {{count: 1, share: 46%, card_memory: 16 GiB}}, runtime: 30h}}, \
         {{weight: 3, cpu: 8, ram: 8 GiB, gpus: 1, runtime: 30h}}, \
         {{weight: 1, cpu: 16, ram: 8 GiB, gpus: 2, runtime: 30h}}, \
         {{weight: 1, cpu: 24, ram: 8 GiB, gpus: {{count: 4, share: 100%, model: T4|A10}}, runtime: 30h}}, \
         {{weight: 3, cpu: {{uniform: {{from: 1, to: 8}}}}, ram: 4 GiB, gpus: 0, runtime: 30h}}]}}}}}}\n\
         strategy: {{scored_bids: {{window: 1s, ties: fixed}}}}\n"
    );
    let mut nodes = "sn,cpu_milli,memory_mib,gpu,model\n".to_owned();
    for number in 0..PROVIDERS {
        let kind = ["32000,131072,2,T4", "64000,262144,4,A10", "96000,393216,8,T4", "16000,65536,1,P100"];
        nodes.push_str(&format!("node-{number},{}\n", kind[number % 4]));
    }
    let job = "version: V1\nallocations:\n  job: {type: task, executor: docker, \
               resources: {cpu: {cores: 1}, ram: {size: 1 GiB}, disk: {size: 1 MiB}}, \
               execution: {type: docker, image: acme/job}}\nnodes: {main: {allocations: [job]}}\n";
    let files = vec![("nodes.csv".to_owned(), nodes), ("job.yaml".to_owned(), job.to_owned())];
    scenario::load_text("bidding.yaml", &text, files)
        .unwrap_or_else(|report| panic!("{}", report.render(false)))
}

/// Policies whose choice follows from what a machine has and holds.
fn policies(setup: &Setup) -> Vec<Placement> {
    let scale = Scale { cpu_milli: 96_000.0, cards_milli: 8000.0 };
    let parameters = Parameters { scale, mix: Arc::clone(&setup.expected_jobs), ..Parameters::default() };
    let all = LISTED.iter().map(|listed| (listed.make)(&parameters));
    let expression = dmsim::placement::policy::Expression::parse(
        "free.gpu / max(total.gpu, 1) - when(ask.gpu > 0, 0, 2) * free.gpu / 8 + free.cpu / total.cpu",
    );
    let draws =
        |placement: &Placement| matches!(placement.choosing(), Choosing::Any | Choosing::BestOfDrawn(_));
    // What images are where, and for how long who has been up when it is asked, is not the cluster's to know.
    let apart = ["data_aware", "reliability_aware"];
    let all = all.filter(|placement| !draws(placement) && !apart.contains(&placement.name()));
    all.chain([Placement::new(expression.unwrap())]).collect()
}

/// The machines of the providers as a cluster has them, and their ranks.
fn machines(world: &World<'_>) -> (Vec<Machine>, Vec<u32>) {
    let peer = |number: usize| world.look_at(&format!("node-{number}"));
    let machine = |number| Disclosure::unused(peer(number).provider().pool().onboarded()).machine(None);
    let rank = |number| rank_of(&peer(number).handle_of_root().host);
    ((0..PROVIDERS).map(machine).collect(), (0..PROVIDERS).map(rank).collect())
}

/// The jobs in their order, as a cluster is asked for them.
fn jobs(setup: &Setup) -> Vec<Ask> {
    let Requested::Jobs { source, .. } = &setup.workload[0].requested else { panic!("they are jobs") };
    let ask = |job: Job| {
        let Cards { count, vram_bytes, model } = job.cards.unwrap();
        let models = model.iter().flat_map(|models| models.split('|'));
        let whole = vram_bytes == 0;
        Ask {
            cpu_milli: job.cores_milli.unwrap(),
            ram_bytes: job.ram_bytes.unwrap(),
            disk_bytes: 1 << 20,
            cards: count,
            card_milli: if count == 0 {
                0
            } else if whole {
                1000
            } else {
                share_milli(vram_bytes, 16 << 30)
            },
            accepts: models.map(Tag::of).collect(),
        }
    };
    let all = source.jobs(Streams::new(setup.seed), 0).unwrap();
    all.take(JOBS as usize).map(|job| ask(job.unwrap())).collect()
}

/// When every peer hears every request and tells what is so at the moment, and requests do not meet, the winner of
/// every round is the machine that a central scheduler chooses.
#[test]
fn bidding_places_every_job_where_a_central_scheduler_does() {
    let mut setup = setup();
    let mut placed_by_policy = Vec::new();
    for placement in policies(&setup) {
        setup.strategy.placement = placement.clone();
        let (machines, ranks) = machines(&World::new(&setup).unwrap());
        let outcome = World::new(&setup).unwrap().run(&mut |_, _| true).unwrap();
        let mut cluster = Cluster::new(machines, Some(&ranks), placement.clone());
        let mut random = Streams::new(1).owned(DRAWS, 0);
        let jobs = jobs(&setup);
        let mut placed = Vec::new();
        for (number, (ask, row)) in jobs.iter().zip(&outcome.deployments).enumerate() {
            let central = cluster.place(ask, &mut random).map(|placed| format!("node-{}", placed.machine));
            let own = outcome.allocations.iter().find(|one| one.deployment as usize == number);
            let own = own.filter(|_| row.running_s.is_some()).map(|one| one.peer.to_string());
            assert_eq!(own, central, "{}, job {number}: {ask:?}", placement.label());
            placed.push(central);
        }
        let lost = placed.iter().filter(|place| place.is_none()).count();
        assert!((10..150).contains(&lost), "{lost} of {JOBS} jobs do not fit");
        placed_by_policy.push(placed);
    }
    placed_by_policy.sort();
    placed_by_policy.dedup();
    assert!(placed_by_policy.len() >= 8, "policies differ");
}
