-- An outbox that was never purged may be large, and a start must not fail for the time that takes.
SET LOCAL statement_timeout = 0;

-- The purge asks for what was sent long ago: without this index it would read the whole history each
-- time to find that nothing is old enough.
CREATE INDEX outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL;

COMMENT ON COLUMN outbox.publish_micros IS
    'Monotonic time from the first attempt''s first byte to the answer that it is published. Null where an '
    'earlier attempt under another lease is known: no clock reaches back to it.';
