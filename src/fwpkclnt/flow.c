/* Contexts that callouts attach to flows. */
#include <stdlib.h>

#include "fwpkclnt/runtime.h"

struct flow_context {
    struct node node; /* by flow */
    uint64_t context;
    uint32_t callout_id;
    uint16_t layer;
    unsigned users; /* classifies that were given it */
    bool removed;   /* not in the table any more: the last user tells the callout */
};

static struct flow_context *find(uint64_t flow, uint16_t layer, uint32_t callout_id)
{
    struct node *node = table_find(&runtime.flows, flow);

    for (; node; node = table_next(node->next, flow)) {
        struct flow_context *context = NODE_OF(node, struct flow_context, node);

        if (context->layer == layer && context->callout_id == callout_id)
            return context;
    }
    return NULL;
}

bool flow_any(uint32_t callout_id)
{
    for (unsigned i = 0; i < TABLE_BUCKETS; i++)
        for (struct node *node = runtime.flows.buckets[i]; node; node = node->next)
            if (NODE_OF(node, struct flow_context, node)->callout_id == callout_id)
                return true;
    return false;
}

void flow_forget(uint32_t callout_id)
{
    for (unsigned i = 0; i < TABLE_BUCKETS; i++)
        for (struct node *node = runtime.flows.buckets[i], *next; node; node = next) {
            struct flow_context *context = NODE_OF(node, struct flow_context, node);

            next = node->next;
            if (context->callout_id == callout_id) {
                table_remove(&runtime.flows, node);
                free(context);
            }
        }
}

static void tell_engine(uint32_t kind, const struct flow_context *context, uint64_t value)
{
    struct driver_flow_associate message = {.flow = context->node.number,
                                            .context = value,
                                            .callout_id = context->callout_id,
                                            .layer = context->layer};

    channel_send(kind, 0, &message, sizeof(message));
}

/* With the lock held. */
static NTSTATUS associate(struct flow_context *fresh, uint64_t flow)
{
    struct callout *callout = callout_enter(fresh->callout_id);
    NTSTATUS status = STATUS_SUCCESS;

    if (!callout || callout->leaving || !callout->flow_delete)
        status = STATUS_INVALID_PARAMETER;
    else if (find(flow, fresh->layer, fresh->callout_id))
        status = STATUS_OBJECT_NAME_EXISTS;
    else
        table_add(&runtime.flows, &fresh->node, flow);
    if (callout)
        callout_leave(callout);
    return status;
}

EXPORT NTSTATUS NTAPI FwpsFlowAssociateContext0(UINT64 flowId, UINT16 layerId, UINT32 calloutId,
                                                UINT64 flowContext)
{
    struct flow_context *fresh, told;
    NTSTATUS status;

    if (!flowContext || !flowId)
        return STATUS_INVALID_PARAMETER;
    fresh = calloc(1, sizeof(*fresh));
    if (!fresh)
        return STATUS_INSUFFICIENT_RESOURCES;
    *fresh =
        (struct flow_context){.context = flowContext, .callout_id = calloutId, .layer = layerId};
    runtime_lock();
    status = associate(fresh, flowId);
    told = *fresh;
    runtime_unlock();
    if (status == STATUS_SUCCESS)
        tell_engine(DRIVER_FLOW_ASSOCIATE, &told, flowContext);
    else
        free(fresh);
    return status;
}

/* Without the lock, for one that is no longer in the table and has no users; frees it. */
static void tell_callout(struct flow_context *context)
{
    struct callout *callout;

    runtime_lock();
    callout = callout_enter(context->callout_id);
    runtime_unlock();
    if (callout && callout->flow_delete)
        callout->flow_delete(context->layer, context->callout_id, context->context);
    runtime_lock();
    if (callout)
        callout_leave(callout);
    runtime_unlock();
    free(context);
}

/* True: a classify has it still, and tells the callout when it ends. */
static bool remove_context(struct flow_context *context)
{
    table_remove(&runtime.flows, &context->node);
    context->removed = true;
    return context->users != 0;
}

EXPORT NTSTATUS NTAPI FwpsFlowRemoveContext0(UINT64 flowId, UINT16 layerId, UINT32 calloutId)
{
    struct flow_context *context, told;
    bool used = false;

    runtime_lock();
    context = find(flowId, layerId, calloutId);
    if (context) {
        told = *context;
        used = remove_context(context);
    }
    runtime_unlock();
    if (!context)
        return STATUS_UNSUCCESSFUL;
    tell_engine(DRIVER_FLOW_REMOVE, &told, 0);
    if (used)
        return STATUS_PENDING;
    tell_callout(context);
    return STATUS_SUCCESS;
}

EXPORT NTSTATUS NTAPI FwpsFlowAbort0(UINT64 flowId)
{
    struct driver_flow_abort message = {.flow = flowId};

    if (!flowId)
        return STATUS_INVALID_PARAMETER;
    return channel_send(DRIVER_FLOW_ABORT, 0, &message, sizeof(message)) ? STATUS_SUCCESS
                                                                         : STATUS_DEVICE_NOT_READY;
}

void flow_deleted(struct operation *operation, struct work *work)
{
    const struct driver_flow_delete *message = work_about(work);
    struct flow_context *context;
    bool used = false;

    runtime_lock();
    context = find(message->flow, message->layer, message->callout_id);
    if (context)
        used = remove_context(context);
    runtime_unlock();
    if (context && !used)
        tell_callout(context);
    free(work);
}

struct flow_context *flow_enter(uint64_t flow, uint16_t layer, uint32_t callout_id)
{
    struct flow_context *context = find(flow, layer, callout_id);

    if (context)
        context->users++;
    return context;
}

uint64_t flow_value(const struct flow_context *context)
{
    return context->context;
}

void flow_leave(struct flow_context *context)
{
    bool last;

    runtime_lock();
    last = --context->users == 0 && context->removed;
    runtime_unlock();
    if (last)
        tell_callout(context);
}
