//! What the programs of images print.

use std::sync::Arc;

use crate::dms::actor::{Output, Printed, Stream};
use crate::kernel::Span;

/// What a program prints when it starts, and perhaps again and again.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Prints {
    /// What it prints.
    pub output: Arc<str>,
    /// Its errors.
    pub stderr: Arc<str>,
    /// The output is repeated, a line each, until it has so many bytes; none = printed once.
    pub output_bytes: Option<u64>,
    /// It prints its output again at this interval, for as long as it runs.
    pub every: Option<Span>,
}

impl Prints {
    /// The longest output that a program can have.
    pub const MOST_BYTES: u64 = 64 << 20;

    /// What a program has printed that has run for so long. What is printed again stands on a line of its own.
    #[must_use]
    pub fn after(&self, ran: Span, stream: Stream) -> Arc<str> {
        let text = match stream {
            Stream::Stderr => return Arc::clone(&self.stderr),
            Stream::Stdout if self.output_bytes.is_none() && self.every.is_none() => {
                return Arc::clone(&self.output);
            }
            Stream::Stdout => &self.output,
        };
        let line = format!("{text}\n");
        let once = self.output_bytes.map_or(line.len() as u64, |bytes| bytes.max(line.len() as u64));
        let wanted = once.saturating_mul(self.times(ran)).min(Self::MOST_BYTES);
        let lines = wanted.div_ceil(line.len() as u64) as usize;
        line.repeat(lines).into()
    }

    /// How often a program has printed that has run for so long.
    #[must_use]
    pub fn times(&self, ran: Span) -> u64 {
        self.every.map_or(0, |every| ran.0 / every.0) + 1
    }

    /// Both streams of a program that has run for so long.
    #[must_use]
    pub fn output_after(&self, ran: Span) -> Output {
        let of = |stream| Printed(self.after(ran, stream));
        Output { stdout: of(Stream::Stdout), stderr: of(Stream::Stderr) }
    }

    /// Whether a program may have printed this, however long it ran and however often its executor started it again: no
    /// line is another than those of its own, and where it prints something something is there. On a console errors
    /// stand among the rest.
    #[must_use]
    pub fn may_come_to(&self, printed: &str, console: bool) -> bool {
        let errors: &str = if console { &self.stderr } else { "" };
        // What is printed again stands on a line of its own, so there may be empty ones between.
        let is_there = |line: &&str| !line.is_empty();
        let own = || self.output.lines().chain(errors.lines()).filter(is_there);
        let mut all = printed.lines().filter(is_there).peekable();
        all.peek().is_some() == own().next().is_some() && all.all(|line| own().any(|own| own == line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_may_have_printed_are_its_own_lines() {
        let two = Prints { output: "a\nb\n".into(), stderr: "oh".into(), ..Prints::default() };
        let ticking = Prints { every: Some(Span::secs(1)), ..two.clone() };
        let much = Prints { output_bytes: Some(100), ..two.clone() };
        for prints in [&two, &ticking, &much] {
            let once = prints.after(Span::secs(5), Stream::Stdout);
            assert!(prints.may_come_to(&once, false), "{once}");
            assert!(
                prints.may_come_to(&format!("{once}\n{once}"), false),
                "its executor has started it again"
            );
            assert!(prints.may_come_to(&format!("{once}\noh"), true));
            assert!(!prints.may_come_to(&format!("{once}\noh"), false), "there is no console");
            assert!(!prints.may_come_to(&format!("{once}\nc"), true));
            assert!(!prints.may_come_to("", false));
        }
        let silent = Prints::default();
        assert!(silent.may_come_to("", false) && !silent.may_come_to("a", false));
    }

    #[test]
    fn a_program_prints_once_or_again_and_as_much_as_it_is_told() {
        let once = Prints { output: "hello".into(), stderr: "oh".into(), ..Prints::default() };
        assert_eq!(&*once.after(Span::hours(1), Stream::Stdout), "hello");
        assert_eq!(&*once.after(Span::ZERO, Stream::Stderr), "oh");
        let again = Prints { every: Some(Span::secs(10)), ..once.clone() };
        assert_eq!(&*again.after(Span::secs(25), Stream::Stdout), "hello\nhello\nhello\n");
        let much = Prints { output_bytes: Some(2 << 20), ..once };
        let length = much.output_after(Span::ZERO).stdout.0.len();
        assert!((2 << 20..(2 << 20) + 6).contains(&length), "{length}");
        let endless = Prints { every: Some(Span(1)), ..much };
        assert!(endless.after(Span::hours(1), Stream::Stdout).len() as u64 <= Prints::MOST_BYTES + 6);
    }
}
