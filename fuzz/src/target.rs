//! One execution of a target, within bounds that grow with its input alone.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use rustix::time::ClockId;
use rustix::time::clock_gettime;

use crate::entry::TARGETS;
use crate::entry::Target;
use crate::entry::archive::testdata;
use crate::memory;

/// Steps that any input may take, and those for each byte of it and of the content that is read out of it: counted where a
/// loop over one part of a file could run inside a loop over another.
const STEPS: (u64, u64) = (4096, 64);
/// Bytes of memory that any input may hold at once, and those for each byte of it and of its content.
const MEMORY: (u64, u64) = (16 << 20, 64);

/// Processor time that any input may take, in nanoseconds; `-timeout` of libFuzzer goes by the clock on the wall.
const TIME: u64 = 1_000_000_000;

/// The longest so far, and the most memory.
static LONGEST: AtomicU64 = AtomicU64::new(1_000_000);
static MOST: AtomicU64 = AtomicU64::new(1 << 20);

/// The target of that name.
///
/// # Panics
/// There is none.
pub fn named(name: &str) -> Target {
    *TARGETS.iter().find(|target| target.name == name).expect("a target of that name")
}

/// Has everything that `target` makes once been made, which is not to be counted.
pub fn prepare(name: &str) {
    let honest = std::fs::read(testdata().join("v2/honest/app.apk")).expect("an honest APK");
    for bytes in [b"\0", &*honest] {
        (named(name).run)(bytes);
    }
}

/// Runs `target` on `bytes`.
///
/// # Panics
/// It fails, or takes more steps or memory than it may.
pub fn run(target: Target, bytes: &[u8]) {
    let len = bytes.len() as u64;
    let start = processor_time();
    let counted = || apkvouch::fuzzing::content(|| apkvouch::fuzzing::steps(|| (target.run)(bytes)));
    let (most, (content, (steps, ()))) = memory::most_of(counted);
    let worth = len + content;
    assert!(steps <= STEPS.0 + STEPS.1 * worth, "{steps} steps for {len} bytes and {content} of content");
    let taken = processor_time().saturating_sub(start);
    tell(&LONGEST, taken, &format_args!("{len} bytes take {} us", taken / 1000));
    tell(&MOST, most, &format_args!("{len} bytes hold {} KiB", most >> 10));
    assert!(taken <= TIME, "{taken} ns for {len} bytes");
    assert!(
        most <= (MEMORY.0 + MEMORY.1 * worth).min(64 << 20),
        "{most} bytes of memory for {len} bytes and {content} of content"
    );
}

/// Tells of a new record, unless it is little more than the one before.
fn tell(record: &AtomicU64, value: u64, what: &std::fmt::Arguments<'_>) {
    if value > record.load(Relaxed) / 8 * 9 {
        record.store(value, Relaxed);
        eprintln!("MOST: {what}");
    }
}

fn processor_time() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap_or(0)
}

/// The program of the target of that name.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        #[global_allocator]
        static MEMORY: $crate::memory::Counted = $crate::memory::Counted;
        static TARGET: std::sync::LazyLock<$crate::entry::Target> =
            std::sync::LazyLock::new(|| $crate::named($name));

        $crate::libfuzzer_sys::fuzz_target!(
            init: {
                $crate::seeds::write($name);
                $crate::prepare($name);
            },
            |bytes: &[u8]| $crate::run(*TARGET, bytes)
        );
        $crate::libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutate::mutate($name, data, size, max_size, seed)
        });
    };
}
