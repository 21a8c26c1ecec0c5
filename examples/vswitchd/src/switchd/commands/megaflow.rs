//! Megaflows by hand: `dpctl/add-flow`, `mod-flow`, `del-flow`, `del-flows`, `get-flow`.

use std::fmt::Write as _;
use std::time::Duration;

use ovs_db::unixctl::{Request, RequestId};
use ovs_dpif::text::{DisplayTcpFlags, DisplayUsed, parse_actions};
use ovs_dpif::{Completion, DpifError, FlowPut, Op, PutMode, Ticket, flow_ufid};
use ovs_flow::text::parse_dp_flow;
use ovs_flow::{FlowKey, FlowMask, Ufid};

use super::super::Vswitchd;
use super::super::datapath::Datapath;
use super::datapath::choose;
use super::flows::{Names, Style, line};
use super::{Answer, Command, done, fail};

/// An operation that a command waits for.
#[derive(Debug)]
pub struct Operation {
    /// The datapath's name.
    datapath: String,
    ticket: Ticket,
    request: RequestId,
    /// What failed, if it fails.
    what: &'static str,
    /// Whether the flow's counters are the answer.
    statistics: bool,
}

/// The arguments of a command, taken apart.
#[derive(Default)]
struct Asked<'a> {
    statistics: bool,
    may_create: bool,
    more: bool,
    names: bool,
    words: Vec<&'a str>,
}

impl<'a> Asked<'a> {
    fn of(args: &'a [String]) -> Result<Self, String> {
        let mut asked = Self::default();
        for arg in args {
            match arg.as_str() {
                "-s" | "--statistics" => asked.statistics = true,
                "--may-create" => asked.may_create = true,
                "-m" | "--more" => (asked.more, asked.names) = (true, true),
                "--names" => asked.names = true,
                "--no-names" => asked.names = false,
                "--clear" => return Err("--clear (Operation not supported)".to_owned()),
                word => asked.words.push(word),
            }
        }
        Ok(asked)
    }

    /// The last words, of which there are so many, and the datapath's name before them.
    fn split(&self, count: usize) -> (Option<&'a str>, &[&'a str]) {
        let (name, rest) = self.words.split_at(self.words.len().saturating_sub(count));
        (name.first().copied(), rest)
    }
}

/// A flow as the commands name it: `ufid:UUID`, a key under a mask, or both.
struct Named {
    ufid: Option<Ufid>,
    matching: Option<(FlowKey, FlowMask)>,
}

fn flow(text: &str, names: &Names) -> Result<Named, String> {
    let (ufid, rest) = match text.strip_prefix("ufid:") {
        Some(text) => {
            let (digits, rest) = text.split_once(',').map_or((text, None), |(ufid, rest)| (ufid, Some(rest)));
            (Some(ufid_of(digits).ok_or("parsing flow ufid (Invalid argument)")?), rest)
        }
        None => (None, Some(text)),
    };
    let flow = rest.map(|rest| {
        parse_dp_flow(rest, names).map_err(|error| format!("parsing flow key ({error}) (Invalid argument)"))
    });
    Ok(Named { ufid, matching: flow.transpose()? })
}

/// A number of 128 bits in the form of a UUID.
pub(super) fn ufid_of(text: &str) -> Option<Ufid> {
    let lengths = text.split('-').map(str::len);
    let hex: String = text.split('-').collect();
    let right = lengths.eq([8, 4, 4, 4, 12]) && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
    u128::from_str_radix(&hex, 16).ok().filter(|_| right).map(Ufid)
}

/// Submits an operation whose completion is the answer.
fn submit(
    switchd: &mut Vswitchd,
    request: &Request<Command>,
    name: Option<&str>,
    (what, statistics): (&'static str, bool),
    op: impl FnOnce(&Datapath) -> Result<Op, String>,
) -> Answer {
    let program = switchd.program.name.clone();
    let datapath = match choose(switchd, name) {
        Ok(datapath) => datapath,
        Err(error) => return fail(error),
    };
    let submitted =
        op(datapath).and_then(|op| datapath.switch.submit(op).map_err(|busy| format!("{what} ({busy})")));
    let ticket = match submitted {
        Ok(ticket) => ticket,
        Err(error) => return fail(format!("{program}: {error}")),
    };
    let datapath = datapath.switch.dpif().name().to_owned();
    switchd.operations.push(Operation { datapath, ticket, request: request.id, what, statistics });
    None
}

fn put(switchd: &mut Vswitchd, request: &Request<Command>, modify: bool) -> Answer {
    let asked = match Asked::of(&request.args) {
        Ok(asked) => asked,
        Err(error) => return fail(format!("{}: {error}", switchd.program.name)),
    };
    let (name, words) = asked.split(2);
    let &[text, actions] = words else { return fail("a flow and actions are needed") };
    let mode = match (modify, asked.may_create) {
        (false, _) => PutMode::Create,
        (true, false) => PutMode::Modify,
        (true, true) => PutMode::Upsert,
    };
    submit(switchd, request, name, ("updating flow table", asked.statistics), |datapath| {
        let names = Names::of(datapath, true);
        let Named { ufid, matching } = flow(text, &names)?;
        let (key, mask) = matching.ok_or("parsing flow key (Invalid argument)")?;
        let actions =
            parse_actions(actions, &names).map_err(|_| "parsing actions (Invalid argument)".to_owned())?;
        let put = FlowPut {
            ufid,
            key: Box::new(key),
            mask: Box::new(mask),
            actions: actions.into(),
            mode,
            worker: None,
        };
        Ok(Op::FlowPut(put))
    })
}

/// `dpctl/add-flow`.
pub fn add(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    put(switchd, request, false)
}

/// `dpctl/mod-flow`.
pub fn modify(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    put(switchd, request, true)
}

/// `dpctl/del-flow`.
pub fn delete(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let asked = match Asked::of(&request.args) {
        Ok(asked) => asked,
        Err(error) => return fail(format!("{}: {error}", switchd.program.name)),
    };
    let (name, words) = asked.split(1);
    let &[text] = words else { return fail("a flow is needed") };
    submit(switchd, request, name, ("deleting flow", asked.statistics), |datapath| {
        let Named { ufid, matching } = flow(text, &Names::of(datapath, true))?;
        let ufid = ufid.or_else(|| matching.map(|(key, mask)| flow_ufid(&key, &mask)));
        let ufid = ufid.ok_or("parsing flow key (Invalid argument)")?;
        Ok(Op::FlowDel { ufid, worker: None })
    })
}

/// `dpctl/del-flows`.
pub fn delete_all(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let name = request.args.first().map(String::as_str);
    submit(switchd, request, name, ("deleting all flows", false), |_| Ok(Op::FlowFlush))
}

/// `dpctl/get-flow`.
pub fn get(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let program = switchd.program.name.clone();
    let asked = match Asked::of(&request.args) {
        Ok(asked) => asked,
        Err(error) => return fail(format!("{program}: {error}")),
    };
    let (name, words) = asked.split(1);
    let ufid = words.first().and_then(|text| text.strip_prefix("ufid:")).and_then(ufid_of);
    let Some(ufid) = ufid else { return fail(format!("{program}: parsing flow ufid (Invalid argument)")) };
    let now = switchd.clock.now();
    let datapath = match choose(switchd, name) {
        Ok(datapath) => datapath,
        Err(error) => return fail(error),
    };
    let names = Names::of(datapath, asked.names);
    let style = Style { more: asked.more, names: asked.names, dpctl: true };
    let mut text = String::new();
    datapath.switch.dpif_mut().get_flow(ufid, None, &mut |flow| line(&mut text, &flow, &names, style, now));
    if text.is_empty() {
        return fail(format!("{program}: getting flow (No such file or directory)"));
    }
    done(text)
}

impl Operation {
    /// Whether it is this one that has completed.
    pub fn is(&self, datapath: &str, ticket: Ticket) -> bool {
        self.is_of(datapath) && self.ticket == ticket
    }

    /// Whether it was given to this datapath.
    pub fn is_of(&self, datapath: &str) -> bool {
        self.datapath == datapath
    }

    /// Whose answer it is, and that there will be none from the datapath.
    pub fn give_up(self, program: &str) -> (RequestId, Result<String, String>) {
        (self.request, Err(format!("{program}: {} (the datapath is gone)", self.what)))
    }

    /// Whose answer it is, and the answer.
    pub fn answer(
        self,
        program: &str,
        result: Result<Completion, DpifError>,
        now: Duration,
    ) -> (RequestId, Result<String, String>) {
        let answer = match result {
            Ok(completion) if self.statistics => Ok(counters(&completion, now)),
            Ok(_) => Ok(String::new()),
            Err(error) => {
                let (why, hint) = match error {
                    DpifError::FlowExists => ("File exists".to_owned(), ""),
                    DpifError::NoFlow if self.what == "deleting flow" => {
                        ("No such file or directory".to_owned(), "\nPerhaps you need to specify a UFID?")
                    }
                    DpifError::NoFlow => ("No such file or directory".to_owned(), ""),
                    other => (other.to_string(), ""),
                };
                Err(format!("{program}: {} ({why}){hint}", self.what))
            }
        };
        (self.request, answer)
    }
}

/// The counters of a flow, of all workers together.
fn counters(completion: &Completion, now: Duration) -> String {
    let mut sum = ovs_dpif::FlowStats::default();
    for (_, stats) in &completion.stats {
        sum.packets += stats.packets;
        sum.bytes += stats.bytes;
        sum.tcp_flags |= stats.tcp_flags;
        sum.used = sum.used.max(stats.used);
    }
    let used = DisplayUsed { used: sum.used, now };
    let mut text = format!("packets:{}, bytes:{}, used:{used}", sum.packets, sum.bytes);
    if sum.tcp_flags != 0 {
        // Writing to a string does not fail.
        let _ = write!(text, ", flags:{}", DisplayTcpFlags(sum.tcp_flags));
    }
    text
}
