//! Groups: all buckets, the only one, the first that is live, or the one that the packet's hash chooses.
//!
//! A bucket works on a copy of the packet: what it changes is forgotten behind it. Its actions are executed in the order
//! of an action set.
//!
//! Where the datapath's hash chooses, the packet comes twice: first to be hashed, and then with its hash, of which the
//! megaflow has as many bits as the group has places. So there are few megaflows, however many connections there are.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use ovs_dpif::HashAlgorithm;
use ovs_flow::hash::stable::{self, Fields};
use ovs_flow::{Match, OfPort, Wide};
use ovs_openflow::text::{GroupDisplay, NoNames};
use ovs_openflow::{GroupDesc, GroupMod, GroupType};

use super::context::Context;
use super::list::List;
use super::{Dep, Push, TranslateError};
use crate::group::{BucketState, Chooser, Group};
use crate::trace::{NodeKind, Tracer};

/// How many groups one translation may enter: chains of groups with two buckets each double at every step.
const MAX_GROUPS: u32 = 64 * 64;

/// A bucket as `ofproto/detrace` names it.
fn origin(group: &Group, bucket: &BucketState) -> String {
    let alone = GroupDesc { buckets: vec![bucket.bucket.clone()], ..group.describe() };
    let text = GroupDisplay::of_desc(&alone, &NoNames).to_string();
    // What else is told of a group says nothing of the bucket.
    let from = text.find(",bucket=").unwrap_or(text.len());
    format!("group_id={}{}", group.id, &text[from..])
}

impl<'s, T: Tracer> Context<'s, T> {
    /// `group`; `false` if it is not there, and then the rest of the list does not run.
    pub(super) fn group(&mut self, id: u32) -> bool {
        if !self.may_go_on() {
            return true;
        }
        self.groups += 1;
        if self.groups > MAX_GROUPS {
            let text = || format!("over {MAX_GROUPS} group actions");
            self.fail(TranslateError::TooManyResubmits, text);
            return true;
        }
        let bridge = self.bridge;
        self.depend(Dep::Group(bridge.id, id));
        let Some(group) = bridge.groups.get(&id) else {
            self.warn(|| format!("output to nonexistent group {id}"));
            return false;
        };
        let before = std::mem::replace(&mut self.in_bucket, true);
        match group.kind {
            GroupType::All | GroupType::Indirect => self.all_buckets(group),
            GroupType::Select => {
                let chosen = self.choose(group);
                self.one_bucket(group, chosen);
            }
            GroupType::FastFailover => {
                let chosen = self.first_live(group);
                self.one_bucket(group, chosen);
            }
        }
        self.in_bucket = before;
        true
    }

    fn all_buckets(&mut self, group: &'s Group) {
        self.push.push(Push::Rule(Arc::clone(&group.stats)));
        for bucket in &group.buckets {
            self.bucket(group, bucket);
        }
    }

    fn one_bucket(&mut self, group: &'s Group, chosen: Option<&'s BucketState>) {
        match chosen {
            Some(bucket) => {
                self.detail(|| format!("using bucket {}", bucket.id));
                self.push.push(Push::Rule(Arc::clone(&group.stats)));
                self.bucket(group, bucket);
            }
            None => self.detail(|| "no live bucket".into()),
        }
    }

    /// Executes a bucket on a copy of the packet.
    fn bucket(&mut self, group: &Group, bucket: &'s BucketState) {
        self.tracer.origin(|| origin(group, bucket));
        self.push.push(Push::Rule(Arc::clone(&bucket.stats)));
        if T::ACTIVE {
            self.tracer.open(NodeKind::Bucket, format!("bucket {}", bucket.id));
        }
        let kept = (self.flow, self.was_mpls, self.conntracked);
        self.depth += 1;
        self.run_bucket(List::Actions(&bucket.actions));
        self.depth -= 1;
        (self.flow, self.was_mpls, self.conntracked) = kept;
        self.exit = false;
        // What cannot be done to the copy does not stop what is done to the packet.
        self.error = self.error.filter(|error| error.is_limit());
        if T::ACTIVE {
            self.tracer.close();
        }
    }

    fn choose(&mut self, group: &'s Group) -> Option<&'s BucketState> {
        match &group.chooser {
            Chooser::Symmetric => {
                Fields::SymmetricL4.mask_into(&self.flow, &mut self.mask);
                let hash = Fields::SymmetricL4.hash(&self.flow, 0);
                self.best_live(group, hash)
            }
            Chooser::Fields => {
                let hash = self.hash_fields(group);
                self.best_live(group, hash)
            }
            Chooser::DpHash { symmetric, basis, slots } => {
                // Hashes of the datapath are never 0.
                if self.flow.dp_hash == 0 {
                    let known = self.snapshot.world.features.max_hash_algorithm;
                    let algorithm = match HashAlgorithm::SymmetricL4 {
                        best if *symmetric && best as usize <= known => best,
                        _ => HashAlgorithm::L4,
                    };
                    self.freeze_for_hash(algorithm, *basis);
                    return None;
                }
                let (hash, mask) = (self.flow.dp_hash, slots.len() - 1);
                self.mask.fields.dp_hash |= mask as u32;
                (0..slots.len()).find_map(|step| {
                    let slot = slots[(hash as usize).wrapping_add(step) & mask];
                    group.buckets.get(usize::from(slot)).filter(|bucket| self.is_live(group, bucket))
                })
            }
        }
    }

    /// The hash over the fields that were asked for; those that the packet does not have do not count.
    fn hash_fields(&mut self, group: &Group) -> u32 {
        let mut fields = group.selection.fields.clone();
        fields.sort_by_key(|(field, _)| field.index());
        let mut hash = stable::selection_basis(group.selection.param);
        for (field, mask) in fields {
            field.mask_prerequisites(&self.flow, &mut self.mask);
            if !field.applies(&self.flow) {
                continue;
            }
            if let Some(n) = field.option() {
                hash = self.hash_option(n, mask, hash);
                continue;
            }
            let mut looked_at = Match::default();
            // The mask has been taken as valid for the field when the group came.
            let _ = field.set_masked(&mut looked_at, 0, mask);
            for (word, more) in self.mask.fields.words_mut().iter_mut().zip(looked_at.mask.words()) {
                *word |= more;
            }
            let (bytes, size) = field.wire_bytes(field.get(&self.flow) & mask);
            hash = stable::field_hash(&bytes[bytes.len() - size..], hash);
        }
        hash
    }

    /// Likewise over an option, of as many bytes as it has.
    fn hash_option(&mut self, n: usize, mask: u128, hash: u32) -> u32 {
        let places = &self.bridge.options.places;
        let bits = if mask == u128::MAX { Wide::MAX } else { mask.into() };
        places.add_bits(&mut self.mask, n, &bits);
        let value = places.read(&self.flow.tunnel, n) & bits;
        let len = places.len(n).unwrap_or(0);
        stable::field_hash(&value.to_be_bytes()[Wide::BYTES - len..], hash)
    }

    /// Of the live buckets the one with the highest score; of equal ones the last.
    fn best_live(&mut self, group: &'s Group, hash: u32) -> Option<&'s BucketState> {
        let mut best: Option<(u32, &BucketState)> = None;
        for bucket in &group.buckets {
            if !self.is_live(group, bucket) {
                self.report_dead(bucket);
                continue;
            }
            let score = (stable::bucket_hash(bucket.id, hash) & 0xffff) * u32::from(bucket.bucket.weight);
            self.detail(|| format!("bucket {}: score {score}", bucket.id));
            if best.is_none_or(|(most, _)| score >= most) {
                best = Some((score, bucket));
            }
        }
        best.map(|(_, bucket)| bucket)
    }

    fn first_live(&mut self, group: &'s Group) -> Option<&'s BucketState> {
        for bucket in &group.buckets {
            if self.is_live(group, bucket) {
                return Some(bucket);
            }
            self.report_dead(bucket);
        }
        None
    }

    fn report_dead(&mut self, bucket: &BucketState) {
        self.detail(|| {
            let mut text = format!("bucket {}: not live due to ", bucket.id);
            let (port, group) = (bucket.bucket.watch_port, bucket.bucket.watch_group);
            // The original names a group like a port.
            if port != OfPort::NONE {
                let _ = write!(text, "port {port}");
            } else if group != GroupMod::ANY {
                let _ = write!(text, "port {group}");
            }
            text
        });
    }

    fn is_live(&mut self, group: &Group, bucket: &BucketState) -> bool {
        self.lives(group, bucket, &mut BTreeSet::new())
    }

    /// A bucket of a select group lives only with a weight; what watches something lives if that does. A group lives
    /// with any of its buckets, so one that was asked before and did not end the search is dead, or waits for itself.
    fn lives(&mut self, group: &Group, bucket: &BucketState, asked: &mut BTreeSet<u32>) -> bool {
        let told = &bucket.bucket;
        if group.kind == GroupType::Select && told.weight == 0 {
            return false;
        }
        let watches_port = told.watch_port != OfPort::NONE;
        let watches_group = told.watch_group != GroupMod::ANY;
        if !watches_port && !watches_group {
            return true;
        }
        if watches_port && self.bridge.ports.get(&told.watch_port).is_some_and(|port| port.live) {
            return true;
        }
        let bridge = self.bridge;
        if !watches_group || !asked.insert(told.watch_group) {
            return false;
        }
        self.depend(Dep::Group(bridge.id, told.watch_group));
        let Some(watched) = bridge.groups.get(&told.watch_group) else { return false };
        watched.buckets.iter().any(|bucket| {
            let lives = self.lives(watched, bucket, asked);
            if !lives {
                self.report_dead(bucket);
            }
            lives
        })
    }
}
