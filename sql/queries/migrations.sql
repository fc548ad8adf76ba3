-- What of sql/schema/ was applied (model/migrate.c, which makes the table).

-- name: migrations_get :many
-- out: migration_row(number u64, checksum bytes, statements u64, applied_at i64?)
SELECT number, checksum, statements, applied_at FROM schema_migrations ORDER BY number LIMIT 10000;

-- name: migration_begin :exec
-- in: number u64, name str, checksum bytes
INSERT INTO schema_migrations (number, name, checksum, statements, applied_at)
VALUES (:number, :name, :checksum, 0, NULL);

-- name: migration_step :exec
-- So many of its statements ran.
-- in: number u64, statements u64
UPDATE schema_migrations SET statements = :statements WHERE number = :number;

-- name: migration_end :exec
-- in: number u64
UPDATE schema_migrations SET applied_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) WHERE number = :number;
