//! Schema files.

use std::path::{Path, PathBuf};

use ovs_db::error::{DbError, ErrorTag};
use ovs_db::schema::{OPEN_VSWITCH, Schema};
use vswitchd::daemon::Program;

use crate::fault::Fault;

/// Where a schema comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// The one of `Open_vSwitch` that the program carries.
    BuiltIn,
}

impl Source {
    /// The file that was named, else the one in the directory for schemas, else the one that is built in: that is of the
    /// switch that this program belongs to, whatever is installed.
    pub fn new(program: &Program, given: Option<&String>) -> Source {
        let installed = program.dirs.pkgdata.join("vswitch.ovsschema");
        match given {
            Some(path) => Source::File(path.into()),
            None if std::env::var_os("OVS_PKGDATADIR").is_some() => Source::File(installed),
            None => Source::BuiltIn,
        }
    }

    /// Reads the schema.
    pub fn read(&self) -> Result<Schema, Fault> {
        match self {
            Source::File(path) => read(path),
            Source::BuiltIn => OPEN_VSWITCH.parse().map_err(Fault::Db),
        }
    }
}

fn read(path: &Path) -> Result<Schema, Fault> {
    let name = || path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| Fault::Io { path: name(), what: "open", source })?;
    let bad = |error| Fault::Schema { path: name(), error };
    let json = ovs_db::json::Json::parse(&bytes)
        .map_err(|error| bad(DbError::new(ErrorTag::SyntaxError, error.to_string())))?;
    Schema::from_json(&json).map_err(bad)
}
