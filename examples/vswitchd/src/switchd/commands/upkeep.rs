//! How megaflows are looked after: `upcall/…`, `revalidator/…`.

use std::fmt::Write as _;

use ovs_db::unixctl::Request;

use super::super::Vswitchd;
use super::datapath::full_name;
use super::dpctl::scan;
use super::{Answer, Command, done};

/// `upcall/show`.
pub fn show(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    let mut text = String::new();
    for datapath in switchd.datapaths.values() {
        let view = datapath.switch.revalidation();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}:", full_name(datapath));
        let _ = writeln!(
            text,
            "  flows         : (current {}) (avg {}) (max {}) (limit {})",
            view.flows, view.average, view.most, view.limit
        );
        let _ = writeln!(text, "  dump duration : {}ms", view.sweep_duration.as_millis().max(1));
        let _ = writeln!(text, "  ufid enabled : {}", view.terse);
        let _ = writeln!(text, "\n  0: (keys {})", view.flows);
    }
    done(text)
}

/// `upcall/set-flow-limit`: of all datapaths, until the next sweep adapts it.
pub fn set_flow_limit(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let limit = request.args.first().and_then(|text| scan(text)).unwrap_or(0);
    for datapath in switchd.datapaths.values_mut() {
        datapath.switch.set_flow_limit(limit as usize);
    }
    done(format!("set flow_limit to {limit}\n"))
}

fn enable_megaflows(switchd: &mut Vswitchd, enable: bool) {
    for datapath in switchd.datapaths.values_mut() {
        datapath.switch.enable_megaflows(enable);
    }
}

/// `upcall/enable-megaflows`.
pub fn megaflows_on(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    enable_megaflows(switchd, true);
    done("megaflows enabled\n")
}

/// `upcall/disable-megaflows`: what is installed from now on matches all of its packet.
pub fn megaflows_off(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    enable_megaflows(switchd, false);
    done("megaflows disabled\n")
}

fn enable_terse(switchd: &mut Vswitchd, enable: bool) {
    for datapath in switchd.datapaths.values_mut() {
        datapath.switch.enable_terse_dumps(enable);
    }
}

/// `upcall/enable-ufid`.
pub fn ufid_on(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    enable_terse(switchd, true);
    done("Datapath dumping tersely using UFID enabled for supported datapaths\n")
}

/// `upcall/disable-ufid`.
pub fn ufid_off(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    enable_terse(switchd, false);
    done("Datapath dumping tersely using UFID disabled\n")
}

/// `revalidator/wait`: answered once everything that changed has reached the megaflows.
pub fn wait(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    switchd.answer_when_settled(request.id);
    None
}

/// `revalidator/purge`: deletes all megaflows; answered once they are gone.
pub fn purge(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    for datapath in switchd.datapaths.values_mut() {
        datapath.switch.purge();
    }
    switchd.answer_when_settled(request.id);
    None
}

fn pause_all(switchd: &mut Vswitchd, pause: bool) -> Answer {
    for datapath in switchd.datapaths.values_mut() {
        datapath.switch.pause_revalidation(pause);
    }
    done("")
}

/// `revalidator/pause`: megaflows stay as they are.
pub fn pause(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    pause_all(switchd, true)
}

/// `revalidator/resume`.
pub fn resume(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    pause_all(switchd, false)
}
