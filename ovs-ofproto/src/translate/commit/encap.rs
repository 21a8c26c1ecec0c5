//! Headers around the packet, and the network service header's own fields.

use ovs_dpif::{Action as DpAction, Masked, NshHeader, NshMetadata, SetField, SetNsh};
use ovs_flow::{FlowKey, STAGE_ENDS};

use crate::trace::Tracer;
use crate::translate::context::Context;
use crate::translate::encap::{ETHERTYPES, NSH};
use crate::translate::mpls::is_mpls;

/// Service path and index of a path header.
fn path(header: u32) -> (u32, u8) {
    (header >> 8, header as u8)
}

impl<T: Tracer> Context<'_, T> {
    pub(super) fn commit_encap(&mut self) {
        let (new, old) = (self.flow.packet_type, self.base.packet_type);
        if std::mem::take(&mut self.pending_encap) {
            self.put_header();
        } else if self.pending_decap || new != old {
            if new.get() >> 16 == 1 && old.get() == 0 {
                self.out.push(DpAction::PopEth);
                self.base.packet_type = new;
                (self.base.dl_src, self.base.dl_dst) = ([0; 6], [0; 6]);
            } else if old.get() == NSH {
                self.out.push(DpAction::PopNsh);
            } else if old.get() & 0xffff_0000 == ETHERTYPES && is_mpls(old.get() as u16) {
                let ethertype = self.flow.dl_type.get();
                self.out.push(DpAction::PopMpls { ethertype });
                self.base.mpls_lse = self.flow.mpls_lse;
                self.base.dl_type = self.flow.dl_type;
            }
        }
        self.pending_decap = false;
    }

    fn put_header(&mut self) {
        match self.flow.packet_type.get() {
            0 => {
                let (src, dst) = (self.flow.dl_src, self.flow.dl_dst);
                self.out.push(DpAction::PushEth { src, dst });
                (self.base.dl_src, self.base.dl_dst) = (src, dst);
            }
            NSH => self.put_nsh(),
            _ => {
                let (ethertype, entry) = (self.flow.dl_type.get(), self.flow.mpls_lse[0]);
                let behind_eth = false;
                self.out.push(DpAction::AddMpls { ethertype, lse: entry.get(), behind_eth });
                self.base.mpls_lse = self.flow.mpls_lse;
                self.base.dl_type = self.flow.dl_type;
            }
        }
        self.base.packet_type = self.flow.packet_type;
    }

    fn put_nsh(&mut self) {
        let nsh = &self.flow.nsh;
        let (spi, si) = path(nsh.path_hdr.get());
        let fixed = NshMetadata::Fixed(nsh.context.map(ovs_flow::U32::get));
        let context = self.nsh_options.take().unwrap_or(match nsh.mdtype {
            2 => NshMetadata::Options(Box::default()),
            _ => fixed,
        });
        let header = NshHeader { flags: nsh.flags, ttl: nsh.ttl, np: nsh.np, spi, si, context };
        self.out.push(DpAction::PushNsh(Box::new(header)));
        let from = STAGE_ENDS[0];
        self.base.words_mut()[from..].copy_from_slice(&self.flow.words()[from..]);
    }

    pub(super) fn commit_nsh(&mut self) {
        let (flow, base, mask) = (&self.flow, &self.base, &self.mask.fields);
        let of = |key: &FlowKey| {
            let nsh = &key.nsh;
            (nsh.flags, nsh.ttl, nsh.path_hdr, nsh.context)
        };
        if flow.dl_type.get() != NSH as u16 || of(flow) == of(base) {
            return;
        }
        // As in the original, all that was looked at is written, and not only what has changed.
        let (spi, si) = path(flow.nsh.path_hdr.get());
        let (spi_mask, si_mask) = path(mask.nsh.path_hdr.get());
        let set = SetNsh {
            flags: Masked::new(flow.nsh.flags, mask.nsh.flags),
            ttl: Masked::new(flow.nsh.ttl, mask.nsh.ttl),
            spi: Masked::new(spi, spi_mask),
            si: Masked::new(si, si_mask),
            context: std::array::from_fn(|n| {
                if flow.nsh.mdtype == 1 {
                    Masked::new(flow.nsh.context[n].get(), mask.nsh.context[n].get())
                } else {
                    Masked::NONE
                }
            }),
        };
        self.out.push(DpAction::Set(SetField::Nsh(Box::new(set))));
        self.base.nsh = self.flow.nsh;
    }
}
