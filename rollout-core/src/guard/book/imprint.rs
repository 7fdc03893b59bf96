//! The imprint of the guard's books.

use std::collections::BTreeMap;

use super::{Answers, Book, Entry, Limits, Place, Thresholds};
use crate::{
    engine::Imprint,
    guard::Guard,
    id::{InstanceId, RevisionId},
    map::Map,
    spec::Counting,
    time::Span,
};

impl Guard {
    /// Adds to `imprint` everything of the guard that decides what it refuses.
    pub(crate) fn imprint(&self, imprint: &mut Imprint) {
        let Self { book } = self;
        book.imprint(imprint);
    }
}

impl Book {
    fn imprint(&self, imprint: &mut Imprint) {
        let Self {
            entries,
            live,
            limits,
            route,
            in_force,
            pending,
            // The first is higher than every number in use, the next two never change, and the last
            // follows the time of the next event.
            last_action: _,
            making: _,
            confirmation: _,
            now: _,
            must_be_available,
            halted,
            answers,
            thresholds,
            newest_threshold,
            drains,
            longest_drain,
            is_first,
            stable,
            from,
            wanted,
            pools,
            pools_at,
            places,
            not_ready,
            sizes,
            sized_from,
        } = self;
        let longest = drains.values().copied().chain(*longest_drain).max();
        imprint.entries(entries, longest.unwrap_or(Span::from_secs(1 << 40)));
        imprint.instances(live.len(), live.keys());
        imprint.instances(not_ready.len(), not_ready.iter());
        limits.imprint(imprint);
        imprint.route(route.as_ref());
        imprint.route(in_force.as_ref());
        imprint.pending(pending);
        for module in must_be_available {
            imprint.name(module);
        }
        imprint.flag(*halted);
        imprint.answers(answers);
        newest_threshold.imprint(imprint);
        imprint.word(longest_drain.map_or(u64::MAX, Span::as_millis));
        imprint.flag(*is_first);
        imprint.name(stable.as_ref().map_or("", |stable| stable.as_str()));
        imprint.word(*from);
        imprint.each(wanted, |imprint, wanted| imprint.word(*wanted));
        imprint.snapshot(*pools_at);
        imprint.each(thresholds, |imprint, own| own.imprint(imprint));
        imprint.each(drains, |imprint, drain| imprint.word(drain.as_millis()));
        imprint.each(pools, Imprint::pool_seen);
        imprint.places(places);
        imprint.each(sizes, |imprint, size| imprint.word(*size));
        imprint.each(sized_from, |imprint, mark| imprint.write(*mark));
    }
}

impl Imprint {
    fn instances<'a>(&mut self, count: usize, instances: impl Iterator<Item = &'a InstanceId>) {
        self.word(count as u64);
        for instance in instances {
            self.instance(instance);
        }
    }

    fn entries(&mut self, entries: &Map<InstanceId, Entry>, longest: Span) {
        self.word(entries.len() as u64);
        for (instance, entry) in entries {
            self.instance(instance);
            entry.imprint(self, longest);
        }
    }

    fn answers(&mut self, answers: &Map<InstanceId, Answers>) {
        for (instance, own) in answers {
            self.instance(instance);
            own.imprint(self);
        }
    }

    fn places(&mut self, places: &BTreeMap<InstanceId, Place>) {
        self.word(places.len() as u64);
        for (instance, Place { revision: _, rank, answers }) in places {
            self.instance(instance);
            self.word(rank.map_or(u64::MAX, u64::from));
            self.flag(*answers);
        }
    }

    fn each<T>(&mut self, of: &BTreeMap<RevisionId, T>, add: impl Fn(&mut Self, &T)) {
        self.word(of.len() as u64);
        for (revision, one) in of {
            self.name(revision.as_str());
            add(self, one);
        }
    }
}

/// Something small that has an imprint.
trait Imprinted {
    fn imprint(&self, imprint: &mut Imprint);
}

impl Imprinted for Option<Limits> {
    fn imprint(&self, imprint: &mut Imprint) {
        match self {
            None => imprint.flag(false),
            Some(Limits { least, most, surge, unavailable, counting, has_floor }) => {
                for number in [least, most, surge, unavailable] {
                    imprint.word(*number);
                }
                imprint.flag(*counting == Counting::Strict);
                imprint.flag(*has_floor);
            }
        }
    }
}

impl Imprinted for Answers {
    fn imprint(&self, imprint: &mut Imprint) {
        // No threshold is above it.
        let most = 16;
        imprint.word(u64::from(self.failures.min(most)));
        imprint.word(u64::from(self.successes.min(most)));
    }
}

impl Imprinted for Option<Thresholds> {
    fn imprint(&self, imprint: &mut Imprint) {
        match self {
            None => imprint.flag(false),
            Some(Thresholds { failures, successes }) => {
                imprint.word(u64::from(*failures));
                imprint.word(u64::from(*successes));
            }
        }
    }
}

impl Entry {
    fn imprint(&self, imprint: &mut Imprint, drain: Span) {
        let Self {
            revision,
            runs,
            ended,
            unready,
            found,
            unhealthy,
            attached,
            enrolled,
            drained,
            quiet_at,
            retired,
            failed,
            over,
        } = self;
        imprint.name(revision.as_ref().map_or("", |revision| revision.as_str()));
        let flags =
            [runs, ended, unready, found, unhealthy, attached, enrolled, retired, failed, over];
        imprint.word(flags.iter().fold(0, |word, flag| word * 2 + u64::from(**flag)));
        match drained {
            None => imprint.flag(false),
            Some((at, mark)) => {
                imprint.flag(true);
                imprint.age(*at, drain);
                imprint.write(*mark);
            }
        }
        match quiet_at {
            None => imprint.flag(false),
            Some(mark) => {
                imprint.flag(true);
                imprint.snapshot(*mark);
            }
        }
    }
}
