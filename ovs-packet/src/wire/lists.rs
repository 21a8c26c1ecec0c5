//! Which protocol has which lists.

#[allow(clippy::wildcard_imports, reason = "the table names every view")]
use super::*;

/// Wraps `bytes` and counts the items of the named lists.
macro_rules! count {
    ($bytes:expr, $view:ident: $($list:ident),+) => {{
        let view = $view::new_checked($bytes).map_err(|error| ListError { offset: 0, error })?;
        let mut count = 0;
        $( for item in view.$list() {
            item?;
            count += 1;
        } )+
        Ok(count)
    }};
}

/// The items of all lists of a header.
pub(super) fn count(protocol: Protocol, bytes: &[u8]) -> Result<usize, ListError> {
    match protocol {
        Protocol::Ipv4 => count!(bytes, Ipv4View: options),
        Protocol::Ipv6Options => count!(bytes, Ipv6OptionsView: options),
        Protocol::SegmentRouting => count!(bytes, SegmentRoutingView: segments, tlvs),
        Protocol::Tcp => count!(bytes, TcpView: options),
        Protocol::Sctp => count!(bytes, SctpView: chunks),
        Protocol::RouterSolicit => count!(bytes, RouterSolicitView: options),
        Protocol::RouterAdvert => count!(bytes, RouterAdvertView: options),
        Protocol::Neighbor => count!(bytes, NeighborView: options),
        Protocol::Redirect => count!(bytes, RedirectView: options),
        Protocol::MldQuery => count!(bytes, MldQueryView: sources),
        Protocol::MldReport => count!(bytes, MldReportView: records),
        Protocol::IgmpQuery => count!(bytes, IgmpQueryView: sources),
        Protocol::IgmpReport => count!(bytes, IgmpReportView: records),
        Protocol::Nsh => count!(bytes, NshView: tlvs),
        Protocol::Geneve => count!(bytes, GeneveView: options),
        Protocol::Gre => count!(bytes, GreView: routes),
        Protocol::Gtpu => count!(bytes, GtpuView: extensions),
        Protocol::Bfd => count!(bytes, BfdView: authentication),
        Protocol::Cfm => count!(bytes, CfmView: tlvs),
        Protocol::Ccm => count!(bytes, CcmView: tlvs),
        Protocol::Loopback => count!(bytes, LoopbackView: tlvs),
        Protocol::Linktrace => count!(bytes, LinktraceView: tlvs),
        Protocol::LinktraceReply => count!(bytes, LinktraceReplyView: tlvs),
        Protocol::MultipleTree => count!(bytes, MultipleTreeView: instances),
        Protocol::Lldp => count!(bytes, LldpView: tlvs),
        Protocol::Mpls => MplsStack::new(bytes).try_fold(0, |count, entry| entry.map(|_| count + 1)),
        _ => Ok(0),
    }
}
