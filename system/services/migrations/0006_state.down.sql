DROP TABLE state_entries;
