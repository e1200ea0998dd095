/* Handles of classifies, and pending with them. */
#include <stdlib.h>

#include "fwpkclnt/handle.h"
#include "fwpkclnt/pend.h"

static struct handle *find(uint64_t number)
{
    struct node *node = number ? table_find(&runtime.handles, number) : NULL;

    return node ? NODE_OF(node, struct handle, node) : NULL;
}

struct handle *handle_find(uint64_t number)
{
    struct handle *handle = find(number);

    return handle && handle->references ? handle : NULL;
}

struct handle *handle_of(const struct classify *classify)
{
    return find(classify->handle);
}

static void free_unused(struct handle *handle)
{
    if (handle->references || handle->running)
        return;
    table_remove(&runtime.handles, &handle->node);
    redirection_free(handle->redirection);
    free(handle);
}

static void release(struct handle *handle)
{
    handle->references--;
    free_unused(handle);
}

void handle_done(const struct classify *classify)
{
    struct handle *handle = handle_of(classify);

    if (handle) {
        handle->running = false;
        free_unused(handle);
    }
}

static struct handle *handle_new(const struct driver_classify *message)
{
    struct handle *handle = calloc(1, sizeof(*handle));

    if (!handle)
        return NULL;
    handle->running = true;
    handle->filter = message->ask.filter_id;
    handle->writable = message->ask.rights & FWPS_RIGHT_ACTION_WRITE;
    if (layer_role(message->ask.layer) != ROLE_CONNECT_REDIRECT)
        return handle;
    handle->redirection = malloc(sizeof(*handle->redirection));
    if (handle->redirection) {
        redirection_fill(handle->redirection, message);
        return handle;
    }
    free(handle);
    return NULL;
}

/* With the lock held; NULL: out of memory. */
static struct handle *open_handle(struct classify *classify)
{
    struct handle *handle = handle_of(classify);

    if (handle)
        return handle;
    handle = handle_new(classify->message);
    if (handle) {
        classify->handle = ++runtime.last_number;
        table_add(&runtime.handles, &handle->node, classify->handle);
    }
    return handle;
}

EXPORT NTSTATUS NTAPI FwpsAcquireClassifyHandle0(void *classifyContext, UINT32 flags,
                                                 UINT64 *classifyHandle)
{
    struct classify *classify = classify_current;
    struct handle *handle;

    if (!classifyContext || !classifyHandle)
        return STATUS_FWP_NULL_POINTER;
    if (flags || !classify || (uintptr_t)classifyContext != classify->number)
        return STATUS_INVALID_PARAMETER;
    runtime_lock();
    handle = open_handle(classify);
    if (handle) {
        handle->references++;
        *classifyHandle = handle->node.number;
    }
    runtime_unlock();
    return handle ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

EXPORT void NTAPI FwpsReleaseClassifyHandle0(UINT64 classifyHandle)
{
    struct handle *handle;

    runtime_lock();
    handle = handle_find(classifyHandle);
    if (handle)
        release(handle);
    runtime_unlock();
    if (!handle)
        runtime_log("FwpsReleaseClassifyHandle0: there is no classify handle %#llx",
                    (unsigned long long)classifyHandle);
}

static bool can_pend(const struct classify *classify)
{
    enum layer_role role = layer_role(classify->message->ask.layer);

    return (role == ROLE_CLOSURE || role == ROLE_CONNECT_REDIRECT || role == ROLE_BIND_REDIRECT) &&
           classify->message->flags & DRIVER_CAN_PEND;
}

EXPORT NTSTATUS NTAPI FwpsPendClassify0(UINT64 classifyHandle, UINT64 filterId, UINT32 flags,
                                        FWPS_CLASSIFY_OUT0 *classifyOut)
{
    struct classify *classify = classify_current;
    struct handle *handle;
    bool found;
    NTSTATUS status;

    if (!classifyOut)
        return STATUS_FWP_NULL_POINTER;
    runtime_lock();
    found = handle_find(classifyHandle);
    runtime_unlock();
    if (flags || !found || !classify || classify->handle != classifyHandle || classify->pend ||
        filterId != classify->message->ask.filter_id)
        return STATUS_INVALID_PARAMETER;
    if (!can_pend(classify))
        return STATUS_FWP_CANNOT_PEND;
    status = pend_begin(classify);
    if (!NT_SUCCESS(status))
        return status;
    runtime_lock();
    handle = find(classifyHandle);
    handle->pend = classify->pend;
    handle->references++;
    runtime_unlock();
    classifyOut->actionType = FWP_ACTION_BLOCK;
    classifyOut->rights &= ~(UINT32)FWPS_RIGHT_ACTION_WRITE;
    classifyOut->flags |= FWPS_CLASSIFY_OUT_FLAG_ABSORB;
    return STATUS_SUCCESS;
}

static uint32_t decision(const FWPS_CLASSIFY_OUT0 *out)
{
    bool decides = out && (out->actionType == FWP_ACTION_PERMIT || //
                           out->actionType == FWP_ACTION_BLOCK);

    return decides ? out->actionType : 0;
}

EXPORT void NTAPI FwpsCompleteClassify0(UINT64 classifyHandle, UINT32 flags,
                                        FWPS_CLASSIFY_OUT0 *classifyOut)
{
    struct driver_complete how = {.action = decision(classifyOut)};
    struct handle *handle;
    uint64_t pend = 0;

    runtime_lock();
    handle = handle_find(classifyHandle);
    if (handle && handle->pend) {
        pend = handle->pend;
        handle->pend = 0;
        redirection_decide(handle, &how.action, &how.redirect);
        release(handle);
    }
    runtime_unlock();
    if (pend)
        pend_complete(pend, &how);
    else
        runtime_log("FwpsCompleteClassify0: nothing is pended with classify handle %#llx",
                    (unsigned long long)classifyHandle);
}
