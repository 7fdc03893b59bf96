//! One record as bytes: a CRC32C that is chained to the record before, then JSON that names its version.
//!
//! As text, for stores of text: the checksum in hexadecimal, a space, the same JSON.
//!
//! Absent: IO. The chain makes a record that is missing, doubled, moved or of another history as
//! visible as one that is damaged.

use rollout_core::engine::{RECORD_VERSION, Record};
use serde::{Deserialize, Serialize};

/// Chained checksum up to some record; 0 before the first.
pub type Chain = u32;

/// Bytes of the checksum before the JSON.
const CHECKSUM_BYTES: usize = 4;

/// Why bytes are no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// They are not what was written.
    #[error("{0}")]
    Damaged(String),
    /// They were written in this newer format.
    #[error("it was written in format {0}, this engine reads up to {RECORD_VERSION}")]
    Newer(u32),
}

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    #[serde(flatten)]
    record: &'a Record,
}

/// Only the version, which every format has.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

/// Returns `record` as bytes after a record whose chain is `before`, and its own chain.
pub(super) fn encode(record: &Record, before: Chain) -> Result<(Vec<u8>, Chain), String> {
    let (json, chain) = written(record, before)?;
    let mut bytes = Vec::with_capacity(CHECKSUM_BYTES + json.len());
    bytes.extend_from_slice(&chain.to_le_bytes());
    bytes.extend_from_slice(json.as_bytes());
    Ok((bytes, chain))
}

/// Returns `record` as a line of text after a record whose chain is `before`, and its own chain.
///
/// # Errors
///
/// The reason, if the record cannot be written as JSON.
pub fn to_line(record: &Record, before: Chain) -> Result<(String, Chain), String> {
    let (json, chain) = written(record, before)?;
    Ok((format!("{chain:08x} {json}"), chain))
}

/// Returns the record in `line` that follows a record whose chain is `before`, and its own chain.
///
/// # Errors
///
/// [`Unreadable`] if it is not what was written there, or is of a newer format.
pub fn from_line(line: &str, before: Chain) -> Result<(Record, Chain), Unreadable> {
    let (checksum, json) = line.split_once(' ').unwrap_or_default();
    let Ok(checksum) = Chain::from_str_radix(checksum, 16) else {
        return Err(Unreadable::Damaged("it begins with no checksum".to_owned()));
    };
    read(checksum, json.as_bytes(), before)
}

fn written(record: &Record, before: Chain) -> Result<(String, Chain), String> {
    let written = Written { v: RECORD_VERSION, record };
    let json = serde_json::to_string(&written).map_err(|error| error.to_string())?;
    let chain = crc32c::crc32c_append(before, json.as_bytes());
    Ok((json, chain))
}

/// Returns the record in `bytes` that follows a record whose chain is `before`, and its own chain.
pub(super) fn decode(bytes: &[u8], before: Chain) -> Result<(Record, Chain), Unreadable> {
    let Some((checksum, json)) = bytes.split_first_chunk::<CHECKSUM_BYTES>() else {
        let length = bytes.len();
        return Err(Unreadable::Damaged(format!("it has {length} bytes, fewer than its checksum")));
    };
    read(Chain::from_le_bytes(*checksum), json, before)
}

fn read(written: Chain, json: &[u8], before: Chain) -> Result<(Record, Chain), Unreadable> {
    let chain = crc32c::crc32c_append(before, json);
    if chain != written {
        return Err(Unreadable::Damaged(format!(
            "its checksum is {chain:08x}, {written:08x} was written"
        )));
    }
    let damaged = |error: serde_json::Error| Unreadable::Damaged(error.to_string());
    let Versioned { v } = serde_json::from_slice(json).map_err(damaged)?;
    if RECORD_VERSION < v {
        return Err(Unreadable::Newer(v));
    }
    let record = serde_json::from_slice(json).map_err(damaged)?;
    Ok((record, chain))
}

#[cfg(test)]
mod tests {
    use rollout_core::{engine::Change, id::Epoch, time::Timestamp};

    use super::*;

    fn record(at: u64) -> Record {
        Record { at: Timestamp(at), change: Change::Claimed { epoch: Epoch(at) } }
    }

    #[test]
    fn records_read_back_in_their_order_only() {
        let (first, chain) = encode(&record(1), 0).unwrap();
        let (second, end) = encode(&record(2), chain).unwrap();
        assert_eq!(decode(&first, 0), Ok((record(1), chain)));
        assert_eq!(decode(&second, chain), Ok((record(2), end)));
        assert!(matches!(decode(&second, 0), Err(Unreadable::Damaged(_))));
    }

    #[test]
    fn lines_read_back_in_their_order_only() {
        let (first, chain) = to_line(&record(1), 0).unwrap();
        let (second, end) = to_line(&record(2), chain).unwrap();
        assert_eq!(from_line(&first, 0), Ok((record(1), chain)));
        assert_eq!(from_line(&second, chain), Ok((record(2), end)));
        for (line, before) in [(second.as_str(), 0), (&second[1..], chain), ("", 0)] {
            assert!(matches!(from_line(line, before), Err(Unreadable::Damaged(_))), "{line}");
        }
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let (bytes, _) = encode(&record(1), 7).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let read = decode(&bad, 7);
            assert!(matches!(read, Err(Unreadable::Damaged(_))), "bit {bit}");
        }
        for length in 0..bytes.len() {
            let read = decode(&bytes[..length], 7);
            assert!(matches!(read, Err(Unreadable::Damaged(_))), "{length}");
        }
    }

    #[test]
    fn a_newer_format_is_named() {
        let json = format!(r#"{{"v":{},"what":"ever"}}"#, RECORD_VERSION + 1);
        let chain = crc32c::crc32c(json.as_bytes());
        let bytes = [&chain.to_le_bytes()[..], json.as_bytes()].concat();
        let newer = Err(Unreadable::Newer(RECORD_VERSION + 1));
        assert_eq!(decode(&bytes, 0), newer);
    }
}
