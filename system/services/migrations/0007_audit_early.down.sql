-- What is kept was acknowledged, and the version before would never record it. None of it waits for longer
-- than the audit role's bound, so there is nothing to lose by waiting for that.
-- Nothing may be kept between the look and the drop.
LOCK TABLE audit_early IN ACCESS EXCLUSIVE MODE;

DO $$
BEGIN
    IF EXISTS (SELECT FROM audit_early) THEN
        RAISE EXCEPTION 'audit_early is not empty: let the audit role record what it keeps first'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$$;

DROP TABLE audit_early;
