//! Keeping a connection: when to connect, when to probe, when to give a silent peer up.

mod backoff;
mod notice;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use crate::error::StreamError;

pub use backoff::{Backoff, BackoffConfig};
pub use notice::{Notice, NoticeLevel};

/// How many notices wait for [`Reconnect::take_notice`]; the oldest go first when more come.
const MAX_NOTICES: usize = 32;

/// The state of a connection. `Display` gives the names that the original's `Manager:status` and logs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Switched off.
    Void,
    /// Waiting before the next attempt.
    Backoff,
    /// An attempt is under way.
    Connecting,
    /// Connected, and something was received lately.
    Active,
    /// Connected, a probe was sent, and nothing has come since.
    Idle,
    /// To be disconnected at the embedder's next [`Reconnect::poll`].
    Reconnect,
}

impl State {
    /// The state's name.
    pub const fn name(self) -> &'static str {
        match self {
            State::Void => "VOID",
            State::Backoff => "BACKOFF",
            State::Connecting => "CONNECTING",
            State::Active => "ACTIVE",
            State::Idle => "IDLE",
            State::Reconnect => "RECONNECT",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What [`Reconnect::poll`] asks of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Action {
    /// Nothing until [`Reconnect::deadline`].
    None,
    /// Begin a connection, then call [`Reconnect::connecting`], or [`Reconnect::failed`] if it fails at once.
    Connect,
    /// Drop the connection or the attempt, then call [`Reconnect::dropped_by_us`].
    Disconnect,
    /// Send something that the peer must answer.
    Probe,
}

/// The configuration of a [`Reconnect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReconnectConfig {
    /// The waits between attempts.
    pub backoff: BackoffConfig,
    /// After how long a silence to probe, and to give up after the probe; `None` never does.
    pub probe_interval: Option<Duration>,
}

impl Default for ReconnectConfig {
    /// Waits of 1 s to 8 s, probes after 5 s.
    fn default() -> Self {
        ReconnectConfig { backoff: BackoffConfig::default(), probe_interval: Some(Duration::from_secs(5)) }
    }
}

impl ReconnectConfig {
    /// Sets the waits between attempts.
    pub fn backoff(mut self, backoff: BackoffConfig) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets the silence after which to probe.
    pub fn probe_interval(mut self, interval: Option<Duration>) -> Self {
        self.probe_interval = interval;
        self
    }
}

/// A state machine that says when to connect, probe and disconnect. It does no I/O and reads no clock.
///
/// The order of calls in each turn of the owner's loop: report what happened to the connection
/// ([`connected`](Self::connected), [`received`](Self::received), [`failed`](Self::failed)), then
/// [`poll`](Self::poll) and do what it says, then sleep no longer than [`deadline`](Self::deadline). All `now`
/// are on the embedder's monotonic clock.
///
/// The wait between attempts doubles with each failure. A connection that held for at least the current wait
/// resets it; one that broke sooner does not, so that a peer which accepts and closes at once is not hammered.
#[derive(Clone, Debug)]
pub struct Reconnect {
    config: ReconnectConfig,
    backoff: Backoff,
    state: State,
    entered: Duration,
    connected_at: Option<Duration>,
    disconnected_at: Option<Duration>,
    last_received: Duration,
    attempts: u64,
    successes: u64,
    generation: u64,
    notices: VecDeque<(NoticeLevel, Notice)>,
}

impl Reconnect {
    /// A machine that wants to connect at once.
    pub fn new(config: ReconnectConfig, now: Duration) -> Self {
        Reconnect {
            config,
            backoff: Backoff::new(config.backoff),
            state: State::Backoff,
            entered: now,
            connected_at: None,
            disconnected_at: None,
            last_received: now,
            attempts: 0,
            successes: 0,
            generation: 0,
            notices: VecDeque::new(),
        }
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Since when the state lasts.
    pub fn since(&self) -> Duration {
        self.entered
    }

    /// Whether the connection stands.
    pub fn is_connected(&self) -> bool {
        matches!(self.state, State::Active | State::Idle)
    }

    /// How many attempts were begun.
    pub fn attempts(&self) -> u64 {
        self.attempts
    }

    /// How many attempts succeeded.
    pub fn successes(&self) -> u64 {
        self.successes
    }

    /// When the connection was last made; kept after it broke.
    pub fn connected_at(&self) -> Option<Duration> {
        self.connected_at
    }

    /// When a connection last ended.
    pub fn disconnected_at(&self) -> Option<Duration> {
        self.disconnected_at
    }

    /// The current wait between attempts.
    pub fn backoff(&self) -> Duration {
        self.backoff.current()
    }

    /// Counts each connection made and each one lost, so that an owner can tell whether it changed.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Changes the silence after which to probe.
    pub fn set_probe_interval(&mut self, interval: Option<Duration>) {
        self.config.probe_interval = interval;
    }

    /// Changes the waits between attempts.
    pub fn set_backoff(&mut self, backoff: BackoffConfig) {
        self.config.backoff = backoff;
        self.backoff.set_config(backoff);
    }

    /// The oldest notice that was not taken yet.
    pub fn take_notice(&mut self) -> Option<(NoticeLevel, Notice)> {
        self.notices.pop_front()
    }

    /// Switches on after [`disable`](Self::disable): connects at once.
    pub fn enable(&mut self, now: Duration) {
        if self.state == State::Void {
            self.backoff.reset();
            self.enter(State::Backoff, now);
        }
    }

    /// Switches off. The owner drops its connection.
    pub fn disable(&mut self, now: Duration) {
        if self.is_connected() {
            self.disconnected_at = Some(now);
            self.generation += 1;
        }
        if self.state != State::Void {
            self.enter(State::Void, now);
        }
    }

    /// Asks for the connection to be dropped and made anew without a wait.
    pub fn force(&mut self, now: Duration) {
        match self.state {
            State::Connecting | State::Active | State::Idle => {
                self.note(NoticeLevel::Info, Notice::Disconnecting);
                self.enter(State::Reconnect, now);
            }
            State::Backoff => {
                self.backoff.reset();
                self.entered = now;
            }
            State::Void | State::Reconnect => {}
        }
    }

    /// The owner began an attempt.
    pub fn connecting(&mut self, now: Duration) {
        self.attempts += 1;
        let level = self.attempt_level();
        self.note(level, Notice::Connecting);
        self.enter(State::Connecting, now);
    }

    /// The connection stands.
    pub fn connected(&mut self, now: Duration) {
        if self.is_connected() {
            return;
        }
        self.successes += 1;
        self.generation += 1;
        self.connected_at = Some(now);
        self.last_received = now;
        self.note(NoticeLevel::Info, Notice::Connected);
        self.enter(State::Active, now);
    }

    /// Something was received.
    pub fn received(&mut self, now: Duration) {
        self.last_received = now;
        if self.state == State::Idle {
            self.enter(State::Active, now);
        }
    }

    /// The attempt failed or the connection broke.
    pub fn failed(&mut self, why: &StreamError, now: Duration) {
        match self.state {
            State::Void | State::Backoff | State::Connecting => {
                let level = self.attempt_level();
                self.note(level, Notice::AttemptFailed(why.clone()));
            }
            State::Active | State::Idle if *why == StreamError::Closed => {
                self.note(NoticeLevel::Info, Notice::ClosedByPeer);
            }
            State::Active | State::Idle => self.note(NoticeLevel::Warn, Notice::Dropped(why.clone())),
            State::Reconnect => {}
        }
        self.back_off(now);
    }

    /// The owner dropped the connection because [`poll`](Self::poll) asked for it.
    pub fn dropped_by_us(&mut self, now: Duration) {
        self.back_off(now);
    }

    /// Says what to do now. [`Action::Connect`] and [`Action::Disconnect`] are repeated until they are reported as
    /// done; [`Action::Probe`] comes once.
    pub fn poll(&mut self, now: Duration) -> Action {
        let due = self.deadline().is_some_and(|at| at <= now);
        match self.state {
            State::Backoff if due => Action::Connect,
            State::Reconnect => Action::Disconnect,
            State::Connecting if due => {
                let level = self.attempt_level();
                self.note(level, Notice::AttemptTimedOut);
                self.enter(State::Reconnect, now);
                Action::Disconnect
            }
            State::Active if due => {
                self.note(NoticeLevel::Debug, Notice::Idle(now.saturating_sub(self.last_received)));
                self.enter(State::Idle, now);
                Action::Probe
            }
            State::Idle if due => {
                let silence = now.saturating_sub(self.entered);
                self.note(NoticeLevel::Error, Notice::NoResponse(silence));
                self.enter(State::Reconnect, now);
                Action::Disconnect
            }
            _ => Action::None,
        }
    }

    /// When [`poll`](Self::poll) will have something to do if nothing else happens.
    pub fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Void => None,
            State::Backoff => Some(self.entered + self.backoff.current()),
            State::Connecting => Some(self.entered + self.backoff.current().max(Duration::from_secs(1))),
            State::Active => self.config.probe_interval.map(|p| self.last_received.max(self.entered) + p),
            State::Idle => self.config.probe_interval.map(|p| self.entered + p),
            State::Reconnect => Some(self.entered),
        }
    }

    fn back_off(&mut self, now: Duration) {
        let was_connected = self.connected_at.filter(|at| {
            self.is_connected()
                || (self.state == State::Reconnect && self.disconnected_at.is_none_or(|d| d < *at))
        });
        match was_connected {
            Some(at) if self.last_received.saturating_sub(at) >= self.backoff.current() => {
                self.backoff.reset_to_min();
            }
            _ => self.lengthen(),
        }
        if was_connected.is_some() {
            self.disconnected_at = Some(now);
            self.generation += 1;
        }
        self.enter(State::Backoff, now);
    }

    fn lengthen(&mut self) {
        let (first, was_at_max) = (self.backoff.current().is_zero(), self.backoff.is_at_max());
        let wait = self.backoff.fail();
        if was_at_max || first {
            return;
        }
        let notice = if self.backoff.is_at_max() { Notice::Suppressing } else { Notice::Waiting(wait) };
        self.note(NoticeLevel::Info, notice);
    }

    /// Attempts are worth a line each until the wait has reached its longest.
    fn attempt_level(&self) -> NoticeLevel {
        if self.backoff.is_at_max() { NoticeLevel::Debug } else { NoticeLevel::Info }
    }

    fn enter(&mut self, state: State, now: Duration) {
        if state != self.state {
            self.note(NoticeLevel::Debug, Notice::Entering(state));
        }
        self.state = state;
        self.entered = now;
    }

    fn note(&mut self, level: NoticeLevel, notice: Notice) {
        if self.notices.len() == MAX_NOTICES {
            self.notices.pop_front();
        }
        self.notices.push_back((level, notice));
    }
}
