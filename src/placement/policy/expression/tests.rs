use proptest::prelude::*;

use super::*;
use crate::placement::{Amounts, Circumstances, Tag};

fn machine() -> Machine {
    let total = Amounts { cpu_milli: 8000, ram_bytes: 16 << 30, disk_bytes: 100 << 30 };
    let mut machine = Machine::new(total, [[Tag::of("NVIDIA"), Tag::of("T4")]; 4]);
    machine.take(&Ask { cpu_milli: 2000, cards: 1, card_milli: 1000, ..Ask::default() }, &[0]);
    machine.known = Circumstances { rtt_ms: Some(20.0), ..machine.known };
    machine
}

fn score(text: &str) -> f64 {
    let ask = Ask { cpu_milli: 500, ram_bytes: 1 << 30, ..Ask::default() };
    Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}")).score(&ask, &machine())
}

fn error(text: &str) -> (usize, String) {
    let error = Expression::parse(text).expect_err(text);
    (error.column, error.message)
}

#[test]
fn scores_are_computed_as_they_are_written() {
    for (text, expected) in [
        ("free.gpu / total.gpu - 0.3 * rtt_ms", 0.75 - 6.0),
        ("1 + 2 * 3 - 4 / 2 / 2", 6.0),
        ("-(free.cpu - ask.cpu) / total.cpu", -5.5 / 8.0),
        ("min(free.ram_gib, ask.ram_gib, 7)", 1.0),
        ("max(jobs, 5)", 5.0),
        ("when(free.gpu >= 3, 10, 20) + when(jobs > 1, 1, 2)", 12.0),
        ("(jobs < 1) + (jobs <= 1) * 2", 2.0),
        ("sqrt(abs(-9)) + floor(2.9) + ln(exp(1e0))", 6.0),
        ("total.disk_gib - free.disk_gib", 0.0),
    ] {
        assert!((score(text) - expected).abs() < 1e-12, "{text}: {}", score(text));
    }
    assert!(score("price_per_h").is_nan(), "what is not known is no number");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, column, message) in [
        ("free.gpu + rtt_ms", 0, "this adds cards and ms"),
        ("1 + free.cpu - free.gpu / 2", 0, ""),
        ("2 * (free.cpu < free.gpu)", 5, "this compares cores and cards"),
        ("free.cpus", 0, "nothing is called `free.cpus`"),
        ("1 - rtt_s", 4, "nothing is called `rtt_s`"),
        ("exp(rtt_ms)", 0, "`exp` of ms"),
        ("free.cpu * rtt_ms - up_s", 0, "this subtracts cores ms and s"),
        ("min(1)", 0, "`min` takes 2 to 8 numbers, not 1"),
        ("sin(1)", 0, "no function is called `sin`"),
        ("1 % 2", 0, "this operator does not belong into a score"),
        ("\"x\"", 0, "this is no number"),
        ("1u8", 0, "this is no number"),
        ("1e999", 0, "this is no number"),
        ("[1]", 0, "this does not belong into a score"),
        ("&free.cpu", 0, "this does not belong into a score"),
    ] {
        if message.is_empty() {
            assert!(Expression::parse(text).is_ok(), "a number takes the unit of what it meets: {text}");
        } else {
            assert_eq!(error(text), (column, message.to_owned()), "{text}");
        }
    }
    for text in ["", "1 +", "1 2", "free.", "(", "a b c"] {
        assert!(error(text).1.starts_with("this is no expression"), "{text}: {}", error(text).1);
    }
    let help = |text: &str| Expression::parse(text).unwrap_err().help.unwrap();
    assert_eq!(help("free.gpus"), "did you mean `free.gpu`?");
    assert!(help("nonsense_that_is_long").starts_with("known are free.cpu, "));
}

#[test]
fn expressions_that_are_too_deep_are_refused() {
    assert!(error(&"(".repeat(10_000)).1.contains("characters"));
    assert!(error(&format!("{}1{}", "(".repeat(100), ")".repeat(100))).1.contains("brackets"));
    assert!(error(&vec!["1"; 300].join("+")).1.contains("parts"));
    assert!(error(&format!("{}1", "-".repeat(500))).1.contains("parts"));
    assert!(Expression::parse(&vec!["1"; 60].join("+")).is_ok());
}

proptest! {
    /// Whatever the text, there is a score or an error, and never a panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z0-9_.+*/() <>=,-]{0,40}|\\PC{0,20}") {
        if let Ok(expression) = Expression::parse(&text) {
            let _ = expression.score(&Ask::default(), &machine());
        }
    }
}
