//! What allocations print, and how it travels: in chunks, each of which asks for the next (dms-orchestration section
//! 3.6).

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::dms::constants::LOG_CHUNK_BYTES;

/// What was printed. Bytes travel as base64, as Go writes them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Printed(pub Arc<str>);

impl Serialize for Printed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&data_encoding::BASE64.encode(self.0.as_bytes()))
    }
}

impl Printed {
    /// How much longer it makes the JSON of what it is in than nothing printed would.
    pub(super) fn json_len(&self) -> u64 {
        data_encoding::BASE64.encode_len(self.0.len()) as u64
    }
}

/// Everything that one run of an allocation printed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize)]
pub struct Output {
    /// What it printed.
    pub stdout: Printed,
    /// Its errors.
    pub stderr: Printed,
}

impl Output {
    /// Both streams together, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.stdout.0.len() + self.stderr.0.len()) as u64
    }

    /// One of the streams.
    #[must_use]
    pub const fn of(&self, stream: Stream) -> &Arc<str> {
        match stream {
            Stream::Stdout => &self.stdout.0,
            Stream::Stderr => &self.stderr.0,
        }
    }
}

/// One of the two streams of a program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// What it prints.
    Stdout,
    /// Its errors.
    Stderr,
}

/// `/dms/ensemble/<id>/allocation/logs`: what follows an offset. All before it has arrived.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct LogRequest {
    /// Full id of the allocation.
    pub allocation: Arc<str>,
    /// Which life of it.
    pub generation: u32,
    /// Which run the offset belongs to: a restart begins a new log.
    pub run: u32,
    /// Of which stream.
    pub stream: Stream,
    /// From which byte on.
    pub offset: u64,
}

/// A part of a stream.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct LogChunk {
    /// The run that printed it.
    pub run: u32,
    /// Of which stream.
    pub stream: Stream,
    /// Where it begins; 0 when what was asked for belonged to another run.
    pub offset: u64,
    /// The part.
    pub data: Printed,
    /// How long the stream is now.
    pub total: u64,
    /// Whether nothing will follow.
    pub ended: bool,
}

/// Where a part of a text begins that is asked for at `offset`, and the part: at most 512 KiB, and no character in two
/// pieces. An offset that is not in the text is taken for its beginning.
#[must_use]
pub fn chunk(text: &str, offset: u64) -> (u64, &str) {
    let at = usize::try_from(offset).unwrap_or(usize::MAX);
    let start = if text.is_char_boundary(at) { at } else { 0 };
    let end = text.floor_char_boundary(start.saturating_add(LOG_CHUNK_BYTES));
    (start as u64, &text[start..end])
}

/// The beginning of the last line that is not empty, as it fits into a table.
#[must_use]
pub fn last_line(text: &str) -> Cow<'_, str> {
    const WIDTH: usize = 120;
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("").trim();
    let end = line.floor_char_boundary(WIDTH);
    if end < line.len() { Cow::Owned(format!("{}...", &line[..end])) } else { Cow::Borrowed(line) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dms::actor::{AllocationState, Message, TaskTermination};

    #[test]
    fn how_long_what_was_printed_is_on_its_way_is_known_without_writing_it() {
        let printed = |text: &str| Printed(text.into());
        let chunk =
            |data| LogChunk { run: 1, stream: Stream::Stderr, offset: 7, data, total: 9, ended: true };
        for text in ["", "x", "two", "three\n\"", "fünf"] {
            let end = TaskTermination {
                allocation: "0_n0.a0".into(),
                generation: 2,
                status: AllocationState::Completed,
                exit_code: 1,
                output: Output { stdout: printed(text), stderr: printed("oh") },
                fetch: false,
            };
            for message in
                [Message::LogChunk(Box::new(chunk(printed(text)))), Message::TaskTermination(Box::new(end))]
            {
                let written = serde_json::to_string(&message).expect("it can be written");
                assert_eq!(message.json_len(), written.len() as u64, "{written}");
            }
        }
    }

    #[test]
    fn a_long_text_comes_in_chunks_of_whole_characters() {
        let text = format!("x{}", "ü".repeat(LOG_CHUNK_BYTES));
        let (mut offset, mut whole, mut parts) = (0, String::new(), 0);
        while offset < text.len() as u64 {
            let (start, part) = chunk(&text, offset);
            assert_eq!(start, offset);
            assert!(!part.is_empty() && part.len() <= LOG_CHUNK_BYTES);
            whole.push_str(part);
            offset += part.len() as u64;
            parts += 1;
        }
        assert_eq!((whole.len(), whole == text, parts), (text.len(), true, 3));
    }

    #[test]
    fn what_is_not_there_begins_anew() {
        assert_eq!(chunk("abc", 3), (3, ""));
        assert_eq!(chunk("abc", 4), (0, "abc"));
        assert_eq!(chunk("ü", 1), (0, "ü"));
        assert_eq!(chunk("", u64::MAX), (0, ""));
    }

    proptest! {
        #[test]
        fn the_last_line_is_one_line_of_the_text(text in ".{0,60}(\n.{0,200}){0,3}") {
            let line = last_line(&text);
            prop_assert!(!line.contains('\n') && line.len() <= 123);
            prop_assert!(text.contains(line.trim_end_matches("...").trim()));
        }
    }
}
