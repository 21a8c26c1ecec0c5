//! Choosing by a hash: `multipath`, `bundle`, `bundle_load`.

use ovs_flow::OfPort;
use ovs_flow::hash::stable::{Fields, pair_hash};
use ovs_openflow::PortConfig;
use ovs_openflow::action::{Bundle, BundleAlgorithm, HashFields, Multipath, MultipathAlgorithm};

use super::context::Context;
use crate::trace::Tracer;

impl<T: Tracer> Context<'_, T> {
    /// `multipath`: the number of a link.
    pub(super) fn multipath(&mut self, choice: &Multipath) {
        let hash = self.hash(choice.fields, choice.basis);
        let links = u32::from(choice.max_link) + 1;
        let link = match choice.algorithm {
            MultipathAlgorithm::ModuloN => hash % links,
            MultipathAlgorithm::HashThreshold if links == 1 => 0,
            MultipathAlgorithm::HashThreshold => hash / (u32::MAX / links + 1),
            MultipathAlgorithm::Hrw => heaviest(0..links, |link| pair_hash(hash, link)),
            MultipathAlgorithm::IterHash => iterate(hash, links, choice.arg),
        };
        self.mask_subfield(choice.dst);
        self.write(choice.dst, &u128::from(link).into());
        self.report_subfield(choice.dst);
    }

    /// `bundle`, `bundle_load`: one of some ports, if any of them is up.
    pub(super) fn bundle(&mut self, bundle: &Bundle) {
        let up = |context: &Self, port: &OfPort| context.may_bundle(*port);
        let port = match bundle.algorithm {
            BundleAlgorithm::ActiveBackup => bundle.members.iter().copied().find(|port| up(self, port)),
            BundleAlgorithm::Hrw => {
                // Of one there is nothing to choose, so nothing is looked at.
                let hash = match bundle.members.len() {
                    0 | 1 => 0,
                    _ => self.hash(bundle.fields, bundle.basis),
                };
                let alive = (0..).zip(&bundle.members).filter(|(_, port)| up(self, port)).map(|(n, _)| n);
                let alive: Vec<u32> = alive.collect();
                let best = (!alive.is_empty()).then(|| heaviest(alive.into_iter(), |n| pair_hash(n, hash)));
                best.and_then(|best| bundle.members.get(best as usize).copied())
            }
        };
        let port = port.unwrap_or(OfPort::NONE);
        match bundle.dst {
            Some(dst) => {
                self.mask_subfield(dst);
                self.write(dst, &u128::from(port.0).into());
                self.report_subfield(dst);
            }
            None => self.output(port, 0),
        }
    }

    fn hash(&mut self, fields: HashFields, basis: u16) -> u32 {
        let fields = match fields {
            HashFields::EthSrc => Fields::EthSrc,
            HashFields::SymmetricL4 => Fields::SymmetricL4,
            HashFields::SymmetricL3L4 => Fields::SymmetricL3L4,
            HashFields::SymmetricL3L4Udp => Fields::SymmetricL3L4Udp,
            HashFields::NwSrc => Fields::NwSrc,
            HashFields::NwDst => Fields::NwDst,
            HashFields::SymmetricL3 => Fields::SymmetricL3,
        };
        fields.mask_into(&self.flow, &mut self.mask);
        fields.hash(&self.flow, u32::from(basis))
    }

    /// Whether a bundle's member can take a packet.
    fn may_bundle(&self, port: OfPort) -> bool {
        match port {
            OfPort::CONTROLLER => false,
            OfPort::IN_PORT | OfPort::TABLE | OfPort::NORMAL | OfPort::FLOOD | OfPort::ALL | OfPort::NONE => {
                true
            }
            port => self
                .bridge
                .ports
                .get(&port)
                .is_some_and(|port| port.may_enable && !port.config.contains(PortConfig::PORT_DOWN)),
        }
    }
}

/// The number of the highest random weight (Thaler and Ravishankar), the first of equals.
fn heaviest(mut numbers: impl Iterator<Item = u32>, weight: impl Fn(u32) -> u32) -> u32 {
    let Some(first) = numbers.next() else { return 0 };
    let mut best = (first, weight(first));
    for number in numbers {
        let own = weight(number);
        if own > best.1 {
            best = (number, own);
        }
    }
    best.0
}

/// Hashes again until the number is that of a link; `modulo` bounds it, if it is not useless.
fn iterate(hash: u32, links: u32, modulo: u32) -> u32 {
    let useful = modulo >= links && modulo / 2 <= links;
    let modulo = if useful { modulo } else { links.next_power_of_two() };
    let mut round = 0;
    loop {
        let link = pair_hash(hash, round) % modulo;
        if link < links {
            return link;
        }
        round += 1;
    }
}
