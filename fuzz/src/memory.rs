//! An allocator that knows how much is in use, and how much was at most.

use std::alloc::GlobalAlloc;
use std::alloc::Layout;
use std::alloc::System;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

static IN_USE: AtomicU64 = AtomicU64::new(0);
static MOST: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, counted.
pub struct Counted;

impl Counted {
    fn add(bytes: usize) {
        let in_use = IN_USE.fetch_add(bytes as u64, Relaxed).wrapping_add(bytes as u64);
        MOST.fetch_max(in_use, Relaxed);
    }
}

// SAFETY: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::add(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::add(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size() as u64, Relaxed);
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        IN_USE.fetch_sub(layout.size() as u64, Relaxed);
        Self::add(size);
        unsafe { System.realloc(block, layout, size) }
    }
}

/// How many bytes `work` holds at most beyond what was in use before it.
pub fn most_of<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = IN_USE.load(Relaxed);
    MOST.store(before, Relaxed);
    let result = work();
    (MOST.load(Relaxed).saturating_sub(before), result)
}
