//! Super-packets in software.

use ovs_packet::{Offload, Packet, Pool, PoolConfig, edit};

use crate::frames::{assert_checksums, ip, tcp, udp};

fn segments(frame: &[u8], offload: Offload, size: u16, can: Offload) -> Vec<Packet> {
    let mut pool = Pool::new(PoolConfig::default());
    let mut packet = pool.packet_from(frame).unwrap();
    packet.facts_mut().offload = offload;
    packet.facts_mut().segment_size = size;
    let mut out = Vec::new();
    assert_eq!(edit::finish(packet, can, &mut pool, &mut |p| out.push(p)), Ok(out.len()));
    out
}

#[test]
fn tcp_segments_are_whole_packets() {
    let payload: Vec<u8> = (0..50_000u32).map(|i| (i * 7) as u8).collect();
    for v6 in [false, true] {
        let frame = ip(v6, &[12], 6, tcp(0x80 | 0x18 | 0x01, &payload), Some(16));
        let l4 = 18 + if v6 { 40 } else { 20 };
        let flag = if v6 { Offload::TSO6 } else { Offload::TSO4 };
        let out = segments(&frame, flag | Offload::NEEDS_L4_CSUM, 1448, Offload::empty());
        assert_eq!(out.len(), 35);
        let mut joined: Vec<u8> = Vec::new();
        for (i, segment) in out.iter().enumerate() {
            let data = segment.data();
            assert_checksums(data);
            assert_eq!(data[l4 + 4..l4 + 8], (1000 + joined.len() as u32).to_be_bytes());
            let flags = 0x10 | if i == 0 { 0x80 } else { 0 } | if i == 34 { 0x09 } else { 0 };
            assert_eq!(data[l4 + 13], flags);
            if !v6 {
                assert_eq!(data[22..24], (0x1234 + i as u16).to_be_bytes());
            }
            assert_eq!(segment.facts().offload, Offload::CSUM_VALID);
            joined.extend(&data[l4 + 32..]);
        }
        assert_eq!(joined, payload);
    }
}

#[test]
fn udp_segments_and_device_checksums() {
    let frame = ip(true, &[], 17, udp(&[0x5a; 3000]), Some(6));
    let out = segments(&frame, Offload::USO | Offload::NEEDS_L4_CSUM, 1000, Offload::NEEDS_L4_CSUM);
    assert_eq!(out.len(), 3);
    for mut segment in out {
        assert_eq!((segment.facts().csum_start, segment.facts().csum_offset), (54, 6));
        edit::complete_checksum(&mut segment).unwrap();
        assert_checksums(segment.data());
        assert_eq!(segment.len(), 62 + 1000);
    }
}

#[test]
fn a_device_that_segments_gets_the_whole() {
    let frame = ip(false, &[], 6, tcp(0x10, &[1; 5000]), Some(16));
    let all = Offload::TSO4 | Offload::NEEDS_L4_CSUM;
    let out = segments(&frame, all, 1000, all);
    assert_eq!((out.len(), out[0].facts().offload, out[0].len()), (1, all, frame.len()));
}

#[test]
fn what_cannot_be_cut_is_refused_by_name() {
    let mut pool = Pool::new(PoolConfig::default());
    let mut refused = |frame: &[u8], offload, size| {
        let mut packet = pool.packet_from(frame).unwrap();
        packet.facts_mut().offload = offload;
        packet.facts_mut().segment_size = size;
        edit::finish(packet, Offload::empty(), &mut pool, &mut |_| ()).unwrap_err()
    };
    let frame = ip(false, &[], 6, tcp(0x10, &[1; 5000]), Some(16));
    assert_eq!(refused(&frame, Offload::TSO6, 1000), edit::FinishError::WrongHeaders);
    assert_eq!(refused(&frame, Offload::TSO4, 0), edit::FinishError::SegmentSize { size: 0, payload: 5000 });
    assert_eq!(refused(&frame, Offload::TSO4, 1), edit::FinishError::SegmentSize { size: 1, payload: 5000 });
    assert_eq!(refused(&frame[..40], Offload::TSO4, 100), edit::FinishError::WrongHeaders);
}
