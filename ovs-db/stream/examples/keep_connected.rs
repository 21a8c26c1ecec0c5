//! Keeps a connection to an address (the first argument) and prints what comes, reconnecting as needed.
//!
//! Try `cargo run -p ovs-stream --example keep_connected -- tcp:127.0.0.1:7777` beside `nc -lk 127.0.0.1 7777`.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::time::Instant;

use ovs_stream::{
    Action, Address, Buffer, Reconnect, ReconnectConfig, Role, Stream, StreamConfig, Wait, sleep,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = std::env::args().nth(1).ok_or("usage: keep_connected tcp:HOST:PORT|unix:FILE")?;
    let address = Address::parse(&text, Role::Ovsdb)?;
    let start = Instant::now();
    let mut fsm = Reconnect::new(ReconnectConfig::default().probe_interval(None), start.elapsed());
    let mut stream: Option<Stream> = None;
    let mut received = Buffer::new(1 << 20);
    loop {
        let now = start.elapsed();
        if let Some(s) = &mut stream {
            let step = s.poll_connect().and_then(|up| {
                if up {
                    fsm.connected(now);
                    s.receive(&mut received, 1 << 16)?;
                }
                Ok(())
            });
            if let Err(e) = step {
                fsm.failed(&e, now);
                stream = None;
            }
        }
        if !received.is_empty() {
            println!("received {:?}", String::from_utf8_lossy(received.data()));
            received.clear();
        }
        match fsm.poll(now) {
            Action::Connect => {
                fsm.connecting(now);
                stream =
                    Stream::connect(&address, &StreamConfig::default()).map_err(|e| fsm.failed(&e, now)).ok();
            }
            Action::Disconnect => {
                stream = None;
                fsm.dropped_by_us(now);
            }
            Action::Probe | Action::None => {}
        }
        while let Some((level, notice)) = fsm.take_notice() {
            println!("{level:?}: {address}: {notice}");
        }
        let at = fsm.deadline().map_or(Wait::Never, Wait::At);
        sleep(&[at, stream.as_ref().map_or(Wait::Never, |s| s.wait(true))], now, None)?;
    }
}
