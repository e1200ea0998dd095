/* Handles of classifies, and pending with them. */
#include <stdlib.h>

#include "fwpkclnt/pend.h"

struct handle {
    struct node node;
    unsigned references;
    uint64_t pend; /* 0 = none */
};

static struct handle *find(uint64_t number)
{
    struct node *node = number ? table_find(&runtime.handles, number) : NULL;

    return node ? NODE_OF(node, struct handle, node) : NULL;
}

static void release(struct handle *handle)
{
    if (--handle->references)
        return;
    table_remove(&runtime.handles, &handle->node);
    free(handle);
}

/* With the lock held; NULL: out of memory. */
static struct handle *handle_of(struct classify *classify)
{
    struct handle *handle = find(classify->handle);

    if (handle)
        return handle;
    handle = calloc(1, sizeof(*handle));
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
    handle = handle_of(classify);
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
    handle = find(classifyHandle);
    if (handle)
        release(handle);
    runtime_unlock();
    if (!handle)
        runtime_log("FwpsReleaseClassifyHandle0: there is no classify handle %#llx",
                    (unsigned long long)classifyHandle);
}

EXPORT NTSTATUS NTAPI FwpsPendClassify0(UINT64 classifyHandle, UINT64 filterId, UINT32 flags,
                                        FWPS_CLASSIFY_OUT0 *classifyOut)
{
    struct classify *classify = classify_current;
    enum layer_role role;
    struct handle *handle;
    NTSTATUS status;

    if (!classifyOut)
        return STATUS_FWP_NULL_POINTER;
    if (flags || !classify || !classifyHandle || classify->handle != classifyHandle ||
        classify->pend || filterId != classify->message->ask.filter_id)
        return STATUS_INVALID_PARAMETER;
    role = layer_role(classify->message->ask.layer);
    if ((role != ROLE_CLOSURE && role != ROLE_REDIRECT) ||
        !(classify->message->flags & DRIVER_CAN_PEND))
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
    struct handle *handle;
    uint64_t pend = 0;

    runtime_lock();
    handle = find(classifyHandle);
    if (handle && handle->pend) {
        pend = handle->pend;
        handle->pend = 0;
        release(handle);
    }
    runtime_unlock();
    if (pend)
        pend_complete(pend, decision(classifyOut));
    else
        runtime_log("FwpsCompleteClassify0: nothing is pended with classify handle %#llx",
                    (unsigned long long)classifyHandle);
}
