//! The different things that the monitors of one database want to see.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::database::{ChangeSet, Database};
use crate::value::Uuid;

use super::View;

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
}

/// The updates of one transaction, each written when the first monitor needs it.
#[derive(Debug, Default)]
pub(in crate::server) struct Updates {
    /// By the address of the view, which lives as long as its monitors.
    texts: BTreeMap<usize, Option<Arc<String>>>,
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

impl Updates {
    /// What `changes` mean to `view`; `None` if nothing.
    pub(in crate::server) fn of(
        &mut self,
        view: &Arc<View>,
        db: &Database,
        changes: &ChangeSet,
    ) -> Option<Arc<String>> {
        let text = self.texts.entry(Arc::as_ptr(view).addr());
        text.or_insert_with(|| view.updates(db, changes).map(Arc::new)).clone()
    }
}
