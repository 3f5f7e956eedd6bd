-- Tasks get priorities, due dates, labels, series and full-text search; the api role also owns the labels,
-- the series and the answers to requests with an idempotency key. Needs Postgres 17 for `pg_c_utf8`.
--
-- Stop every process of the former version before the first of this one starts. The former one could not
-- read the events of labels and series, and would publish those of tasks without their new fields. What is
-- done below for rows that it writes is for one that was overlooked, and for the way back.

-- Rows in place are rewritten below, and a start must not fail for the time that takes.
SET LOCAL statement_timeout = 0;

ALTER TABLE tasks
    -- A number, so that its index is in the order of lists: 0 low, 1 medium, 2 high, 3 urgent.
    ADD COLUMN priority     smallint NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 3),
    ADD COLUMN due_at       timestamptz,
    ADD COLUMN time_zone    text,
    -- Neither of the two refers to `labels` by a foreign key: an array cannot, and both have to be of the
    -- right kind and user. A commit locks the labels that it names instead, see `labels` below.
    ADD COLUMN category_id  uuid,
    ADD COLUMN tags         uuid[]   NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 10),
    ADD COLUMN series_id    uuid,
    ADD COLUMN occurrence   bigint CHECK (occurrence >= 1),
    -- By bytes, whatever the locale of the database.
    ADD COLUMN title_key    text COLLATE "C",
    ADD COLUMN search       tsvector,
    ADD COLUMN text_version bigint,
    ADD CHECK ((due_at IS NULL) = (time_zone IS NULL)),
    ADD CHECK ((series_id IS NULL) = (occurrence IS NULL));

COMMENT ON COLUMN tasks.priority IS '0 low, 1 medium, 2 high, 3 urgent';
COMMENT ON COLUMN tasks.search IS
    'The words of title (weight A) and description (B), each with the end of the user''s id before it: the '
    'index is searched within one user''s words and never reads those of the others.';
COMMENT ON COLUMN tasks.text_version IS
    'The version whose text title_key and search were made of. A writer that does not know them leaves it '
    'behind, which is how the trigger tells.';

-- What the application computes by itself, for rows that were there before and for those that a replica
-- of the former version still writes. Best effort: Postgres differs from the application in a few
-- characters that Unicode calls numbers or lowers to two. The next write by the application replaces it.
-- It names nothing outside of pg_catalog, and so works under any search_path.
CREATE FUNCTION tasks_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.title_key := lower(NEW.title COLLATE pg_c_utf8);
    NEW.search := (
        SELECT coalesce(string_agg(
            format('''%s%s'':%s%s', right(NEW.user_id::text, 8), left(word, 64), place, weight), ' '), '')
        FROM (
            SELECT word, weight, row_number() OVER (ORDER BY weight, place) AS place
            FROM (
                SELECT 'A' AS weight, t.*
                FROM regexp_split_to_table(
                    lower(NEW.title COLLATE pg_c_utf8), '[^[:alnum:]]+')
                    WITH ORDINALITY AS t (word, place)
                UNION ALL
                SELECT 'B', d.*
                FROM regexp_split_to_table(
                    lower(NEW.description COLLATE pg_c_utf8), '[^[:alnum:]]+')
                    WITH ORDINALITY AS d (word, place)
            ) AS texts
            WHERE word <> ''
        ) AS words)::tsvector;
    NEW.text_version := NEW.version;
    RETURN NEW;
END
$$;

CREATE TRIGGER tasks_text BEFORE INSERT OR UPDATE ON tasks
    FOR EACH ROW WHEN (NEW.text_version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION tasks_text();

UPDATE tasks SET version = version;

ALTER TABLE tasks ALTER COLUMN title_key SET NOT NULL, ALTER COLUMN search SET NOT NULL;

-- Indexes. Every create and (as `updated_at` always changes) every update pays for each that covers the row,
-- so each has to earn its place at 10,000 tasks a user:
--
-- * One for each order of lists, because a page must not sort all tasks of a user: created, updated, due,
--   priority, title. Each serves both directions, and its filter, range or position.
-- * The due order holds undated tasks too: they are the second part of that list, in the order of ids.
-- * `tasks_by_status` because most tasks of an old account are completed, and the default list is of the
--   others: the created order alone would read the completed ones to skip them.
-- * `tasks_open_by_due` for the same reason: most of what was due in the past is completed. Only dated
--   tasks that are not completed pay.
-- * Labels and series only cost the tasks that have them: these are partial.
-- * None for "no category", which is most tasks, and none for combinations: the filter that leaves least is
--   read by its index, or the order's index is read until the page is full; both end at the user's tasks.
-- * The words' index collects new entries in a list and merges them in bulk, which makes a create cheaper by
--   a third; the list is kept short, because a search reads it through and a create now and then merges it.
--
-- All in all the server takes about half as many creates a second as without them (4,700 and 8,400 on two
-- cores, tasks of 25 words, no wait for the disk), still several times what the api role can send it.
DROP INDEX tasks_by_user, tasks_by_user_and_status;
CREATE INDEX tasks_by_created ON tasks (user_id, created_at, id);
CREATE INDEX tasks_by_updated ON tasks (user_id, updated_at, id);
CREATE INDEX tasks_by_due ON tasks (user_id, due_at, id);
CREATE INDEX tasks_by_priority ON tasks (user_id, priority, id);
CREATE INDEX tasks_by_title ON tasks (user_id, title_key, id);
CREATE INDEX tasks_by_status ON tasks (user_id, status, created_at, id);
CREATE INDEX tasks_open_by_due ON tasks (user_id, due_at, id)
    WHERE due_at IS NOT NULL AND status <> 'completed';
CREATE INDEX tasks_by_category ON tasks (category_id) WHERE category_id IS NOT NULL;
CREATE INDEX tasks_by_tag ON tasks USING gin (tags) WHERE tags <> '{}';
CREATE INDEX tasks_by_word ON tasks USING gin (search) WITH (gin_pending_list_limit = 1024);
-- Also what keeps an instance that is asked for twice from being created twice.
CREATE UNIQUE INDEX tasks_by_occurrence ON tasks (series_id, occurrence) WHERE series_id IS NOT NULL;

-- Tags and categories. A commit that puts a task locks the labels that it names (FOR KEY SHARE), one that
-- deletes a label locks it (FOR UPDATE) before it looks for tasks that have it: whichever comes second sees
-- what the first has done.
CREATE TABLE labels (
    id         uuid PRIMARY KEY,
    user_id    uuid        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('tag', 'category')),
    name       text        NOT NULL,
    name_key   text        NOT NULL COLLATE "C",
    color      text        NOT NULL,
    version    bigint      NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- The order of lists, too.
    CONSTRAINT labels_name UNIQUE (user_id, kind, name_key)
);

-- Series are never deleted: they end.
CREATE TABLE series (
    id              uuid PRIMARY KEY,
    user_id         uuid        NOT NULL,
    recurrence      jsonb       NOT NULL,
    -- As in `recurrence`, for the index.
    mode            text        NOT NULL CHECK (mode IN ('on_schedule', 'on_completion')),
    start_local     timestamp   NOT NULL,
    time_zone       text        NOT NULL,
    next_occurrence bigint      NOT NULL CHECK (next_occurrence >= 1),
    latest_due_at   timestamptz NOT NULL,
    template        jsonb       NOT NULL,
    ended_at        timestamptz,
    version         bigint      NOT NULL CHECK (version >= 1),
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);

-- The pass over due series reads from its beginning what is due, and no other series.
CREATE INDEX series_due ON series (latest_due_at, id)
    WHERE mode = 'on_schedule' AND ended_at IS NULL;

CREATE TABLE keyed_answers (
    user_id     uuid        NOT NULL,
    key         text        NOT NULL,
    -- A digest of the request: the same key with another one is refused.
    fingerprint text        NOT NULL,
    status      int         NOT NULL,
    -- An array of pairs.
    headers     jsonb       NOT NULL,
    body        text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT keyed_answers_pkey PRIMARY KEY (user_id, key)
);

-- For the purge.
CREATE INDEX keyed_answers_by_age ON keyed_answers (created_at);

COMMENT ON COLUMN outbox.task_id IS
    'The id of whatever the event is about: task, label or series. Events of one are published in order. '
    'The name stays because replicas of the former version read it.';
COMMENT ON COLUMN outbox.task_version IS
    'The version of what task_id names, after the commit that the event is of.';
