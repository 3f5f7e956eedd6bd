use std::time::Duration;

/// Bounds and paces of the pass over due series.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleSettings {
    /// How often there is a pass: how much later than its due date an instance may come.
    pub every: Duration,
    /// Due series listed at once. Of a series only the next instance is due; the one after it is asked for
    /// in the next round.
    pub list_max: u32,
    /// Instances asked for at once, of different series.
    pub in_flight_max: usize,
    /// Instances asked for in one pass. When there are more, the next pass follows at once.
    pub pass_max: usize,
    /// The role is amiss when no pass has finished for so long. Several times `every`, so that one
    /// that failed costs nothing.
    pub late_after: Duration,
}

impl Default for ScheduleSettings {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(5),
            list_max: 100,
            in_flight_max: 8,
            pass_max: 1_000,
            late_after: Duration::from_secs(30),
        }
    }
}
