//! A table and its texts.

use std::fmt::Write as _;

use super::{CellFormat, Format, Style};
use crate::json::Json;
use crate::schema::ColumnType;
use crate::value::{Datum, Uuid};

/// What stands in one place of a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cell {
    /// Nothing; in JSON `null`.
    Empty,
    /// Text that is printed as it is.
    Text(String),
    /// The value of a column.
    Datum(Datum, ColumnType),
    /// Any JSON.
    Json(Json),
}

impl Cell {
    /// Some text.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::Text(text.into())
    }

    /// The cell's text in the style.
    fn to_text(&self, style: &Style) -> String {
        match (self, style.cells) {
            (Cell::Empty, _) => String::new(),
            (Cell::Text(text), _) => text.clone(),
            (Cell::Datum(datum, kind), CellFormat::String) => datum.to_text(kind),
            (Cell::Datum(datum, _), CellFormat::Bare) => datum.to_bare_text(),
            (Cell::Datum(datum, _), CellFormat::Json) => datum.to_json().to_string(),
            (Cell::Json(json), _) => style.json(json),
        }
    }

    fn to_json(&self) -> Json {
        match self {
            Cell::Empty => Json::Null,
            Cell::Text(text) => Json::from(text.as_str()),
            Cell::Datum(datum, _) => datum.to_json(),
            Cell::Json(json) => json.clone(),
        }
    }
}

/// A table to be printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    caption: Option<String>,
    date: Option<String>,
    headings: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these columns.
    pub fn new<S: Into<String>>(headings: impl IntoIterator<Item = S>) -> Table {
        Table { headings: headings.into_iter().map(Into::into).collect(), ..Table::default() }
    }

    /// Sets what stands above the table.
    pub fn caption(mut self, caption: impl Into<String>) -> Table {
        self.caption = Some(caption.into());
        self
    }

    /// Sets the date that stands above the table; see [`format_date`](super::format_date).
    pub fn date(mut self, date: impl Into<String>) -> Table {
        self.date = Some(date.into());
        self
    }

    /// Adds a row. Cells for which there is no column are left out, and places without a cell are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let empty = std::iter::repeat(Cell::Empty);
        self.rows.push(cells.into_iter().chain(empty).take(self.headings.len()).collect());
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text of the table, with the end of its last line. Between tables of the formats for people stands an empty
    /// line: see [`Format::separator`].
    pub fn render(&self, style: &Style) -> String {
        let mut out = String::new();
        match style.format {
            Format::Table => self.write_columns(style, &mut out),
            Format::List => self.write_list(style, &mut out),
            Format::Html => self.write_html(style, &mut out),
            Format::Csv => self.write_csv(style, &mut out),
            Format::Json => {
                out.push_str(&style.json(&self.to_json()));
                out.push('\n');
            }
        }
        out
    }

    /// The lines above the table.
    fn write_head(&self, out: &mut String) {
        for line in self.date.iter().chain(&self.caption) {
            let _ = writeln!(out, "{line}");
        }
    }

    fn texts(&self, style: &Style) -> Vec<Vec<String>> {
        self.rows.iter().map(|row| row.iter().map(|cell| cell.to_text(style)).collect()).collect()
    }

    fn write_columns(&self, style: &Style, out: &mut String) {
        self.write_head(out);
        let mut lines = self.texts(style);
        let most = if style.max_column_width > 0 { style.max_column_width } else { usize::MAX };
        let mut widths: Vec<usize> =
            self.headings.iter().map(|heading| if style.headings { heading.len() } else { 0 }).collect();
        for line in &lines {
            for (width, text) in widths.iter_mut().zip(line) {
                *width = text.len().min(most).max(*width);
            }
        }
        // Where the heading is wider than what is allowed, its width is there to be used.
        for (width, text) in lines.iter_mut().flat_map(|line| widths.iter().zip(line)) {
            let cut = (0..=(*width).min(text.len())).rev().find(|at| text.is_char_boundary(*at));
            text.truncate(cut.unwrap_or(0));
        }
        if style.headings {
            write_line(&self.headings, &widths, out);
            let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            write_line(&dashes, &widths, out);
        }
        for line in &lines {
            write_line(line, &widths, out);
        }
    }

    fn write_list(&self, style: &Style, out: &mut String) {
        self.write_head(out);
        for (i, line) in self.texts(style).iter().enumerate() {
            if i > 0 {
                out.push('\n');
            }
            for (heading, text) in self.headings.iter().zip(line) {
                if style.headings {
                    let _ = write!(out, "{heading:<20}: ");
                }
                let _ = writeln!(out, "{text}");
            }
        }
    }

    fn write_csv(&self, style: &Style, out: &mut String) {
        self.write_head(out);
        let headings = style.headings.then(|| self.headings.clone());
        for line in headings.into_iter().chain(self.texts(style)) {
            let cells: Vec<String> = line.iter().map(|text| csv(text)).collect();
            let _ = writeln!(out, "{}", cells.join(","));
        }
    }

    fn write_html(&self, style: &Style, out: &mut String) {
        if let Some(date) = &self.date {
            let _ = writeln!(out, "{}", html(date));
        }
        out.push_str("<table border=1>\n");
        if let Some(caption) = &self.caption {
            let _ = writeln!(out, "    <caption>{}</caption>", html(caption));
        }
        let mut line = |element: &str, cells: &[String]| {
            out.push_str("  <tr>\n");
            for cell in cells {
                let _ = writeln!(out, "    <{element}>{cell}</{element}>");
            }
            out.push_str("  </tr>\n");
        };
        if style.headings {
            line("th", &self.headings.iter().map(|heading| html(heading)).collect::<Vec<_>>());
        }
        for texts in self.texts(style) {
            let cells = self.headings.iter().zip(&texts);
            line("td", &cells.map(|(heading, text)| linked(text, heading == "_uuid")).collect::<Vec<_>>());
        }
        out.push_str("</table>\n");
    }

    fn to_json(&self) -> Json {
        let headings = self.headings.iter().map(|heading| Json::from(heading.as_str()));
        let rows = self.rows.iter().map(|row| Json::array(row.iter().map(Cell::to_json)));
        let mut members = vec![("headings", Json::array(headings)), ("data", Json::array(rows))];
        members.extend(self.caption.as_deref().map(|caption| ("caption", Json::from(caption))));
        members.extend(self.date.as_deref().map(|date| ("time", Json::from(date))));
        Json::object(members)
    }
}

impl Format {
    /// What stands between two tables.
    pub fn separator(self) -> &'static str {
        match self {
            Format::Table | Format::List | Format::Csv => "\n",
            Format::Html | Format::Json => "",
        }
    }
}

/// Appends cells, padded by their length in bytes to the widths. Nothing is padded at a line's end.
fn write_line(cells: &[String], widths: &[usize], out: &mut String) {
    let mut padding = 0;
    for (cell, width) in cells.iter().zip(widths) {
        if !cell.is_empty() {
            out.extend(std::iter::repeat_n(' ', padding));
            out.push_str(cell);
            padding = 0;
        }
        padding += width.saturating_sub(cell.len()) + 1;
    }
    out.push('\n');
}

fn csv(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Text in HTML.
fn html(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

/// Text in HTML whose UUIDs are links, or in the column `_uuid` what links lead to.
fn linked(text: &str, is_target: bool) -> String {
    let (mut out, mut plain, mut at) = (String::new(), 0, 0);
    while at < text.len() {
        match text.get(at..at + 36).and_then(|part| part.parse::<Uuid>().ok()) {
            Some(uuid) => {
                out.push_str(&html(&text[plain..at]));
                let (uuid, short) = (uuid.to_string(), &text[at..at + 8]);
                let (role, hash) = if is_target { ("name", "") } else { ("href", "#") };
                let _ = write!(out, "<a {role}=\"{hash}{uuid}\">{short}</a>");
                at += 36;
                plain = at;
            }
            None => at += 1,
        }
    }
    out + &html(&text[plain..])
}
