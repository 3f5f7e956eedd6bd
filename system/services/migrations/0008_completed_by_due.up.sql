SET LOCAL statement_timeout = 0;

-- The list of what is not overdue, by due date: of the past it has what is completed. Without this a user who
-- is behind with everything would have all of it read and left out, for each page. Only dated tasks that are
-- completed pay, as the open ones do for theirs.
CREATE INDEX tasks_completed_by_due ON tasks (user_id, due_at, id)
    WHERE due_at IS NOT NULL AND status = 'completed';
