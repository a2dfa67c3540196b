//! Hits over idle cost, a panel for each trace.

use std::path::Path;

use plotters::prelude::*;

use crate::compare::Compared;

/// Right end of the axis: idle cost in percent of the jobs' own.
const MOST_IDLE: f64 = 80.0;

pub(crate) fn draw(plot: &Path, compared: &[Compared]) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::new(plot, (900, 640)).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, trace) in area.split_evenly((2, 2)).iter().zip(compared) {
        let mut chart = ChartBuilder::on(panel)
            .caption(trace.trace, ("sans-serif", 16))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(48)
            .build_cartesian_2d(0.0..MOST_IDLE, 0.0..100.0)?;
        chart
            .configure_mesh()
            .x_desc("idle cost, % of the jobs' own")
            .y_desc("hits, % of jobs")
            .x_label_formatter(&|percent| format!("{percent:.0}"))
            .y_label_formatter(&|percent| format!("{percent:.0}"))
            .light_line_style(WHITE)
            .draw()?;
        let within = |point: &&(f64, f64)| point.0 <= MOST_IDLE;
        let best = trace.best.iter().filter(within).copied();
        chart
            .draw_series(LineSeries::new(best, &BLUE))?
            .label("best stocks, the rates known")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 14, y)], BLUE));
        if trace.trace == "steady" {
            let least = trace.unknowing.iter().filter(within).copied();
            chart
                .draw_series(LineSeries::new(least, BLACK.mix(0.3)))?
                .label("no decision does better on average")
                .legend(|(x, y)| PathElement::new([(x, y), (x + 14, y)], BLACK.mix(0.3)));
        }
        let follow = trace.follow.iter().filter(within);
        chart
            .draw_series(follow.map(|point| Circle::new(*point, 3, RED.filled())))?
            .label("Follow, MaxTasks of 1 to 15")
            .legend(|(x, y)| Circle::new((x + 7, y), 3, RED.filled()));
        let schedule = trace.rows.iter().filter(|row| row.way == "schedule");
        chart
            .draw_series(schedule.map(|row| {
                TriangleMarker::new((row.idle_percent(), row.hit_percent()), 5, BLACK.filled())
            }))?
            .label("five tasks by schedule")
            .legend(|(x, y)| TriangleMarker::new((x + 7, y), 5, BLACK.filled()));
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .draw()?;
    }
    area.present()?;
    Ok(())
}
