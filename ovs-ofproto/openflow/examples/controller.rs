//! A tiny controller: greets switches, sends what nobody asked for to itself, and prints it.
//!
//! `cargo run -p ovs-openflow --example controller -- ptcp:6653:127.0.0.1` (or `punix:/tmp/controller.sock`), then
//! `ovs-vsctl set-controller br0 tcp:127.0.0.1:6653`.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use ovs_openflow::connection::{Connection, Event};
use ovs_openflow::text::{NoNames, parse_flow_mod};
use ovs_openflow::{FlowModCommand, Message, SUPPORTED};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "ptcp:6653:127.0.0.1".to_owned());
    println!("listening on {address}");
    if let Some(path) = address.strip_prefix("punix:") {
        for stream in UnixListener::bind(path)?.incoming() {
            report(serve(stream?));
        }
    } else if let Some((port, host)) = address.strip_prefix("ptcp:").and_then(|rest| rest.split_once(':')) {
        for stream in TcpListener::bind((host, port.parse()?))?.incoming() {
            report(serve(stream?));
        }
    } else {
        return Err(format!("{address}: expected ptcp:PORT:HOST or punix:PATH").into());
    }
    Ok(())
}

fn report(end: Result<(), Failure>) {
    match end {
        Ok(()) => println!("switch closed the connection"),
        Err(error) => println!("connection ended: {error}"),
    }
}

/// Talks to one switch until it goes.
fn serve(mut stream: impl Read + Write) -> Result<(), Failure> {
    let mut connection = Connection::new(SUPPORTED);
    let mut buffer = vec![0; 65536];
    loop {
        stream.write_all(connection.output())?;
        let written = connection.waiting();
        connection.sent(written);
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        connection.feed(&buffer[..n]);
        while let Some(event) = connection.next() {
            handle(event, &mut connection)?;
        }
    }
}

fn handle(event: Event, connection: &mut Connection) -> Result<(), Failure> {
    match event {
        Event::Negotiated(version) => {
            println!("speaking {version}");
            let xid = connection.xid();
            connection.send(xid, &Message::FeaturesRequest)?;
        }
        Event::Message(_, Message::FeaturesReply(features)) => {
            println!("switch {:016x} with {} tables", features.datapath_id, features.n_tables);
            let text = "table=0,priority=0,actions=controller:128,normal";
            let flow = parse_flow_mod(FlowModCommand::Add, text, &NoNames)?;
            let xid = connection.xid();
            connection.send(xid, &Message::FlowMod(Box::new(flow)))?;
        }
        Event::Message(_, Message::PacketIn(packet)) => {
            println!("packet of {} bytes by port {}", packet.total_len, packet.in_port());
        }
        Event::Message(xid, other) => println!("xid={xid:#x} {}", other.name()),
        Event::Rejected(rejected) => println!("refused: {rejected}"),
        Event::Failed(failure) => return Err(failure.into()),
        _ => {}
    }
    Ok(())
}
