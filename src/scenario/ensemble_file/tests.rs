//! Each rule of the ensemble format: a change to a good file, and the exact messages that it brings.
use super::*;
use crate::dms::ensemble::config::*;
use crate::dms::ensemble::start_levels;
use crate::kernel::time::Span;

const BASE: &str = "\
version: \"V1\"
allocations:
  a:
    type: service
    executor: docker
    resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
    execution: {type: docker, image: nginx}
nodes:
  n:
    allocations: [a]
";

/// A second allocation, to be put behind `allocations:`.
const SECOND: &str = "allocations:
  b: {type: task, executor: docker, resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}, \
   execution: {type: docker, image: x}}
  a:";

fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(BASE.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old:?} is not in the text");
        text.replacen(old, new, 1)
    })
}

fn shown(diagnostics: &[Diagnostic]) -> Vec<String> {
    let level = |one: &Diagnostic| if one.is_error() { "" } else { "warning: " };
    diagnostics
        .iter()
        .map(|one| format!("{}:{} {}{}", one.line, one.column, level(one), one.message))
        .collect()
}

fn messages(text: &str) -> Vec<String> {
    match read("e.yaml", text.as_bytes()) {
        Ok(loaded) => shown(&loaded.warnings),
        Err(diagnostics) => shown(&diagnostics),
    }
}

fn good(text: &str) -> EnsembleConfig {
    let loaded = read("e.yaml", text.as_bytes()).unwrap_or_else(|all| panic!("{text}\n{:?}", shown(&all)));
    assert_eq!(shown(&loaded.warnings), Vec::<String>::new(), "{text}");
    loaded.config
}

/// Checks a table: what to replace in the base by what, and the messages.
fn check(table: &[(&str, &str, &[&str])]) {
    for (old, new, expected) in table {
        assert_eq!(messages(&changed(&[(old, new)])), *expected, "{old:?} -> {new:?}");
    }
}

#[test]
fn rules_for_the_top_of_the_file() {
    check(&[
        ("\"V1\"", "V1", &[]),
        ("\"V1\"", "\"1\"", &["1:10 unsupported ensemble version `1`"]),
        ("version: \"V1\"\n", "", &["1:1 warning: there is no `version`"]),
        ("nodes:", "wrapper: &x {y: 1}\nnodes:", &[]),
        ("nodes:", "node:", &["8:1 warning: unknown key `node`: DMS ignores it"]),
        (
            "nodes:",
            "escalation_strategy: tear_down\nnodes:",
            &["8:22 invalid escalation_strategy \"tear_down\": must be one of [redeploy teardown]"],
        ),
        ("nodes:", "subnet: {}\nnodes:", &["8:1 subnet cannot be empty if specified"]),
        ("nodes:", "subnet:\nnodes:", &["8:1 subnet cannot be empty if specified"]),
        ("nodes:", "subnet: {join: 1}\nnodes:", &["8:16 `join` must be true or false, not a number"]),
        ("nodes:", "metadata: {a: 1}\nnodes:", &["8:15 `a` in `metadata` must be a string, not a number"]),
        ("nodes:", "contracts: {c: {did: 5}}\nnodes:", &["8:22 contract 'did' must be a string"]),
        ("nodes:", "contracts: {c: {host: x}}\nnodes:", &["8:13 contract 'did' must be a string"]),
        (
            "nodes:",
            "contracts: {c: {did: x, host: y}}\nnodes:",
            &["8:22 invalid did format", "8:31 invalid host did format"],
        ),
        (
            "nodes:",
            "supervisor: {strategy: OneForAll, allocations: [z], children: [{strategy: ''}]}\nnodes:",
            &[
                "8:24 invalid supervisor strategy \"OneForAll\": must be one of [OneForOne AllForOne RestForOne]",
                "8:49 referenced allocation 'z' not found",
                "8:75 supervisor strategy cannot be empty if specified",
            ],
        ),
    ]);
    assert_eq!(messages("[1]"), ["1:1 an ensemble must be a map, not a list"]);
    assert_eq!(messages("version: V1"), ["1:1 at least one allocation must be defined"]);
    assert_eq!(messages("version: V1\nallocations: {}"), ["2:1 at least one allocation must be defined"]);
}

#[test]
fn rules_for_allocations() {
    check(&[
        (
            "  a:",
            "  a_b:",
            &[
                "3:3 invalid allocation name, must be a valid hostname: a_b",
                "10:19 referenced allocation 'a' not found",
            ],
        ),
        ("    type: service\n", "", &["3:3 allocation must have a type (service or task)"]),
        (
            "type: service",
            "type: servce",
            &["4:11 invalid allocation type \"servce\": must be one of [service task]"],
        ),
        ("    executor: docker\n", "", &["3:3 allocation must have an executor"]),
        (
            "executor: docker",
            "executor: firecracker",
            &["5:15 allocation executor type (firecracker) must match execution type (docker)"],
        ),
        ("type: docker, image: nginx", "type: docker", &["7:5 execution must have params"]),
        ("type: docker, image: nginx", "image: nginx", &["7:5 execution must have a type"]),
        (
            "type: docker, image: nginx",
            "type: dokcer, image: nginx",
            &[
                "5:15 allocation executor type (docker) must match execution type (dokcer)",
                "7:23 unsupported execution type: dokcer",
            ],
        ),
    ]);
}

#[test]
fn rules_for_containers_and_other_fields() {
    check(&[
        ("image: nginx", "user: me", &["7:5 docker execution must have an image"]),
        ("image: nginx", "image: Nginx", &["7:38 invalid docker image format: Nginx"]),
        ("image: nginx", "image: x, environment: [\"A=1\", B]", &["7:62 invalid environment variable: B"]),
        (
            "image: nginx",
            "image: x, environment: {A: 1, 2B: x}",
            &["7:61 invalid environment variable: 2B=x"],
        ),
        (
            "image: nginx",
            "image: x, working_directory: ''",
            &["7:60 working_directory cannot be empty if specified"],
        ),
        (
            "image: nginx",
            "image: x, restart_policy: never",
            &["7:57 invalid restart_policy \"never\": must be one of [no on-failure always unless-stopped]"],
        ),
        (
            "image: nginx",
            "image: x, args: [a]",
            &["7:41 warning: unknown key `args` in a container: DMS ignores it"],
        ),
        (
            "image: nginx",
            "image: x, cmd: [echo, 1]",
            &["7:53 an item of `cmd` must be a string, not a number"],
        ),
        ("type: service", "type: service\n    dns_name: ''", &["5:15 dns_name cannot be empty if specified"]),
        (
            "type: service",
            "type: service\n    dns_name: a_b",
            &["5:15 invalid dns_name, must be a valid DNS name: a_b"],
        ),
        (
            "type: service",
            "type: service\n    dnsname: x",
            &["5:5 warning: unknown key `dnsname` in an allocation: DMS ignores it"],
        ),
        (
            "type: service",
            "type: service\n    failure_recovery: restart",
            &[
                "5:23 invalid failure_recovery \"restart\": must be one of [stay_down one_for_one one_for_all rest_for_one]",
            ],
        ),
        (
            "type: service",
            "type: service\n    keys: [k, {type: gpg, file: f}, {type: ssh, file: f}]",
            &[
                "5:12 invalid allocation key spec at index 0: must be a map",
                "5:15 allocation key at index 1 must have a dest",
            ],
        ),
        (
            "type: service",
            "type: service\n    provision: [s]",
            &["5:5 scripts must be defined when provision is defined"],
        ),
    ]);
    let twice = changed(&[("allocations:\n  a:", SECOND), ("  b:", "  A:")]);
    assert_eq!(messages(&twice), ["4:3 duplicate allocation names found: 'A' and 'a'"]);
    let dns = changed(&[("allocations:\n  a:", SECOND), ("type: service", "type: service\n    dns_name: b")]);
    assert_eq!(messages(&dns), ["6:15 duplicate dns_name found: 'b' used in allocations 'b' and 'a'"]);
    let script = changed(&[
        ("type: service", "type: service\n    provision: [t]"),
        ("nodes:", "scripts: {s: echo}\nnodes:"),
    ]);
    assert_eq!(messages(&script), ["5:17 referenced script 't' not found"]);
}

#[test]
fn rules_for_resources() {
    check(&[
        (
            "    resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}\n",
            "",
            &["3:3 allocation must have resources"],
        ),
        (
            "{cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}",
            "{}",
            &[
                "6:5 resources must have cpu configuration",
                "6:5 resources must have ram configuration",
                "6:5 resources must have disk configuration",
            ],
        ),
        (
            "cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}",
            "cpu: {}, ram: {}, disk: {}",
            &[
                "6:17 cpu must have cores value",
                "6:26 ram must have size value",
                "6:35 disk must have size value",
            ],
        ),
        ("cores: 1", "cores: 0", &["6:30 cpu cores must be greater than 0"]),
        ("cores: 1", "cores: -2", &["6:30 cpu cores must be greater than 0"]),
        ("cores: 1", "cores: many", &["6:30 cpu cores: `many` is not a number with a unit"]),
        ("cores: 1", "cores: 1, architecture: ''", &["6:47 cpu architecture cannot be empty if specified"]),
        (
            "cores: 1",
            "cores: 1, clockspeed: 2",
            &["6:33 warning: unknown key `clockspeed` in `cpu`: DMS ignores it"],
        ),
        (
            "cores: 1",
            "cores: 1, clock_speed: 2 GB",
            &["6:46 cpu clock_speed: `GB` is not a unit of frequency: write one of Hz, kHz, MHz, GHz, THz"],
        ),
        ("disk: {size: 1}", "disk: {size: 1, type: ''}", &["6:72 disk type cannot be empty if specified"]),
        ("disk: {size: 1}", "disk: {size: 1}, gpus: x", &["6:73 gpus must be an array"]),
        (
            "disk: {size: 1}",
            "disk: {size: 1}, gpus: [{vendor: '', memory: 1}]",
            &[
                "6:83 gpu vendor cannot be empty if specified",
                "6:87 warning: unknown key `memory` in a gpu: DMS ignores it",
            ],
        ),
        ("disk: {size: 1}", "disk: {size: 1}, gpus: [{vram: 2}]", &["6:81 warning: `vram` has no unit"]),
        (
            "{cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}",
            "small",
            &["6:16 resource template 'small' not found"],
        ),
    ]);
}

#[test]
fn rules_for_health_checks_and_volumes() {
    let with = |field: &str| messages(&changed(&[("type: service", &format!("type: service\n    {field}"))]));
    for (field, expected) in [
        ("health_check: {}", "5:5 warning: unknown key `health_check` in an allocation: DMS ignores it"),
        ("healthcheck: {}", "5:5 healthcheck cannot be empty if specified"),
        ("healthcheck: check.sh", "5:18 healthcheck must be a map"),
        ("healthcheck: {exec: [x]}", "5:5 healthcheck must have a type"),
        ("healthcheck: {type: tcp}", "5:25 unsupported healthcheck type: tcp"),
        ("healthcheck: {type: command}", "5:5 command healthcheck must have exec"),
        ("healthcheck: {type: http}", "5:5 http healthcheck must have an endpoint"),
        (
            "healthcheck: {type: command, exec: [x], interval: 0s}",
            "5:55 healthcheck interval must be greater than 0",
        ),
        (
            "healthcheck: {type: command, exec: [x], interval: -5}",
            "5:55 healthcheck interval must be greater than 0",
        ),
        ("healthcheck: {type: command, exec: [x], interval: 5}", "5:55 warning: `interval` has no unit"),
        (
            "healthcheck: {type: command, exec: [x], interval: 1d}",
            "5:55 invalid healthcheck interval: `d` is not a unit of time: write one of ns, us, ms, s, m, h",
        ),
        (
            "volume: {type: local, src: d, mount_destination: /d}",
            "5:13 invalid volume configuration: must be a list, not a map",
        ),
        ("volume: [{type: local, src: d}]", "5:14 volume must define a mount destination"),
        ("volume: [{type: nfs, mount_destination: /d}]", "5:21 unsupported volume type: nfs"),
        ("volume: [{type: local, mount_destination: /d}]", "5:14 local volume must have a src"),
        (
            "volume: [{type: local, src: a/b, mount_destination: /d}]",
            "5:33 local volume src must be an absolute path: a/b",
        ),
        ("volume: [{type: local, src: .x, mount_destination: /d}]", "5:33 invalid local volume name: .x"),
        (
            "volume: [{type: glusterfs, servers: [''], mount_destination: /d}]",
            "5:14 glusterfs volume must have at least one server, and none may be empty",
        ),
    ] {
        assert_eq!(with(field), [expected], "{field}");
    }
}

#[test]
fn rules_for_dependencies() {
    let with = |depends: &str, nodes: &str| {
        messages(&changed(&[
            ("allocations:\n  a:", SECOND),
            ("type: service", &format!("type: service\n    depends_on: [{depends}]")),
            ("allocations: [a]", nodes),
        ]))
    };
    assert_eq!(with("b", "allocations: [a, b]"), Vec::<String>::new());
    assert_eq!(with("a", "allocations: [a, b]"), ["6:18 allocation 'a' cannot depend on itself"]);
    assert_eq!(with("b, bb", "allocations: [a, b]"), ["6:21 depends_on allocation '[b bb]' not found"]);
    assert_eq!(
        with("b", "allocations: [a]\n  m: {allocations: [b]}"),
        ["6:18 allocation 'a' depends on 'b', but 'b' is not in the same node: \
          dependent allocations must be in the same node"]
    );
    assert_eq!(
        with("b", "allocations: [a, b]\n  m: {allocations: [b]}"),
        ["13:21 allocation 'b' is assigned to multiple nodes ('n' and 'm'): \
          an allocation can only be assigned to one node"]
    );
    let cycle = changed(&[
        ("allocations:\n  a:", SECOND),
        ("  b: {", "  b: {depends_on: [a], "),
        ("type: service", "type: service\n    depends_on: [b]"),
        ("allocations: [a]", "allocations: [a, b]"),
    ]);
    let all = read("e.yaml", cycle.as_bytes()).unwrap_err();
    assert_eq!(shown(&all), ["3:20 cyclic dependencies detected in allocations"]);
    assert_eq!(all[0].help.as_deref(), Some("b -> a -> b"));
}

#[test]
fn rules_for_nodes_and_edges() {
    let public = "port must have a valid public port number between 1025 and 65535 if specified";
    let with =
        |field: &str| messages(&changed(&[("allocations: [a]", &format!("allocations: [a]\n    {field}"))]));
    for (field, expected) in [
        ("ports: [{public: 80, private: 80, allocation: a}]", vec![format!("11:22 {public}")]),
        ("ports: [{public: 65536, private: 80, allocation: a}]", vec![format!("11:22 {public}")]),
        ("ports: [{private: 80, allocation: a}]", vec![format!("11:13 {public}")]),
        (
            "ports: [{public: 0, private: 0, allocation: a}]",
            vec!["11:34 port must have a valid private port number".into()],
        ),
        (
            "ports: [{public: 0, private: 8, allocation: x}]",
            vec!["11:49 referenced allocation 'x' not found".into()],
        ),
        ("ports: {80: 80}", vec!["11:12 `ports` must be a list, not a map".into()]),
        ("peer: ''", vec!["11:11 peer cannot be empty if specified".into()]),
        ("redundancy: two", vec!["11:17 redundancy must be a number".into()]),
        ("redundancy: -1", vec!["11:17 redundancy must be a positive number".into()]),
        (
            "failure_recovery: one_for_one",
            vec![
                "11:23 invalid failure_recovery \"one_for_one\": must be one of [stay_down restart redeploy]"
                    .into(),
            ],
        ),
        (
            "location: {accept: [{region: EU}]}",
            vec![
                "11:25 location must have a continent".into(),
                "11:26 warning: unknown key `region` in a location: DMS ignores it".into(),
            ],
        ),
        (
            "location: {reject: [{continent: EU, city: Oslo}]}",
            vec!["11:47 location with a city must have a country".into()],
        ),
        (
            "location: {reject: [{continent: ''}]}",
            vec!["11:37 location continent cannot be empty if specified".into()],
        ),
    ] {
        assert_eq!(with(field), expected, "{field}");
    }
    let edge = |edges: &str| {
        messages(&changed(&[("nodes:", &format!("edge_constraints: [{{edges: {edges}}}]\nnodes:\n  m:"))]))
    };
    assert_eq!(edge("[n, m], rtt: 50, bw: 1000"), Vec::<String>::new());
    assert_eq!(edge("[n, n]"), ["8:28 edge constraint source and target must be different nodes"]);
    assert_eq!(edge("[n]"), ["8:28 invalid edges parameter: [n]"]);
    assert_eq!(edge("n"), ["8:28 edges should be a pair of named nodes"]);
    assert_eq!(edge("[n, 5]"), ["8:28 edges should be a pair of named nodes"]);
    assert_eq!(edge("[n, x]"), ["8:32 node 'x' not found"]);
    let homeless = changed(&[("nodes:\n  n:\n    allocations: [a]", "edge_constraints: [{edges: [n, m]}]")]);
    assert_eq!(messages(&homeless), ["8:1 nodes must be defined when edge_constraints are present"]);
}

#[test]
fn rules_for_firecracker() {
    let firecracker = |fields: &str| {
        messages(&changed(&[
            ("executor: docker", "executor: firecracker"),
            ("type: docker, image: nginx", &format!("type: firecracker, {fields}")),
        ]))
    };
    assert_eq!(firecracker("kernel_image: k, root_file_system: r"), Vec::<String>::new());
    assert_eq!(
        firecracker("kernel_args: '', initrd: ''"),
        [
            "7:5 firecracker execution must have a kernel_image",
            "7:5 firecracker execution must have a root_file_system",
            "7:49 kernel_args cannot be empty if specified",
            "7:61 initrd cannot be empty if specified",
        ]
    );
}

#[test]
fn rules_for_the_rest_of_the_fields() {
    check(&[
        (
            "image: nginx",
            "image: x, registry_auth: {username: me}",
            &["7:56 registry_auth must have a username and a password"],
        ),
        ("image: nginx", "image: x, user: 1000", &["7:47 `user` must be a string, not a number"]),
        ("image: nginx", "image: x, entrypoint: run", &["7:53 `entrypoint` must be a list, not a string"]),
        (
            "type: service",
            "type: service\n    keys: [{type: rsa, file: ''}, {}]",
            &[
                "5:19 invalid allocation key type \"rsa\": must be one of [ssh gpg]",
                "5:30 allocation key file cannot be empty if specified",
                "5:35 allocation key at index 1 must have a type",
                "5:35 allocation key at index 1 must have a file",
            ],
        ),
        (
            "type: service",
            "type: service\n    healthcheck: {type: http, endpoint: x, response: {type: 1, value: 2}}",
            &["5:61 `type` must be a string, not a number", "5:71 `value` must be a string, not a number"],
        ),
        (
            "disk: {size: 1}",
            "disk: {size: 1}, gpus: [{model: '', index: -1, uuid: 5}, x]",
            &[
                "6:82 gpu model cannot be empty if specified",
                "6:93 `index` must be a whole number from 0 on, not `-1`",
                "6:103 `uuid` must be a string, not a number",
                "6:107 a gpu must be a map, not a string",
            ],
        ),
        (
            "ram: {size: 1}",
            "ram: {size: 1, clock_speed: 0}",
            &["6:62 ram clock_speed must be greater than 0"],
        ),
        ("nodes:", "scripts: {s: [x]}\nnodes:", &["8:14 `s` in `scripts` must be a string, not a list"]),
        ("nodes:", "exclude_peers: p\nnodes:", &["8:16 `exclude_peers` must be a list, not a string"]),
        (
            "nodes:",
            "supervisor: {children: [x]}\nnodes:",
            &["8:25 a child of a supervisor must be a map, not a string"],
        ),
        ("nodes:", "edge_constraints: [x]\nnodes:", &["8:20 an edge constraint must be a map, not a string"]),
        ("nodes:", "edge_constraints: [{rtt: 5}]\nnodes:", &["8:20 edges should be a pair of named nodes"]),
        (
            "    allocations: [a]",
            "    allocations: [a, a]",
            &["10:22 allocation 'a' is listed twice in node 'n'"],
        ),
        (
            "    allocations: [a]",
            "    allocations: [a]\n  m: x",
            &["11:6 node `m` must be a map, not a string"],
        ),
    ]);
}

#[test]
fn amounts_of_older_files_are_noticed() {
    check(&[
        ("ram: {size: 1}", "ram: {size: 255}", &[]),
        ("ram: {size: 1}", "ram: {size: 2048 MB}", &[]),
        (
            "ram: {size: 1}",
            "ram: {size: 2048}",
            &["6:46 warning: ram size: `2048` without a unit is 2048 GiB"],
        ),
        (
            "disk: {size: 1}",
            "disk: {size: 4096}",
            &["6:63 warning: disk size: `4096` without a unit is 4096 GiB"],
        ),
        (
            "cores: 1",
            "cores: 1, clock_speed: 3000",
            &["6:46 warning: cpu clock_speed: `3000` without a unit is 3000 GHz"],
        ),
    ]);
}

#[test]
fn standbys_have_names_of_their_own() {
    let with = |redundancy: &str, other: &str| {
        messages(&changed(&[(
            "allocations: [a]",
            &format!("allocations: [a]\n    redundancy: {redundancy}\n  {other}:"),
        )]))
    };
    let taken = ["12:3 node 'n-standby-2' has the name of a standby of node 'n'"];
    assert_eq!(with("2", "n-standby-2"), taken);
    for (redundancy, other) in
        [("1", "n-standby-2"), ("2", "n-standby-02"), ("2", "m-standby-1"), ("2", "n-standby-x")]
    {
        assert_eq!(with(redundancy, other), Vec::<String>::new(), "{other}");
    }
}

#[test]
fn accepted_places_make_rejected_ones_void() {
    let node = |constraints: &str| {
        let text =
            changed(&[("allocations: [a]", &format!("allocations: [a]\n    location: {constraints}"))]);
        read("e.yaml", text.as_bytes()).unwrap().config.nodes["n"].location.clone()
    };
    let berlin = Location {
        continent: "EU".into(),
        country: Some("DE".into()),
        city: Some("Berlin".into()),
        ..Location::default()
    };
    for (constraints, fits) in [
        ("{}", true),
        ("{accept: [{continent: EU}]}", true),
        ("{accept: [{continent: EU, country: FR}, {continent: EU, country: DE}]}", true),
        ("{accept: [{continent: NA}]}", false),
        ("{accept: [{continent: EU, isp: X}]}", false),
        ("{reject: [{continent: EU, country: DE, city: Bonn}]}", true),
        ("{reject: [{continent: EU}]}", false),
        ("{accept: [{continent: EU}], reject: [{continent: EU}]}", true),
    ] {
        assert_eq!(node(constraints).are_satisfied_by(&berlin), fits, "{constraints}");
    }
    // A provider that does not know its place fails every accept and passes every reject.
    let nowhere = Location::default();
    assert!(!node("{accept: [{continent: EU}]}").are_satisfied_by(&nowhere));
    assert!(node("{reject: [{continent: EU}]}").are_satisfied_by(&nowhere));
}

#[test]
fn all_errors_are_reported_at_once_in_file_order() {
    let text = changed(&[
        ("type: service", "type: x"),
        ("cores: 1", "cores: 0"),
        ("[a]", "[c]"),
        ("size: 1", "size: 0"),
    ]);
    assert_eq!(
        messages(&text),
        [
            "4:11 invalid allocation type \"x\": must be one of [service task]",
            "6:30 cpu cores must be greater than 0",
            "6:46 ram size must be greater than 0",
            "10:19 referenced allocation 'c' not found",
        ]
    );
}

#[test]
fn defaults_and_units_are_filled_in() {
    let config = good(BASE);
    let allocation = &config.allocations["a"];
    assert_eq!(&*allocation.dns_name, "a");
    assert_eq!((allocation.failure_recovery, config.nodes["n"].failure_recovery), (None, None));
    assert_eq!(allocation.resources.to_string(), "1 core, 1 GiB RAM, 1 GiB disk");
    let units = good(&changed(&[
        ("cores: 1", "cores: 0.25, clock_speed: 2.4, architecture: arm64"),
        ("size: 1", "size: 512MB"),
        ("disk: {size: 1}", "disk: {size: 1.5}, gpus: [{vendor: NVIDIA, model: T4, vram: 16 GiB}]"),
    ]));
    let resources = &units.allocations["a"].resources;
    assert_eq!(resources.ram_bytes, 512_000_000);
    assert_eq!(
        resources.to_string(),
        "0.25 cores at 2.4 GHz (arm64), 488.281 MiB RAM, 1.5 GiB disk, GPU NVIDIA T4 16 GiB"
    );
}

#[test]
fn short_forms_become_long_ones() {
    let config = good(
        "version: V1
resources: {small: &s {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}}
volumes:
  data: {type: local, src: /srv, read_only: true}
common: &common {type: docker, image: nginx}
allocations:
  a: {type: task, executor: docker, resources: small, execution: {<<: *common, environment: {A: x, N: 7}},
      volumes: ['data:/mnt']}
  b: {type: task, executor: docker, resources: small, execution: *common,
      volumes: {data: {mount_destination: /b, read_only: false}}}
  c: {type: task, executor: null, resources: *s, execution: {type: null}}
",
    );
    let [a, b, c] = ["a", "b", "c"].map(|name| &config.allocations[name]);
    assert_eq!(a.resources, b.resources);
    let environment: Vec<&str> =
        a.execution.container().unwrap().environment.iter().map(|text| &**text).collect();
    assert_eq!(environment, ["A=x", "N=7"]);
    let volume = |allocation: &AllocationConfig| {
        let volume = &allocation.volumes[0];
        assert_eq!(volume.source, VolumeSource::Local { src: "/srv".into() });
        (volume.mount_destination.to_string(), volume.read_only)
    };
    assert_eq!((volume(a), volume(b)), (("/mnt".to_owned(), true), ("/b".to_owned(), false)));
    assert_eq!((c.executor, &c.execution), (Executor::Null, &ExecutionConfig::Null));
}

#[test]
fn features_that_are_not_simulated_are_refused_for_a_run() {
    let text = changed(&[
        ("type: service", "type: service\n    provision: [s]\n    keys: [{type: gpg, file: f, dest: /d}]"),
        ("executor: docker", "executor: containerd"),
        ("type: docker, image", "type: containerd, image"),
        (
            "nodes:",
            "scripts: {s: x}\nsubnet: {join: true}\nsupervisor: {strategy: OneForOne}\n\
          contracts: {c: {did: 'did:x'}}\nedge_constraints: [{edges: [n, m]}]\nnodes:\n  m:",
        ),
        ("allocations: [a]", "allocations: [a]\n    redundancy: 1"),
    ]);
    assert_eq!(messages(&text), Vec::<String>::new(), "DMS accepts it");
    let refused = read_for_simulation("e.yaml", text.as_bytes()).unwrap_err();
    let words = |feature: &str| {
        format!("`{feature}` is part of the ensemble format but not simulated in this version")
    };
    let expected: Vec<String> = [("5:5", "provision"), ("6:5", "keys: {type: gpg}")]
        .iter()
        .map(|(at, feature)| format!("{at} {}", words(feature)))
        .collect();
    assert_eq!(shown(&refused), expected);
    assert!(read_for_simulation("e.yaml", BASE.as_bytes()).is_ok());
}

#[test]
fn shipped_ensembles_are_good_and_can_be_simulated() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/ensembles");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let loaded = read_for_simulation(&name, &std::fs::read(&path).unwrap())
            .unwrap_or_else(|all| panic!("{name}: {:?}", shown(&all)));
        assert_eq!(shown(&loaded.warnings), Vec::<String>::new(), "{name}");
        assert!(loaded.config.nodes.values().all(|node| node.peer.is_none()), "{name} pins a peer");
        names.push(name);
    }
    assert!(names.len() >= 4, "{names:?}");
    let shop = good(include_str!("../../../scenarios/ensembles/shop.yaml"));
    let levels: Vec<String> =
        start_levels(&shop, "shop").unwrap().iter().map(|level| level.join(" ")).collect();
    assert_eq!(levels, ["db", "api", "web"]);
    let web = good(include_str!("../../../scenarios/ensembles/web.yaml"));
    let check = web.allocations["web"].healthcheck.as_ref().unwrap();
    assert_eq!(check.interval, Some(Span::secs(30)));
    assert!(
        !web.is_task_only() && good(include_str!("../../../scenarios/ensembles/batch.yaml")).is_task_only()
    );
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Any one line of a good file may be lost, doubled or replaced by noise: there is an answer, never a panic,
        /// and an error comes with at least one message inside the file.
        #[test]
        fn damaged_files_never_panic(line in 0..90_usize, noise in "[ a-z0-9:\\[\\]{}&*'\"<-]{0,20}", mode in 0..3) {
            let text = include_str!("../../../scenarios/ensembles/shop.yaml");
            let mut lines: Vec<&str> = text.lines().collect();
            let at = line % lines.len();
            match mode {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, lines[at]),
                _ => lines[at] = &noise,
            }
            let damaged = lines.join("\n");
            if let Err(all) = read_for_simulation("e.yaml", damaged.as_bytes()) {
                prop_assert!(all.iter().any(Diagnostic::is_error));
                prop_assert!(all.iter().all(|one| one.line as usize <= lines.len() + 1));
            }
        }
    }
}
