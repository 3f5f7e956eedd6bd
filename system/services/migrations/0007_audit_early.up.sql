-- Events that came before the version before them, kept until that is in the trail. Whoever delivers an event
-- is done with it then: a broker that is asked to come back may hold up the very event that is waited for.
CREATE TABLE audit_early (
    source      text        NOT NULL,
    event_id    uuid        NOT NULL,
    entity_id   uuid        NOT NULL,
    version     bigint      NOT NULL,
    -- As in the trail, so that what could not be recorded later is refused before it is kept.
    occurred_at timestamptz NOT NULL,
    envelope    jsonb       NOT NULL,
    arrived_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, event_id)
);

-- Of each entity the lowest version is looked at.
CREATE INDEX audit_early_by_version ON audit_early (entity_id, version);
