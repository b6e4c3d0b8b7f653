//! Lines of files that may be larger than memory, plain or compressed, and what is wrong with them.

use std::io::{self, BufRead, BufReader, Read};

use csv::ReaderBuilder;
use flate2::bufread::MultiGzDecoder;
use thiserror::Error;

/// Bytes of a line beyond which something else than lines is read.
const LONGEST_LINE: u64 = 16 << 20;
const BUFFER: usize = 1 << 16;
/// How a gzip file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// How much of a wrong cell a message shows.
const SHOWN: usize = 60;

/// What is wrong with a row, and where.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct RowError {
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u32,
    /// How many characters are meant.
    pub length: u32,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// Bytes as they were before they were compressed, if they were: gzip is known by its first bytes.
///
/// # Errors
/// If the first bytes cannot be read.
pub fn unpacked<'r>(bytes: impl Read + Send + 'r) -> io::Result<Box<dyn BufRead + Send + 'r>> {
    let mut plain = BufReader::with_capacity(BUFFER, bytes);
    if plain.fill_buf()?.starts_with(&GZIP) {
        return Ok(Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(plain))));
    }
    Ok(Box::new(plain))
}

/// The lines of a text, one after another and never all at once.
pub struct Lines<'r> {
    bytes: Box<dyn BufRead + Send + 'r>,
    buffer: Vec<u8>,
    number: u64,
}

impl<'r> Lines<'r> {
    /// Of these bytes.
    #[must_use]
    pub const fn new(bytes: Box<dyn BufRead + Send + 'r>) -> Self {
        Self { bytes, buffer: Vec::new(), number: 0 }
    }

    /// The number of the line that was read last; 0 before the first.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its end, blank or not; none after the last.
    ///
    /// # Errors
    /// If it cannot be read, is not UTF-8, or is endless. Nothing can be read after that.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, RowError> {
        self.buffer.clear();
        self.number += 1;
        let number = self.number;
        let error = |message: String, help: &str| RowError {
            line: number,
            column: 1,
            length: 1,
            message,
            help: help.to_owned(),
        };
        let read = (&mut self.bytes).take(LONGEST_LINE).read_until(b'\n', &mut self.buffer);
        match read {
            Ok(0) => return Ok(None),
            Ok(bytes) if bytes as u64 == LONGEST_LINE => {
                let message = format!("the line has more than {} MiB", LONGEST_LINE >> 20);
                return Err(error(message, "traces are text files with a job or a moment in each line"));
            }
            Ok(_) => {}
            Err(reason) => {
                let help = "the file is damaged or was cut off: fetch it again";
                return Err(error(format!("cannot read on: {reason}"), help));
            }
        }
        let text = std::str::from_utf8(&self.buffer)
            .map_err(|_| error("the line is not UTF-8".to_owned(), "save the file as UTF-8"))?;
        let text = text.trim_end_matches(['\n', '\r']);
        let text = if number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        Ok(Some(Line { text, number }))
    }
}

/// A line with its number.
#[derive(Clone, Copy, Debug)]
pub struct Line<'l> {
    /// What it says, without its end.
    pub text: &'l str,
    /// Its number, from 1.
    pub number: u64,
}

impl<'l> Line<'l> {
    /// Whether nothing stands in it.
    #[must_use]
    pub fn is_blank(self) -> bool {
        self.text.trim().is_empty()
    }

    /// An error that concerns all of it.
    pub fn error(self, message: impl Into<String>, help: impl Into<String>) -> RowError {
        let length = self.text.trim_end().chars().count().clamp(1, u32::MAX as usize) as u32;
        RowError { line: self.number, column: 1, length, message: message.into(), help: help.into() }
    }

    /// An error that concerns a part of it, which must be a slice of its text.
    pub fn error_at(self, part: &str, message: impl Into<String>, help: impl Into<String>) -> RowError {
        let from = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize);
        let before = from.and_then(|from| self.text.get(..from));
        let column = before.map_or(0, |before| before.chars().count()) as u32 + 1;
        let length = part.chars().count().max(1) as u32;
        RowError { line: self.number, column, length, message: message.into(), help: help.into() }
    }

    /// Its cells between commas, without the spaces around them. Of a line without quotes they are slices of its text.
    #[must_use]
    pub fn cells(self) -> Cells<'l> {
        if !self.text.contains('"') {
            return Cells::Plain(self.text);
        }
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).from_reader(self.text.as_bytes());
        let mut record = csv::StringRecord::new();
        // A line in memory that is UTF-8 can be read.
        let _ = reader.read_record(&mut record);
        Cells::Quoted(record)
    }
}

/// The cells of a line.
#[derive(Clone, Debug)]
pub enum Cells<'l> {
    /// Those between the commas of a text.
    Plain(&'l str),
    /// Those of a line in which some are quoted.
    Quoted(csv::StringRecord),
}

impl Cells<'_> {
    /// The cells in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (plain, quoted) = match self {
            Self::Plain(text) => (Some(text.split(',')), None),
            Self::Quoted(record) => (None, Some(record.iter())),
        };
        plain.into_iter().flatten().chain(quoted.into_iter().flatten()).map(str::trim)
    }
}

/// A cell short enough for a message.
#[must_use]
pub fn shown(cell: &str) -> String {
    if cell.is_empty() {
        return "nothing".to_owned();
    }
    match cell.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}...`", &cell[..end]),
        None => format!("`{cell}`"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn lines(bytes: &[u8]) -> Lines<'_> {
        Lines::new(unpacked(bytes).unwrap())
    }

    fn all(bytes: &[u8]) -> Vec<String> {
        let mut lines = lines(bytes);
        std::iter::from_fn(|| lines.next_line().unwrap().map(|line| format!("{}:{}", line.number, line.text)))
            .collect()
    }

    #[test]
    fn packed_and_plain_texts_have_the_same_lines() {
        let text = "\u{feff}a,b\r\n\n  c \nlast";
        let expected = ["1:a,b", "2:", "3:  c ", "4:last"];
        assert_eq!(all(text.as_bytes()), expected);
        let packed = |part: &str| {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            packer.write_all(part.as_bytes()).unwrap();
            packer.finish().unwrap()
        };
        assert_eq!(all(&packed(text)), expected);
        // Several packed parts, one behind the other, are one text.
        assert_eq!(all(&[packed("a\nb"), packed("c\n")].concat()), ["1:a", "2:bc"]);
        assert_eq!(all(b""), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_line() {
        let mut bad = lines(b"fine\n\xff\n");
        assert!(bad.next_line().is_ok());
        assert_eq!(bad.next_line().unwrap_err().to_string(), "line 2, column 1: the line is not UTF-8");
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&b"some text\n".repeat(1000)).unwrap();
        let mut cut = packer.finish().unwrap();
        cut.truncate(cut.len() / 2);
        let mut cut = lines(&cut);
        let error =
            std::iter::from_fn(|| Some(cut.next_line().map(|line| line.is_some()))).find(Result::is_err);
        assert!(error.unwrap().unwrap_err().message.starts_with("cannot read on"));
    }

    #[test]
    fn cells_know_their_places() {
        let line = Line { text: "ä, 12 ,x", number: 7 };
        let cells = line.cells();
        let second = cells.iter().nth(1).unwrap();
        let error = line.error_at(second, "no", "yes");
        assert_eq!((second, error.line, error.column, error.length), ("12", 7, 4, 2));
        let quoted = Line { text: "\"a, b\", c", number: 1 };
        assert_eq!(quoted.cells().iter().collect::<Vec<_>>(), ["a, b", "c"]);
        assert_eq!(quoted.error_at("elsewhere", "", "").column, 1);
        assert_eq!((shown(""), shown("x")), ("nothing".to_owned(), "`x`".to_owned()));
        assert_eq!(shown(&"é".repeat(99)), format!("`{}...`", "é".repeat(60)));
    }
}
