//! Commands of the dummy mode: packets in, and time.

use std::time::Duration;

use ovs_db::unixctl::Request;

use super::super::Vswitchd;
use super::{Answer, Command, done, fail};

/// `netdev-dummy/receive`.
pub fn receive(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let (mut frames, mut length, mut queue) = (Vec::new(), None, 0);
    let mut args = request.args.iter();
    let Some(name) = args.next() else { return fail("no such dummy netdev") };
    let Some(device) = switchd.dummies.handle(name) else { return fail("no such dummy netdev") };
    let mut texts = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--qid" => match args.next().and_then(|n| n.parse().ok()).filter(|n| *n < device.queues()) {
                Some(number) => queue = number,
                None => return fail("invalid --qid argument"),
            },
            "--len" => match args.next().and_then(|n| n.parse::<usize>().ok()) {
                Some(len) => length = Some(len),
                None => return fail("invalid --len argument"),
            },
            text => texts.push(text),
        }
    }
    for text in texts {
        match frame(text, length) {
            Ok(bytes) => frames.push(bytes),
            Err(error) => return fail(error),
        }
    }
    for bytes in frames {
        device.receive_by(queue, bytes);
    }
    switchd.settle();
    done("")
}

/// Payload behind the headers of a packet that is made from a flow.
const DEFAULT_PAYLOAD: usize = 64;

/// A frame from hexadecimal bytes, or from a flow in datapath syntax.
fn frame(text: &str, length: Option<usize>) -> Result<Vec<u8>, String> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() >= 28 && digits.len().is_multiple_of(2) && digits.chars().all(|c| c.is_ascii_hexdigit()) {
        let byte = |i: usize| u8::from_str_radix(&digits[i..i + 2], 16);
        return (0..digits.len()).step_by(2).map(byte).collect::<Result<_, _>>().map_err(|e| e.to_string());
    }
    let key = ovs_flow::text::parse_dp_key(text, &ovs_flow::text::NoNames).map_err(|e| e.to_string())?;
    let headers = || ovs_flow::compose(&key, 0).len();
    let payload = length.map_or(DEFAULT_PAYLOAD, |length| length.saturating_sub(headers()));
    Ok(ovs_flow::compose(&key, payload))
}

/// `netdev-dummy/conn-state`: dummy devices have no connections, of which nothing can be known.
pub fn connection_state(_switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    done(request.args.first().map(|name| format!("{name}: unknown\n")).unwrap_or_default())
}

/// `netdev-dummy/set-admin-state`.
pub fn set_admin_state(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let up = match request.args.last().map(String::as_str) {
        Some("up") => true,
        Some("down") => false,
        _ => return fail("Invalid Admin State"),
    };
    if request.args.len() > 1 {
        match switchd.dummies.handle(&request.args[0]) {
            Some(device) => device.set_admin(up),
            None => return fail("Unknown Dummy Interface"),
        }
    } else {
        for device in switchd.dummies.handles() {
            device.set_admin(up);
        }
    }
    switchd.settle();
    done("OK")
}

/// `time/stop`.
pub fn time_stop(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    switchd.clock.stop();
    done("")
}

/// `time/warp`: by so many milliseconds at once, or by the second number for each turn until the first is reached.
pub fn time_warp(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let number = |i: usize| request.args.get(i).map(|text| text.parse::<u64>());
    let (total, step) = match (number(0), number(1)) {
        (Some(Ok(step)), None) => (step, step),
        (Some(Ok(total)), Some(Ok(step))) => (total, step),
        _ => return fail("invalid MSECS"),
    };
    if step == 0 || total == 0 {
        return fail("invalid MSECS");
    }
    switchd.warp(request.id, Duration::from_millis(total), Duration::from_millis(step));
    None
}
