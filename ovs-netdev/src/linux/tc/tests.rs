//! The bytes of messages, against those that tc(8) of iproute2 6.1 sends for the same.

use super::kernel::{counters_of, new_class, new_root};
use super::{Carrier, Plan, class_of, plan};
use crate::linux::rtnl::attributes;
use crate::{Options, Qos, QosError, QueueCounters};

const LINK: Carrier<'static> = Carrier { name: "v1", kind: "system", mtu: 1500, megabits: None };

fn made(qos: &Qos) -> Plan {
    plan(qos, LINK).unwrap().unwrap()
}

fn refused(qos: &Qos) -> String {
    plan(qos, LINK).unwrap_err().to_string()
}

fn options(pairs: &[(&str, &str)]) -> Options {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let text = |pair: &[u8]| String::from_utf8(pair.to_vec()).unwrap();
    digits.chunks(2).map(|pair| u8::from_str_radix(&text(pair), 16).unwrap()).collect()
}

/// Attributes in order of their kinds: the order in which they are sent means nothing.
fn sorted(list: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut all: Vec<_> = attributes(list).map(|(kind, value)| (kind, value.to_vec())).collect();
    all.sort();
    all
}

#[test]
fn a_root_is_asked_for_as_tc_does() {
    let qos = Qos::new("linux-htb").option("max-rate", "10000000");
    let flags = libc::NLM_F_CREATE | libc::NLM_F_EXCL;
    let sent = new_root(7, &made(&qos), flags).finish(0x11);
    let wanted = bytes(
        "48000000 2400 0506 11000000 00000000 00000000 07000000 00000100 ffffffff 00000000 \
         0800 0100 68746200 1c00 0200 1800 0200 03000000 0a000000 01000000 00000000 00000000",
    );
    assert_eq!(sent, wanted);
}

#[test]
fn classless_disciplines_have_the_options_of_tc() {
    let codel = made(&Qos::new("linux-codel"));
    assert_eq!(
        sorted(&codel.options),
        sorted(&bytes("0800 0200 00280000 0800 0300 a0860100 0800 0100 88130000"))
    );
    let fq_codel = made(&Qos::new("linux-fq_codel"));
    let wanted =
        "0800 0200 00280000 0800 0500 00040000 0800 0600 ea050000 0800 0300 40420f00 0800 0100 88130000";
    assert_eq!(sorted(&fq_codel.options), sorted(&bytes(wanted)));
    let netem =
        Qos::new("linux-netem").option("latency", "3000").option("jitter", "1000").option("loss", "10");
    assert_eq!(made(&netem).options, bytes("1bb70000 e8030000 9a999919 00000000 00000000 093d0000"));
    assert_eq!(made(&netem).shown, [("limit", 1000), ("loss", 10), ("latency", 3000), ("jitter", 1000)]);
    assert_eq!(made(&Qos::new("linux-sfq")).options, bytes("dc050000 0a000000 00000000 00000000 00000000"));
    for plan in [codel, fq_codel] {
        assert!(!plan.classful && plan.classes.is_empty() && plan.queues.is_empty());
    }
}

#[test]
fn curves_of_hfsc_are_those_of_tc() {
    let queue = options(&[("min-rate", "1000000"), ("max-rate", "2000000")]);
    let plan = made(&Qos::new("linux-hfsc").queue(5, queue));
    assert_eq!(plan.options, [1, 0]);
    let class = plan.classes.iter().find(|class| class.handle == class_of(5)).unwrap();
    let wanted = bytes(
        "6400 0000 2800 0505 00000000 00000000 00000000 07000000 06000100 feff0100 00000000 0900 0100 68667363 00000000 \
         3400 0200 1000 0100 00000000 00000000 48e80100 1000 0200 00000000 00000000 48e80100 \
         1000 0300 00000000 00000000 90d00300",
    );
    assert_eq!(new_class(7, &plan, class).finish(0), wanted);
    assert_eq!(plan.queues[&0], [("min-rate", 8), ("max-rate", 10_000_000_000)]);
}

#[test]
fn classes_of_htb_are_a_trunk_and_its_queues() {
    let queue = options(&[("max-rate", "2000000"), ("burst", "100000"), ("priority", "3")]);
    let qos = Qos::new("linux-htb")
        .option("max-rate", "10000000")
        .queue(0, options(&[("min-rate", "1000000")]))
        .queue(5, queue);
    let plan = made(&qos);
    let handles: Vec<_> = plan.classes.iter().map(|class| (class.handle, class.parent)).collect();
    assert_eq!(handles, [(0x1fffe, 0x10000), (0x10001, 0x1fffe), (0x10006, 0x1fffe)]);
    // Rate 125000, ceiling 1250000, 1564 bytes of burst in ticks of both, no quantum of ours.
    let wanted = "3000 0100 0001 0000 0000 3c00 48e80100 0001 0000 0000 3c00 d0121300 acfb0200 5e4c0000 00000000 00000000 00000000";
    assert_eq!(plan.classes[1].options, bytes(wanted));
    assert_eq!(plan.shown, [("max-rate", 10_000_000)]);
    let shown = [("burst", 100_000), ("priority", 3), ("min-rate", 12_000), ("max-rate", 2_000_000)];
    assert_eq!(plan.queues[&5], shown);
}

#[test]
fn rates_beyond_32_bits_have_attributes_of_their_own() {
    let qos = Qos::new("linux-htb").option("max-rate", "40000000000");
    let trunk = &made(&qos).classes[0];
    let wide: Vec<_> = sorted(&trunk.options).into_iter().filter(|(kind, _)| *kind > 5).collect();
    let rate = 5_000_000_000_u64.to_ne_bytes().to_vec();
    assert_eq!(wide, [(6, rate.clone()), (7, rate)]);
    assert!(refused(&Qos::new("linux-hfsc").option("max-rate", "40000000000")).contains("curves end"));
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let bad = |kind: &str, option: &str, value: &str| refused(&Qos::new(kind).option(option, value));
    assert_eq!(
        bad("linux-htb", "max-rate", "much"),
        "v1: QoS linux-htb: max-rate: much is not a whole number"
    );
    assert!(bad("linux-netem", "loss", "101").contains("more than 100 percent"));
    assert!(bad("linux-netem", "latency", "99999999999").contains("too many"));
    assert!(bad("linux-sfq", "perturb", "99999999999").contains("too large"));
    let queue = |kind: &str, number| refused(&Qos::new(kind).queue(number, Options::new()));
    assert_eq!(queue("linux-sfq", 1), "v1: QoS linux-sfq: queue 1: this type has no queues");
    assert!(queue("linux-htb", 61_440).contains("below 61440"));
    assert!(matches!(plan(&Qos::new("egress-policer"), LINK), Err(QosError::Unsupported { .. })));
    assert!(refused(&Qos::new("bogus")).contains("which has linux-netem, linux-fq_codel"));
    assert_eq!(plan(&Qos::new("linux-noop"), LINK).unwrap(), None);
}

#[test]
fn a_link_that_knows_its_speed_is_no_faster() {
    let link = Carrier { megabits: Some(1000), ..LINK };
    assert_eq!(plan(&Qos::new("linux-htb"), link).unwrap().unwrap().shown, [("max-rate", 1_000_000_000)]);
    assert_eq!(made(&Qos::new("linux-htb")).shown, [("max-rate", 10_000_000_000)]);
}

#[test]
fn counters_are_read_whatever_else_is_there() {
    // Basic, queue, and packets beyond 32 bits.
    let told = bytes(
        "1400 0100 5600000000000000 01000000 00000000 1800 0300 00000000 00000000 02000000 00000000 00000000 \
         0c00 0800 0100000001000000",
    );
    let counted = QueueCounters { packets: Some(0x1_0000_0001), bytes: Some(86), errors: Some(2) };
    assert_eq!(counters_of(&told), counted);
    assert_eq!(counters_of(&[0xff; 7]), QueueCounters::default());
}
