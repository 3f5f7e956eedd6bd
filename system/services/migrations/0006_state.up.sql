-- State by key, of the roles that keep some: values with optimistic concurrency and an expiry.

CREATE TABLE state_entries (
    -- The role, so that two of them never meet at a key.
    owner      text        NOT NULL,
    key        text        NOT NULL,
    value      bytea       NOT NULL,
    -- Drawn anew by every write: a counter would begin again after a deletion, and match an old reader.
    etag       uuid        NOT NULL,
    -- Null keeps the entry. What has expired is not read, and stays until it is purged.
    expires_at timestamptz,
    PRIMARY KEY (owner, key)
);

CREATE INDEX state_entries_expiring ON state_entries (expires_at) WHERE expires_at IS NOT NULL;
