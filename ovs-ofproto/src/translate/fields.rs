//! Actions that write fields, and the bits that make them depend on the packet.

use ovs_flow::field::Prereq;
use ovs_flow::{Field, FlowMask, Subfield, VLAN_CFI, Wide};
use ovs_openflow::{Mod, SetField, SetOption};

use super::context::Context;
use super::mask::touch_label;
use crate::trace::Tracer;

fn mask_bits(field: Field, bits: u128, mask: &mut FlowMask) {
    // Of a field in a place with room for more (types of ICMP), only its own bytes are looked at.
    let bytes = u128::MAX >> (128 - 8 * u32::from(field.facts().size));
    let place = field.facts().place;
    let present = place.get(&mask.fields);
    place.set(&mut mask.fields, (present | bits) & bytes);
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

impl<T: Tracer> Context<'_, T> {
    pub(super) fn is_ip(&self) -> bool {
        matches!(self.flow.ethertype(), IPV4 | IPV6)
    }

    /// `set_field`, `load`: a packet without the field stays as it is.
    pub(super) fn set_field(&mut self, set: &SetField) {
        let field = set.field;
        if field.option().is_some() {
            self.set_option(&set.into());
            return;
        }
        field.mask_prerequisites(&self.flow, &mut self.mask);
        if !self.has(field) {
            self.warn(|| format!("unmet prerequisites for {field}, set_field ignored"));
            return;
        }
        mask_bits(field, set.mask, &mut self.mask);
        if field == Field::IPV6_LABEL {
            touch_label(&mut self.mask);
        }
        self.mask_protocol(field);
        let value = field.get(&self.flow) & !set.mask | set.value;
        field.set_key(&mut self.flow, value);
    }

    /// The same of an option of a tunnel's header, which is there from then on.
    pub(super) fn set_option(&mut self, set: &SetOption) {
        let Some(n) = set.field.option() else { return };
        let places = &self.bridge.options.places;
        places.add_bits(&mut self.mask, n, &set.mask);
        let value = places.read(&self.flow.tunnel, n) & !set.mask | set.value;
        places.set(&mut self.flow, Subfield::whole(set.field), &value);
    }

    /// The value of some bits, right-aligned.
    pub(super) fn read(&self, bits: Subfield) -> Wide {
        self.bridge.options.places.get(&self.flow, bits)
    }

    /// Writes some bits.
    pub(super) fn write(&mut self, bits: Subfield, value: &Wide) {
        self.bridge.options.places.set(&mut self.flow, bits, value);
    }

    /// Adds some bits to the mask.
    pub(super) fn mask_subfield(&mut self, bits: Subfield) {
        self.bridge.options.places.mask_into(bits, &mut self.mask);
    }

    /// Whether the packet has a field: later fragments have no transport header, whatever their protocol.
    fn has(&self, field: Field) -> bool {
        let transport = matches!(
            field.facts().prereq,
            Prereq::Tcp | Prereq::Udp | Prereq::Sctp | Prereq::Icmpv4 | Prereq::Icmpv6
        );
        field.applies(&self.flow) && !(transport && self.flow.nw_frag & 2 != 0)
    }

    /// Without a protocol there is no network header to write to: who writes must know it. As in the original, `move`
    /// and `pop` find that out when the header is written, if at all, and the shifted form of the code point never.
    fn mask_protocol(&mut self, field: Field) {
        const NETWORK: [Field; 12] = [
            Field::IP_SRC,
            Field::IP_DST,
            Field::IPV6_SRC,
            Field::IPV6_DST,
            Field::IPV6_LABEL,
            Field::IP_TOS,
            Field::IP_ECN,
            Field::IP_TTL,
            Field::ARP_SPA,
            Field::ARP_TPA,
            Field::ARP_SHA,
            Field::ARP_THA,
        ];
        if NETWORK.contains(&field) {
            self.mask.fields.nw_proto = 0xff;
        }
    }

    /// `mod_*` of OpenFlow 1.0.
    pub(super) fn modify(&mut self, change: Mod) {
        let (flow, mask) = (&mut self.flow, &mut self.mask.fields);
        let dl_type = flow.ethertype();
        let is_ip = matches!(dl_type, IPV4 | IPV6);
        let writes = match change {
            Mod::Ipv4Src(_) | Mod::Ipv4Dst(_) => dl_type == IPV4,
            Mod::Tos(_) | Mod::Ecn(_) | Mod::Ttl(_) => is_ip,
            _ => false,
        };
        if writes {
            mask.nw_proto = 0xff;
        }
        match change {
            Mod::EthSrc(mac) => (flow.dl_src, mask.dl_src) = (mac, [0xff; 6]),
            Mod::EthDst(mac) => (flow.dl_dst, mask.dl_dst) = (mac, [0xff; 6]),
            Mod::Ipv4Src(ip) if dl_type == IPV4 => {
                mask.nw_src.set(u32::MAX);
                flow.nw_src.set(ip);
            }
            Mod::Ipv4Dst(ip) if dl_type == IPV4 => {
                mask.nw_dst.set(u32::MAX);
                flow.nw_dst.set(ip);
            }
            Mod::Tos(dscp) if is_ip => {
                mask.nw_tos |= 0xfc;
                flow.nw_tos = flow.nw_tos & 3 | dscp & 0xfc;
            }
            Mod::Ecn(ecn) if is_ip => {
                mask.nw_proto = 0xff;
                mask.nw_tos |= 3;
                flow.nw_tos = flow.nw_tos & 0xfc | ecn & 3;
            }
            Mod::Ttl(ttl) if is_ip => (flow.nw_ttl, mask.nw_ttl, mask.nw_proto) = (ttl, 0xff, 0xff),
            Mod::TpSrc(port) if is_ip && flow.nw_frag & 2 == 0 => {
                mask.nw_proto = 0xff;
                mask.tp_src.set(u16::MAX);
                flow.tp_src.set(port);
            }
            Mod::TpDst(port) if is_ip && flow.nw_frag & 2 == 0 => {
                mask.nw_proto = 0xff;
                mask.tp_dst.set(u16::MAX);
                flow.tp_dst.set(port);
            }
            _ => {}
        }
    }

    /// `delete_field`: an option of a tunnel's header is not there any more.
    pub(super) fn delete_field(&mut self, field: Field) {
        match field.option() {
            Some(n) => self.bridge.options.places.clear(&mut self.flow, n),
            None => field.clear_key(&mut self.flow),
        }
        self.detail(|| format!("delete {field}"));
    }

    /// `move`.
    pub(super) fn move_bits(&mut self, src: Subfield, dst: Subfield) {
        dst.field().mask_prerequisites(&self.flow, &mut self.mask);
        if self.has(dst.field()) {
            src.field().mask_prerequisites(&self.flow, &mut self.mask);
            if self.has(src.field()) {
                self.look_at(dst);
                self.look_at(src);
                let value = self.read(src);
                self.write_bits(dst, &value);
            }
        }
        self.report_subfield(dst);
    }

    /// `push`.
    pub(super) fn stack_push(&mut self, src: Subfield) {
        self.look_at(src);
        let value = self.read(src);
        self.stack.push((src, value));
    }

    /// `pop`: an empty stack leaves the field alone.
    pub(super) fn stack_pop(&mut self, dst: Subfield) {
        let Some((_, value)) = self.stack.pop() else {
            self.fail_softly(|| "stack underflow".into());
            return;
        };
        self.look_at(dst);
        self.write_bits(dst, &value);
        self.report_subfield(dst);
    }

    /// Writes bits; those of a VLAN's identifier leave it open whether there is a tag.
    fn write_bits(&mut self, dst: Subfield, value: &Wide) {
        let tag = self.flow.vlans[0].tci.get() & VLAN_CFI;
        self.write(dst, value);
        if dst.field() == Field::VLAN_VID {
            let tci = &mut self.flow.vlans[0].tci;
            tci.set(tci.get() & !VLAN_CFI | tag);
        }
    }

    /// Puts bits that an action reads or writes into the mask.
    fn look_at(&mut self, bits: Subfield) {
        if bits.field().option().is_some() {
            self.mask_subfield(bits);
            return;
        }
        mask_bits(bits.field(), bits.bits(), &mut self.mask);
        if bits.field() == Field::IPV6_LABEL {
            touch_label(&mut self.mask);
        }
    }

    /// `write_metadata`.
    pub(super) fn write_metadata(&mut self, value: u64, mask: u64) {
        let metadata = self.flow.metadata.get() & !mask | value & mask;
        self.flow.metadata.set(metadata);
    }

    /// `dec_ttl`: `false` if the time to live has run out; then these controllers get the packet.
    pub(super) fn dec_ttl(&mut self, controllers: &[u16]) -> bool {
        (self.mask.fields.nw_ttl, self.mask.fields.nw_proto) = (0xff, 0xff);
        if !self.is_ip() {
            return true;
        }
        if self.flow.nw_ttl > 1 {
            self.flow.nw_ttl -= 1;
            return true;
        }
        for id in controllers {
            self.punt_invalid_ttl(*id);
        }
        let version = if self.flow.ethertype() == IPV4 { 4 } else { 6 };
        self.warn(|| format!("IPv{version} decrement TTL exception"));
        false
    }

    pub(super) fn report_subfield(&mut self, dst: Subfield) {
        if T::ACTIVE {
            let (value, field) = (self.read(dst), dst.field());
            let whole = field.option().is_none() && dst == Subfield::whole(field);
            self.detail(|| {
                if whole {
                    let text = field.text(value.low(), field.full(), &ovs_flow::text::NoNames);
                    format!("{dst} is now {text}")
                } else {
                    format!("{dst} is now {value}")
                }
            });
        }
    }
}
