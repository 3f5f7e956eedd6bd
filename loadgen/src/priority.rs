use serde::{Deserialize, Serialize};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// How the thread that offers a load is scheduled beside what it loads, where both share cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Ahead of every ordinary thread of the machine: what is due leaves when it is due.
    RealTime,
    /// One thread among those of the target, because more is not permitted: it may have to wait for
    /// a core, and then is late.
    Ordinary,
}

impl Priority {
    /// Asks for real time for the calling thread, at the lowest real-time priority that there is.
    ///
    /// It takes root, `CAP_SYS_NICE` or a limit on real-time priorities above zero (`ulimit -r`).
    /// Without, the thread stays as it was. The kernel keeps a part of each core for ordinary
    /// threads, should this one ever spin.
    pub(crate) fn raise() -> Priority {
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
        match set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy) {
            Ok(()) => Priority::RealTime,
            Err(_) => Priority::Ordinary,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use thread_priority::thread_schedule_policy;

    use super::*;

    #[test]
    fn what_is_said_of_the_thread_is_what_the_kernel_does() {
        let raised = thread::spawn(|| (Priority::raise(), thread_schedule_policy()));
        let (said, policy) = raised.join().expect("a thread");
        let real_time = matches!(policy, Ok(ThreadSchedulePolicy::Realtime(_)));
        assert_eq!(said == Priority::RealTime, real_time);
    }

    #[test]
    fn only_the_thread_that_asks_is_raised() {
        thread::spawn(Priority::raise).join().expect("a thread");
        let policy = thread_schedule_policy().expect("a policy");
        assert!(
            matches!(policy, ThreadSchedulePolicy::Normal(_)),
            "{policy:?}"
        );
    }
}
