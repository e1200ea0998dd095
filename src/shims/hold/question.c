/* Telling hosts what is asked. */
#include "internal.h"

#include <netinet/in.h>
#include <string.h>

#include <fwps_layers.h>
#include <fwptypes.h>

static bool has_flag(const struct ale_ask *ask, uint64_t flag)
{
    return ask->fields.value[CLASSIFY_FLAGS] & flag;
}

/* 17.2: not a reauthorization, but the classify after a completion (17.3). */
bool operation_can_pend(const struct hold *hold, const struct operation *operation)
{
    const struct ale_ask *ask = &operation->ask;
    uint16_t layer = ask->key.layer;

    if (layer != FWPS_LAYER_ALE_AUTH_CONNECT_V4 && layer != FWPS_LAYER_ALE_AUTH_LISTEN_V4 &&
        layer != FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4 &&
        layer != FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4)
        return false;
    if (ask->hold == ALE_HOLD_NOTICE || operation->pends >= hold->limits.pends)
        return false;
    return !has_flag(ask, FWP_CONDITION_FLAG_IS_REAUTHORIZE) ||
           ask->fields.value[CLASSIFY_REAUTHORIZE_REASON] ==
               FWP_CONDITION_REAUTHORIZE_REASON_CLASSIFY_COMPLETION;
}

static void copy_app(const struct hold *hold, const struct operation *operation, char app[ALE_PATH])
{
    memccpy(app, shim_asks_app(hold->asks, operation->ask.app), '\0', ALE_PATH - 1);
}

bool operation_shows_packet(const struct operation *operation)
{
    return operation->first &&
           (operation_is_accept(operation) || operation->ask.key.protocol != IPPROTO_TCP);
}

static bool send_classify(struct hold *hold, struct operation *operation, struct host *host)
{
    const struct packet *packet = operation_shows_packet(operation) ? operation->first : NULL;
    struct driver_classify message = {
        .header = {DRIVER_CLASSIFY, sizeof(message), operation->ask.operation},
        .round = ++operation->round,
        .flow_context = flow_context(hold, operation->ask.key.cookie, operation->ask.callout_id,
                                     operation->ask.layer),
        .ask = operation->ask,
        .redirect = operation->redirect,
        .packet_size = packet ? packet->size : 0,
    };
    struct iovec parts[2] = {{&message, sizeof(message)}, {NULL, 0}};

    if (operation_can_pend(hold, operation))
        message.flags |= DRIVER_CAN_PEND;
    if (operation_is_accept(operation) && operation->returned && operation->pender == host)
        message.flags |= DRIVER_INJECTED;
    if (operation->ask.hold == ALE_HOLD_NOTICE)
        message.flags |= DRIVER_NOTICE;
    if (operation_is_redirect(operation))
        message.flags |= redirect_history(hold, &operation->ask, host);
    copy_app(hold, operation, message.app);
    operation->showed_packet = packet;
    if (packet) {
        message.header.size += packet->size;
        parts[1] = (struct iovec){(void *)packet->bytes, packet->size};
    }
    return host_send(host, parts, packet ? 2 : 1);
}

/* 7.7 */
static bool does_not_apply(struct hold *hold, const struct operation *operation,
                           const struct callout *callout)
{
    const struct ale_ask *ask = &operation->ask;

    return callout && callout->flags & HOLD_CALLOUT_CONDITIONAL &&
           !flow_context(hold, ask->key.cookie, ask->callout_id, ask->layer);
}

static void tell(struct hold *hold, struct operation *operation, uint64_t now)
{
    const struct callout *callout = callout_find(hold, operation->ask.callout_id);
    struct host *host = callout ? callout->host : NULL;

    if (does_not_apply(hold, operation, callout)) {
        operation_pass_over(hold, operation);
        return;
    }
    if (host && (host->full || !send_classify(hold, operation, host)) && !host->dead &&
        now < operation->since + hold->limits.classify_ms) {
        host->full = true; /* it has much to read; until the next round nothing is tried */
        return;
    }
    hold->statistics.asked++;
    if (!host || host->full || host->dead) {
        operation_advance_without(hold, operation);
        return;
    }
    operation->host = host;
    operation_set_state(hold, operation, OPERATION_ASKED, now + hold->limits.classify_ms);
}

/* A packet that makes an operation comes right behind its question. */
static bool awaits_packet(const struct operation *operation, uint64_t now)
{
    bool expected = operation->ask.hold == ALE_HOLD_QUEUE && !operation->round &&
                    (operation_is_accept(operation) || operation->ask.key.protocol != IPPROTO_TCP);

    return expected && !operation->first && now < operation->deadline;
}

/* An answer may bring the next question, so this goes on until there is none. */
void operation_tell_new(struct hold *hold, uint64_t now)
{
    struct operation *operation = hold->operations, *next;

    for (uint32_t left = hold->untold; operation && left; operation = next) {
        next = operation->next;
        if (operation->state != OPERATION_NEW)
            continue;
        left--;
        if (!awaits_packet(operation, now))
            tell(hold, operation, now);
    }
}
