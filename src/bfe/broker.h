/*
 * The broker of hold filters: the host of the callouts that are always there (openwfp.h). Asked, it
 * pends the operation for the filter's time and tells those who listen; their first answer
 * completes all operations of the question. It never waits: what it has to say to the thread that
 * holds operations stands in line until the socket takes it.
 *
 * It answers by itself what can't be pended: a flow that is authorized again goes on, because it
 * was permitted before; anything else, and what finds no room (questions.h), gets the filter's
 * default.
 */
#ifndef OPENWFP_BFE_BROKER_H
#define OPENWFP_BFE_BROKER_H

#include <stdbool.h>

#include <openwfp.h>
#include <systemd/sd-event.h>

#include "model/model.h"
#include "rpc/arena.h"

struct broker;
struct service;

struct broker_listener {
    void *ctx;
    /* Valid during the call, from which no function of the broker may be called. */
    void (*notice)(void *ctx, const OPENWFP_HELD_NOTICE *notice);
};

/* 0 or a negative errno. */
int broker_new(sd_event *event, const struct broker_listener *listener, struct broker **broker);
void broker_free(struct broker *broker);

/* Serves what comes over this SOCK_SEQPACKET socket, the broker's from now on, also on failure.
 * Questions that came over an earlier one are gone. */
int broker_serve(struct broker *broker, int socket);

/* The engine asks service->broker from now on, whenever something may be held. */
void broker_join(struct service *service);

/* The questions that wait, the oldest first; they point into the broker. NULL: no memory. */
OPENWFP_HELD *broker_list(const struct broker *broker, struct arena *arena, size_t *count);

/* ERROR_SUCCESS or FWP_E_NOT_FOUND; `by` is the process that answers. */
uint32_t broker_answer(struct broker *broker, uint64_t id, FWP_ACTION_TYPE action, uint32_t by,
                       struct model_error *error);

#endif
