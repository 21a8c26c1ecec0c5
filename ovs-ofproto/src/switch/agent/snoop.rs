//! Those who listen to what a bridge and its controllers say: `BRIDGE.snoop`.

use super::connection::ConnectionKind;
use crate::switch::Switch;

impl Switch {
    /// Somebody came or went: what controllers of a bridge say is kept while somebody listens.
    pub(super) fn note_listeners(&mut self, bridge: &str) {
        let mut of = self.connections.values().filter(|conn| conn.bridge == bridge);
        let listened = of.any(|conn| conn.kind == ConnectionKind::Snoop);
        for conn in self.connections.values_mut().filter(|conn| conn.bridge == bridge) {
            if !listened || conn.kind != ConnectionKind::Controller {
                conn.output.heard = None;
            } else if conn.output.heard.is_none() {
                conn.output.heard = Some(Vec::new());
            }
        }
    }

    /// Passes on what was said. Who does not read loses messages, never parts of one.
    pub(super) fn tell_listeners(&mut self) {
        let limit = self.config.limits.output_buffer;
        let mut said: Vec<(String, Vec<u8>)> = Vec::new();
        for conn in self.connections.values_mut() {
            if let Some(heard) = conn.output.heard.as_mut().filter(|heard| !heard.is_empty()) {
                said.push((conn.bridge.clone(), std::mem::take(heard)));
            }
        }
        for (bridge, bytes) in said {
            let of = self.connections.values_mut().filter(|conn| conn.bridge == bridge);
            for listener in of.filter(|conn| conn.kind == ConnectionKind::Snoop) {
                if listener.output.len() + bytes.len() <= limit {
                    listener.output.tail().extend_from_slice(&bytes);
                } else {
                    listener.output.dropped += 1;
                }
            }
        }
    }
}
