//! Datapaths behind one trait: match packets against megaflows, execute actions, ask when nothing matches.
//!
//! ```text
//!   control side                                    packet side (one or more workers)
//!   ────────────                                    ─────────────────────────────────
//!   Dpif::submit(Op) ──── command queue ──────────▶ Worker::poll
//!   Dpif::poll ◀───────── completions, changes ──── │ rx ▶ extract ▶ cache ▶ megaflows ▶ actions ▶ tx
//!   Dpif::dump_flows ◀─── read under a guard ────── │ miss ▶ UpcallHandler::miss ▶ install + forward
//!   Dpif::execute         (packet-outs)             │ userspace action ▶ UpcallHandler::punt
//! ```
//!
//! Two datapaths implement the trait: a naive one, a linear search that is obviously right and
//! serves as the oracle of the other, and the userspace one, which is fast.
//! Neither starts threads nor reads clocks.
#![forbid(unsafe_code)]

mod action;
mod dpif;
mod execute;
mod finish;
mod flow;
mod identity;
mod ledger;
mod masked;
mod naive;
mod random;
pub mod text;
mod upcall;
mod userspace;

pub use action::{
    Action, Actions, ControllerPunt, HashAlgorithm, PuntCookie, SampleAction, SetField, SlowPath,
    UserspaceAction,
};
pub use dpif::{
    Busy, Completion, Dpif, DpifError, DpifStats, Event, Execute, Features, FlowCursor, Op, PortConfigError,
    PortInfo, PortRequest, Ticket, WorkerId,
};
pub use flow::{FlowPut, FlowStats, FlowView, PutMode};
pub use ledger::{DropReason, Ledger};
pub use masked::{Bits, Masked};
pub use naive::{NaiveDatapath, NaiveWorker};
pub use upcall::{HandlerFactory, Install, Punt, Upcall, UpcallHandler, Verdict};
pub use userspace::{Budget, Next, Progress, UserspaceConfig, UserspaceDatapath, Waker, Worker};

pub use ovs_classifier;
pub use ovs_flow;
pub use ovs_netdev;
pub use ovs_packet;
