//! The operator: its definitions as files, and live on a cluster.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]
#![expect(clippy::print_stdout, reason = "a test that cannot run says so")]

mod bed;
mod definitions;
mod live;
