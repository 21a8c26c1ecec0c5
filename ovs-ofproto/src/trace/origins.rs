//! Which rules and buckets a translation came by, for `ofproto/detrace`.

use super::{NodeKind, Tracer};

/// The most origins that are kept: as many as a translation may look up tables.
const MAX: usize = 64 * 64;

/// A tracer that keeps what decided about a packet, in order, and nothing else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(pub Vec<String>);

impl Tracer for Origins {
    const ACTIVE: bool = false;

    fn report(&mut self, _kind: NodeKind, _text: String) {}

    fn open(&mut self, _kind: NodeKind, _text: String) {}

    fn close(&mut self) {}

    fn origin(&mut self, text: impl FnOnce() -> String) {
        if self.0.len() < MAX {
            self.0.push(text());
        }
    }
}
