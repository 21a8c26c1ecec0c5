//! OpenFlow: typed messages, wire codec and the text of flows and actions.
