//! A score that a scenario writes down: `score: "free.gpu / total.gpu - 0.3 * rtt_ms"`.
//!
//! Known names, their units, and what may be done with them stand in [`Name`] and [`Function`]. Everything that can be
//! wrong is said before the run: what is no expression, names that nobody knows, and sums of what cannot be added. A
//! number that is written down has no unit and takes that of what it meets, so that a weight makes different quantities
//! comparable: `free.cpu + rtt_ms` is a mistake, `free.cpu - 0.3 * rtt_ms` is not.

mod parse;
mod units;

use std::fmt;

use self::parse::Step;
pub use self::units::Unit;
use crate::placement::{Ask, Machine, Policy, Score};

/// What is wrong with an expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExpressionError {
    /// Where, counted in characters from 0.
    pub column: usize,
    /// What.
    pub message: String,
    /// What would help.
    pub help: Option<String>,
}

macro_rules! names {
    ($($variant:ident = $text:literal, $unit:ident, $about:literal;)+) => {
        /// What an expression may ask of a machine, or of a job.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Name {
            $(#[doc = $about] $variant,)+
        }

        impl Name {
            /// All of them, with what they are called, their units, and a line about each.
            pub const ALL: &[(Self, &'static str, Unit, &'static str)] =
                &[$((Self::$variant, $text, Unit::$unit, $about),)+];
        }
    };
}

names! {
    FreeCpu = "free.cpu", CORES, "cores that are free";
    FreeRam = "free.ram_gib", GIB, "memory that is free";
    FreeDisk = "free.disk_gib", GIB, "disk that is free";
    FreeGpu = "free.gpu", CARDS, "graphics cards that are free, parts of them included";
    TotalCpu = "total.cpu", CORES, "cores that there are";
    TotalRam = "total.ram_gib", GIB, "memory that there is";
    TotalDisk = "total.disk_gib", GIB, "disk that there is";
    TotalGpu = "total.gpu", CARDS, "graphics cards that there are";
    AskCpu = "ask.cpu", CORES, "cores that the job asks for";
    AskRam = "ask.ram_gib", GIB, "memory that the job asks for";
    AskDisk = "ask.disk_gib", GIB, "disk that the job asks for";
    AskGpu = "ask.gpu", CARDS, "graphics cards that the job asks for";
    Jobs = "jobs", JOBS, "jobs that run on the machine or wait there";
    Rtt = "rtt_ms", MS, "round trip between whoever asks and the machine";
    Up = "up_s", S, "how long the machine has been up without a break";
    Price = "price_per_h", PRICE_PER_H, "what the machine wants for the job";
    Missing = "missing_images", IMAGES, "images of the job that are not on the machine";
}

impl Name {
    /// Its value; not a number where it is not known.
    fn value(self, ask: &Ask, machine: &Machine) -> f64 {
        const GIB: f64 = (1 << 30) as f64;
        let milli = |amount: u64| amount as f64 / 1000.0;
        let gib = |bytes: u64| bytes as f64 / GIB;
        let known = &machine.known;
        match self {
            Self::FreeCpu => milli(machine.free.cpu_milli),
            Self::FreeRam => gib(machine.free.ram_bytes),
            Self::FreeDisk => gib(machine.free.disk_bytes),
            Self::FreeGpu => milli(machine.free_cards_milli()),
            Self::TotalCpu => milli(machine.total.cpu_milli),
            Self::TotalRam => gib(machine.total.ram_bytes),
            Self::TotalDisk => gib(machine.total.disk_bytes),
            Self::TotalGpu => machine.cards.len() as f64,
            Self::AskCpu => milli(ask.cpu_milli),
            Self::AskRam => gib(ask.ram_bytes),
            Self::AskDisk => gib(ask.disk_bytes),
            Self::AskGpu => milli(ask.cards_milli()),
            Self::Jobs => f64::from(known.jobs),
            Self::Rtt => known.rtt_ms.unwrap_or(f64::NAN),
            Self::Up => known.up_s.unwrap_or(f64::NAN),
            Self::Price => known.price_per_h.unwrap_or(f64::NAN),
            Self::Missing => known.missing_images.map_or(f64::NAN, f64::from),
        }
    }
}

/// What an expression may do with numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Function {
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// Without its sign.
    Abs,
    /// The square root.
    Sqrt,
    /// The exponential.
    Exp,
    /// The natural logarithm.
    Ln,
    /// The whole number below.
    Floor,
    /// The second where the first is not zero, and else the third.
    When,
}

impl Function {
    /// All of them: what they are called, and how many numbers they take, at least and at most.
    pub const ALL: &[(Self, &'static str, usize, usize)] = &[
        (Self::Min, "min", 2, 8),
        (Self::Max, "max", 2, 8),
        (Self::Abs, "abs", 1, 1),
        (Self::Sqrt, "sqrt", 1, 1),
        (Self::Exp, "exp", 1, 1),
        (Self::Ln, "ln", 1, 1),
        (Self::Floor, "floor", 1, 1),
        (Self::When, "when", 3, 3),
    ];
}

/// A score that somebody wrote down.
#[derive(Clone)]
pub struct Expression {
    text: String,
    /// What is done with a stack of numbers, one after the other.
    steps: Vec<Step>,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        Ok(Self { text: text.to_owned(), steps: parse::parse(text)? })
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({:?})", self.text)
    }
}

impl Policy for Expression {
    fn name(&self) -> &'static str {
        "score"
    }

    fn parameters(&self) -> String {
        self.text.clone()
    }

    fn score(&self, ask: &Ask, machine: &Machine) -> Score {
        let mut stack: smallvec::SmallVec<[f64; 16]> = smallvec::SmallVec::new();
        for step in &self.steps {
            step.apply(&mut stack, &|name| name.value(ask, machine));
        }
        stack.pop().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests;
