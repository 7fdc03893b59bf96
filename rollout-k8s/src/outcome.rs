//! The total table from the API server's answers to outcomes.
