/* Between dispatch.c, whose thread runs callbacks, and subscribe.c, which has the list filled. */
#ifndef OPENWFP_CLIENT_DISPATCHER_H
#define OPENWFP_CLIENT_DISPATCHER_H

#include "client.h"

struct subscription {
    struct subscription *next;
    UINT64 cookie;
    enum model_kind kind;
    struct delivery_handler handler;
    uint8_t *request; /* the packed Subscribe, for subscriptions_get */
    size_t request_size;
    bool removed; /* no further callbacks */
    bool orphan;  /* removed by its own callback: the thread frees it */
};

struct dispatcher {
    pthread_t thread;
    int fd;
    struct frame_reader reader;
    struct arena arena;
    pthread_mutex_t lock; /* of the following */
    pthread_cond_t idle;  /* `running` has changed */
    struct subscription *subscriptions;
    struct subscription *running;
    UINT64 last_cookie;
    bool stopping;
    bool orphan; /* stopped by a callback: the thread frees it */
};

/* Starts the handle's dispatcher when it has none; false: call.code says why. */
bool dispatcher_start(struct call *call);

/* Gives it a cookie. */
void link_subscription(struct dispatcher *dispatcher, struct subscription *subscription);
/* No callback of it runs afterwards, unless it is this very thread that runs it; frees it. False:
 * it is not in the list. */
bool remove_subscription(struct dispatcher *dispatcher, struct subscription *subscription);

#endif
