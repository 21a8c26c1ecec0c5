//! Where clients come from: sockets to listen on, and addresses to connect to.

use std::time::Duration;

use ovs_stream::{
    Action, Address, ListenError, Reconnect, ReconnectConfig, Remote as RemoteAddress, Stream, StreamConfig,
    StreamError, Wait,
};

use super::{Event, Listener, ListenerConfig};
use crate::server::effect::{Now, SessionId};

/// How many connections of one remote are accepted in a turn.
const ACCEPT_BUDGET: usize = 16;

/// One remote.
#[derive(Debug)]
pub(super) enum Remote {
    Passive(ovs_stream::Listener),
    Active(Box<Active>),
}

/// A remote that is connected to.
#[derive(Debug)]
pub(super) struct Active {
    address: Address,
    reconnect: Reconnect,
    /// The attempt under way.
    attempt: Option<Stream>,
    /// The session over the connection that stands.
    session: Option<SessionId>,
}

impl Remote {
    pub(super) fn open(
        address: &RemoteAddress,
        config: &ListenerConfig,
        now: Duration,
    ) -> Result<Remote, ListenError> {
        match address {
            RemoteAddress::Passive(address) => {
                ovs_stream::Listener::bind(address, &config.stream).map(Remote::Passive)
            }
            RemoteAddress::Active(address) => {
                // Probing is done by the connection, once it stands.
                let reconnect = Reconnect::new(ReconnectConfig::default().probe_interval(None), now);
                let active = Active { address: address.clone(), reconnect, attempt: None, session: None };
                Ok(Remote::Active(Box::new(active)))
            }
        }
    }

    /// The address that is listened on.
    pub(super) fn bound(&self) -> Option<String> {
        if let Remote::Passive(listener) = self { Some(listener.address().to_string()) } else { None }
    }

    /// What to sleep on.
    pub(super) fn waits(&self) -> impl Iterator<Item = Wait<'_>> {
        let waits = match self {
            Remote::Passive(listener) => [Some(listener.wait()), None],
            Remote::Active(active) => [
                active.attempt.as_ref().map(|stream| stream.wait(true)),
                active.reconnect.deadline().map(Wait::At),
            ],
        };
        waits.into_iter().flatten()
    }
}

impl Active {
    /// Goes on with connecting; gives the stream once it stands.
    fn poll(&mut self, config: &StreamConfig, now: Duration) -> Result<Option<Stream>, StreamError> {
        match self.reconnect.poll(now) {
            Action::Connect => {
                self.reconnect.connecting(now);
                self.attempt = Some(Stream::connect(&self.address, config)?);
            }
            Action::Disconnect => {
                self.attempt = None;
                self.reconnect.dropped_by_us(now);
            }
            Action::None | Action::Probe => {}
        }
        if let Some(stream) = &mut self.attempt
            && stream.poll_connect()?
        {
            self.reconnect.connected(now);
            return Ok(self.attempt.take());
        }
        Ok(None)
    }
}

impl Listener {
    /// Accepts and makes connections.
    pub(super) fn poll_remotes(&mut self, now: Now) {
        let mut streams = Vec::new();
        for (name, remote) in &mut self.remotes {
            match remote {
                Remote::Passive(listener) => {
                    for _ in 0..ACCEPT_BUDGET {
                        match listener.accept() {
                            Ok(Some(stream)) => streams.push((name.clone(), stream)),
                            Ok(None) => break,
                            Err(error) => {
                                self.events.push(Event::Accept { remote: name.clone(), error });
                                break;
                            }
                        }
                    }
                }
                Remote::Active(active) => match active.poll(&self.config.stream, now.monotonic) {
                    Ok(stream) => streams.extend(stream.map(|stream| (name.clone(), stream))),
                    Err(error) => {
                        active.attempt = None;
                        active.reconnect.failed(&error, now.monotonic);
                        self.events.push(Event::ConnectFailed { remote: name.clone(), error });
                    }
                },
            }
        }
        for (name, stream) in streams {
            let session = self.admit(stream, &name, now);
            if let Some(Remote::Active(active)) = self.remotes.get_mut(&name) {
                active.session = session;
                if session.is_none() {
                    active.reconnect.failed(&StreamError::Closed, now.monotonic);
                }
            }
        }
    }

    /// Makes the remote of a connection that broke connect again.
    pub(super) fn remote_lost(&mut self, session: SessionId, now: Duration) {
        for remote in self.remotes.values_mut() {
            if let Remote::Active(active) = remote
                && active.session == Some(session)
            {
                active.session = None;
                active.reconnect.failed(&StreamError::Closed, now);
            }
        }
    }
}
