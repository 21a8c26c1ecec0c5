//! Reads flows in datapath syntax, a line each, from standard input; prints for each the same flow in OpenFlow syntax
//! and the packet that has it.
//!
//! ```text
//! echo 'in_port(1),eth(),eth_type(0x0800),ipv4(dst=10.0.0.1,proto=6),tcp(dst=80)' | cargo run --example flows
//! ```

use std::io::{BufRead as _, Write as _};

use ovs_flow::text::{FlowDisplay, NoNames, parse_dp_key};
use ovs_flow::{DpPort, Metadata, PAYLOAD, SparseKey, compose, extract_bytes};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        match parse_dp_key(&line?, &NoNames) {
            Err(error) => writeln!(out, "{error}")?,
            Ok(key) => {
                writeln!(out, "flow    {}", FlowDisplay { key: &key, ports: &NoNames })?;
                let packet = compose(&key, PAYLOAD);
                write!(out, "packet  ")?;
                for byte in &packet {
                    write!(out, "{byte:02x}")?;
                }
                let mut again = SparseKey::new();
                let md = Metadata::of_port(DpPort(key.in_port));
                extract_bytes(&packet, key.packet_type.get(), &md, 2, &mut again);
                writeln!(out, "\nparsed  {}", FlowDisplay { key: &again.expand(), ports: &NoNames })?;
            }
        }
    }
    Ok(())
}
