-- 0006: files. The bytes are in the store (model/store.h) under `store_key`; here is what is known of them.

CREATE TABLE files (
    id            BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    app_id        BIGINT UNSIGNED NOT NULL,
    owner_id      BIGINT UNSIGNED NOT NULL,
    state         TINYINT UNSIGNED NOT NULL,   -- 0 being received, 1 there, 2 to be removed, 3 comes by pieces
    name          VARCHAR(255) NOT NULL,
    size          BIGINT NOT NULL,
    content_type  VARCHAR(64) NOT NULL,        -- by the bytes
    sha256        BINARY(32) NOT NULL,
    width         INT UNSIGNED NOT NULL,       -- as shown, after its orientation; 0: no picture
    height        INT UNSIGNED NOT NULL,
    store_key     VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    thumbnails    INT UNSIGNED NOT NULL,       -- copies that are in the store too (model/picture.h): a bit for each
    created_at    BIGINT NOT NULL,
    touched_at    BIGINT NOT NULL,             -- by the database's clock: while it is received, now and then
    KEY files_owner (owner_id, state),
    KEY files_state (state, touched_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Which entries refer to a file; written with the entry. It decides who may read it.
CREATE TABLE file_refs (
    conversation_id  BIGINT UNSIGNED NOT NULL,
    seq              BIGINT UNSIGNED NOT NULL,
    file_id          BIGINT UNSIGNED NOT NULL,
    kind             TINYINT UNSIGNED NOT NULL, -- 0 image, 1 file, 2 voice, 3 video, 4 poster, 5 within a merged one
    PRIMARY KEY (conversation_id, seq, file_id),
    KEY file_refs_kind (conversation_id, kind, seq),
    KEY file_refs_file (file_id, conversation_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What a person's files take, those that are being received included.
CREATE TABLE file_usage (
    user_id  BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    bytes    BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

ALTER TABLE users ADD KEY users_avatar (avatar_file_id);
ALTER TABLE group_profiles ADD KEY group_profiles_avatar (avatar_file_id);

-- Files that come by pieces (tus): `id` is also the file's, whose state is 3 until all is there. Rows stay until they expire.
CREATE TABLE uploads (
    id           BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    owner_id     BIGINT UNSIGNED NOT NULL,
    size         BIGINT NOT NULL,
    received     BIGINT NOT NULL,             -- the offset; durable in the store, the tail included
    done         TINYINT UNSIGNED NOT NULL,   -- the file is there
    store_key    VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    token        VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, -- the store's, for the pieces
    last_part    INT UNSIGNED NOT NULL,       -- numbers up to this were given out, each once
    tail_part    INT UNSIGNED NOT NULL,       -- 0: none; else the object that has what is too small for a piece
    tail_size    BIGINT NOT NULL,
    tail_try     INT UNSIGNED NOT NULL,       -- the last one that was begun, whether it came to something or not
    content_type VARCHAR(64) NOT NULL,        -- by the first bytes
    digest       BINARY(104) NOT NULL,        -- SHA-256 so far (ext/crypt.h)
    expires_at   BIGINT NOT NULL,             -- by the database's clock
    KEY uploads_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE upload_parts (
    upload_id  BIGINT UNSIGNED NOT NULL,
    part       INT UNSIGNED NOT NULL,
    size       BIGINT NOT NULL,
    tag        VARCHAR(128) NOT NULL,         -- what the store called it
    PRIMARY KEY (upload_id, part)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
