//! A session in full, as `bfd/show` prints it.

use std::fmt::Write as _;
use std::time::Duration;

use super::Session;

impl Session {
    /// All that is to be told, in lines.
    pub fn show(&self, now: Duration) -> String {
        let (status, remote) = (self.status(now), &self.remote);
        let tx = self.min_tx().max(remote.min_rx).as_millis();
        let rx = self.min_rx().max(remote.min_tx).as_millis();
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string does not fail.
            let _ = if name.is_empty() { writeln!(text) } else { writeln!(text, "  {name}: {value}") };
        };
        line("Forwarding", status.forwarding.to_string());
        line("Detect Multiplier", self.config.multiplier.to_string());
        line("Concatenated Path Down", self.config.cpath_down.to_string());
        line("TX Interval", format!("Approx {tx}ms"));
        line("RX Interval", format!("Approx {rx}ms"));
        line("Detect Time", when(self.detect_at, now));
        line("Next TX Time", when(self.send_at, now));
        line("Last TX Time", when(Some(self.last_sent), now));
        line("", String::new());
        let flags = [(self.polling, "poll"), (self.answer, "final")];
        line("Local Flags", listed(&flags));
        line("Local Session State", status.state.to_string());
        line("Local Diagnostic", status.diagnostic.to_string());
        line("Local Discriminator", format!("{:#x}", self.discriminator));
        line("Local Minimum TX Interval", format!("{}ms", self.min_tx().as_millis()));
        line("Local Minimum RX Interval", format!("{}ms", self.min_rx().as_millis()));
        line("", String::new());
        line("Remote Flags", listed(&[(remote.demand, "demand")]));
        line("Remote Session State", status.remote_state.to_string());
        line("Remote Diagnostic", status.remote_diagnostic.to_string());
        line("Remote Discriminator", format!("{:#x}", remote.discriminator));
        line("Remote Minimum TX Interval", format!("{}ms", remote.min_tx.as_millis()));
        line("Remote Minimum RX Interval", format!("{}ms", remote.min_rx.as_millis()));
        line("Remote Detect Multiplier", remote.multiplier.to_string());
        text
    }
}

/// How far a time is from now.
fn when(at: Option<Duration>, now: Duration) -> String {
    match at {
        None => "never".to_owned(),
        Some(at) if at >= now => format!("now +{}ms", at.saturating_sub(now).as_millis()),
        Some(at) => format!("now -{}ms", now.saturating_sub(at).as_millis()),
    }
}

fn listed(flags: &[(bool, &str)]) -> String {
    let set: Vec<&str> = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    if set.is_empty() { "none".to_owned() } else { set.join(" ") }
}
