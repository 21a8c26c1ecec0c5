//! The rows of the registry that come in arrays: registers and tunnel options.

use core::mem::offset_of;

use super::facts::{Facts, OfVersion, Order, Place, Setter};
use crate::FlowKey;

const REGS: usize = offset_of!(FlowKey, regs);
const OPTIONS: usize = offset_of!(FlowKey, tunnel.metadata);

/// `reg0` to `reg31`. The first sixteen have the numbers of `ovs-fields(7)`. The others came with Open vSwitch 3.7,
/// when NXM's class had no sixteen numbers left; no public text names theirs, so that ours are provisional.
const fn reg(n: usize, name: &'static str, wire: &'static str) -> Facts {
    let row = Facts::row(name, 4, Place::native(REGS + 4 * n, 4));
    let since = match n {
        0..=3 => (1, 1),
        4 => (1, 3),
        5..=7 => (1, 7),
        8..=15 => (2, 6),
        _ => return row.nx_et(wire, n as u8 + 1, WIDER).provisional(),
    };
    row.nxm_nx(wire, n as u8, since)
}

/// When there came to be 32 registers.
const WIDER: (u8, u8) = (3, 7);

const fn xreg(n: usize, name: &'static str, wire: &'static str) -> Facts {
    let place = Place { order: Order::NativeWords, ..Place::net(REGS + 8 * n, 8) };
    let since = if n < 8 { (2, 4) } else { WIDER };
    Facts::row(name, 8, place).wire(wire, 0x8001, n as u8, OfVersion::V13, since)
}

const fn xxreg(n: usize, name: &'static str, wire: &'static str) -> Facts {
    let place = Place { order: Order::NativeWords, ..Place::net(REGS + 16 * n, 16) };
    let since = if n < 4 { (2, 6) } else { WIDER };
    Facts::row(name, 16, place).nxm_nx(wire, 111 + n as u8, since)
}

/// An option without an entry in a TLV table has four bytes at a place of its own.
const fn option(n: usize, name: &'static str, wire: &'static str) -> Facts {
    Facts::row(name, 4, Place::net(OPTIONS + 4 * n, 4)).set_by(Setter::TunOption(n as u8)).nxm_nx(
        wire,
        40 + n as u8,
        (2, 5),
    )
}

pub(super) static REGISTERS: [Facts; 32] = [
    reg(0, "reg0", "NXM_NX_REG0"),
    reg(1, "reg1", "NXM_NX_REG1"),
    reg(2, "reg2", "NXM_NX_REG2"),
    reg(3, "reg3", "NXM_NX_REG3"),
    reg(4, "reg4", "NXM_NX_REG4"),
    reg(5, "reg5", "NXM_NX_REG5"),
    reg(6, "reg6", "NXM_NX_REG6"),
    reg(7, "reg7", "NXM_NX_REG7"),
    reg(8, "reg8", "NXM_NX_REG8"),
    reg(9, "reg9", "NXM_NX_REG9"),
    reg(10, "reg10", "NXM_NX_REG10"),
    reg(11, "reg11", "NXM_NX_REG11"),
    reg(12, "reg12", "NXM_NX_REG12"),
    reg(13, "reg13", "NXM_NX_REG13"),
    reg(14, "reg14", "NXM_NX_REG14"),
    reg(15, "reg15", "NXM_NX_REG15"),
    reg(16, "reg16", "NXOXM_ET_REG16"),
    reg(17, "reg17", "NXOXM_ET_REG17"),
    reg(18, "reg18", "NXOXM_ET_REG18"),
    reg(19, "reg19", "NXOXM_ET_REG19"),
    reg(20, "reg20", "NXOXM_ET_REG20"),
    reg(21, "reg21", "NXOXM_ET_REG21"),
    reg(22, "reg22", "NXOXM_ET_REG22"),
    reg(23, "reg23", "NXOXM_ET_REG23"),
    reg(24, "reg24", "NXOXM_ET_REG24"),
    reg(25, "reg25", "NXOXM_ET_REG25"),
    reg(26, "reg26", "NXOXM_ET_REG26"),
    reg(27, "reg27", "NXOXM_ET_REG27"),
    reg(28, "reg28", "NXOXM_ET_REG28"),
    reg(29, "reg29", "NXOXM_ET_REG29"),
    reg(30, "reg30", "NXOXM_ET_REG30"),
    reg(31, "reg31", "NXOXM_ET_REG31"),
];

pub(super) static XREGISTERS: [Facts; 16] = [
    xreg(0, "xreg0", "OXM_OF_PKT_REG0"),
    xreg(1, "xreg1", "OXM_OF_PKT_REG1"),
    xreg(2, "xreg2", "OXM_OF_PKT_REG2"),
    xreg(3, "xreg3", "OXM_OF_PKT_REG3"),
    xreg(4, "xreg4", "OXM_OF_PKT_REG4"),
    xreg(5, "xreg5", "OXM_OF_PKT_REG5"),
    xreg(6, "xreg6", "OXM_OF_PKT_REG6"),
    xreg(7, "xreg7", "OXM_OF_PKT_REG7"),
    xreg(8, "xreg8", "OXM_OF_PKT_REG8"),
    xreg(9, "xreg9", "OXM_OF_PKT_REG9"),
    xreg(10, "xreg10", "OXM_OF_PKT_REG10"),
    xreg(11, "xreg11", "OXM_OF_PKT_REG11"),
    xreg(12, "xreg12", "OXM_OF_PKT_REG12"),
    xreg(13, "xreg13", "OXM_OF_PKT_REG13"),
    xreg(14, "xreg14", "OXM_OF_PKT_REG14"),
    xreg(15, "xreg15", "OXM_OF_PKT_REG15"),
];

pub(super) static XXREGISTERS: [Facts; 8] = [
    xxreg(0, "xxreg0", "NXM_NX_XXREG0"),
    xxreg(1, "xxreg1", "NXM_NX_XXREG1"),
    xxreg(2, "xxreg2", "NXM_NX_XXREG2"),
    xxreg(3, "xxreg3", "NXM_NX_XXREG3"),
    xxreg(4, "xxreg4", "NXM_NX_XXREG4"),
    xxreg(5, "xxreg5", "NXM_NX_XXREG5"),
    xxreg(6, "xxreg6", "NXM_NX_XXREG6"),
    xxreg(7, "xxreg7", "NXM_NX_XXREG7"),
];

pub(super) static TUN_METADATA: [Facts; 64] = [
    option(0, "tun_metadata0", "NXM_NX_TUN_METADATA0"),
    option(1, "tun_metadata1", "NXM_NX_TUN_METADATA1"),
    option(2, "tun_metadata2", "NXM_NX_TUN_METADATA2"),
    option(3, "tun_metadata3", "NXM_NX_TUN_METADATA3"),
    option(4, "tun_metadata4", "NXM_NX_TUN_METADATA4"),
    option(5, "tun_metadata5", "NXM_NX_TUN_METADATA5"),
    option(6, "tun_metadata6", "NXM_NX_TUN_METADATA6"),
    option(7, "tun_metadata7", "NXM_NX_TUN_METADATA7"),
    option(8, "tun_metadata8", "NXM_NX_TUN_METADATA8"),
    option(9, "tun_metadata9", "NXM_NX_TUN_METADATA9"),
    option(10, "tun_metadata10", "NXM_NX_TUN_METADATA10"),
    option(11, "tun_metadata11", "NXM_NX_TUN_METADATA11"),
    option(12, "tun_metadata12", "NXM_NX_TUN_METADATA12"),
    option(13, "tun_metadata13", "NXM_NX_TUN_METADATA13"),
    option(14, "tun_metadata14", "NXM_NX_TUN_METADATA14"),
    option(15, "tun_metadata15", "NXM_NX_TUN_METADATA15"),
    option(16, "tun_metadata16", "NXM_NX_TUN_METADATA16"),
    option(17, "tun_metadata17", "NXM_NX_TUN_METADATA17"),
    option(18, "tun_metadata18", "NXM_NX_TUN_METADATA18"),
    option(19, "tun_metadata19", "NXM_NX_TUN_METADATA19"),
    option(20, "tun_metadata20", "NXM_NX_TUN_METADATA20"),
    option(21, "tun_metadata21", "NXM_NX_TUN_METADATA21"),
    option(22, "tun_metadata22", "NXM_NX_TUN_METADATA22"),
    option(23, "tun_metadata23", "NXM_NX_TUN_METADATA23"),
    option(24, "tun_metadata24", "NXM_NX_TUN_METADATA24"),
    option(25, "tun_metadata25", "NXM_NX_TUN_METADATA25"),
    option(26, "tun_metadata26", "NXM_NX_TUN_METADATA26"),
    option(27, "tun_metadata27", "NXM_NX_TUN_METADATA27"),
    option(28, "tun_metadata28", "NXM_NX_TUN_METADATA28"),
    option(29, "tun_metadata29", "NXM_NX_TUN_METADATA29"),
    option(30, "tun_metadata30", "NXM_NX_TUN_METADATA30"),
    option(31, "tun_metadata31", "NXM_NX_TUN_METADATA31"),
    option(32, "tun_metadata32", "NXM_NX_TUN_METADATA32"),
    option(33, "tun_metadata33", "NXM_NX_TUN_METADATA33"),
    option(34, "tun_metadata34", "NXM_NX_TUN_METADATA34"),
    option(35, "tun_metadata35", "NXM_NX_TUN_METADATA35"),
    option(36, "tun_metadata36", "NXM_NX_TUN_METADATA36"),
    option(37, "tun_metadata37", "NXM_NX_TUN_METADATA37"),
    option(38, "tun_metadata38", "NXM_NX_TUN_METADATA38"),
    option(39, "tun_metadata39", "NXM_NX_TUN_METADATA39"),
    option(40, "tun_metadata40", "NXM_NX_TUN_METADATA40"),
    option(41, "tun_metadata41", "NXM_NX_TUN_METADATA41"),
    option(42, "tun_metadata42", "NXM_NX_TUN_METADATA42"),
    option(43, "tun_metadata43", "NXM_NX_TUN_METADATA43"),
    option(44, "tun_metadata44", "NXM_NX_TUN_METADATA44"),
    option(45, "tun_metadata45", "NXM_NX_TUN_METADATA45"),
    option(46, "tun_metadata46", "NXM_NX_TUN_METADATA46"),
    option(47, "tun_metadata47", "NXM_NX_TUN_METADATA47"),
    option(48, "tun_metadata48", "NXM_NX_TUN_METADATA48"),
    option(49, "tun_metadata49", "NXM_NX_TUN_METADATA49"),
    option(50, "tun_metadata50", "NXM_NX_TUN_METADATA50"),
    option(51, "tun_metadata51", "NXM_NX_TUN_METADATA51"),
    option(52, "tun_metadata52", "NXM_NX_TUN_METADATA52"),
    option(53, "tun_metadata53", "NXM_NX_TUN_METADATA53"),
    option(54, "tun_metadata54", "NXM_NX_TUN_METADATA54"),
    option(55, "tun_metadata55", "NXM_NX_TUN_METADATA55"),
    option(56, "tun_metadata56", "NXM_NX_TUN_METADATA56"),
    option(57, "tun_metadata57", "NXM_NX_TUN_METADATA57"),
    option(58, "tun_metadata58", "NXM_NX_TUN_METADATA58"),
    option(59, "tun_metadata59", "NXM_NX_TUN_METADATA59"),
    option(60, "tun_metadata60", "NXM_NX_TUN_METADATA60"),
    option(61, "tun_metadata61", "NXM_NX_TUN_METADATA61"),
    option(62, "tun_metadata62", "NXM_NX_TUN_METADATA62"),
    option(63, "tun_metadata63", "NXM_NX_TUN_METADATA63"),
];
