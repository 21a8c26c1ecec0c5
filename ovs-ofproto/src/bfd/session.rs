//! One end of a session: asynchronous mode without echoes and without authentication (RFC 5880 section 6.8).

use std::time::Duration;

use ahash::RandomState;
use ovs_packet::wire::BfdHeader;

use super::{BfdConfig, BfdState, BfdStatus, Diagnostic, wire};

/// The interval of an end that is not up (RFC 5880 section 6.8.3).
const SLOW: Duration = Duration::from_secs(1);
/// The interval at which the traffic of an interface is looked at for `decay_min_rx` and `forwarding_if_rx`.
const LOOK: Duration = Duration::from_secs(2);

/// Why a packet was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BfdError {
    /// It ends before its headers do.
    #[error("truncated packet")]
    Truncated,
    /// It is no control packet.
    #[error("not a control packet")]
    NotControl,
    /// It came over a router (RFC 5881 section 5).
    #[error("TTL is not 255")]
    Hops,
    /// Another version than 1.
    #[error("incorrect version")]
    Version,
    /// Its multiplier is 0.
    #[error("zero detection multiplier")]
    Multiplier,
    /// It is for several receivers.
    #[error("multipoint packet")]
    Multipoint,
    /// It names no sender.
    #[error("zero discriminator")]
    NoDiscriminator,
    /// It is for another session.
    #[error("discriminator of another session")]
    Discriminator,
    /// Its sender claims a session of which this end has told nothing.
    #[error("zero remote discriminator in a session")]
    NoRemoteDiscriminator,
    /// It is authenticated, which this end does not do.
    #[error("authentication is not supported")]
    Authentication,
}

/// What is known of the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Remote {
    pub discriminator: u32,
    pub state: BfdState,
    pub diagnostic: Diagnostic,
    pub multiplier: u8,
    pub min_tx: Duration,
    pub min_rx: Duration,
    pub demand: bool,
}

/// See the module's head.
#[derive(Debug)]
pub struct Session {
    pub(super) config: BfdConfig,
    pub(super) mac: [u8; 6],
    pub(super) discriminator: u32,
    pub(super) source_port: u16,
    pub(super) random: RandomState,
    pub(super) drawn: u64,
    pub(super) state: BfdState,
    pub(super) diagnostic: Diagnostic,
    pub(super) remote: Remote,
    /// Intervals that the neighbour was told of, and whether it has yet to confirm new ones.
    pub(super) told: (Duration, Duration),
    pub(super) polling: bool,
    /// A poll of the neighbour is to be answered.
    pub(super) answer: bool,
    /// When the next packet is due; `None` if the neighbour wants none.
    pub(super) send_at: Option<Duration>,
    pub(super) last_sent: Duration,
    /// When the neighbour is given up.
    pub(super) detect_at: Option<Duration>,
    /// When traffic is looked at next, the count of last time, and whether there was any since.
    pub(super) look_at: Duration,
    pub(super) received: u64,
    pub(super) traffic: bool,
    /// Traffic that counts as a sign of life until then.
    pub(super) alive_until: Duration,
    pub(super) forced: Option<bool>,
    pub(super) flaps: u64,
    pub(super) was_forwarding: bool,
}

impl Session {
    /// A session that is down. `mac` is the address of its port; `seed` makes its discriminator and its jitter.
    pub fn new(config: BfdConfig, mac: [u8; 6], seed: u64, now: Duration) -> Self {
        let random = RandomState::with_seeds(seed, 0x6266_6421, 0, 0);
        let mut session = Self {
            told: (SLOW, config.min_rx),
            config,
            mac,
            discriminator: 0,
            source_port: 0,
            random,
            drawn: 0,
            state: BfdState::Down,
            diagnostic: Diagnostic::NONE,
            remote: Remote::default(),
            polling: false,
            answer: false,
            send_at: None,
            last_sent: now,
            detect_at: None,
            look_at: now + LOOK,
            received: 0,
            traffic: true,
            alive_until: Duration::ZERO,
            forced: None,
            flaps: 0,
            was_forwarding: false,
        };
        session.discriminator = session.draw() | 1;
        session.source_port = session.draw() as u16;
        session.remote.min_rx = Duration::from_micros(1);
        session.settle_diagnostic();
        session.schedule(now);
        session
    }

    /// Takes another configuration; the session goes on.
    pub fn configure(&mut self, config: BfdConfig, mac: [u8; 6], now: Duration) {
        self.mac = mac;
        if self.config == config {
            return;
        }
        self.config = config;
        self.settle_diagnostic();
        self.negotiate();
        self.schedule(now);
    }

    /// Says that the port forwards, or that it does not, whatever the session's state; `None` leaves it to that
    /// (`bfd/set-forwarding`).
    pub fn force(&mut self, forwarding: Option<bool>, now: Duration) -> bool {
        self.forced = forwarding;
        self.count_flap(now)
    }

    /// The configuration.
    pub fn config(&self) -> &BfdConfig {
        &self.config
    }

    /// The state now.
    pub fn status(&self, now: Duration) -> BfdStatus {
        BfdStatus {
            state: self.state,
            forwarding: self.is_forwarding(now),
            diagnostic: self.diagnostic,
            remote_state: self.remote.state,
            remote_diagnostic: self.remote.diagnostic,
            flaps: self.flaps,
        }
    }

    /// When [`Session::poll`] has something to do.
    pub fn next(&self) -> Duration {
        let due = [self.send_at, self.detect_at, self.watches_traffic().then_some(self.look_at)];
        let now = self.answer.then_some(Duration::ZERO);
        due.into_iter().flatten().chain(now).min().unwrap_or(Duration::MAX)
    }

    /// Does what is due; gives the frame that is to be sent, if one is, and whether the status has changed. `received`
    /// counts all packets that the interface ever received.
    pub fn poll(&mut self, received: u64, now: Duration) -> (Option<Vec<u8>>, bool) {
        let before = self.status(now);
        if self.detect_at.is_some_and(|at| at <= now) {
            self.detect_at = None;
            if self.state >= BfdState::Init {
                self.become_state(BfdState::Down, Diagnostic::TIME_EXPIRED);
            }
            // Who is not heard for so long is forgotten (RFC 5880 section 6.8.1).
            self.remote = Remote { min_rx: Duration::from_micros(1), ..Remote::default() };
            self.negotiate();
        }
        if self.watches_traffic() && self.look_at <= now {
            self.look(received, now);
        }
        let due = self.answer || self.send_at.is_some_and(|at| at <= now);
        let frame = due.then(|| self.control(now));
        if due {
            self.schedule(now);
        }
        let flapped = self.count_flap(now);
        (frame, flapped || before != self.status(now))
    }

    /// Takes a frame in; says whether the status has changed.
    ///
    /// # Errors
    ///
    /// Why the frame was not taken; nothing has changed then (RFC 5880 section 6.8.6).
    pub fn receive(&mut self, frame: &[u8], now: Duration) -> Result<bool, BfdError> {
        let header = wire::parse(frame)?;
        self.check(&header)?;
        let before = self.status(now);
        self.remote = Remote {
            discriminator: header.my_discriminator,
            state: BfdState::from_bits(header.state()),
            diagnostic: Diagnostic(header.diagnostic()),
            multiplier: header.multiplier,
            min_tx: Duration::from_micros(header.desired_min_tx.into()),
            min_rx: Duration::from_micros(header.required_min_rx.into()),
            demand: header.demand(),
        };
        if header.is_final() {
            self.polling = false;
        }
        self.answer |= header.poll();
        self.follow(self.remote.state);
        self.negotiate();
        self.detect_at = Some(now + self.detection());
        // A shorter interval counts at once.
        self.reschedule(now);
        let flapped = self.count_flap(now);
        Ok(flapped || before != self.status(now))
    }

    /// This end's discriminator, which is never 0.
    pub fn discriminator(&self) -> u32 {
        self.discriminator
    }

    fn check(&self, header: &BfdHeader) -> Result<(), BfdError> {
        let wrong = [
            (header.version() != 1, BfdError::Version),
            (header.multiplier == 0, BfdError::Multiplier),
            (header.multipoint(), BfdError::Multipoint),
            (header.my_discriminator == 0, BfdError::NoDiscriminator),
            (header.has_authentication(), BfdError::Authentication),
            (![0, self.discriminator].contains(&header.your_discriminator), BfdError::Discriminator),
            (
                header.your_discriminator == 0 && header.state() > BfdState::Down as u8,
                BfdError::NoRemoteDiscriminator,
            ),
        ];
        wrong.into_iter().find(|(is_wrong, _)| *is_wrong).map_or(Ok(()), |(_, error)| Err(error))
    }

    /// What the neighbour's state makes of this end's (RFC 5880 section 6.8.6).
    fn follow(&mut self, remote: BfdState) {
        use BfdState::{AdminDown, Down, Init, Up};
        match (self.state, remote) {
            (Init | Up, AdminDown) | (Up, Down) => self.become_state(Down, Diagnostic::NEIGHBOR_DOWN),
            (Down, Down) => self.become_state(Init, self.diagnostic),
            (Down, Init) | (Init, Init | Up) => self.become_state(Up, Diagnostic::NONE),
            _ => {}
        }
    }

    fn become_state(&mut self, state: BfdState, diagnostic: Diagnostic) {
        self.state = state;
        self.diagnostic = diagnostic;
        self.settle_diagnostic();
    }

    /// A path behind this end that is down is told in place of anything else, and no longer than it is.
    fn settle_diagnostic(&mut self) {
        if self.config.cpath_down {
            self.diagnostic = Diagnostic::CONCATENATED_PATH_DOWN;
        } else if self.diagnostic == Diagnostic::CONCATENATED_PATH_DOWN {
            self.diagnostic = Diagnostic::NONE;
        }
    }

    /// The shortest interval at which this end would send.
    pub(super) fn min_tx(&self) -> Duration {
        if self.state == BfdState::Up { self.config.min_tx } else { self.config.min_tx.max(SLOW) }
    }

    /// The shortest interval at which this end takes packets.
    pub(super) fn min_rx(&self) -> Duration {
        let decayed = self.config.decay_min_rx.filter(|_| self.state == BfdState::Up && !self.traffic);
        decayed.unwrap_or(self.config.min_rx)
    }

    /// New intervals are polled for until the neighbour confirms them (RFC 5880 section 6.8.3).
    fn negotiate(&mut self) {
        let wanted = (self.min_tx(), self.min_rx());
        if wanted != self.told {
            self.told = wanted;
            self.polling = self.state == BfdState::Up;
        }
    }

    /// Without a packet for so long, the neighbour is gone.
    fn detection(&self) -> Duration {
        self.min_rx().max(self.remote.min_tx) * u32::from(self.remote.multiplier.max(1))
    }

    /// The interval to the next packet without jitter; `None` if the neighbour wants none.
    pub(super) fn interval(&self) -> Option<Duration> {
        let quiet = self.remote.min_rx.is_zero()
            || self.remote.demand && self.state == BfdState::Up && self.remote.state == BfdState::Up;
        (!quiet || self.polling).then(|| self.min_tx().max(self.remote.min_rx))
    }

    fn schedule(&mut self, now: Duration) {
        self.last_sent = now;
        self.send_at = self.interval().map(|interval| now + self.jitter(interval));
    }

    /// The next packet may be due sooner than was thought, and not later.
    fn reschedule(&mut self, now: Duration) {
        let at = self.interval().map(|interval| (self.last_sent + self.jitter(interval)).max(now));
        self.send_at = match (self.send_at, at) {
            (Some(before), Some(at)) => Some(before.min(at)),
            (_, at) => at,
        };
    }

    /// Shortened by up to a quarter, and by at least a tenth where a single loss counts (RFC 5880 section 6.8.7).
    fn jitter(&mut self, interval: Duration) -> Duration {
        let least = if self.config.multiplier == 1 { 10 } else { 0 };
        let percent = least + self.draw() % (26 - least);
        interval * (100 - percent) / 100
    }

    fn draw(&mut self) -> u32 {
        self.drawn += 1;
        self.random.hash_one(self.drawn) as u32
    }

    fn control(&mut self, now: Duration) -> Vec<u8> {
        let mut header = BfdHeader {
            multiplier: self.config.multiplier,
            length: 24,
            my_discriminator: self.discriminator,
            your_discriminator: self.remote.discriminator,
            desired_min_tx: micros(self.told.0),
            required_min_rx: micros(self.told.1),
            ..BfdHeader::default()
        };
        header.set_version(1);
        header.set_diagnostic(self.diagnostic.0);
        header.set_state(self.state as u8);
        // An answer does not ask.
        header.set_is_final(self.answer);
        header.set_poll(self.polling && !self.answer);
        self.answer = false;
        self.last_sent = now;
        wire::frame(&self.config, self.mac, self.source_port, &header)
    }

    /// Whether it wants to know how many packets its interface has received.
    pub fn watches_traffic(&self) -> bool {
        self.config.decay_min_rx.is_some() || self.config.forwarding_if_rx
    }

    fn look(&mut self, received: u64, now: Duration) {
        // The session's own packets are no traffic: those of two seconds are few.
        let own = LOOK.as_micros() / self.remote.min_tx.as_micros().max(1) + 5;
        let new = u128::from(received.saturating_sub(self.received));
        self.traffic = new > own;
        if new > 0 {
            self.alive_until = now + LOOK.max(self.detection());
        }
        self.received = received;
        self.look_at = now + LOOK;
        self.negotiate();
    }

    fn is_forwarding(&self, now: Duration) -> bool {
        if let Some(forced) = self.forced {
            return forced;
        }
        let alive = self.config.forwarding_if_rx && self.alive_until > now;
        (self.state == BfdState::Up || alive) && !self.remote.diagnostic.is_path_down()
    }

    fn count_flap(&mut self, now: Duration) -> bool {
        let forwarding = self.is_forwarding(now);
        let changed = forwarding != self.was_forwarding;
        self.was_forwarding = forwarding;
        self.flaps += u64::from(changed);
        changed
    }
}

fn micros(interval: Duration) -> u32 {
    u32::try_from(interval.as_micros()).unwrap_or(u32::MAX)
}
