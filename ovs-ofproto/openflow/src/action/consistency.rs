//! Whether a flow's actions make sense for every packet that it matches.

use ovs_flow::{CtState, Field, FlowMask, Match, Subfield, U16, U32, VLAN_CFI, VlanTag, Wide};

use super::{Action, AddressRange, Ct, CtZone, Learn, LearnDst, LearnSrc, Mod, Nat, PacketType};
use crate::{OfError, Version};

const INCONSISTENT: OfError = OfError::BacMatchInconsistent;

/// Checks that fields that actions read or write are there in all packets of a match, as the actions before have left
/// them. OpenFlow 1.0 lets its own `mod_*` actions do nothing to the wrong packets; later versions do not.
pub fn check_consistency(actions: &[Action], matching: &Match, version: Version) -> Result<(), OfError> {
    let mut known = Known { matching: Box::new(*matching), strict: version > Version::V10 };
    known.list(actions)
}

/// What is known of a packet on its way through the list.
#[derive(Clone)]
struct Known {
    matching: Box<Match>,
    strict: bool,
}

impl Known {
    fn list(&mut self, actions: &[Action]) -> Result<(), OfError> {
        actions.iter().try_for_each(|action| self.action(action))
    }

    fn action(&mut self, action: &Action) -> Result<(), OfError> {
        match action {
            Action::OutputReg { src, .. } | Action::StackPush(src) => self.needs(src.field()),
            Action::Bundle(bundle) => bundle.dst.map_or(Ok(()), |dst| self.needs(dst.field())),
            Action::StackPop(dst) | Action::CheckPktLarger { dst, .. } => self.needs(dst.field()),
            Action::Multipath(choice) => self.needs(choice.dst.field()),
            Action::Move { src, dst } => {
                self.needs(src.field())?;
                self.needs(dst.field())
            }
            Action::SetField(set) => self.set_field(set.field, set.value),
            Action::Mod(change) => self.modification(*change),
            Action::DecTtl(_) => self.prefers(is_ip(&self.matching)),
            Action::SetVlanVid { push, .. } | Action::SetVlanPcp { push, .. } => {
                self.prefers((*push || self.has_tag()) && self.packet_type() == 0)?;
                self.matching.key.vlans[0].tci = U16::new(VLAN_CFI);
                Ok(())
            }
            Action::PushVlan(_) => self.push_vlan(),
            Action::PopVlan { .. } => self.pop_vlan(),
            Action::FinTimeout { .. } => self.prefers(is_ip(&self.matching) && self.protocol() == 6),
            Action::Learn(learn) => self.learn(learn),
            Action::Clone(list) | Action::WriteActions(list) => self.clone().list(list),
            Action::Ct(ct) => self.connection(ct),
            Action::Nat(nat) => self.translation(nat),
            Action::Resubmit { ct: true, .. } => self.needs(Field::CT_NW_PROTO),
            _ => self.header(action),
        }
    }

    /// Actions on headers around the network layer's.
    fn header(&mut self, action: &Action) -> Result<(), OfError> {
        match action {
            Action::SetMplsLabel(_) | Action::SetMplsTc(_) | Action::SetMplsTtl(_) | Action::DecMplsTtl => {
                self.prefers(self.has_label())
            }
            Action::PushMpls(ethertype) => {
                self.prefers(self.packet_type() == 0)?;
                self.becomes(*ethertype);
                self.matching.mask.fields.nw_proto = 0;
                Ok(())
            }
            Action::PopMpls(ethertype) => {
                self.prefers(self.has_label())?;
                self.becomes(*ethertype);
                Ok(())
            }
            Action::Encap(encap) => {
                self.put_on(encap.packet_type);
                Ok(())
            }
            Action::Decap(_) => self.take_off(),
            Action::DecNshTtl => {
                self.prefers(self.packet_type() == NSH || self.matching.key.ethertype() == NSH as u16)
            }
            _ => Ok(()),
        }
    }

    /// Only IP has connections, and helpers read one protocol each.
    fn connection(&mut self, ct: &Ct) -> Result<(), OfError> {
        let invalid = self.matching.key.ct_state & CtState::INV.bits() != 0;
        let protocol = self.matching.key.nw_proto;
        let helped = match ct.alg {
            21 => protocol == 6,
            69 => protocol == 17,
            _ => true,
        };
        if !is_ip(&self.matching) || invalid && ct.commit || !helped {
            return Err(INCONSISTENT);
        }
        match ct.zone {
            // As in the original, what stands inside is looked at only where the zone is a number.
            CtZone::Field(src) => self.needs(src.field()),
            CtZone::Number(_) => self.list(&ct.actions),
        }
    }

    fn translation(&self, nat: &Nat) -> Result<(), OfError> {
        let wanted = match nat.addresses {
            Some(AddressRange::V4(..)) => Some(0x0800),
            Some(AddressRange::V6(..)) => Some(0x86dd),
            None => None,
        };
        let fits = wanted.is_none_or(|ethertype| self.matching.key.ethertype() == ethertype);
        if fits && is_ip(&self.matching) { Ok(()) } else { Err(INCONSISTENT) }
    }

    fn needs(&self, field: Field) -> Result<(), OfError> {
        let of_ethernet = matches!(
            field,
            Field::ETH_SRC
                | Field::ETH_DST
                | Field::VLAN_TCI
                | Field::VLAN_VID
                | Field::VLAN_PCP
                | Field::ETH_TYPE
        );
        let met = field.applies_to_match(&self.matching) && (!of_ethernet || self.packet_type() == 0);
        if met { Ok(()) } else { Err(INCONSISTENT) }
    }

    /// What 1.0 does without.
    fn prefers(&self, met: bool) -> Result<(), OfError> {
        if met || !self.strict { Ok(()) } else { Err(INCONSISTENT) }
    }

    fn set_field(&mut self, field: Field, value: u128) -> Result<(), OfError> {
        self.needs(field)?;
        if field == Field::VLAN_VID && !self.has_tag() {
            return Err(INCONSISTENT);
        }
        if field == Field::VLAN_TCI {
            self.matching.key.vlans[0].tci = U16::new(value as u16);
        }
        Ok(())
    }

    fn modification(&self, change: Mod) -> Result<(), OfError> {
        let key = &self.matching.key;
        let met = match change {
            Mod::EthSrc(_) | Mod::EthDst(_) => self.packet_type() == 0,
            Mod::Ipv4Src(_) | Mod::Ipv4Dst(_) => key.ethertype() == 0x0800,
            Mod::Tos(_) | Mod::Ecn(_) | Mod::Ttl(_) => is_ip(&self.matching),
            Mod::TpSrc(_) | Mod::TpDst(_) => {
                is_ip(&self.matching) && key.nw_frag & 2 == 0 && matches!(self.protocol(), 6 | 17 | 132)
            }
        };
        self.prefers(met)
    }

    fn learn(&self, learn: &Learn) -> Result<(), OfError> {
        let mut learned = Match::default();
        let applies = |field: Field, of: &Match| {
            if field.applies_to_match(of) { Ok(()) } else { Err(INCONSISTENT) }
        };
        for spec in &learn.specs {
            if let LearnSrc::Field(src) = spec.src {
                self.needs(src.field())?;
            }
            match spec.dst {
                LearnDst::Match(dst) => {
                    applies(dst.field(), &learned)?;
                    if let LearnSrc::Value(value) = spec.src {
                        add(dst, &value, &mut learned);
                    }
                }
                LearnDst::Load(dst) => applies(dst.field(), &learned)?,
                LearnDst::Output => {}
            }
        }
        Ok(())
    }

    fn has_tag(&self) -> bool {
        self.matching.key.vlans[0].tci.get() & VLAN_CFI != 0
    }

    fn push_vlan(&mut self) -> Result<(), OfError> {
        let key = &mut self.matching.key;
        if key.vlans[ovs_flow::MAX_VLANS - 1].tci.get() & VLAN_CFI != 0 {
            return Err(OfError::BacBadTag);
        }
        key.vlans.rotate_right(1);
        key.vlans[0] = VlanTag { tpid: U16::new(0x8100), tci: U16::new(VLAN_CFI) };
        self.matching.mask.fields.vlans.rotate_right(1);
        self.matching.mask.fields.vlans[0].tci = U16::new(VLAN_CFI);
        Ok(())
    }

    fn pop_vlan(&mut self) -> Result<(), OfError> {
        self.prefers(self.has_tag())?;
        for tags in [&mut self.matching.key.vlans, &mut self.matching.mask.fields.vlans] {
            tags.rotate_left(1);
            tags[ovs_flow::MAX_VLANS - 1] = VlanTag::default();
        }
        Ok(())
    }

    fn protocol(&self) -> u8 {
        if self.matching.mask.fields.nw_proto == 0xff { self.matching.key.nw_proto } else { 0 }
    }

    fn packet_type(&self) -> u32 {
        self.matching.key.packet_type.get()
    }

    fn has_label(&self) -> bool {
        matches!(self.matching.key.ethertype(), 0x8847 | 0x8848)
    }

    fn becomes(&mut self, ethertype: u16) {
        self.matching.key.dl_type = U16::new(ethertype);
        self.matching.mask.fields.dl_type = U16::new(u16::MAX);
    }

    fn put_on(&mut self, kind: PacketType) {
        self.matching.key.packet_type = U32::new(u32::from(kind.namespace) << 16 | u32::from(kind.number));
        self.matching.mask.fields.packet_type = U32::new(u32::MAX);
        if kind.namespace == 1 {
            self.becomes(kind.number);
        }
        if !is_ip(&self.matching) {
            self.matching.key.nw_proto = 0;
            self.matching.mask.fields.nw_proto = 0;
        }
    }

    fn take_off(&mut self) -> Result<(), OfError> {
        if self.packet_type() == 0 {
            if self.has_tag() {
                return Err(INCONSISTENT);
            }
            let kind = 1 << 16 | u32::from(self.matching.key.dl_type.get());
            self.matching.key.packet_type = U32::new(kind);
            self.matching.mask.fields.packet_type = U32::new(u32::MAX);
        } else {
            // What stood behind it is known when the packet is looked at again.
            self.matching.mask = FlowMask::default();
            self.matching.key = Match::default().key;
            self.matching.key.packet_type = U32::new(u32::MAX);
            self.matching.key.dl_type = U16::new(u16::MAX);
        }
        Ok(())
    }
}

const NSH: u32 = 1 << 16 | 0x894f;

fn is_ip(matching: &Match) -> bool {
    matches!(matching.key.ethertype(), 0x0800 | 0x86dd)
}

/// Adds bits to a learned flow's match. On tunnel options nothing else depends.
fn add(dst: Subfield, value: &Wide, learned: &mut Match) {
    if dst.field().option().is_some() {
        return;
    }
    let value = value.low();
    let (old, mask) = dst.field().get_match(learned);
    let bits = dst.bits();
    // A mask that a field cannot have leaves it as it was.
    let _ = dst.field().set_masked(learned, old & !bits | value << dst.start() & bits, mask | bits);
}
