//! What translation makes use of in the datapath: all that it can do, or less, to see what would become of packets then.

use ovs_dpif::{FeatureError, FeatureValue, Features};

use super::Switch;

impl Switch {
    /// What translation makes use of now; at first, and at most, what [`Dpif::features`](ovs_dpif::Dpif::features) says.
    pub fn features(&self) -> Features {
        self.features
    }

    /// Takes a feature away or gives it back, by its name ([`ovs_dpif::Feature::capability`]). Megaflows are translated
    /// again; rules that need it are refused from now on, those that are there stay.
    pub fn set_feature(&mut self, name: &str, value: FeatureValue) -> Result<(), FeatureError> {
        let before = self.features;
        self.features.set(name, value, &self.dpif.features())?;
        self.world_changed |= self.features != before;
        Ok(())
    }
}
