DROP INDEX tasks_completed_by_due;
