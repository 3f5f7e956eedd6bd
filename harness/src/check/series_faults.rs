use crate::ledger::{Instance, SeriesLife};

/// What is wrong with the numbers of a series.
pub(super) fn faults(life: &SeriesLife) -> Vec<String> {
    let mut faults = Vec::new();
    let mut before: Option<(u64, &Instance)> = None;
    for (&number, instance) in &life.instances {
        let awaited = before.map_or(1, |(last, _)| last + 1);
        if number > awaited {
            faults.push(match number - awaited {
                1 => format!("instance {awaited} is missing, though {number} is there"),
                _ => format!(
                    "instances {awaited} to {} are missing, though {number} is there",
                    number - 1
                ),
            });
        }
        if instance.tasks.len() > 1 {
            faults.push(format!(
                "instance {number} is {} tasks",
                instance.tasks.len()
            ));
        } else if instance.creations > 1 {
            faults.push(format!(
                "instance {number} was created {} times",
                instance.creations
            ));
        }
        if !instance.is_accounted {
            faults.push(format!(
                "instance {number} is not there, and nothing tells of its deletion"
            ));
        }
        let is_early = before.is_some_and(|(last, before)| {
            last + 1 == number && (!before.is_settled || came_before(instance, before))
        });
        if is_early && !life.is_on_schedule {
            faults.push(format!(
                "instance {number} came before the one ahead of it was settled"
            ));
        }
        before = Some((number, instance));
    }
    if let Some((last, instance)) = before
        && instance.is_settled
        && !life.is_over
        && !life.is_on_schedule
    {
        faults.push(format!(
            "instance {last} was settled, and none came after it"
        ));
    }
    faults
}

/// Both moments are those of inserts, on the database's one clock. Settled later does not make up for it:
/// then two instances were open at once.
fn came_before(instance: &Instance, settlement_of: &Instance) -> bool {
    matches!(
        (instance.came_at, settlement_of.settled_at),
        (Some(came), Some(settled)) if came < settled
    )
}
