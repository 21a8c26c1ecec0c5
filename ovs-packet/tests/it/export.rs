//! Flow export messages, as tshark reads them.

use std::net::{IpAddr, Ipv4Addr};

use ovs_packet::build;
use ovs_packet::wire::export::ExportError;
use ovs_packet::wire::export::ipfix::{InformationElement, IpfixHeader, IpfixMessage, IpfixView};
use ovs_packet::wire::export::netflow::{self, NetflowHeader, NetflowRecord, NetflowView};
use ovs_packet::wire::export::sflow::{
    CounterRecord, CounterSample, Counters, FlowRecord, FlowSample, InterfaceCounters, Sample, SflowDatagram,
};
use ovs_packet::wire::{IpProtocol, Item, Items};
use proptest::prelude::*;

use crate::dissect::{hex, tshark};

/// A message in a packet to a port that tshark knows.
fn sent_to(port: u16, message: &[u8]) -> Vec<u8> {
    build::frame(&format!("eth / ipv4 / udp 1000 > {port} / hex {}", hex(message))).unwrap()
}

/// Compares what tshark says of one packet.
fn says(frame: Vec<u8>, wanted: &[(&str, &str)]) {
    let fields: Vec<&str> = wanted.iter().map(|(field, _)| *field).collect();
    let Some(answers) = tshark(&[frame], &fields) else { return };
    for ((field, wanted), told) in wanted.iter().zip(&answers[0]) {
        assert_eq!(told.join(";"), *wanted, "{field}");
    }
}

fn record() -> NetflowRecord {
    NetflowRecord {
        src: [10, 0, 0, 1],
        dst: [10, 0, 0, 2],
        input: 3,
        output: 4,
        packets: 5,
        octets: 600,
        first: 1000,
        last: 2000,
        src_port: 1234,
        dst_port: 80,
        tcp_flags: 0x13,
        protocol: IpProtocol::TCP,
        tos: 0x10,
        ..NetflowRecord::default()
    }
}

#[test]
fn netflow() {
    let header =
        NetflowHeader { uptime: 5000, seconds: 1_700_000_000, sequence: 77, ..NetflowHeader::default() };
    let second = NetflowRecord { src: [10, 0, 0, 9], ..record() };
    let message = netflow::message(header, &[record(), second]).unwrap();
    let view = NetflowView::new_checked(&message[..]).unwrap();
    let records: Vec<_> = view.records().map(Result::unwrap).collect();
    assert_eq!((view.version(), records), (5, vec![record(), second]));
    let too_many = netflow::message(header, &[record(); 31]);
    assert_eq!(too_many, Err(ExportError::TooMany { count: 31, most: 30 }));
    says(
        sent_to(2055, &message),
        &[
            ("cflow.version", "5"),
            ("cflow.count", "2"),
            ("cflow.sequence", "77"),
            ("cflow.srcaddr", "10.0.0.1;10.0.0.9"),
            ("cflow.dstaddr", "10.0.0.2;10.0.0.2"),
            ("cflow.inputint", "3;3"),
            ("cflow.outputint", "4;4"),
            ("cflow.packets", "5;5"),
            ("cflow.octets", "600;600"),
            ("cflow.srcport", "1234;1234"),
            ("cflow.protocol", "6;6"),
            ("cflow.tos", "0x10;0x10"),
            ("cflow.tcpflags", "0x13;0x13"),
        ],
    );
}

#[test]
fn sflow() {
    let header = build::frame("eth / vlan 5 / ipv4 10.1.1.1 > 10.2.2.2 / udp / 7").unwrap();
    let records = [
        FlowRecord::Header { frame_len: header.len() as u32 + 4, stripped: 4, header: &header },
        FlowRecord::ExtendedSwitch { src_vlan: 5, src_priority: 1, dst_vlan: 6, dst_priority: 2 },
    ];
    let received =
        Counters { octets: 1 << 40, unicast: 7, multicast: 8, broadcast: 9, discards: 10, errors: 11 };
    let counters = InterfaceCounters {
        index: 3,
        kind: 6,
        speed: 10_000_000_000,
        direction: 1,
        status: 3,
        received,
        unknown_protocols: 12,
        sent: Counters::default(),
        promiscuous: true,
    };
    let samples = [
        Sample::Flow(FlowSample {
            sequence: 9,
            source: 3,
            rate: 400,
            pool: 4000,
            drops: 1,
            input: 3,
            output: 4,
            records: &records,
        }),
        Sample::Counters(CounterSample {
            sequence: 2,
            source: 3,
            records: &[CounterRecord::Interface(counters)],
        }),
    ];
    let agent = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));
    let message =
        SflowDatagram { agent, sub_agent: 1, sequence: 5, uptime: 6000, samples: &samples }.to_vec();
    says(
        sent_to(6343, &message),
        &[
            ("sflow_245.version", "5"),
            ("sflow_245.agent", "10.0.0.7"),
            ("sflow_245.sub_agent_id", "1"),
            ("sflow_245.sequence_number", "5"),
            ("sflow_245.sysuptime", "6000"),
            ("sflow_245.numsamples", "2"),
            ("sflow_245.vlan.in", "5"),
            ("sflow_245.vlan.out", "6"),
            ("sflow_245.pri.in", "1"),
            ("sflow_245.pri.out", "2"),
            ("sflow_245.ifspeed", "10000000000"),
            ("sflow_245.ifinoct", "1099511627776"),
            ("sflow_245.ifinpkt", "7"),
            ("sflow_245.ifinerr", "11"),
            ("sflow_245.ifinunk", "12"),
            // The packet that was sampled is dissected within the packet that tells of it.
            ("ip.src", "10.0.0.1;10.1.1.1"),
            ("vlan.id", "5"),
        ],
    );
}

#[test]
fn ipfix() {
    let header = IpfixHeader { export_time: 1_700_000_000, sequence: 3, domain: 9, ..IpfixHeader::default() };
    let mut message = IpfixMessage::new(header);
    let fields = [
        InformationElement::new(8, 4),
        InformationElement::new(12, 4),
        InformationElement::new(2, 8),
        InformationElement { id: 7, len: 2, enterprise: Some(6876) },
    ];
    message.template(256, &fields).unwrap();
    for source in [1, 2] {
        let values = [&[10, 0, 0, source][..], &[10, 0, 0, 9], &77u64.to_be_bytes(), &[0, 5]].concat();
        message.data(256, &values).unwrap();
    }
    assert_eq!(message.template(255, &fields), Err(ExportError::NoTemplate { id: 255 }));
    assert_eq!(message.data(256, &vec![0; 70_000]), Err(ExportError::Full { len: 70_000, room: 65_451 }));
    let bytes = message.finish();
    let view = IpfixView::new_checked(&bytes[..]).unwrap();
    let sets: Vec<_> = view.sets().map(|set| set.map(|set| (set.id, set.data.len()))).collect();
    assert_eq!(sets, [Ok((2, 24)), Ok((256, 36))]);
    says(
        sent_to(4739, &bytes),
        &[
            ("cflow.version", "10"),
            ("cflow.len", "84"),
            ("cflow.sequence", "3"),
            ("cflow.od_id", "9"),
            ("cflow.template_id", "256"),
            ("cflow.flowset_id", "2;256"),
            ("cflow.srcaddr", "10.0.0.1;10.0.0.2"),
            ("cflow.dstaddr", "10.0.0.9;10.0.0.9"),
            ("cflow.packets", "77;77"),
        ],
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read(templates in prop::collection::vec((256u16.., prop::collection::vec((any::<u16>(), any::<u16>(), any::<Option<u32>>()), 0..9)), 0..6)) {
        let mut message = IpfixMessage::new(IpfixHeader::default());
        for (id, fields) in &templates {
            let fields: Vec<_> = fields.iter().map(|&(id, len, enterprise)| InformationElement { id: id & 0x7fff, len, enterprise }).collect();
            message.template(*id, &fields).unwrap();
        }
        let bytes = message.finish();
        let view = IpfixView::new_checked(&bytes[..]).unwrap();
        prop_assert_eq!(usize::from(view.length()), bytes.len());
        let mut read = Vec::new();
        for set in view.sets() {
            let mut rest = set.unwrap().data;
            while let Some(([a, b, c, d], after)) = rest.split_first_chunk() {
                let count = usize::from(u16::from_be_bytes([*c, *d]));
                let mut elements = Items::<InformationElement>::counted(after, 0, count);
                let fields: Vec<_> = elements.by_ref().map(|item| item.unwrap()).map(|e| (e.id, e.len, e.enterprise)).collect();
                rest = &after[fields.iter().map(|&(id, len, enterprise)| InformationElement { id, len, enterprise }.to_vec().len()).sum::<usize>()..];
                read.push((u16::from_be_bytes([*a, *b]), fields));
            }
        }
        let wanted: Vec<_> = templates.into_iter().map(|(id, fields)| (id, fields.into_iter().map(|(i, l, e)| (i & 0x7fff, l, e)).collect::<Vec<_>>())).collect();
        prop_assert_eq!(read, wanted);
    }
}
