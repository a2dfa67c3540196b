//! The few shapes of SVG that a chart needs.

use std::fmt::Write;

/// A point, from the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point(pub(super) f64, pub(super) f64);

/// Which part of a text is at its point.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    End,
}

/// A picture in the making.
#[derive(Debug)]
pub(super) struct Picture(String);

impl Picture {
    /// A white sheet of this size.
    pub(super) fn new(width: f64, height: f64) -> Self {
        let mut picture = Self(String::new());
        picture.add(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"Inter, 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif\">"
        ));
        picture.add(&format!(
            "<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>"
        ));
        picture
    }

    /// A text on its base line.
    pub(super) fn text(
        &mut self,
        at: Point,
        text: &str,
        size: f64,
        colour: &str,
        anchor: Anchor,
        is_bold: bool,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::End => "end",
        };
        let weight = if is_bold { " font-weight=\"600\"" } else { "" };
        let (x, y, text) = (at.0, at.1, escaped(text));
        self.add(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" fill=\"{colour}\" text-anchor=\"{anchor}\"{weight}>{text}</text>"
        ));
    }

    /// A line through these points.
    pub(super) fn line(&mut self, points: &[Point], colour: &str, width: f64) {
        let points = list(points);
        self.add(&format!(
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
        ));
    }

    /// The area between these points.
    pub(super) fn area(&mut self, points: &[Point], colour: &str, opacity: f64) {
        let points = list(points);
        self.add(&format!(
            "<polygon points=\"{points}\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>"
        ));
    }

    /// A dot.
    pub(super) fn dot(&mut self, at: Point, colour: &str, radius: f64) {
        let Point(x, y) = at;
        self.add(&format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\"/>"
        ));
    }

    /// A bar from its upper left corner.
    pub(super) fn bar(&mut self, at: Point, width: f64, height: f64, colour: &str) {
        let Point(x, y) = at;
        if width > 0.0 {
            self.add(&format!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\" rx=\"2\" fill=\"{colour}\"/>"
            ));
        }
    }

    /// The whole document.
    pub(super) fn finish(mut self) -> String {
        self.add("</svg>");
        self.0
    }

    fn add(&mut self, element: &str) {
        // A String takes all that is written.
        let _infallible = writeln!(self.0, "{element}");
    }
}

fn list(points: &[Point]) -> String {
    let points = points.iter().map(|Point(x, y)| format!("{x:.1},{y:.1}"));
    points.collect::<Vec<_>>().join(" ")
}

/// A text as XML has it, without characters that XML does not have.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            hidden if hidden.is_control() => escaped.push('\u{fffd}'),
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// Round marks of an axis from 0 to `most` or just beyond: five to ten of them.
pub(super) fn ticks(most: f64) -> Vec<f64> {
    let magnitude = 10_f64.powf((most / 5.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * magnitude);
    let step = steps
        .into_iter()
        .find(|step| most / step <= 6.0)
        .unwrap_or(most);
    let count = (most / step).ceil() as u32;
    (0..=count).map(|number| f64::from(number) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_round_marks_up_to_its_end() {
        assert_eq!(ticks(47.3), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
        assert_eq!(ticks(120.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0]);
        for most in [0.9, 1.0, 7.0, 31.0, 600.0, 12345.0] {
            let ticks = ticks(most);
            let last = ticks[ticks.len() - 1];
            assert!(last >= most && ticks.len() <= 8, "{most}: {ticks:?}");
        }
    }

    #[test]
    fn names_do_not_leave_their_text() {
        assert_eq!(escaped("a<b>&\"\u{1}"), "a&lt;b&gt;&amp;&quot;\u{fffd}");
    }
}
