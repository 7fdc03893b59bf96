//! Table: which imprint belongs to which state, by open addressing. Nothing is ever taken out, and nobody
//! walks it, so its order decides nothing.

/// Imprints of states, each with its number.
#[derive(Debug)]
pub(super) struct Table {
    slots: Vec<(u128, u32)>,
    used: usize,
}

/// No state has this number.
pub(super) const NOBODY: u32 = u32::MAX;

impl Table {
    pub(super) fn new() -> Self {
        Self { slots: vec![(0, NOBODY); 1 << 12], used: 0 }
    }

    /// The number of the state with this imprint; `number` if it is a new one.
    pub(super) fn number(&mut self, imprint: u128, number: u32) -> u32 {
        if self.slots.len() < self.used * 2 {
            self.grow();
        }
        let place = self.place(imprint);
        let slot = &mut self.slots[place];
        if slot.1 == NOBODY {
            *slot = (imprint, number);
            self.used += 1;
        }
        slot.1
    }

    /// Where this imprint is, or would be.
    fn place(&self, imprint: u128) -> usize {
        let mask = self.slots.len() - 1;
        // The imprint is a hash already.
        let mut place = usize::try_from(imprint & 0xffff_ffff).unwrap_or_default() & mask;
        while self.slots[place].1 != NOBODY && self.slots[place].0 != imprint {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        let larger = vec![(0, NOBODY); self.slots.len() * 2];
        let slots = std::mem::replace(&mut self.slots, larger);
        for slot in slots {
            if slot.1 != NOBODY {
                let place = self.place(slot.0);
                self.slots[place] = slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_imprint_keeps_its_number_while_the_table_grows() {
        let mut table = Table::new();
        let imprint = |number: u32| u128::from(number) << 20 | 7;
        for number in 0..10_000 {
            assert_eq!(table.number(imprint(number), number), number);
        }
        for number in 0..10_000 {
            assert_eq!(table.number(imprint(number), NOBODY), number);
        }
    }
}
