//! The configuration's tables as types are what the schema gives.

use std::collections::BTreeMap;
use std::path::Path;

use ovs_db::codegen::Codegen;
use ovs_db::schema::{OPEN_VSWITCH, Schema};

#[test]
fn tables_are_as_the_schema_gives() {
    let schema: Schema = OPEN_VSWITCH.parse().expect("the schema");
    let fresh = Codegen::new(&schema).files();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tables");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        for (name, text) in &fresh {
            std::fs::write(directory.join(name), text).expect("a file written");
        }
    }
    let files = std::fs::read_dir(&directory).expect("the directory").map(|entry| entry.expect("an entry"));
    let committed: BTreeMap<String, String> = files
        .map(|file| {
            let text = std::fs::read_to_string(file.path()).expect("text");
            (file.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    assert_eq!(fresh.keys().collect::<Vec<_>>(), committed.keys().collect::<Vec<_>>());
    for (name, text) in &fresh {
        assert!(committed[name] == *text, "{name} is old; UPDATE_GENERATED=1 writes it anew");
    }
}
