//! The different things that the monitors of one database want to see.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::database::{ChangeSet, Database};
use crate::server::effect::{NOTIFY_TAIL, Written};
use crate::value::Uuid;

use super::{Monitor, View};

/// One of them.
#[derive(Clone, Debug)]
struct Known {
    view: Weak<View>,
    /// The rows of a state, as long as some client has not been sent all of them.
    initial: Option<(Uuid, Weak<String>)>,
}

/// Views by identity: monitors that want the same share one.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct Views {
    known: Vec<Known>,
    /// What notifications begin with. Most clients call their monitors alike.
    heads: BTreeMap<String, Weak<str>>,
}

/// Updates that are longer are not copied to make one text of a notification.
const SHORT: usize = 4 << 10;

/// What a monitor has in common with others: the addresses of its view and its head, which live as long as it does.
type Alike = (usize, usize);

/// The updates of one transaction, each written when the first monitor needs it.
#[derive(Debug)]
pub(in crate::server) struct Updates<'a> {
    db: &'a Database,
    changes: &'a ChangeSet,
    state: Uuid,
    /// By the address of the view.
    texts: BTreeMap<usize, Option<Arc<String>>>,
    /// Whole notifications, as far as they are short.
    notifications: BTreeMap<Alike, Option<Arc<String>>>,
    /// The last one of them: most monitors are like the one before.
    last: Option<(Alike, Option<Arc<String>>)>,
}

impl Views {
    /// The view that is equal to `view`.
    pub(in crate::server) fn share(&mut self, view: View) -> Arc<View> {
        self.known.retain(|known| known.view.strong_count() > 0);
        let equal = self.known.iter().filter_map(|known| known.view.upgrade()).find(|known| **known == view);
        equal.unwrap_or_else(|| {
            let view = Arc::new(view);
            self.known.push(Known { view: Arc::downgrade(&view), initial: None });
            view
        })
    }

    /// The head that is equal to `head`.
    pub(in crate::server) fn share_head(&mut self, head: String) -> Arc<str> {
        if let Some(known) = self.heads.get(&head).and_then(Weak::upgrade) {
            return known;
        }
        self.heads.retain(|_, known| known.strong_count() > 0);
        let new: Arc<str> = Arc::from(head.as_str());
        self.heads.insert(head, Arc::downgrade(&new));
        new
    }

    /// The text of all rows that `view` sees in the state `state`, which is `db`.
    pub(in crate::server) fn initial(&mut self, view: &Arc<View>, db: &Database, state: Uuid) -> Arc<String> {
        let known = self.known.iter_mut().find(|known| std::ptr::eq(known.view.as_ptr(), Arc::as_ptr(view)));
        let cached = known.as_ref().and_then(|known| {
            let (of, text) = known.initial.as_ref()?;
            text.upgrade().filter(|_| *of == state)
        });
        cached.unwrap_or_else(|| {
            let text = Arc::new(view.initial(db));
            if let Some(known) = known {
                known.initial = Some((state, Arc::downgrade(&text)));
            }
            text
        })
    }
}

impl<'a> Updates<'a> {
    /// The updates of `changes`, which made `db` what it is and lead to the state `state`.
    pub(in crate::server) fn new(db: &'a Database, changes: &'a ChangeSet, state: Uuid) -> Updates<'a> {
        let (texts, notifications) = (BTreeMap::new(), BTreeMap::new());
        Updates { db, changes, state, texts, notifications, last: None }
    }

    /// What `monitor` is to be told; `None` if nothing.
    pub(in crate::server) fn notification(&mut self, monitor: &Monitor) -> Option<Written> {
        let alike = (Arc::as_ptr(&monitor.view).addr(), Arc::as_ptr(&monitor.head).addr());
        if let Some((last, text)) = &self.last
            && *last == alike
        {
            return text.clone().map(Written::whole);
        }
        let updates = self.of(&monitor.view);
        if let Some(updates) = updates.as_ref().filter(|updates| updates.len() >= SHORT) {
            return Some(monitor.notification(Arc::clone(updates), self.state));
        }
        let state = self.state;
        let text = self.notifications.entry(alike).or_insert_with(|| {
            let mut text = monitor.beginning(state);
            text.push_str(&updates?);
            text.push_str(NOTIFY_TAIL);
            Some(Arc::new(text))
        });
        let text = text.clone();
        self.last = Some((alike, text.clone()));
        text.map(Written::whole)
    }

    /// What the changes mean to `view`; `None` if nothing.
    fn of(&mut self, view: &Arc<View>) -> Option<Arc<String>> {
        let text = self.texts.entry(Arc::as_ptr(view).addr());
        text.or_insert_with(|| view.updates(self.db, self.changes).map(Arc::new)).clone()
    }
}
