//! Commands about quality of service.

use std::fmt::Write as _;

use ovs_db::unixctl::Request;
use ovs_netdev::{QosView, QueueView};
use ovs_ofproto::InterfaceQos;

use super::super::Vswitchd;
use super::{Answer, Command, done, fail};

/// Quality of service of the interface that a request names.
fn find(switchd: &mut Vswitchd, request: &Request<Command>) -> Option<InterfaceQos> {
    let name = request.args.first()?;
    switchd.datapaths.values_mut().find_map(|datapath| datapath.switch.interface_qos(name))
}

/// `qos/show-types INTERFACE`.
pub fn show_types(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let Some(qos) = find(switchd, request) else { return fail("no such interface") };
    let mut text = String::new();
    for kind in qos.kinds {
        let _ = writeln!(text, "QoS type: {kind}");
    }
    done(text)
}

/// `qos/show INTERFACE`.
pub fn show(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let Some(qos) = find(switchd, request) else { return fail("no such interface") };
    let name = request.args.first().map(String::as_str).unwrap_or_default();
    done(qos.view.map_or_else(|| format!("QoS not configured on {name}\n"), |view| text(name, &view)))
}

fn text(interface: &str, view: &QosView) -> String {
    let mut text = format!("QoS: {interface} {}\n", view.kind);
    settings("", &view.options, &mut text);
    for (number, queue) in &view.queues {
        let _ = match number {
            0 => writeln!(text, "\nDefault:"),
            number => writeln!(text, "\nQueue {number}:"),
        };
        queue_text(queue, &mut text);
    }
    text
}

fn queue_text(queue: &QueueView, text: &mut String) {
    settings("  ", &queue.options, text);
    let counted = queue.counters;
    for (name, counter) in
        [("tx_packets", counted.packets), ("tx_bytes", counted.bytes), ("tx_errors", counted.errors)]
    {
        if let Some(counter) = counter {
            let _ = writeln!(text, "  {name}: {counter}");
        }
    }
}

fn settings(indent: &str, options: &[(&'static str, u64)], text: &mut String) {
    for (name, value) in options {
        let _ = writeln!(text, "{indent}{name}: {value}");
    }
}
