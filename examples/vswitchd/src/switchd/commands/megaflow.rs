//! Megaflows by hand: `dpctl/add-flow`, `mod-flow`, `del-flow`, `get-flow`.

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
use super::flow_file::{self, Change, Lines};
use super::flows::{Names, Style, line};
use super::{Answer, Command, done, fail};

/// An operation that a command waits for.
#[derive(Debug)]
pub struct Operation {
    begun: Begun,
    request: RequestId,
    /// Whether the flow's counters are the answer.
    statistics: bool,
    /// What is to be done next, if it comes from a file.
    lines: Option<Lines>,
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

/// An operation that was given to a datapath.
#[derive(Debug)]
pub struct Begun {
    /// The datapath's name.
    datapath: String,
    ticket: Ticket,
    /// What failed, if it fails.
    what: &'static str,
}

/// Submits an operation; the error is what the user reads.
fn submit(
    switchd: &mut Vswitchd,
    name: Option<&str>,
    what: &'static str,
    op: impl FnOnce(&Datapath) -> Result<Op, String>,
) -> Result<Begun, String> {
    let program = switchd.program.name.clone();
    let datapath = choose(switchd, name)?;
    let submitted =
        op(datapath).and_then(|op| datapath.switch.submit(op).map_err(|busy| format!("{what} ({busy})")));
    let ticket = submitted.map_err(|error| format!("{program}: {error}"))?;
    Ok(Begun { datapath: datapath.switch.dpif().name().to_owned(), ticket, what })
}

/// Waits for an operation whose completion is the answer.
fn await_it(
    switchd: &mut Vswitchd,
    request: &Request<Command>,
    statistics: bool,
    begun: Result<Begun, String>,
) -> Answer {
    match begun {
        Ok(begun) => {
            let (request, lines) = (request.id, None);
            switchd.operations.push(Operation { begun, request, statistics, lines });
            None
        }
        Err(error) => fail(error),
    }
}

/// Begins what a line of a file asks for.
pub(super) fn begin(
    switchd: &mut Vswitchd,
    name: Option<&str>,
    change: Change,
    (flow, actions): (&str, &str),
) -> Result<Begun, String> {
    match change {
        Change::Add => begin_put(switchd, name, PutMode::Create, (flow, actions)),
        Change::Modify => begin_put(switchd, name, PutMode::Modify, (flow, actions)),
        Change::Delete => begin_delete(switchd, name, flow),
    }
}

fn begin_put(
    switchd: &mut Vswitchd,
    name: Option<&str>,
    mode: PutMode,
    (text, actions): (&str, &str),
) -> Result<Begun, String> {
    submit(switchd, name, "updating flow table", |datapath| {
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

fn begin_delete(switchd: &mut Vswitchd, name: Option<&str>, text: &str) -> Result<Begun, String> {
    submit(switchd, name, "deleting flow", |datapath| {
        let Named { ufid, matching } = flow(text, &Names::of(datapath, true))?;
        let ufid = ufid.or_else(|| matching.map(|(key, mask)| flow_ufid(&key, &mask)));
        let ufid = ufid.ok_or("parsing flow key (Invalid argument)")?;
        Ok(Op::FlowDel { ufid, worker: None })
    })
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
    let begun = begin_put(switchd, name, mode, (text, actions));
    await_it(switchd, request, asked.statistics, begun)
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
    let begun = begin_delete(switchd, name, text);
    await_it(switchd, request, asked.statistics, begun)
}

/// `dpctl/del-flows` of all.
pub(super) fn delete_all(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let name = request.args.first().map(String::as_str);
    let begun = submit(switchd, name, "deleting all flows", |_| Ok(Op::FlowFlush));
    await_it(switchd, request, false, begun)
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
    /// One of several that a file asks for.
    pub(super) fn of_file(begun: Begun, request: RequestId, lines: Lines) -> Self {
        Self { begun, request, statistics: false, lines: Some(lines) }
    }

    /// Whether it is this one that has completed.
    pub fn is(&self, datapath: &str, ticket: Ticket) -> bool {
        self.is_of(datapath) && self.begun.ticket == ticket
    }

    /// Whether it was given to this datapath.
    pub fn is_of(&self, datapath: &str) -> bool {
        self.begun.datapath == datapath
    }

    /// Whose answer it is, and that there will be none from the datapath.
    pub fn give_up(self, program: &str) -> (RequestId, Result<String, String>) {
        (self.request, Err(format!("{program}: {} (the datapath is gone)", self.begun.what)))
    }

    /// It has completed. Whose answer that is, and the answer; `None` if more is to be done before.
    pub fn complete(
        self,
        switchd: &mut Vswitchd,
        result: Result<Completion, DpifError>,
        now: Duration,
    ) -> (RequestId, Answer) {
        let failed =
            result.as_ref().err().map(|error| refusal(&switchd.program.name, self.begun.what, error));
        if let Some(mut lines) = self.lines {
            if let Some(error) = failed {
                lines.say(&error);
            }
            let answer = flow_file::next(switchd, self.request, Some(&self.begun.datapath), lines);
            return (self.request, answer);
        }
        let answer = match (result, failed) {
            (Ok(completion), _) if self.statistics => Ok(counters(&completion, now)),
            (_, failed) => failed.map_or_else(|| Ok(String::new()), Err),
        };
        (self.request, Some(answer))
    }
}

/// Why an operation failed, as the user reads it.
fn refusal(program: &str, what: &str, error: &DpifError) -> String {
    let (why, hint) = match error {
        DpifError::FlowExists => ("File exists".to_owned(), ""),
        DpifError::NoFlow if what == "deleting flow" => {
            ("No such file or directory".to_owned(), "\nPerhaps you need to specify a UFID?")
        }
        DpifError::NoFlow => ("No such file or directory".to_owned(), ""),
        other => (other.to_string(), ""),
    };
    format!("{program}: {what} ({why}){hint}")
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
