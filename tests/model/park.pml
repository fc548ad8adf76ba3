/*
 * The park, ring and re-read protocol, small enough to be checked in every order.
 *
 * Two senders commit one entry each and ring one person, who has two devices that poll, each through a poll process of
 * its own. A courier rings what was left. A step is what happens under one lock, in one script or in one pipeline, and
 * bears the name of its function. No poll reaches a deadline and no jump in the running numbers of bells is noticed:
 * nothing may depend on either. What is not here: two processes that hold one session, Redis out of reach, groups.
 *
 * Checked: when nothing can move any more, each device holds every entry that was committed, and no outbox row is left.
 *
 *   -DCRASHES   each sender and each poll process is killed once at most, between any two steps
 *   -DWIPE      Redis loses everything once, or goes back by one event
 *   -DCUTS      each bellman's connection breaks once, with an element that was on its way; one answer to each device is
 *               lost; and the first sender is the first device itself
 *
 * -DBUG=n plants a mistake, which must be found:
 *   1 the box is read before the poll is registered   2 the outbox row goes before the ring
 *   3 a bell that is not the next one is ignored      4 the bellman does not look at the epoch
 *   5 nobody re-reads when the bellman is connected again
 *   6 a bell that came during a reading is forgotten
 */
#ifndef BUG
#define BUG 0
#endif

/* Without own entries senders are alike, and devices too: of two orders that differ by names only, one is enough. */
#if defined(CRASHES) || defined(WIPE)
#define ALIKE true
#else
#define ALIKE false
#endif

#define ENTRIES 2
#define DEVICES 2
#define RINGS 4  /* each entry by its sender and by the courier */
#define ITEMS 12 /* numbers of boxes */
#define bit_of(e) (1 << ((e) - 1))

/* ---- MariaDB: the truth ---- */
byte committed;                             /* entries are 1..committed, in the order of their commits */
byte own;                                   /* the entry that the first device sent */
bool outbox[ENTRIES + 1];                   /* its row is there */
bool left[ENTRIES + 1];                     /* its sender is gone */
#define everything ((1 << committed) - 1)

/* ---- Redis: the bell. The box of the one person: item k refers to entry box[k]. ---- */
byte epoch = 1;
byte box_epoch;         /* `meta`; 0: no box */
byte box_begins, box_n; /* a new box begins at the time: above every number before */
byte highest;
byte box[ITEMS];
byte at[DEVICES];       /* session -> incarnation of its process; 0: none */
chan bell_0 = [RINGS] of { byte, byte, byte, bool }; /* epoch, n, entry, has its JSON */
chan bell_1 = [RINGS] of { byte, byte, byte, bool };

/* ---- lib/model/waiting.c: what a poll process knows of its session. `fresh`: era == w->era. ---- */
typedef Waiter {
    bool ticket, open, queued, fresh;
    byte epoch, n;         /* cursor */
    byte answered, newest
};
Waiter waiter[DEVICES];
byte incarnation[DEVICES] = 1;
byte room_epoch[DEVICES] = 1;

/* ---- lib/web/reader.c: one reading ---- */
#define NOT_READING 0
#define LOOKED 1 /* read, and not yet registered: one of the mistakes */
#define ANSWERED 2
typedef Reading {
    byte step;
    bool other, again;     /* the poll that it is for has ended; something rang meanwhile */
    byte epoch;            /* the reader's */
    byte n;
    byte events;           /* a bit per entry */
    bool resync
};
Reading reading[DEVICES];

/* ---- the clients ---- */
typedef Client {
    byte epoch, n;         /* cursor */
    byte holds;            /* a bit per entry */
    bool asks, resync
};
Client client[DEVICES];

#define w waiter[d]
#define r reading[d]
#define c client[d]

#ifdef CRASHES
bool may_die[DEVICES] = true;
#endif
#ifdef CUTS
bool may_cut[DEVICES] = true, may_lose[DEVICES] = true;
#endif

/* ---- sending and ringing ---- */

/* Killed before this step, or not. */
#ifdef CRASHES
#define may_end \
    if \
    :: mortal -> left[mine] = outbox[mine]; mine = 0; n = 0; made_in = 0; to[0] = 0; to[1] = 0; goto gone \
    :: true \
    fi
#else
#define may_end skip
#endif

/* RPUSH to the list of one incarnation; a dead one's list is nobody's. */
inline push(d, bell) {
    if
    :: to[d] && to[d] == incarnation[d] -> bell!made_in, n, mine, json
    :: else
    fi;
    to[d] = 0
}

/* fanout.c: the pipeline of inbox_push() (XADD NOMKSTREAM, HGET meta, HGETALL at), then that of ring(). */
inline ring() {
    atomic {
        may_end;
        if
        :: box_epoch ->
            box_n++;
            box[box_n] = mine;
            n = box_n;
            if
            :: n > highest -> highest = n
            :: else
            fi
        :: else -> n = 0 /* no box: who is registered is told just that */
        fi;
        made_in = box_epoch; to[0] = at[0]; to[1] = at[1]
    };
    atomic { may_end; push(0, bell_0); push(1, bell_1); n = 0; made_in = 0 }
}

/* batch.c, then ringer.c. The first device has what it sent from the answer to its own request. */
proctype sender(byte s) {
    byte mine, n, made_in, to[DEVICES];
    bool mortal = true, json = true;

    atomic { /* the COMMIT */
        !ALIKE || committed == s;
        committed++;
        mine = committed;
        outbox[mine] = true;
        if
        :: !ALIKE && s == 0 -> own = mine; client[0].holds = client[0].holds | bit_of(mine)
        :: else
        fi
    };
#if BUG == 2
    atomic { may_end; outbox[mine] = false };
#endif
    ring();
    atomic { may_end; outbox[mine] = false; mine = 0 }; /* delete_done() */
gone:
    skip
}

/* courier.c: claims a row that its sender left, and rings it without its JSON; in one step, as senders show the parts. */
proctype courier() {
    byte mine, n, made_in, to[DEVICES];
    bool mortal, json;

end:
    do
    :: atomic { left[1] -> left[1] = false; mine = 1; ring(); outbox[1] = false; mine = 0 }
    :: atomic { left[2] -> left[2] = false; mine = 2; ring(); outbox[2] = false; mine = 0 }
    od;
gone:
    skip
}

/* ---- waiting.c ---- */

#if BUG == 6
#define again() skip
#else
#define again() r.again = r.step != NOT_READING
#endif

inline queue_read() {
    if
    :: !r.step -> w.queued = true
    :: else
    fi
}

/* What no cursor needs any more makes no difference. */
inline forget_items() {
    i = 0;
    do
    :: i < client[0].n && i < client[1].n -> i++; box[i] = 0
    :: else -> i = 0; break
    od
}

/* The answer reaches its client, or is lost. */
inline end_poll(is_resync, got) {
    if
    :: true ->
        c.epoch = w.epoch; c.n = w.n; c.holds = c.holds | (got); c.resync = is_resync
#ifdef CUTS
    :: may_lose[d] -> may_lose[d] = false
#endif
    fi;
    c.asks = false;
    forget_items();
    w.answered = w.n;
    w.ticket = false; w.open = false;
    r.other = r.step != NOT_READING
}

#define is_known (w.fresh && !r.step && c.epoch == w.epoch && c.n >= w.answered && c.n <= w.n && \
                  w.newest <= w.n && at[d] == incarnation[d])

/* waiting_arrive() */
inline arrive() {
    c.asks = true;
    w.ticket = true;
    w.open = is_known;
    if
    :: !w.open -> queue_read()
    :: else
    fi
}

/* hear_event() */
inline hear() {
    if
    :: !number || made_in != w.epoch -> /* look() */
        w.fresh = false;
        again();
        if
        :: w.ticket -> queue_read()
        :: else
        fi
    :: else ->
        if
        :: number > w.newest -> w.newest = number
        :: else
        fi;
        if
        :: number <= w.n
        :: number == w.n + 1 && d == 0 && e == own ->
            w.n = number; /* told by the answer of its own request */
            again()
        :: number == w.n + 1 && !(d == 0 && e == own) && w.open && json ->
            w.n = number;
            end_poll(false, bit_of(e))
#if BUG == 3
        :: else
#else
        :: else ->
            again();
            if
            :: w.open -> queue_read()
            :: else
            fi
#endif
        fi
    fi
}

/* waiting_lost() */
inline lost() {
    w.fresh = false;
    r.again = r.step != NOT_READING; /* its reading is of the era before */
    if
    :: w.ticket -> queue_read()
    :: else
    fi
}

/* ---- a device, and the poll process that it meets ---- */

#define is_own_of(d) (d == 0 && own -> bit_of(own) : 0)

/* poll_open.lua, but for the registration */
inline read_box() {
    if
    :: box_epoch != r.epoch ->
        box_epoch = r.epoch;
        highest++;
        box_begins = highest;
        box_n = highest;
        d_step { i = 0; do :: i < ITEMS -> box[i] = 0; i++ :: else -> i = 0; break od };
        r.resync = true
    :: else
    fi;
    if
    :: w.open -> r.n = w.n; cursor_epoch = w.epoch
    :: else -> r.n = c.n; cursor_epoch = c.epoch
    fi;
    if
    :: cursor_epoch != r.epoch || r.n < box_begins || r.n > box_n -> r.resync = true
    :: else
    fi;
    cursor_epoch = 0;
    do
    :: !r.resync && r.n < box_n -> r.n++; r.events = r.events | bit_of(box[r.n])
    :: else -> break
    od;
    r.n = box_n
}

inline forget_reading() {
    r.step = NOT_READING; r.other = false; r.again = false; r.resync = false;
    r.epoch = 0; r.n = 0; r.events = 0
}

proctype device(byte d; chan bell) {
    byte made_in, number, e, i, cursor_epoch;
    bool json, cut;

end:
    do
    /* the client */
    :: atomic {
        !c.asks ->
        if
        :: c.resync -> c.holds = everything; c.resync = false /* it reads its state, later than the answer */
        :: else
        fi;
        arrive()
    }

    /* bellman.c */
    :: atomic { bell?made_in, number, e, json -> hear(); made_in = 0; number = 0; e = 0; json = false }
#if BUG != 4
    :: atomic { /* look_at_epoch(), each second */
        room_epoch[d] != epoch && (d == 0 || room_epoch[0] == epoch) ->
        room_epoch[d] = epoch;
        lost()
    }
#endif

    /*
     * reader.c: waiting_take(), then poll_open.lua: one step, because what is heard between them was in the box before
     * it was rung.
     */
    :: atomic {
        w.queued ->
        w.queued = false;
        if
        :: w.ticket ->
            r.again = false;
            if /* what the reader's own watch says may be newer than the bellman's */
            :: true -> r.epoch = room_epoch[d]
            :: room_epoch[d] != epoch -> r.epoch = epoch
            fi;
            read_box();
#if BUG == 1
            r.step = LOOKED
#else
            at[d] = incarnation[d];
            r.step = ANSWERED
#endif
        :: else
        fi
    }
#if BUG == 1
    :: atomic { r.step == LOOKED -> at[d] = incarnation[d]; r.step = ANSWERED }
#endif
    /* answer_tasks(), which is waiting_read() */
    :: atomic {
        r.step == ANSWERED ->
        r.step = NOT_READING;
        if
        :: !w.ticket
        :: w.ticket && r.other ->
            if
            :: !w.open -> queue_read()
            :: else
            fi
        :: else ->
            if
            :: !w.open || w.epoch != r.epoch || w.n < r.n || r.resync -> w.epoch = r.epoch; w.n = r.n
            :: else
            fi;
            w.open = true;
            w.fresh = !r.again;
            w.newest = r.n;
            e = r.events & ~is_own_of(d);
            if
            :: r.resync -> end_poll(true, 0)
            :: !r.resync && e -> end_poll(false, e)
            :: !r.resync && !e && (!w.fresh || w.newest > w.n) -> queue_read()
            :: else
            fi;
            e = 0
        fi;
        forget_reading()
    }

#ifdef CRASHES
    /* Killed: what it knew and what lay on its list is gone; its registration stands. The cursor is the client's. */
    :: atomic {
        may_die[d] && (d == 0 || !may_die[0]) ->
        may_die[d] = false;
        incarnation[d]++;
        do :: bell?_, _, _, _ :: empty(bell) -> break od;
        w.ticket = false; w.open = false; w.queued = false; w.fresh = false;
        w.epoch = 0; w.n = 0; w.answered = 0; w.newest = 0;
        forget_reading();
        c.asks = false
    }
#endif
#ifdef CUTS
    /* The connection breaks with an element on its way, and is made again. */
    :: atomic { may_cut[d] && nempty(bell) -> may_cut[d] = false; cut = true; bell?_, _, _, _ }
    :: atomic {
        cut -> cut = false;
#if BUG != 5
        lost()
#endif
    }
#endif
    od
}

#ifdef WIPE
/* Another epoch; and nothing is left, or all but the last event (a snapshot). */
proctype redis() {
    byte i;

    atomic {
        epoch = 2;
        do :: bell_0?_, _, _, _ :: empty(bell_0) -> break od;
        do :: bell_1?_, _, _, _ :: empty(bell_1) -> break od;
        if
        :: true ->
            box_epoch = 0; box_begins = 0; box_n = 0; at[0] = 0; at[1] = 0;
            do :: i < ITEMS -> box[i] = 0; i++ :: else -> i = 0; break od
        :: box_n > box_begins -> box[box_n] = 0; box_n--
        fi
    }
}
#endif

/* Both are parked when it begins; one whose process is killed comes anew. */
inline both(d) {
    at[d] = 1;
    c.epoch = 1; c.n = 1; c.asks = true;
    w.epoch = 1; w.n = 1; w.answered = 1; w.newest = 1;
    w.ticket = true; w.open = true; w.fresh = true
}

/* `timeout`: nobody else can take a step. */
active proctype judge() {
    atomic {
        box_epoch = 1; box_begins = 1; box_n = 1; highest = 1;
        both(0); both(1);
        run sender(0); run sender(1); run courier(); run device(0, bell_0); run device(1, bell_1);
#ifdef WIPE
        run redis()
#endif
    };
    timeout;
    assert(committed == ENTRIES && !outbox[1] && !outbox[2]);
    assert(client[0].holds == everything && client[1].holds == everything)
}
