/*
 * Which assistants a message asks, decided in the batch from the locked row and the
 * roster, so that its jobs stand in the transaction of the message: an answer is never
 * owed by memory alone, and none is asked twice.
 */
#ifndef MODEL_ASKED_H
#define MODEL_ASKED_H

#include "model/batch.h"
#include "model/batchtext.h"

/* Sets item->asked, without ids: a text to an assistant, or in a group a mention of one. */
void asked_find(const struct locked *conv, struct item *item);
/* An id for each reply that is asked for by what is written; others at each attempt. */
enum err asked_number(struct batch *b, struct id_maker *ids) MUST_CHECK;

#endif
