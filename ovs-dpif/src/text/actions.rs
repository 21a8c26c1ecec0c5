//! Lists of actions.

use std::fmt;

use ovs_flow::VLAN_CFI;
use ovs_flow::text::DpPortNames;

use super::ct::DisplayCt;
use super::fields::{DisplaySet, Eth, write_lse};
use super::tnl::write_push;
use super::{Hex, write_port};
use crate::{
    Action, CheckPktLenAction, ControllerPunt, HashAlgorithm, NshHeader, NshMetadata, PuntCookie,
    SampleAction, SlowPath, TooBigPunt, UserspaceAction,
};

/// A list of actions, after `actions:`.
pub struct DisplayActions<'a, P> {
    actions: &'a [Action],
    names: &'a P,
}

impl<'a, P: DpPortNames> DisplayActions<'a, P> {
    /// Prints `actions`, and ports by name if `names` has one.
    pub fn new(actions: &'a [Action], names: &'a P) -> Self {
        Self { actions, names }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>, actions: &[Action]) -> fmt::Result {
        DisplayActions { actions, names: self.names }.fmt_list(f)
    }

    fn fmt_list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.actions.is_empty() {
            return f.write_str("drop");
        }
        for (index, action) in self.actions.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            self.action(f, action)?;
        }
        Ok(())
    }

    fn action(&self, f: &mut fmt::Formatter<'_>, action: &Action) -> fmt::Result {
        match action {
            Action::Output(port) => write_port(f, *port, self.names),
            Action::Userspace(userspace) => self.userspace(f, userspace),
            Action::Set(field) => write!(f, "set({})", DisplaySet(field)),
            Action::PushVlan { tpid, tci } => push_vlan(f, *tpid, *tci),
            Action::PopVlan => f.write_str("pop_vlan"),
            Action::PushMpls { ethertype, lse } => {
                f.write_str("push_mpls(")?;
                write_lse(f, *lse)?;
                write!(f, ",eth_type={ethertype:#x})")
            }
            Action::PopMpls { ethertype } => write!(f, "pop_mpls(eth_type={ethertype:#x})"),
            Action::AddMpls { ethertype, lse, .. } => {
                f.write_str("add_mpls(")?;
                write_lse(f, *lse)?;
                write!(f, ",eth_type={ethertype:#x})")
            }
            Action::PushNsh(header) => push_nsh(f, header),
            Action::PopNsh => f.write_str("pop_nsh()"),
            Action::CheckPktLen(check) => self.check_pkt_len(f, check),
            Action::PushEth { src, dst } => write!(f, "push_eth(src={},dst={})", Eth(*src), Eth(*dst)),
            Action::PopEth => f.write_str("pop_eth"),
            Action::Hash { algorithm, basis } => {
                let name = match algorithm {
                    HashAlgorithm::L4 => "l4",
                    HashAlgorithm::SymmetricL4 => "sym_l4",
                };
                write!(f, "hash({name}({basis}))")
            }
            Action::Recirc(id) => write!(f, "recirc({})", Hex(u64::from(*id))),
            Action::Meter(meter) => write!(f, "meter({})", meter.0),
            Action::Trunc(max) => write!(f, "trunc({max})"),
            Action::Sample(sample) => self.sample(f, sample),
            Action::Clone(actions) => {
                f.write_str("clone(")?;
                self.list(f, actions)?;
                f.write_str(")")
            }
            Action::Drop(_) => f.write_str("drop"),
            Action::Ct(ct) => write!(f, "{}", DisplayCt(ct)),
            Action::CtClear => f.write_str("ct_clear"),
            Action::TnlPush(push) => write_push(f, push, self.names),
            Action::TnlPop { port, .. } => {
                f.write_str("tnl_pop(")?;
                write_port(f, *port, self.names)?;
                f.write_str(")")
            }
        }
    }

    fn sample(&self, f: &mut fmt::Formatter<'_>, sample: &SampleAction) -> fmt::Result {
        let percent = 100.0 * f64::from(sample.probability) / f64::from(u32::MAX);
        write!(f, "sample(sample={percent:.1}%,actions(")?;
        self.list(f, &sample.actions)?;
        f.write_str("))")
    }

    fn check_pkt_len(&self, f: &mut fmt::Formatter<'_>, check: &CheckPktLenAction) -> fmt::Result {
        write!(f, "check_pkt_len(size={},gt(", check.len)?;
        self.list(f, &check.greater)?;
        f.write_str("),le(")?;
        self.list(f, &check.less_equal)?;
        f.write_str("))")
    }

    fn userspace(&self, f: &mut fmt::Formatter<'_>, action: &UserspaceAction) -> fmt::Result {
        f.write_str("userspace(pid=0,")?;
        match &action.cookie {
            PuntCookie::SlowPath(reason) => write!(f, "slow_path({})", reason.name())?,
            PuntCookie::Controller(punt) => controller(f, punt)?,
            PuntCookie::TooBig(TooBigPunt { bridge, port, most }) => {
                write!(f, "too_big(bridge={bridge},port={port},most={most})")?;
            }
        }
        if let Some(egress) = action.egress {
            f.write_str(",tunnel_out_port=")?;
            write_port(f, egress, self.names)?;
        }
        f.write_str(")")
    }
}

impl<P: DpPortNames> fmt::Display for DisplayActions<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_list(f)
    }
}

impl SlowPath {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Action, Self::Match, Self::Cfm, Self::Bfd, Self::Lacp, Self::Stp, Self::Lldp];

    /// As `slow_path(…)` writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Match => "match",
            Self::Cfm => "cfm",
            Self::Bfd => "bfd",
            Self::Lacp => "lacp",
            Self::Stp => "stp",
            Self::Lldp => "lldp",
        }
    }
}

fn push_vlan(f: &mut fmt::Formatter<'_>, tpid: u16, tci: u16) -> fmt::Result {
    f.write_str("push_vlan(")?;
    if tpid != 0x8100 {
        write!(f, "tpid={tpid:#06x},")?;
    }
    write!(f, "vid={},pcp={}", tci & 0x0fff, tci >> 13)?;
    if tci & VLAN_CFI == 0 {
        f.write_str(",cfi=0")?;
    }
    f.write_str(")")
}

fn push_nsh(f: &mut fmt::Formatter<'_>, header: &NshHeader) -> fmt::Result {
    let md_type = if matches!(header.context, NshMetadata::Fixed(_)) { 1 } else { 2 };
    write!(f, "push_nsh(flags={},ttl={},mdtype={md_type},", header.flags, header.ttl)?;
    write!(f, "np={},spi={:#x},si={}", header.np, header.spi, header.si)?;
    match &header.context {
        NshMetadata::Fixed(words) => {
            for (n, word) in (1..).zip(words) {
                write!(f, ",c{n}={word:#x}")?;
            }
        }
        NshMetadata::Options(options) => {
            f.write_str(",md2=0x")?;
            for byte in options {
                write!(f, "{byte:02x}")?;
            }
        }
    }
    f.write_str(")")
}

fn controller(f: &mut fmt::Formatter<'_>, punt: &ControllerPunt) -> fmt::Result {
    write!(
        f,
        "controller(reason={},dont_send={},continuation={},recirc_id={},rule_cookie={},controller_id={},max_len={})",
        punt.reason,
        u8::from(punt.dont_send),
        u8::from(punt.continuation),
        punt.recirc_id,
        Hex(punt.rule_cookie),
        punt.controller_id,
        punt.max_len
    )
}
