//! What a run costs on this machine: wall time, CPU time, memory. Never part of a result that must be reproducible.

use std::time::{Duration, Instant};

/// A running measurement.
pub(super) struct Stopwatch {
    wall: Instant,
    cpu_s: Option<f64>,
    main_thread_s: Option<f64>,
}

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "the cost of a run is measured here and nowhere else")]
    pub(super) fn start() -> Self {
        Self { wall: Instant::now(), cpu_s: cpu_s(), main_thread_s: main_thread_s() }
    }

    /// Wall time since the start.
    pub(super) fn wall(&self) -> Duration {
        self.wall.elapsed()
    }

    /// CPU time of the process since the start, in seconds; none where the system does not tell.
    pub(super) fn cpu_s(&self) -> Option<f64> {
        Some(cpu_s()? - self.cpu_s?)
    }

    /// What the main thread has worked since the start, in seconds: its CPU time, which other work on the machine
    /// hardly changes, or wall time where the system does not tell.
    pub(super) fn worked_s(&self) -> f64 {
        let worked = || Some(main_thread_s()? - self.main_thread_s?);
        worked().unwrap_or_else(|| self.wall().as_secs_f64())
    }
}

/// CPU time of the main thread from `/proc/self/schedstat`, to the nanosecond.
fn main_thread_s() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(stat.split_whitespace().next()?.parse::<u64>().ok()? as f64 / 1e9)
}

/// CPU time of this process, user and system, from `/proc/self/stat` in its usual ticks of 10 ms.
fn cpu_s() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The command name in parentheses may hold spaces; fields are counted after it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0)
}

/// The most memory that this process has held, in bytes; none where the system does not tell.
pub(super) fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Memory that this process could still take without swapping, in bytes; none where the system does not tell.
pub(super) fn available_memory_bytes() -> Option<u64> {
    available_in(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// The line `MemAvailable:   22174184 kB` of `/proc/meminfo`.
fn available_in(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::available_in;

    #[test]
    fn available_memory_is_read_or_unknown() {
        let text = "MemTotal:       24683520 kB\nMemFree:  9 kB\nMemAvailable:   22174184 kB\n";
        assert_eq!(available_in(text), Some(22_174_184 * 1024));
        for unknown in ["", "MemTotal: 5 kB", "MemAvailable: many kB", "MemAvailable: 5 pages"] {
            assert_eq!(available_in(unknown), None, "{unknown}");
        }
    }
}
