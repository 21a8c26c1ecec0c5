//! What `ovs-ofctl` does without a switch: texts into messages, messages into texts.
//!
//! ```text
//! cargo run --example ofctl -- -O OpenFlow13 parse-flow 'tcp,tp_dst=80,actions=output:1'
//! cargo run --example ofctl -- parse-group 'group_id=1,type=all,bucket=output:1'
//! cargo run --example ofctl -- -O OpenFlow13 parse-meter 'meter=1,kbps,bands=type=drop,rate=1000'
//! cargo run --example ofctl -- ofp-print 0402000800000007
//! cargo run --example ofctl -- ofp-parse STREAM
//! echo 0000 0008 0001 0000 | cargo run --example ofctl -- parse-actions OpenFlow10
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it is for")]

use std::error::Error;
use std::io::Read;
use std::process::ExitCode;

use ovs_openflow::action::{decode_actions, decode_instructions};
use ovs_openflow::ovs_flow::TableId;
use ovs_openflow::text::{
    ActionsDisplay, NoNames, parse_flow_mod, parse_flow_mods, parse_group_mod, parse_group_mods,
    parse_meter_mod, print_message,
};
use ovs_openflow::{
    Action, FlowMod, FlowModCommand, GroupModCommand, Message, MeterModCommand, OfError, Protocol, Version,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: ofctl [-O VERSION] COMMAND [ARGUMENT]
  parse-flow FLOW            the message that adds a flow
  parse-flows FILE           the messages that a file of flows asks for
  parse-group GROUP          the message that adds a group
  parse-groups FILE          the messages that a file of groups asks for
  parse-meter METER          the message that adds a meter
  parse-actions VERSION      lists of actions in hexadecimal, a line each, from the standard input
  parse-instructions VERSION likewise instructions
  ofp-print BYTES            a message in hexadecimal
  ofp-parse FILE             a stream of messages";

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&mut arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ofctl: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &mut Vec<String>) -> Result<()> {
    let mut version = None;
    if arguments.first().is_some_and(|first| first == "-O") {
        version = Some(arguments.get(1).ok_or(USAGE)?.parse::<Version>()?);
        arguments.drain(..2);
    }
    let (command, argument) = match &arguments[..] {
        [command, argument] => (command.as_str(), argument.as_str()),
        _ => return Err(USAGE.into()),
    };
    match command {
        "parse-flow" => show_flows(version, vec![parse_flow_mod(FlowModCommand::Add, argument, &NoNames)?]),
        "parse-flows" => show_flows(version, parse_flow_mods(&std::fs::read_to_string(argument)?, &NoNames)?),
        "parse-group" => {
            let group = parse_group_mod(GroupModCommand::Add, argument, &NoNames)?;
            show(version.unwrap_or(Version::V10), &Message::GroupMod(Box::new(group)))
        }
        "parse-groups" => parse_group_mods(&std::fs::read_to_string(argument)?, &NoNames)?
            .into_iter()
            .try_for_each(|group| show(version.unwrap_or(Version::V10), &Message::GroupMod(Box::new(group)))),
        "parse-meter" => {
            let meter = parse_meter_mod(MeterModCommand::Add, argument)?;
            show(version.unwrap_or(Version::V13), &Message::MeterMod(Box::new(meter)))
        }
        "parse-actions" => show_lists("actions", argument.parse()?, decode_actions),
        "parse-instructions" => show_lists("instructions", argument.parse()?, decode_instructions),
        "ofp-print" => {
            print!("{}", print_message(&hexadecimal(argument)?, &NoNames));
            Ok(())
        }
        "ofp-parse" => {
            show_stream(&std::fs::read(argument)?);
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

fn show(protocol: impl Into<Protocol>, message: &Message) -> Result<()> {
    print!("{}", print_message(&message.encode(protocol, 1)?, &NoNames));
    Ok(())
}

/// Without a version, flows are written in 1.0's form if it says all of them, else as NXM.
fn show_flows(version: Option<Version>, flows: Vec<FlowMod>) -> Result<()> {
    for flow in flows {
        let protocol = Protocol::new(version.unwrap_or(Version::V10)).with_table_id(true);
        let protocol = protocol.with_nxm(protocol.version == Version::V10 && !fits_v10(&flow));
        let mut flow = flow;
        if flow.table == TableId::ALL {
            flow.table = TableId(0);
        }
        show(protocol, &Message::FlowMod(Box::new(flow)))?;
    }
    Ok(())
}

/// Whether the match structure of 1.0 says all of a flow's match: what it says is the same again.
fn fits_v10(flow: &FlowMod) -> bool {
    let plain = Protocol::new(Version::V10);
    let bytes = Message::FlowMod(Box::new(flow.clone())).encode(plain, 1).unwrap_or_default();
    match Message::decode(plain, &bytes) {
        Ok((_, Message::FlowMod(again))) => again.matching == flow.matching,
        _ => false,
    }
}

fn show_lists(
    what: &str,
    version: Version,
    decode: fn(&[u8], Version) -> std::result::Result<Vec<Action>, OfError>,
) -> Result<()> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    for line in input.lines().filter(|line| !line.trim().is_empty()) {
        match decode(&hexadecimal(line)?, version) {
            Ok(actions) => println!("actions={}", ActionsDisplay::new(&actions)),
            Err(error) => println!("bad {version} {what}: {error}"),
        }
    }
    Ok(())
}

/// Each message of a stream, and a line between them.
fn show_stream(mut stream: &[u8]) {
    while stream.len() >= 8 {
        let length = usize::from(u16::from_be_bytes([stream[2], stream[3]])).clamp(8, stream.len());
        let (message, rest) = stream.split_at(length);
        print!("{}", print_message(message, &NoNames));
        stream = rest;
    }
}

/// Bytes in hexadecimal; white space does not count.
fn hexadecimal(text: &str) -> Result<Vec<u8>> {
    let digits: String = text.split_whitespace().collect();
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return Err("not a list of hexadecimal bytes".into());
    }
    (0..digits.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).map_err(Into::into))
        .collect()
}
