//! Telling collectors about some of the packets: `sample`.

use ovs_flow::{OfPort, Subfield};

use super::kinds::nx;
use super::set_field::{check_short, from_ofs_nbits, ofs_nbits, pull_short_field, put_header};
use super::wire::put_nx;
use crate::header::{Put, Reader};
use crate::{EncodeError, OfError, Version};

/// On which side of the sampling port the packet is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SampleDirection {
    /// Left to the switch.
    #[default]
    Default,
    /// As it came in.
    Ingress,
    /// As it goes out.
    Egress,
}

/// A number that goes to the collector with the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObservationId {
    /// This.
    Number(u32),
    /// What a field of the packet says (from Open vSwitch 3.4).
    Field(Subfield),
}

impl Default for ObservationId {
    fn default() -> Self {
        Self::Number(0)
    }
}

/// Tell collectors.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sample {
    /// Of 65536 packets how many; at least one.
    pub probability: u16,
    /// Which collectors, as the database numbers sets of them.
    pub collector_set: u32,
    /// IPFIX observation domain.
    pub obs_domain: ObservationId,
    /// IPFIX observation point.
    pub obs_point: ObservationId,
    /// The port to tell about; [`OfPort::NONE`] for none.
    pub sampling_port: OfPort,
    /// On which side of it.
    pub direction: SampleDirection,
}

impl Sample {
    /// Of every 65536 packets `probability`, to no collector in particular.
    pub fn new(probability: u16) -> Self {
        Self {
            probability,
            collector_set: 0,
            obs_domain: ObservationId::default(),
            obs_point: ObservationId::default(),
            sampling_port: OfPort::NONE,
            direction: SampleDirection::Default,
        }
    }

    /// The oldest form that says everything.
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        for id in [self.obs_domain, self.obs_point] {
            if let ObservationId::Field(src) = id {
                check_short(src.field(), version)?;
            }
        }
        let numbers = match (self.obs_domain, self.obs_point) {
            (ObservationId::Number(domain), ObservationId::Number(point)) => Some([domain, point]),
            _ => None,
        };
        let old = self.sampling_port == OfPort::NONE && self.direction == SampleDirection::Default;
        let kind = match numbers {
            None => nx::SAMPLE4,
            Some(_) if old => nx::SAMPLE,
            Some(_) if self.direction == SampleDirection::Default => nx::SAMPLE2,
            Some(_) => nx::SAMPLE3,
        };
        put_nx(out, kind, |out| {
            out.u16(self.probability);
            out.u32(self.collector_set);
            if let Some([domain, point]) = numbers {
                out.u32(domain);
                out.u32(point);
            } else {
                put_id(self.obs_domain, out);
                put_id(self.obs_point, out);
            }
            if kind != nx::SAMPLE {
                out.u16(self.sampling_port.0);
                out.u8(self.direction as u8);
                out.zeros(5);
            }
        });
        Ok(())
    }

    pub(super) fn decode(kind: u16, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut this = Self::new(r.u16()?);
        if this.probability == 0 {
            return Err(OfError::BacBadArgument);
        }
        this.collector_set = r.u32()?;
        let mut id = || if kind == nx::SAMPLE4 { take_id(r) } else { r.u32().map(ObservationId::Number) };
        (this.obs_domain, this.obs_point) = (id()?, id()?);
        if kind == nx::SAMPLE {
            return Ok(this);
        }
        this.sampling_port = OfPort(r.u16()?);
        if kind == nx::SAMPLE2 {
            r.zeros(6, OfError::NxBacMustBeZero)?;
            return Ok(this);
        }
        this.direction = match r.u8()? {
            0 => SampleDirection::Default,
            1 => SampleDirection::Ingress,
            2 => SampleDirection::Egress,
            _ => return Err(OfError::BacBadArgument),
        };
        r.zeros(5, OfError::NxBacMustBeZero)?;
        Ok(this)
    }
}

/// A field's header and place, or zero and a number.
fn put_id(id: ObservationId, out: &mut Vec<u8>) {
    match id {
        ObservationId::Number(n) => {
            out.u32(0);
            out.u32(n);
        }
        ObservationId::Field(src) => {
            put_header(src.field(), out);
            out.u16(ofs_nbits(src));
            out.zeros(2);
        }
    }
}

fn take_id(r: &mut Reader<'_>) -> Result<ObservationId, OfError> {
    if r.peek().starts_with(&[0; 4]) {
        r.skip(4)?;
        return r.u32().map(ObservationId::Number);
    }
    let field = pull_short_field(r)?;
    let src = from_ofs_nbits(field, r.u16()?)?;
    r.zeros(2, OfError::NxBacMustBeZero)?;
    if src.width() > 32 {
        return Err(OfError::BacBadSetLen);
    }
    Ok(ObservationId::Field(src))
}
