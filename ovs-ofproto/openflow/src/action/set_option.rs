//! Writing options of tunnels, which are as long as a switch's table says.

use ovs_flow::field::OfVersion;
use ovs_flow::field::nxm::{self, OptionEntry};
use ovs_flow::{Field, Subfield, Wide};

use super::kinds::{nx, v12};
use super::wire::{put, put_nx};
use super::{Action, SetField, SetForm};
use crate::matching::field_version;
use crate::{OfError, Version};

/// Write a tunnel option, or the bits of it that `mask` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SetOption {
    /// As what it was written.
    pub form: SetForm,
    /// Which option's field.
    pub field: Field,
    /// What to write, right-aligned; no bit outside `mask`.
    pub value: Wide,
    /// Which bits; [`Wide::MAX`] for the whole option, however long it is.
    pub mask: Wide,
}

impl SetOption {
    /// Write some bits, or with [`Wide::MAX`] all of an option.
    pub fn masked(field: Field, value: Wide, mask: Wide) -> Self {
        Self { form: SetForm::Field, field, value: value & mask, mask }
    }

    /// `load:value->dst`.
    pub fn load(dst: Subfield, value: &Wide) -> Self {
        let mask = dst.wide_bits();
        Self { form: SetForm::Load, field: dst.field(), value: value.shl(dst.start()) & mask, mask }
    }

    /// Whether all of the option is written.
    pub fn is_whole(&self) -> bool {
        self.mask == Wide::MAX
    }

    /// How many bits an option must have for this to be written.
    pub fn needed_bits(&self) -> u16 {
        if self.is_whole() { self.value.bit_len() } else { self.mask.bit_len() }
    }

    /// The runs of bits that are written, lowest first, at most 64 bits each, with their values.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (Subfield, u64)> + use<> {
        let Self { field, value, mask, .. } = *self;
        let mut mask = mask & Wide::ones(field.bit_width());
        core::iter::from_fn(move || {
            let start = mask.lowest()?;
            let run = (!mask.shr(start)).lowest().unwrap_or(Wide::BITS).min(64);
            let ones = Wide::ones(run).shl(start);
            mask = mask & !ones;
            let dst = Subfield::new(field, start, run).ok()?;
            Some((dst, (value & ones).shr(start).low() as u64))
        })
    }
}

impl From<&SetField> for SetOption {
    fn from(set: &SetField) -> Self {
        let mask = if set.mask == u128::MAX { Wide::MAX } else { set.mask.into() };
        Self { form: set.form, field: set.field, value: set.value.into(), mask }
    }
}

impl Action {
    /// `load:value->dst`: of a tunnel option as [`Action::SetOption`].
    pub fn load(dst: Subfield, value: u64) -> Self {
        if dst.field().option().is_some() {
            Self::SetOption(Box::new(SetOption::load(dst, &u128::from(value).into())))
        } else {
            Self::SetField(SetField::load(dst, value))
        }
    }
}

/// From an entry, behind which there are zeros.
pub(super) fn from_entry(entry: &OptionEntry, masks: bool) -> Result<Action, OfError> {
    if entry.mask.is_some() && !masks {
        return Err(OfError::BacBadSetType);
    }
    let mask = entry.mask.unwrap_or(Wide::MAX);
    Ok(Action::SetOption(Box::new(SetOption::masked(entry.field, entry.value, mask))))
}

/// Appends an entry that has as many bytes as it needs.
fn put_entry(set: &SetOption, version: OfVersion, out: &mut Vec<u8>) {
    let mask = (!set.is_whole()).then_some(set.mask);
    let number = set.value | mask.unwrap_or_default();
    let size = usize::from(number.bit_len().div_ceil(8)).max(1);
    nxm::put_option(set.field, size, &set.value, mask.as_ref(), version, out);
}

/// Appends the writing of an option.
pub(super) fn encode(set: &SetOption, version: Version, out: &mut Vec<u8>) {
    let partial = set.form == SetForm::Load || !set.is_whole();
    if version < Version::V12 || partial && version < Version::V15 {
        put_nx(out, nx::REG_LOAD2, |out| put_entry(set, OfVersion::Extension, out));
    } else {
        put(out, v12::SET_FIELD, |out| put_entry(set, field_version(version), out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_writes_are_loads_of_64_bits() {
        let field = Field::tun_metadata(3).unwrap();
        let value = Wide::from_be_bytes(&(1..=20).collect::<Vec<u8>>());
        let set = SetOption::load(Subfield::new(field, 100, 160).unwrap(), &value);
        let runs: Vec<_> = set.segments().map(|(dst, value)| (dst.start(), dst.width(), value)).collect();
        let value = [0x0d0e_0f10_1112_1314, 0x0506_0708_090a_0b0c, 0x0102_0304];
        assert_eq!(runs, [(100, 64, value[0]), (164, 64, value[1]), (228, 32, value[2])]);
        assert_eq!(set.needed_bits(), 260);
    }
}
