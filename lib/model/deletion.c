/*
 * Leaving for good: one transaction in which a person's sessions, friendships,
 * requests, blocks, groups, notebook and profile go, and what others hold stays: the
 * conversations, in which he is a sender without a name, and that they blocked him.
 *
 * It takes his own row first. Whoever becomes his friend at the same moment waits for
 * it, and then finds him gone; whoever ends a friendship with him holds the pair
 * that we want: one of the two is told to try again by the database. Two events for
 * each friend go into one outbox row, which bounds friends_max.
 */
#include "model/accounts.h"
#include "model/audit.h"
#include "model/conversations.h"
#include "model/files.h"
#include "model/friends.h"
#include "model/groups.h"
#include "queries.h"

struct leaving {
    struct str hash;
};

static void tell_removed(struct ctx *ctx, uint64_t to_id, uint64_t version)
{
    event_add(
        &ctx->events, ctx->arena,
        (struct event){
            .kind = EVENT_FRIEND_REMOVED, .to_id = to_id, .id = ctx->actor.user_id, .version = version});
}

/* Each friend hears that it is over, and that the conversation has changed: its peer has no name any more. */
static enum err tell_friends(struct ctx *ctx)
{
    struct deletion_heir_row *heirs;
    size_t n;

    TRY(q_deletion_heirs(ctx, ctx->actor.user_id, &heirs, &n));
    for (size_t i = 0; i < n; i++) {
        tell_removed(ctx, heirs[i].friend_id, heirs[i].friend_version);
        event_add(&ctx->events, ctx->arena,
                  (struct event){.kind = EVENT_CONVERSATION,
                                 .to_id = heirs[i].friend_id,
                                 .id = heirs[i].conversation_id,
                                 .version = heirs[i].conversation_version});
    }
    return OK;
}

static enum err end_friendships(struct ctx *ctx)
{
    const uint64_t me = ctx->actor.user_id;
    struct deletion_friend_row *friends;
    struct deletion_pair_row *pairs;
    size_t n, n_pairs, n_locked;

    TRY(q_deletion_friends(ctx, me, &friends, &n));
    TRY(q_deletion_pairs(ctx, me, &pairs, &n_pairs));
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids),
             *pair_ids = arena_array(ctx->arena, n_pairs, sizeof *pair_ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = friends[i].friend_id;
    for (size_t i = 0; i < n_pairs; i++)
        pair_ids[i] = pairs[i].id;
    TRY(q_deletion_lock_pairs(ctx, pair_ids, n_pairs, &pairs, &n_locked));
    TRY(q_deletion_part_pairs(ctx, pair_ids, n_pairs, NULL));
    TRY(q_deletion_count_down(ctx, ids, n, NULL));
    TRY(tell_friends(ctx));
    TRY(q_deletion_friends_theirs(ctx, me, ids, n, NULL));
    return q_deletion_friends_mine(ctx, me, NULL);
}

/* The others' lists lose the request: there is nothing left to show, so they hear what they hear of a former
 * friend. */
static enum err end_requests(struct ctx *ctx)
{
    const uint64_t me = ctx->actor.user_id;
    struct deletion_request_row *rows;
    struct deletion_version_row *others;
    size_t n, n_others;

    TRY(q_deletion_requests_open(ctx, me, &rows, &n));
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = rows[i].other_id;
    TRY(q_deletion_touch(ctx, ids, n, NULL));
    TRY(q_deletion_versions(ctx, ids, n, &others, &n_others));
    for (size_t i = 0; i < n_others; i++)
        tell_removed(ctx, others[i].id, others[i].version);
    TRY(q_deletion_requests_from(ctx, me, NULL));
    return q_deletion_requests_to(ctx, me, NULL);
}

static enum err burn_notebook(struct ctx *ctx)
{
    struct deletion_notebook_row row;

    const enum err err = q_deletion_notebook(ctx, ctx->actor.user_id, &row);
    if (err == ERR_NOT_FOUND)
        return OK;
    TRY(err);
    TRY(q_file_refs_forget(ctx, row.id, NULL));
    TRY(q_deletion_notebook_entries(ctx, row.id, NULL));
    TRY(q_deletion_notebook_terms(ctx, row.id, NULL));
    TRY(q_deletion_notebook_sweep(ctx, row.id, NULL));
    TRY(q_deletion_notebook_pins(ctx, row.id, NULL));
    TRY(q_deletion_notebook_reactions(ctx, row.id, NULL));
    TRY(q_deletion_notebook_members(ctx, row.id, NULL));
    return q_deletion_notebook_row(ctx, row.id, NULL);
}

static enum err leave(struct ctx *ctx, void *arg)
{
    const struct leaving *l = arg;
    const uint64_t me = ctx->actor.user_id;

    TRY(account_lock_confirmed(ctx, l->hash));
    TRY(end_friendships(ctx));
    TRY(end_requests(ctx));
    TRY(q_deletion_blocks_mine(ctx, me, NULL));
    TRY(burn_notebook(ctx));
    TRY(groups_abandon(ctx));
    TRY(q_spending_forget(ctx, me, NULL));
    TRY(q_helps_forget(ctx, me, NULL));
    TRY(q_deletion_names(ctx, me, NULL));
    TRY(q_deletion_drafts(ctx, me, NULL));
    TRY(q_deletion_hidden(ctx, me, NULL));
    TRY(q_deletion_mentions(ctx, me, NULL));
    TRY(files_condemn(ctx));
    TRY(q_idempotency_forget_user(ctx, me, NULL));
    TRY(q_resets_forget_user(ctx, me, NULL));
    TRY(sessions_revoke_all(ctx, me, 0));
    TRY(q_deletion_sessions(ctx, me, NULL));
    TRY(audit_add(ctx, AUDIT_ACCOUNT_DELETED, "user", me, NULL));
    return q_user_bury(ctx, me, NULL);
}

enum err account_delete(struct ctx *ctx, struct str password)
{
    struct leaving l;

    TRY(account_confirm(ctx, password, &l.hash));
    return tx_run(ctx, leave, &l);
}
