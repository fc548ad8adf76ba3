-- 0003: groups, and all that can be done with a message. Every new column has a default, so that the former release
-- goes on writing.

-- Of a conversation: what every send needs stands in its row, the rest of a group in group_profiles.
-- flags, group: 64 mute all, 128 the history is shown to new members, 256 strangers may write to each other, 512 dismissed;
-- direct, besides those of 0002: 16 they may write though they are no friends.
ALTER TABLE conversations
    ADD COLUMN owner_id        BIGINT UNSIGNED NULL,
    ADD COLUMN member_count    INT UNSIGNED NOT NULL DEFAULT 0,    -- of a group, who is in it now
    ADD COLUMN last_shown_seq  BIGINT UNSIGNED NOT NULL DEFAULT 0, -- the last entry that is no operation on another
    ADD KEY conversations_high (high_id);

UPDATE conversations SET last_shown_seq = last_seq;

CREATE TABLE group_profiles (
    conversation_id  BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    name             VARCHAR(64) NOT NULL,
    avatar_file_id   BIGINT UNSIGNED NULL,
    announcement     VARCHAR(2000) NOT NULL,
    announcement_by  BIGINT UNSIGNED NULL,
    announcement_at  BIGINT NULL,
    join_policy      TINYINT UNSIGNED NOT NULL -- 0 open, 1 approval, 2 invite
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What only this member sees or is. `version` rises with all of it.
ALTER TABLE members
    ADD COLUMN role           TINYINT UNSIGNED NOT NULL DEFAULT 0, -- 0 member, 1 admin, 2 owner
    ADD COLUMN muted_until    BIGINT NOT NULL DEFAULT 0,           -- 0: not
    ADD COLUMN nickname       VARCHAR(64) NOT NULL DEFAULT '',     -- in this group
    ADD COLUMN pinned         TINYINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN notify         TINYINT UNSIGNED NOT NULL DEFAULT 0, -- 0 all, 1 mentions, 2 none
    ADD COLUMN remark         VARCHAR(64) NOT NULL DEFAULT '',
    ADD COLUMN marked_unread  TINYINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN hidden_seq     BIGINT UNSIGNED NOT NULL DEFAULT 0;  -- not in the list while the last seq is not above it

-- Of a member, apart because it is long.
CREATE TABLE drafts (
    conversation_id  BIGINT UNSIGNED NOT NULL,
    user_id          BIGINT UNSIGNED NOT NULL,
    draft            TEXT NOT NULL,
    PRIMARY KEY (conversation_id, user_id),
    KEY drafts_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- type: 0 text, 1 system, 2 image, 3 file, 4 voice, 5 video, 6 location, 7 card, 8 merged, 9 custom,
--       32 recall, 33 edit, 34 reaction: operations on an earlier entry, which are not shown by themselves.
ALTER TABLE entries
    ADD COLUMN mentions     VARBINARY(1200) NOT NULL DEFAULT '',  -- JSON array; empty: none
    ADD COLUMN changed_seq  BIGINT UNSIGNED NULL,                 -- of the last operation on it
    ADD COLUMN reacted      TINYINT UNSIGNED NOT NULL DEFAULT 0,  -- there are rows in reactions
    ADD KEY entries_changed (conversation_id, changed_seq);

-- user_id 0: everybody. Rows go when the entry is recalled.
CREATE TABLE mentions (
    user_id          BIGINT UNSIGNED NOT NULL,
    conversation_id  BIGINT UNSIGNED NOT NULL,
    seq              BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (user_id, conversation_id, seq),
    KEY mentions_entry (conversation_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE reactions (
    conversation_id  BIGINT UNSIGNED NOT NULL,
    seq              BIGINT UNSIGNED NOT NULL,
    emoji            VARBINARY(64) NOT NULL,
    user_id          BIGINT UNSIGNED NOT NULL,
    created_at       BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, seq, emoji, user_id),
    KEY reactions_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Deleted for one person.
CREATE TABLE hidden_entries (
    user_id          BIGINT UNSIGNED NOT NULL,
    conversation_id  BIGINT UNSIGNED NOT NULL,
    seq              BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (user_id, conversation_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE pins (
    conversation_id  BIGINT UNSIGNED NOT NULL,
    seq              BIGINT UNSIGNED NOT NULL,
    pinned_by        BIGINT UNSIGNED NOT NULL,
    pinned_at        BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE join_requests (
    id               BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    conversation_id  BIGINT UNSIGNED NOT NULL,
    user_id          BIGINT UNSIGNED NOT NULL,
    pending          TINYINT UNSIGNED NULL,      -- 1 while open, else NULL: one open request per person and group
    message          VARCHAR(200) NOT NULL,
    state            TINYINT UNSIGNED NOT NULL,  -- 0 pending, 1 accepted, 2 declined, 3 lapsed
    version          BIGINT UNSIGNED NOT NULL,
    created_at       BIGINT NOT NULL,
    decided_by       BIGINT UNSIGNED NULL,
    decided_at       BIGINT NULL,
    UNIQUE KEY join_requests_pending (conversation_id, user_id, pending),
    KEY join_requests_group (conversation_id, state, id),
    KEY join_requests_user (user_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE invite_links (
    id               BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    conversation_id  BIGINT UNSIGNED NOT NULL,
    token_hash       BINARY(32) NOT NULL,
    created_by       BIGINT UNSIGNED NOT NULL,
    uses_left        INT UNSIGNED NULL,          -- NULL: any number
    uses             INT UNSIGNED NOT NULL,
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    UNIQUE KEY invite_links_token (token_hash),
    KEY invite_links_group (conversation_id, id),
    KEY invite_links_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
