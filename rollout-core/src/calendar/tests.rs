//! Calendars against a look at every minute, and the corners that people ask about.

use jiff::{civil, tz::TimeZone};
use proptest::prelude::*;

use super::*;
use crate::spec::CheckError;

const MINUTE: u64 = 60_000;

fn read(yaml: &str) -> Calendar {
    serde_saphyr::from_str(yaml).unwrap()
}

/// The point at which a wall clock shows `text`; the first one if it does so twice.
fn at(zone: &str, text: &str) -> Timestamp {
    let zone = TimeZone::get(zone).unwrap();
    let shown: civil::DateTime = text.parse().unwrap();
    let point = zone.to_ambiguous_timestamp(shown).earlier().unwrap();
    Timestamp(point.as_millisecond().unsigned_abs())
}

fn checked(calendar: &Calendar) -> Vec<String> {
    let mut errors = Vec::new();
    calendar.check("freeze", &mut errors);
    errors.iter().map(ToString::to_string).collect()
}

const OFFICE: &str = "
zone: Europe/Berlin
open:
  - {days: [mon, tue, wed, thu, fri], from: 09:00, to: 17:00}
closed:
  - {from: 2026-12-24, to: 2027-01-04T12:00, why: holidays}
  - {days: [fri], from: 12:00}
";

#[test]
fn office_hours_holidays_and_the_friday_afternoon() {
    let office = read(OFFICE);
    assert_eq!(checked(&office), [""; 0]);
    let berlin = |text| at("Europe/Berlin", text);
    let closed =
        |until, why: &str| Opening::Closed { until: Some(berlin(until)), why: why.to_owned() };
    let open = |until| Opening::Open { until: Some(berlin(until)) };
    for (now, expected) in [
        ("2026-11-16T08:59:59", closed("2026-11-16T09:00", "outside the open hours")),
        ("2026-11-16T09:00", open("2026-11-16T17:00")),
        ("2026-11-16T16:59:59", open("2026-11-16T17:00")),
        ("2026-11-16T17:00", closed("2026-11-17T09:00", "outside the open hours")),
        ("2026-11-20T10:00", open("2026-11-20T12:00")),
        ("2026-11-20T12:00", closed("2026-11-23T09:00", "closed fri 12:00 to 24:00")),
        ("2026-12-23T10:00", open("2026-12-23T17:00")),
        ("2026-12-23T18:00", closed("2027-01-04T12:00", "outside the open hours")),
        ("2026-12-24T10:00", closed("2027-01-04T12:00", "holidays")),
        ("2027-01-04T12:00", open("2027-01-04T17:00")),
    ] {
        assert_eq!(office.state(berlin(now)), expected, "{now}");
    }
    assert_eq!(
        office.to_string(),
        "open mon, tue, wed, thu, fri 09:00 to 17:00; closed 2026-12-24T00:00 to 2027-01-04T12:00 (holidays); closed fri 12:00 to 24:00 (Europe/Berlin)"
    );
}

#[test]
fn a_closure_that_happens_once_is_over_for_good() {
    let once = read("closed: [{from: 2026-12-20, to: 2027-01-02, why: holidays}]");
    assert_eq!(checked(&once), [""; 0]);
    let (from, to) = (at("UTC", "2026-12-20T00:00"), at("UTC", "2027-01-02T00:00"));
    assert_eq!(once.state(Timestamp(0)), Opening::Open { until: Some(from) });
    let why = "holidays".to_owned();
    assert_eq!(once.state(from), Opening::Closed { until: Some(to), why });
    assert_eq!(once.state(to), Opening::Open { until: None });
    assert_eq!(Calendar::default().state(to), Opening::Open { until: None });
}

#[test]
fn what_is_far_away_is_found_and_what_never_comes_ends_the_search() {
    let far =
        read("{zone: Europe/Berlin, open: [{}], closed: [{from: 2700-05-01, to: 2999-05-01}]}");
    let (from, to) =
        (at("Europe/Berlin", "2700-05-01T00:00"), at("Europe/Berlin", "2999-05-01T00:00"));
    assert_eq!(far.state(Timestamp(0)), Opening::Open { until: Some(from) });
    assert!(matches!(far.state(from), Opening::Closed { until: Some(until), .. } if until == to));
    assert_eq!(far.state(to), Opening::Open { until: None });
    // Not asked for by any clock, and yet no reason to hang.
    for end in [u64::MAX, i64::MAX.unsigned_abs(), 253_402_300_799_999] {
        for calendar in [&far, &read(OFFICE), &read("closed: [{days: [mon]}]")] {
            assert!(matches!(
                calendar.state(Timestamp(end)),
                Opening::Open { .. } | Opening::Closed { .. }
            ));
        }
    }
    let never = read("{zone: Europe/Berlin, closed: [{}]}");
    let why = "closed every day 00:00 to 24:00".to_owned();
    assert_eq!(never.state(from), Opening::Closed { until: None, why });
}

#[test]
fn an_hour_shown_twice_counts_twice_and_one_left_out_is_nobodys() {
    let night = read("{zone: Europe/Berlin, open: [{from: 02:15, to: 02:45}]}");
    let open_minutes = |day: &str| {
        let begin = at("Europe/Berlin", day).0;
        let minutes = (0..26 * 60).map(|minute| Timestamp(begin + minute * MINUTE));
        let is_open = |at: &Timestamp| matches!(night.state(*at), Opening::Open { .. });
        minutes.filter(is_open).count()
    };
    assert_eq!(open_minutes("2026-10-23T22:00"), 30);
    assert_eq!(open_minutes("2026-10-24T22:00"), 60);
    assert_eq!(open_minutes("2026-03-27T22:00"), 30);
    assert_eq!(open_minutes("2026-03-28T22:00"), 0);
    let before = night.state(at("Europe/Berlin", "2026-03-29T01:59"));
    let until = Some(at("Europe/Berlin", "2026-03-30T02:15"));
    let why = "outside the open hours".to_owned();
    assert_eq!(before, Opening::Closed { until, why });
}

#[test]
fn what_could_never_be_meant_is_refused() {
    for (yaml, expected) in [
        (
            "{zone: UTC}",
            "freeze: it has neither `open` nor `closed`; write one of them, or leave it out",
        ),
        (
            "open: [{days: []}]",
            "freeze.open[0].days: there is none; write days such as `[mon, tue]`, or leave it out for every day",
        ),
        (
            "open: [{}, {from: 09:00, to: 09:00}]",
            "freeze.open[1]: it begins at 09:00 and ends at 09:00, which is no time or a whole day; write `00:00` to `24:00` for a whole day, or another end",
        ),
        (
            "closed: [{from: 2026-12-20, to: 2026-12-20}]",
            "freeze.closed[0]: it ends at 2026-12-20T00:00, which is not after 2026-12-20T00:00, where it begins; swap them",
        ),
        (
            "closed: [{}]",
            "freeze: no minute of the week is open, so nothing could ever go forward; widen `open`, or shorten what is `closed` every week",
        ),
        (
            "{open: [{days: [mon], from: 09:00, to: 17:00}], closed: [{days: [sun], from: 20:00, to: 24:00}, {days: [mon], to: 17:00}]}",
            "freeze: no minute of the week is open, so nothing could ever go forward; widen `open`, or shorten what is `closed` every week",
        ),
    ] {
        assert_eq!(checked(&read(yaml)), [expected], "{yaml}");
    }
    let many = Calendar { open: vec![Weekly::default(); 101], ..Calendar::default() };
    assert_eq!(
        checked(&many),
        ["freeze.open: it has 101 spans, the limit is 100; join some of them"]
    );
    let mut errors = Vec::new();
    many.check("freeze", &mut errors);
    assert_eq!(errors.iter().map(CheckError::field).collect::<Vec<_>>(), ["freeze.open"]);
    assert_eq!(
        checked(&read("{open: [{days: [mon]}], closed: [{days: [mon], to: 23:59}]}")),
        [""; 0]
    );
}

#[test]
fn a_calendar_reads_back_as_written_and_has_a_schema() {
    let office = read(OFFICE);
    let json = serde_json::to_string(&office).unwrap();
    assert_eq!(serde_json::from_str::<Calendar>(&json).unwrap(), office);
    let schema = schemars::schema_for!(Calendar).to_value();
    assert_eq!(schema["additionalProperties"], false);
    let closure = &schema["$defs"]["Closure"];
    assert_eq!(closure["additionalProperties"], false, "{schema:#}");
    assert!(closure["properties"]["days"].is_object(), "{schema:#}");
    for (yaml, expected) in [
        ("{open: [{day: [mon]}]}", "unknown field `day`"),
        ("{zone: Europe/Berln}", "such as `Europe/Berlin`"),
        ("{closed: [{from: 2026-13-01, to: 2027-01-01}]}", "`2026-13-01` is neither"),
    ] {
        let error = serde_saphyr::from_str::<Calendar>(yaml).unwrap_err().to_string();
        assert!(error.contains(expected), "{yaml}: {error}");
    }
}

/// A weekly span as plain numbers: days from Monday, minutes of the day.
struct Plain {
    days: [bool; 7],
    from: i32,
    to: i32,
}

/// A calendar as plain numbers, and its zone; judged by what the library of calendars says of the wall clock.
struct Look {
    zone: TimeZone,
    open: Vec<Plain>,
    closed: Vec<Plain>,
    once: Vec<[civil::DateTime; 2]>,
}

impl Plain {
    fn new(weekly: &Weekly) -> Self {
        let minutes = |time: TimeOfDay| {
            let text = time.to_string();
            text[..2].parse::<i32>().unwrap() * 60 + text[3..].parse::<i32>().unwrap()
        };
        let days = Day::ALL.map(|day| weekly.days.contains(&day));
        Self { days, from: minutes(weekly.from), to: minutes(weekly.to) }
    }

    fn holds(&self, today: usize, minute: i32) -> bool {
        let yesterday = (today + 6) % 7;
        if self.from < self.to {
            return self.days[today] && (self.from..self.to).contains(&minute);
        }
        self.days[today] && self.from <= minute || self.days[yesterday] && minute < self.to
    }
}

impl Look {
    fn new(calendar: &Calendar) -> Self {
        let mut look = Self {
            zone: TimeZone::get(calendar.zone.name()).unwrap(),
            open: calendar.open.iter().map(Plain::new).collect(),
            closed: Vec::new(),
            once: Vec::new(),
        };
        for closure in &calendar.closed {
            match &closure.when {
                When::Weekly(weekly) => look.closed.push(Plain::new(weekly)),
                When::Once { from, to } => {
                    look.once.push([from, to].map(|end| end.to_string().parse().unwrap()));
                }
            }
        }
        look
    }

    fn is_open(&self, at: u64) -> bool {
        let point = jiff::Timestamp::from_millisecond(at.cast_signed()).unwrap();
        let shown = self.zone.to_datetime(point);
        let minute = i32::from(shown.hour()) * 60 + i32::from(shown.minute());
        let today = usize::from(shown.weekday().to_monday_zero_offset().unsigned_abs());
        let holds = |plain: &Plain| plain.holds(today, minute);
        let is_closed = self.closed.iter().any(holds)
            || self.once.iter().any(|[from, to]| *from <= shown && shown < *to);
        !is_closed && (self.open.is_empty() || self.open.iter().any(holds))
    }
}

fn weekly() -> impl Strategy<Value = Weekly> {
    // Times near 02:00, where clocks change, as often as all others.
    let time = || prop_oneof![60..240_u16, 0..1440_u16];
    let text = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    (prop::collection::btree_set(0..7_usize, 1..4), time(), time())
        .prop_filter("a span of some time", |(_, from, to)| from != to)
        .prop_map(move |(days, from, to)| Weekly {
            days: days.into_iter().map(|day| Day::ALL[day]).collect(),
            from: text(from).parse().unwrap(),
            to: text(to).parse().unwrap(),
        })
}

fn once() -> impl Strategy<Value = Closure> {
    // Around the days on which clocks change, or anywhere in the year.
    let day = prop_oneof![Just(87), Just(297), Just(92), Just(276), 0..365_i32];
    (day, 0..1440_i32, prop_oneof![1..180_i32, 1..40_000_i32]).prop_map(|(day, minute, length)| {
        let begin = civil::date(2026, 1, 1).at(0, 0, 0, 0);
        let shown = |minutes: i32| {
            let shown = begin + jiff::Span::new().days(day).minutes(minutes);
            shown.strftime("%Y-%m-%dT%H:%M").to_string()
        };
        let json = serde_json::json!({"from": shown(minute), "to": shown(minute + length)});
        serde_json::from_value(json).unwrap()
    })
}

fn calendar() -> impl Strategy<Value = Calendar> {
    let zones = vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
    ];
    let closed =
        prop_oneof![weekly().prop_map(|it| Closure { when: When::Weekly(it), why: None }), once()];
    let open = prop::collection::vec(weekly(), 0..3);
    let closed = prop::collection::vec(closed, 0..4);
    (prop::sample::select(zones), open, closed).prop_map(|(zone, open, closed)| Calendar {
        zone: zone.parse().unwrap(),
        open,
        closed,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// The walk from change to change says the same as a look at every minute of a year and a bit.
    #[test]
    fn changes_are_where_a_look_at_every_minute_finds_them(calendar in calendar()) {
        let look = Look::new(&calendar);
        let (begin, end) = (at("UTC", "2025-12-20T00:00").0, at("UTC", "2027-01-10T00:00").0);
        let mut cursor = Timestamp(begin);
        let (mut is_open, mut until) = both(&calendar.state(cursor));
        for minute in (begin..end).step_by(60_000) {
            if until.is_some_and(|until| until.0 <= minute) {
                cursor = until.expect("it is due");
                prop_assert_eq!(cursor.0, minute, "changes come on whole minutes");
                let before = is_open;
                (is_open, until) = both(&calendar.state(cursor));
                prop_assert_ne!(is_open, before, "no change at {} of {}", minute, calendar);
                prop_assert!(until.is_none_or(|until| cursor < until));
            }
            prop_assert_eq!(look.is_open(minute), is_open, "{} at {}", calendar, minute);
        }
        // From anywhere between two changes the next one is the same.
        let between = Timestamp(cursor.0.midpoint(until.map_or(end, |until| until.0)));
        prop_assert_eq!(both(&calendar.state(between)), (is_open, until));
    }

    /// What the check lets through opens again, whenever one asks.
    #[test]
    fn what_was_checked_opens_again(calendar in calendar(), from in 0..4_000_000_000_000_u64) {
        let mut errors = Vec::new();
        calendar.check("freeze", &mut errors);
        if errors.is_empty() {
            match calendar.state(Timestamp(from)) {
                Opening::Open { .. } => (),
                Opening::Closed { until, .. } => prop_assert!(until.is_some(), "{}", calendar),
            }
        }
    }
}

fn both(opening: &Opening) -> (bool, Option<Timestamp>) {
    match opening {
        Opening::Open { until } => (true, *until),
        Opening::Closed { until, .. } => (false, *until),
    }
}
