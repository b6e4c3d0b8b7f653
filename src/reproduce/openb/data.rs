//! The tables of the experiment: nodes, jobs, the order in which jobs come, and what was published.
//!
//! They are read from a folder, plain or compressed (`.gz`), or are those that come with the program (the default
//! workload with five seeds; see `data/README.md`).

use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::placement::{Amounts, Ask, Machine, Tag};
use crate::workload::trace::lines;

const MIB: u64 = 1 << 20;
/// The columns of the published tables: arrived requests of cards in per cent of all cards, 0 to 130.
pub const COLUMNS: usize = 131;
/// Wrong lines of a file beyond these are counted only.
const MOST_SHOWN: usize = 20;

/// What is wrong with the tables, each with its place.
#[derive(Debug)]
pub struct DataErrors(Vec<String>);

impl DataErrors {
    pub(super) const fn of(errors: Vec<String>) -> Self {
        Self(errors)
    }

    fn one(file: &str, cause: impl fmt::Display, help: &str) -> Self {
        Self(vec![format!("{file}: {cause}\n  = help: {help}")])
    }
}

impl fmt::Display for DataErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in self.0.iter().take(MOST_SHOWN) {
            writeln!(f, "error: {error}")?;
        }
        match self.0.len().saturating_sub(MOST_SHOWN) {
            0 => Ok(()),
            more => writeln!(f, "error: {more} more"),
        }
    }
}

/// A machine of the node list.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Node {
    /// Its name.
    pub sn: String,
    /// Cores in thousandths.
    pub cpu_milli: u64,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// How many cards it has.
    pub gpu: u32,
    /// Their model.
    pub model: String,
}

impl Node {
    /// As a machine on which nothing runs.
    #[must_use]
    pub fn machine(&self) -> Machine {
        let model = Tag::of(&self.model);
        let total = Amounts { cpu_milli: self.cpu_milli, ram_bytes: self.memory_mib * MIB, disk_bytes: 0 };
        Machine::new(total, (0..self.gpu).map(|_| [model, model]))
    }
}

/// A job of a workload.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Cores in thousandths.
    pub cpu_milli: u64,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// How many cards it asks for.
    pub num_gpu: u32,
    /// How much of each, in thousandths of a card.
    #[serde(deserialize_with = "of_a_card")]
    pub gpu_milli: u32,
    /// The models that will do, with `|` between them; empty = any.
    #[serde(default)]
    pub gpu_spec: String,
}

fn of_a_card<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let milli = u32::deserialize(deserializer)?;
    if milli > 1000 {
        return Err(serde::de::Error::custom(format!("{milli} thousandths are more than a card")));
    }
    Ok(milli)
}

impl Pod {
    /// What it asks of a machine. One that asks for no card asks for none of it, whatever it says.
    #[must_use]
    pub fn ask(&self) -> Ask {
        let models = self.gpu_spec.split('|').filter(|model| !model.is_empty());
        Ask {
            cpu_milli: self.cpu_milli,
            ram_bytes: self.memory_mib * MIB,
            disk_bytes: 0,
            cards: self.num_gpu,
            card_milli: if self.num_gpu == 0 { 0 } else { self.gpu_milli },
            accepts: models.map(Tag::of).collect(),
        }
    }
}

/// In which order jobs come, and which node goes first among equals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// Rows of the workload.
    pub rows: Vec<u16>,
    /// The rank of each node.
    pub ranks: Vec<u32>,
}

/// The published tables, one a metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metric {
    /// Cards that are in use, in per cent of all cards.
    Allocation,
    /// Fragmented room of cards, in per cent of all cards.
    Fragmentation,
    /// Fragmented room of cards, in per cent of what is free of them.
    FragmentationOfFree,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Allocation, Self::Fragmentation, Self::FragmentationOfFree];

    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allocation => "allocation",
            Self::Fragmentation => "fragmentation",
            Self::FragmentationOfFree => "fragmentation_of_free",
        }
    }

    const fn file(self) -> &'static str {
        match self {
            Self::Allocation => "allo.csv",
            Self::Fragmentation => "frag.csv",
            Self::FragmentationOfFree => "frag_ratio.csv",
        }
    }
}

/// What was published of a run by one metric.
#[derive(Clone, PartialEq, Debug)]
pub struct Published {
    /// As it calls the workload.
    pub workload: String,
    /// As it calls the policy, without the number in front.
    pub policy: String,
    /// The seed.
    pub seed: u64,
    /// By which metric.
    pub metric: Metric,
    /// The values.
    pub columns: Vec<f64>,
}

/// Where tables are.
#[derive(Clone, Debug)]
pub enum Source {
    /// In the program.
    BuiltIn,
    /// In folders.
    Folders {
        /// Nodes and workloads.
        data: PathBuf,
        /// Orders.
        orders: PathBuf,
        /// What was published.
        expected: PathBuf,
    },
}

macro_rules! shipped {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        [$(($name, include_bytes!(concat!("../../../data/", $folder, "/", $name)) as &[u8])),+]
    };
}

/// Nodes and jobs, which scenarios use as well.
const WORKLOADS: [(&str, &[u8]); 2] =
    shipped!("workloads": "openb_node_list_gpu_node.csv.gz", "openb_pod_list_default.csv.gz");
/// Orders and published tables.
const RESULTS: [(&str, &[u8]); 8] = shipped!(
    "openb":
    "orders/openb_pod_list_default.42.bin",
    "orders/openb_pod_list_default.43.bin",
    "orders/openb_pod_list_default.44.bin",
    "orders/openb_pod_list_default.45.bin",
    "orders/openb_pod_list_default.46.bin",
    "expected/allo.csv.gz",
    "expected/frag.csv.gz",
    "expected/frag_ratio.csv.gz",
);

/// What comes with the program.
fn built_in() -> impl Iterator<Item = &'static (&'static str, &'static [u8])> {
    WORKLOADS.iter().chain(&RESULTS)
}

impl Source {
    /// The file with the jobs of a workload.
    fn workload_file(workload: &str) -> String {
        format!("openb_pod_list_{workload}.csv")
    }

    /// The nodes.
    ///
    /// # Errors
    /// What is wrong with their list.
    pub fn nodes(&self) -> Result<Vec<Node>, DataErrors> {
        let (shown, bytes) = self.read("", "openb_node_list_gpu_node.csv", "the list of nodes")?;
        rows(&shown, &bytes)
    }

    /// The jobs of a workload, in the order of its file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn pods(&self, workload: &str) -> Result<Vec<Pod>, DataErrors> {
        let file = Self::workload_file(workload);
        let (shown, bytes) = self.read("", &file, &format!("the workload `{workload}`"))?;
        let pods: Vec<Pod> = rows(&shown, &bytes)?;
        if pods.len() > usize::from(u16::MAX) + 1 {
            let cause = format!("{} jobs, and orders tell apart 65536", pods.len());
            return Err(DataErrors::one(&shown, cause, "use a part of it"));
        }
        Ok(pods)
    }

    /// The order of a workload with a seed, checked against how many jobs and nodes there are.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn order(&self, workload: &str, seed: u64, pods: usize, nodes: usize) -> Result<Order, DataErrors> {
        let file = format!("openb_pod_list_{workload}.{seed}.bin");
        let (shown, bytes) = self.read("orders/", &file, &format!("the order of seed {seed}"))?;
        let help = "little endian: u32 n, n rows of the workload, the rank of each node, as u16 both";
        let wrong = |cause: String| DataErrors::one(&shown, cause, help);
        let Some((count, rest)) = bytes.split_first_chunk::<4>() else {
            return Err(wrong(format!("{} bytes are too few", bytes.len())));
        };
        let count = u32::from_le_bytes(*count) as usize;
        let numbers: Vec<u16> =
            rest.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        if rest.len() != 2 * (count + nodes) {
            return Err(wrong(format!(
                "{} bytes, and {count} rows and the ranks of {nodes} nodes take {}",
                bytes.len(),
                4 + 2 * (count + nodes)
            )));
        }
        let (order, ranks) = numbers.split_at(count);
        if let Some(place) = order.iter().position(|&row| usize::from(row) >= pods) {
            return Err(wrong(format!("row {} at place {place}, and there are {pods}", order[place])));
        }
        Ok(Order { rows: order.to_vec(), ranks: ranks.iter().map(|&rank| u32::from(rank)).collect() })
    }

    /// Everything that was published.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn published(&self) -> Result<Vec<Published>, DataErrors> {
        let mut all = Vec::new();
        for metric in Metric::ALL {
            let (shown, bytes) = self.read("expected/", metric.file(), "the published tables")?;
            all.extend(published(&shown, &bytes, metric)?);
        }
        Ok(all)
    }

    /// The workloads whose jobs are there, in alphabetical order.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn workloads(&self) -> Result<Vec<String>, DataErrors> {
        let names: Vec<String> = match self {
            Self::BuiltIn => built_in().map(|(name, _)| (*name).to_owned()).collect(),
            Self::Folders { data, .. } => {
                let unread =
                    |error: io::Error| DataErrors::one(&data.display().to_string(), error, "see --data");
                let entries = fs::read_dir(data).and_then(Iterator::collect::<io::Result<Vec<_>>>);
                let name = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
                entries.map_err(unread)?.iter().map(name).collect()
            }
        };
        let workload = |name: &String| {
            let stem = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".csv")?;
            stem.strip_prefix("openb_pod_list_").map(str::to_owned)
        };
        let mut found: Vec<String> = names.iter().filter_map(workload).collect();
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// A file, compressed or not, and what messages call it. `place` is the folder in the layout of the program's own.
    fn read(&self, place: &str, name: &str, what: &str) -> Result<(String, Vec<u8>), DataErrors> {
        let missing = |shown: &str, cause: &dyn fmt::Display| {
            DataErrors::one(
                shown,
                format!("{what} cannot be read: {cause}"),
                "`--data`, `--orders` and `--expected` name other folders",
            )
        };
        match self {
            Self::BuiltIn => {
                let wanted = format!("{place}{name}");
                let is_it = |own: &str| own.strip_suffix(".gz").unwrap_or(own) == wanted;
                let shown = format!("{wanted} (built in)");
                let (_, bytes) = built_in()
                    .find(|(own, _)| is_it(own))
                    .ok_or_else(|| missing(&shown, &"it does not come with the program"))?;
                Ok((shown.clone(), unpacked(bytes).map_err(|error| missing(&shown, &error))?))
            }
            Self::Folders { data, orders, expected } => {
                let folder: &Path = match place {
                    "orders/" => orders,
                    "expected/" => expected,
                    _ => data,
                };
                let plain = folder.join(name);
                let packed = folder.join(format!("{name}.gz"));
                let path = if packed.exists() && !plain.exists() { packed } else { plain };
                let shown = crate::scenario::shown(&path);
                let bytes = fs::read(&path).and_then(|bytes| unpacked(&bytes));
                bytes.map(|bytes| (shown.clone(), bytes)).map_err(|error| missing(&shown, &error))
            }
        }
    }
}

/// All bytes, unpacked if they are compressed.
fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    lines::unpacked(bytes)?.read_to_end(&mut plain)?;
    Ok(plain)
}

/// The rows of a table.
fn rows<R: DeserializeOwned>(shown: &str, bytes: &[u8]) -> Result<Vec<R>, DataErrors> {
    let mut reader = csv::Reader::from_reader(bytes);
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for row in reader.deserialize() {
        match row {
            Ok(row) => found.push(row),
            Err(error) => errors.push(placed(shown, &error)),
        }
    }
    if errors.is_empty() && found.is_empty() {
        errors.push(format!("{shown}: it has no rows"));
    }
    if errors.is_empty() { Ok(found) } else { Err(DataErrors(errors)) }
}

/// A message of a reader of tables, with its place in front.
fn placed(shown: &str, error: &csv::Error) -> String {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            let field = err.field().map_or(String::new(), |field| format!(" (column {})", field + 1));
            format!("{shown}:{line}: {}{field}", err.kind())
        }
        _ => format!("{shown}:{line}: {error}"),
    }
}

/// The rows of a published table: names, then the columns.
fn published(shown: &str, bytes: &[u8], metric: Metric) -> Result<Vec<Published>, DataErrors> {
    let mut reader = csv::Reader::from_reader(bytes);
    let wrong = |line: u64, cause: String| {
        let help = format!("columns are workload, sc_policy, tune, seed and then 0 to {}", COLUMNS - 1);
        DataErrors(vec![format!("{shown}:{line}: {cause}\n  = help: {help}")])
    };
    let names = reader.headers().map_err(|error| DataErrors(vec![placed(shown, &error)]))?.clone();
    let place = |name: &str| {
        names.iter().position(|own| own == name).ok_or_else(|| wrong(1, format!("no column `{name}`")))
    };
    let (workload, policy, seed) = (place("workload")?, place("sc_policy")?, place("seed")?);
    let columns = (0..COLUMNS).map(|column| place(&column.to_string())).collect::<Result<Vec<_>, _>>()?;
    let mut all = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| DataErrors(vec![placed(shown, &error)]))?;
        let line = record.position().map_or(1, csv::Position::line);
        let field = |place: usize| record.get(place).unwrap_or("");
        let number = |place: usize| {
            field(place).parse::<f64>().map_err(|_| wrong(line, format!("`{}` is no number", field(place))))
        };
        let of = |name: &str| name.split_once('-').map_or(name, |(_, name)| name).to_owned();
        all.push(Published {
            workload: field(workload).trim_start_matches("openb_pod_list_").to_owned(),
            policy: of(field(policy)),
            seed: field(seed).parse().map_err(|_| wrong(line, format!("`{}` is no seed", field(seed))))?,
            metric,
            columns: columns.iter().map(|&place| number(place)).collect::<Result<_, _>>()?,
        });
    }
    Ok(all)
}
