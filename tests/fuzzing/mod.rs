//! Bytes that are almost what a reader wants. Whatever they are, reading them does not panic, and what is read keeps
//! the promises of its reader ([`Target`]).
//!
//! A round changes a known text at random and gives it to the target. What can be read joins the known texts, so that
//! later rounds begin at odd ones. Texts that look as none before them did (an error of another form), made short, are
//! stored in `corpus/`, one file a target, and are the first that are tried. The same seed gives the same rounds.

pub(super) mod corpus;
mod ensembles;
mod peers;
mod scenarios;
mod traces;
mod wire;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The most texts that are kept to start from beside the stored ones.
const KNOWN: usize = 400;

/// A reader of bytes, and what it promises.
pub(super) trait Target {
    /// What its corpus is called.
    fn name(&self) -> &'static str;

    /// Texts that it reads.
    fn texts(&self) -> Vec<Vec<u8>>;

    /// Pieces of which such texts are made.
    fn words(&self) -> &'static [&'static str];

    /// The longest text that it is given, in bytes.
    fn longest(&self) -> usize;

    /// Reads bytes. Panics where it breaks a promise.
    fn give(&mut self, bytes: &[u8]) -> Outcome;
}

/// How a text was taken.
#[derive(Default)]
pub(super) struct Outcome {
    /// Whether it could be read.
    pub(super) read: bool,
    /// What it came to, in words; what differs from case to case counts for nothing.
    pub(super) looks: Vec<String>,
}

/// All targets.
pub(super) fn targets() -> Vec<Box<dyn Target>> {
    vec![
        Box::new(wire::Wire::new()),
        Box::new(scenarios::Scenarios),
        Box::new(ensembles::Ensembles),
        Box::new(traces::Traces),
        Box::new(peers::Peers),
    ]
}

/// Rounds from one seed.
pub(super) struct Fuzz {
    state: u64,
    target: Box<dyn Target>,
    known: Vec<Vec<u8>>,
    /// So many of them stay.
    stored: usize,
    looks: BTreeSet<String>,
    /// How many texts could be read.
    pub(super) read: u64,
    /// Texts that look as none before them did, made short.
    pub(super) news: Vec<Vec<u8>>,
}

impl Fuzz {
    /// Rounds that start from the stored texts and those that the target reads; all of them are tried at once.
    pub(super) fn new(target: Box<dyn Target>, seed: u64) -> Self {
        let mut all = target.texts();
        all.extend(corpus::of(target.name()));
        let (looks, known, news) = Default::default();
        let mut fuzz = Self { state: seed, target, known, stored: 0, looks, read: 0, news };
        for bytes in all {
            let outcome = fuzz.give(&bytes);
            fuzz.looks.extend(forms(&outcome));
            // What cannot be read is seldom near to what can.
            fuzz.known.extend(outcome.read.then_some(bytes));
        }
        fuzz.stored = fuzz.known.len();
        fuzz
    }

    /// A number below `bound`.
    fn pick(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % bound.max(1) as u64) as usize
    }

    /// Changes a known text and gives it to the target.
    pub(super) fn round(&mut self) {
        let at = self.pick(self.known.len());
        let mut bytes = self.known[at].clone();
        for _ in 0..=self.pick(4) {
            self.change(&mut bytes);
        }
        bytes.truncate(self.target.longest());
        let outcome = self.give(&bytes);
        self.read += u64::from(outcome.read);
        let fresh = forms(&outcome).find(|form| !self.looks.contains(form));
        if let Some(form) = fresh {
            let short = self.shortened(&bytes, &form);
            let shown = self.give(&short);
            self.looks.extend(forms(&shown));
            self.news.push(short);
        }
        if outcome.read {
            self.keep(bytes);
        }
    }

    fn keep(&mut self, bytes: Vec<u8>) {
        if self.known.len() < self.stored + KNOWN {
            self.known.push(bytes);
        } else {
            let at = self.stored + self.pick(KNOWN);
            self.known[at] = bytes;
        }
    }

    /// Where the target breaks a promise, the text is shown before the panic goes on.
    fn give(&mut self, bytes: &[u8]) -> Outcome {
        let given = catch_unwind(AssertUnwindSafe(|| self.target.give(bytes)));
        given.unwrap_or_else(|panic| {
            eprintln!("{} broke a promise over {}", self.target.name(), corpus::line(bytes));
            resume_unwind(panic)
        })
    }

    /// The text without what it can do without and still look so.
    fn shortened(&mut self, bytes: &[u8], form: &str) -> Vec<u8> {
        let mut short = bytes.to_vec();
        let mut size = short.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < short.len() {
                let mut less = short.clone();
                drop(less.drain(at..(at + size).min(short.len())));
                let outcome = self.give(&less);
                match forms(&outcome).any(|other| other == form) {
                    true => short = less,
                    false => at += size,
                }
            }
            // The last bytes cost most and are worth least.
            size = if size > 8 { size.div_ceil(2) } else { 0 };
        }
        short
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let from = self.pick(bytes.len() + 1);
        let to = (from + self.pick(32)).min(bytes.len());
        let words = self.target.words();
        match self.pick(10) {
            0 => drop(bytes.drain(from..to)),
            1 => {
                let copy = bytes[from..to].to_vec();
                let at = self.pick(bytes.len() + 1);
                bytes.splice(at..at, copy);
            }
            2 => {
                let word = words[self.pick(words.len())];
                bytes.splice(from..to, word.bytes());
            }
            3 => {
                let word = words[self.pick(words.len())];
                bytes.splice(from..from, word.bytes());
            }
            4 => {
                let other = self.pick(self.known.len());
                let start = self.pick(self.known[other].len() + 1);
                let end = (start + self.pick(400)).min(self.known[other].len());
                let part = self.known[other][start..end].to_vec();
                bytes.splice(from..to, part);
            }
            5 if from < bytes.len() => bytes[from] ^= 1 << self.pick(8),
            6 => self.change_value(bytes, from, u8::is_ascii_digit),
            7 => self.change_value(bytes, from, u8::is_ascii_alphanumeric),
            8 => self.move_line(bytes, from),
            _ if from < bytes.len() => bytes[from] = b"0123456789abcdefAZ\"{}[],:+/= \\"[self.pick(30)],
            _ => {}
        }
    }

    /// Puts another in the place of the next value: one of the known pieces.
    fn change_value(&mut self, bytes: &mut Vec<u8>, from: usize, is_part: fn(&u8) -> bool) {
        let Some(start) = bytes[from..].iter().position(is_part).map(|at| from + at) else { return };
        let length = bytes[start..].iter().take_while(|byte| is_part(byte)).count();
        let words = self.target.words();
        let word = words[self.pick(words.len())];
        bytes.splice(start..start + length, word.bytes());
    }

    /// Takes the next line away, doubles it, or puts one of another text there.
    fn move_line(&mut self, bytes: &mut Vec<u8>, from: usize) {
        let line_at = |bytes: &[u8], from: usize| {
            let start = bytes[from..].iter().position(|byte| *byte == b'\n').map_or(0, |at| from + at + 1);
            let length = bytes[start..].iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            start..length.map_or(bytes.len(), |length| start + length)
        };
        let line = line_at(bytes, from);
        match self.pick(3) {
            0 => drop(bytes.drain(line)),
            1 => {
                let copy = bytes[line.clone()].to_vec();
                bytes.splice(line.start..line.start, copy);
            }
            _ => {
                let other = self.pick(self.known.len());
                let from = self.pick(self.known[other].len() + 1);
                let foreign = line_at(&self.known[other], from);
                let foreign = self.known[other][foreign].to_vec();
                bytes.splice(line.start..line.start, foreign);
            }
        }
    }
}

/// What an outcome looks like: numbers, and whatever stands in quotes or behind a colon or a bracket, count for
/// nothing.
fn forms(outcome: &Outcome) -> impl Iterator<Item = String> {
    outcome.looks.iter().map(|look| {
        let mut form = String::new();
        let mut quote = None;
        for letter in look.chars().take_while(|letter| !matches!(letter, ':' | '(')) {
            match quote {
                Some(end) if letter == end => quote = None,
                Some(_) => {}
                None if matches!(letter, '`' | '"') => {
                    quote = Some(letter);
                    form.push('*');
                }
                None if letter.is_ascii_digit() => {
                    if !form.ends_with('#') {
                        form.push('#');
                    }
                }
                None => form.push(letter),
            }
        }
        form
    })
}
