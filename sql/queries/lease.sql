-- Node numbers of ids (model/lease.c). Expiry is by the database's clock.

-- name: id_nodes_free :many
-- Numbers that nobody holds.
-- in: first u64, max u64
-- out: id_node_row(node u64, used_until_ms i64)
SELECT node, used_until_ms FROM id_nodes
WHERE node >= :first AND expires < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
ORDER BY node LIMIT :max;

-- name: id_node_take :exec
-- One row if the number was still free and unused since it was seen.
-- in: node u64, holder u64, lease_ms i64, used_until_ms i64, seen_until_ms i64
UPDATE id_nodes
SET holder = :holder, expires = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :lease_ms, used_until_ms = :used_until_ms
WHERE node = :node AND used_until_ms = :seen_until_ms
  AND expires < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED);

-- name: id_node_renew :exec
-- No row if the lease ended and another took it. An ended lease that nobody took may go on.
-- The row changes always: one that would stay as it is would not be counted.
-- in: node u64, holder u64, lease_ms i64, used_until_ms i64
UPDATE id_nodes
SET expires = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :lease_ms,
    used_until_ms = GREATEST(used_until_ms + 1, :used_until_ms)
WHERE node = :node AND holder = :holder;

-- name: id_node_release :exec
-- in: node u64, holder u64, used_until_ms i64
UPDATE id_nodes SET holder = 0, expires = 0, used_until_ms = :used_until_ms
WHERE node = :node AND holder = :holder;
