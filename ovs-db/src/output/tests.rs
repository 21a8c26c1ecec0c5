use super::*;
use crate::json::Json;
use crate::schema::{AtomType, ColumnType};
use crate::value::{Datum, Uuid};

const ID: &str = "12345678-1234-4234-8234-123456789abc";

fn table() -> Table {
    let uuid: Uuid = ID.parse().unwrap();
    let text = ColumnType::scalar(AtomType::String);
    let refs = ColumnType { min: 0, max: usize::MAX, ..ColumnType::scalar(AtomType::Uuid) };
    let mut table = Table::new(["_uuid", "name", "ports"]).caption("T table");
    let id = Cell::Datum(Datum::from(uuid), ColumnType::scalar(AtomType::Uuid));
    table.row([id, Cell::Datum("a,\"<b>".into(), text), Cell::Datum(Datum::set([uuid]), refs)]);
    table.row([Cell::Empty, Cell::text("x")]);
    table
}

#[test]
fn formats() {
    let style = Style::default();
    let dashes = ["-".repeat(36), "-".repeat(9), "-".repeat(38)].join(" ");
    let expected = [
        "T table\n".to_owned(),
        format!("{:36} {:9} ports\n{dashes}\n", "_uuid", "name"),
        format!("{ID} \"a,\\\"<b>\" [{ID}]\n"),
        format!("{:36} x\n", ""),
    ]
    .concat();
    assert_eq!(table().render(&style), expected);
    let bare = style.format(Format::List).cells(CellFormat::Bare).headings(false);
    assert_eq!(table().render(&bare), format!("T table\n{ID}\na,\"<b>\n{ID}\n\n\nx\n\n"));
    let csv = table().render(&style.format(Format::Csv));
    assert_eq!(csv, format!("T table\n_uuid,name,ports\n{ID},\"\"\"a,\\\"\"<b>\"\"\",[{ID}]\n,x,\n"));
    let html = table().render(&style.format(Format::Html).headings(false));
    assert!(html.contains(&format!("<td><a name=\"{ID}\">12345678</a></td>")), "{html}");
    assert!(
        html.contains(&format!(
            "<td>&quot;a,\\&quot;&lt;b&gt;&quot;</td>\n    <td>[<a href=\"#{ID}\">12345678</a>]</td>"
        )),
        "{html}"
    );
    let json: Json = table().date("now").render(&style.format(Format::Json).pretty(true)).parse().unwrap();
    assert_eq!(
        (json.get("time"), json.get("caption")),
        (Some(&Json::from("now")), Some(&Json::from("T table")))
    );
    let cut = table().render(&style.max_column_width(3));
    assert!(cut.ends_with("12345 \"a,\\ [1234\n      x\n"), "{cut}");
    assert_eq!("table".parse(), Ok(Format::Table));
    assert_eq!("x".parse::<Format>(), Err(FormatError::Table("x".into())));
}

#[test]
fn cutting_and_linking_respect_characters() {
    let mut table = Table::new(["a"]);
    table.row([Cell::text("\u{e9}\u{e9}\u{1f600}")]);
    for width in 1..10 {
        table.render(&Style::default().max_column_width(width));
    }
    table.render(&Style::default().format(Format::Html));
}
