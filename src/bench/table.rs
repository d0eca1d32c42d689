//! Figures in rows and columns.

/// Who was measured.
pub(super) const TARGETS: &str = "Targets";
/// The name of the column that says who it is.
pub(super) const TARGET: &str = "target";
/// Stands where nothing was measured.
pub(super) const NONE: &str = "-";

/// A table: the columns behind the first `words` are numbers.
#[derive(Debug)]
pub struct Table {
    /// What it is about.
    pub title: &'static str,
    /// The names of its columns.
    pub heads: Vec<&'static str>,
    /// So many columns hold words.
    pub words: usize,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(title: &'static str, words: usize, heads: &[&'static str]) -> Table {
        Table {
            title,
            heads: heads.to_vec(),
            words,
            rows: Vec::new(),
        }
    }

    /// Where there is one target, who it is need not be said in each row.
    pub(super) fn without_target(self) -> Table {
        let column = self.heads.iter().position(|head| *head == TARGET);
        match column {
            Some(column) if self.title != TARGETS && self.is_the_same(column) => {
                self.without(column)
            }
            _ => self,
        }
    }

    /// Columns in which nothing was measured say nothing.
    pub(super) fn without_blanks(self) -> Table {
        let is_blank = |column: &usize| self.rows.iter().all(|row| row[*column] == NONE);
        match (self.words..self.heads.len()).find(is_blank) {
            Some(column) => self.without(column).without_blanks(),
            None => self,
        }
    }

    fn is_the_same(&self, column: usize) -> bool {
        let first = self.rows.first().map(|row| &row[column]);
        self.rows.iter().all(|row| Some(&row[column]) == first)
    }

    fn without(mut self, column: usize) -> Table {
        self.heads.remove(column);
        self.rows.iter_mut().for_each(|row| {
            row.remove(column);
        });
        self.words -= usize::from(column < self.words);
        self
    }
}
