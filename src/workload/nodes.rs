//! Machines as a table has them, one a row: `sn,cpu_milli,memory_mib,gpu,model`, as in Alibaba's GPU trace of 2023.

use serde::{Deserialize, Serialize};

use super::hardware::{Gpu, Hardware};
use super::trace::columns::Columns;
use super::trace::lines::{Lines, RowError, unpacked};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// The columns; the first five must be there.
const COLUMNS: [&str; 7] = ["sn", "cpu_milli", "memory_mib", "gpu", "model", "disk_mib", "gpu_memory_mib"];
const NEEDED: usize = 5;
/// The most machines of a list, as of all peers of a run.
const MOST_NODES: usize = 10_000_000;
/// More errors than these are only counted.
pub const MOST_ERRORS: usize = 20;
/// Memory of a card of which the list does not tell it and whose model is not known.
pub const USUAL_CARD_BYTES: u64 = 16 * GIB;
/// Memory of known models in GiB, by their names in the trace and elsewhere. `G2` and `G3` of the trace are names that
/// stand for others, of which it tells nothing.
const CARDS: [(&str, u64); 17] = [
    ("T4", 16),
    ("P100", 16),
    ("V100", 16),
    ("V100M16", 16),
    ("V100M32", 32),
    ("A10", 24),
    ("A30", 24),
    ("A40", 48),
    ("A100", 40),
    ("A800", 80),
    ("L4", 24),
    ("L40", 48),
    ("L40S", 48),
    ("H100", 80),
    ("H800", 80),
    ("H200", 141),
    ("RTX 4090", 24),
];

/// The memory of a card by its model, in bytes, where that is known.
#[must_use]
pub fn memory_of_card(model: &str) -> Option<u64> {
    CARDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(model)).map(|(_, gib)| gib * GIB)
}

/// What holds for the machines of a list where the list says nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeDefaults {
    /// Clock of a core in Hz.
    pub clock_hz: u64,
    /// Processor architecture.
    pub architecture: String,
    /// Disk in bytes.
    pub disk_bytes: u64,
    /// Memory of every card in bytes, whatever its model; none = by the model, and 16 GiB of one that is not known.
    pub card_bytes: Option<u64>,
    /// Who made the cards.
    pub vendor: String,
}

/// Machines, one a row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeList {
    /// The machines that there are.
    kinds: Vec<Hardware>,
    /// The kind of each row.
    rows: Vec<u32>,
    /// What held where the list said nothing.
    pub defaults: NodeDefaults,
    /// Under which name a copy of the list is kept with the results.
    pub copy: String,
}

impl NodeList {
    /// Reads a list, plain or packed by gzip.
    ///
    /// # Errors
    /// What is wrong with its rows, at most [`MOST_ERRORS`] of it; behind these the number of further errors.
    pub fn read(bytes: &[u8], defaults: NodeDefaults, copy: String) -> Result<Self, (Vec<RowError>, usize)> {
        let mut list = Self { kinds: Vec::new(), rows: Vec::new(), defaults, copy };
        let mut errors = Vec::new();
        let mut unshown = 0;
        let mut note = |error: RowError| match errors.len() < MOST_ERRORS {
            true => errors.push(error),
            false => unshown += 1,
        };
        let start = |message: String| RowError {
            line: 1,
            column: 1,
            length: 1,
            message,
            help: format!("the first line names the columns, as in `{}`", COLUMNS[..NEEDED].join(",")),
        };
        let mut lines = match unpacked(bytes) {
            Ok(bytes) => Lines::new(bytes),
            Err(reason) => return Err((vec![start(format!("cannot read the list: {reason}"))], 0)),
        };
        let mut columns = None;
        loop {
            let line = match lines.next_line() {
                Ok(Some(line)) if line.is_blank() => continue,
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) => {
                    note(error);
                    break;
                }
            };
            let Some(columns) = &columns else {
                columns = Some(Columns::of(line, COLUMNS, NEEDED).map_err(|errors| (errors, 0))?);
                continue;
            };
            let cells = line.cells();
            match list.machine(columns, line, cells.iter()) {
                Ok(_) if list.rows.len() >= MOST_NODES => {
                    let message = format!("there are more than {MOST_NODES} machines");
                    note(line.error(message, "so many can be simulated: remove the lines from here on"));
                    break;
                }
                Ok(machine) => list.add(machine),
                Err(error) => note(error),
            }
        }
        if columns.is_none() && errors.is_empty() {
            errors.push(start("the list is empty".to_owned()));
        } else if list.rows.is_empty() && errors.is_empty() {
            errors.push(start("the list has no machines".to_owned()));
        }
        if errors.is_empty() { Ok(list) } else { Err((errors, unshown)) }
    }

    fn add(&mut self, machine: Hardware) {
        // Neighbours are mostly alike, and there are few kinds.
        let known = self.kinds.iter().rposition(|own| *own == machine);
        let kind = known.unwrap_or_else(|| {
            self.kinds.push(machine);
            self.kinds.len() - 1
        });
        self.rows.push(kind as u32);
    }

    fn machine<'c>(
        &self,
        columns: &Columns<{ COLUMNS.len() }>,
        line: super::trace::lines::Line<'_>,
        cells: impl Iterator<Item = &'c str>,
    ) -> Result<Hardware, RowError> {
        let [_, cpu, memory, cards, model, disk, card_memory] = columns.row(line, cells)?;
        let cores_milli = columns.needed(line, cpu, 1, 4_096_000)?;
        if cores_milli == 0 || !cores_milli.is_multiple_of(1000) {
            let help = "a core is 1000 of it";
            return Err(line.error_at(cpu, "a machine has a whole number of cores, one at least", help));
        }
        let ram_mib = columns.needed(line, memory, 2, 1 << 40)?;
        let number = columns.whole(line, cards, 3, 64)?.unwrap_or(0);
        if number > 0 && model.is_empty() {
            return Err(line.error_at(model, "`model` is empty", "name the model of the cards, as in `T4`"));
        }
        let disk_mib = columns.whole(line, disk, 5, 1 << 40)?;
        let card_mib = columns.whole(line, card_memory, 6, 1 << 20)?;
        let NodeDefaults { clock_hz, architecture, disk_bytes, card_bytes, vendor } = &self.defaults;
        let vram_bytes = card_mib
            .map(|mib| mib * MIB)
            .or(*card_bytes)
            .or_else(|| memory_of_card(model))
            .unwrap_or(USUAL_CARD_BYTES);
        let card = Gpu { vendor: vendor.clone(), model: model.to_owned(), vram_bytes };
        Ok(Hardware {
            cores: (cores_milli / 1000) as u32,
            clock_hz: *clock_hz,
            architecture: architecture.clone(),
            ram_bytes: ram_mib * MIB,
            disk_bytes: disk_mib.map_or(*disk_bytes, |mib| mib * MIB),
            gpus: vec![card; number as usize],
        })
    }

    /// How many machines it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none, which no list that was read does.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The machine of a row, from the first again after the last.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn of(&self, place: u32) -> Hardware {
        self.kinds[self.rows[place as usize % self.rows.len()] as usize].clone()
    }

    /// The machines that there are, each once.
    #[must_use]
    pub fn kinds(&self) -> Vec<Hardware> {
        self.kinds.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, card_bytes: Option<u64>) -> Result<NodeList, Vec<String>> {
        let defaults = NodeDefaults {
            clock_hz: 3_000_000_000,
            architecture: "x86_64".to_owned(),
            disk_bytes: 7,
            card_bytes,
            vendor: "NVIDIA".to_owned(),
        };
        NodeList::read(text.as_bytes(), defaults, "nodes".to_owned()).map_err(|(errors, unshown)| {
            assert_eq!(unshown, 0);
            errors.iter().map(ToString::to_string).collect()
        })
    }

    #[test]
    fn a_row_is_a_machine() {
        let text = "model,sn,gpu,memory_mib,cpu_milli\nV100M32,a,2,1024,64000\n\n\
            ,b,0,2048,4000\nV100M32,c,2,1024,64000\n";
        let list = read(text, None).unwrap();
        assert_eq!((list.len(), list.kinds().len()), (3, 2));
        let first = list.of(0);
        assert_eq!((first.cores, first.ram_bytes, first.disk_bytes), (64, GIB, 7));
        assert_eq!(first.gpus.iter().map(|card| card.vram_bytes).collect::<Vec<_>>(), [32 * GIB; 2]);
        assert_eq!((list.of(1).gpus.len(), list.of(2), list.of(3)), (0, first.clone(), first));
        // A card of a thousand units, whatever its model.
        assert_eq!(read(text, Some(1000)).unwrap().of(0).gpus[1].vram_bytes, 1000);
        let told =
            read("sn,cpu_milli,memory_mib,gpu,model,disk_mib,gpu_memory_mib\na,1000,1,1,new,3,5\n", Some(9));
        let told = told.unwrap().of(0);
        assert_eq!((told.disk_bytes, told.gpus[0].vram_bytes), (3 * MIB, 5 * MIB));
        assert_eq!(
            read("sn,cpu_milli,memory_mib,gpu,model\na,1000,1,1,new\n", None).unwrap().of(0).gpus[0]
                .vram_bytes,
            16 * GIB
        );
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let text =
            "sn,cpu_milli,memory_mib,gpu,model\na,1500,1,0,\nb,x,1,0,\nc,1000,,0,\nd,1000,1,1,\ne,1000,1\n";
        assert_eq!(
            read(text, None).unwrap_err(),
            [
                "line 2, column 3: a machine has a whole number of cores, one at least",
                "line 3, column 3: `cpu_milli` must be a whole number, not `x`",
                "line 4, column 8: `memory_mib` is empty",
                "line 5, column 12: `model` is empty",
                "line 6, column 1: the line has 3 cells, the header 5",
            ]
        );
        assert_eq!(
            read("sn,cpu_milli,cpu_milli,gpu\n", None).unwrap_err(),
            [
                "line 1, column 14: there are two columns `cpu_milli`",
                "line 1, column 1: there is no column `memory_mib`",
                "line 1, column 1: there is no column `model`",
            ]
        );
        assert_eq!(read("", None).unwrap_err(), ["line 1, column 1: the list is empty"]);
        let header = "sn,cpu_milli,memory_mib,gpu,model\n";
        assert_eq!(read(header, None).unwrap_err(), ["line 1, column 1: the list has no machines"]);
    }
}
