-- 0007: how long sound and video last, where their bytes say it.

ALTER TABLE files ADD COLUMN duration_ms INT UNSIGNED NOT NULL DEFAULT 0; -- 0: no sound or video, or not known
