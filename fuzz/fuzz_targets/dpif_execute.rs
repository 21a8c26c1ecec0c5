//! Datapath actions: any text is read or refused, what is read prints as it reads; and any packet under any list of actions
//! leaves both datapaths by the same ports, is dropped for the same reasons, and every ledger balances.
//!
//! The first byte chooses whether the actions stand as text or as a script of bytes, the second one is its length; the rest
//! is the packet.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ovs_dpif::ovs_flow::text::NoNames;
use ovs_dpif::ovs_flow::{DpPort, Metadata, Ufid};
use ovs_dpif::text::{DisplayActions, parse_actions};
use ovs_dpif::{
    Action, Actions, Budget, Dpif, DropReason, Execute, FlowLabel, HandlerFactory, HashAlgorithm, Ledger, Masked,
    NaiveDatapath, PortRequest, Punt, PuntCookie, SampleAction, SetField, SlowPath, TnlPush, TunnelFormat, TunnelKind,
    Upcall, UpcallHandler, UserspaceAction, UserspaceConfig, UserspaceDatapath, Verdict, WorkerId,
};
use ovs_netdev::dummy::{Dummies, DummyHandle};
use ovs_packet::Packet;

const NOW: Duration = Duration::from_secs(1);

fuzz_target!(|data: &[u8]| {
    let [choice, length, rest @ ..] = data else { return };
    let (mut script, packet) = rest.split_at(rest.len().min(usize::from(*length)));
    let actions: Actions = if choice & 1 == 0 {
        let Some(actions) = read(script) else { return };
        actions.into()
    } else {
        actions(&mut script, 0).into()
    };
    let naive = run(packet, &actions, || {
        let dpif = NaiveDatapath::new("dp", "dummy", 1, 100);
        let mut worker = dpif.worker();
        (dpif, move || worker.run(NOW) > 0)
    });
    let fast = run(packet, &actions, || {
        let mut dpif = UserspaceDatapath::new(UserspaceConfig::default().seed(1).named("dp", "dummy"));
        let mut worker = dpif.add_worker(None);
        (dpif, move || !worker.poll(NOW, Budget::default()).is_idle())
    });
    assert_eq!(naive.0, fast.0, "{actions:?}");
    assert_eq!(naive.1, fast.1, "{actions:?}");
});

/// Actions from text, which prints to what reads the same.
fn read(text: &[u8]) -> Option<Vec<Action>> {
    let actions = parse_actions(std::str::from_utf8(text).ok()?, &NoNames).ok()?;
    let printed = DisplayActions::new(&actions, &NoNames).to_string();
    let again = parse_actions(&printed, &NoNames).expect("what is printed can be read");
    assert_eq!(DisplayActions::new(&again, &NoNames).to_string(), printed);
    Some(actions)
}

/// What leaves by each port, and the ledger.
fn run<D: Dpif, W: FnMut() -> bool>(
    packet: &[u8],
    actions: &Actions,
    make: impl FnOnce() -> (D, W),
) -> (Vec<Vec<Vec<u8>>>, Ledger) {
    let dummies = Dummies::new();
    let (mut dpif, mut work) = make();
    let handles: Vec<DummyHandle> = (1..=3)
        .map(|n| {
            let device = dummies.open(&format!("p{n}"), "dummy").expect("a new name");
            let handle = device.handle();
            let request = PortRequest { device: Box::new(device), number: Some(DpPort(n)) };
            dpif.add_port(request).expect("a free number");
            handle
        })
        .collect();
    dpif.set_handler(Arc::new(Fixed(actions.clone())));
    // Once as it is injected, once as it is received and missed.
    if let Ok(packet) = Packet::detached(packet) {
        let metadata = Metadata::of_port(DpPort(1));
        dpif.execute(Execute { packet, metadata, actions: actions.clone() }).expect("an empty queue");
    }
    settle(&mut dpif, &mut work);
    handles[1].receive(packet.to_vec());
    settle(&mut dpif, &mut work);
    let mut ledger = dpif.ledger();
    ledger.dropped.resize(DropReason::COUNT, 0);
    let sent = handles.iter().map(|handle| {
        let mut frames = handle.take_sent();
        frames.sort();
        frames
    });
    (sent.collect(), ledger)
}

fn settle(dpif: &mut impl Dpif, work: &mut impl FnMut() -> bool) {
    for _ in 0..1000 {
        let mut busy = work();
        dpif.poll(NOW, &mut |_| busy = true);
        assert_eq!(dpif.ledger().imbalance(), 0, "{:?}", dpif.ledger());
        if !busy {
            return;
        }
    }
    panic!("the datapath does not come to rest");
}

/// Answers every miss with the same actions, but those of recirculated packets with an output.
struct Fixed(Actions);

impl HandlerFactory for Fixed {
    fn handler(&self, _: WorkerId) -> Box<dyn UpcallHandler> {
        Box::new(Self(self.0.clone()))
    }
}

impl UpcallHandler for Fixed {
    fn begin(&mut self, _: Duration) {}

    fn miss(&mut self, upcall: Upcall<'_>) -> Verdict {
        let again = upcall.key.recirc_id != 0 || upcall.key.tunnel.is_present();
        let actions = if again { [Action::Output(DpPort(3))].into() } else { self.0.clone() };
        Verdict::Forward { actions, install: None }
    }

    fn installed(&mut self, _: Ufid, _: Option<DropReason>) {}

    fn punt(&mut self, _: Punt<'_>) -> Result<Option<Actions>, DropReason> {
        Ok(Some([Action::PopVlan, Action::Output(DpPort(2))].into()))
    }
}

fn byte(script: &mut &[u8]) -> Option<u8> {
    let (first, rest) = script.split_first()?;
    *script = rest;
    Some(*first)
}

/// A list of actions from a script of two bytes each; lists in lists end with a zero.
fn actions(script: &mut &[u8], depth: u32) -> Vec<Action> {
    let mut list = Vec::new();
    while let (Some(kind), Some(n)) = (byte(script), byte(script)) {
        if kind == 0 || list.len() >= 16 {
            break;
        }
        let wide = u16::from(n) << 8 | u16::from(kind);
        list.push(match kind % 20 {
            1 | 2 => Action::Output(DpPort(u32::from(n % 5))),
            3 => Action::PushVlan { tpid: if n & 1 == 0 { 0x8100 } else { 0x88a8 }, tci: 0x1000 | wide },
            4 => Action::PopVlan,
            5 => Action::PushMpls { ethertype: 0x8847 + u16::from(n & 1), lse: u32::from(wide) << 8 },
            6 => Action::PopMpls { ethertype: if n & 1 == 0 { 0x0800 } else { 0x86dd } },
            7 => Action::PushEth { src: [n; 6], dst: [2; 6] },
            8 => Action::PopEth,
            9 => Action::Trunc(u32::from(n)),
            10 if depth < 3 => Action::Clone(actions(script, depth + 1).into()),
            11 if depth < 3 => Action::Sample(SampleAction {
                probability: if n & 1 == 0 { 0 } else { u32::MAX },
                actions: actions(script, depth + 1).into(),
            }),
            12 => Action::Recirc(u32::from(n) + 1),
            13 => Action::Hash {
                algorithm: if n & 1 == 0 { HashAlgorithm::L4 } else { HashAlgorithm::SymmetricL4 },
                basis: u32::from(n),
            },
            14 => Action::Userspace(UserspaceAction {
                cookie: PuntCookie::SlowPath(SlowPath::Action),
                egress: None,
            }),
            15 => Action::Drop(u32::from(n % 16)),
            16 => pop(n, byte(script).unwrap_or(0)),
            17 => Action::TnlPush(Box::new(tunnel(n, byte(script).unwrap_or(0)))),
            _ => Action::Set(set(n, byte(script).unwrap_or(0))),
        });
    }
    list
}

fn tunnel_kind(n: u8) -> TunnelKind {
    TunnelKind::ALL[usize::from(n) % TunnelKind::ALL.len()]
}

/// What ends in a tunnel of any kind, with extensions or without.
fn pop(n: u8, more: u8) -> Action {
    let format = TunnelFormat::from(tunnel_kind(n)).policy(more & 1 != 0).generic(more & 2 != 0);
    let format = format.payload(if more & 4 == 0 { 0x0800 } else { 0x8847 });
    let mirrored = (more & 8 != 0).then_some(DpPort(1));
    Action::TnlPop { port: DpPort(u32::from(more >> 4) % 4), format, mirrored }
}

/// Headers over IPv4 or IPv6, with a checksum or without; some of them are cut short.
fn tunnel(n: u8, more: u8) -> TnlPush {
    let (kind, csum) = (tunnel_kind(n), if more & 4 == 0 { 0 } else { 0xff });
    let protocol = if kind == TunnelKind::Srv6 { 43 } else { kind.protocols().first().copied().unwrap_or(17) };
    let mut header = vec![2; 12];
    if more & 2 == 0 && kind != TunnelKind::Srv6 {
        header.extend([0x08, 0, 0x45, n, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    } else {
        header.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, protocol, 64]);
        header.extend([n; 32]);
    }
    if kind.default_port().is_some() {
        header.extend([0, 0, 0x12, 0xb5, 0, 0, csum, csum]);
    }
    header.extend(match kind {
        TunnelKind::Geneve => vec![1, n & 0xc0, 0x65, 0x58, 0, 0, n, 0, 1, 2, 3, 0],
        TunnelKind::Vxlan | TunnelKind::Lisp => vec![8, 0, 0, 0, 0, 0, n, 0],
        TunnelKind::Gtpu => vec![0x30, if more & 8 == 0 { 255 } else { 1 }, 0, 0, 0, 0, 0, n],
        TunnelKind::Gre | TunnelKind::Ip6Gre => {
            vec![csum & 0x80 | 0x30, 0, 0x65, 0x58, 0, 0, 0, 0, 0, 0, 0, n, 0, 0, 0, 0]
        }
        TunnelKind::Erspan => vec![0x10, 0, 0x88, 0xbe, 0, 0, 0, 0, 0x10, 0, 0, n, 0, 0, 0, 1],
        TunnelKind::Ip6Erspan => {
            vec![0x10, 0, 0x22, 0xeb, 0, 0, 0, 0, 0x20, 0, 0, n, 0, 0, 0, 0, 0, 0, 0x80, more & 1]
        }
        TunnelKind::Srv6 => [&[if more & 8 == 0 { 4 } else { 41 }, 2, 4, more & 1, 0, 0, 0, 0][..], &[n; 16]].concat(),
        _ => vec![],
    });
    if more >= 240 {
        header.truncate(usize::from(more & 15) * 4);
    }
    let label = [FlowLabel::Header, FlowLabel::Copy, FlowLabel::Hash][usize::from(more >> 4) % 3];
    TnlPush { port: DpPort(1), out_port: DpPort(2), label, ..TnlPush::new(kind, header) }
}

fn set(choice: u8, n: u8) -> SetField {
    let (wide, address) = (Masked::new(u16::from(n) << 4, 0x0ff0), Masked::new([n; 16], [0xf0; 16]));
    let ether = Masked::new([n; 6], [0xff, 0, 0xff, 0, 0xff, 0x0f]);
    match choice % 13 {
        0 => SetField::Priority(u32::from(n)),
        1 => SetField::Mark(Masked::new(u32::from(n), 0xff)),
        2 => SetField::Ethernet { src: ether, dst: Masked::exact([n; 6]) },
        3 => SetField::Mpls(Masked::new(u32::from(n) << 12, 0xffff_f000)),
        4 => SetField::Ipv4 {
            src: Masked::exact([n; 4]),
            dst: Masked::new([n; 4], [0xff, 0, 0, 0xff]),
            tos: Masked::new(n, 0xfc),
            ttl: Masked::exact(n),
            whole: None,
        },
        5 => SetField::Ipv6 {
            src: address,
            dst: Masked::exact([n; 16]),
            label: Masked::new(u32::from(n), 0xfffff),
            tclass: Masked::exact(n),
            hlimit: Masked::exact(n),
            whole: None,
        },
        6 => SetField::Arp {
            sip: Masked::exact([n; 4]),
            tip: Masked::NONE,
            op: wide,
            sha: ether,
            tha: Masked::exact([n; 6]),
        },
        7 => SetField::Tcp { src: wide, dst: Masked::exact(u16::from(n)) },
        8 => SetField::Udp { src: wide, dst: Masked::exact(u16::from(n)) },
        9 => SetField::Sctp { src: wide, dst: Masked::exact(u16::from(n)) },
        10 => SetField::NdExtension { reserved: Masked::new(n.into(), 0xff), option: Masked::exact(n) },
        11 => SetField::Icmp { kind: Masked::exact(n), code: Masked::new(n, 0x0f) },
        _ => SetField::Nd { target: address, sll: ether, tll: Masked::exact([n; 6]) },
    }
}
