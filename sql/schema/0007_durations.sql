-- 0007: how long sound and video last, where their bytes say it. 0: neither, or not known.

ALTER TABLE files ADD COLUMN duration_ms INT UNSIGNED NOT NULL DEFAULT 0;
