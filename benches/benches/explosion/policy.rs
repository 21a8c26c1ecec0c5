//! The policy, and the logic that answers upcalls with what our classifier reports.

use std::time::Duration;

use ovs_classifier::rcu::{Domain, Reader};
use ovs_classifier::{ClassifierConfig, ClassifierReader, ClassifierWriter, Version};
use ovs_dpif::ovs_flow::hash::HashKey;
use ovs_dpif::ovs_flow::{DpPort, FlowKey, FlowMask, Match, SparseKey, U16, U32, Ufid};
use ovs_dpif::{
    Action, Actions, DropReason, HandlerFactory, Install, Punt, Upcall, UpcallHandler, Verdict, WorkerId,
};

const UDP: u8 = 17;
/// What output ports' numbers are more than input ports'.
pub const OUT: u32 = 100;

/// Lets web traffic, one client's port and one client's address through, and nothing else, from any input port.
pub struct Policy {
    domain: Domain,
    rules: ClassifierReader<Option<DpPort>>,
    _writer: ClassifierWriter<Option<DpPort>>,
}

impl Policy {
    /// Rules for an input port.
    pub const RULES: usize = 4;

    /// What comes in at port n goes out at port n + `OUT`.
    pub fn new(inputs: u32) -> Self {
        let domain = Domain::new();
        let mut writer = ClassifierWriter::new(&domain, ClassifierConfig::default().seed([3, 4]));
        for port in 1..=inputs {
            for (priority, pass, set) in [
                (
                    100,
                    true,
                    Some((|key, mask| (key.tp_dst, mask.tp_dst) = (U16::new(80), U16::MAX_VALUE)) as Set),
                ),
                (90, true, Some(|key, mask| (key.tp_src, mask.tp_src) = (U16::new(12345), U16::MAX_VALUE))),
                (
                    80,
                    true,
                    Some(|key, mask| (key.nw_src, mask.nw_src) = (U32::new(0x0a00_0001), U32::MAX_VALUE)),
                ),
                (1, false, None),
            ] {
                let mut matching = Match::default();
                (matching.key.in_port, matching.mask.fields.in_port) = (port, u32::MAX);
                if let Some(set) = set {
                    let (key, mask) = (&mut matching.key, &mut matching.mask.fields);
                    (key.dl_type, mask.dl_type) = (U16::new(0x0800), U16::MAX_VALUE);
                    (key.nw_proto, mask.nw_proto) = (UDP, 0xff);
                    set(key, mask);
                }
                writer
                    .insert(&matching, priority, pass.then_some(DpPort(port + OUT)), Version(1))
                    .expect("four rules");
            }
        }
        Self { domain, rules: writer.reader(), _writer: writer }
    }
}

type Set = fn(&mut FlowKey, &mut FlowKey);

impl HandlerFactory for Policy {
    fn handler(&self, _: WorkerId) -> Box<dyn UpcallHandler> {
        Box::new(Logic {
            rules: self.rules.clone(),
            reader: self.domain.reader(),
            hash: HashKey::from_seed(5),
        })
    }
}

struct Logic {
    rules: ClassifierReader<Option<DpPort>>,
    reader: Reader,
    hash: HashKey,
}

impl UpcallHandler for Logic {
    fn begin(&mut self, _: Duration) {}

    fn miss(&mut self, upcall: Upcall<'_>) -> Verdict {
        let mut mask = FlowMask::default();
        let fields = &mut mask.fields;
        (fields.in_port, fields.recirc_id, fields.packet_type) = (u32::MAX, u32::MAX, U32::MAX_VALUE);
        (fields.dl_type, fields.nw_frag) = (U16::MAX_VALUE, 0xff);
        fields.vlans[0].tci = U16::new(0x1000);
        let guard = self.reader.enter();
        let found = self.rules.lookup(Version(1), upcall.key, Some(&mut mask), &guard);
        let out = found.and_then(|rule| *rule.value());
        let actions: Actions = out.map(Action::Output).into_iter().collect();
        let masked = Match::new(upcall.key, mask);
        let half = |key: &FlowKey| u128::from(self.hash.sparse(&SparseKey::from(key)));
        let ufid = Ufid(half(&masked.key) << 64 | half(&masked.mask.fields));
        let install = Install { ufid, mask: Box::new(mask), actions: actions.clone() };
        Verdict::Forward { actions: actions.clone(), install: Some(install) }
    }

    fn installed(&mut self, _: Ufid, _: Option<DropReason>) {}

    fn punt(&mut self, _: Punt<'_>) -> Result<Option<Actions>, DropReason> {
        Ok(None)
    }
}
