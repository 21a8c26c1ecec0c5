//! What controllers set on tables (`OFPT_TABLE_MOD`).

use ovs_flow::TableId;
use ovs_openflow::{TableDesc, TableMod, Vacancy, Version};

/// What happens to packets that no rule of a table matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Miss {
    /// What the versions of the controllers say: before 1.3 they get them, later nobody does.
    #[default]
    Default,
    /// Controllers get them.
    Controller,
    /// The next table is asked.
    Continue,
    /// They are dropped.
    Drop,
}

/// Settings of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct TableSettings {
    pub miss: Miss,
    /// A full table makes room by itself.
    pub eviction: bool,
    /// When it tells how full it is.
    pub vacancy: Option<(u8, u8)>,
    /// It has told that it is full, and not yet that it has room again.
    pub full: bool,
}

/// Everything decides which rule goes.
const EVICTION_FLAGS: u32 = 0b111;

impl TableSettings {
    /// Takes over what a version can say.
    pub fn change(&mut self, change: &TableMod, version: Version) {
        match version {
            Version::V10 | Version::V13 => {}
            Version::V11 | Version::V12 => {
                self.miss = match change.config & 3 {
                    0 => Miss::Controller,
                    1 => Miss::Continue,
                    2 => Miss::Drop,
                    _ => Miss::Default,
                };
            }
            _ => {
                self.eviction = change.config & TableMod::EVICTION != 0;
                let events = change.config & TableMod::VACANCY_EVENTS != 0;
                self.vacancy = change
                    .vacancy
                    .filter(|_| events)
                    .map(|vacancy| (vacancy.down, vacancy.up))
                    .or(self.vacancy.filter(|_| events));
                self.full &= events;
            }
        }
    }

    /// As a table of so many rules, of so many at most, is described.
    pub fn describe(self, table: TableId, active: usize, limit: usize) -> TableDesc {
        let eviction = if self.eviction { TableMod::EVICTION } else { 0 };
        let events = if self.vacancy.is_some() { TableMod::VACANCY_EVENTS } else { 0 };
        let current = vacancy(active, limit);
        TableDesc {
            table,
            config: eviction | events,
            eviction: Some(EVICTION_FLAGS),
            vacancy: self.vacancy.map(|(down, up)| Vacancy { down, up, current }),
        }
    }

    /// Whether a table that has so many rules now tells that it has become full (`false`) or has room again (`true`).
    pub fn crossed(&mut self, active: usize, limit: usize) -> Option<bool> {
        let (down, up) = self.vacancy?;
        let vacancy = vacancy(active, limit);
        if !self.full && vacancy < down {
            self.full = true;
            return Some(false);
        }
        if self.full && vacancy > up {
            self.full = false;
            return Some(true);
        }
        None
    }
}

/// How much of a table is free, in per cent.
fn vacancy(active: usize, limit: usize) -> u8 {
    let free = limit.saturating_sub(active) as u128 * 100;
    free.checked_div(limit as u128).unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_tells_once_that_it_is_full_and_once_that_it_is_not() {
        let mut settings = TableSettings { vacancy: Some((20, 80)), ..TableSettings::default() };
        let told: Vec<_> = [5, 8, 9, 10, 3, 2, 1, 0, 9].iter().map(|n| settings.crossed(*n, 10)).collect();
        assert_eq!(told, [None, None, Some(false), None, None, None, Some(true), None, Some(false)]);
        assert_eq!(
            settings.describe(TableId(0), 9, 10).vacancy,
            Some(Vacancy { down: 20, up: 80, current: 10 })
        );
        assert_eq!(vacancy(0, 0), 0);
    }
}
