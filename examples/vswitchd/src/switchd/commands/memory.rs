//! What is allocated, as the allocator counts it.

use super::super::Vswitchd;
use super::View;
use crate::memory;

/// `memory/live`: bytes and pieces of memory that are in use, the answer to the question included.
pub fn live(_switchd: &Vswitchd) -> View {
    let live = memory::live();
    View::default().row("live bytes", live.bytes).row("live allocations", live.allocations)
}
