-- The purge asks for what was sent long ago: without this index it would read the whole history each
-- time to find that nothing is old enough.
CREATE INDEX outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL;
