/*
 * One client's socket as a two-way queue of frames (a 32-bit little-endian length, then that many
 * bytes). Never blocks, and bounds what a client can make us hold:
 *   - messages are delivered one at a time, few for each turn of the event loop;
 *   - a client that doesn't read its replies is not read from until it does;
 *   - pushed messages (events) are refused while much is queued.
 */
#ifndef OPENWFP_BFE_CONNECTION_H
#define OPENWFP_BFE_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "account.h"

#define CONNECTION_PUSH_LIMIT                                                                      \
    (1u << 20) /* bytes queued above which pushed messages are refused                             \
                */

struct connection;

struct connection_owner {
    void *ctx;
    /* A whole message; valid during the call. */
    void (*message)(void *ctx, const uint8_t *message, size_t size);
    /* The peer is gone or broke the framing (`why`, NULL when it just went). Called once; nothing
     * is delivered after it. Free the connection later, not from here. */
    void (*gone)(void *ctx, const char *why);
    /* All that was queued is written, after a push had been refused. May be NULL. */
    void (*drained)(void *ctx);
};

struct connection_options {
    int fd; /* becomes the connection's, also when connection_new fails */
    struct accounts *accounts;
    struct account *account;
    size_t message_max; /* a longer message breaks the framing */
    bool last;          /* served when nobody else wants anything, and one message at a time */
    struct connection_owner owner;
};

/* 0 or a negative errno. */
int connection_new(sd_event *event, const struct connection_options *options,
                   struct connection **made);
void connection_free(struct connection *connection);

/* While held no message is delivered; the peer's death is still noticed. */
void connection_hold(struct connection *connection, bool held);

/* Queues a reply; when it can't be queued the connection is gone. */
void connection_send(struct connection *connection, const void *message, size_t size);
/* Queues what the client may miss; false when it was not queued. */
bool connection_push(struct connection *connection, const void *message, size_t size);

#endif
