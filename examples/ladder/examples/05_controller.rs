//! Step 5, a tiny OpenFlow controller: each switch that connects gets a table-miss flow, and what misses is printed.
//!
//! `cargo run -p ladder --example 05_controller ptcp:6653`, and `ovs-vsctl set-controller br0 tcp:127.0.0.1:6653`;
//! without an address, the program plays the switch as well, in memory, and ends.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::error::Error;
use std::time::Duration;

use ovs_flow::{Match, OfPort};
use ovs_openflow::connection::{Connection, Event};
use ovs_openflow::{
    Action, FlowMod, FlowModCommand, Message, NO_BUFFER, PacketIn, PacketInReason, SUPPORTED,
};
use ovs_stream::{Listener, PassiveAddress, Role, Stream, StreamConfig, Wait, sleep};

fn main() -> Result<(), Box<dyn Error>> {
    let Some(address) = std::env::args().nth(1) else { return play() };
    let address = PassiveAddress::parse(&address, Role::OpenFlow)?;
    let mut listener = Listener::bind(&address, &StreamConfig::default())?;
    println!("listening on {}", listener.address());
    let mut switches: Vec<(Stream, Connection)> = Vec::new();
    loop {
        switches.extend(listener.accept()?.map(|stream| (stream, Connection::new(SUPPORTED))));
        switches.retain_mut(|(stream, openflow)| match carry(stream, openflow) {
            Ok(()) => true,
            Err(error) => {
                println!("{}: {error}", stream.name());
                false
            }
        });
        let streams = switches.iter().map(|(stream, _)| stream.wait(true));
        let waits: Vec<Wait<'_>> = streams.chain([listener.wait()]).collect();
        sleep(&waits, Duration::ZERO, None)?;
    }
}

/// All of the I/O: bytes from the socket to the protocol, and back.
fn carry(stream: &mut Stream, openflow: &mut Connection) -> Result<(), Box<dyn Error>> {
    let mut bytes = [0; 4096];
    while let Some(n) = stream.read(&mut bytes)? {
        openflow.feed(&bytes[..n]);
        control(openflow)?;
    }
    stream.send(openflow.output())?;
    openflow.sent(openflow.waiting());
    Ok(())
}

/// What the controller does about what a switch says.
fn control(openflow: &mut Connection) -> Result<(), Box<dyn Error>> {
    while let Some(event) = openflow.next() {
        match event {
            Event::Negotiated(version) => {
                println!("a switch that speaks {version}");
                let mut miss = FlowMod::new(FlowModCommand::Add, Match::default());
                miss.priority = 0;
                miss.actions = vec![Action::Output { port: OfPort::CONTROLLER, max_len: NO_BUFFER }];
                let xid = openflow.xid();
                openflow.send(xid, &Message::FlowMod(Box::new(miss)))?;
            }
            Event::Message(_, Message::PacketIn(packet)) => {
                println!("packet of {} bytes from port {}", packet.data.len(), packet.in_port());
            }
            Event::Failed(failure) => return Err(failure.into()),
            _ => {}
        }
    }
    Ok(())
}

/// A switch of a few lines: as soon as there is a flow to miss by, a packet misses.
fn play() -> Result<(), Box<dyn Error>> {
    let (mut controller, mut switch) = (Connection::new(SUPPORTED), Connection::new(SUPPORTED));
    while controller.waiting() + switch.waiting() > 0 {
        switch.feed(controller.output());
        controller.sent(controller.waiting());
        while let Some(event) = switch.next() {
            if let Event::Message(xid, Message::FlowMod(flow)) = event {
                println!("the switch is told to {:?} a flow of priority {}", flow.command, flow.priority);
                let packet = PacketIn::new(PacketInReason::NoMatch, OfPort(1), vec![0; 60]);
                switch.send(xid, &Message::PacketIn(Box::new(packet)))?;
            }
        }
        controller.feed(switch.output());
        switch.sent(switch.waiting());
        control(&mut controller)?;
    }
    Ok(())
}
