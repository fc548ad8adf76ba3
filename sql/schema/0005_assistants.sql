-- 0005: assistants, what they are asked, and what it costs.

-- A user of kind 1 is one while there is a row here.
CREATE TABLE assistants (
    user_id     BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    app_id      BIGINT UNSIGNED NOT NULL,
    provider    VARCHAR(32) NOT NULL,       -- a name in the file of providers
    prompt      TEXT NOT NULL,              -- what it is told before each answer
    listed      TINYINT UNSIGNED NOT NULL,  -- 0: for everybody, 1: for those of assistant_allowed
    created_at  BIGINT NOT NULL,
    KEY assistants_app (app_id, user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE assistant_allowed (
    assistant_id  BIGINT UNSIGNED NOT NULL,
    subject_id    BIGINT UNSIGNED NOT NULL, -- a person, or a group: all who are in it
    PRIMARY KEY (assistant_id, subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A reply that was asked for: the job, written in the transaction of the message that asks, and later what became of it.
CREATE TABLE ai_replies (
    id               BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    app_id           BIGINT UNSIGNED NOT NULL,
    conversation_id  BIGINT UNSIGNED NOT NULL,
    assistant_id     BIGINT UNSIGNED NOT NULL,
    asker_id         BIGINT UNSIGNED NOT NULL,
    ask_seq          BIGINT UNSIGNED NOT NULL,            -- the entry that asks
    state            TINYINT UNSIGNED NOT NULL DEFAULT 0, -- 0 waiting, 1 writing, 2 done, 3 failed, 4 cancelled, 5 interrupted
    cancelled        TINYINT UNSIGNED NOT NULL DEFAULT 0, -- the asker wants it no more
    claimed_by       BIGINT UNSIGNED NOT NULL DEFAULT 0,  -- a process, random; 0: none
    lease_until      BIGINT NOT NULL DEFAULT 0,           -- by the database's clock; writing and past this: its process is gone
    seq              BIGINT UNSIGNED NULL,                -- of the entry that ended it
    reason           VARCHAR(32) NOT NULL DEFAULT '',     -- why there is no answer
    day              BIGINT UNSIGNED NOT NULL DEFAULT 0,  -- on which tokens are counted, since 1970
    reserved         BIGINT UNSIGNED NOT NULL DEFAULT 0,  -- tokens, while it is written
    input_tokens     BIGINT UNSIGNED NOT NULL DEFAULT 0,
    output_tokens    BIGINT UNSIGNED NOT NULL DEFAULT 0,
    created_at       BIGINT NOT NULL,
    finished_at      BIGINT NULL,
    KEY ai_replies_open (state, lease_until, id),
    KEY ai_replies_ask (conversation_id, ask_seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Tokens of one person on one day (UTC). Reserved are those of answers that are being written.
CREATE TABLE ai_usage (
    user_id   BIGINT UNSIGNED NOT NULL,
    day       BIGINT UNSIGNED NOT NULL,
    used      BIGINT UNSIGNED NOT NULL,
    reserved  BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (user_id, day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
