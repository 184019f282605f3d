-- What version 5 adds.

PRAGMA user_version = 5;

ALTER TABLE effect ADD COLUMN model TEXT;      -- that served it, as its connector reported
ALTER TABLE effect ADD COLUMN tokens_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE effect ADD COLUMN tokens_out INTEGER NOT NULL DEFAULT 0;
ALTER TABLE effect ADD COLUMN tokens_cache_read INTEGER NOT NULL DEFAULT 0;
ALTER TABLE effect ADD COLUMN tokens_cache_write INTEGER NOT NULL DEFAULT 0;
ALTER TABLE effect ADD COLUMN price TEXT;      -- canonical JSON: the row by which it cost that
ALTER TABLE effect ADD COLUMN unpriced INTEGER NOT NULL DEFAULT 0; -- nobody wrote its price
