-- 0008: what a model does for one person alone (summaries, translations, suggested replies); limits and costs of all kinds.

ALTER TABLE ai_replies
    ADD COLUMN kind TINYINT UNSIGNED NOT NULL DEFAULT 0, -- 0: a reply; else a row of ai_helps says what is wanted, and there is no entry
    ADD COLUMN cost BIGINT UNSIGNED NOT NULL DEFAULT 0,  -- in millionths of the currency of the providers
    ADD KEY ai_replies_kind (kind, created_at);

ALTER TABLE assistants ADD COLUMN pictures TINYINT UNSIGNED NOT NULL DEFAULT 0; -- it is shown them, if its model takes them

-- A help that was asked for: of ai_replies of the same id, which is the job. Its ask_seq is the last entry that it is about.
CREATE TABLE ai_helps (
    id          BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    asker_id    BIGINT UNSIGNED NOT NULL,
    digest      BINARY(32) NOT NULL,   -- of all that the model is told: who asks the same again is given this one
    after_seq   BIGINT UNSIGNED NOT NULL, -- the entries that it is about come after this one
    language    VARCHAR(35) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, -- '': that of the conversation
    result      MEDIUMTEXT NULL,       -- the model's words
    created_at  BIGINT NOT NULL,       -- by the database's clock
    UNIQUE KEY ai_helps_same (asker_id, digest),
    KEY ai_helps_created (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Tokens of one person, assistant, app or of all, on one day (UTC). Reserved are those of answers that are being written.
-- In place of ai_usage, which nothing reads any more.
CREATE TABLE ai_spending (
    scope       TINYINT UNSIGNED NOT NULL, -- 0 a person, 1 an assistant (subject 0: helps), 2 an app, 3 all (subject 0)
    subject_id  BIGINT UNSIGNED NOT NULL,
    day         BIGINT UNSIGNED NOT NULL,
    used        BIGINT UNSIGNED NOT NULL,
    reserved    BIGINT UNSIGNED NOT NULL,
    running     BIGINT UNSIGNED NOT NULL,  -- answers that are being written
    cost        BIGINT UNSIGNED NOT NULL,  -- as in ai_replies
    PRIMARY KEY (scope, subject_id, day),
    KEY ai_spending_day (day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT INTO ai_spending (scope, subject_id, day, used, reserved, running, cost)
SELECT 0, user_id, day, used, 0, 0, 0 FROM ai_usage;
