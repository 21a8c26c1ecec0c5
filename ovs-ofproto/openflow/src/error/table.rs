//! The table of errors. Names and numbers are those of the OpenFlow specifications (chapter "Error Message"
//! of each version) and of Open vSwitch's extensions; each row lists (first version, last version, numbers).

use super::Row;
use super::WireError::{self, Nx, NxExp, OnfExp, Std};

/// Makes the enum and the table of rows that it indexes.
macro_rules! errors {
    ($($id:ident $name:literal $doc:literal [$($wire:expr),*];)*) => {
        /// Every error that some version of OpenFlow, or Open vSwitch's extensions, can report.
        ///
        /// `Brc` is a bad request, `Bac` a bad action, `Bic` a bad instruction, `Bmc` a bad match, and so on
        /// as the standards abbreviate; errors of Open vSwitch begin with `Nx`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum OfError { $(#[doc = $doc] $id),* }

        impl OfError {
            /// Every error, in the table's order.
            pub fn all() -> impl Iterator<Item = Self> + Clone {
                [$(Self::$id),*].into_iter()
            }
        }

        pub(super) static ROWS: &[Row] = &[$(Row { name: $name, wire: { const W: &[(u8, u8, WireError)] = &[$($wire),*]; W } }),*];
    };
}

errors! {
    HfcIncompatible "OFPHFC_INCOMPATIBLE" "Hello failed: incompatible." [(1, 6, Std(0, 0))];
    HfcEperm "OFPHFC_EPERM" "Hello failed: not permitted." [(1, 6, Std(0, 1))];
    BrcBadVersion "OFPBRC_BAD_VERSION" "Bad request: bad version." [(1, 6, Std(1, 0))];
    BrcBadType "OFPBRC_BAD_TYPE" "Bad request: bad type." [(1, 6, Std(1, 1))];
    BrcBadStat "OFPBRC_BAD_STAT" "Bad request: bad statistics type." [(1, 6, Std(1, 2))];
    BrcBadVendor "OFPBRC_BAD_VENDOR" "Bad request: bad vendor." [(1, 6, Std(1, 3))];
    BrcBadSubtype "OFPBRC_BAD_SUBTYPE" "Bad request: bad subtype." [(1, 6, Std(1, 4))];
    BrcEperm "OFPBRC_EPERM" "Bad request: not permitted." [(1, 6, Std(1, 5))];
    BrcBadLen "OFPBRC_BAD_LEN" "Bad request: bad length." [(1, 6, Std(1, 6))];
    BrcBufferEmpty "OFPBRC_BUFFER_EMPTY" "Bad request: buffer empty." [(1, 6, Std(1, 7))];
    BrcBufferUnknown "OFPBRC_BUFFER_UNKNOWN" "Bad request: buffer unknown." [(1, 6, Std(1, 8))];
    BrcBadTableId "OFPBRC_BAD_TABLE_ID" "Bad request: bad table identifier." [(1, 1, Nx(1, 512)), (2, 6, Std(1, 9))];
    BrcBadPort "OFPBRC_BAD_PORT" "Bad request: bad port." [(1, 2, Nx(1, 514)), (3, 6, Std(1, 11))];
    BrcIsSecondary "OFPBRC_IS_SECONDARY" "Bad request: is secondary." [(3, 6, Std(1, 10))];
    BrcBadPacket "OFPBRC_BAD_PACKET" "Bad request: bad packet." [(3, 6, Std(1, 12))];
    BrcMultipartBufferOverflow "OFPBRC_MULTIPART_BUFFER_OVERFLOW" "Bad request: multipart buffer overflow." [(4, 6, Std(1, 13))];
    BrcMultipartRequestTimeout "OFPBRC_MULTIPART_REQUEST_TIMEOUT" "Bad request: multipart request timeout." [(4, 4, OnfExp(2640)), (5, 6, Std(1, 14))];
    BrcMultipartReplyTimeout "OFPBRC_MULTIPART_REPLY_TIMEOUT" "Bad request: multipart reply timeout." [(4, 4, OnfExp(2641)), (5, 6, Std(1, 15))];
    BrcMultipartBadSched "OFPBRC_MULTIPART_BAD_SCHED" "Bad request: multipart bad schedule." [(6, 6, Std(1, 16))];
    BrcPipelineFieldsOnly "OFPBRC_PIPELINE_FIELDS_ONLY" "Bad request: pipeline fields only." [(6, 6, Std(1, 17))];
    BrcUnknown "OFPBRC_UNKNOWN" "Bad request: unknown." [(6, 6, Std(1, 18))];
    BacBadType "OFPBAC_BAD_TYPE" "Bad action: bad type." [(1, 6, Std(2, 0))];
    BacBadLen "OFPBAC_BAD_LEN" "Bad action: bad length." [(1, 6, Std(2, 1))];
    BacBadVendor "OFPBAC_BAD_VENDOR" "Bad action: bad vendor." [(1, 6, Std(2, 2))];
    BacBadVendorType "OFPBAC_BAD_VENDOR_TYPE" "Bad action: bad vendor type." [(1, 6, Std(2, 3))];
    BacBadOutPort "OFPBAC_BAD_OUT_PORT" "Bad action: bad output port." [(1, 6, Std(2, 4))];
    BacBadArgument "OFPBAC_BAD_ARGUMENT" "Bad action: bad argument." [(1, 6, Std(2, 5))];
    BacEperm "OFPBAC_EPERM" "Bad action: not permitted." [(1, 6, Std(2, 6))];
    BacTooMany "OFPBAC_TOO_MANY" "Bad action: too many." [(1, 6, Std(2, 7))];
    BacBadQueue "OFPBAC_BAD_QUEUE" "Bad action: bad queue." [(1, 6, Std(2, 8))];
    BacMatchInconsistent "OFPBAC_MATCH_INCONSISTENT" "Bad action: match inconsistent." [(1, 1, Nx(1, 522)), (2, 6, Std(2, 10))];
    BacBadSetType "OFPBAC_BAD_SET_TYPE" "Bad action: bad set type." [(1, 2, Nx(1, 523)), (3, 6, Std(2, 13))];
    BacBadSetLen "OFPBAC_BAD_SET_LEN" "Bad action: bad set length." [(1, 2, Nx(1, 524)), (3, 6, Std(2, 14))];
    BacBadSetArgument "OFPBAC_BAD_SET_ARGUMENT" "Bad action: bad set argument." [(1, 2, Nx(1, 525)), (3, 6, Std(2, 15))];
    BacBadOutGroup "OFPBAC_BAD_OUT_GROUP" "Bad action: bad output group." [(1, 1, Nx(2, 9)), (2, 6, Std(2, 9))];
    BacUnsupportedOrder "OFPBAC_UNSUPPORTED_ORDER" "Bad action: unsupported order." [(2, 6, Std(2, 11))];
    BacBadTag "OFPBAC_BAD_TAG" "Bad action: bad tag." [(2, 6, Std(2, 12))];
    BacBadSetMask "OFPBAC_BAD_SET_MASK" "Bad action: bad set mask." [(6, 6, Std(2, 16))];
    BacBadMeter "OFPBAC_BAD_METER" "Bad action: bad meter." [(6, 6, Std(2, 17))];
    BicUnsupInst "OFPBIC_UNSUP_INST" "Bad instruction: unsupported instruction." [(1, 1, Nx(2, 257)), (2, 6, Std(3, 1))];
    BicUnknownInst "OFPBIC_UNKNOWN_INST" "Bad instruction: unknown instruction." [(2, 6, Std(3, 0))];
    BicBadTableId "OFPBIC_BAD_TABLE_ID" "Bad instruction: bad table identifier." [(2, 6, Std(3, 2))];
    BicUnsupMetadata "OFPBIC_UNSUP_METADATA" "Bad instruction: unsupported metadata." [(2, 6, Std(3, 3))];
    BicUnsupMetadataMask "OFPBIC_UNSUP_METADATA_MASK" "Bad instruction: unsupported metadata mask." [(2, 6, Std(3, 4))];
    BicBadExperimenter "OFPBIC_BAD_EXPERIMENTER" "Bad instruction: bad experimenter." [(2, 6, Std(3, 5))];
    BicDupInst "OFPBIC_DUP_INST" "Bad instruction: duplicate instruction." [(2, 2, Nx(3, 256)), (3, 4, OnfExp(2600)), (5, 6, Std(3, 9))];
    BicBadExpType "OFPBIC_BAD_EXP_TYPE" "Bad instruction: bad experimenter type." [(3, 6, Std(3, 6))];
    BicBadLen "OFPBIC_BAD_LEN" "Bad instruction: bad length." [(3, 6, Std(3, 7))];
    BicEperm "OFPBIC_EPERM" "Bad instruction: not permitted." [(3, 6, Std(3, 8))];
    BmcBadField "OFPBMC_BAD_FIELD" "Bad match: bad field." [(1, 1, Nx(0, 263)), (2, 6, Std(4, 6))];
    BmcBadValue "OFPBMC_BAD_VALUE" "Bad match: bad value." [(1, 1, Nx(1, 258)), (2, 6, Std(4, 7))];
    BmcBadMask "OFPBMC_BAD_MASK" "Bad match: bad mask." [(1, 2, Nx(1, 259)), (3, 6, Std(4, 8))];
    BmcBadPrereq "OFPBMC_BAD_PREREQ" "Bad match: bad prerequisite." [(1, 2, Nx(1, 260)), (3, 6, Std(4, 9))];
    BmcDupField "OFPBMC_DUP_FIELD" "Bad match: duplicate field." [(1, 2, Nx(1, 261)), (3, 6, Std(4, 10))];
    BmcBadWildcards "OFPBMC_BAD_WILDCARDS" "Bad match: bad wildcards." [(1, 1, Nx(1, 262)), (2, 6, Std(4, 5))];
    BmcBadType "OFPBMC_BAD_TYPE" "Bad match: bad type." [(2, 6, Std(4, 0))];
    BmcBadLen "OFPBMC_BAD_LEN" "Bad match: bad length." [(2, 6, Std(4, 1))];
    BmcBadTag "OFPBMC_BAD_TAG" "Bad match: bad tag." [(2, 6, Std(4, 2))];
    BmcBadDlAddrMask "OFPBMC_BAD_DL_ADDR_MASK" "Bad match: bad Ethernet address mask." [(2, 6, Std(4, 3))];
    BmcBadNwAddrMask "OFPBMC_BAD_NW_ADDR_MASK" "Bad match: bad network address mask." [(2, 6, Std(4, 4))];
    BmcEperm "OFPBMC_EPERM" "Bad match: not permitted." [(3, 6, Std(4, 11))];
    FmfcTableFull "OFPFMFC_TABLE_FULL" "Flow mod failed: table full." [(1, 1, Std(3, 0)), (2, 6, Std(5, 1))];
    FmfcOverlap "OFPFMFC_OVERLAP" "Flow mod failed: overlap." [(1, 1, Std(3, 1)), (2, 6, Std(5, 3))];
    FmfcEperm "OFPFMFC_EPERM" "Flow mod failed: not permitted." [(1, 1, Std(3, 2)), (2, 6, Std(5, 4))];
    FmfcBadEmergTimeout "OFPFMFC_BAD_EMERG_TIMEOUT" "Flow mod failed: bad emerg timeout." [(1, 1, Std(3, 3))];
    FmfcBadCommand "OFPFMFC_BAD_COMMAND" "Flow mod failed: bad command." [(1, 1, Std(3, 4)), (2, 6, Std(5, 6))];
    FmfcUnsupported "OFPFMFC_UNSUPPORTED" "Flow mod failed: unsupported." [(1, 1, Std(3, 5))];
    FmfcBadFlags "OFPFMFC_BAD_FLAGS" "Flow mod failed: bad flags." [(1, 1, Nx(3, 258)), (2, 2, Nx(5, 258)), (3, 6, Std(5, 7))];
    FmfcUnknown "OFPFMFC_UNKNOWN" "Flow mod failed: unknown." [(2, 6, Std(5, 0))];
    FmfcBadTableId "OFPFMFC_BAD_TABLE_ID" "Flow mod failed: bad table identifier." [(2, 6, Std(5, 2))];
    FmfcBadTimeout "OFPFMFC_BAD_TIMEOUT" "Flow mod failed: bad timeout." [(2, 6, Std(5, 5))];
    FmfcBadPriority "OFPFMFC_BAD_PRIORITY" "Flow mod failed: bad priority." [(4, 4, OnfExp(2360)), (5, 6, Std(5, 9))];
    FmfcCantSync "OFPFMFC_CANT_SYNC" "Flow mod failed: cannot synchronised table." [(5, 6, Std(5, 8))];
    FmfcIsSync "OFPFMFC_IS_SYNC" "Flow mod failed: is synchronised table." [(5, 6, Std(5, 10))];
    GmfcGroupExists "OFPGMFC_GROUP_EXISTS" "Group mod failed: group exists." [(1, 1, Nx(6, 0)), (2, 6, Std(6, 0))];
    GmfcInvalidGroup "OFPGMFC_INVALID_GROUP" "Group mod failed: invalid group." [(1, 1, Nx(6, 1)), (2, 6, Std(6, 1))];
    GmfcWeightUnsupported "OFPGMFC_WEIGHT_UNSUPPORTED" "Group mod failed: weight unsupported." [(1, 1, Nx(6, 2)), (2, 6, Std(6, 2))];
    GmfcOutOfGroups "OFPGMFC_OUT_OF_GROUPS" "Group mod failed: output of groups." [(1, 1, Nx(6, 3)), (2, 6, Std(6, 3))];
    GmfcOutOfBuckets "OFPGMFC_OUT_OF_BUCKETS" "Group mod failed: output of buckets." [(1, 1, Nx(6, 4)), (2, 6, Std(6, 4))];
    GmfcChainingUnsupported "OFPGMFC_CHAINING_UNSUPPORTED" "Group mod failed: chaining unsupported." [(1, 1, Nx(6, 5)), (2, 6, Std(6, 5))];
    GmfcWatchUnsupported "OFPGMFC_WATCH_UNSUPPORTED" "Group mod failed: watch unsupported." [(1, 1, Nx(6, 6)), (2, 6, Std(6, 6))];
    GmfcLoop "OFPGMFC_LOOP" "Group mod failed: loop." [(1, 1, Nx(6, 7)), (2, 6, Std(6, 7))];
    GmfcUnknownGroup "OFPGMFC_UNKNOWN_GROUP" "Group mod failed: unknown group." [(1, 1, Nx(6, 8)), (2, 6, Std(6, 8))];
    GmfcChainedGroup "OFPGMFC_CHAINED_GROUP" "Group mod failed: chained group." [(1, 1, Nx(6, 9)), (3, 6, Std(6, 9))];
    GmfcBadType "OFPGMFC_BAD_TYPE" "Group mod failed: bad type." [(1, 1, Nx(6, 10)), (3, 6, Std(6, 10))];
    GmfcBadCommand "OFPGMFC_BAD_COMMAND" "Group mod failed: bad command." [(1, 1, Nx(6, 11)), (3, 6, Std(6, 11))];
    GmfcBadBucket "OFPGMFC_BAD_BUCKET" "Group mod failed: bad bucket." [(1, 1, Nx(6, 12)), (3, 6, Std(6, 12))];
    GmfcBadWatch "OFPGMFC_BAD_WATCH" "Group mod failed: bad watch." [(1, 1, Nx(6, 13)), (3, 6, Std(6, 13))];
    GmfcEperm "OFPGMFC_EPERM" "Group mod failed: not permitted." [(1, 1, Nx(6, 14)), (3, 6, Std(6, 14))];
    GmfcUnknownBucket "OFPGMFC_UNKNOWN_BUCKET" "Group mod failed: unknown bucket." [(1, 1, Nx(6, 15)), (6, 6, Std(6, 15))];
    GmfcBucketExists "OFPGMFC_BUCKET_EXISTS" "Group mod failed: bucket exists." [(1, 1, Nx(6, 16)), (6, 6, Std(6, 16))];
    PmfcBadPort "OFPPMFC_BAD_PORT" "Port mod failed: bad port." [(1, 1, Std(4, 0)), (2, 6, Std(7, 0))];
    PmfcBadHwAddr "OFPPMFC_BAD_HW_ADDR" "Port mod failed: bad hardware address." [(1, 1, Std(4, 1)), (2, 6, Std(7, 1))];
    PmfcBadConfig "OFPPMFC_BAD_CONFIG" "Port mod failed: bad config." [(2, 6, Std(7, 2))];
    PmfcBadAdvertise "OFPPMFC_BAD_ADVERTISE" "Port mod failed: bad advertise." [(2, 6, Std(7, 3))];
    PmfcEperm "OFPPMFC_EPERM" "Port mod failed: not permitted." [(3, 6, Std(7, 4))];
    TmfcBadTable "OFPTMFC_BAD_TABLE" "Table mod failed: bad table." [(2, 6, Std(8, 0))];
    TmfcBadConfig "OFPTMFC_BAD_CONFIG" "Table mod failed: bad config." [(2, 6, Std(8, 1))];
    TmfcEperm "OFPTMFC_EPERM" "Table mod failed: not permitted." [(3, 6, Std(8, 2))];
    QofcBadPort "OFPQOFC_BAD_PORT" "Queue request failed: bad port." [(1, 1, Std(5, 0)), (2, 6, Std(9, 0))];
    QofcBadQueue "OFPQOFC_BAD_QUEUE" "Queue request failed: bad queue." [(1, 1, Std(5, 1)), (2, 6, Std(9, 1))];
    QofcEperm "OFPQOFC_EPERM" "Queue request failed: not permitted." [(1, 1, Std(5, 2)), (2, 6, Std(9, 2))];
    ScfcBadFlags "OFPSCFC_BAD_FLAGS" "Switch configuration failed: bad flags." [(2, 6, Std(10, 0))];
    ScfcBadLen "OFPSCFC_BAD_LEN" "Switch configuration failed: bad length." [(2, 6, Std(10, 1))];
    ScfcEperm "OFPSCFC_EPERM" "Switch configuration failed: not permitted." [(3, 6, Std(10, 2))];
    RrfcBadRole "OFPRRFC_BAD_ROLE" "Role request failed: bad role." [(1, 2, Nx(1, 513)), (3, 6, Std(11, 2))];
    RrfcStale "OFPRRFC_STALE" "Role request failed: stale." [(3, 6, Std(11, 0))];
    RrfcUnsup "OFPRRFC_UNSUP" "Role request failed: unsupported." [(3, 6, Std(11, 1))];
    RrfcIdUnsup "OFPRRFC_ID_UNSUP" "Role request failed: identifier unsupported." [(6, 6, Std(11, 3))];
    RrfcIdInUse "OFPRRFC_ID_IN_USE" "Role request failed: identifier in use." [(6, 6, Std(11, 4))];
    MmfcUnknown "OFPMMFC_UNKNOWN" "Meter mod failed: unknown." [(4, 6, Std(12, 0))];
    MmfcMeterExists "OFPMMFC_METER_EXISTS" "Meter mod failed: meter exists." [(4, 6, Std(12, 1))];
    MmfcInvalidMeter "OFPMMFC_INVALID_METER" "Meter mod failed: invalid meter." [(4, 6, Std(12, 2))];
    MmfcUnknownMeter "OFPMMFC_UNKNOWN_METER" "Meter mod failed: unknown meter." [(4, 6, Std(12, 3))];
    MmfcBadCommand "OFPMMFC_BAD_COMMAND" "Meter mod failed: bad command." [(4, 6, Std(12, 4))];
    MmfcBadFlags "OFPMMFC_BAD_FLAGS" "Meter mod failed: bad flags." [(4, 6, Std(12, 5))];
    MmfcBadRate "OFPMMFC_BAD_RATE" "Meter mod failed: bad rate." [(4, 6, Std(12, 6))];
    MmfcBadBurst "OFPMMFC_BAD_BURST" "Meter mod failed: bad burst." [(4, 6, Std(12, 7))];
    MmfcBadBand "OFPMMFC_BAD_BAND" "Meter mod failed: bad band." [(4, 6, Std(12, 8))];
    MmfcBadBandValue "OFPMMFC_BAD_BAND_VALUE" "Meter mod failed: bad band value." [(4, 6, Std(12, 9))];
    MmfcOutOfMeters "OFPMMFC_OUT_OF_METERS" "Meter mod failed: output of meters." [(4, 6, Std(12, 10))];
    MmfcOutOfBands "OFPMMFC_OUT_OF_BANDS" "Meter mod failed: output of bands." [(4, 6, Std(12, 11))];
    TffcBadTable "OFPTFFC_BAD_TABLE" "Table features failed: bad table." [(4, 6, Std(13, 0))];
    TffcBadMetadata "OFPTFFC_BAD_METADATA" "Table features failed: bad metadata." [(4, 6, Std(13, 1))];
    TffcEperm "OFPTFFC_EPERM" "Table features failed: not permitted." [(4, 6, Std(13, 5))];
    TffcBadCapa "OFPTFFC_BAD_CAPA" "Table features failed: bad capabilities." [(6, 6, Std(13, 6))];
    TffcBadMaxEnt "OFPTFFC_BAD_MAX_ENT" "Table features failed: bad max entries." [(6, 6, Std(13, 7))];
    TffcBadFeatures "OFPTFFC_BAD_FEATURES" "Table features failed: bad features." [(6, 6, Std(13, 8))];
    TffcBadCommand "OFPTFFC_BAD_COMMAND" "Table features failed: bad command." [(6, 6, Std(13, 9))];
    TffcTooMany "OFPTFFC_TOO_MANY" "Table features failed: too many." [(6, 6, Std(13, 10))];
    BpcBadType "OFPBPC_BAD_TYPE" "Bad property: bad type." [(1, 2, Nx(13, 2)), (3, 3, NxExp(25)), (4, 4, Std(13, 2)), (5, 6, Std(14, 0))];
    BpcBadLen "OFPBPC_BAD_LEN" "Bad property: bad length." [(1, 2, Nx(13, 3)), (3, 3, NxExp(26)), (4, 4, Std(13, 3)), (5, 6, Std(14, 1))];
    BpcBadValue "OFPBPC_BAD_VALUE" "Bad property: bad value." [(1, 2, Nx(13, 4)), (3, 3, NxExp(27)), (4, 4, Std(13, 4)), (5, 6, Std(14, 2))];
    BpcTooMany "OFPBPC_TOO_MANY" "Bad property: too many." [(1, 2, Nx(14, 3)), (3, 3, NxExp(28)), (5, 6, Std(14, 3))];
    BpcDupType "OFPBPC_DUP_TYPE" "Bad property: duplicate type." [(1, 2, Nx(14, 4)), (3, 3, NxExp(29)), (5, 6, Std(14, 4))];
    BpcBadExperimenter "OFPBPC_BAD_EXPERIMENTER" "Bad property: bad experimenter." [(1, 2, Nx(14, 5)), (3, 3, NxExp(30)), (5, 6, Std(14, 5))];
    BpcBadExpType "OFPBPC_BAD_EXP_TYPE" "Bad property: bad experimenter type." [(1, 2, Nx(14, 6)), (3, 3, NxExp(31)), (5, 6, Std(14, 6))];
    BpcBadExpValue "OFPBPC_BAD_EXP_VALUE" "Bad property: bad experimenter value." [(1, 2, Nx(14, 7)), (3, 3, NxExp(32)), (5, 6, Std(14, 7))];
    BpcEperm "OFPBPC_EPERM" "Bad property: not permitted." [(1, 2, Nx(14, 8)), (3, 3, NxExp(33)), (5, 6, Std(14, 8))];
    AcfcInvalid "OFPACFC_INVALID" "Asynchronous configuration failed: invalid." [(4, 4, OnfExp(2370)), (5, 6, Std(15, 0))];
    AcfcUnsupported "OFPACFC_UNSUPPORTED" "Asynchronous configuration failed: unsupported." [(4, 4, OnfExp(2371)), (5, 6, Std(15, 1))];
    AcfcEperm "OFPACFC_EPERM" "Asynchronous configuration failed: not permitted." [(4, 4, OnfExp(2372)), (5, 6, Std(15, 2))];
    MofcMonitorExists "OFPMOFC_MONITOR_EXISTS" "Flow monitor failed: monitor exists." [(1, 2, Nx(1, 517)), (3, 4, NxExp(6)), (5, 6, Std(16, 1))];
    MofcBadFlags "OFPMOFC_BAD_FLAGS" "Flow monitor failed: bad flags." [(1, 2, Nx(1, 518)), (3, 4, NxExp(7)), (5, 6, Std(16, 5))];
    MofcUnknownMonitor "OFPMOFC_UNKNOWN_MONITOR" "Flow monitor failed: unknown monitor." [(1, 2, Nx(1, 519)), (3, 4, NxExp(8)), (5, 6, Std(16, 3))];
    MofcUnknown "OFPMOFC_UNKNOWN" "Flow monitor failed: unknown." [(5, 6, Std(16, 0))];
    MofcInvalidMonitor "OFPMOFC_INVALID_MONITOR" "Flow monitor failed: invalid monitor." [(5, 6, Std(16, 2))];
    MofcBadCommand "OFPMOFC_BAD_COMMAND" "Flow monitor failed: bad command." [(5, 6, Std(16, 4))];
    MofcBadTableId "OFPMOFC_BAD_TABLE_ID" "Flow monitor failed: bad table identifier." [(5, 6, Std(16, 6))];
    MofcBadOut "OFPMOFC_BAD_OUT" "Flow monitor failed: bad output." [(5, 6, Std(16, 7))];
    BfcUnknown "OFPBFC_UNKNOWN" "Bundle failed: unknown." [(4, 4, OnfExp(2300)), (5, 6, Std(17, 0))];
    BfcEperm "OFPBFC_EPERM" "Bundle failed: not permitted." [(4, 4, OnfExp(2301)), (5, 6, Std(17, 1))];
    BfcBadId "OFPBFC_BAD_ID" "Bundle failed: bad identifier." [(4, 4, OnfExp(2302)), (5, 6, Std(17, 2))];
    BfcBundleExist "OFPBFC_BUNDLE_EXIST" "Bundle failed: bundle exist." [(4, 4, OnfExp(2303)), (5, 6, Std(17, 3))];
    BfcBundleClosed "OFPBFC_BUNDLE_CLOSED" "Bundle failed: bundle closed." [(4, 4, OnfExp(2304)), (5, 6, Std(17, 4))];
    BfcOutOfBundles "OFPBFC_OUT_OF_BUNDLES" "Bundle failed: output of bundles." [(4, 4, OnfExp(2305)), (5, 6, Std(17, 5))];
    BfcBadType "OFPBFC_BAD_TYPE" "Bundle failed: bad type." [(4, 4, OnfExp(2306)), (5, 6, Std(17, 6))];
    BfcBadFlags "OFPBFC_BAD_FLAGS" "Bundle failed: bad flags." [(4, 4, OnfExp(2307)), (5, 6, Std(17, 7))];
    BfcMsgBadLen "OFPBFC_MSG_BAD_LEN" "Bundle failed: message bad length." [(4, 4, OnfExp(2308)), (5, 6, Std(17, 8))];
    BfcMsgBadXid "OFPBFC_MSG_BAD_XID" "Bundle failed: message bad transaction id." [(4, 4, OnfExp(2309)), (5, 6, Std(17, 9))];
    BfcMsgUnsup "OFPBFC_MSG_UNSUP" "Bundle failed: message unsupported." [(4, 4, OnfExp(2310)), (5, 6, Std(17, 10))];
    BfcMsgConflict "OFPBFC_MSG_CONFLICT" "Bundle failed: message conflict." [(4, 4, OnfExp(2311)), (5, 6, Std(17, 11))];
    BfcMsgTooMany "OFPBFC_MSG_TOO_MANY" "Bundle failed: message too many." [(4, 4, OnfExp(2312)), (5, 6, Std(17, 12))];
    BfcMsgFailed "OFPBFC_MSG_FAILED" "Bundle failed: message failed." [(4, 4, OnfExp(2313)), (5, 6, Std(17, 13))];
    BfcTimeout "OFPBFC_TIMEOUT" "Bundle failed: timeout." [(4, 4, OnfExp(2314)), (5, 6, Std(17, 14))];
    BfcBundleInProgress "OFPBFC_BUNDLE_IN_PROGRESS" "Bundle failed: bundle in progress." [(4, 4, OnfExp(2315)), (5, 6, Std(17, 15))];
    BfcBadVersion "OFPBFC_BAD_VERSION" "Bundle failed: bad version." [(5, 6, NxExp(22))];
    BfcSchedNotSupported "OFPBFC_SCHED_NOT_SUPPORTED" "Bundle failed: schedule not supported." [(6, 6, Std(17, 16))];
    BfcSchedFuture "OFPBFC_SCHED_FUTURE" "Bundle failed: schedule future." [(6, 6, Std(17, 17))];
    BfcSchedPast "OFPBFC_SCHED_PAST" "Bundle failed: schedule past." [(6, 6, Std(17, 18))];
    NxBrcNxmInvalid "NXBRC_NXM_INVALID" "Bad request (extension): NXM invalid." [(1, 2, Nx(1, 256)), (3, 6, NxExp(2))];
    NxBrcNxmBadType "NXBRC_NXM_BAD_TYPE" "Bad request (extension): NXM bad type." [(1, 2, Nx(1, 257)), (3, 6, NxExp(3))];
    NxBrcMustBeZero "NXBRC_MUST_BE_ZERO" "Bad request (extension): must be zero." [(1, 2, Nx(1, 515)), (3, 6, NxExp(4))];
    NxBrcBadReason "NXBRC_BAD_REASON" "Bad request (extension): bad reason." [(1, 2, Nx(1, 516)), (3, 6, NxExp(5))];
    NxBrcFmBadEvent "NXBRC_FM_BAD_EVENT" "Bad request (extension): flow monitor bad event." [(1, 2, Nx(1, 520)), (3, 6, NxExp(9))];
    NxBrcUnencodableError "NXBRC_UNENCODABLE_ERROR" "Bad request (extension): unencodable error." [(1, 2, Nx(1, 521)), (3, 6, NxExp(10))];
    NxBmcCtDatapathSupport "NXBMC_CT_DATAPATH_SUPPORT" "Bad match (extension): conntrack datapath support." [(1, 2, Nx(1, 264)), (3, 6, NxExp(43))];
    NxBacCtDatapathSupport "NXBAC_CT_DATAPATH_SUPPORT" "Bad action (extension): conntrack datapath support." [(1, 2, Nx(1, 265)), (3, 6, NxExp(42))];
    NxBacMustBeZero "NXBAC_MUST_BE_ZERO" "Bad action (extension): must be zero." [(1, 2, Nx(2, 256)), (3, 6, NxExp(11))];
    NxBacBadConjunction "NXBAC_BAD_CONJUNCTION" "Bad action (extension): bad conjunction." [(1, 2, Nx(2, 526)), (3, 6, NxExp(15))];
    NxBacBadHeaderType "NXBAC_BAD_HEADER_TYPE" "Bad action (extension): bad header type." [(4, 6, NxExp(39))];
    NxBacUnknownEdProp "NXBAC_UNKNOWN_ED_PROP" "Bad action (extension): unknown encap/decap property." [(4, 6, NxExp(40))];
    NxBacBadEdProp "NXBAC_BAD_ED_PROP" "Bad action (extension): bad encap/decap property." [(4, 6, NxExp(41))];
    NxTtmfcBadCommand "NXTTMFC_BAD_COMMAND" "TLV table mod failed: bad command." [(1, 2, Nx(1, 527)), (3, 6, NxExp(16))];
    NxTtmfcBadOptLen "NXTTMFC_BAD_OPT_LEN" "TLV table mod failed: bad option length." [(1, 2, Nx(1, 528)), (3, 6, NxExp(17))];
    NxTtmfcBadFieldIdx "NXTTMFC_BAD_FIELD_IDX" "TLV table mod failed: bad field index." [(1, 2, Nx(1, 529)), (3, 6, NxExp(18))];
    NxTtmfcTableFull "NXTTMFC_TABLE_FULL" "TLV table mod failed: table full." [(1, 2, Nx(1, 530)), (3, 6, NxExp(19))];
    NxTtmfcAlreadyMapped "NXTTMFC_ALREADY_MAPPED" "TLV table mod failed: already mapped." [(1, 2, Nx(1, 531)), (3, 6, NxExp(20))];
    NxTtmfcDupEntry "NXTTMFC_DUP_ENTRY" "TLV table mod failed: duplicate entry." [(1, 2, Nx(1, 532)), (3, 6, NxExp(21))];
    NxTtmfcInvalidTlvDel "NXTTMFC_INVALID_TLV_DEL" "TLV table mod failed: invalid TLV deletion." [(1, 2, Nx(1, 537)), (3, 6, NxExp(38))];
    NxRNotSupported "NXR_NOT_SUPPORTED" "Resume failed: not supported." [(1, 2, Nx(1, 533)), (3, 6, NxExp(34))];
    NxRStale "NXR_STALE" "Resume failed: stale." [(1, 2, Nx(1, 534)), (3, 6, NxExp(35))];
    NxStNotConfigured "NXST_NOT_CONFIGURED" "Statistics request failed: not configured." [(1, 2, Nx(1, 535)), (3, 6, NxExp(36))];
    NxFmfcInvalidTlvField "NXFMFC_INVALID_TLV_FIELD" "Flow mod failed (extension): invalid TLV field." [(1, 2, Nx(1, 536)), (3, 6, NxExp(37))];
    NxFmfcHardware "NXFMFC_HARDWARE" "Flow mod failed (extension): hardware." [(1, 2, Nx(5, 256)), (3, 6, NxExp(12))];
    NxFmfcBadTableId "NXFMFC_BAD_TABLE_ID" "Flow mod failed (extension): bad table identifier." [(1, 2, Nx(5, 257)), (3, 6, NxExp(13))];
    NxTffcDupTable "NXTFFC_DUP_TABLE" "Table features failed (extension): duplicate table." [(4, 6, NxExp(44))];
    NxQofcQueueError "NXQOFC_QUEUE_ERROR" "Queue request failed (extension): queue error." [(5, 6, NxExp(23))];
}
