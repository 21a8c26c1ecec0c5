//! Who made the switch (OpenFlow 1.0, 5.3.5, `ofp_desc_stats`).

use crate::OfError;
use crate::header::{Put, Reader, text_of};

/// Texts for people; each is cut to 255 bytes (the serial number to 31).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SwitchDesc {
    /// Manufacturer.
    pub manufacturer: String,
    /// Hardware.
    pub hardware: String,
    /// Software.
    pub software: String,
    /// Serial number.
    pub serial: String,
    /// What the operator calls it.
    pub datapath: String,
}

impl SwitchDesc {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.text(&self.manufacturer, 256);
        out.text(&self.hardware, 256);
        out.text(&self.software, 256);
        out.text(&self.serial, 32);
        out.text(&self.datapath, 256);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        Ok(Self {
            manufacturer: text_of(r.take(256)?),
            hardware: text_of(r.take(256)?),
            software: text_of(r.take(256)?),
            serial: text_of(r.take(32)?),
            datapath: text_of(r.take(256)?),
        })
    }
}
