//! The columns of the table of jobs, and which of them fit a line. Decisions only.

use crate::operate::table::{Column, GAP};

/// How many there are.
pub(super) const COUNT: usize = 9;

/// The columns in their order. Names give way before a column goes; of columns the first in [`EXPENDABLE`] goes first.
const TITLES: [Column<'static>; COUNT] = [
    Column::Figure("job"),
    Column::Text("project"),
    Column::Figure("age"),
    Column::Text("phase"),
    Column::Figure("USD"),
    Column::Text("size"),
    Column::Text("provider"),
    Column::Text(IMAGE),
    Column::Text("task"),
];
const EXPENDABLE: [&str; 3] = [IMAGE, "provider", "size"];
const IMAGE: &str = "image";

/// Names whose end tells more than their beginning, and how much of them stays at least.
const NAMES: [(&str, usize); 2] = [("project", 12), (IMAGE, 16)];

/// A column with its cells.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cells {
    pub(super) title: Column<'static>,
    pub(super) cells: Vec<String>,
}

/// The columns of these rows that fit a line of this width; all of them where there is none.
pub(super) fn fitted(rows: Vec<[String; COUNT]>, width: Option<u16>) -> Vec<Cells> {
    let mut columns: Vec<Cells> = TITLES
        .map(|title| Cells {
            title,
            cells: Vec::with_capacity(rows.len()),
        })
        .into();
    for row in rows {
        for (column, cell) in columns.iter_mut().zip(row) {
            column.cells.push(cell);
        }
    }
    let Some(width) = width.map(usize::from) else {
        return columns;
    };
    for name in EXPENDABLE {
        if line(&columns, Cells::least) <= width {
            break;
        }
        columns.retain(|column| column.title.title() != name);
    }
    shorten(&mut columns, width);
    columns
}

/// Shortens names, the longest first, until all fit.
fn shorten(columns: &mut [Cells], width: usize) {
    while line(columns, Cells::width) > width {
        let can_give_way = columns
            .iter_mut()
            .filter(|column| column.least() < column.width());
        let Some(longest) = can_give_way.max_by_key(|column| column.width()) else {
            return;
        };
        let length = longest.width() - 1;
        for cell in &mut longest.cells {
            *cell = end(cell, length);
        }
    }
}

/// The width of a line of such columns.
fn line(columns: &[Cells], width: impl Fn(&Cells) -> usize) -> usize {
    let widths = columns
        .iter()
        .map(|column| width(column) + usize::from(GAP));
    widths.sum()
}

impl Cells {
    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| cell.chars().count());
        cells.max().unwrap_or(0).max(self.title.title().len())
    }

    /// The width that it needs at least.
    fn least(&self) -> usize {
        let mut names = NAMES.iter();
        let name = names.find(|(name, _)| *name == self.title.title());
        name.map_or(self.width(), |(_, least)| self.width().min(*least))
    }
}

/// The last characters of a text that is too long.
fn end(text: &str, length: usize) -> String {
    let whole = text.chars().count();
    match whole > length {
        true => {
            let end: String = text.chars().skip(whole + 1 - length).collect();
            format!("…{end}")
        }
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(project: &str, image: &str) -> [String; COUNT] {
        let size = "0.25 vCPU, 0.5 GB";
        let row = [
            "81234567",
            project,
            "15m 3s",
            "build_script",
            "0.01",
            size,
            "FARGATE",
            image,
            "c2596695",
        ];
        row.map(str::to_owned)
    }

    #[test]
    fn names_give_way_and_then_columns_do() {
        let (project, image) = (
            "acme/platform/infrastructure/modules",
            "registry.example.com/acme/ruby:3.3",
        );
        let shown = |width| {
            let columns = fitted(vec![row(project, image)], width);
            let cells: Vec<_> = columns
                .iter()
                .map(|column| column.cells[0].clone())
                .collect();
            cells.join(" ")
        };
        assert_eq!(shown(None), row(project, image).join(" "));
        assert_eq!(
            shown(Some(120)),
            "81234567 …rastructure/modules 15m 3s build_script 0.01 0.25 vCPU, 0.5 GB FARGATE ….com/acme/ruby:3.3 c2596695"
        );
        assert_eq!(
            shown(Some(100)),
            "81234567 …frastructure/modules 15m 3s build_script 0.01 0.25 vCPU, 0.5 GB FARGATE c2596695"
        );
        assert_eq!(
            shown(Some(80)),
            "81234567 …atform/infrastructure/modules 15m 3s build_script 0.01 c2596695"
        );
    }

    proptest! {
        #[test]
        fn a_line_is_never_too_wide(project in ".{0,60}", image in ".{0,80}", columns in 70_u16..200) {
            let fitted = fitted(vec![row(&project, &image), row("a/b", "ruby")], Some(columns));
            prop_assert!(line(&fitted, Cells::width) <= usize::from(columns), "{:?}", fitted);
        }
    }
}
