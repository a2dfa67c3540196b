//! Prometheus's text format (prometheus.io: exposition formats), as far as it is needed.

use std::fmt::Write;

/// The type of a family.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The text of a page of metrics.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// Begins a family. Its samples follow.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.line(&format!("# HELP {name} {help}"));
        self.line(&format!("# TYPE {name} {kind}"));
    }

    /// A sample with these labels, which are made by [`label`].
    pub(super) fn sample(&mut self, name: &str, labels: &str, value: f64) {
        match labels {
            "" => self.line(&format!("{name} {value}")),
            labels => self.line(&format!("{name}{{{labels}}} {value}")),
        }
    }

    /// The samples of a histogram: `counts` has one for each bound, and a last one for what exceeds them all.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        labels: &str,
        bounds: &[f64],
        counts: &[u64],
        sum: f64,
    ) {
        let bounds = bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut all = 0;
        for (bound, count) in bounds.zip(counts) {
            all += count;
            let labels = format!("{labels},{}", label("le", &bound));
            self.sample(&format!("{name}_bucket"), &labels, all as f64);
        }
        self.sample(&format!("{name}_sum"), labels, sum);
        self.sample(&format!("{name}_count"), labels, all as f64);
    }

    /// The text so far.
    pub(super) fn text(self) -> String {
        self.0
    }

    fn line(&mut self, line: &str) {
        // A String takes all that is written.
        let _infallible = writeln!(self.0, "{line}");
    }
}

/// A label with its value escaped.
pub(super) fn label(name: &str, value: &str) -> String {
    let value = value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}
