//! The times of tasks, from starts that were. Decisions only.

use warm_policy::TaskTimes;

use crate::operate::cost::WIND_DOWN_SECONDS;
use crate::state::start_time::StartTime;

/// A start where none was seen, in milliseconds (AWS: 24 to 60 s), and the part of one that AWS bills where the pull
/// was not seen.
const USUAL: u64 = 30_000;
const BILLED_PERCENT: u64 = 66;

/// The times of tasks that start as these did: the medians.
pub(super) fn task_times(starts: &[StartTime]) -> TaskTimes {
    let whole = starts.iter().map(|start| start.whole).collect();
    let whole = quantile(whole, 50).unwrap_or(USUAL);
    let billed = starts.iter().filter_map(|start| start.billed).collect();
    let billed = quantile(billed, 50).unwrap_or(whole * BILLED_PERCENT / 100);
    TaskTimes {
        start: whole,
        billed_start: billed.min(whole),
        wind_down: WIND_DOWN_SECONDS * 1000,
    }
}

/// The value that so many percent of them do not exceed.
pub(super) fn quantile(mut values: Vec<u64>, percent: usize) -> Option<u64> {
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_medians_and_usual_ones_where_nothing_was_seen() {
        let start = |whole, billed| StartTime { whole, billed };
        let times = |starts: &[StartTime]| {
            let times = task_times(starts);
            (times.start, times.billed_start)
        };
        assert_eq!(times(&[]), (30_000, 19_800));
        let seen = [
            start(50_000, Some(20_000)),
            start(40_000, None),
            start(300_000, Some(250_000)),
        ];
        assert_eq!(times(&seen), (50_000, 20_000));
        // The pulls that were seen were those of slow starts.
        let slow = [start(10_000, None), start(10_000, None), seen[2]];
        assert_eq!(times(&slow), (10_000, 10_000));
    }
}
