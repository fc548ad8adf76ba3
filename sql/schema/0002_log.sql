-- 0002: conversations, their members, their log, and the outbox.

CREATE TABLE conversations (
    id               BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    app_id           BIGINT UNSIGNED NOT NULL,
    kind             TINYINT UNSIGNED NOT NULL,   -- 0 direct, 1 group, 2 notice
    low_id           BIGINT UNSIGNED NULL,        -- direct: both people, the smaller first; the notebook: twice the same
    high_id          BIGINT UNSIGNED NULL,
    flags            INT UNSIGNED NOT NULL,       -- direct: 1 friends, 2 low blocked high, 4 high blocked low, 8 has members
    last_seq         BIGINT UNSIGNED NOT NULL,
    last_at          BIGINT NOT NULL,             -- of the last entry, else of the creation: the order of the list
    members_version  BIGINT UNSIGNED NOT NULL,    -- raised whenever membership changes
    version          BIGINT UNSIGNED NOT NULL,
    created_at       BIGINT NOT NULL,
    UNIQUE KEY conversations_pair (low_id, high_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE members (
    conversation_id   BIGINT UNSIGNED NOT NULL,
    user_id           BIGINT UNSIGNED NOT NULL,
    visible_from_seq  BIGINT UNSIGNED NOT NULL,   -- sees seq >= this
    left_seq          BIGINT UNSIGNED NULL,       -- and, once left, nothing above this
    read_seq          BIGINT UNSIGNED NOT NULL,
    version           BIGINT UNSIGNED NOT NULL,   -- of what only this member sees
    joined_at         BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id),
    KEY members_user (user_id, conversation_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE entries (
    conversation_id  BIGINT UNSIGNED NOT NULL,
    seq              BIGINT UNSIGNED NOT NULL,
    sender_id        BIGINT UNSIGNED NOT NULL,
    client_msg_id    BINARY(16) NOT NULL,         -- system entries: made by the house
    part             SMALLINT UNSIGNED NOT NULL,
    request_hash     BINARY(16) NOT NULL,         -- the same id with another body is a conflict
    type             TINYINT UNSIGNED NOT NULL,   -- 0 text, 1 system
    counts           TINYINT UNSIGNED NOT NULL,   -- counts as unread: shown, not system, not recalled
    content          MEDIUMBLOB NOT NULL,         -- JSON, UTF-8
    reply_to_seq     BIGINT UNSIGNED NULL,
    created_at       BIGINT NOT NULL,
    edited_at        BIGINT NULL,
    recalled_at      BIGINT NULL,
    PRIMARY KEY (conversation_id, seq),
    UNIQUE KEY entries_client (conversation_id, sender_id, client_msg_id, part),
    KEY entries_unread (conversation_id, counts, seq, sender_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What was committed and perhaps not yet rung. A row is deleted after its fan-out.
CREATE TABLE outbox (
    id             BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    created_at     BIGINT NOT NULL,               -- by the database's clock
    claimed_until  BIGINT NOT NULL,               -- 0: by nobody
    events         MEDIUMBLOB NOT NULL            -- packed references (model/event.h)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
