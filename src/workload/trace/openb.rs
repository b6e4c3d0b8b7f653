//! Pods of the GPU trace of Alibaba of 2023: `name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,
//! creation_time,deletion_time,scheduled_time`, times in seconds.

use std::sync::Arc;

use super::columns::Columns;
use super::lines::{Line, Lines, RowError};
use super::{Cards, Row, Rows, TraceError};
use crate::kernel::Span;
use crate::workload::nodes::{USUAL_CARD_BYTES, memory_of_card};

/// The columns that are read; the first six must be there.
const COLUMNS: [&str; 7] =
    ["cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "creation_time", "deletion_time", "gpu_spec"];
const NEEDED: usize = 6;
/// Thousandths in a card.
const CARD: u64 = 1000;
/// So many texts of models are shared; there are a dozen in the trace.
const MOST_SHARED: usize = 256;

/// The pods of a file.
pub struct Pods<'r> {
    lines: Lines<'r>,
    columns: Option<Columns<{ COLUMNS.len() }>>,
    /// Memory of every card; none = by its model.
    card_bytes: Option<u64>,
    models: Vec<(String, Arc<str>, u64)>,
    ended: bool,
    /// Errors of the header that are still to be told.
    pending: Vec<RowError>,
}

impl<'r> Pods<'r> {
    /// Those of these lines.
    #[must_use]
    pub const fn new(lines: Lines<'r>, card_bytes: Option<u64>) -> Self {
        Self { lines, columns: None, card_bytes, models: Vec::new(), ended: false, pending: Vec::new() }
    }

    fn read(&mut self) -> Option<Result<Row, RowError>> {
        loop {
            if let Some(error) = self.pending.pop() {
                return Some(Err(error));
            }
            if self.ended {
                return None;
            }
            let Self { lines, columns, models, card_bytes, .. } = self;
            match lines.next_line() {
                Ok(Some(line)) if line.is_blank() => {}
                Ok(Some(line)) => match columns {
                    Some(columns) => return Some(pod(columns, line, models, *card_bytes)),
                    None => match Columns::of(line, COLUMNS, NEEDED) {
                        Ok(found) => *columns = Some(found),
                        Err(mut errors) => {
                            errors.reverse();
                            (self.pending, self.ended) = (errors, true);
                        }
                    },
                },
                Ok(None) => {
                    self.ended = true;
                    if self.columns.is_none() {
                        let help = format!("the first line names the columns, as in `{}`", COLUMNS.join(","));
                        return Some(Err(Line { text: "", number: 1 }.error("the trace is empty", help)));
                    }
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Rows for Pods<'_> {
    fn next_row(&mut self) -> Option<Result<Option<Row>, TraceError>> {
        Some(self.read()?.map(Some).map_err(|row| TraceError { file: 0, row }))
    }
}

fn pod(
    columns: &Columns<{ COLUMNS.len() }>,
    line: Line<'_>,
    models: &mut Vec<(String, Arc<str>, u64)>,
    card_bytes: Option<u64>,
) -> Result<Row, RowError> {
    let cells = line.cells();
    let [cpu, memory, number, share, creation, deletion, spec] = columns.row(line, cells.iter())?;
    let cores_milli = columns.needed(line, cpu, 0, 4_096_000)?;
    let ram_mib = columns.needed(line, memory, 1, 1 << 40)?;
    let number = columns.whole(line, number, 2, 64)?.unwrap_or(0);
    let milli = columns.whole(line, share, 3, CARD)?.unwrap_or(0);
    if number > 0 && milli == 0 {
        let help = "a whole card is 1000 of it";
        return Err(line.error_at(
            share,
            "a pod with cards needs a part of each: `gpu_milli` from 1 on",
            help,
        ));
    }
    let Some(at_s) = columns.seconds(line, creation, 4)? else {
        let help = "write when the pod was asked for, in seconds since any moment";
        return Err(line.error_at(creation, "`creation_time` is empty", help));
    };
    let until_s = columns.seconds(line, deletion, 5)?;
    if until_s.is_some_and(|until_s| until_s < at_s) {
        let message = format!("the pod is deleted before it is created: `{deletion}` after `{creation}`");
        return Err(line.error_at(deletion, message, "correct it, or remove the line"));
    }
    let cards = match number {
        0 => Cards { count: 0, vram_bytes: 0, model: None },
        _ => {
            let (model, known) = model(models, spec);
            let whole = card_bytes.or(known).unwrap_or(USUAL_CARD_BYTES);
            let vram_bytes = if milli == CARD { 0 } else { (whole * milli / CARD).max(1) };
            Cards { count: number as u32, vram_bytes, model }
        }
    };
    Ok(Row {
        at: Span::from_secs_f64(at_s),
        run: until_s.map(|until_s| Span::from_secs_f64(until_s - at_s)),
        cores_milli: Some(cores_milli),
        ram_bytes: Some(ram_mib << 20),
        cards: Some(cards),
        user: None,
        line: line.number,
    })
}

/// The models of a specification, each once, and the memory of the largest of those that are known.
fn model(models: &mut Vec<(String, Arc<str>, u64)>, spec: &str) -> (Option<Arc<str>>, Option<u64>) {
    if spec.is_empty() {
        return (None, None);
    }
    if let Some((_, model, bytes)) = models.iter().find(|(known, ..)| known == spec) {
        return (Some(Arc::clone(model)), Some(*bytes).filter(|bytes| *bytes > 0));
    }
    let mut names: Vec<&str> = Vec::new();
    for name in spec.split('|').map(str::trim).filter(|name| !name.is_empty()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let bytes = names.iter().filter_map(|name| memory_of_card(name)).max();
    let model: Arc<str> = names.join("|").into();
    if models.len() < MOST_SHARED {
        models.push((spec.to_owned(), Arc::clone(&model), bytes.unwrap_or(0)));
    }
    (Some(model).filter(|model| !model.is_empty()), bytes)
}

#[cfg(test)]
mod tests {
    use super::super::lines::unpacked;
    use super::*;

    fn pods(text: &str, card_bytes: Option<u64>) -> (Vec<Row>, Vec<String>) {
        let mut pods = Pods::new(Lines::new(unpacked(text.as_bytes()).unwrap()), card_bytes);
        let (mut rows, mut errors) = (Vec::new(), Vec::new());
        while let Some(next) = pods.next_row() {
            match next {
                Ok(row) => rows.extend(row),
                Err(error) => errors.push(error.to_string()),
            }
        }
        (rows, errors)
    }

    const HEADER: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,\
        creation_time,deletion_time,scheduled_time\n";

    #[test]
    fn a_row_is_a_pod() {
        let text = format!(
            "{HEADER}a,12000,16384,1,460,V100M16|V100M32|V100M32,LS,Running,100,160,101\nb,500,1,0,0,,BE,Pending,90,,\n\
            c,1,1,8,1000,G2,LS,Running,200,200,\nd,1,1,1,250,,LS,Running,200,201,\n"
        );
        let (rows, errors) = pods(&text, None);
        assert_eq!(errors, Vec::<String>::new());
        let first = &rows[0];
        assert_eq!((first.at, first.run, first.line), (Span::secs(100), Some(Span::mins(1)), 2));
        assert_eq!((first.cores_milli, first.ram_bytes), (Some(12_000), Some(16 << 30)));
        let share = |row: &Row| row.cards.clone().unwrap();
        // The larger of two alternatives, so that the share is enough on either.
        assert_eq!(share(first).vram_bytes, (32 << 30) * 460 / 1000);
        assert_eq!(share(first).model.as_deref(), Some("V100M16|V100M32"));
        assert_eq!((rows[1].run, share(&rows[1]).count), (None, 0));
        assert_eq!(
            (rows[2].run, share(&rows[2]).vram_bytes, share(&rows[2]).count),
            (Some(Span::ZERO), 0, 8)
        );
        assert_eq!((share(&rows[3]).vram_bytes, share(&rows[3]).model), (4 << 30, None));
        let (rows, _) = pods(&text, Some(1000));
        assert_eq!((share(&rows[0]).vram_bytes, share(&rows[3]).vram_bytes), (460, 250));
    }

    #[test]
    fn all_wrong_rows_are_named() {
        let text = format!(
            "{HEADER}a,x,1,0,0,,,,1,2,\nb,1,1,1,0,,,,1,2,\nc,1,1,1,1001,,,,1,2,\nd,1,1,0,0,,,,5,4,\n\
            e,1,1,0,0,,,,,4,\nf,1\n\
            g,1,1,0,0,,,,1,2,\n"
        );
        let (rows, errors) = pods(&text, None);
        assert_eq!(rows.len(), 1);
        assert_eq!(
            errors,
            [
                "line 2, column 3: `cpu_milli` must be a whole number, not `x`",
                "line 3, column 9: a pod with cards needs a part of each: `gpu_milli` from 1 on",
                "line 4, column 9: `gpu_milli` must be at most 1000, not `1001`",
                "line 5, column 16: the pod is deleted before it is created: `4` after `5`",
                "line 6, column 14: `creation_time` is empty",
                "line 7, column 1: the line has 2 cells, the header 11",
            ]
        );
        assert_eq!(pods("", None).1, ["line 1, column 1: the trace is empty"]);
        let (_, errors) = pods("cpu_milli,memory_mib,num_gpu,gpu_milli\n1,1,0,0\n", None);
        assert_eq!(
            errors,
            [
                "line 1, column 1: there is no column `creation_time`",
                "line 1, column 1: there is no column `deletion_time`"
            ]
        );
    }
}
