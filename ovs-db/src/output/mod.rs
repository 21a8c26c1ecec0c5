//! Tables of values as text, in the formats of `ovsdb-client` and `ovs-vsctl`: table, list, html, csv and json.
//!
//! ```
//! use ovs_db::output::{Cell, Style, Table};
//!
//! let mut table = Table::new(["name", "tag"]).caption("Port table");
//! table.row([Cell::text("p1"), Cell::text("3")]);
//! assert_eq!(
//!     table.render(&Style::default()),
//!     "Port table\nname tag\n---- ---\np1   3\n"
//! );
//! ```

mod table;
#[cfg(test)]
mod tests;
mod time;

use std::str::FromStr;

pub use table::{Cell, Table};
pub use time::format_date;

/// How tables are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// In columns, for people.
    #[default]
    Table,
    /// A line for each cell.
    List,
    /// As HTML, with links between rows.
    Html,
    /// As comma-separated values (RFC 4180).
    Csv,
    /// As one JSON object a table.
    Json,
}

/// How values in cells are printed; in [`Format::Json`] they are JSON in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CellFormat {
    /// As `ovs-vsctl` prints and reads them.
    #[default]
    String,
    /// The elements alone, without brackets and quotes.
    Bare,
    /// As JSON (RFC 7047, section 5.1).
    Json,
}

/// There is no format of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Not the name of a [`Format`].
    #[error("unknown output format \"{0}\"")]
    Table(String),
    /// Not the name of a [`CellFormat`].
    #[error("unknown data format \"{0}\"")]
    Cell(String),
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(name: &str) -> Result<Format, FormatError> {
        Ok(match name {
            "table" => Format::Table,
            "list" => Format::List,
            "html" => Format::Html,
            "csv" => Format::Csv,
            "json" => Format::Json,
            _ => return Err(FormatError::Table(name.to_owned())),
        })
    }
}

impl FromStr for CellFormat {
    type Err = FormatError;

    fn from_str(name: &str) -> Result<CellFormat, FormatError> {
        Ok(match name {
            "string" => CellFormat::String,
            "bare" => CellFormat::Bare,
            "json" => CellFormat::Json,
            _ => return Err(FormatError::Cell(name.to_owned())),
        })
    }
}

/// Everything that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Style {
    /// How tables are printed.
    pub format: Format,
    /// How values are printed.
    pub cells: CellFormat,
    /// Whether the columns' names are printed.
    pub headings: bool,
    /// Whether JSON is printed over several lines.
    pub pretty: bool,
    /// In [`Format::Table`], after how many bytes the text of a cell is cut off, unless its heading is wider; 0 is never.
    pub max_column_width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            format: Format::default(),
            cells: CellFormat::default(),
            headings: true,
            pretty: false,
            max_column_width: 0,
        }
    }
}

impl Style {
    /// Sets how tables are printed.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Sets how values are printed.
    pub fn cells(mut self, cells: CellFormat) -> Self {
        self.cells = cells;
        self
    }

    /// Sets whether the columns' names are printed.
    pub fn headings(mut self, headings: bool) -> Self {
        self.headings = headings;
        self
    }

    /// Sets whether JSON is printed over several lines.
    pub fn pretty(mut self, pretty: bool) -> Self {
        self.pretty = pretty;
        self
    }

    /// Sets after how many bytes the text of a cell is cut off; 0 is never.
    pub fn max_column_width(mut self, width: usize) -> Self {
        self.max_column_width = width;
        self
    }

    /// The text of some JSON, without a line's end.
    pub fn json(&self, json: &crate::json::Json) -> String {
        if self.pretty { json.to_pretty_text() } else { json.to_string() }
    }
}
