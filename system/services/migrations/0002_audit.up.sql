-- The audit trail, owned by the audit role, and the inbox that keeps its effects single.

CREATE TABLE inbox (
    consumer         text NOT NULL,
    source           text NOT NULL,
    event_id         uuid NOT NULL,
    handled_failures int  NOT NULL DEFAULT 0,
    -- Null while the event has only failed so far.
    done_at          timestamptz,
    PRIMARY KEY (consumer, source, event_id)
);

CREATE TABLE audit_log (
    seq          bigserial PRIMARY KEY,
    -- Deliberately not unique: the inbox must prevent duplicates, and a second row would show
    -- that it did not. A constraint here would hide that.
    event_id     uuid        NOT NULL,
    task_id      uuid        NOT NULL,
    user_id      uuid        NOT NULL,
    action       text        NOT NULL,
    task_version bigint      NOT NULL,
    old          jsonb,
    new          jsonb,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    envelope     jsonb       NOT NULL
);

CREATE INDEX audit_log_by_user ON audit_log (user_id, seq);
CREATE INDEX audit_log_by_task ON audit_log (task_id, seq);
