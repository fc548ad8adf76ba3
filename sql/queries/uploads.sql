-- Files that come by pieces (model/uploads.c).

-- name: upload_open_count :one
-- How many a person has begun and not finished.
-- in: owner_id u64
-- out: upload_count_row(n i64)
SELECT COUNT(*) AS n FROM files WHERE owner_id = :owner_id AND state = 3;

-- name: upload_insert :exec
-- in: id u64, owner_id u64, size i64, store_key str, digest bytes, life_ms i64
INSERT INTO uploads (id, owner_id, size, received, done, store_key, token, last_part, tail_part, tail_size, tail_try, content_type,
                     digest, expires_at)
VALUES (:id, :owner_id, :size, 0, 0, :store_key, '', 0, 0, 0, 0, '', :digest,
        CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :life_ms);

-- name: upload_get :one
-- in: id u64, owner_id u64
-- out: upload_row(id u64, owner_id u64, size i64, received i64, done bool, store_key str, token str, last_part u64,
--   tail_part u64, tail_size i64, tail_try u64, content_type str, digest bytes, expires_at i64, left_ms i64)
SELECT id, owner_id, size, received, done, store_key, token, last_part, tail_part, tail_size, tail_try, content_type, digest, expires_at,
       expires_at - CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS left_ms
FROM uploads WHERE id = :id AND owner_id = :owner_id;

-- name: upload_number :exec
-- Gives out the next number.
-- in: id u64
UPDATE uploads SET last_part = last_part + 1 WHERE id = :id AND done = 0 AND expires_at > 0;

-- name: upload_begun :exec
-- The store's token, unless there is one.
-- in: id u64, token str
UPDATE uploads SET token = :token WHERE id = :id AND token = '' AND done = 0;

-- name: upload_tail_try :exec
-- in: id u64, tail_try u64
UPDATE uploads SET tail_try = :tail_try WHERE id = :id AND done = 0;

-- name: upload_advance :exec
-- More of it is in the store. No row: somebody else has gone on meanwhile, or begun another tail.
-- in: id u64, old_received i64, received i64, tail_part u64, tail_size i64, content_type str, digest bytes, life_ms i64
UPDATE uploads SET received = :received, tail_part = :tail_part, tail_size = :tail_size, content_type = :content_type,
                   digest = :digest, expires_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :life_ms
WHERE id = :id AND received = :old_received AND done = 0 AND expires_at > 0
  AND (:tail_part = 0 OR tail_try = :tail_part);

-- name: upload_part_insert :exec
-- in: upload_id u64, part u64, size i64, tag str
INSERT INTO upload_parts (upload_id, part, size, tag) VALUES (:upload_id, :part, :size, :tag);

-- name: upload_parts_get :many
-- in: upload_id u64
-- out: upload_part_row(part u64, size i64, tag str)
SELECT part, size, tag FROM upload_parts WHERE upload_id = :upload_id ORDER BY part;

-- name: upload_finish :exec
-- in: id u64
UPDATE uploads SET done = 1 WHERE id = :id AND done = 0 AND expires_at > 0;

-- name: upload_end :exec
-- Nothing is added to it any more, and it does not become a file.
-- in: id u64
UPDATE uploads SET expires_at = 0 WHERE id = :id AND done = 0;

-- name: upload_file_condemn :exec
-- in: id u64
UPDATE files SET state = 2 WHERE id = :id AND state = 3;

-- name: upload_file_there :exec
-- in: id u64, content_type str, sha256 bytes, width u64, height u64, bits u64, duration_ms u64
UPDATE files SET state = 1, content_type = :content_type, sha256 = :sha256, width = :width, height = :height,
                 thumbnails = :bits, duration_ms = :duration_ms
WHERE id = :id AND state = 3;

-- name: upload_delete :exec
-- in: id u64
DELETE FROM uploads WHERE id = :id;

-- name: upload_parts_delete :exec
-- in: upload_id u64
DELETE FROM upload_parts WHERE upload_id = :upload_id;

-- name: uploads_expired :many
-- in: max u64
-- out: upload_row
SELECT id, owner_id, size, received, done, store_key, token, last_part, tail_part, tail_size, tail_try, content_type, digest, expires_at,
       expires_at - CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS left_ms
FROM uploads WHERE expires_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) ORDER BY expires_at LIMIT :max;
