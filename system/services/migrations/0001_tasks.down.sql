DROP TABLE relay_lease;
DROP TABLE outbox;
DROP TABLE tasks;
