//! The conformance suite on every backend that needs no feature.

use crate::conformance::memory::{Dummy, Pcap, Wrapped};
use crate::conformance::run;

/// What devices cannot that do nothing to packets.
const NO_WORK: &[&str] = &["checksums sent", "segments sent", "offloads received"];
/// What devices cannot that a worker asks all the time.
#[cfg(all(feature = "afxdp", target_os = "linux"))]
const POLLED: &[&str] = &["rest without packets", "woken by packets"];
const ONE_QUEUE: &[&str] = &["flows on queues", "bad numbers of queues"];

const DUMMY: &[&[&str]] = &[NO_WORK, ONE_QUEUE, &["vanished under load"]];

#[test]
fn dummy() {
    run("dummy", &mut Dummy::default(), &DUMMY.concat());
}

#[test]
fn wrapped() {
    run("dummy in wrappers", &mut Wrapped::default(), &DUMMY.concat());
}

#[test]
fn pcap() {
    let beyond = [
        &["jumbo frames received", "too long frames"],
        NO_WORK,
        &["carrier", "woken by packets"],
        ONE_QUEUE,
        &["vanished under load"],
    ];
    run("pcap", &mut Pcap::default(), &beyond.concat());
}

#[cfg(target_os = "linux")]
mod linux {
    use ovs_netdev::Options;
    use ovs_netdev::ovs_packet::Offload;

    use super::ONE_QUEUE;
    #[cfg(feature = "afxdp")]
    use super::{NO_WORK, POLLED};
    use crate::conformance::linux::{Tap, Veth};
    use crate::conformance::{Abilities, Bed, run};
    use crate::netns::lab;

    /// In a namespace of its own.
    fn alone(
        test: &'static str,
        beyond: &[&[&'static str]],
        make: impl FnOnce() -> Box<dyn Bed> + Send + 'static,
    ) {
        let Some(lab) = lab(test, &["s"]) else { return };
        let beyond = beyond.concat();
        lab.run("s", move || run(test, make().as_mut(), &beyond));
    }

    /// What the kernel's devices with vnet headers can be left to do.
    fn unfinished() -> Offload {
        Offload::NEEDS_L4_CSUM | Offload::TSO4 | Offload::TSO6 | Offload::USO | Offload::ECN
    }

    #[test]
    fn system() {
        alone("system", &[], || {
            let abilities =
                Abilities { offloads: unfinished(), unfinished_in: true, queues: 4, ..Abilities::default() };
            Box::new(Veth { kind: "system", options: Options::new(), abilities })
        });
    }

    /// AF_XDP sockets in a mode of the kernel's that veth has.
    #[cfg(feature = "afxdp")]
    fn xdp(test: &'static str, kind: &'static str, options: &'static [(&str, &str)], queues: usize) {
        let polled = kind == "afxdp";
        let (rest, single) = (if polled { POLLED } else { &[] }, if queues == 1 { ONE_QUEUE } else { &[] });
        alone(test, &[NO_WORK, rest, single], move || {
            // Unfinished packets of the other end would stay unfinished: see the module's head.
            let abilities = Abilities { mtu: 3400, queues, polled, ..Abilities::default() };
            let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            Box::new(Veth { kind, options: options.collect(), abilities })
        });
    }

    #[cfg(feature = "afxdp")]
    #[test]
    fn afxdp() {
        xdp("afxdp", "afxdp", &[], 4);
    }

    #[cfg(feature = "afxdp")]
    #[test]
    fn afxdp_nonpmd() {
        xdp("afxdp_nonpmd", "afxdp-nonpmd", &[("xdp-mode", "native"), ("use-need-wakeup", "false")], 2);
    }

    #[cfg(feature = "afxdp")]
    #[test]
    fn afxdp_generic() {
        xdp("afxdp_generic", "afxdp", &[("xdp-mode", "generic")], 1);
    }

    #[test]
    fn system_past_the_queueing_discipline() {
        alone("system_past_the_queueing_discipline", &[ONE_QUEUE], || {
            let abilities = Abilities { offloads: unfinished(), unfinished_in: true, ..Abilities::default() };
            let options = Options::from([("qdisc-bypass".to_owned(), "true".to_owned())]);
            Box::new(Veth { kind: "system", options, abilities })
        });
    }

    #[test]
    fn tap() {
        alone("tap", &[&["too long frames"]], || tap_of("tap"));
    }

    #[test]
    fn internal() {
        alone("internal", &[&["too long frames"]], || tap_of("internal"));
    }

    fn tap_of(kind: &'static str) -> Box<dyn Bed> {
        // The host takes whatever is written to it.
        let abilities = Abilities {
            offloads: unfinished(),
            unfinished_in: true,
            refuses_long: false,
            queues: 4,
            ..Abilities::default()
        };
        Box::new(Tap { kind, abilities })
    }
}
