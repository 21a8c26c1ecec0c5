//! Makes the types that `06_typed_tables` includes.

use std::path::Path;

use ovs_db::codegen::Codegen;
use ovs_db::schema::Schema;

const SCHEMA: &str = "schema/inventory.ovsschema";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let schema: Schema = std::fs::read_to_string(SCHEMA)?.parse()?;
    let out = Path::new(&std::env::var("OUT_DIR")?).join("inventory.rs");
    std::fs::write(out, Codegen::new(&schema).text())?;
    println!("cargo::rerun-if-changed={SCHEMA}");
    Ok(())
}
