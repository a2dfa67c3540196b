//! The plot of a crowd's rows.

use std::path::Path;

use plotters::prelude::*;

use super::Row;
use crate::stand_in::TASK_SECONDS;

/// Time until all are ready, memory, and calls, over the number of jobs.
pub(super) fn draw(plot: &Path, rows: &[Row]) -> Result<(), Box<dyn std::error::Error>> {
    let most = rows.iter().map(|row| row.jobs).max().unwrap_or(1);
    let series = |value: &dyn Fn(&Row) -> f64| -> Vec<(f64, f64)> {
        rows.iter()
            .map(|row| (row.jobs as f64, value(row)))
            .collect()
    };
    let panels = [
        (
            "seconds until all jobs take scripts",
            series(&|row| row.ready[2].as_secs_f64()),
            2.0 * TASK_SECONDS,
        ),
        (
            "MB of memory, all prepare processes",
            series(&|row| row.prepare.peak_pss_kib as f64 / 1024.0),
            1.0,
        ),
        (
            "MB of memory, all run processes",
            series(&|row| row.run.peak_pss_kib as f64 / 1024.0),
            1.0,
        ),
        (
            "DescribeTasks calls, of all jobs together",
            series(&|row| row.describe_tasks as f64),
            most as f64,
        ),
    ];
    let area = SVGBackend::new(plot, (900, 600)).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, (title, points, least)) in area.split_evenly((2, 2)).iter().zip(panels) {
        let top = points
            .iter()
            .map(|(_, value)| value * 1.15)
            .fold(least, f64::max);
        let mut chart = ChartBuilder::on(panel)
            .caption(title, ("sans-serif", 16))
            .margin(12)
            .x_label_area_size(30)
            .y_label_area_size(50)
            .build_cartesian_2d(0.0..most as f64 * 1.05, 0.0..top)?;
        chart
            .configure_mesh()
            .x_desc("jobs at once")
            .x_label_formatter(&|jobs| format!("{jobs:.0}"))
            .y_label_formatter(&|value| format!("{value:.0}"))
            .light_line_style(WHITE)
            .draw()?;
        chart.draw_series(LineSeries::new(points.iter().copied(), &BLUE))?;
        chart.draw_series(
            points
                .iter()
                .map(|point| Circle::new(*point, 3, BLUE.filled())),
        )?;
    }
    area.present()?;
    Ok(())
}
