-- What migration 0005 may have put aside on its way back.
DROP TABLE IF EXISTS audit_log_set_aside, audit_outbox_set_aside;
DROP TABLE audit_log;
DROP TABLE inbox;
