//! Closed-form cases, each kind with few samples and intervals that may be as wide as few samples make them; all with
//! their own intervals are a stage of `./verify --full`.

use dmsim::reproduce::oracles::{
    Comparison, Effort, Machinery, OracleCase, Verdict, built_in, compare, machinery, read,
};

/// A fiftieth of what is usual, in replications that are shorter and fewer.
const SMALL: Effort = Effort { replications: 10, length: 0.05, widest: 0.5, seed: 7 };

fn cases(kind: &str) -> Vec<OracleCase> {
    let mut cases = built_in().unwrap_or_else(|report| panic!("{}", report.render(false)));
    cases.retain(|case| case.kind() == kind);
    assert!(!cases.is_empty(), "{kind} has no case");
    cases
}

fn compared(case: &OracleCase, effort: &Effort) -> Vec<Comparison> {
    compare(case, effort).unwrap_or_else(|reason| panic!("{reason}"))
}

/// Every case of a kind is met.
#[track_caller]
fn is_met(kind: &str) {
    for case in cases(kind) {
        let all = compared(&case, &SMALL);
        assert_eq!(all.len(), case.values.len());
        for one in &all {
            assert_eq!(one.verdict, Verdict::Passed, "{one:?}");
        }
    }
}

#[test]
fn peers_that_are_up_and_down_by_turns() {
    is_met("F1");
}

#[test]
fn some_of_many_peers_are_up() {
    is_met("F2");
}

#[test]
fn sessions_that_have_lasted_will_last() {
    is_met("F4");
}

#[test]
fn failures_of_many_peers() {
    is_met("F5");
}

#[test]
fn work_that_begins_anew() {
    is_met("R3");
}

#[test]
fn the_first_and_the_last_of_programs_that_start_together() {
    is_met("R4");
}

#[test]
fn two_copies_until_both_are_lost() {
    is_met("R5");
}

#[test]
fn peers_that_wait_for_a_repairer() {
    is_met("Q14");
}

#[test]
fn what_waits_for_a_server_that_stalls() {
    is_met("Q11");
    let mut wrong = cases("Q11").remove(0);
    wrong.values.retain(|(name, _)| name == "Wq");
    // As if an M/M/1 queue had no stalls: 1 in place of 2.3.
    wrong.values[0].1 = 1.0;
    assert_eq!(compared(&wrong, &SMALL)[0].verdict, Verdict::Failed);
}

#[test]
fn what_waits_for_one_server_or_two() {
    for kind in ["Q1", "Q5"] {
        is_met(kind);
    }
    let mut wrong = cases("Q1").remove(0);
    wrong.values.retain(|(name, _)| name == "T_p95");
    wrong.values[0].1 *= 2.0;
    assert_eq!(compared(&wrong, &SMALL)[0].verdict, Verdict::Failed);
    let small = cases("Q2").into_iter().filter(|case| case.param("c") <= 64.0);
    for one in small.flat_map(|case| compared(&case, &SMALL)) {
        assert_eq!(one.verdict, Verdict::Passed, "{one:?}");
    }
}

/// Twenty places instead of a thousand.
#[test]
fn what_finds_no_room_is_turned_away() {
    let text = r#"[{"id": "Q3-c20", "what": "few places", "params": {"c": 20, "offered_erlangs": 18},
                    "values": {"P_block": 0.1092128, "carried": 16.03417, "util": 0.8017084}}]"#;
    let read = read("small.json", text).unwrap_or_else(|report| panic!("{}", report.render(false)));
    let longer = Effort { length: 1.0, ..SMALL };
    for one in compared(&read[0], &longer) {
        assert_eq!(one.verdict, Verdict::Passed, "{one:?}");
    }
    for kind in ["Q4", "Q7"] {
        is_met(kind);
    }
    let mut wrong = cases("Q4").remove(0);
    wrong.values.retain(|(name, _)| name == "block_b8");
    wrong.values[0].1 *= 1.5;
    assert_eq!(compared(&wrong, &SMALL)[0].verdict, Verdict::Failed);
}

#[test]
fn jobs_in_several_queues() {
    for kind in ["Q12", "Q13"] {
        is_met(kind);
    }
    let text = r#"[{"id": "Q13-x", "what": "some", "params": {"k": 3, "d": 2, "lam_per_server": 0.5, "mu": 1},
                    "values": {"T": 1}}]"#;
    let read = read("some.json", text).unwrap_or_else(|report| panic!("{}", report.render(false)));
    let refused = compare(&read[0], &SMALL).expect_err("copies on some servers are not built");
    assert!(refused.contains("only on all of them"), "{refused}");
}

#[test]
fn those_who_join_the_shortest_of_a_few_queues() {
    let mut case = cases("Q8").remove(3);
    case.values.retain(|(name, _)| ["T_d2", "tail3_d2"].contains(&&**name));
    for one in compared(&case, &SMALL) {
        assert_eq!(one.verdict, Verdict::Passed, "{one:?}");
    }
    case.values[0].1 *= 1.5;
    assert_eq!(compared(&case, &SMALL)[0].verdict, Verdict::Failed);
}

#[test]
fn auctions_that_pay_alike() {
    is_met("A1");
}

#[test]
fn balls_that_are_thrown_without_looking() {
    is_met("P3");
}

#[test]
fn lists_of_tasks() {
    is_met("P4");
}

#[test]
fn heartbeats_that_stop() {
    is_met("G3");
}

/// Wrong decisions are far too rare for so few tasks, unless they are looked for.
#[test]
fn copies_that_vote() {
    is_met("S1");
    let mut wrong = cases("S1").remove(0);
    wrong.values[0].1 *= 2.0;
    assert_eq!(compared(&wrong, &SMALL)[0].verdict, Verdict::Failed);
}

#[test]
fn hosts_that_talk_over_the_network() {
    for kind in ["G1", "N3"] {
        is_met(kind);
        assert_eq!(machinery(kind), Some(Machinery::Network));
    }
    let [rounds, about] = <[Comparison; 2]>::try_from(compared(&cases("G1")[0], &SMALL)).expect("two values");
    assert_eq!((&*rounds.by, &*about.by), ("network", "formula"));
    let mut wrong = cases("N3").remove(0);
    wrong.values[0].1 += 0.00012;
    assert_eq!(compared(&wrong, &SMALL)[0].verdict, Verdict::Failed, "a packet more");
}

#[test]
fn liars_that_are_caught() {
    is_met("S2");
}

#[test]
fn samplers_alone() {
    for kind in ["D1", "D2", "G5"] {
        is_met(kind);
        assert_eq!(machinery(kind), Some(Machinery::Sampler));
    }
}

/// Values that are wrong by half are found out by little effort.
#[test]
fn what_is_wrong_is_found_out() {
    let mut wrong = cases("F2").remove(2);
    wrong.values[0].1 *= 1.5;
    let small = Effort { length: 0.2, ..SMALL };
    assert_eq!(compared(&wrong, &small)[0].verdict, Verdict::Failed);
    let mut wrong = cases("R3").remove(2);
    let work = wrong.params.iter_mut().find(|(name, _)| name == "w_h").expect("it has work to do");
    work.1 /= 2.0;
    for one in compared(&wrong, &SMALL) {
        assert_eq!(one.verdict, Verdict::Failed, "{one:?}");
    }
}

#[test]
fn an_interval_that_is_too_wide_is_no_proof() {
    let case = cases("F2").remove(2);
    let narrow = Effort { widest: 1e-4, ..SMALL };
    assert_eq!(compared(&case, &narrow)[0].verdict, Verdict::Failed);
    let lonely = Effort { replications: 1, ..SMALL };
    assert_eq!(compared(&case, &lonely)[0].verdict, Verdict::Failed, "one run has no interval");
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let case = cases("R3").remove(1);
    let [once, again] = [SMALL, SMALL].map(|effort| compared(&case, &effort));
    assert_eq!(once, again);
    assert_ne!(once, compared(&case, &Effort { seed: 8, ..SMALL }));
}

#[test]
fn further_cases_are_of_the_same_form() {
    let text = r#"[{"id": "F2-1of2", "what": "a pair", "params": {"n": 2, "k": 1, "p": 0.5}, "values": {"P": 0.75}},
                  {"id": "X9", "what": "who knows", "params": {"anything": [1, "goes"]}, "values": {"v": 1}}]"#;
    let read = read("more.json", text).unwrap_or_else(|report| panic!("{}", report.render(false)));
    assert_eq!(compared(&read[0], &SMALL)[0].verdict, Verdict::Passed);
    assert_eq!(compared(&read[1], &SMALL)[0].verdict, Verdict::Unknown, "it is not guessed");
}

#[test]
fn everything_that_is_wrong_with_a_file_is_said_at_its_place() {
    let text = r#"[
  {"id": "F2-a", "what": "a pair", "params": {"n": 2, "k": 1.5, "p": 1}, "values": {"P": 0.75}},
  {"id": "F2-a", "what": "a pair", "parms": {}, "values": {"p": 0.75}},
  {"id": "R3", "params": {"w_h": -1, "MTBF_h": "long"}, "values": {}},
  {"id": "X9", "what": "x", "params": {}, "values": {"v": "one"}},
  {"id": "Q4-a", "what": "x", "params": {"C": 4, "classes": [{"a": 1, "b": 0}, {"a": 1}]}, "values": {"P_full": 1}},
  {"id": "Q4-b", "what": "x", "params": {"C": 4, "classes": {"a": 1, "b": 1}}, "values": {"block_bx": 1}},
  7
]
"#;
    let report = read("more.json", text).expect_err("nothing of it can be used").render(false);
    let said = [
        "`k` must be a whole number from 1 to 400, not 1.5\n --> more.json:2:",
        "`p` must be between 0 and 1, not 1\n --> more.json:2:",
        "unknown key `parms` in `case`\n --> more.json:3:",
        "kind F2 has no value `p`\n --> more.json:3:",
        "`case` needs `what`\n --> more.json:4:",
        "`w_h` must be above 0 and at most 1,000,000, not -1\n --> more.json:4:",
        "`MTBF_h` must be a number",
        "`params` needs `downtime_h`\n --> more.json:4:",
        "`values` must be a map with one value at least\n --> more.json:4:",
        "`v` must be a number",
        "`b` must be a whole number from 1 to 4000, not 0\n --> more.json:6:",
        "`classes` must be a list of one to 7 maps\n --> more.json:7:",
        "kind Q4 has no value `block_bx`\n --> more.json:7:",
        "`case` must be a map",
    ];
    for words in said {
        assert!(report.contains(words), "{words}\n{report}");
    }
    let twice = r#"{"id": "X9", "what": "x", "params": {}, "values": {"v": 1}}"#;
    let report =
        read("twice.json", &format!("[{twice}, {twice}]")).expect_err("which is meant?").render(false);
    assert!(report.contains("there are two cases `X9`\n --> twice.json:1:"), "{report}");
    for broken in ["", "{}", "[", "null"] {
        assert!(read("broken.json", broken).is_err(), "{broken:?}");
    }
}
