//! Watching a translation: the tree that `ofproto/trace` prints.

mod command;
mod names;
mod origins;
mod report;
mod resumed;
mod tree;

pub(crate) use command::Payload;
pub use command::{TraceCommand, TraceError, TraceTarget};
pub(crate) use names::Named;
pub use names::TraceNames;
pub(crate) use origins::Origins;
pub use report::TraceReport;
pub use resumed::Tracked;
pub(crate) use resumed::parse_state;
pub use tree::{Tree, TreeNode};

/// What a node of a trace tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeKind {
    /// A bridge is entered.
    Bridge,
    /// A table was asked.
    Table,
    /// A group's bucket is used.
    Bucket,
    /// An action runs.
    Action,
    /// What the action before did.
    Detail,
    /// What is taken up again of a frozen packet.
    Thaw,
    /// Something that may surprise.
    Warning,
    /// Something went wrong.
    Error,
}

/// Somebody who watches a translation. What nobody watches costs nothing: texts are made only if
/// [`Tracer::ACTIVE`] is true.
pub trait Tracer {
    /// Whether the calls below have any effect.
    const ACTIVE: bool;

    /// A node without others in it.
    fn report(&mut self, kind: NodeKind, text: String);

    /// A node in which those that follow lie, up to the matching [`Tracer::close`].
    fn open(&mut self, kind: NodeKind, text: String);

    /// The end of the node that was opened last.
    fn close(&mut self);

    /// Whether texts have names of ports, and not their numbers.
    fn names(&self) -> bool {
        false
    }

    /// A rule or a bucket has come to decide about the packet; `text` describes it.
    fn origin(&mut self, text: impl FnOnce() -> String) {
        let _ = text;
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Tracer for Unwatched {
    const ACTIVE: bool = false;

    fn report(&mut self, _kind: NodeKind, _text: String) {}

    fn open(&mut self, _kind: NodeKind, _text: String) {}

    fn close(&mut self) {}
}
