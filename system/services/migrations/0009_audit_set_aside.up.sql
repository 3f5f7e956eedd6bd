-- A kept event that can never be recorded as it is stays for somebody to look at, and keeps no other.
-- Set the column to null to have it tried again; or delete the row.
ALTER TABLE audit_early ADD COLUMN set_aside_at timestamptz;

DROP INDEX audit_early_by_version;
CREATE INDEX audit_early_by_version ON audit_early (entity_id, version) WHERE set_aside_at IS NULL;
-- What has waited for long enough.
CREATE INDEX audit_early_by_arrival ON audit_early (arrived_at) WHERE set_aside_at IS NULL;
