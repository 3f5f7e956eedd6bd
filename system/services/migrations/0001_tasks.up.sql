-- Tasks, owned by the api role, and the outbox half of their commit.

CREATE TABLE tasks (
    id           uuid PRIMARY KEY,
    user_id      uuid        NOT NULL,
    title        text        NOT NULL,
    description  text,
    status       text        NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed')),
    version      bigint      NOT NULL CHECK (version >= 1),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    completed_at timestamptz,
    CHECK ((status = 'completed') = (completed_at IS NOT NULL))
);

-- Keyset pages of one user, newest first: ids are time-ordered.
CREATE INDEX tasks_by_user ON tasks (user_id, id DESC);
CREATE INDEX tasks_by_user_and_status ON tasks (user_id, status, id DESC);

CREATE TABLE outbox (
    seq                bigserial PRIMARY KEY,
    event_id           uuid        NOT NULL UNIQUE,
    topic              text        NOT NULL,
    task_id            uuid        NOT NULL,
    task_version       bigint      NOT NULL,
    shard              int         NOT NULL,
    -- Text and not jsonb: the bytes that were committed are the bytes that are published.
    envelope           text        NOT NULL,
    inserted_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts           int         NOT NULL DEFAULT 0,
    publish_started_at timestamptz,
    -- Monotonic time of the attempt that succeeded, from its first byte to the answer.
    publish_micros     bigint,
    sent_at            timestamptz
);

-- The relay selects by what is unsent. A high-water mark would lose events, because serial numbers
-- are drawn before the commit and so do not follow commit order.
CREATE INDEX outbox_unsent ON outbox (seq) WHERE sent_at IS NULL;
CREATE INDEX outbox_unsent_by_task ON outbox (task_id, seq) WHERE sent_at IS NULL;

CREATE TABLE relay_lease (
    shard      int PRIMARY KEY,
    holder     uuid,
    -- Grows with each change of holder and so fences off the former one.
    epoch      bigint      NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL DEFAULT '-infinity'
);

INSERT INTO relay_lease (shard) SELECT generate_series(0, 15);
