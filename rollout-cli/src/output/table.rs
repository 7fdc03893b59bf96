//! Aligned columns.

/// Returns `rows` with columns as wide as their widest cell, numbers to the right, and nothing at the end
/// of a line.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    // The first row names the columns; what follows says whether they are numbers.
    let is_number = |cell: &String| cell.starts_with(|first: char| first.is_ascii_digit());
    let numeric: Vec<bool> = (0..columns)
        .map(|column| rows.iter().skip(1).filter_map(|row| row.get(column)).all(is_number))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, &width), &numeric) in row.iter().zip(&widths).zip(&numeric) {
            let cell = if numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            line.push_str(&cell);
            line.push_str("  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows =
            [row(["pool", "ready", "role"]), row(["v1", "4", "stable"]), row(["v2", "12", "old"])];
        assert_eq!(table(&rows), "pool  ready  role\nv1        4  stable\nv2       12  old\n");
    }
}
