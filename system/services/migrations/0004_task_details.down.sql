-- Tasks stay. Their priorities, due dates, labels and series go, as do labels, series and keyed answers:
-- the former version has no place for them.

SET LOCAL statement_timeout = 0;

-- The former version could not read these events, and one that it cannot read would stop its relay for
-- good. Deleting them here would lose them.
-- The lock keeps a commit that is under way from adding one after the look.
LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE;

DO $$
BEGIN
    IF EXISTS (
        SELECT FROM outbox
        WHERE sent_at IS NULL AND envelope::jsonb ->> 'type' NOT LIKE 'todo.task.%')
    THEN
        RAISE EXCEPTION 'the outbox has unpublished events that the former version cannot read'
            USING HINT = 'Let this version''s relay publish them first: stop the requests and the role recurring, not the api role.';
    END IF;
END
$$;

COMMENT ON COLUMN outbox.task_version IS NULL;
COMMENT ON COLUMN outbox.task_id IS NULL;

DROP TABLE keyed_answers;
DROP TABLE series;
DROP TABLE labels;

DROP TRIGGER tasks_text ON tasks;
DROP FUNCTION tasks_text();

-- With the columns go their indexes and constraints.
ALTER TABLE tasks
    DROP COLUMN text_version,
    DROP COLUMN search,
    DROP COLUMN title_key,
    DROP COLUMN occurrence,
    DROP COLUMN series_id,
    DROP COLUMN tags,
    DROP COLUMN category_id,
    DROP COLUMN time_zone,
    DROP COLUMN due_at,
    DROP COLUMN priority;

DROP INDEX tasks_by_created, tasks_by_updated, tasks_by_status;
CREATE INDEX tasks_by_user ON tasks (user_id, id DESC);
CREATE INDEX tasks_by_user_and_status ON tasks (user_id, status, id DESC);
