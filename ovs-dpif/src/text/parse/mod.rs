//! Reads lists of actions, as `dpctl/add-flow` takes them.

mod ct;
mod fields;
mod nsh;
mod scan;

use ovs_flow::text::DpPortNames;
use ovs_flow::{DpPort, VLAN_CFI};

use self::scan::Scanner;
use crate::{
    Action, CheckPktLenAction, ControllerPunt, HashAlgorithm, MeterId, PuntCookie, SampleAction, SlowPath,
    TooBigPunt, UserspaceAction,
};

/// How deep lists may stand in lists.
const MAX_DEPTH: u32 = 16;

/// Why a text is not a list of actions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseActionsError {
    /// No action, port or member of that name.
    #[error("at byte {at}: \"{name}\" is not known here")]
    Unknown {
        /// Where, in bytes from the start.
        at: usize,
        /// What stands there.
        name: String,
    },
    /// Something else must stand there.
    #[error("at byte {at}: expected {what}")]
    Expected {
        /// Where, in bytes from the start.
        at: usize,
        /// What must stand there.
        what: &'static str,
    },
    /// Lists in lists in lists …
    #[error("at byte {at}: lists stand in each other too deep")]
    TooDeep {
        /// Where, in bytes from the start.
        at: usize,
    },
}

/// Reads a list of actions; ports may be numbers, or names that `names` knows. `drop`, and nothing at all, are
/// the empty list.
///
/// ```
/// use ovs_dpif::Action;
/// use ovs_dpif::ovs_flow::{DpPort, text::NoNames};
/// use ovs_dpif::text::parse_actions;
///
/// assert_eq!(parse_actions("pop_vlan,2", &NoNames)?, [Action::PopVlan, Action::Output(DpPort(2))]);
/// # Ok::<(), ovs_dpif::text::ParseActionsError>(())
/// ```
pub fn parse_actions(text: &str, names: &impl DpPortNames) -> Result<Vec<Action>, ParseActionsError> {
    let mut scanner = Scanner::new(text);
    let list = list(&mut scanner, names, 0)?;
    if scanner.is_at_end() { Ok(list) } else { Err(scanner.expected("a comma or the end")) }
}

/// A list up to the end of the text or a closing parenthesis.
fn list(
    scan: &mut Scanner<'_>,
    names: &impl DpPortNames,
    depth: u32,
) -> Result<Vec<Action>, ParseActionsError> {
    if depth > MAX_DEPTH {
        return Err(ParseActionsError::TooDeep { at: scan.at() });
    }
    let mut actions = Vec::new();
    if scan.is_at_end() || scan.sees(")") || scan.word_is("drop") {
        scan.eat("drop");
        return Ok(actions);
    }
    loop {
        actions.push(action(scan, names, depth)?);
        if !scan.eat(",") {
            return Ok(actions);
        }
    }
}

fn action(scan: &mut Scanner<'_>, names: &impl DpPortNames, depth: u32) -> Result<Action, ParseActionsError> {
    let at = scan.at();
    let word = scan.word();
    if !scan.eat("(") {
        return match word {
            "pop_vlan" => Ok(Action::PopVlan),
            "pop_eth" => Ok(Action::PopEth),
            "ct" => Ok(Action::Ct(Box::default())),
            "ct_clear" => Ok(Action::CtClear),
            "pop_nsh" => Ok(Action::PopNsh),
            _ => port(word, at, names).map(Action::Output),
        };
    }
    let action = match word {
        "push_vlan" => push_vlan(scan)?,
        "ct" => Action::Ct(Box::new(ct::action(scan)?)),
        "push_mpls" => {
            let (ethertype, lse) = label(scan)?;
            Action::PushMpls { ethertype, lse }
        }
        "add_mpls" => {
            let (ethertype, lse) = label(scan)?;
            Action::AddMpls { ethertype, lse, behind_eth: false }
        }
        "push_nsh" => nsh::push(scan)?,
        "pop_nsh" => Action::PopNsh,
        "check_pkt_len" => check_pkt_len(scan, names, depth)?,
        "pop_mpls" => {
            scan.expect("eth_type=", "eth_type=")?;
            Action::PopMpls { ethertype: scan.number(0xffff)? as u16 }
        }
        "push_eth" => {
            scan.expect("src=", "src=")?;
            let src = scan.eth()?;
            scan.expect(",dst=", ",dst=")?;
            Action::PushEth { src, dst: scan.eth()? }
        }
        "set" => Action::Set(fields::field(scan)?),
        "hash" => hash(scan)?,
        "recirc" => Action::Recirc(scan.number(u32::MAX.into())? as u32),
        "meter" => Action::Meter(MeterId(scan.number(u32::MAX.into())? as u32)),
        "trunc" => Action::Trunc(scan.number(u32::MAX.into())? as u32),
        "clone" => Action::Clone(list(scan, names, depth + 1)?.into()),
        "sample" => sample(scan, names, depth)?,
        "userspace" => userspace(scan, names)?,
        name => return Err(ParseActionsError::Unknown { at, name: name.to_owned() }),
    };
    scan.close()?;
    Ok(action)
}

fn port(word: &str, at: usize, names: &impl DpPortNames) -> Result<DpPort, ParseActionsError> {
    let number = word.parse().ok().map(DpPort).or_else(|| names.number(word));
    number.ok_or_else(|| ParseActionsError::Unknown { at, name: word.to_owned() })
}

fn push_vlan(scan: &mut Scanner<'_>) -> Result<Action, ParseActionsError> {
    let (mut tpid, mut vid, mut pcp, mut cfi) = (0x8100, 0, 0, 1);
    scan.members(&mut |scan, name| {
        match name {
            "tpid" => tpid = scan.number(0xffff)? as u16,
            "vid" => vid = scan.number(0xfff)? as u16,
            "pcp" => pcp = scan.number(7)? as u16,
            "cfi" => cfi = scan.number(1)? as u16,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Action::PushVlan { tpid, tci: (pcp << 13) | (cfi * VLAN_CFI) | vid })
}

/// The Ethernet type and the label stack entry to push.
fn label(scan: &mut Scanner<'_>) -> Result<(u16, u32), ParseActionsError> {
    let (mut lse, mut ethertype) = (0, 0x8847);
    scan.members(&mut |scan, name| {
        match name {
            "label" => lse |= (scan.number(0xf_ffff)? as u32) << 12,
            "tc" => lse |= (scan.number(7)? as u32) << 9,
            "ttl" => lse |= scan.number(0xff)? as u32,
            "bos" => lse |= (scan.number(1)? as u32) << 8,
            "eth_type" => ethertype = scan.number(0xffff)? as u16,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok((ethertype, lse))
}

fn check_pkt_len(
    scan: &mut Scanner<'_>,
    names: &impl DpPortNames,
    depth: u32,
) -> Result<Action, ParseActionsError> {
    scan.expect("size=", "size=")?;
    let len = scan.number(0xffff)? as u16;
    scan.expect(",gt(", ",gt(")?;
    let greater = list(scan, names, depth + 1)?.into();
    scan.expect("),le(", "),le(")?;
    let less_equal = list(scan, names, depth + 1)?.into();
    scan.close()?;
    Ok(Action::CheckPktLen(CheckPktLenAction { len, greater, less_equal }))
}

fn hash(scan: &mut Scanner<'_>) -> Result<Action, ParseActionsError> {
    let at = scan.at();
    let algorithm = match scan.word() {
        "l4" | "hash_l4" => HashAlgorithm::L4,
        "sym_l4" => HashAlgorithm::SymmetricL4,
        name => return Err(ParseActionsError::Unknown { at, name: name.to_owned() }),
    };
    scan.expect("(", "(")?;
    let basis = scan.number(u32::MAX.into())? as u32;
    scan.close()?;
    Ok(Action::Hash { algorithm, basis })
}

fn sample(scan: &mut Scanner<'_>, names: &impl DpPortNames, depth: u32) -> Result<Action, ParseActionsError> {
    scan.expect("sample=", "sample=")?;
    let percent = scan.percent()?;
    scan.expect("%,actions(", "%,actions(")?;
    let actions = list(scan, names, depth + 1)?.into();
    scan.close()?;
    // A cast to an integer saturates at both of its ends.
    let probability = (percent / 100.0 * f64::from(u32::MAX)).round() as u32;
    Ok(Action::Sample(SampleAction { probability, actions }))
}

fn userspace(scan: &mut Scanner<'_>, names: &impl DpPortNames) -> Result<Action, ParseActionsError> {
    scan.expect("pid=", "pid=")?;
    scan.number(u32::MAX.into())?;
    scan.expect(",", "a comma")?;
    let at = scan.at();
    let cookie = match scan.word() {
        "slow_path" => {
            scan.expect("(", "(")?;
            PuntCookie::SlowPath(slow_path(scan)?)
        }
        "controller" => {
            scan.expect("(", "(")?;
            PuntCookie::Controller(controller(scan)?)
        }
        "too_big" => {
            scan.expect("(", "(")?;
            PuntCookie::TooBig(too_big(scan)?)
        }
        name => return Err(ParseActionsError::Unknown { at, name: name.to_owned() }),
    };
    scan.close()?;
    let mut egress = None;
    if scan.eat(",tunnel_out_port=") {
        let at = scan.at();
        egress = Some(port(scan.word(), at, names)?);
    }
    Ok(Action::Userspace(UserspaceAction { cookie, egress }))
}

fn slow_path(scan: &mut Scanner<'_>) -> Result<SlowPath, ParseActionsError> {
    let at = scan.at();
    let word = scan.word();
    let found = SlowPath::ALL.into_iter().find(|reason| reason.name() == word);
    found.ok_or_else(|| ParseActionsError::Unknown { at, name: word.to_owned() })
}

fn too_big(scan: &mut Scanner<'_>) -> Result<TooBigPunt, ParseActionsError> {
    let mut punt = TooBigPunt { bridge: 0, port: 0, most: 0 };
    scan.members(&mut |scan, name| {
        match name {
            "bridge" => punt.bridge = scan.number(u32::MAX.into())? as u32,
            "port" => punt.port = scan.number(0xffff)? as u16,
            "most" => punt.most = scan.number(0xffff)? as u16,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(punt)
}

fn controller(scan: &mut Scanner<'_>) -> Result<ControllerPunt, ParseActionsError> {
    let mut punt = ControllerPunt {
        reason: 0,
        dont_send: false,
        continuation: false,
        recirc_id: 0,
        rule_cookie: 0,
        controller_id: 0,
        max_len: 0,
    };
    scan.members(&mut |scan, name| {
        match name {
            "reason" => punt.reason = scan.number(0xff)? as u8,
            "dont_send" => punt.dont_send = scan.number(1)? == 1,
            "continuation" => punt.continuation = scan.number(1)? == 1,
            "recirc_id" => punt.recirc_id = scan.number(u32::MAX.into())? as u32,
            "rule_cookie" => punt.rule_cookie = scan.number(u64::MAX)?,
            "controller_id" => punt.controller_id = scan.number(0xffff)? as u16,
            "max_len" => punt.max_len = scan.number(0xffff)? as u16,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(punt)
}

#[cfg(test)]
mod tests;
