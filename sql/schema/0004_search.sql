-- 0004: the search index. What was said is in entries; this says only in which of them a word may stand, and can be made
-- anew from them at any time.

-- In which of 64 entries in a row (block: seq DIV 64, bit: seq MOD 64) a term stands. A term is a prefix of a word, two
-- adjacent characters of Chinese, a sender or a type (model/terms.h); the empty one stands in every entry that was looked
-- at. Times in seconds: not before the first and not after the last of the entries that were ever in `bits`.
CREATE TABLE search_terms (
    conversation_id  BIGINT UNSIGNED NOT NULL,
    term             VARBINARY(64) NOT NULL,
    block            BIGINT UNSIGNED NOT NULL,
    bits             BIGINT UNSIGNED NOT NULL,
    first_s          INT UNSIGNED NOT NULL,
    last_s           INT UNSIGNED NOT NULL,
    PRIMARY KEY (conversation_id, term, block)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What was committed and is not in search_terms yet: a row per transaction, deleted in the one that writes the terms.
CREATE TABLE search_queue (
    id             BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    created_at     BIGINT NOT NULL,               -- by the database's clock
    claimed_until  BIGINT NOT NULL,               -- 0: by nobody
    events         MEDIUMBLOB NOT NULL            -- packed references (model/event.h)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- How far a conversation was looked through for entries that no row of search_queue named: an older release wrote them.
CREATE TABLE search_sweeps (
    conversation_id  BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    seq              BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
