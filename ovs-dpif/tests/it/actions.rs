//! What each action does, by both datapaths.

use std::sync::Arc;

use ovs_dpif::ovs_flow::{DpPort, Metadata};
use ovs_dpif::ovs_packet::checksum::{Sum, pseudo_v4};
use ovs_dpif::ovs_packet::wire::IpProtocol;
use ovs_dpif::ovs_packet::{Offload, Packet, build};
use ovs_dpif::{
    Action, Actions, CheckPktLenAction, ControllerPunt, DropReason, Execute, HashAlgorithm, Masked,
    NshHeader, NshMetadata, PuntCookie, SampleAction, SetField, SetNsh, SlowPath, UserspaceAction, Verdict,
};

use crate::frames::{Kind, Shape};
use crate::rig::{Factory, Rig, Script, frame, install, output};

/// Sends a frame through a list of actions; what leaves by ports 2 and 3, and what was dropped.
fn through(list: &[Action], frame: &[u8], check: impl Fn([Vec<Vec<u8>>; 2], &Rig)) {
    let actions: Actions = list.into();
    Rig::each(|mut rig| {
        let (p1, p2, p3) = (rig.port("p1", 1), rig.port("p2", 2), rig.port("p3", 3));
        let actions = actions.clone();
        // Recirculated packets end at port 3.
        let script = Script::new(move |upcall| match upcall.key.recirc_id {
            0 => install(upcall.key, actions.clone()),
            _ => install(upcall.key, [output(3)]),
        });
        rig.dpif.set_handler(Arc::new(Factory(script)));
        // Once as a miss, once as a hit.
        for _ in 0..2 {
            p1.receive(frame.to_vec());
            rig.settle();
            check([p2.take_sent(), p3.take_sent()], &rig);
        }
    });
}

#[test]
fn outputs_copy() {
    through(&[output(2), output(3), output(2)], &frame(1), |[p2, p3], rig| {
        assert_eq!((p2, p3), (vec![frame(1); 2], vec![frame(1)]));
        assert_eq!(rig.dpif.ledger().cloned % 2, 0);
    });
}

#[test]
fn what_follows_the_last_output_does_not_matter() {
    through(&[output(2), Action::PopVlan, Action::Trunc(20)], &frame(1), |[p2, _], _| {
        assert_eq!(p2, [frame(1)]);
    });
}

#[test]
fn trunc_cuts_the_next_output_alone() {
    through(&[Action::Trunc(20), output(2), output(3)], &frame(1), |[p2, p3], _| {
        assert_eq!((p2, p3), (vec![frame(1)[..20].to_vec()], vec![frame(1)]));
    });
}

#[test]
fn tags_go_on_and_off() {
    let push = Action::PushVlan { tpid: 0x88a8, tci: 0x7005 };
    through(&[push, output(2), Action::PopVlan, output(3)], &frame(1), |[p2, p3], _| {
        assert_eq!(p2[0][12..18], [0x88, 0xa8, 0x60, 0x05, 0x12, 0x34]);
        assert_eq!(p3, [frame(1)]);
    });
}

#[test]
fn labels_go_on_and_off() {
    let push = Action::PushMpls { ethertype: 0x8847, lse: 5 << 12 | 1 << 8 | 64 };
    let set = Action::Set(SetField::Mpls(Masked::new(7 << 12, 0xffff_f000)));
    let pop = Action::PopMpls { ethertype: 0x1234 };
    through(&[push, set, output(2), pop, output(3)], &frame(1), |[p2, p3], _| {
        assert_eq!(p2[0][12..18], [0x88, 0x47, 0, 0, 0x71, 0x40]);
        assert_eq!(p3, [frame(1)]);
    });
}

#[test]
fn ethernet_headers_go_off_and_on() {
    let shape = Shape::new(Kind::Tcp4, 7);
    let push = Action::PushEth { src: [1; 6], dst: [2; 6] };
    through(&[Action::PopEth, output(2), push, output(3)], &shape.frame(0), |[p2, p3], _| {
        assert_eq!(p2[0], shape.frame(0)[14..]);
        assert_eq!(p3[0][..14], [2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 8, 0]);
        assert_eq!(p3[0][14..], shape.frame(0)[14..]);
    });
    through(&[push_eth_alone(), output(2)], &shape.frame(0), |[p2, _], rig| {
        assert!(p2.is_empty() && rig.dropped(DropReason::UnsupportedPacketType) > 0);
    });
}

fn push_eth_alone() -> Action {
    Action::PushEth { src: [1; 6], dst: [2; 6] }
}

#[test]
fn service_headers_go_on_and_off() {
    let shape = Shape::new(Kind::Tcp4, 7);
    let header = |context| {
        Action::PushNsh(Box::new(NshHeader { flags: 0, ttl: 63, np: 3, spi: 0x1234, si: 255, context }))
    };
    let set = SetNsh { ttl: Masked::exact(62), spi: Masked::new(0xff, 0xff), ..SetNsh::default() };
    let push_eth = Action::PushEth { src: [1; 6], dst: [2; 6] };
    let list = [
        header(NshMetadata::Fixed([1, 2, 3, 4])),
        Action::Set(SetField::Nsh(Box::new(set))),
        push_eth,
        output(2),
        Action::PopEth,
        Action::PopNsh,
        output(3),
    ];
    through(&list, &shape.frame(0), |[p2, p3], _| {
        assert_eq!(p2[0][12..24], [0x89, 0x4f, 0x0f, 0x86, 1, 3, 0, 0x12, 0xff, 255, 0, 0]);
        assert_eq!((&p2[0][38..], &p3[0]), (&shape.frame(0)[..], &shape.frame(0)));
    });
    let options = NshMetadata::Options([0x10, 0, 1, 4, 1, 2, 3, 4].into());
    through(&[header(options), Action::PopNsh, output(3)], &shape.frame(0), |[_, p3], _| {
        assert_eq!(p3, [shape.frame(0)]);
    });
    through(&[Action::PopNsh, output(3)], &shape.frame(0), |[_, p3], rig| {
        assert!(p3.is_empty() && rig.dropped(DropReason::InvalidPacket) > 0);
    });
}

#[test]
fn labels_go_in_front_of_frames() {
    let add = Action::AddMpls { ethertype: 0x8847, lse: 5 << 12 | 1 << 8 | 64, behind_eth: false };
    let push_eth = Action::PushEth { src: [1; 6], dst: [2; 6] };
    through(&[add, push_eth, output(2)], &frame(1), |[p2, _], _| {
        assert_eq!(p2[0][12..18], [0x88, 0x47, 0, 0, 0x51, 0x40]);
        assert_eq!(p2[0][18..], frame(1));
    });
}

#[test]
fn lists_are_chosen_by_length() {
    let check = |len| {
        let (greater, less_equal) = ([output(2)].into(), [output(3)].into());
        Action::CheckPktLen(CheckPktLenAction { len, greater, less_equal })
    };
    let len = frame(1).len() as u16;
    through(&[check(len)], &frame(1), |[p2, p3], _| assert_eq!((p2, p3), (vec![], vec![frame(1)])));
    through(&[check(len - 1), output(3)], &frame(1), |[p2, p3], _| {
        assert_eq!((p2, p3), (vec![frame(1)], vec![frame(1)]));
    });
}

#[test]
fn header_fields_change_and_checksums_follow() {
    let shape = Shape::new(Kind::Tcp4, 7);
    let expected = Shape { ttl: 63, port: 8080, ..Shape::new(Kind::Tcp4, 9) };
    let set = [
        Action::Set(SetField::Ethernet {
            src: Masked::NONE,
            dst: Masked::new([0, 0, 0, 0, 0, 9], [0, 0, 0, 0, 0, 0xff]),
        }),
        Action::Set(SetField::Ipv4 {
            src: Masked::NONE,
            dst: Masked::new([0, 0, 0, 9], [0, 0, 0, 0xff]),
            tos: Masked::NONE,
            ttl: Masked::exact(63),
            whole: None,
        }),
        Action::Set(SetField::Tcp { src: Masked::NONE, dst: Masked::exact(8080) }),
        output(2),
    ];
    through(&set, &shape.frame(0), |[p2, _], _| {
        // The TCP checksum was wrong before (zero), so it is only known how it changes.
        let [mut got, mut want] = [p2[0].clone(), expected.frame(0)];
        got[50..52].fill(0);
        want[50..52].fill(0);
        assert_eq!(got, want);
    });
    // UDP for TCP's header is left alone.
    through(
        &[Action::Set(SetField::Udp { src: Masked::exact(1), dst: Masked::exact(1) }), output(2)],
        &shape.frame(0),
        |[p2, _], _| assert_eq!(p2, [shape.frame(0)]),
    );
}

#[test]
fn clones_keep_their_changes_to_themselves() {
    let tag = Action::PushVlan { tpid: 0x8100, tci: 0x1005 };
    let clone = Action::Clone([tag, output(2)].into());
    through(&[clone, output(3)], &frame(1), |[p2, p3], _| {
        assert_eq!((p2[0].len(), p3), (64, vec![frame(1)]));
    });
    through(&[Action::Clone([].into()), output(3)], &frame(1), |[_, p3], rig| {
        assert_eq!(p3, [frame(1)]);
        assert!(rig.dropped(DropReason::FlowWithoutActions) > 0);
    });
}

#[test]
fn lists_nest_only_so_deep() {
    let mut list: Actions = [output(2)].into();
    for _ in 0..40 {
        list = [Action::Clone(list)].into();
    }
    through(&list, &frame(1), |[p2, _], rig| {
        assert!(p2.is_empty() && rig.dropped(DropReason::RecursionTooDeep) > 0);
    });
}

#[test]
fn samples_are_taken_never_sometimes_always() {
    let sample = |probability| Action::Sample(SampleAction { probability, actions: [output(2)].into() });
    through(&[sample(0), output(3)], &frame(1), |[p2, p3], _| assert_eq!((p2.len(), p3.len()), (0, 1)));
    through(&[sample(u32::MAX), output(3)], &frame(1), |[p2, p3], _| {
        assert_eq!((p2.len(), p3.len()), (1, 1));
    });
    through(&[sample(0)], &frame(1), |[p2, _], rig| {
        assert!(p2.is_empty() && rig.dropped(DropReason::Sample) > 0);
    });
    Rig::each(|mut rig| {
        let (p1, p2) = (rig.port("p1", 1), rig.port("p2", 2));
        let action = sample(u32::MAX / 4);
        let script = Script::new(move |upcall| install(upcall.key, [action.clone()]));
        rig.dpif.set_handler(Arc::new(Factory(script)));
        (0..2000).for_each(|_| assert!(p1.receive(frame(0))));
        rig.settle();
        let sampled = p2.take_sent().len();
        assert!((400..600).contains(&sampled), "{sampled} of 2000");
    });
}

#[test]
fn recirculation_starts_over_and_ends() {
    let hash = Action::Hash { algorithm: HashAlgorithm::L4, basis: 0 };
    through(&[hash, Action::Recirc(1)], &Shape::new(Kind::Tcp4, 1).frame(0), |[_, p3], _| {
        assert_eq!(p3, [Shape::new(Kind::Tcp4, 1).frame(0)]);
    });
    Rig::each(|mut rig| {
        let p1 = rig.port("p1", 1);
        let script = Script::new(|upcall| install(upcall.key, [Action::Recirc(1)]));
        rig.dpif.set_handler(Arc::new(Factory(script)));
        for round in 1..3 {
            p1.receive(frame(0));
            rig.settle();
            assert_eq!(rig.dropped(DropReason::RecircDepth), round);
        }
    });
}

#[test]
fn hashes_are_matched_on() {
    Rig::each(|mut rig| {
        let p1 = rig.port("p1", 1);
        let hash = Action::Hash { algorithm: HashAlgorithm::SymmetricL4, basis: 0 };
        let script = Script::new(move |upcall| {
            if upcall.key.recirc_id == 0 {
                return Verdict::Forward { actions: [hash.clone(), Action::Recirc(1)].into(), install: None };
            }
            assert_ne!(upcall.key.dp_hash, 0);
            Verdict::Forward { actions: [].into(), install: None }
        });
        rig.dpif.set_handler(Arc::new(Factory(script.clone())));
        p1.receive(Shape::new(Kind::Tcp4, 1).frame(0));
        rig.settle();
        assert_eq!(script.log.lock().unwrap().misses.len(), 2);
    });
}

#[test]
fn explicit_drops_have_reasons() {
    for (code, reason) in [(0, DropReason::FlowWithoutActions), (3, DropReason::TooManyResubmits)] {
        through(&[Action::Drop(code), output(2)], &frame(1), |[p2, _], rig| {
            assert!(p2.is_empty() && rig.dropped(reason) > 0);
        });
    }
}

fn controller() -> Action {
    let punt = ControllerPunt {
        reason: 1,
        dont_send: false,
        continuation: false,
        recirc_id: 1,
        rule_cookie: 0,
        controller_id: 0,
        max_len: 65535,
    };
    Action::Userspace(UserspaceAction { cookie: PuntCookie::Controller(punt), egress: None })
}

#[test]
fn punts_see_the_packet_as_it_is() {
    let tag = Action::PushVlan { tpid: 0x8100, tci: 0x1005 };
    let slow = PuntCookie::SlowPath(SlowPath::Action);
    let slow = Action::Userspace(UserspaceAction { cookie: slow, egress: None });
    let answers = [Ok(None), Ok(Some([output(3)].into())), Err(DropReason::EffectsFull)];
    for (answer, last) in answers.into_iter().flat_map(|a| [(a.clone(), false), (a, true)]) {
        Rig::each(|mut rig| {
            let (p1, p2, p3) = (rig.port("p1", 1), rig.port("p2", 2), rig.port("p3", 3));
            let mut list = vec![controller(), tag.clone(), output(2), Action::Trunc(20), slow.clone()];
            if !last {
                list.push(output(2));
            }
            let list: Actions = list.into();
            let script = Script::punting(move |upcall| install(upcall.key, list.clone()), answer.clone());
            rig.dpif.set_handler(Arc::new(Factory(script.clone())));
            p1.receive(frame(1));
            rig.settle();
            let punts = script.log.lock().unwrap().punts.clone();
            assert_eq!((punts[0].len(), punts[1].len()), (60, 20));
            assert_eq!(p2.take_sent().len(), if last { 1 } else { 2 });
            let ledger = rig.dpif.ledger();
            match &answer {
                Ok(None) => assert_eq!(ledger.punted, 2),
                Ok(Some(_)) => assert_eq!(p3.take_sent().len(), 2),
                Err(reason) => assert_eq!(ledger.dropped_for(*reason), 2),
            }
        });
    }
}

#[test]
fn answers_to_punts_do_not_punt_for_ever() {
    Rig::each(|mut rig| {
        let p1 = rig.port("p1", 1);
        let answer = Ok(Some([controller()].into()));
        let script = Script::punting(|upcall| install(upcall.key, [controller()]), answer);
        rig.dpif.set_handler(Arc::new(Factory(script)));
        p1.receive(frame(1));
        rig.settle();
        assert_eq!(rig.dropped(DropReason::RecursionTooDeep), 1);
    });
}

#[test]
fn sending_fails_by_name() {
    Rig::each(|mut rig| {
        let (p1, p2) = (rig.port("p1", 1), rig.port("p2", 2));
        let script = Script::new(|upcall| install(upcall.key, [output(2)]));
        rig.dpif.set_handler(Arc::new(Factory(script)));
        let mut long = frame(0);
        long.resize(2000, 0);
        p1.receive(long);
        rig.settle();
        assert_eq!(rig.dropped(DropReason::TxRefused), 1);
        p2.set_admin(false);
        p1.receive(frame(0));
        rig.settle();
        assert_eq!(rig.dropped(DropReason::TxDown), 1);
        assert_eq!(rig.dpif.ports().iter().map(|p| p.number).collect::<Vec<_>>(), [DpPort(1), DpPort(2)]);
    });
}

/// A TCP packet of several segments whose checksum is still to be made.
fn super_packet(payload: usize) -> Packet {
    let mut bytes = Shape::new(Kind::Tcp4, 7).frame(0);
    bytes.truncate(54);
    bytes[16..18].copy_from_slice(&(40 + payload as u16).to_be_bytes());
    bytes.extend(std::iter::repeat_n(0xab, payload));
    let mut packet = Packet::detached(&bytes).unwrap();
    let facts = packet.facts_mut();
    facts.offload = Offload::TSO4 | Offload::NEEDS_L4_CSUM;
    facts.segment_size = 1000;
    facts.csum_start = 34;
    facts.csum_offset = 16;
    packet
}

#[test]
fn what_a_device_cannot_do_is_done_in_software() {
    Rig::each(|mut rig| {
        let p2 = rig.port("p2", 2);
        let metadata = Metadata::of_port(DpPort::NONE);
        let actions = [output(2)].into();
        rig.dpif.execute(Execute { packet: super_packet(3500), metadata, actions }).unwrap();
        rig.settle();
        let sent = p2.take_sent();
        assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [1054, 1054, 1054, 554]);
        for segment in &sent {
            let pseudo = pseudo_v4([10, 0, 0, 1], [10, 0, 0, 7], IpProtocol::TCP, segment.len() as u16 - 34);
            assert_eq!(pseudo.and(Sum::of(&segment[34..])).checksum(), 0);
        }
        let ledger = rig.dpif.ledger();
        assert_eq!((ledger.injected, ledger.segmented, ledger.sent), (1, 3, 4));
    });
}

#[test]
fn a_request_that_cannot_be_met_is_dropped_by_name() {
    Rig::each(|mut rig| {
        let p2 = rig.port("p2", 2);
        let mut packet = super_packet(3500);
        packet.facts_mut().segment_size = 0;
        let metadata = Metadata::of_port(DpPort::NONE);
        rig.dpif.execute(Execute { packet, metadata, actions: [output(2)].into() }).unwrap();
        rig.settle();
        assert!(p2.take_sent().is_empty());
        assert_eq!(rig.dropped(DropReason::InvalidPacket), 1);
    });
}

#[test]
fn flags_and_options_of_neighbours_are_written() {
    let advert = |option| {
        build::frame(&format!("eth / ipv6 fe80::1 > fe80::2 / na fe80::9 {option}=02:02:02:02:02:02"))
            .unwrap()
    };
    let write = |reserved, option| Action::Set(SetField::NdExtension { reserved, option });
    let was = u32::from_be_bytes(*advert("tlla")[58..].first_chunk().unwrap());
    let list = [
        write(Masked::exact(0x4000_0000), Masked::exact(1)),
        output(2),
        write(Masked::new(was, 0xff00_0000), Masked::NONE),
        write(Masked::new(was, 0x00ff_ffff), Masked::NONE),
        output(3),
    ];
    through(&list, &advert("tlla"), |[p2, p3], _| {
        assert_eq!((&p2[0][58..62], p2[0][78]), (&[0x40, 0, 0, 0][..], 1));
        assert_eq!(p3, [advert("slla")]);
    });
}
