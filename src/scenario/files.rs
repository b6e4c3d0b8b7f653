//! The files that a scenario is made of: reading them, and saying what is wrong with them.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::diagnostic::{Diagnostic, Sources};
use super::peers::{name_like, name_of_file};
use super::trace::{self, TraceUnit};
use super::{ensemble_file, overrides, yaml};
use crate::dms::ensemble::tree::{Node, Position};
use crate::dms::ensemble::{EnsembleConfig, Finding};
use crate::workload::trace::lines::{RowError, unpacked};
use crate::workload::trace::{Bytes, TraceFile};
use crate::workload::{NodeDefaults, NodeList, UpTrace};

/// The name of an ensemble that stands in the scenario itself, where a file's is that of the file.
pub(super) const NAME_WITHIN: &str = "ensemble";

/// So many bytes of a packed table are read, unless it is larger as it is.
const MOST_UNPACKED: u64 = 256 << 20;

/// An ensemble that a deployment uses.
#[derive(Clone)]
pub(super) struct Ensemble {
    /// What it says.
    pub config: Arc<EnsembleConfig>,
    /// The file's name without its extension, or [`NAME_WITHIN`].
    pub stem: String,
    /// The name of its copy beside a resolved scenario, without extension; unlike that of any other file.
    pub copy: String,
    place: usize,
}

struct Entry {
    /// None of an ensemble that stands in the scenario itself.
    path: Option<PathBuf>,
    shown: String,
    tree: Option<Node>,
    text: String,
    ensemble: Option<Ensemble>,
}

/// A trace that groups of peers follow.
struct TraceEntry {
    path: PathBuf,
    unit: TraceUnit,
    /// The name of its copy beside a resolved scenario, without extension.
    copy: String,
    text: String,
    trace: Option<Arc<UpTrace>>,
}

/// A list of machines.
struct ListEntry {
    path: PathBuf,
    text: String,
    list: Option<Arc<NodeList>>,
}

/// All files of a scenario, each read once.
pub(super) struct Files {
    directory: PathBuf,
    /// The scenario itself, as it is shown.
    scenario: String,
    /// Ensembles that stand in memory, by the names that the scenario writes; then no file is read.
    kept: Option<Vec<(String, String)>>,
    entries: Vec<Entry>,
    traces: Vec<TraceEntry>,
    lists: Vec<ListEntry>,
    job_traces: Vec<(PathBuf, TraceFile)>,
    /// What is wrong with ensembles, and with tables.
    pub diagnostics: Vec<Diagnostic>,
    /// Texts of all files, for excerpts.
    pub sources: Sources,
    /// Names of files as the scenario writes them, with the SHA-256 of their bytes.
    pub inputs: Vec<(String, String)>,
}

impl Files {
    /// The files around a scenario.
    pub(super) fn beside(scenario: &Path) -> Self {
        Self {
            directory: scenario.parent().unwrap_or(Path::new("")).to_owned(),
            scenario: String::new(),
            kept: None,
            entries: Vec::new(),
            traces: Vec::new(),
            lists: Vec::new(),
            job_traces: Vec::new(),
            diagnostics: Vec::new(),
            sources: Sources::new(),
            inputs: Vec::new(),
        }
    }

    /// The files of a scenario that stands in memory, with its ensembles by the names that it writes.
    pub(super) fn in_memory(kept: Vec<(String, String)>) -> Self {
        Self { kept: Some(kept), ..Self::beside(Path::new("")) }
    }

    fn read(&self, written: &str, path: &Path) -> Result<Vec<u8>, String> {
        let Some(kept) = &self.kept else { return read_file(path) };
        let found = kept.iter().find(|(name, _)| name == written);
        found.map(|(_, text)| text.clone().into_bytes()).ok_or_else(|| "there is no such file".to_owned())
    }

    /// A table, which may be larger than what people write by hand.
    fn read_table(&self, written: &str, path: &Path) -> Result<Vec<u8>, String> {
        if self.kept.is_some() { self.read(written, path) } else { read_file_up_to(path, trace::MAX_BYTES) }
    }

    /// Notes the text of the scenario itself.
    pub(super) fn note_scenario(&mut self, shown: &str, input: &str, bytes: &[u8]) {
        shown.clone_into(&mut self.scenario);
        self.note(shown, input, bytes);
    }

    /// Notes a file's text, for excerpts and as an input.
    pub(super) fn note(&mut self, shown: &str, input: &str, bytes: &[u8]) {
        self.sources.insert(shown.to_owned(), String::from_utf8_lossy(bytes).into_owned());
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(bytes));
        self.inputs.push((input.to_owned(), digest));
    }

    /// The ensemble of a path beside the scenario; `None` when its errors have been reported.
    ///
    /// # Errors
    /// Why the file cannot be read.
    pub(super) fn ensemble(&mut self, written: &str) -> Result<Option<Ensemble>, String> {
        let path = self.directory.join(written);
        if let Some(known) = self.entries.iter().find(|entry| entry.path.as_ref() == Some(&path)) {
            return Ok(known.ensemble.clone());
        }
        let bytes = self.read(written, &path)?;
        let shown = super::shown(&path);
        self.note(&shown, written, &bytes);
        let stem = name_of_file(&path).unwrap_or_else(|| NAME_WITHIN.to_owned());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let read = ensemble_file::read_for_simulation(&shown, &bytes);
        Ok(self.take_ensemble((Some(path), shown), stem, text, read))
    }

    /// An ensemble that stands in the scenario itself; `None` when its errors have been reported.
    pub(super) fn ensemble_within(&mut self, node: &Node) -> Option<Ensemble> {
        let shown = self.scenario.clone();
        let read = ensemble_file::tree_for_simulation(&shown, node);
        self.take_ensemble((None, shown), NAME_WITHIN.to_owned(), yaml::write(node), read)
    }

    fn take_ensemble(
        &mut self,
        (path, shown): (Option<PathBuf>, String),
        stem: String,
        text: String,
        read: Result<ensemble_file::LoadedEnsemble, Vec<Diagnostic>>,
    ) -> Option<Ensemble> {
        let place = self.entries.len();
        let copy = self.copy_name(&stem);
        let (tree, ensemble) = match read {
            Ok(loaded) => {
                loaded.warnings.into_iter().for_each(|one| self.add(one));
                let config = Arc::new(loaded.config);
                (Some(loaded.tree), Some(Ensemble { config, stem, copy, place }))
            }
            Err(diagnostics) => {
                diagnostics.into_iter().for_each(|one| self.add(one));
                (None, None)
            }
        };
        self.entries.push(Entry { path, shown, tree, text, ensemble: ensemble.clone() });
        ensemble
    }

    /// The trace of a path beside the scenario, with the name of its copy; `None` when its errors have been reported.
    ///
    /// # Errors
    /// Why the file cannot be read, or says nothing.
    pub(super) fn trace(
        &mut self,
        written: &str,
        unit: TraceUnit,
    ) -> Result<Option<(Arc<UpTrace>, String)>, String> {
        let path = self.directory.join(written);
        if let Some(known) = self.traces.iter().find(|entry| entry.path == path && entry.unit == unit) {
            return Ok(known.trace.as_ref().map(|trace| (Arc::clone(trace), known.copy.clone())));
        }
        let bytes = self.read_table(written, &path)?;
        let shown = super::shown(&path);
        self.note(&shown, written, &bytes);
        let stem = path.file_stem().map_or_else(|| "trace".into(), |stem| stem.to_string_lossy());
        let copy = self.copy_name_of_table(&stem);
        let mut entry = TraceEntry { path, unit, copy, text: String::new(), trace: None };
        match trace::read(&bytes, unit) {
            Ok(read) => {
                let up = UpTrace::new(read.hosts, &read.sessions).map_err(|error| error.to_string())?;
                (entry.text, entry.trace) = (read.text(), Some(Arc::new(up)));
            }
            Err(findings) => {
                let all = findings.into_iter().map(|finding| Diagnostic::new("trace", &shown, finding));
                self.diagnostics.extend(all);
            }
        }
        let found = entry.trace.clone().map(|trace| (trace, entry.copy.clone()));
        self.traces.push(entry);
        Ok(found)
    }

    /// The list of machines of a path beside the scenario; `None` when its errors have been reported.
    ///
    /// # Errors
    /// Why the file cannot be read.
    pub(super) fn node_list(
        &mut self,
        written: &str,
        defaults: &NodeDefaults,
    ) -> Result<Option<Arc<NodeList>>, String> {
        let path = self.directory.join(written);
        let same = |list: &Arc<NodeList>| list.defaults == *defaults;
        if let Some(known) =
            self.lists.iter().find(|one| one.path == path && one.list.as_ref().is_none_or(same))
        {
            return Ok(known.list.clone());
        }
        let bytes = self.read_table(written, &path)?;
        let shown = super::shown(&path);
        self.note(&shown, written, &bytes);
        let stem = path.file_stem().map_or_else(|| "nodes".into(), |stem| stem.to_string_lossy());
        let copy = self.copy_name_of_table(stem.trim_end_matches(".csv"));
        let mut entry = ListEntry { path, text: String::new(), list: None };
        match NodeList::read(&bytes, defaults.clone(), copy) {
            Ok(list) => {
                entry.text = unpacked_text(&bytes)?;
                entry.list = Some(Arc::new(list));
            }
            Err(errors) => {
                self.sources.insert(shown.clone(), unpacked_text(&bytes).unwrap_or_default());
                self.diagnostics.extend(of_rows("nodes", &shown, errors));
            }
        }
        let found = entry.list.clone();
        self.lists.push(entry);
        Ok(found)
    }

    /// A file of a trace of jobs beside the scenario. It is read once here, for its digest, and kept nowhere.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn job_trace(&mut self, written: &str) -> Result<TraceFile, String> {
        let path = self.directory.join(written);
        if let Some((_, known)) = self.job_traces.iter().find(|(own, _)| *own == path) {
            return Ok(known.clone());
        }
        let (bytes, digest) = match self.kept {
            Some(_) => {
                let bytes = self.read(written, &path)?;
                let digest = Sha256::digest(&bytes);
                (Bytes::Memory(bytes.into()), digest)
            }
            None => (Bytes::File(path.clone()), digest_of(&path)?),
        };
        let sha256 = data_encoding::HEXLOWER.encode(&digest);
        self.inputs.push((written.to_owned(), sha256.clone()));
        let name = path.file_name().map_or_else(|| "trace".into(), |name| name.to_string_lossy());
        let copy = unlike(&name, &|name| {
            let tables = self.tables().any(|table| name.strip_suffix(".csv") == Some(table));
            tables || self.job_traces.iter().any(|(_, own)| own.copy == name)
        });
        let file = TraceFile { bytes, copy, sha256 };
        self.job_traces.push((path, file.clone()));
        Ok(file)
    }

    /// The files of traces of jobs.
    pub(super) fn job_traces(&self) -> Vec<TraceFile> {
        self.job_traces.iter().map(|(_, file)| file.clone()).collect()
    }

    /// Reports what is wrong with the rows of a file of a trace of jobs.
    pub(super) fn report_rows(&mut self, file: &TraceFile, errors: (Vec<RowError>, usize)) {
        let path = self.job_traces.iter().find(|(_, own)| own == file).map(|(path, _)| path.clone());
        let path = path.unwrap_or_default();
        let shown = super::shown(&path);
        // What is small is shown with excerpts.
        if let Ok(text) = read_file(&path).and_then(|bytes| unpacked_text(&bytes)) {
            self.sources.insert(shown.clone(), text);
        }
        // Several may read one file, for different parts of it.
        of_rows("trace", &shown, errors).into_iter().for_each(|one| self.add(one));
    }

    /// The traces of availability by the name of their copy, with their sessions in seconds, and the lists of machines.
    pub(super) fn traces(&self) -> Vec<(String, String)> {
        let traces = self.traces.iter().map(|entry| (entry.copy.clone(), entry.text.clone()));
        let lists = self.lists.iter().filter_map(|entry| Some((entry.list.as_ref()?, entry)));
        traces.chain(lists.map(|(list, entry)| (list.copy.clone(), entry.text.clone()))).collect()
    }

    /// The names of the copies of tables, which end with `.csv` there.
    fn tables(&self) -> impl Iterator<Item = &str> {
        let lists = self.lists.iter().filter_map(|entry| entry.list.as_ref());
        self.traces.iter().map(|entry| entry.copy.as_str()).chain(lists.map(|list| list.copy.as_str()))
    }

    /// A name for a copy that no other table has.
    fn copy_name_of_table(&self, stem: &str) -> String {
        unlike(stem, &|name| {
            let jobs = || self.job_traces.iter().map(|(_, file)| file.copy.as_str());
            self.tables().any(|own| own == name) || jobs().any(|own| own.strip_suffix(".csv") == Some(name))
        })
    }

    /// A name for a copy that no other file has.
    fn copy_name(&self, stem: &str) -> String {
        unlike(stem, &|name| {
            let copies = self.entries.iter().filter_map(|entry| entry.ensemble.as_ref());
            copies.into_iter().any(|ensemble| ensemble.copy == name)
        })
    }

    /// Reports an error at a place of an ensemble, once. False when the place is not found.
    pub(super) fn report(&mut self, ensemble: &Ensemble, path: &[&str], finding: Finding) -> bool {
        let entry = &self.entries[ensemble.place];
        let node = path.iter().try_fold(entry.tree.as_ref(), |node, key| Some(node?.get(key)));
        let Some(node) = node.flatten() else { return false };
        let finding = Finding { position: node.position, ..finding };
        let diagnostic = overrides::placed("ensemble", &entry.shown, finding);
        self.add(diagnostic);
        true
    }

    /// Adds what there is to say, once: several may use what stands in one place.
    fn add(&mut self, diagnostic: Diagnostic) {
        if !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// The ensembles by the name of their copy, with their text.
    pub(super) fn copies(self) -> Vec<(String, String)> {
        let entries = self.entries.into_iter();
        entries.filter_map(|entry| Some((entry.ensemble?.copy, entry.text))).collect()
    }

    /// Paths of YAML files in the folder of a path, as a scenario would write them, for guesses.
    pub(super) fn yaml_files_beside(&self, written: &str) -> Vec<String> {
        let folder = Path::new(written).parent().unwrap_or(Path::new(""));
        let Ok(entries) = fs::read_dir(self.directory.join(folder)) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".yaml") || name.ends_with(".yml"))
            .take(1000)
            .map(|name| super::shown(&folder.join(name)))
            .collect();
        names.sort();
        names
    }
}

/// What is wrong with the rows of a table, and how much more of it there is.
pub(super) fn of_rows(
    code: &'static str,
    shown: &str,
    (errors, unshown): (Vec<RowError>, usize),
) -> Vec<Diagnostic> {
    let last = errors.last().map_or(1, |error| error.line);
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let finding = |RowError { line, column, length, message, help }: RowError| {
        let help = Some(help).filter(|help| !help.is_empty());
        Finding::error(Position { line: narrow(line), column, length }, message).with_help(help)
    };
    let mut findings: Vec<Finding> = errors.into_iter().map(finding).collect();
    if unshown > 0 {
        let position = Position { line: narrow(last), column: 1, length: 1 };
        findings.push(Finding::error(position, format!("{unshown} further errors are not shown")));
    }
    findings.into_iter().map(|finding| Diagnostic::new(code, shown, finding)).collect()
}

/// The text of a table, packed or not. What is packed may stand for far more than it is, and is read up to a bound.
fn unpacked_text(bytes: &[u8]) -> Result<String, String> {
    let most = MOST_UNPACKED.max(bytes.len() as u64);
    let mut text = String::new();
    let read = unpacked(bytes).and_then(|all| all.take(most + 1).read_to_string(&mut text));
    read.map_err(|error| error.to_string())?;
    if text.len() as u64 > most {
        return Err(format!(
            "it has more than {most} bytes once it is unpacked, which are the most that are read"
        ));
    }
    Ok(text)
}

/// A name like a stem that is not taken and can be that of a file anywhere.
fn unlike(stem: &str, taken: &dyn Fn(&str) -> bool) -> String {
    let plain = name_like(stem);
    let numbered = (2_u32..).map(|number| format!("{plain}-{number}"));
    let mut candidates = std::iter::once(plain.clone()).chain(numbered);
    candidates.find(|name| !taken(name)).unwrap_or(plain)
}

/// The digest of the bytes of a file, however many they are.
fn digest_of(path: &Path) -> Result<sha2::digest::Output<Sha256>, String> {
    let metadata = fs::metadata(path).map_err(in_words)?;
    if metadata.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if !metadata.is_file() {
        return Err("it is no file: a trace is read more than once".to_owned());
    }
    let mut file = fs::File::open(path).map_err(in_words)?;
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).map_err(in_words)? {
            0 => return Ok(digest.finalize()),
            count => digest.update(&buffer[..count]),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn in_words(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "reading it is not permitted".to_owned(),
        kind => kind.to_string(),
    }
}

/// The bytes of a file.
///
/// # Errors
/// Why it cannot be read, in a few words that are the same on every system.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    read_file_up_to(path, yaml::MAX_BYTES as u64)
}

/// The bytes of a file that has at most so many.
///
/// # Errors
/// As [`read_file`].
pub(super) fn read_file_up_to(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let metadata = fs::metadata(path).map_err(in_words)?;
    if metadata.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if metadata.len() > most {
        return Err(format!("it has {} bytes; at most {most} are read", metadata.len()));
    }
    // What has no size, a pipe or a device, may go on for ever.
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(in_words)?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(in_words)?;
    if bytes.len() as u64 > most {
        return Err(format!("it has more than {most} bytes, which are the most that are read"));
    }
    Ok(bytes)
}
