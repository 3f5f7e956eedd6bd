COMMENT ON COLUMN outbox.publish_micros IS NULL;
DROP INDEX outbox_sent;
