#![doc = include_str!("../README.md")]
#![doc = concat!("```\n", include_str!("../examples/embedded.rs"), "```")]
#![forbid(unsafe_code)]

mod action;
mod bucket;
pub mod conntrack;
mod dpif;
mod execute;
mod features;
mod finish;
mod flow;
pub mod fragments;
mod identity;
mod ledger;
mod masked;
mod meter;
mod naive;
mod police;
mod random;
mod rx;
mod sequence;
pub mod text;
mod tunnel;
mod upcall;
mod userspace;

pub use action::{
    Action, Actions, CheckPktLenAction, ControllerPunt, HashAlgorithm, NshHeader, NshMetadata, PuntCookie,
    SampleAction, SetField, SetNsh, SlowPath, TooBigPunt, UserspaceAction, WholeIp,
};
pub use dpif::{
    Busy, Completion, Dpif, DpifError, DpifStats, Event, Execute, FlowCursor, Op, PortConfigError, PortInfo,
    PortRequest, Ticket, WorkerId,
};
pub use features::{Feature, FeatureError, FeatureValue, Features};
pub use flow::{FlowPut, FlowStats, FlowView, PutMode};
pub use identity::flow_ufid;
pub use ledger::{DropReason, Ledger};
pub use masked::{Bits, Masked};
pub use meter::{MeterCounters, MeterError, MeterId, MeterLimits, MeterRate, MeterSpec, MeterUnit};
pub use naive::{NaiveDatapath, NaiveWorker};
pub use police::Policing;
pub use rx::{Core, Rebalance, RxAssignment, RxConfig, RxLoad, RxPolicy};
pub use tunnel::{FlowLabel, Sequence, TnlPush, TunnelFormat, TunnelKind};
pub use upcall::{HandlerFactory, Install, Punt, Upcall, UpcallHandler, Verdict};
pub use userspace::{Budget, Next, Progress, UserspaceConfig, UserspaceDatapath, Waker, Worker};

pub use ovs_classifier;
pub use ovs_flow;
pub use ovs_netdev;
pub use ovs_packet;
