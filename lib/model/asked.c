#include "model/asked.h"

#include "base/id.h"
#include "model/conversations.h"
#include "model/roster.h"

static void add(struct item *item, uint64_t assistant_id)
{
    if (item->n_asked < REPLIES_PER_MESSAGE_MAX)
        item->asked[item->n_asked++].assistant_id = assistant_id;
}

void asked_find(const struct locked *conv, struct item *item)
{
    const struct send *s = &item->send;

    item->n_asked = 0;
    if (s->type != ENTRY_TEXT)
        return;
    if (conv->kind == CONVERSATION_DIRECT && (conv->flags & PAIR_ASSISTANT))
        add(item, conv->low_id == s->user_id ? conv->high_id : conv->low_id);
    for (size_t i = 0; conv->roster && i < s->n_mentions; i++) {
        const struct roster_member *member = roster_find(conv->roster, s->mention_ids[i]);
        if (member && member->is_assistant)
            add(item, member->user_id);
    }
}

enum err asked_number(struct batch *b, struct id_maker *ids)
{
    for (size_t i = 0; i < b->n_events; i++)
        for (size_t j = 0; j < b->written[i]->n_asked; j++)
            TRY(id_next(ids, &b->written[i]->asked[j].reply_id));
    return OK;
}
