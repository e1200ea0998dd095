/*
 * Calls that wait for the writer's lock, in the order in which they came (rule 9.4). A call waits
 * behind all that are parked already, so no writer starves. Whoever can't have the lock before the
 * session's time is over gets FWP_E_TIMEOUT.
 */
#ifndef OPENWFP_BFE_PARKING_H
#define OPENWFP_BFE_PARKING_H

#include <stdbool.h>

#include <systemd/sd-event.h>

struct client;

struct parking {
    sd_event *event;
    sd_event_source *retry;
    struct client *first, *last;
};

/* A client's place in the queue; part of struct client. */
struct parked {
    struct client *previous, *next;
    sd_event_source *timer;
    bool here;
};

int parking_open(struct parking *parking, sd_event *event);
void parking_close(struct parking *parking);

/* The client's request under way will be tried again. */
void parking_add(struct parking *parking, struct client *client);
void parking_remove(struct parking *parking, struct client *client);
/* The lock is free: goes through the queue on the next turn of the event loop. */
void parking_wake(struct parking *parking);

static inline bool parking_empty(const struct parking *parking)
{
    return !parking->first;
}

#endif
