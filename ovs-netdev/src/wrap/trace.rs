//! Telling of each packet.

use std::sync::Arc;

use ovs_packet::{Batch, Packet};

use super::{Direction, Hook, Wrapper};

/// Called for each packet: the way it goes, the number of its queue, and the packet.
type Sink = dyn Fn(Direction, usize, &Packet) + Send + Sync;

/// Tells a function of each packet that passes, on the worker that it passes by.
#[derive(Clone)]
pub struct Tracer(Arc<Sink>);

impl Tracer {
    /// Tells `sink`.
    pub fn new(sink: impl Fn(Direction, usize, &Packet) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }
}

impl Wrapper for Tracer {
    fn hook(&mut self, direction: Direction, number: usize) -> Box<dyn Hook> {
        Box::new(TraceHook { sink: Arc::clone(&self.0), direction, number })
    }
}

struct TraceHook {
    sink: Arc<Sink>,
    direction: Direction,
    number: usize,
}

impl Hook for TraceHook {
    fn pass(&mut self, batch: &mut Batch, first: usize) -> u64 {
        batch.iter().skip(first).for_each(|packet| (self.sink)(self.direction, self.number, packet));
        0
    }
}
