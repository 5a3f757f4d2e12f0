//! CPU time, medians, quantiles.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};

/// The CPU time that this process has used, in nanoseconds.
pub(crate) fn cpu_nanos() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

pub(crate) fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * q).round() as usize).copied().unwrap_or(f64::NAN)
}

/// One thread, so that CPU time is comparable.
pub(crate) fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Two threads, as on the machine that the targets are for.
pub(crate) fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Something that is done again and again: how long it took each time, in milliseconds, and the CPU
/// time of all of it.
#[derive(Default)]
pub(crate) struct Times {
    wall: Vec<f64>,
    cpu: f64,
}

impl Times {
    pub(crate) async fn of<T>(&mut self, work: impl Future<Output = T>) -> T {
        let (began, cpu_began) = (Instant::now(), cpu_nanos());
        let done = work.await;
        self.wall.push(began.elapsed().as_secs_f64() * 1e3);
        self.cpu += (cpu_nanos() - cpu_began) / 1e6;
        done
    }

    /// A row: median, 99th percentile, CPU time of one on average, and the floor.
    pub(crate) fn say(&mut self, name: &str, floor: &str) {
        let cpu = self.cpu / self.wall.len() as f64;
        let (median, worst) = (median(&mut self.wall), quantile(&mut self.wall, 0.99));
        println!("{name} | {median:.2} ms | {worst:.2} ms | {cpu:.2} ms | {floor}");
    }
}
