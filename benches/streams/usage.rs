//! What a process has used so far, as Linux tells it.

use std::fs;

pub(crate) struct Usage {
    /// Bytes that it has in memory.
    pub(crate) memory: u64,
    /// Seconds that it has computed for.
    pub(crate) cpu: f64,
}

impl Usage {
    pub(crate) fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|text| text.split_whitespace().next()?.parse().ok());
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // The name may hold blanks, and ends with the last bracket.
        let numbers = stat.rsplit(')').next().unwrap_or_default();
        let ticks = |at: usize| {
            numbers.split_whitespace().nth(at).and_then(|text| text.parse::<f64>().ok())
        };
        let cpu = ticks(11).unwrap_or_default() + ticks(12).unwrap_or_default();
        Self { memory: kilobytes.unwrap_or(0_u64) * 1024, cpu: cpu / 100.0 }
    }
}
