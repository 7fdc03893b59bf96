//! The operator: its definitions as files, and live on a cluster.

mod bed;
mod definitions;
mod live;
