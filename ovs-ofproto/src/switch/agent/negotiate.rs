//! Hellos: both sides say which versions they speak, and the newest that both do is spoken.

use ovs_openflow::{ErrorCode, ErrorMsg, Hello, Message, OfError, Protocol, Version};

use super::connection::Connection;

impl Connection {
    /// The first message of this side.
    pub fn say_hello(&mut self) {
        let hello = Message::Hello(Hello { versions: self.allowed });
        let xid = self.fresh_xid();
        let version = self.allowed.newest().unwrap_or(Version::V10);
        // A hello has no words that a version could lack.
        let _ = hello.encode_into(Protocol::new(version), xid, self.output.tail());
    }

    /// The other side's hello. Fails, with a reason for the log, if no version is common.
    pub fn take_hello(&mut self, xid: u32, hello: Hello) -> Result<(), String> {
        if self.protocol.is_some() {
            return Ok(());
        }
        let common = self.allowed.and(hello.versions);
        if let Some(version) = common.newest() {
            self.protocol = Some(Protocol::new(version));
            return Ok(());
        }
        let list = |versions: ovs_openflow::VersionSet| {
            let known = Version::ALL.into_iter().filter(|version| versions.contains(*version));
            known.map(|version| format!("0x{:02x}", version.wire())).collect::<Vec<_>>().join(", ")
        };
        let (ours, theirs) = (list(self.allowed), list(hello.versions));
        let reason = format!(
            "version negotiation failed (we support versions {ours}, peer supports versions {theirs})"
        );
        let text = format!("We support versions {ours}, you support versions {theirs}, no common versions.");
        let error = ErrorMsg { error: ErrorCode::Known(OfError::HfcIncompatible), data: text.into_bytes() };
        let version = hello.versions.newest().unwrap_or(Version::V10);
        let _ = Message::Error(error).encode_into(Protocol::new(version), xid, self.output.tail());
        Err(reason)
    }
}
