//! Writing the status of remotes to the rows that describe them.

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_db::json::Json;
use ovs_db::jsonrpc::Message;

use crate::app::State;
use crate::remotes::status_update;

/// How often.
const INTERVAL: Duration = Duration::from_secs(5);

impl State {
    /// When status is to be written next; never if no remote stands in a database.
    pub fn status_due(&self) -> Option<Duration> {
        let described = self.found.values().any(|found| found.row.is_some());
        described.then_some(self.status_at + INTERVAL)
    }

    /// Writes what has changed, if it is time.
    pub fn write_status(&mut self) {
        let now = self.clock.now();
        if self.status_due().is_none_or(|at| at > now.monotonic) {
            return;
        }
        self.status_at = now.monotonic;
        let mut transactions: BTreeMap<String, Vec<Json>> = BTreeMap::new();
        for (remote, found) in &self.found {
            let (Some(status), Some((database, ..))) = (self.listener.remote_status(remote, now), &found.row)
            else {
                continue;
            };
            if let Some(update) = status_update(self.listener.server(), found, &status) {
                transactions.entry(database.clone()).or_default().push(update);
            }
        }
        for (database, updates) in transactions {
            let mut params = vec![Json::from(database.as_str())];
            params.extend(updates);
            let session = self.listener.open_local();
            self.listener.send_local(session, Message::request("transact", params, 1), now);
            self.listener.close_local(session, now);
        }
    }
}
