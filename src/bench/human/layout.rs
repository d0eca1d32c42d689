//! A table as a terminal has room for it: in columns, with its first column as headings, or row by row. No figure is ever cut.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table as Layout, presets};

use crate::bench::table::Table;
use crate::report::escape::visible;

/// The first layout that fits.
pub(super) fn laid_out(table: &Table, width: Option<u16>) -> String {
    let width = width.map_or(usize::MAX, usize::from);
    let fits = |lines: &Vec<String>| lines.iter().all(|line| line.chars().count() <= width);
    let headed = (1..=table.words).map(|words| under_headings(table, words));
    let mut layouts = std::iter::once(in_columns(table)).chain(headed);
    let lines = layouts.find(fits).unwrap_or_else(|| in_rows(table, width));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// What is the same as above it need not be read again.
fn in_columns(table: &Table) -> Vec<String> {
    let mut last = None;
    let rows = table.rows.iter().map(|row| {
        let repeats = last.replace(&row[0]) == Some(&row[0]);
        let first = if repeats { "" } else { &row[0] };
        std::iter::once(first).chain(row[1..].iter().map(String::as_str))
    });
    aligned(&table.heads, table.words, rows)
}

/// So many of the words stand above the rows that they belong to.
fn under_headings(table: &Table, words: usize) -> Vec<String> {
    let rows = table.rows.iter();
    let rows = rows.map(|row| row[words..].iter().map(String::as_str));
    let lines = aligned(&table.heads[words..], table.words - words, rows);
    let mut lines = lines.into_iter().map(|line| format!(" {line}"));
    let mut all: Vec<String> = lines.next().into_iter().collect();
    let mut last = None;
    for (row, line) in table.rows.iter().zip(lines) {
        let heading = heading(table, &row[..words]);
        if last.as_ref() != Some(&heading) {
            all.push(heading.clone());
        }
        last = Some(heading);
        all.push(line);
    }
    all
}

/// What the first word is shows by itself.
fn heading(table: &Table, words: &[String]) -> String {
    let named = table.heads.iter().zip(words).enumerate();
    let named = named.map(|(index, (head, word))| match index {
        0 => visible(word),
        _ => format!("{head} {}", visible(word)),
    });
    format!(" {}", named.collect::<Vec<_>>().join(", "))
}

fn aligned<'a>(
    heads: &[&str],
    words: usize,
    rows: impl Iterator<Item = impl Iterator<Item = &'a str>>,
) -> Vec<String> {
    let cell = |(index, text): (usize, &str)| {
        let alignment = match index < words {
            true => CellAlignment::Left,
            false => CellAlignment::Right,
        };
        Cell::new(visible(text)).set_alignment(alignment)
    };
    let mut layout = Layout::new();
    layout
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(heads.iter().copied().enumerate().map(cell));
    for row in rows {
        layout.add_row(row.enumerate().map(cell));
    }
    layout
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// The words of a row, and under them its figures with their names, as many on a line as there is room for.
fn in_rows(table: &Table, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &table.rows {
        let (words, figures) = row.split_at(table.words);
        lines.push(heading(table, words));
        let heads = table.heads[table.words..].iter();
        let mut line = String::new();
        for (head, figure) in heads.zip(figures) {
            let figure = format!("{head} {}", visible(figure));
            if !line.is_empty() && line.chars().count() + figure.chars().count() + 6 > width {
                lines.push(format!("   {line},"));
                line.clear();
            }
            line.push_str(if line.is_empty() { "" } else { ", " });
            line.push_str(&figure);
        }
        lines.push(format!("   {line}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let row = |cells: [&str; 5]| cells.map(str::to_owned).to_vec();
        Table {
            title: "Calls",
            heads: vec!["call", "target", "at a time", "p50", "p99"],
            words: 2,
            rows: vec![
                row(["tools/call echo", "old", "1", "68.8 µs", "2.73 ms"]),
                row(["tools/call echo", "new", "1", "648 µs", "5.56 ms"]),
            ],
        }
    }

    #[test]
    fn there_is_room_for_columns() {
        let wide = " call             target  at a time      p50      p99\n \
                     tools/call echo  old             1  68.8 µs  2.73 ms\n                  \
                     new             1   648 µs  5.56 ms\n";
        assert_eq!(laid_out(&table(), None), wide);
        assert_eq!(laid_out(&table(), Some(53)), wide);
    }

    #[test]
    fn there_is_less_room() {
        let headings = "  target  at a time      p50      p99\n tools/call echo\n  \
                         old             1  68.8 µs  2.73 ms\n  new             1   648 µs  5.56 ms\n";
        assert_eq!(laid_out(&table(), Some(52)), headings);
        let headings = "  at a time      p50      p99\n tools/call echo, target old\n          1  68.8 µs  2.73 ms\n \
                        tools/call echo, target new\n          1   648 µs  5.56 ms\n";
        assert_eq!(laid_out(&table(), Some(36)), headings);
        let rows = " tools/call echo, target old\n   at a time 1,\n   p50 68.8 µs,\n   p99 2.73 ms\n \
                     tools/call echo, target new\n   at a time 1, p50 648 µs,\n   p99 5.56 ms\n";
        assert_eq!(laid_out(&table(), Some(27)), rows);
    }
}
