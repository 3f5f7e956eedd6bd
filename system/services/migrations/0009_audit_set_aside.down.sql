-- The former version would come to a stop at what was set aside.
LOCK TABLE audit_early IN ACCESS EXCLUSIVE MODE;

DO $$
BEGIN
    IF EXISTS (SELECT FROM audit_early WHERE set_aside_at IS NOT NULL) THEN
        RAISE EXCEPTION 'audit_early has events that were set aside: have them tried again, or delete them'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$$;

DROP INDEX audit_early_by_arrival;
DROP INDEX audit_early_by_version;
CREATE INDEX audit_early_by_version ON audit_early (entity_id, version);
ALTER TABLE audit_early DROP COLUMN set_aside_at;
