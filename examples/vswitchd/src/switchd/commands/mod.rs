//! The appctl commands: names bound to what the libraries can show and do.

mod admin;
mod bfd;
mod conntrack;
mod datapath;
mod dpctl;
mod dummy;
mod fdb;
mod features;
mod flow_file;
mod flows;
mod fragments;
pub mod megaflow;
#[cfg(feature = "count-allocations")]
mod memory;
mod ofproto;
pub mod pmd;
mod pmd_perf;
mod process;
mod qos;
mod rxq;
mod trace;
mod tunnel;
mod upkeep;
pub mod variants;
mod view;

use ovs_db::json::Json;
use ovs_db::unixctl::{Registry, Request};

use super::Vswitchd;
pub use view::View;

use crate::vlog::VlogCommand;

/// What a command is.
#[derive(Clone, Copy, Debug)]
pub enum Command {
    /// A log command.
    Vlog(VlogCommand),
    /// One that shows something in two forms.
    Show(Viewer),
    /// One that is answered at once, with a text that programs get in parts, too.
    Tell(Teller),
    /// Another one.
    Run(Handler),
}

/// What a command of [`Command::Tell`] tells, or why it failed.
pub type Teller = fn(&mut Vswitchd, &Request<Command>) -> Result<Told, String>;

/// An answer for people, and what programs get beside it.
#[derive(Clone, Debug)]
pub struct Told {
    /// The answer.
    pub text: String,
    /// Names and values beside the text.
    pub more: Vec<(&'static str, Json)>,
}

impl Told {
    /// The text as other commands have it in JSON, and the rest.
    pub fn json(self) -> Json {
        let plain = [("reply", Json::from(self.text)), ("reply-format", Json::from("plain"))];
        Json::object(plain.into_iter().chain(self.more))
    }
}

/// What a command of [`Command::Show`] shows.
pub type Viewer = fn(&Vswitchd) -> View;

/// Carries out a command; the answer is its text, or why it failed. `None`: it is answered later.
pub type Handler = fn(&mut Vswitchd, &Request<Command>) -> Answer;

/// See [`Handler`].
pub type Answer = Option<Result<String, String>>;

/// An answer that is known at once.
#[expect(clippy::unnecessary_wraps, reason = "every handler may answer later")]
fn done(text: impl Into<String>) -> Answer {
    Some(Ok(text.into()))
}

/// A failure that is known at once.
#[expect(clippy::unnecessary_wraps, reason = "every handler may answer later")]
fn fail(text: impl Into<String>) -> Answer {
    Some(Err(text.into()))
}

/// Either, known at once.
#[expect(clippy::unnecessary_wraps, reason = "every handler may answer later")]
fn told(answer: Result<String, String>) -> Answer {
    Some(answer)
}

/// Name, usage, fewest and most arguments, and what it does.
type Row = (&'static str, &'static str, usize, usize, Handler);

const COMMANDS: &[Row] = &[
    ("bfd/set-forwarding", "[interface] normal|false|true", 1, 2, bfd::set_forwarding),
    ("bfd/show", "[interface]", 0, 1, bfd::show),
    ("bridge/dump-flows", "[--offload-stats] bridge", 1, 2, ofproto::bridge_dump_flows),
    ("bridge/reconnect", "[bridge]", 0, 1, ofproto::bridge_reconnect),
    ("coverage/read-counter", "COUNTER", 1, 1, process::coverage_read_counter),
    ("coverage/show", "", 0, 0, process::coverage_show),
    ("dpctl/add-dp", "dp [iface...]", 1, 1024, admin::refuse),
    ("dpctl/add-flow", "[dp] flow actions", 2, 3, megaflow::add),
    ("dpctl/add-flows", "[dp] file", 1, 2, flow_file::add),
    ("dpctl/add-if", "dp iface...", 2, 1024, admin::refuse),
    ("dpctl/cache-get-size", "[dp]", 0, 1, admin::cache_get_size),
    ("dpctl/cache-set-size", "dp cache <size>", 3, 3, admin::cache_set_size),
    ("dpctl/ct-bkts", "[dp] [gt=N]", 0, 2, conntrack::buckets),
    ("dpctl/ct-del-limits", "[dp] [default] [zone=N1[,N2]...]", 1, 3, conntrack::del_limits),
    ("dpctl/ct-disable-tcp-seq-chk", "[dp]", 0, 1, conntrack::disable_check),
    ("dpctl/ct-enable-tcp-seq-chk", "[dp]", 0, 1, conntrack::enable_check),
    ("dpctl/ct-get-limits", "[dp] [zone=N1[,N2]...]", 0, 2, conntrack::get_limits),
    ("dpctl/ct-get-maxconns", "[dp]", 0, 1, conntrack::get_maxconns),
    ("dpctl/ct-get-nconns", "[dp]", 0, 1, conntrack::get_nconns),
    ("dpctl/ct-get-sweep-interval", "[dp]", 0, 1, conntrack::get_sweep),
    ("dpctl/ct-get-tcp-seq-chk", "[dp]", 0, 1, conntrack::get_check),
    ("dpctl/ct-set-limits", "[dp] [default=L] [zone=N,limit=L]...", 1, 1024, conntrack::set_limits),
    ("dpctl/ct-set-maxconns", "[dp] maxconns", 1, 2, conntrack::set_maxconns),
    ("dpctl/ct-set-sweep-interval", "[dp] ms", 1, 2, conntrack::set_sweep),
    ("dpctl/ct-stats-show", "[dp] [zone=N]", 0, 3, conntrack::stats),
    ("dpctl/del-dp", "dp", 1, 1, admin::refuse),
    ("dpctl/del-flow", "[-s] [dp] flow", 1, 3, megaflow::delete),
    ("dpctl/del-flows", "[dp] [file]", 0, 2, flow_file::delete),
    ("dpctl/del-if", "dp iface...", 2, 1024, admin::refuse),
    ("dpctl/dump-conntrack", "[-m] [-s] [dp] [zone=N]", 0, 4, conntrack::dump),
    ("dpctl/dump-dps", "", 0, 0, datapath::dump_dps),
    ("dpctl/dump-flows", "[-m] [--names] [dp] [filter=..] [type=..] [pmd=..]", 0, 6, flows::dpctl_dump_flows),
    ("dpctl/flush-conntrack", "[dp] [zone=N] [ct-orig-tuple] [ct-reply-tuple]", 0, 4, conntrack::flush),
    ("dpctl/get-flow", "[-m] [--names | --no-names] [dp] ufid", 1, 4, megaflow::get),
    ("dpctl/ipf-get-status", "[dp]", 0, 1, fragments::status),
    ("dpctl/ipf-set-disabled", "[dp] v4|v6", 1, 2, fragments::disable),
    ("dpctl/ipf-set-enabled", "[dp] v4|v6", 1, 2, fragments::enable),
    ("dpctl/ipf-set-max-nfrags", "[dp] maxfrags", 1, 2, fragments::set_most),
    ("dpctl/ipf-set-min-frag", "[dp] v4|v6 minfragment", 2, 3, fragments::set_least),
    ("dpctl/list-commands", "", 0, 1024, admin::list_commands),
    ("dpctl/mod-flow", "[--may-create] [-s] [dp] flow actions", 2, 5, megaflow::modify),
    ("dpctl/mod-flows", "[dp] file", 1, 2, flow_file::modify),
    ("dpctl/offload-stats-show", "[dp]", 0, 1, admin::offload_stats),
    ("dpctl/parse-actions", "actions", 1, 1024, admin::parse),
    ("dpctl/set-if", "dp iface...", 2, 1024, admin::refuse),
    ("dpctl/show", "[-s] [dp...]", 0, 1024, datapath::dpctl_show),
    ("dpif-netdev/dpif-impl-get", "", 0, 0, variants::datapath_get),
    ("dpif-netdev/dpif-impl-set", "dpif_implementation_name", 1, 1, variants::datapath_set),
    ("dpif-netdev/miniflow-parser-get", "", 0, 0, variants::parser_get),
    (
        "dpif-netdev/miniflow-parser-set",
        "[-pmd core] miniflow_implementation_name [study_pkt_cnt]",
        1,
        5,
        variants::parser_set,
    ),
    (
        "dpif-netdev/pmd-perf-show",
        "[-nh] [-it iter-history-len] [-ms ms-history-len] [-pmd core] [dp]",
        0,
        8,
        pmd_perf::show,
    ),
    ("dpif-netdev/pmd-rxq-rebalance", "[dp]", 0, 1, rxq::rebalance),
    ("dpif-netdev/pmd-rxq-show", "[-pmd core] [-secs secs] [dp]", 0, 5, rxq::show),
    ("dpif-netdev/pmd-sleep-show", "[dp]", 0, 1, rxq::sleep_show),
    ("dpif-netdev/pmd-stats-clear", "[-pmd core] [dp]", 0, 3, pmd::stats_clear),
    ("dpif-netdev/pmd-stats-show", "[-pmd core] [dp]", 0, 3, pmd::stats_show),
    ("dpif-netdev/subtable-lookup-info-get", "", 0, 0, variants::lookup_get),
    ("dpif-netdev/subtable-lookup-prio-set", "[lookup_func] [prio]", 2, 2, variants::lookup_set),
    ("dpif/dump-dps", "", 0, 0, datapath::dump_dps),
    ("dpif/dump-flows", "[-m] [--names | --no-names] bridge", 1, 3, flows::dpif_dump_flows),
    ("dpif/show", "", 0, 0, datapath::dpif_show),
    ("dpif/set-dp-features", "bridge", 1, 3, features::set),
    ("dpif/show-dp-features", "bridge", 1, 1, features::show),
    ("exit", "[--cleanup]", 0, 1, process::exit),
    ("fdb/add", "bridge port vlan mac", 4, 4, fdb::add),
    ("fdb/del", "bridge vlan mac", 3, 3, fdb::delete),
    ("fdb/flush", "[bridge]", 0, 1, fdb::flush),
    ("fdb/show", "bridge", 1, 1, fdb::show),
    ("fdb/stats-clear", "[bridge]", 0, 1, fdb::stats_clear),
    ("fdb/stats-show", "bridge", 1, 1, fdb::stats_show),
    ("memory/show", "", 0, 0, process::memory_show),
    ("odp-execute/action-impl-set", "name", 1, 1, variants::actions_set),
    ("odp-execute/action-impl-show", "", 0, 0, variants::actions_show),
    ("ofproto/list", "", 0, 0, ofproto::list),
    ("ofproto/list-tunnels", "", 0, 0, tunnel::list),
    ("ovs/route/add", "ip/plen output_bridge [gw] [pkt_mark=mark] [src=src_ip]", 2, 5, tunnel::add_route),
    ("ovs/route/del", "ip/plen [pkt_mark=mark]", 1, 2, tunnel::remove_route),
    ("ovs/route/lookup", "ip_addr [pkt_mark=mark] [src=src_ip]", 1, 3, tunnel::look_up),
    ("ovs/route/rule/add", "[-6] [prio=num] [not] [from=ip/plen] table=num", 1, 5, tunnel::add_rule),
    ("ovs/route/rule/del", "prio=num", 1, 1, tunnel::remove_rule),
    ("ovs/route/rule/show", "[-6]", 0, 1, tunnel::rules),
    ("ovs/route/show", "", 0, 0, tunnel::routes),
    ("qos/show", "interface", 1, 1, qos::show),
    ("qos/show-types", "interface", 1, 1, qos::show_types),
    ("revalidator/pause", "", 0, 0, upkeep::pause),
    ("revalidator/purge", "", 0, 0, upkeep::purge),
    ("revalidator/resume", "", 0, 0, upkeep::resume),
    ("revalidator/wait", "", 0, 0, upkeep::wait),
    ("tnl/arp/aging", "[SECS]", 0, 1, tunnel::neighbor_aging),
    ("tnl/arp/flush", "", 0, 0, tunnel::flush_neighbors),
    ("tnl/arp/set", "BRIDGE IP MAC", 3, 3, tunnel::set_neighbor),
    ("tnl/arp/show", "", 0, 0, tunnel::neighbors),
    ("tnl/egress_port_range", "min max", 0, 2, tunnel::source_ports),
    ("tnl/neigh/aging", "[SECS]", 0, 1, tunnel::neighbor_aging),
    ("tnl/neigh/flush", "", 0, 0, tunnel::flush_neighbors),
    ("tnl/neigh/set", "BRIDGE IP MAC", 3, 3, tunnel::set_neighbor),
    ("tnl/neigh/show", "", 0, 0, tunnel::neighbors),
    ("tnl/ports/show", "-v", 0, 1, tunnel::ports),
    ("upcall/disable-megaflows", "", 0, 0, upkeep::megaflows_off),
    ("upcall/disable-ufid", "", 0, 0, upkeep::ufid_off),
    ("upcall/enable-megaflows", "", 0, 0, upkeep::megaflows_on),
    ("upcall/enable-ufid", "", 0, 0, upkeep::ufid_on),
    ("upcall/set-flow-limit", "flow-limit-number", 1, 1, upkeep::set_flow_limit),
    ("upcall/show", "", 0, 0, upkeep::show),
];

/// Commands without arguments that show something as text and as JSON.
const VIEWS: &[(&str, Viewer)] = &[
    ("ledger/show", process::ledger_show),
    #[cfg(feature = "count-allocations")]
    ("memory/live", memory::live),
];

/// Commands that are told in two forms.
const TELLERS: &[(&str, &str, usize, usize, Teller)] = &[
    ("ofproto/detrace", "UFID [pmd=PMD-ID]", 1, 2, trace::detrace),
    (
        "ofproto/trace",
        "{[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet]",
        1,
        1024,
        trace::trace,
    ),
    (
        "ofproto/trace-packet-out",
        "[-consistent] {[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet] actions",
        2,
        1024,
        trace::trace_packet_out,
    ),
];

/// Commands of the dummy mode.
const DUMMY_COMMANDS: &[Row] = &[
    ("netdev-dummy/conn-state", "[netdev]", 0, 1, dummy::connection_state),
    ("netdev-dummy/ip4addr", "[netdev] ipaddr/mask-prefix-len", 2, 2, tunnel::dummy_address),
    ("netdev-dummy/ip6addr", "[netdev] ip6addr", 2, 2, tunnel::dummy_address),
    ("netdev-dummy/receive", "name [--qid queue_id] packet|flow [--len packet_len]", 2, 1024, dummy::receive),
    ("netdev-dummy/set-admin-state", "[netdev] up|down", 1, 2, dummy::set_admin_state),
    ("time/stop", "", 0, 0, dummy::time_stop),
    ("time/warp", "[large_msecs] msecs", 1, 2, dummy::time_warp),
];

/// All commands, with those of the dummy mode if asked for.
pub fn registry(version: &str, dummy: bool) -> Registry<Command> {
    let mut registry = Registry::new(version);
    VlogCommand::register(&mut registry, Command::Vlog);
    let more = if dummy { DUMMY_COMMANDS } else { &[] };
    for &(name, usage, min, max, handler) in COMMANDS.iter().chain(more) {
        registry.add(name, usage, min, Some(max), Command::Run(handler));
    }
    for &(name, usage, min, max, teller) in TELLERS {
        registry.add(name, usage, min, Some(max), Command::Tell(teller));
    }
    for &(name, viewer) in VIEWS {
        registry.add(name, "", 0, Some(0), Command::Show(viewer));
    }
    registry
}
