//! One set of checks for every kind of device.
//!
//! A [`Bed`] makes the device under test and has its other end ([`Far`]): a dummy's handle, the other end of a veth
//! pair, the files of a pcap device. [`run`] lays each case of [`CASES`] on a fresh device. What a kind cannot do by
//! its nature is said in [`Abilities`], so that nothing is left out silently.
#![allow(dead_code, reason = "two binaries have beds of their own and share the cases")]

mod control;
mod integrity;
mod lifetime;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod memory;
mod offload;
mod queues;
mod subject;

pub use subject::{frame, wait_for};

use ovs_netdev::ovs_packet::{Offload, Packet};
use ovs_netdev::{Netdev, Options};

/// What a kind of device can do by its nature.
#[derive(Clone, Debug)]
pub struct Abilities {
    /// Its other end can send at any time, not only what was there before it was opened.
    pub live: bool,
    /// The largest MTU that is tried.
    pub mtu: u32,
    /// Its MTU can be changed.
    pub sets_mtu: bool,
    /// Frames beyond the MTU are refused rather than sent.
    pub refuses_long: bool,
    /// Its Ethernet address can be changed.
    pub sets_mac: bool,
    /// Its other end can take its carrier.
    pub link: bool,
    /// It can be taken away under the switch.
    pub vanishes: bool,
    /// What it can be left to do on sending.
    pub offloads: Offload,
    /// Its other end tells of unfinished packets that they are (or gets them finished). One that does not gets the
    /// bytes as they were.
    pub far_sees_work: bool,
    /// Its other end can pass unfinished packets to it.
    pub unfinished_in: bool,
    /// Receive queues that are tried with `n_rxq`; 1 where there is only one.
    pub queues: usize,
    /// Nothing tells of its packets.
    pub polled: bool,
    /// Packets that certainly fit between the device and its other end.
    pub depth: usize,
}

impl Default for Abilities {
    fn default() -> Self {
        Self {
            live: true,
            mtu: 9000,
            sets_mtu: true,
            refuses_long: true,
            sets_mac: true,
            link: true,
            vanishes: true,
            offloads: Offload::empty(),
            far_sees_work: true,
            unfinished_in: false,
            queues: 1,
            polled: false,
            depth: 256,
        }
    }
}

/// Makes devices of one kind.
pub trait Bed {
    /// What the kind can do.
    fn abilities(&self) -> Abilities;

    /// Opens a device that is not there yet, brings it up, and lets its other end send `inbound` to it.
    fn open(&mut self, options: &Options, inbound: Vec<Packet>) -> (Box<dyn Netdev>, Box<dyn Far>);

    /// Why a device is not opened with these options.
    fn refusal(&mut self, _options: &Options) -> String {
        unreachable!("not among its abilities")
    }
}

/// The other end of a device. It lives no longer than the test's step.
pub trait Far {
    /// Sends to the device.
    fn send(&mut self, packets: Vec<Packet>);

    /// What the device has sent since the last call.
    fn receive(&mut self) -> Vec<Packet>;

    /// Follows an MTU of the device.
    fn set_mtu(&mut self, _mtu: u32) {}

    /// Gives or takes the device's carrier.
    fn set_link(&mut self, _up: bool) {
        unreachable!("not among its abilities")
    }

    /// Takes the device away.
    fn vanish(&mut self) {
        unreachable!("not among its abilities")
    }
}

/// What is tried with a device.
struct Case {
    name: &'static str,
    lay: fn(&mut dyn Bed),
    /// Why it cannot be tried with a kind that has these abilities.
    beyond: fn(&Abilities) -> Option<&'static str>,
}

const fn case(name: &'static str, lay: fn(&mut dyn Bed)) -> Case {
    Case { name, lay, beyond: |_| None }
}

impl Case {
    const fn unless(self, beyond: fn(&Abilities) -> Option<&'static str>) -> Self {
        Self { beyond, ..self }
    }
}

fn one_queue(abilities: &Abilities) -> Option<&'static str> {
    (abilities.queues < 2).then_some("it has one queue")
}

fn no_jumbo(abilities: &Abilities) -> Option<&'static str> {
    (!abilities.sets_mtu || abilities.mtu <= 1500).then_some("it has no MTU beyond 1500")
}

fn not_live(abilities: &Abilities) -> Option<&'static str> {
    (!abilities.live).then_some("its other end sends nothing once it is open")
}

/// All cases.
const CASES: &[Case] = &[
    case("every size sent", integrity::every_size_sent),
    case("every size received", integrity::every_size_received),
    case("jumbo frames sent", integrity::jumbo_frames_sent).unless(no_jumbo),
    case("jumbo frames received", integrity::jumbo_frames_received).unless(|a| no_jumbo(a).or(not_live(a))),
    case("too long frames", integrity::too_long_frames)
        .unless(|a| (!a.refuses_long).then_some("it sends frames of any length")),
    case("batches of every length", integrity::batches_of_every_length),
    case("a pool at its limit", integrity::a_pool_at_its_limit),
    case("a batch with packets in it", integrity::a_batch_with_packets_in_it),
    case("what was received is sent again", integrity::what_was_received_is_sent_again),
    case("offloads told", offload::told),
    case("checksums sent", offload::checksums_sent)
        .unless(|a| (!a.offloads.contains(Offload::NEEDS_L4_CSUM)).then_some("it does no checksums")),
    case("segments sent", offload::segments_sent)
        .unless(|a| (!a.offloads.contains(Offload::TSO4)).then_some("it makes no segments")),
    case("offloads received", offload::received)
        .unless(|a| (!a.unfinished_in).then_some("its other end passes no unfinished packets")),
    case("software does what the device cannot", offload::software_does_the_rest),
    case("its address", control::its_address_is_set).unless(|a| (!a.sets_mac).then_some("its address stays")),
    case("its MTU", control::its_mtu_is_set).unless(|a| (!a.sets_mtu).then_some("its MTU stays")),
    case("down and up", control::down_and_up),
    case("carrier", control::carrier).unless(|a| (!a.link).then_some("its other end has no carrier to take")),
    case("statistics", control::statistics),
    case("ready with packets", control::ready_with_packets),
    case("rest without packets", control::rest_without_packets)
        .unless(|a| a.polled.then_some("it is asked all the time")),
    case("woken by packets", control::woken_by_packets)
        .unless(|a| a.polled.then_some("it is asked all the time").or(not_live(a))),
    case("draining", control::draining),
    case("queues", queues::as_many_as_asked_for),
    case("flows on queues", queues::each_flow_on_one_queue).unless(one_queue),
    case("bad numbers of queues", queues::bad_numbers).unless(one_queue),
    case("queues outlive their device", lifetime::queues_outlive_their_device),
    case("packets outlive their device", lifetime::packets_outlive_their_device),
    case("opened again and again", lifetime::opened_again_and_again),
    case("removed under load", lifetime::removed_under_load),
    case("vanished under load", lifetime::vanished_under_load)
        .unless(|a| (!a.vanishes).then_some("nothing can take it away")),
];

/// Lays every case on devices of this kind. Those that are beyond it are the ones that the caller names, so that none that is lost goes
/// unseen, and are told on standard error with the reason, captured or not.
pub fn run(kind: &str, bed: &mut dyn Bed, named: &[&str]) {
    let abilities = bed.abilities();
    let (mut left_out, mut names) = (Vec::new(), Vec::new());
    for Case { name, lay, beyond } in CASES {
        // Captured, and shown with a failure.
        println!("case: {name}");
        match beyond(&abilities) {
            None => lay(bed),
            Some(why) => {
                left_out.push(format!("{name} ({why})"));
                names.push(*name);
            }
        }
    }
    let count = CASES.len() - left_out.len();
    let all = if left_out.is_empty() { "none".to_owned() } else { left_out.join(", ") };
    let line = format!("conformance of {kind}: {count} of {} cases; beyond it: {all}", CASES.len());
    std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes()).unwrap();
    assert_eq!(names, named, "{line}");
}
