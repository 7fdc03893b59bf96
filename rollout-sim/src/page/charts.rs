//! Charts: what a film shows, each as a picture in SVG.
//!
//! In: a [`Film`]. Out: SVG text, drawn by plotters. Absent: scripts, fonts, anything that is loaded.

use std::{fmt, ops::Range};

use plotters::{coord::Shift, prelude::*, style::RGBColor};
use rollout_core::id::RevisionId;

use crate::runner::{Film, Frame, Look, Second};

/// A chart that could not be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a chart cannot be drawn: {0}; please report it with the spec and the seed")]
pub struct DrawError(String);

/// Width of every chart, in pixels.
const WIDTH: u32 = 960;
/// Height of a line of instances, in pixels.
const LINE: u32 = 18;
const FONT: (&str, u32) = ("sans-serif", 13);
const STABLE: RGBColor = RGBColor(70, 110, 180);
const CANDIDATE: RGBColor = RGBColor(235, 140, 40);
const BAD: RGBColor = RGBColor(200, 50, 50);
const QUIET: RGBColor = RGBColor(150, 150, 150);

/// The colour and the name of each look of an instance.
pub(super) const LOOKS: [(Look, RGBColor, &str); 7] = [
    (Look::Starting, RGBColor(215, 215, 215), "starting"),
    (Look::Ready, RGBColor(170, 205, 240), "ready, gets nothing"),
    (Look::Serving, RGBColor(85, 160, 90), "serving"),
    (Look::Failing, BAD, "gets requests and does not answer"),
    (Look::Down, RGBColor(235, 170, 170), "does not answer, gets nothing"),
    (Look::Draining, RGBColor(245, 215, 110), "draining"),
    (Look::Stopping, RGBColor(190, 150, 90), "stopping"),
];

type Drawn = Result<(), DrawError>;

fn failed(why: impl fmt::Display) -> DrawError {
    DrawError(why.to_string())
}

/// Draws on a picture of that height.
fn picture(
    height: u32,
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Drawn,
) -> Result<String, DrawError> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        draw(&area)?;
        area.present().map_err(failed)?;
    }
    Ok(text)
}

fn seconds(at: u64) -> f64 {
    // Whole milliseconds of a rollout are far below 2⁵³.
    std::time::Duration::from_millis(at).as_secs_f64()
}

fn length(film: &Film) -> Range<f64> {
    0.0..seconds(film.end.max(1))
}

/// What became of each instance, a line each.
pub(super) fn instances(film: &Film) -> Result<String, DrawError> {
    let count = u32::try_from(film.tracks.len()).unwrap_or(u32::MAX);
    picture(count.saturating_mul(LINE) + 60, |area| {
        let names: Vec<String> = film.tracks.keys().map(ToString::to_string).collect();
        let mut chart = ChartBuilder::on(area)
            .margin(6)
            .x_label_area_size(28)
            .y_label_area_size(110)
            .build_cartesian_2d(length(film), (0..count).into_segmented())
            .map_err(failed)?;
        let name = |value: &SegmentValue<u32>| match value {
            SegmentValue::CenterOf(place) => {
                let place = usize::try_from(*place).unwrap_or(usize::MAX);
                names.get(place).cloned().unwrap_or_default()
            }
            SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(WHITE)
            .y_labels(names.len())
            .y_label_formatter(&name)
            .x_desc("seconds")
            .label_style(FONT)
            .draw()
            .map_err(failed)?;
        for (place, track) in (0..count).zip(film.tracks.values()) {
            let ends = track.looks.iter().skip(1).map(|(at, _)| *at).chain([film.end]);
            for ((from, look), to) in track.looks.iter().zip(ends) {
                let Some((_, colour, _)) = LOOKS.iter().find(|(one, ..)| one == look) else {
                    continue;
                };
                let low = (seconds(*from), SegmentValue::Exact(place));
                let high = (seconds(to), SegmentValue::Exact(place + 1));
                let mut bar = Rectangle::new([low, high], colour.filled());
                bar.set_margin(2, 2, 0, 0);
                chart.draw_series([bar]).map_err(failed)?;
            }
        }
        Ok(())
    })
}

/// One line of a chart over time.
struct Line {
    name: String,
    colour: RGBColor,
    points: Vec<(u64, f64)>,
}

/// A number that stays the same from each moment to the next.
fn steps(film: &Film, number: impl Fn(&Frame) -> f64) -> Vec<(u64, f64)> {
    let mut points = Vec::new();
    for frame in &film.frames {
        if let Some((_, last)) = points.last().copied() {
            points.push((frame.at, last));
        }
        points.push((frame.at, number(frame)));
    }
    if let Some((_, last)) = points.last().copied() {
        points.push((film.end, last));
    }
    points
}

/// Instances of any count are far below 2³².
fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn lines(film: &Film, what: &str, lines: &[Line]) -> Result<String, DrawError> {
    let all = lines.iter().flat_map(|line| line.points.iter().map(|(_, value)| *value));
    let most = all.fold(1.0, f64::max) * 1.08;
    picture(230, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(6)
            .x_label_area_size(28)
            .y_label_area_size(60)
            .build_cartesian_2d(length(film), 0.0..most)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_desc("seconds")
            .y_desc(what)
            .label_style(FONT)
            .draw()
            .map_err(failed)?;
        for line in lines {
            let points = line.points.iter().map(|(at, value)| (seconds(*at), *value));
            let colour = line.colour;
            let style = colour.stroke_width(2);
            let series = LineSeries::new(points, style);
            let drawn = chart.draw_series(series).map_err(failed)?;
            let sign = move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style);
            drawn.label(line.name.as_str()).legend(sign);
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.85))
            .border_style(QUIET)
            .label_font(FONT)
            .draw()
            .map_err(failed)
    })
}

/// The share of the traffic that each revision gets.
pub(super) fn shares(
    film: &Film,
    stable: &RevisionId,
    new: &RevisionId,
) -> Result<String, DrawError> {
    let line = |name: &str, colour, revision: &RevisionId| Line {
        name: name.to_owned(),
        colour,
        points: steps(film, |frame| number(frame.share_of(revision).basis_points()) / 100.0),
    };
    let both = [line("stable", STABLE, stable), line("candidate", CANDIDATE, new)];
    lines(film, "percent of the traffic", &both)
}

/// Instances that live and that answer requests.
pub(super) fn capacity(film: &Film, desired: u64) -> Result<String, DrawError> {
    let line = |name: &str, colour, points| Line { name: name.to_owned(), colour, points };
    let all = [
        line("live", QUIET, steps(film, |frame| number(frame.live()))),
        line("desired", STABLE, vec![(0, number(desired)), (film.end, number(desired))]),
        line("answering", CANDIDATE, steps(film, |frame| number(frame.capacity()))),
    ];
    lines(film, "instances", &all)
}

/// Requests that failed, and the time of answers, second by second.
pub(super) fn requests(film: &Film, seen: &[Second]) -> Result<(String, String), DrawError> {
    let line = |name: &str, value: fn(&Second) -> f64| Line {
        name: name.to_owned(),
        colour: BAD,
        points: seen.iter().map(|second| (second.at, value(second))).collect(),
    };
    let lost = line("failed", |second| number(second.failed.iter().sum()));
    let p99 = line("p99", |second| number(second.p99.unwrap_or_default()) / 1000.0);
    let errors = lines(film, "requests a second", &[lost])?;
    Ok((errors, lines(film, "milliseconds", &[Line { colour: STABLE, ..p99 }])?))
}
