-- The trail tells of tags, categories and series too, nothing can change it, and its lines are published.

-- A trail may be long, and a start must not fail for the time that indexing it takes.
SET LOCAL statement_timeout = 0;

-- What is there tells of tasks. `task_id` and `task_version` keep their names, because the judge and the
-- replicas of the version before read them.
ALTER TABLE audit_log ADD COLUMN entity text NOT NULL DEFAULT 'task';
COMMENT ON COLUMN audit_log.task_id IS 'Id of what the line is about, whatever `entity` it is.';
COMMENT ON COLUMN audit_log.task_version IS 'Version of that after the change.';

-- Pages of one user run by seq: narrowed to an action, or to what is no task, they are a range of one of
-- these; narrowed to a span of time they are sorted from what the span has. Each line pays for the first
-- two. Nearly all lines are about tasks, and these do not pay for the third.
CREATE INDEX audit_log_by_action ON audit_log (user_id, action, seq);
CREATE INDEX audit_log_by_time ON audit_log (user_id, occurred_at);
CREATE INDEX audit_log_by_entity ON audit_log (user_id, entity, seq) WHERE entity <> 'task';

-- The outbox of the audit role. A row names its line and copies nothing of it: the line cannot change, so
-- what is published of it cannot either.
CREATE TABLE audit_outbox (
    -- Of the line in audit_log, and the order in which the lines of an entity are published.
    seq                bigint PRIMARY KEY,
    -- The id of the event that tells of the line, drawn once.
    event_id           uuid   NOT NULL,
    topic              text   NOT NULL,
    entity_id          uuid   NOT NULL,
    shard              int    NOT NULL,
    attempts           int    NOT NULL DEFAULT 0,
    publish_started_at timestamptz,
    publish_micros     bigint,
    sent_at            timestamptz
);

-- As for the outbox of the api role, see there. Lines from before are in the trail and are not published.
CREATE INDEX audit_outbox_unsent ON audit_outbox (seq) WHERE sent_at IS NULL;
CREATE INDEX audit_outbox_unsent_by_entity ON audit_outbox (entity_id, seq) WHERE sent_at IS NULL;
CREATE INDEX audit_outbox_sent ON audit_outbox (sent_at) WHERE sent_at IS NOT NULL;

CREATE TABLE audit_relay_lease (
    shard      int PRIMARY KEY,
    holder     uuid,
    epoch      bigint      NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL DEFAULT '-infinity'
);

INSERT INTO audit_relay_lease (shard) SELECT generate_series(0, 15);

-- What a migration back had to put aside returns with its numbers and times as they were.
DO $$
BEGIN
    IF to_regclass('audit_log_set_aside') IS NOT NULL THEN
        INSERT INTO audit_log (seq, event_id, task_id, user_id, action, task_version, old, new,
                               occurred_at, recorded_at, envelope, entity)
        SELECT seq, event_id, task_id, user_id, action, task_version, old, new,
               occurred_at, recorded_at, envelope, entity
        FROM audit_log_set_aside ORDER BY seq;
        DROP TABLE audit_log_set_aside;
    END IF;
    IF to_regclass('audit_outbox_set_aside') IS NOT NULL THEN
        INSERT INTO audit_outbox (seq, event_id, topic, entity_id, shard, attempts)
        SELECT seq, event_id, topic, entity_id, shard, attempts FROM audit_outbox_set_aside;
        DROP TABLE audit_outbox_set_aside;
    END IF;
END
$$;

-- Append-only for whoever connects, the table's owner and superusers included: the trigger fires for the
-- statement, so also where no row matches, and ALWAYS, so also in a session that pretends to replicate.
-- What stays possible is to change the schema first, as the down migration does: the table's owner and a
-- superuser can drop or disable the trigger, or drop the table. Whoever wants to rule that out for the
-- application too lets it connect as a role that may only SELECT and INSERT, and migrates as another. And a
-- superuser can always write to the files beneath; what `audit-logs` told of a line is then the witness.
CREATE FUNCTION refuse_to_change_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only: % is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'What is wrong in the trail is put right by a further line.';
END
$$;

CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_audit_log();
ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_append_only;
