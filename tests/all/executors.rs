//! Executors in whole runs: what they fetch, start, hold back, kill and start again (docs/executors.md).

use std::path::Path;

use dmsim::observe::AllocationRow;
use dmsim::scenario::{self, Loaded, Overrides};
use dmsim::sim::{self, Options, Outcome};

const CRASH: &str = "faults=[{crash: {at: 20m, group: providers, repair: 30s}}]";

/// An allocation of one core, 1 GiB of memory and as much disk, deployed after a minute; with an image of its own.
struct Case {
    kind: &'static str,
    executor: &'static str,
    /// What stands beside the type of the execution.
    execution: &'static str,
    /// What else the allocation says.
    more: &'static str,
    /// What `example/it` is like.
    image: &'static str,
}

const SERVICE: Case = Case {
    kind: "service",
    executor: "docker",
    execution: "image: example/it",
    more: "",
    image: "size: 10 MB, service: {}",
};
const TASK: Case = Case { kind: "task", image: "size: 10 MB, task: {run: 10m}", ..SERVICE };

impl Case {
    fn load(&self, changes: &[&str]) -> Result<Loaded, String> {
        let Self { kind, executor, execution, more, image } = self;
        let place = tempfile::tempdir().unwrap();
        let ensemble = place.path().join("it.yaml");
        let resources = "{cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}";
        let text = format!(
            "version: V1\nallocations:\n  it:\n    type: {kind}\n    executor: {executor}\n    \
             resources: {resources}\n    execution: {{type: {executor}, {execution}}}\n    {more}\n\
             nodes:\n  main: {{allocations: [it]}}\n"
        );
        std::fs::write(&ensemble, text).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/executors/base.yaml");
        let deploy = format!("{{by: alice, ensemble: {}, arrivals: {{at: 1m}}}}", ensemble.display());
        let mut set = vec![format!("workload=[{{deploy: {deploy}}}]")];
        set.push(format!("images={{example/it: {{{image}}}}}"));
        set.extend(changes.iter().map(|change| (*change).to_owned()));
        let metrics = dmsim::observe::metric_names();
        scenario::load(&path, &Overrides { set, seed: None }, &metrics).map_err(|report| report.render(false))
    }

    fn run(&self, changes: &[&str]) -> Outcome {
        let loaded = self.load(changes).unwrap_or_else(|errors| panic!("{errors}"));
        sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap()
    }

    fn warnings(&self, changes: &[&str]) -> String {
        self.load(changes).unwrap_or_else(|errors| panic!("{errors}")).warnings.render(false)
    }
}

fn metric(outcome: &Outcome, name: &str) -> f64 {
    outcome.metric(name).unwrap_or_else(|| panic!("{name} was not measured"))
}

/// Whether somebody said that.
fn says(outcome: &Outcome, stage: &str, words: &str) -> bool {
    outcome.refusals.iter().any(|row| &*row.stage == stage && row.reason.contains(words))
}

fn only(outcome: &Outcome) -> &AllocationRow {
    let [row] = &outcome.allocations[..] else { panic!("{:?}", outcome.allocations) };
    row
}

#[test]
fn what_wants_more_memory_than_it_was_given_is_killed() {
    let leak = "size: 10 MB, task: {run: 10m}, uses: {ram: {start: 24 MiB, size: 10 MiB, every: 1s}}";
    let outcome = Case { image: leak, ..TASK }.run(&[]);
    let row = only(&outcome);
    assert_eq!((&*row.end, row.exit_code), ("failed", Some(137)));
    // 1000 MiB more are there after a hundred steps, and it takes one more.
    assert_eq!(row.served_s, 101.0);
    assert_eq!(metric(&outcome, "executors.out_of_memory"), 1.0);
    let frugal = "size: 10 MB, task: {run: 10m}, uses: {ram: 1 GiB}";
    assert_eq!(&*only(&Case { image: frugal, ..TASK }.run(&[])).end, "completed");
}

#[test]
fn a_restart_policy_repeats_what_the_memory_cannot_hold() {
    let leak = "size: 10 MB, service: {}, uses: {ram: {size: 16 MiB, every: 1s}}";
    let execution = "image: example/it, restart_policy: on-failure";
    let outcome = Case { execution, image: leak, ..SERVICE }.run(&[]);
    let killed = metric(&outcome, "executors.out_of_memory");
    assert!((45.0..60.0).contains(&killed), "{killed}: about once in 66 seconds");
    assert_eq!(metric(&outcome, "executors.restarts"), killed);
    assert_eq!(metric(&outcome, "restarts"), 0.0, "nobody else has to restart it");
}

#[test]
fn what_wants_more_cores_than_it_was_given_takes_longer() {
    let image = "size: 10 MB, task: {run: 10m}, uses: {cpu: 2.5}";
    let outcome = Case { image, ..TASK }.run(&[]);
    assert_eq!(only(&outcome).served_s, 1500.0);
    assert_eq!(metric(&outcome, "executors.throttled"), 1.0);
    // A virtual machine has whole processors, but no more of them.
    let execution = "kernel_image: /vm/vmlinux.bin, root_file_system: /vm/it";
    let files = "images={/vm/it: {size: 10 MB, task: {run: 10m}, uses: {cpu: 2}}}";
    let machine = Case { executor: "firecracker", execution, ..TASK };
    assert_eq!(only(&machine.run(&[files])).served_s, 1200.0);
}

#[test]
fn what_writes_more_than_its_file_system_holds_fails() {
    let image = "size: 10 MB, task: {run: 10m}, uses: {disk: {size: 100 MB, every: 1s}}";
    let outcome = Case { image, ..TASK }.run(&[]);
    let row = only(&outcome);
    assert_eq!((&*row.end, row.exit_code, row.served_s), ("failed", Some(1), 11.0));
    assert_eq!(metric(&outcome, "executors.disk_full"), 1.0);
}

#[test]
fn each_policy_starts_again_what_docker_would() {
    const WELL: &str = "size: 10 MB, task: {run: 20s}";
    const BADLY: &str = "size: 10 MB, task: {run: 20s, exit_code: 3}";
    for (execution, image, goes_on, end) in [
        ("image: example/it, restart_policy: no", BADLY, false, "failed"),
        ("image: example/it, restart_policy: on-failure", WELL, false, "completed"),
        ("image: example/it, restart_policy: on-failure", BADLY, true, ""),
        ("image: example/it, restart_policy: always", WELL, true, ""),
        ("image: example/it, restart_policy: unless-stopped", BADLY, true, ""),
    ] {
        let outcome = Case { execution, image, ..TASK }.run(&[]);
        assert_eq!(&*only(&outcome).end, end, "{execution}");
        let restarts = metric(&outcome, "executors.restarts");
        // Each takes 20 s, a second to start and a pause of 100 ms.
        assert_eq!((160.0..170.0).contains(&restarts), goes_on, "{execution}: {restarts}");
        assert_eq!(restarts == 0.0, !goes_on, "{execution}: {restarts}");
    }
}

#[test]
fn what_ends_at_once_is_started_again_after_longer_and_longer_pauses() {
    let image = "size: 10 MB, start: 0s, task: {run: 1s, exit_code: 1}";
    let execution = "image: example/it, restart_policy: always";
    let outcome = Case { execution, image, ..TASK }.run(&[]);
    // The first nine pauses take less than a minute together, each of the others 60 s and more.
    let restarts = metric(&outcome, "executors.restarts");
    assert!((60.0..70.0).contains(&restarts), "{restarts}");
    // containerd looks around every 10 s.
    let outcome = Case { executor: "containerd", execution, image, ..TASK }.run(&[]);
    let restarts = metric(&outcome, "executors.restarts");
    assert!((345.0..=354.0).contains(&restarts), "{restarts}");
}

#[test]
fn restarts_and_use_are_told_to_whoever_asks() {
    let image = "size: 10 MB, service: {fails_after: 4m}, uses: {cpu: 0.25}";
    let execution = "image: example/it, restart_policy: always";
    let ask = "operations=[{at: 21m, by: alice, deployment: {info: {deployment: it, usage: true}}, \
               answer: uses 0.25 cores after 4 restarts}]";
    let outcome = Case { execution, image, ..SERVICE }.run(&[ask]);
    assert_eq!(metric(&outcome, "operations.unexpected"), 0.0, "{:?}", outcome.operations);
}

#[test]
fn a_machine_that_comes_back_brings_up_what_its_policy_says() {
    for (policy, by_itself) in [("no", 0.0), ("on-failure", 0.0), ("always", 1.0), ("unless-stopped", 1.0)] {
        let execution: &'static str =
            Box::leak(format!("image: example/it, restart_policy: {policy}").into());
        let outcome = Case { execution, ..SERVICE }.run(&[CRASH, "strategy={recovery: stay_down}"]);
        assert_eq!(metric(&outcome, "executors.restarts"), by_itself, "{policy}");
        // Otherwise its provider starts it again: it runs in either case, and holds what it held.
        let row = only(&outcome);
        assert!(row.served_s > 3450.0 && row.end.is_empty(), "{policy}: {row:?}");
        assert_eq!(metric(&outcome, "resources.leaked"), 0.0, "{policy}");
    }
}

#[test]
fn a_policy_outlives_the_process_but_not_a_shutdown() {
    let image = "size: 10 MB, service: {fails_after: 1m}";
    let execution = "image: example/it, restart_policy: unless-stopped";
    let away = "faults=[{restart: {at: 10m, group: providers, down: 50s}}]";
    let stop = "operations=[{at: 30m, by: alice, deployment: {shutdown: it}}]";
    let outcome = Case { execution, image, ..SERVICE }.run(&[away, stop]);
    let restarts = metric(&outcome, "executors.restarts");
    assert!((27.0..=29.0).contains(&restarts), "{restarts}: one a minute until it is shut down");
    assert_eq!(metric(&outcome, "resources.leaked"), 0.0);
}

#[test]
fn what_does_not_listen_is_killed_after_ten_seconds() {
    let stop = "operations=[{at: 10m, by: alice, deployment: {shutdown: it}}]";
    for (image, code, took) in [
        ("size: 10 MB, service: {}", None, 0.0),
        ("size: 10 MB, service: {}, stop: {after: 3s}", Some(143), 3.0),
        ("size: 10 MB, service: {}, stop: {after: 3s, exit_code: 0}", Some(0), 3.0),
        ("size: 10 MB, service: {}, stop: {after: 1m}", Some(137), 10.0),
        ("size: 10 MB, service: {}, stop: ignored", Some(137), 10.0),
    ] {
        let outcome = Case { image, ..SERVICE }.run(&[stop]);
        let row = only(&outcome);
        assert_eq!((&*row.end, row.exit_code), ("terminated", code), "{image}");
        let ended = row.ended_s.expect("it was shut down") - 600.0;
        assert!((took..took + 1.0).contains(&ended), "{image}: {ended}");
        assert_eq!(metric(&outcome, "executors.killed"), f64::from(code == Some(137)), "{image}");
    }
}

#[test]
fn what_survives_being_killed_is_tried_again() {
    let image = "size: 10 MB, service: {}, survives: 2";
    let stop = "operations=[{at: 10m, by: alice, deployment: {shutdown: it}}]";
    let outcome = Case { image, ..SERVICE }.run(&[stop]);
    let ended = only(&outcome).ended_s.expect("the third attempt succeeds") - 600.0;
    // Twice the grace period, then pauses of 30 s and of a minute.
    assert!((110.0..111.0).contains(&ended), "{ended}");
    assert!(says(&outcome, "release", "the container does not end"));
}

#[test]
fn a_restart_waits_for_the_end_of_what_ran() {
    // Its health check fails for ever, so that its supervisor restarts it; each time it has to be killed.
    let image = "size: 10 MB, service: {health: ill}, stop: ignored";
    let more = "healthcheck: {type: http, endpoint: /, response: {type: string, value: well}}\n    \
                failure_recovery: one_for_one";
    let outcome = Case { image, more, ..SERVICE }.run(&[]);
    let (restarts, killed) = (metric(&outcome, "restarts"), metric(&outcome, "executors.killed"));
    assert!(restarts >= 2.0 && killed >= restarts, "{restarts} restarts, {killed} killed");
    assert_eq!(metric(&outcome, "resources.leaked"), 0.0);
}

#[test]
fn a_check_that_takes_too_long_fails_and_as_it_is_nobody_answers() {
    let image = "size: 10 MB, service: {health: well, answers_after: 10s}";
    let more = "healthcheck: {type: http, endpoint: /, response: {type: string, value: well}}";
    let slow = Case { image, more, ..SERVICE };
    assert!(metric(&slow.run(&[]), "restarts") >= 1.0);
    assert!(metric(&slow.run(&["profile=as-is"]), "restarts") >= 1.0);
    let image = "size: 10 MB, service: {health: well, answers_after: 2s}";
    let quick = Case { image, more, ..SERVICE };
    assert_eq!(metric(&quick.run(&[]), "restarts"), 0.0);
    // What is asked of what is not up fails at once.
    let image = "size: 10 MB, start: 4m, service: {health: well, fails_after: 20m}";
    let execution = "image: example/it, restart_policy: always";
    let outcome = Case { image, more, execution, ..SERVICE }.run(&["workload[0].deploy.timeout=10m"]);
    assert!(metric(&outcome, "restarts") >= 1.0, "it takes four minutes to be up again");
}

#[test]
fn nobody_bids_who_lacks_the_executor() {
    let execution = "kernel_image: vmlinux.bin, root_file_system: hello-rootfs.ext4";
    let machine = Case { executor: "firecracker", execution, ..SERVICE };
    let docker_only = "peers[0].providers.executors=[docker]";
    let outcome = machine.run(&[docker_only]);
    assert_eq!(metric(&outcome, "deployments.succeeded"), 0.0);
    assert!(says(&outcome, "bid", "no firecracker executor"));
    let warnings = machine.warnings(&[docker_only]);
    assert!(warnings.contains("no provider has the executor `firecracker`"), "{warnings}");
    assert_eq!(machine.warnings(&[]), "");
}

#[test]
fn as_it_is_allocations_are_made_for_docker_only() {
    let execution = "kernel_image: vmlinux.bin, root_file_system: hello-rootfs.ext4";
    for (executor, execution) in [("firecracker", execution), ("null", ""), ("containerd", "image: nginx")] {
        let case = Case { executor, execution, ..SERVICE };
        // With W6b the next attempt forgets the node.
        let outcome = case.run(&["profile={base: as-is, fix: [W6b]}"]);
        assert_eq!(metric(&outcome, "deployments.succeeded"), 0.0);
        let why = format!("allocations of the executor {executor} cannot be created");
        assert!(says(&outcome, "allocate", &why), "{:?}", outcome.refusals);
        assert_eq!(metric(&case.run(&[]), "deployments.succeeded"), 1.0, "{executor}");
    }
}

#[test]
fn a_virtual_machine_boots_in_a_moment_once_its_files_are_there() {
    let execution = "kernel_image: /opt/vm/hello-vmlinux.bin, root_file_system: /opt/vm/hello-rootfs.ext4";
    let outcome = Case { executor: "firecracker", execution, ..SERVICE }.run(&[]);
    assert_eq!(metric(&outcome, "image_bytes"), 52_900_000.0);
    let boot = metric(&outcome, "executors.start_time.p50");
    assert!((0.2..1.0).contains(&boot), "{boot}");
    // With a ram disk there is more to fetch.
    let execution = "kernel_image: vmlinux.bin, initrd: /vm/initrd, root_file_system: hello-rootfs.ext4";
    let initrd = "images={/vm/initrd: {size: 1 MB, start: 1s, kernel: {}}}";
    let outcome = Case { executor: "firecracker", execution, ..SERVICE }.run(&[initrd]);
    assert_eq!(metric(&outcome, "image_bytes"), 53_900_000.0);
    assert!(metric(&outcome, "executors.start_time.p50") > 1.2);
}

#[test]
fn containerd_starts_a_little_sooner_than_docker_and_fetches_for_itself() {
    let start = |executor| {
        let outcome = Case { executor, ..SERVICE }.run(&[]);
        assert_eq!(metric(&outcome, "image_bytes"), 10_000_000.0);
        metric(&outcome, "executors.start_time.p50")
    };
    let sooner = start("docker") - start("containerd");
    assert!((0.14..0.16).contains(&sooner), "{sooner}");
}

#[test]
fn nothing_runs_at_once_and_to_the_end_or_for_ever() {
    let task = Case { executor: "null", execution: "", ..TASK }.run(&[]);
    assert_eq!((&*only(&task).end, only(&task).served_s), ("completed", 0.0));
    assert_eq!(metric(&task, "image_bytes"), 0.0);
    let ask = "operations=[{at: 21m, by: alice, deployment: {info: {deployment: it, usage: true}}, \
               answer: uses 0 cores}]";
    let service = Case { executor: "null", execution: "", ..SERVICE }.run(&[ask]);
    assert!(only(&service).served_s > 3500.0);
    assert_eq!(metric(&service, "operations.unexpected"), 0.0, "{:?}", service.operations);
}

#[test]
fn what_cannot_be_fetched_is_told() {
    let image = "size: 10 MB, service: {}, pull_fails: 100%";
    let outcome = Case { image, ..SERVICE }.run(&[]);
    assert_eq!(metric(&outcome, "deployments.succeeded"), 0.0);
    assert!(metric(&outcome, "images.not_fetched") >= 1.0);
    assert!(says(&outcome, "start", "fetching example/it: its server does not answer"));
    assert_eq!(metric(&outcome, "resources.leaked"), 0.0);
    // Where it is likely to work the second time, it does.
    let image = "size: 10 MB, service: {}, pull_fails: 50%";
    assert_eq!(metric(&Case { image, ..SERVICE }.run(&[]), "deployments.succeeded"), 1.0);
}

#[test]
fn what_is_not_known_is_an_error_before_anything_runs() {
    let unknown = Case { execution: "image: exmaple/it", ..SERVICE }.load(&[]).unwrap_err();
    assert!(unknown.contains("nothing is known about the image `exmaple/it`"), "{unknown}");
    assert!(unknown.contains("did you mean `example/it`?"), "{unknown}");
    let execution = "kernel_image: /vm/vmlinux, root_file_system: /vm/root";
    let unknown = Case { executor: "firecracker", execution, ..SERVICE }.load(&[]).unwrap_err();
    for path in ["/vm/vmlinux", "/vm/root"] {
        assert!(unknown.contains(&format!("nothing is known about the file `{path}`")), "{unknown}");
    }
}

#[test]
fn images_make_room_for_each_other_and_one_that_never_fits_is_refused() {
    let deploy = |ensemble: &str, at: &str| {
        format!(
            "{{deploy: {{by: alice, ensemble: ../../../scenarios/ensembles/{ensemble}.yaml, \
             arrivals: {{at: [{at}]}}, shutdown_after: 5m}}}}"
        )
    };
    let fast = "network.bandwidth={up: 10 Gbit/s, down: 10 Gbit/s}";
    let all =
        [deploy("hello", "1m, 20m"), deploy("web", "10m, 40m"), deploy("whole-machine", "30m")].join(", ");
    let workload = format!("workload=[{all}]");
    let images =
        "images={hello-world: {size: 12 GB, task: {run: 1m}}, nginx: {size: 17 GB, service: {health: ok}}}";
    let outcome = SERVICE.run(&[&workload, images, fast]);
    let found = ["images.missed", "images.found", "images.evicted"].map(|name| metric(&outcome, name));
    assert_eq!(found, [2.0, 3.0, 0.0], "both fit");
    let larger =
        "images={hello-world: {size: 14 GB, task: {run: 1m}}, nginx: {size: 17 GB, service: {health: ok}}}";
    let outcome = SERVICE.run(&[&workload, larger, fast]);
    let found = ["images.missed", "images.found", "images.evicted"].map(|name| metric(&outcome, name));
    assert_eq!(found, [4.0, 1.0, 3.0], "each makes room for the other");
    let huge = Case { image: "size: 31 GB, service: {}", ..SERVICE }.run(&[]);
    assert!(says(&huge, "start", "fetching example/it: no space left on device"));
    assert_eq!(metric(&huge, "image_bytes"), 0.0);
}

#[test]
fn contradictions_are_pointed_out() {
    let always = Case { execution: "image: example/it, restart_policy: always", ..TASK };
    let warnings = always.warnings(&[]);
    assert!(warnings.contains("it never completes"), "{warnings}");
    let execution = "kernel_image: /vm/root, root_file_system: /vm/vmlinux";
    let swapped = Case { executor: "firecracker", execution, ..SERVICE };
    let files = "images={/vm/root: {size: 1 MB, service: {}}, /vm/vmlinux: {size: 1 MB, kernel: {}}}";
    let warnings = swapped.warnings(&[files]);
    assert!(warnings.contains("`/vm/root` of `it` is no kernel"), "{warnings}");
    assert!(warnings.contains("`/vm/vmlinux` of `it` is a kernel: nothing will run in it"), "{warnings}");
}
