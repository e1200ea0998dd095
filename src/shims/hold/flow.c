/* Contexts of flows (16.x): what a callout has attached to a flow, until the flow ends. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static struct context **bucket_of(struct hold *hold, uint64_t flow)
{
    return &hold->contexts[flow % HOLD_BUCKETS];
}

static struct context **find(struct hold *hold, uint64_t flow, uint32_t callout_id, uint16_t layer)
{
    struct context **link = bucket_of(hold, flow);

    while (*link &&
           ((*link)->flow != flow || (*link)->callout_id != callout_id || (*link)->layer != layer))
        link = &(*link)->next;
    return link;
}

uint64_t flow_context(struct hold *hold, uint64_t flow, uint32_t callout_id, uint16_t layer)
{
    const struct context *context = *find(hold, flow, callout_id, layer);

    return context ? context->value : 0;
}

static bool is_of_host(struct hold *hold, const struct host *host, uint32_t callout_id)
{
    const struct callout *callout = callout_find(hold, callout_id);

    return callout && callout->host == host;
}

/* One whose flow's end nobody tells of would stay for ever. */
static struct context *context_new(struct hold *hold, uint64_t flow)
{
    struct context *context = NULL;

    if (hold->contexts_now < HOLD_CONTEXTS && !shim_asks_watch(hold->asks, flow, true))
        context = malloc(sizeof(*context));
    return context;
}

/* The host has seen to it that there is none yet; 16.2. */
void flow_associate(struct hold *hold, const struct host *host,
                    const struct driver_flow_associate *message)
{
    struct context **place = find(hold, message->flow, message->callout_id, message->layer);
    struct context *context;

    if (!message->context || *place || !is_of_host(hold, host, message->callout_id) ||
        !(context = context_new(hold, message->flow))) {
        hold->statistics.ignored++;
        return;
    }
    *context = (struct context){NULL, message->flow, message->context, message->callout_id,
                                message->layer};
    *place = context;
    hold->contexts_now++;
}

static void remove_at(struct hold *hold, struct context **place)
{
    struct context *context = *place;

    *place = context->next;
    hold->contexts_now--;
    free(context);
}

void flow_remove(struct hold *hold, const struct host *host,
                 const struct driver_flow_associate *message)
{
    struct context **place = find(hold, message->flow, message->callout_id, message->layer);

    if (*place && is_of_host(hold, host, message->callout_id))
        remove_at(hold, place);
    else
        hold->statistics.ignored++;
}

static void tell_deleted(struct hold *hold, const struct context *context)
{
    const struct callout *callout = callout_find(hold, context->callout_id);
    struct driver_flow_delete message = {
        .header = {DRIVER_FLOW_DELETE, sizeof(message), 0},
        .flow = context->flow,
        .context = context->value,
        .callout_id = context->callout_id,
        .layer = context->layer,
    };

    if (callout)
        host_send(callout->host, &(struct iovec){&message, sizeof(message)}, 1);
}

void flow_closed(struct hold *hold, uint64_t flow)
{
    struct context **link = bucket_of(hold, flow);

    while (*link) {
        if ((*link)->flow != flow) {
            link = &(*link)->next;
            continue;
        }
        tell_deleted(hold, *link);
        remove_at(hold, link);
    }
}

void flow_abort(struct hold *hold, const struct driver_flow_abort *message)
{
    if (hold->abort_count < HOLD_ABORTS)
        hold->aborts[hold->abort_count++] = message->flow;
    else
        hold->statistics.ignored++;
}

void flow_end_aborted(struct hold *hold)
{
    int result = 0;

    if (hold->abort_count)
        result = shim_asks_abort(hold->asks, hold->aborts, hold->abort_count);
    if (result)
        hold_say(hold, LOG_ERR, "flows could not be aborted: %s", strerror(-result));
    hold->abort_count = 0;
}

bool flow_has_contexts(const struct hold *hold, uint32_t callout_id)
{
    for (unsigned i = 0; i < HOLD_BUCKETS; i++)
        for (const struct context *context = hold->contexts[i]; context; context = context->next)
            if (context->callout_id == callout_id)
                return true;
    return false;
}

void flow_forget_callout(struct hold *hold, uint32_t callout_id)
{
    for (unsigned i = 0; i < HOLD_BUCKETS; i++) {
        struct context **link = &hold->contexts[i];

        while (*link) {
            if ((*link)->callout_id == callout_id)
                remove_at(hold, link);
            else
                link = &(*link)->next;
        }
    }
}
