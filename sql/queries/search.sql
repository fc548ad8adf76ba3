-- The search index (model/terms.c writes, model/search.c reads, model/indexer.c keeps it up to date).

-- name: search_add :exec
-- in: postings search_posting(conversation_id u64, term bytes, block u64, bits u64, first_s u64, last_s u64)[]
INSERT INTO search_terms (conversation_id, term, block, bits, first_s, last_s)
VALUES :postings ON DUPLICATE KEY UPDATE bits = bits | VALUES(bits), first_s = LEAST(first_s, VALUES(first_s)),
    last_s = GREATEST(last_s, VALUES(last_s));

-- name: search_forget :exec
-- `others` has all bits but those of the entry.
-- in: conversation_id u64, block u64, others u64, terms bytes[]
UPDATE search_terms SET bits = bits & :others
WHERE conversation_id = :conversation_id AND block = :block AND term IN (:terms);

-- name: search_size :one
-- In how many blocks of somebody's conversations a term stands, counted to `max`.
-- in: user_id u64, term bytes, max u64
-- out: search_size_row(blocks i64)
SELECT COUNT(*) AS blocks
FROM (SELECT t.block FROM members AS m STRAIGHT_JOIN search_terms AS t ON t.conversation_id = m.conversation_id
      WHERE m.user_id = :user_id AND t.term = :term LIMIT :max) AS some;

-- name: search_newest :many
-- Of each conversation of somebody the newest block that he may see where three terms stand, as block * 2^32 + its
-- last_s: one look into the index for each, however much was said there.
-- in: user_id u64, term bytes, second bytes, third bytes, from_s u64, to_s u64
-- out: search_newest_row(conversation_id u64, newest u64?)
SELECT m.conversation_id,
       (SELECT x.block * 4294967296 + x.last_s FROM search_terms AS x
        WHERE x.conversation_id = m.conversation_id AND x.term = :term AND x.bits <> 0
          AND x.block >= m.visible_from_seq DIV 64 AND (m.left_seq IS NULL OR x.block <= m.left_seq DIV 64)
          AND x.first_s <= :to_s AND x.last_s >= :from_s
          AND EXISTS (SELECT y.block FROM search_terms AS y WHERE y.conversation_id = x.conversation_id
                      AND y.term = :second AND y.block = x.block AND (y.bits & x.bits) <> 0)
          AND EXISTS (SELECT z.block FROM search_terms AS z WHERE z.conversation_id = x.conversation_id
                      AND z.term = :third AND z.block = x.block AND (z.bits & x.bits) <> 0)
        ORDER BY x.block DESC LIMIT 1) AS newest
FROM members AS m WHERE m.user_id = :user_id;

-- name: search_below :one
-- The newest such block of one conversation below another.
-- in: conversation_id u64, lowest u64, below u64, term bytes, second bytes, third bytes, from_s u64, to_s u64
-- out: search_below_row(block u64, last_s u64)
SELECT x.block, x.last_s FROM search_terms AS x
WHERE x.conversation_id = :conversation_id AND x.term = :term AND x.bits <> 0 AND x.block >= :lowest AND x.block < :below
  AND x.first_s <= :to_s AND x.last_s >= :from_s
  AND EXISTS (SELECT y.block FROM search_terms AS y WHERE y.conversation_id = x.conversation_id
              AND y.term = :second AND y.block = x.block AND (y.bits & x.bits) <> 0)
  AND EXISTS (SELECT z.block FROM search_terms AS z WHERE z.conversation_id = x.conversation_id
              AND z.term = :third AND z.block = x.block AND (z.bits & x.bits) <> 0)
ORDER BY x.block DESC LIMIT 1;

-- name: search_bits :many
-- in: places search_place(conversation_id u64, term bytes, block u64)[]
-- out: search_bits_row(conversation_id u64, block u64, term bytes, bits u64)
SELECT conversation_id, block, term, bits FROM search_terms WHERE (conversation_id, term, block) IN (:places);

-- name: search_heads :many
-- A block of the log, without what was said.
-- in: conversation_id u64, lowest u64, highest u64
-- out: search_head(seq u64, sender_id u64, type u64, created_at i64)
SELECT seq, sender_id, type, created_at FROM entries
WHERE conversation_id = :conversation_id AND seq >= :lowest AND seq <= :highest AND recalled_at IS NULL;

-- name: search_done :many
-- Which entries of some blocks are in the index.
-- in: conversation_id u64, lowest u64, highest u64
-- out: search_done_row(block u64, bits u64)
SELECT block, bits FROM search_terms
WHERE conversation_id = :conversation_id AND term = x'' AND block >= :lowest AND block <= :highest ORDER BY block;

-- name: search_entries :many
-- To be filed, locked, by the key that is meant (MariaDB weighs all of them for each pair): who recalls or edits one waits until its terms are there to be taken away, or comes first.
-- in: refs entry_ref(conversation_id u64, seq u64)[]
-- out: search_entry(conversation_id u64, seq u64, sender_id u64, type u64, content bytes, created_at i64, recalled_at i64?)
SELECT conversation_id, seq, sender_id, type, content, created_at, recalled_at
FROM entries FORCE INDEX (PRIMARY) WHERE (conversation_id, seq) IN (:refs) FOR UPDATE;

-- name: search_queue_insert :exec
-- In the transaction of what was said.
-- in: id u64, events bytes
INSERT INTO search_queue (id, created_at, claimed_until, events)
VALUES (:id, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), 0, :events);

-- name: search_queue_due :many
-- The oldest that nobody works on.
-- in: max u64
-- out: outbox_row
SELECT id, events FROM search_queue WHERE claimed_until < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
ORDER BY id LIMIT :max;

-- name: search_queue_claim :exec
-- in: claim_ms i64, ids u64[]
UPDATE search_queue SET claimed_until = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :claim_ms
WHERE id IN (:ids) AND claimed_until < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED);

-- name: search_queue_delete :exec
-- in: ids u64[]
DELETE FROM search_queue WHERE id IN (:ids);

-- name: search_queue_age :one
-- Of the oldest row, in ms; 0 if there is none.
-- out: outbox_age_row
SELECT CAST(COALESCE(CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) -
       (SELECT q.created_at FROM search_queue AS q ORDER BY q.id LIMIT 1), 0) AS SIGNED) AS age_ms;

-- name: search_unswept :many
-- Conversations above an id that were not looked through to their end.
-- in: above u64, max u64
-- out: search_unswept_row(id u64, last_seq u64, swept_seq u64)
SELECT c.id, c.last_seq, CAST(COALESCE(s.seq, 0) AS UNSIGNED) AS swept_seq
FROM conversations AS c LEFT JOIN search_sweeps AS s ON s.conversation_id = c.id
WHERE c.id > :above ORDER BY c.id LIMIT :max;

-- name: search_swept :exec
-- in: conversation_id u64, seq u64
INSERT INTO search_sweeps (conversation_id, seq) VALUES (:conversation_id, :seq)
ON DUPLICATE KEY UPDATE seq = GREATEST(seq, VALUES(seq));
