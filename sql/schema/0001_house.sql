-- 0001: the house. Who is here, how they sign in, and the machinery that every process needs.
-- Portable over MariaDB, MySQL and TiDB: no triggers, foreign keys, AUTO_INCREMENT.
-- Times are milliseconds since the Unix epoch, by the database's clock where it matters.

CREATE TABLE apps (
    id          BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    name        VARCHAR(64) NOT NULL,
    state       TINYINT UNSIGNED NOT NULL, -- 0 active, 1 suspended
    created_at  BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT INTO apps (id, name, state, created_at) VALUES (1, 'house', 0, 0);

CREATE TABLE users (
    id                   BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    app_id               BIGINT UNSIGNED NOT NULL,
    username             VARCHAR(32) NULL,            -- as written; NULL once deleted
    username_key         VARCHAR(128) NULL,           -- NFKC, case-folded
    nickname             VARCHAR(64) NOT NULL,
    nickname_key         VARCHAR(256) NOT NULL,       -- NFKC, case-folded
    signature            VARCHAR(200) NOT NULL,
    avatar_file_id       BIGINT UNSIGNED NULL,
    gender               TINYINT UNSIGNED NOT NULL,   -- 0 unknown, 1 female, 2 male, 3 other
    kind                 TINYINT UNSIGNED NOT NULL,   -- 0 human, 1 assistant, 2 bot, 3 system
    state                TINYINT UNSIGNED NOT NULL,   -- 0 active, 1 suspended, 2 deleted
    role                 TINYINT UNSIGNED NOT NULL,   -- 0 user, 1 auditor, 2 moderator, 3 admin
    external_id          VARCHAR(128) NULL,
    locale               VARCHAR(16) NOT NULL,
    timezone             VARCHAR(64) NOT NULL,
    password_hash        VARCHAR(128) NULL,
    strangers_may_write  TINYINT UNSIGNED NOT NULL,
    findable             TINYINT UNSIGNED NOT NULL,
    show_last_seen       TINYINT UNSIGNED NOT NULL,
    friend_count         INT UNSIGNED NOT NULL,
    version              BIGINT UNSIGNED NOT NULL,    -- raised by profile, friend, membership and session changes
    created_at           BIGINT NOT NULL,
    last_seen_at         BIGINT NOT NULL,             -- 0: never
    deleted_at           BIGINT NULL,
    UNIQUE KEY users_username (app_id, username_key),
    UNIQUE KEY users_external (app_id, external_id),
    KEY users_nickname (app_id, nickname_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE sessions (
    id             BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    app_id         BIGINT UNSIGNED NOT NULL,
    user_id        BIGINT UNSIGNED NOT NULL,
    device_name    VARCHAR(64) NOT NULL,
    platform       TINYINT UNSIGNED NOT NULL,  -- 0 web, 1 ios, 2 android, 3 desktop, 4 other
    address        VARCHAR(45) NOT NULL,
    refresh_hash   BINARY(32) NOT NULL,        -- of the current refresh token
    previous_hash  BINARY(32) NULL,            -- of the one before, accepted once more for a lost reply
    rotated_at     BIGINT NOT NULL,
    retried        TINYINT UNSIGNED NOT NULL,  -- that was done: the previous token is not accepted again
    created_at     BIGINT NOT NULL,
    last_seen_at   BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    revoked_at     BIGINT NULL,
    KEY sessions_user (user_id, revoked_at, created_at),
    KEY sessions_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Every process reads the new ones each 500 ms, with an overlap for transactions that commit late.
-- Kept for longer than an access token lives.
CREATE TABLE revocations (
    session_id  BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    user_id     BIGINT UNSIGNED NOT NULL,
    revoked_at  BIGINT NOT NULL,
    KEY revocations_at (revoked_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The key itself is derived from the secret of the configuration and this salt.
CREATE TABLE token_keys (
    id          SMALLINT UNSIGNED NOT NULL PRIMARY KEY,
    salt        BINARY(32) NOT NULL,
    created_at  BIGINT NOT NULL,
    retired_at  BIGINT NULL                    -- after this no token signed by it is accepted
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE invites (
    code_hash   BINARY(32) NOT NULL PRIMARY KEY,
    app_id      BIGINT UNSIGNED NOT NULL,
    uses_left   INT UNSIGNED NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE password_resets (
    token_hash  BINARY(32) NOT NULL PRIMARY KEY,
    user_id     BIGINT UNSIGNED NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT NULL,
    KEY password_resets_user (user_id),
    KEY password_resets_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Failed sign-ins, by a hash of (kind, account or address). Slows down, never locks out.
CREATE TABLE login_throttle (
    subject     BINARY(32) NOT NULL PRIMARY KEY,
    failures    INT UNSIGNED NOT NULL,
    last_at     BIGINT NOT NULL,
    KEY login_throttle_at (last_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE friendships (
    user_id          BIGINT UNSIGNED NOT NULL,
    friend_id        BIGINT UNSIGNED NOT NULL,
    conversation_id  BIGINT UNSIGNED NOT NULL,
    remark           VARCHAR(64) NOT NULL,
    tag              VARCHAR(32) NOT NULL,
    version          BIGINT UNSIGNED NOT NULL,
    created_at       BIGINT NOT NULL,
    PRIMARY KEY (user_id, friend_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE friend_requests (
    id          BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    app_id      BIGINT UNSIGNED NOT NULL,
    from_id     BIGINT UNSIGNED NOT NULL,
    to_id       BIGINT UNSIGNED NOT NULL,
    low_id      BIGINT UNSIGNED NOT NULL,   -- the smaller of the two people
    high_id     BIGINT UNSIGNED NOT NULL,
    pending     TINYINT UNSIGNED NULL,      -- 1 while open, else NULL: one open request per pair
    message     VARCHAR(200) NOT NULL,
    state       TINYINT UNSIGNED NOT NULL,  -- 0 pending, 1 accepted, 2 declined, 3 withdrawn
    version     BIGINT UNSIGNED NOT NULL,
    created_at  BIGINT NOT NULL,
    decided_at  BIGINT NULL,
    UNIQUE KEY friend_requests_pending (low_id, high_id, pending),
    KEY friend_requests_in (to_id, id),
    KEY friend_requests_out (from_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE blocks (
    user_id     BIGINT UNSIGNED NOT NULL,
    blocked_id  BIGINT UNSIGNED NOT NULL,
    version     BIGINT UNSIGNED NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Answers of creating POSTs, kept 24 h, written in the same transaction.
CREATE TABLE idempotency_keys (
    user_id       BIGINT UNSIGNED NOT NULL,
    key_hash      BINARY(32) NOT NULL,       -- of operation and key
    request_hash  BINARY(32) NOT NULL,
    status        SMALLINT UNSIGNED NOT NULL,
    answer        MEDIUMBLOB NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (user_id, key_hash),
    KEY idempotency_keys_at (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE audit (
    id          BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    app_id      BIGINT UNSIGNED NOT NULL,
    at          BIGINT NOT NULL,
    actor_id    BIGINT UNSIGNED NULL,
    session_id  BIGINT UNSIGNED NULL,
    address     VARCHAR(45) NOT NULL,
    action      VARCHAR(32) NOT NULL,
    object      VARCHAR(64) NOT NULL,        -- as in "user:123"
    detail      VARCHAR(512) NOT NULL,
    KEY audit_app (app_id, id),
    KEY audit_actor (actor_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Node numbers of ids (base/id.h). A lease is taken and renewed by one conditional UPDATE.
CREATE TABLE id_nodes (
    node           SMALLINT UNSIGNED NOT NULL PRIMARY KEY,
    holder         BIGINT UNSIGNED NOT NULL,  -- random per process; 0: nobody
    expires        BIGINT NOT NULL,           -- by the database's clock
    used_until_ms  BIGINT NOT NULL            -- no id above this time was ever made with this number
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT INTO id_nodes (node, holder, expires, used_until_ms)
WITH RECURSIVE digit (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM digit WHERE i < 63)
SELECT high.i * 64 + low.i, 0, 0, 0 FROM digit AS high, digit AS low WHERE high.i < 32;
