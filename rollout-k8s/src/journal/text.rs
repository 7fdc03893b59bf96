//! Records as the text of an object, and back.

use rollout_core::{engine::Record, id::Seq};
use rollout_runtime::journal::{Chain, Unreadable, from_line, to_line};
use serde::{Deserialize, Serialize};

/// Version of the layout that this engine writes; it reads all up to it.
pub(super) const FORMAT: u32 = 1;

/// The `spec` of the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) format: u32,
    /// Number of the last record.
    pub(super) seq: u64,
    /// Chained checksum of the last record.
    pub(super) chain: Chain,
    /// Lines of records, one a record; each part is what one write brought.
    pub(super) parts: Vec<String>,
}

/// Where the records of an object end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: Seq,
    pub(super) chain: Chain,
    /// Bytes of all parts.
    pub(super) bytes: usize,
}

/// What is wrong with a text, and at which record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) seq: Seq,
    pub(super) why: Unreadable,
}

impl Head {
    /// The lines of `records` after this head, and the head after them.
    pub(super) fn after(self, records: &[Record]) -> Result<(String, Self), String> {
        let (mut part, mut chain) = (String::new(), self.chain);
        for record in records {
            let (line, next) = to_line(record, chain)?;
            part += &line;
            part.push('\n');
            chain = next;
        }
        let seq = Seq(self.seq.0 + records.len() as u64);
        let bytes = self.bytes + part.len();
        Ok((part, Self { seq, chain, bytes }))
    }

    /// The head before the first of `records`, a whole journal.
    pub(super) fn before(records: &[Record]) -> Self {
        let seq = Seq(Record::first_seq(records).0.saturating_sub(1));
        Self { seq, ..Self::default() }
    }

    pub(super) fn of(written: &Written) -> Self {
        let bytes = written.parts.iter().map(String::len).sum();
        Self { seq: Seq(written.seq), chain: written.chain, bytes }
    }
}

impl Written {
    /// A text of this head with one part.
    pub(super) fn new(head: Head, part: String) -> Self {
        Self { format: FORMAT, seq: head.seq.0, chain: head.chain, parts: vec![part] }
    }

    /// The records, if every one is what was written.
    pub(super) fn records(&self) -> Result<Vec<Record>, Bad> {
        let (mut records, mut chain) = (Vec::new(), 0);
        for line in self.parts.iter().flat_map(|part| part.lines()) {
            let bad = |why| Bad { seq: Record::last_seq(&records).next(), why };
            let (record, next) = from_line(line, chain).map_err(bad)?;
            records.push(record);
            chain = next;
        }
        let found = Record::last_seq(&records);
        if (found.0, chain) != (self.seq, self.chain) {
            let why = format!("the last record is {}, {} was written", found.0, self.seq);
            return Err(Bad { seq: found.next(), why: Unreadable::Damaged(why) });
        }
        Ok(records)
    }
}
