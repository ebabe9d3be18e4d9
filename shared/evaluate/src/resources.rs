//! What this process has used: CPU time of all its threads, and the most memory it held.

use std::time::Instant;

/// CPU seconds of this process, user and system, all threads; none where the system does not tell.
#[must_use]
pub fn cpu_seconds() -> Option<f64> {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
    }
    #[cfg(not(unix))]
    None
}

/// The most memory that was resident at once since the process began, in megabytes (10^6 bytes); none where `/proc` does
/// not tell.
#[must_use]
pub fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024.0 / 1e6)
}

/// Seconds of CPU and of the clock from a moment on.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    wall: Instant,
    cpu: Option<f64>,
}

impl Stopwatch {
    /// From now on.
    #[must_use]
    pub fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu_seconds() }
    }

    /// CPU seconds, if the system tells, and seconds of the clock.
    #[must_use]
    pub fn seconds(&self) -> (Option<f64>, f64) {
        let cpu = self.cpu.zip(cpu_seconds()).map(|(start, now)| now - start);
        (cpu, self.wall.elapsed().as_secs_f64())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_touched_was_resident() {
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(peak_megabytes().unwrap() > block.len() as f64 / 1e6);
    }

    #[test]
    fn work_takes_cpu_time() {
        let watch = Stopwatch::start();
        let mut x = 1_u64;
        while watch.seconds().0.unwrap() == 0.0 {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
        assert!(watch.seconds().1 > 0.0);
    }
}
