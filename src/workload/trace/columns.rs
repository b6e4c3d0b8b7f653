//! Columns of a table that are found by their names.

use super::lines::{Line, RowError, shown};

/// Where the columns of a table are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Columns<const N: usize> {
    names: [&'static str; N],
    places: [Option<usize>; N],
    width: usize,
}

/// The cells of a row, in the order of the names of [`Columns`].
pub type Row<'c, const N: usize> = [&'c str; N];

impl<const N: usize> Columns<N> {
    /// Those of a header; the first `needed` names must be there, others need not.
    ///
    /// # Errors
    /// Which of the names are missing or come twice.
    pub fn of(header: Line<'_>, names: [&'static str; N], needed: usize) -> Result<Self, Vec<RowError>> {
        let cells = header.cells();
        let (mut errors, mut places) = (Vec::new(), [None; N]);
        let help = format!("the first line names the columns, as in `{}`", names[..needed].join(","));
        for (place, name) in names.iter().enumerate() {
            let mut found = cells.iter().enumerate().filter(|(_, own)| own == name);
            places[place] = found.next().map(|(at, _)| at);
            if let Some((_, again)) = found.next() {
                errors.push(header.error_at(again, format!("there are two columns `{name}`"), &*help));
            }
            if place < needed && places[place].is_none() {
                errors.push(header.error(format!("there is no column `{name}`"), &*help));
            }
        }
        let width = cells.iter().count();
        if errors.is_empty() { Ok(Self { names, places, width }) } else { Err(errors) }
    }

    /// The cells of a row; those of columns that are not there are empty.
    ///
    /// # Errors
    /// If it has more or fewer cells than the header.
    pub fn row<'c>(
        &self,
        line: Line<'_>,
        cells: impl Iterator<Item = &'c str>,
    ) -> Result<Row<'c, N>, RowError> {
        let (mut row, mut width) = ([""; N], 0);
        for cell in cells {
            for (place, own) in self.places.iter().zip(&mut row) {
                if *place == Some(width) {
                    *own = cell;
                }
            }
            width += 1;
        }
        if width == self.width {
            return Ok(row);
        }
        let message = format!("the line has {width} cells, the header {}", self.width);
        Err(line.error(message, "a cell with a comma stands in quotes"))
    }

    /// A whole number in a cell; none where it is empty.
    ///
    /// # Errors
    /// If something else stands there, or it is more than `most`.
    pub fn whole(
        &self,
        line: Line<'_>,
        cell: &str,
        column: usize,
        most: u64,
    ) -> Result<Option<u64>, RowError> {
        if cell.is_empty() {
            return Ok(None);
        }
        // What some programs write as `12.0` is whole, too.
        let digits = cell.strip_suffix(".0").unwrap_or(cell);
        match digits.parse::<u64>() {
            Ok(number) if number <= most => Ok(Some(number)),
            Ok(_) => {
                let message = format!("`{}` must be at most {most}, not {}", self.names[column], shown(cell));
                Err(line.error_at(cell, message, "correct it, or remove the line"))
            }
            Err(_) => {
                let message = format!("`{}` must be a whole number, not {}", self.names[column], shown(cell));
                Err(line.error_at(cell, message, "write it in digits, from 0 on"))
            }
        }
    }

    /// A whole number in a cell that must not be empty.
    ///
    /// # Errors
    /// As [`Columns::whole`], or if nothing stands there.
    pub fn needed(&self, line: Line<'_>, cell: &str, column: usize, most: u64) -> Result<u64, RowError> {
        self.whole(line, cell, column, most)?.ok_or_else(|| {
            let message = format!("`{}` is empty", self.names[column]);
            line.error_at(cell, message, "write it in digits, from 0 on")
        })
    }

    /// A number of seconds in a cell; none where it is empty.
    ///
    /// # Errors
    /// If something else stands there.
    pub fn seconds(&self, line: Line<'_>, cell: &str, column: usize) -> Result<Option<f64>, RowError> {
        if cell.is_empty() {
            return Ok(None);
        }
        match cell.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(Some(seconds)),
            _ => {
                let message =
                    format!("`{}` must be a number of seconds, not {}", self.names[column], shown(cell));
                Err(line.error_at(cell, message, "write seconds since any moment, from 0 on, as in `3600`"))
            }
        }
    }
}
