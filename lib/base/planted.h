/*
 * Deliberate bugs, for the test of the test: `make planted` builds each with -DPLANTED_BUG=n (the number
 * below) in a folder of its own, and the history checker must catch it. Nothing of this is in any other
 * build.
 */
#ifndef BASE_PLANTED_H
#define BASE_PLANTED_H

#ifndef PLANTED_BUG
#define PLANTED_BUG 0
#endif

#define ACK_BEFORE_COMMIT 1    /* the answer to COMMIT is not awaited */
#define RING_BEFORE_COMMIT 2   /* polls are told of what cannot be read yet */
#define FORGET_BEFORE_RING 3   /* the outbox row goes first, and then it is rung, or not */
#define COURIER_NEVER_RINGS 4  /* what was left lying is thrown away */
#define READ_BEFORE_REGISTER 5 /* what comes between the two rings nowhere */
#define NO_READ_AFTER_BREAK                                                                                  \
    6                        /* a new connection of the bell is as good as the old one, and nobody compares */
#define ID_AS_CURSOR 7       /* the courier looks only at rows above the last one that it saw */
#define CURSOR_PAST_PAGE 8   /* the cursor is the newest there is, not the last that was read */
#define SEQ_FROM_CLOCK 9     /* instead of the conversation's row */
#define RETRY_IS_NEW 10      /* the unique key does not see a repetition */
#define LAST_MARK_WINS 11    /* a read mark is whatever came last */
#define OLD_EPOCH_TRUSTED 12 /* a server that went back in time is the same server */
#define PAGE_OFF_BY_ONE 13   /* a page leaves out what stands at its upper end */
#define RUNG_NOT_COMPARED 16 /* what was rung and never came is not noticed until something follows */
#define OLD_ROSTER 17        /* who is in a group is whoever was when somebody last looked */
#define PAST_FOR_ALL 18      /* who comes into a group sees all that was said before, whatever it says */
#define LEFT_NOT_TOLD 19     /* who is out of a group does not hear of it */

#endif
