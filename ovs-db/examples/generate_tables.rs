//! Writes Rust types for the tables of a schema, a file for each table.
//!
//! `cargo run -p ovs-db --example generate_tables -- SCHEMA DIRECTORY`; where a module is to be made in `build.rs`, see
//! `ovs_db::codegen`.

use std::fs;
use std::path::Path;

use ovs_db::codegen::Codegen;
use ovs_db::schema::Schema;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [schema, directory] = args.as_slice() else {
        return Err("usage: generate_tables SCHEMA DIRECTORY".into());
    };
    let schema: Schema = fs::read_to_string(schema)?.parse()?;
    fs::create_dir_all(directory)?;
    for (name, text) in Codegen::new(&schema).files() {
        fs::write(Path::new(directory).join(name), text)?;
    }
    Ok(())
}
