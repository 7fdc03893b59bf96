//! Bed command.
fn main() {}
