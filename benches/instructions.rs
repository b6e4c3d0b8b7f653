//! How many instructions the hot pieces take: `cargo bench --bench instructions`.
//!
//! Times depend on the machine and on what else it does, counts of instructions do not. Each piece runs in a process
//! of its own under valgrind's callgrind, which counts what happens inside of [`measured`] and nothing else. The counts
//! are compared with `benches/baseline.csv`, by `./verify` too, and `-- --bless` writes that file anew. See
//! `docs/performance.md`.

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use counting::Piece;
use dmsim::dms::actor::{Actor, Behaviour, BehaviourKind, BidRequest, Call, Message, NodeRequest, topics};
use dmsim::dms::capability::TokenList;
use dmsim::dms::ensemble::{Executor, Location, LocationConstraints};
use dmsim::dms::fact::Fact;
use dmsim::dms::identity::{EnsembleId, PeerId, SignatureMode};
use dmsim::dms::outbox::Timer;
use dmsim::dms::profile::Profile;
use dmsim::dms::provider::{BidRefusal, Bidder, Machine};
use dmsim::dms::resources::{Cpu, Resources};
use dmsim::dms::suppression::{Draw, Share, Ticket};
use dmsim::kernel::digest::mix;
use dmsim::kernel::{Digest, Domain, EventQueue, Span, Streams, Time, fingerprint128, sample};
use dmsim::net::network::Receivers;
use dmsim::net::{BandwidthConfig, Cities, Delivery, Endpoint, EndpointId, Network, NetworkConfig};
use dmsim::scenario::{self, Overrides};
use dmsim::sim::World;
use dmsim::sim::capabilities::yardstick::{Members, NOW, key};
use dmsim::sim::event::{self, Event};

mod counting;

const DRAWS: Domain = Domain::new("bench.instructions");
const ENSEMBLE: EnsembleId = EnsembleId([7; 32]);

/// What is counted, from the kernel upwards.
const PIECES: [Piece; 11] = [
    Piece { name: "queue, 1000 pending: pop and push", operations: 20_000, run: |count| queue(1000, count) },
    Piece {
        name: "queue, 100000 pending: pop and push",
        operations: 20_000,
        run: |count| queue(100_000, count),
    },
    Piece { name: "digest of a fact", operations: 1000, run: digest },
    Piece { name: "draw of who answers", operations: 10_000, run: draw },
    Piece { name: "envelope signed and verified", operations: 1000, run: envelope },
    Piece { name: "tokens of a call made", operations: 500, run: provide },
    Piece { name: "call authorised over three links", operations: 500, run: authorise },
    Piece { name: "bid request judged", operations: 10_000, run: judge },
    Piece { name: "broadcast, an arrival of 1000", operations: 5000, run: broadcast },
    Piece { name: "arrival of a broadcast asked for", operations: 5000, run: arrival },
    Piece { name: "world, an event of quickstart", operations: 20_000, run: world },
];

fn main() -> ExitCode {
    counting::main(&PIECES)
}

/// Runs what is to be counted. Callgrind finds this function by its name.
#[inline(never)]
fn measured<T>(run: impl FnOnce() -> T) {
    black_box(run());
}

/// The next event is taken and another planned, after a delay as of PHOLD.
fn queue(pending: u32, count: u64) {
    let streams = Streams::new(1);
    let mut rng = streams.owned(DRAWS, 0);
    let mut delay = || Span::from_secs_f64(sample::exponential(&mut rng, 1.0));
    let timer = |peer| Event::Timer { peer: event::PeerId(peer), life: 0, timer: Timer::Hello(peer) };
    let mut queue = EventQueue::new();
    for peer in 0..pending {
        queue.post(Time::ZERO + delay(), timer(peer));
    }
    // Until the queue has the form that it keeps.
    for _ in 0..pending {
        let (now, event) = queue.pop().expect("as many are planned as taken");
        queue.post(now + delay(), event);
    }
    let delays: Vec<Span> = (0..count).map(|_| delay()).collect();
    measured(|| {
        for delay in &delays {
            let (now, event) = queue.pop().expect("as many are planned as taken");
            queue.post(now + *delay, event);
        }
    });
}

/// The commonest fact of a large network.
fn digest(count: u64) {
    let small = Resources { ram_bytes: 1 << 30, ..Resources::default() };
    let shortage = small.check(&wanted().resources).expect_err("it has no cores");
    let fact = Fact::BidRefused { ensemble: ENSEMBLE, refusal: BidRefusal::Hardware(shortage) };
    measured(|| {
        let mut digest = Digest::new();
        for number in 0..count {
            digest.write_u64(number);
            let print = fingerprint128(black_box(&fact));
            digest.write_u64(print as u64);
        }
        digest.finish()
    });
}

fn draw(count: u64) {
    let tickets: Vec<Ticket> = (0..=u8::MAX).map(|seed| Ticket::of(&key(seed))).collect();
    let share = Share::of(1, 1000, 0).expect("it is a part of them");
    measured(|| {
        let taken = |number: u64| {
            let ticket = tickets[(number % 256) as usize];
            Draw { lot: black_box(number), share }.takes(ticket)
        };
        (0..count).filter(|number| taken(*number)).count()
    });
}

/// A request for bids as it is sent: signed by its sender, its signature looked at once.
fn envelope(count: u64) {
    let actor = Actor::root(key(1), NOW);
    let request = Arc::new(request(1, None));
    measured(|| {
        for nonce in 0..count {
            let call = Call {
                behaviour: Behaviour::fixed(BehaviourKind::BidRequest),
                reply_to: Some(Behaviour::fixed(BehaviourKind::Bid)),
                expire: NOW + Span::secs(5),
                message: Message::BidRequest(Arc::clone(&request)),
            };
            let topic = topics::DEPLOYMENT.clone();
            let envelope = actor.seal_with(None, Some(topic), call, nonce, TokenList::new()).altered(|_| ());
            assert!(envelope.is_signed(SignatureMode::Modelled), "its sender signed it");
        }
    });
}

fn provide(count: u64) {
    let mut members = Members::new();
    let mut tokens = TokenList::new();
    measured(|| {
        for _ in 0..count {
            members.provide(true, &mut tokens);
        }
    });
}

fn authorise(count: u64) {
    let mut members = Members::new();
    let calls: Vec<TokenList> = (0..count)
        .map(|_| {
            let mut tokens = TokenList::new();
            members.provide(true, &mut tokens);
            tokens
        })
        .collect();
    measured(|| {
        for tokens in &calls {
            members.authorise(tokens);
        }
    });
}

/// What a node asks for that one machine in two has.
fn wanted() -> NodeRequest {
    NodeRequest {
        node: "web".into(),
        index: 0,
        executors: vec![Executor::Docker],
        resources: amount(4),
        location: LocationConstraints {
            accept: vec![Location { continent: "Europe".into(), ..Location::default() }],
            reject: Vec::new(),
        },
        static_ports: vec![8080],
        dynamic_ports: 1,
        images: Vec::new(),
    }
}

fn amount(cores: u64) -> Resources {
    let cpu = Cpu { cores_milli: cores * 1000, clock_hz: 3_000_000_000, architecture: None };
    Resources { cpu, ram_bytes: cores << 30, disk_bytes: cores << 34, gpus: Vec::new() }
}

fn request(nonce: u64, draw: Option<Draw>) -> BidRequest {
    let (requests, exclude, contracts) = (vec![wanted()], Vec::new(), Arc::default());
    BidRequest { ensemble: ENSEMBLE, nonce, requests, exclude, contracts, draw, offers: None }
}

/// Machines large and small, here and there, are asked for a bid that few of those who can are to make.
fn judge(count: u64) {
    let machine = |number: u64| {
        let drawn = mix(number);
        let total = amount(1 << (drawn % 5));
        let continent = if drawn.is_multiple_of(3) { "Asia" } else { "Europe" };
        let location = Location { continent: continent.into(), ..Location::default() };
        let executors = [Executor::Docker].into();
        Machine {
            onboarded: Some(total.clone()),
            total,
            location,
            executors,
            tariff: None,
            ..Machine::default()
        }
    };
    let machines: Vec<Machine> = (0..256).map(machine).collect();
    let tickets: Vec<Ticket> = (0..=u8::MAX).map(|seed| Ticket::of(&key(seed))).collect();
    let host = PeerId(key(1).public());
    let share = Share::of(1, 1000, 0).expect("it is a part of them");
    let request = request(1, Some(Draw { lot: 5, share }));
    measured(|| {
        let (mut bids, mut refusals) = (0_u64, 0_u64);
        for number in 0..count {
            let place = (number % 256) as usize;
            let bidder = Bidder::fresh((&machines[place]).into(), &host, tickets[place], Profile::INTENDED);
            let mut refuse = |refusal| {
                black_box(refusal);
                refusals += 1;
            };
            bids += u64::from(bidder.choose(black_box(&request), 1, &mut refuse).is_some());
        }
        assert_eq!(bids + refusals, count, "each bids or says why not");
    });
}

/// A thousand homes and one more, all up.
fn network() -> Network {
    let cities = Cities::world().by_population(|_| true).expect("people live somewhere");
    let streams = Streams::new(1);
    let mut rng = streams.owned(DRAWS, 0);
    let mut home = || Endpoint::in_city(cities.draw(&mut rng), BandwidthConfig::default());
    let endpoints: Vec<Endpoint> = (0..=1000).map(|_| home()).collect();
    Network::new(NetworkConfig::default(), &endpoints, streams).expect("nothing is lost")
}

fn broadcast(count: u64) {
    let mut network = network();
    measured(|| {
        let mut sum = 0;
        for second in 0..count / 1000 {
            let mut deliver = |_, at: Time| sum ^= at.0;
            let now = Time::ZERO + Span::secs(second);
            let (tally, _) = network.broadcast(now, EndpointId(0), 2000, Receivers::AllLive, &mut deliver);
            assert_eq!(tally.delivered, 1000);
        }
        sum
    });
}

fn arrival(count: u64) {
    let mut network = network();
    let nobody = Receivers::Of(&[]);
    let (_, broadcast) = network.broadcast(Time::ZERO, EndpointId(0), 2000, nobody, &mut |_, _| {});
    let broadcast = broadcast.expect("its sender is up");
    measured(|| {
        let to = |number: u64| EndpointId((1 + number % 1000) as u32);
        let arrives = |number: &u64| matches!(network.arrival(&broadcast, to(*number)), Delivery::At(_));
        assert_eq!((0..count).filter(arrives).count() as u64, count);
    });
}

/// The beginning of the first scenario that people see, with all that belongs to an event.
fn world(count: u64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/quickstart.yaml");
    let set = vec!["expect=[]".to_owned()];
    let loaded = scenario::load(&path, &Overrides { set, seed: None }, &[])
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    let mut world = World::new(&loaded.setup).expect("it can be built");
    measured(|| {
        let mut until = Time::ZERO;
        while world.events() < count {
            until = until + Span::secs(1);
            assert_eq!(world.advance(until, &mut |_, _| true), None, "nobody stops it");
        }
    });
}
