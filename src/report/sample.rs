//! A made-up run to test and look at the report with: plausible shapes, every draw from the kernel's streams.

use std::path::{Path, PathBuf};

use crate::kernel::{Domain, Rng, Streams};
use crate::observe::{
    AllocationRow, AttackRow, CapabilityRow, ConnectionRow, ContractRow, DeploymentRow, HistoryRow,
    InputHash, InvoiceRow, MessageRow, MetricRow, PeerRow, Provenance, RefusalRow, RequestRow, RunFolder,
    RunManifest, SeriesRow, Verdict, labels,
};

const SAMPLE: Domain = Domain::new("report.sample");
const DURATION_S: f64 = 21_600.0;

/// City, country, continent, latitude, longitude (rounded), and how many of a hundred peers live there.
const CITIES: &[(&str, &str, &str, f64, f64, u32)] = &[
    ("Tokyo", "Japan", "AS", 35.7, 139.7, 6),
    ("Delhi", "India", "AS", 28.6, 77.2, 6),
    ("Shanghai", "China", "AS", 31.2, 121.5, 5),
    ("Jakarta", "Indonesia", "AS", -6.2, 106.8, 3),
    ("Seoul", "South Korea", "AS", 37.6, 127.0, 3),
    ("Istanbul", "Turkey", "AS", 41.0, 29.0, 3),
    ("Tehran", "Iran", "AS", 35.7, 51.4, 2),
    ("Bangkok", "Thailand", "AS", 13.8, 100.5, 2),
    ("London", "United Kingdom", "EU", 51.5, -0.1, 7),
    ("Paris", "France", "EU", 48.9, 2.4, 6),
    ("Berlin", "Germany", "EU", 52.5, 13.4, 7),
    ("Madrid", "Spain", "EU", 40.4, -3.7, 4),
    ("Rome", "Italy", "EU", 41.9, 12.5, 3),
    ("Warsaw", "Poland", "EU", 52.2, 21.0, 3),
    ("Stockholm", "Sweden", "EU", 59.3, 18.1, 2),
    ("New York", "United States", "NA", 40.7, -74.0, 8),
    ("Los Angeles", "United States", "NA", 34.1, -118.2, 6),
    ("Chicago", "United States", "NA", 41.9, -87.6, 4),
    ("Toronto", "Canada", "NA", 43.7, -79.4, 3),
    ("Mexico City", "Mexico", "NA", 19.4, -99.1, 3),
    ("São Paulo", "Brazil", "SA", -23.6, -46.6, 4),
    ("Buenos Aires", "Argentina", "SA", -34.6, -58.4, 2),
    ("Lima", "Peru", "SA", -12.0, -77.0, 2),
    ("Bogotá", "Colombia", "SA", 4.7, -74.1, 2),
    ("Lagos", "Nigeria", "AF", 6.5, 3.4, 3),
    ("Cairo", "Egypt", "AF", 30.0, 31.2, 2),
    ("Nairobi", "Kenya", "AF", -1.3, 36.8, 2),
    ("Johannesburg", "South Africa", "AF", -26.2, 28.0, 2),
    ("Sydney", "Australia", "OC", -33.9, 151.2, 2),
    ("Auckland", "New Zealand", "OC", -36.8, 174.8, 1),
];

fn exponential(rng: &mut Rng<'_>, mean: f64) -> f64 {
    -mean * libm::log(rng.open_unit_f64())
}

fn peers(streams: &Streams) -> Vec<PeerRow> {
    let mut rng = streams.owned(SAMPLE, 0);
    let mut rows = Vec::new();
    for (city, country, continent, lat, lon, share) in CITIES {
        // A town or two around every city makes the map less bare.
        for town in 0..3_u32 {
            let offset = |rng: &mut Rng<'_>| {
                if town == 0 { 0.0 } else { libm::round(rng.unit_f64() * 80.0 - 40.0) / 10.0 }
            };
            let (lat, lon) = (lat + offset(&mut rng), lon + offset(&mut rng));
            for _ in 0..(share * 6) >> town {
                rows.push(PeerRow {
                    peer: format!("provider-{}", rows.len()).into(),
                    role: "provider".into(),
                    organization: "nunet".into(),
                    memberships: "nunet".into(),
                    city: (*city).into(),
                    country: (*country).into(),
                    continent: (*continent).into(),
                    lat,
                    lon,
                    up_fraction: 0.7 + 0.3 * rng.unit_f64(),
                    crashes: rng.below(3) as u32,
                });
            }
        }
    }
    rows
}

const REASONS: [&str; 3] = [
    "failed to create the deployment in time",
    "no candidate satisfies the edges of the ensemble",
    "commit refused twice",
];

fn deployments(streams: &Streams) -> Vec<DeploymentRow> {
    let mut rng = streams.owned(SAMPLE, 1);
    let mut submitted = 0.0;
    let rows = (0..220_u32).map(|deployment| {
        submitted += exponential(&mut rng, 80.0);
        let failed = rng.chance(if submitted > 7200.0 && submitted < 9000.0 { 0.25 } else { 0.04 });
        let running =
            (!failed).then(|| submitted + 6.0 + exponential(&mut rng, 14.0) + exponential(&mut rng, 9.0));
        let life = exponential(&mut rng, 5400.0);
        let ended = running.map(|at| at + life).or(Some(submitted + 300.0)).filter(|at| *at < DURATION_S);
        let status = match (failed, ended) {
            (true, _) => "failed",
            (false, Some(_)) => "completed",
            (false, None) => "running",
        };
        DeploymentRow {
            deployment,
            name: format!("web-{deployment}").into(),
            orchestrator: "alice".into(),
            ensemble: "ensembles/web.yaml".into(),
            submitted_s: submitted,
            deadline_s: submitted + 300.0,
            running_s: running,
            ended_s: ended,
            status: status.into(),
            outcome: if failed { "failed" } else { "succeeded" }.into(),
            reason: if failed { *rng.choose(&REASONS).unwrap() } else { "" }.into(),
            rounds: 1 + rng.below(3) as u32,
            attempts: 1 + rng.below(2) as u32,
            bids: 8 + rng.below(60) as u32,
            redeployments: u32::from(rng.chance(0.1)),
        }
    });
    rows.collect()
}

fn series(streams: &Streams, deployments: &[DeploymentRow], peers: usize) -> Vec<SeriesRow> {
    let mut rng = streams.owned(SAMPLE, 2);
    let mut rows = Vec::new();
    let (mut up, mut sent, mut rejected) = (peers as f64 * 0.86, [0.0; 4], 0.0);
    for minute in 0..=360_u32 {
        let time_s = f64::from(minute) * 60.0;
        let mut add = |metric: &str, labels, value| {
            rows.push(SeriesRow { time_s, metric: metric.into(), labels, value });
        };
        if minute == 120 {
            up *= 0.9;
        }
        up = libm::round(up + (peers as f64 * 0.86 - up) * 0.015 + rng.unit_f64() * 8.0 - 4.0)
            .min(peers as f64);
        add("peers.up", "".into(), up);
        let reached = |at: Option<f64>| at.is_some_and(|at| at <= time_s);
        let count = |wanted: &dyn Fn(&DeploymentRow) -> bool| {
            deployments.iter().filter(|row| row.submitted_s <= time_s && wanted(row)).count() as f64
        };
        let running = count(&|row| reached(row.running_s) && !reached(row.ended_s));
        let statuses = [
            ("preparing", count(&|row| !reached(row.running_s) && !reached(row.ended_s))),
            ("running", running),
            ("completed", count(&|row| reached(row.running_s) && reached(row.ended_s))),
            ("failed", count(&|row| row.running_s.is_none() && reached(row.ended_s))),
            ("committing", 0.0),
        ];
        for (status, value) in statuses {
            add("deployments", labels(&[("status", status)]), value);
        }
        let lost = if minute >= 120 { 0.14 * libm::exp(-f64::from(minute - 120) / 6.0) } else { 0.0 };
        let down = libm::round(running * 3.0 * (lost + 0.01 * rng.unit_f64()));
        add("services.wanted", "".into(), running * 3.0);
        add("services.running", "".into(), running * 3.0 - down);
        for (at, kind) in ["bid request", "bid", "commit", "liveness"].into_iter().enumerate() {
            sent[at] +=
                libm::round(60.0 * ([24.0, 9.0, 2.0, 5.0][at] * (0.5 + rng.unit_f64()) + running * 0.05));
            add("messages.sent", labels(&[("kind", kind)]), sent[at]);
        }
        rejected += libm::round(30.0 * rng.unit_f64() + 400.0 * lost);
        add("messages.rejected", "".into(), rejected);
        add("flows.active", "".into(), libm::floor(rng.unit_f64() * 9.0 + 60.0 * lost));
        add("resources.allocated_cpu_cores", "".into(), running * 4.5);
        let held = running / deployments.len().max(1) as f64;
        add("cards.allocation_ratio", "".into(), held);
        add("cards.fragmentation", "".into(), (1.0 - held) * 0.3);
    }
    rows
}

fn allocations(deployments: &[DeploymentRow], peers: &[PeerRow]) -> Vec<AllocationRow> {
    let started = deployments.iter().filter(|row| row.running_s.is_some());
    let rows = started.map(|row| {
        let peer = &peers[row.deployment as usize * 7 % peers.len()];
        AllocationRow {
            deployment: row.deployment,
            node: "node1".into(),
            allocation: "web".into(),
            generation: 0,
            kind: "service".into(),
            peer: peer.peer.clone(),
            city: peer.city.clone(),
            country: peer.country.clone(),
            committed_s: row.submitted_s + 4.0,
            started_s: row.running_s,
            ended_s: row.ended_s,
            end: match (row.ended_s, row.deployment % 3) {
                (None, _) => "",
                (_, 0) => "peer lost",
                _ => "completed",
            }
            .into(),
            exit_code: None,
            cpu_cores: 1.5,
            ram_bytes: 1 << 30,
            disk_bytes: 5 << 30,
            wanted_s: 100.0,
            served_s: 99.0,
            dns_name: "web.internal".into(),
            address: "10.7.200.2".into(),
            ports: "16384=80".into(),
        }
    });
    rows.collect()
}

fn attacks() -> Vec<AttackRow> {
    let row = |attack: &str, successes: u64| AttackRow {
        peer: format!("{attack}-0").into(),
        attack: attack.into(),
        organization: "nunet".into(),
        start_s: 60.0,
        end_s: 3600.0,
        attempts: 100,
        executed: successes,
        refused: 100 - successes,
        successes,
        before_anchoring: 0,
        shut_out_after_s: (successes == 0).then_some(1.5),
        graylisted_after_s: (successes == 0).then_some(20.0),
        example: if successes == 0 { "" } else { "executed twice" }.into(),
    };
    vec![row("forger", 0), row("replayer", 7)]
}

fn connections() -> Vec<ConnectionRow> {
    let row = |caller: &str, called: &str, direct: u64, relayed: u64| ConnectionRow {
        caller: caller.into(),
        called: called.into(),
        direct,
        reversed: 0,
        punched: relayed / 2,
        relayed,
        unreachable: 3,
        refused: 0,
        ready_mean_s: 0.35,
        direct_mean_s: if relayed == 0 { f64::NAN } else { 1.2 },
    };
    vec![row("public", "public", 1200, 0), row("symmetric", "port_restricted", 0, 440)]
}

fn requests() -> Vec<RequestRow> {
    let row = |stream: &str, interval: u32, answered: u64| RequestRow {
        stream: stream.into(),
        start_s: f64::from(interval) * 900.0,
        length_s: 900.0,
        offered: 1000,
        answered,
        no_such_name: 0,
        unreachable: 0,
        refused: 1000 - answered,
        timed_out: 0,
        reset: 0,
        overloaded: 0,
        unhealthy: 0,
        latency_p50_s: 0.08,
        latency_p95_s: if answered == 0 { f64::NAN } else { 0.3 },
        latency_p99_s: 0.9,
    };
    let rows = |stream| (0..24).map(move |at| row(stream, at, if at == 8 { 0 } else { 990 }));
    rows("users").chain(rows("pages")).collect()
}

fn contracts() -> Vec<ContractRow> {
    let row = |contract: u32, model: &str, currency: &str| ContractRow {
        contract,
        name: format!("contract-{contract}").into(),
        requestor: "alice".into(),
        provider: "provider-3".into(),
        host: "carol".into(),
        validator: "vera".into(),
        model: model.into(),
        state: "ACCEPTED".into(),
        signatures: 2,
        created_s: 0.5,
        accepted_s: Some(10.5),
        ended_s: None,
        usage_events: 25,
        usage_lost: 1,
        invoices: 5,
        invoiced: "62.50000000".into(),
        paid: "50.00000000".into(),
        currency: currency.into(),
    };
    vec![row(0, "pay_per_allocation", "NTX"), row(1, "fixed_rental", "NTX"), row(2, "periodic", "USDT")]
}

fn invoices() -> Vec<InvoiceRow> {
    let invoice = |contract: u32, invoice: u64| InvoiceRow {
        contract,
        name: format!("contract-{contract}").into(),
        invoice,
        invoiced_s: invoice as f64 * 3600.0,
        items: 2,
        amount: "12.50000000".into(),
        paid: if invoice < 5 { "12.50000000" } else { "0.00000000" }.into(),
        paid_s: (invoice < 5).then_some(invoice as f64 * 3600.0 + 900.0),
    };
    (0..3).flat_map(|contract| (1..=5).map(move |number| invoice(contract, number))).collect()
}

fn refusals() -> Vec<RefusalRow> {
    let kinds = [
        ("bid", "not enough free memory: 8 GiB wanted", "ram 8 GiB", 5120),
        ("bid", "not enough free CPU cores", "cpu 4", 2210),
        ("authorisation", "no capability chain from a root anchor grants /dms/deployment/request", "", 1440),
        ("bid", "location constraint: the peer is not in EU", "", 1404),
        ("commit", "the bid has expired", "", 311),
        ("commit", "resources were committed to another deployment since the bid", "cpu 4", 206),
        ("pipeline", "rate limit of the public behaviours", "", 190),
        ("pipeline", "the message expired before it was handled", "", 122),
        ("bid", "no GPU of the wanted model", "gpu 1", 77),
        (
            "provision",
            "the image could not be pulled within the timeout, since the registry's link was saturated by others",
            "",
            41,
        ),
        ("authorisation", "a token of the chain was revoked", "", 9),
        ("bid", "executor docker is not installed", "", 6),
        ("bid", "contract has ended", "", 3),
    ];
    let rows = kinds.into_iter().enumerate().map(|(at, (stage, reason, amount_class, count))| RefusalRow {
        deployment: (at % 3 != 2).then_some(at as u32),
        stage: stage.into(),
        reason: reason.into(),
        amount_class: amount_class.into(),
        count,
        first_time_s: 61.25 * (at + 1) as f64,
        first_peer: format!("provider-{}", at * 31).into(),
        example: format!("{reason} (wanted by web-{at})").into(),
    });
    rows.collect()
}

fn metrics(deployments: &[DeploymentRow], peers: usize) -> Vec<MetricRow> {
    let failed = deployments.iter().filter(|row| &*row.outcome == "failed").count();
    let asked = deployments.len();
    let values = [
        ("deployments.asked", asked as f64),
        ("deployments.succeeded", (asked - failed) as f64),
        ("deployments.failed", failed as f64),
        ("deployments.succeeded_fraction", (asked - failed) as f64 / asked as f64),
        ("services.availability", 0.9931),
        ("time_to_running.p50", 25.6),
        ("time_to_running.p95", 66.1),
        ("redeployments", f64::from(deployments.iter().map(|row| row.redeployments).sum::<u32>())),
        ("peers.lost", 3120.0),
        ("peers.total", peers as f64),
    ];
    let rows = values.into_iter().map(|(name, value)| MetricRow {
        metric: name.into(),
        labels: "".into(),
        value,
        unit: crate::observe::metric(name).unwrap().unit.into(),
    });
    rows.collect()
}

fn history(streams: &Streams, deployments: &[DeploymentRow], peers: &[PeerRow]) -> Vec<HistoryRow> {
    let mut rng = streams.owned(SAMPLE, 3);
    let mut rows = Vec::new();
    let mut add =
        |time_s: f64, kind: &str, peer: &str, deployment: Option<u32>, state: &str, reason: &str| {
            rows.push(HistoryRow {
                time_s,
                kind: kind.into(),
                peer: peer.into(),
                deployment,
                node: "".into(),
                allocation: "".into(),
                generation: None,
                state: state.into(),
                reason: reason.into(),
                concerned: "".into(),
            });
        };
    for row in peers {
        let (mut at, mut up) = (exponential(&mut rng, 20_000.0), true);
        while at < DURATION_S {
            add(at, if up { "peer_down" } else { "peer_up" }, &row.peer, None, "", "");
            up = !up;
            at += exponential(&mut rng, if up { 20_000.0 } else { 2400.0 });
        }
    }
    for row in deployments {
        let mut status = |at: f64, state: &str, reason: &str| {
            add(at, "deployment_status", &row.orchestrator, Some(row.deployment), state, reason);
        };
        status(row.submitted_s, "Preparing", "");
        if let Some(running) = row.running_s {
            status(row.submitted_s + 4.0, "Committing", "");
            status(row.submitted_s + 5.0, "Provisioning", "");
            status(running, "Running", "");
        }
        if let Some(ended) = row.ended_s {
            status(ended, if row.running_s.is_some() { "Completed" } else { "Failed" }, &row.reason);
        }
    }
    rows.sort_by(|a, b| a.time_s.total_cmp(&b.time_s));
    rows
}

fn messages(deployments: &[DeploymentRow], peers: &[PeerRow]) -> Vec<MessageRow> {
    let mut rows = Vec::new();
    let mut message = 0;
    for row in deployments {
        let mut send = |behaviour: &str, (from, to): (&str, &str), is_broadcast: bool, at: f64, end: &str| {
            rows.push(MessageRow {
                message,
                deployment: row.deployment,
                behaviour: behaviour.into(),
                from: from.into(),
                to: to.into(),
                is_broadcast,
                size_bytes: 900,
                sent_s: row.submitted_s + at,
                arrived_s: (end == "handled").then_some(row.submitted_s + at + 0.08),
                ended_s: Some(row.submitted_s + at + 0.1),
                end: end.into(),
            });
            message += u64::from(!is_broadcast);
        };
        let alice: &str = &row.orchestrator;
        let peer = |number: u32| &*peers[(row.deployment + number) as usize * 7 % peers.len()].peer;
        for receiver in 0..20 {
            send("/broadcast/dms/deployment/request", (alice, peer(receiver)), true, 0.05, "handled");
        }
        for bidder in 0..6 {
            send(
                "/dms/deployment/<id>/bid",
                (peer(bidder), alice),
                false,
                1.0 + f64::from(bidder),
                "handled",
            );
        }
        if row.running_s.is_some() {
            send("/dms/deployment/commit", (alice, peer(0)), false, 4.0, "handled");
            send("/dms/deployment/commit", (alice, peer(1)), false, 4.1, "lost");
            for round in 0..9 {
                send(
                    "/dms/allocation/<id>/liveness",
                    (alice, peer(0)),
                    false,
                    60.0 + f64::from(round),
                    "handled",
                );
                send("/dms/actor/replyto/<id>", (peer(0), alice), false, 60.5 + f64::from(round), "handled");
            }
        }
    }
    rows
}

fn capabilities() -> Vec<CapabilityRow> {
    let row = |from: &str, to: &str, slot: &str, action: &str, count: u64| CapabilityRow {
        from: from.into(),
        to: to.into(),
        slot: slot.into(),
        action: action.into(),
        capabilities: "/dms/deployment /broadcast /public".into(),
        topics: if slot == "require" { "/nunet" } else { "" }.into(),
        expire_s: (slot == "provide").then_some(2_592_000.0),
        count,
    };
    vec![
        row("organization nunet", "nodes of providers (1000)", "require", "grant", 1000),
        row("organization nunet", "users of providers (1000)", "provide", "delegate", 1000),
        row("users of providers (1000)", "nodes of providers (1000)", "provide", "delegate", 1000),
        row("users of providers (1000)", "nodes of providers (1000)", "root", "grant", 1000),
        row("organization nunet", "user alice", "provide", "delegate", 1),
        row("user alice", "node alice", "provide", "delegate", 1),
        row("node alice", "node alice", "root", "grant", 1),
    ]
}

/// The manifest of the sample.
pub(super) fn manifest() -> RunManifest {
    RunManifest {
        profile: "intended".into(),
        signatures: "modelled".into(),
        duration_s: DURATION_S,
        inputs: vec![
            InputHash::of("quickstart.yaml", b"quickstart"),
            InputHash::of("ensembles/web.yaml", b"web"),
        ],
        digest: "6f1c0a3b9d5e72481b7a90c2d4e6f801".into(),
        stop_reason: "duration".into(),
        expectations: vec![
            Verdict {
                expression: "deployments.succeeded_fraction >= 0.95".into(),
                value: Some(0.936_363_6),
                passed: false,
            },
            Verdict { expression: "resources.leaked == 0".into(), value: Some(0.0), passed: true },
        ],
        ..RunManifest::new("quickstart", 42)
    }
}

/// Everything that is written into the sample's folder.
pub(super) struct Sample {
    pub(super) run: RunManifest,
    pub(super) metrics: Vec<MetricRow>,
    pub(super) series: Vec<SeriesRow>,
    pub(super) deployments: Vec<DeploymentRow>,
    pub(super) allocations: Vec<AllocationRow>,
    pub(super) refusals: Vec<RefusalRow>,
    pub(super) attacks: Vec<AttackRow>,
    pub(super) connections: Vec<ConnectionRow>,
    pub(super) requests: Vec<RequestRow>,
    pub(super) contracts: Vec<ContractRow>,
    pub(super) invoices: Vec<InvoiceRow>,
    pub(super) peers: Vec<PeerRow>,
    pub(super) history: Vec<HistoryRow>,
    pub(super) messages: Vec<MessageRow>,
    pub(super) capabilities: Vec<CapabilityRow>,
}

impl Sample {
    /// A run of six hours with 220 deployments and a crash of a tenth of the peers after two.
    pub(super) fn full() -> Self {
        let streams = Streams::new(42);
        let (peers, deployments) = (peers(&streams), deployments(&streams));
        Self {
            run: manifest(),
            metrics: metrics(&deployments, peers.len()),
            series: series(&streams, &deployments, peers.len()),
            allocations: allocations(&deployments, &peers),
            refusals: refusals(),
            attacks: attacks(),
            connections: connections(),
            requests: requests(),
            contracts: contracts(),
            invoices: invoices(),
            history: history(&streams, &deployments, &peers),
            messages: messages(&deployments, &peers),
            capabilities: capabilities(),
            deployments,
            peers,
        }
    }

    /// A run in which nothing was asked for and nobody took part.
    pub(super) fn empty() -> Self {
        Self {
            run: RunManifest { expectations: Vec::new(), ..manifest() },
            metrics: Vec::new(),
            series: Vec::new(),
            deployments: Vec::new(),
            allocations: Vec::new(),
            refusals: Vec::new(),
            peers: Vec::new(),
            attacks: Vec::new(),
            connections: Vec::new(),
            requests: Vec::new(),
            contracts: Vec::new(),
            invoices: Vec::new(),
            history: Vec::new(),
            messages: Vec::new(),
            capabilities: Vec::new(),
        }
    }

    /// Writes the results folder and returns its path.
    pub(super) fn write(&self, target: &Path) -> PathBuf {
        let mut folder = RunFolder::create(target, true).unwrap();
        folder.write_run(&self.run).unwrap();
        let command_line =
            ["dmsim", "run", "quickstart.yaml", "--set", "name=it's"].map(str::to_owned).to_vec();
        let provenance = Provenance {
            version: "0.1.0".into(),
            command_line,
            wall_s: 3.2,
            event_count: 1_234_567,
            events_per_second: 385_802.0,
            host_cores: 2,
            ..Provenance::default()
        };
        folder.write_provenance(&provenance).unwrap();
        folder.write_table(&self.metrics).unwrap();
        folder.write_table(&self.series).unwrap();
        folder.write_table(&self.deployments).unwrap();
        folder.write_table(&self.allocations).unwrap();
        folder.write_table(&self.refusals).unwrap();
        folder.write_table(&self.peers).unwrap();
        folder.write_table(&self.attacks).unwrap();
        folder.write_table(&self.connections).unwrap();
        folder.write_table(&self.requests).unwrap();
        folder.write_table(&self.contracts).unwrap();
        folder.write_table(&self.invoices).unwrap();
        folder.write_table(&self.history).unwrap();
        folder.write_table(&self.messages).unwrap();
        folder.write_table(&self.capabilities).unwrap();
        folder.finish().unwrap()
    }
}
