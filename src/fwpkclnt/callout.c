/* The code of callouts: registration, notification. */
#include <stdlib.h>
#include <string.h>

#include "fwpkclnt/management.h"
#include "fwpkclnt/runtime.h"
#include "fwpuclnt/driver.h"

#define FLAGS_KNOWN                                                                                \
    (FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW | FWP_CALLOUT_FLAG_ALLOW_OFFLOAD |                       \
     FWP_CALLOUT_FLAG_ENABLE_COMMIT_ADD_NOTIFY | FWP_CALLOUT_FLAG_ALLOW_MID_STREAM_INSPECTION |    \
     FWP_CALLOUT_FLAG_ALLOW_RECLASSIFY | FWP_CALLOUT_FLAG_ALLOW_RSC |                              \
     FWP_CALLOUT_FLAG_ALLOW_L2_BATCH_CLASSIFY | FWP_CALLOUT_FLAG_ALLOW_USO |                       \
     FWP_CALLOUT_FLAG_ALLOW_URO)

/* ---- use ---- */

static struct callout *find(uint32_t id)
{
    struct node *node = id ? table_find(&runtime.callouts, id) : NULL;

    return node ? NODE_OF(node, struct callout, node) : NULL;
}

struct callout *callout_enter(uint32_t id)
{
    struct callout *callout = find(id);

    while (!callout && runtime.registering && !runtime.closed) {
        runtime_wait();
        callout = find(id);
    }
    if (callout)
        callout->running++;
    return callout;
}

void callout_leave(struct callout *callout)
{
    callout->running--;
    runtime_changed();
}

/* ---- registration ---- */

static NTSTATUS register_it(struct callout *callout, UINT32 *id)
{
    UINT32 given = 0;
    NTSTATUS status;

    runtime_lock();
    runtime.registering++;
    runtime_unlock();
    status = management_status("FwpsCalloutRegister",
                               OpenWfpDriverCalloutRegister(
                                   runtime_control(), &callout->key, callout->flags,
                                   callout->flow_delete != NULL, callout->notify != NULL, &given));
    runtime_lock();
    runtime.registering--;
    if (NT_SUCCESS(status) && (!given || find(given)))
        status = STATUS_INTERNAL_ERROR;
    if (NT_SUCCESS(status))
        table_add(&runtime.callouts, &callout->node, given);
    runtime_changed();
    runtime_unlock();
    if (NT_SUCCESS(status) && id)
        *id = given;
    return status;
}

/* The versions of FWPS_CALLOUT differ in the types of their functions only. */
static NTSTATUS register_version(int version, const void *given, UINT32 *id)
{
    FWPS_CALLOUT3 copy;
    struct callout *callout;
    NTSTATUS status;

    if (!given)
        return STATUS_FWP_NULL_POINTER;
    memcpy(&copy, given, sizeof(copy));
    if (!copy.classifyFn || copy.flags & ~(UINT32)FLAGS_KNOWN)
        return STATUS_INVALID_PARAMETER;
    if (runtime.channel < 0 || runtime.closed)
        return STATUS_DEVICE_NOT_READY;
    callout = calloc(1, sizeof(*callout));
    if (!callout)
        return STATUS_INSUFFICIENT_RESOURCES;
    callout->key = copy.calloutKey;
    callout->flags = copy.flags;
    callout->version = version;
    callout->classify = copy.classifyFn;
    callout->classify0 = ((const FWPS_CALLOUT0 *)given)->classifyFn;
    callout->notify = copy.notifyFn;
    callout->flow_delete = copy.flowDeleteFn;
    status = register_it(callout, id);
    if (!NT_SUCCESS(status))
        free(callout);
    return status;
}

EXPORT NTSTATUS NTAPI FwpsCalloutRegister0(void *deviceObject, const FWPS_CALLOUT0 *callout,
                                           UINT32 *calloutId)
{
    return register_version(0, callout, calloutId);
}

EXPORT NTSTATUS NTAPI FwpsCalloutRegister1(void *deviceObject, const FWPS_CALLOUT1 *callout,
                                           UINT32 *calloutId)
{
    return register_version(1, callout, calloutId);
}

EXPORT NTSTATUS NTAPI FwpsCalloutRegister2(void *deviceObject, const FWPS_CALLOUT2 *callout,
                                           UINT32 *calloutId)
{
    return register_version(2, callout, calloutId);
}

EXPORT NTSTATUS NTAPI FwpsCalloutRegister3(void *deviceObject, const FWPS_CALLOUT3 *callout,
                                           UINT32 *calloutId)
{
    return register_version(3, callout, calloutId);
}

/* ---- and its end ---- */

/* With the lock held: nobody else unregisters it from now on. */
static NTSTATUS begin_leaving(struct callout *callout, bool force)
{
    if (!callout)
        return STATUS_FWP_CALLOUT_NOT_FOUND;
    if (callout->leaving)
        return STATUS_FWP_IN_USE;
    if (!force && (flow_any((uint32_t)callout->node.number) ||
                   classify_inside((uint32_t)callout->node.number)))
        return STATUS_DEVICE_BUSY;
    callout->leaving = true;
    return STATUS_SUCCESS;
}

static NTSTATUS end_leaving(struct callout *callout, DWORD code)
{
    runtime_lock();
    if (code == ERROR_BUSY) {
        callout->leaving = false;
        runtime_unlock();
        return STATUS_DEVICE_BUSY;
    }
    while (callout->running)
        runtime_wait();
    pend_drop_callout((uint32_t)callout->node.number);
    flow_forget((uint32_t)callout->node.number);
    table_remove(&runtime.callouts, &callout->node);
    runtime_unlock();
    free(callout);
    return STATUS_SUCCESS;
}

/* The engine first: until it has let go, classifies come and are answered. */
static NTSTATUS unregister(uint32_t id, bool force)
{
    struct callout *callout;
    NTSTATUS status;

    runtime_lock();
    callout = find(id);
    status = begin_leaving(callout, force);
    runtime_unlock();
    if (!NT_SUCCESS(status))
        return status;
    return end_leaving(callout, OpenWfpDriverCalloutUnregister(runtime_control(), id));
}

EXPORT NTSTATUS NTAPI FwpsCalloutUnregisterById0(const UINT32 calloutId)
{
    return unregister(calloutId, false);
}

/* 0 = none; NULL: any. */
static uint32_t id_by_key(const GUID *key)
{
    for (unsigned i = 0; i < TABLE_BUCKETS; i++)
        for (struct node *node = runtime.callouts.buckets[i]; node; node = node->next)
            if (!key || IsEqualGUID(key, &NODE_OF(node, struct callout, node)->key))
                return (uint32_t)node->number;
    return 0;
}

EXPORT NTSTATUS NTAPI FwpsCalloutUnregisterByKey0(const GUID *calloutKey)
{
    uint32_t id;

    if (!calloutKey)
        return STATUS_FWP_NULL_POINTER;
    runtime_lock();
    id = id_by_key(calloutKey);
    runtime_unlock();
    return unregister(id, false);
}

void callout_unregister_all(void)
{
    for (;;) {
        uint32_t id;

        runtime_lock();
        id = id_by_key(NULL);
        runtime_unlock();
        if (!id || !NT_SUCCESS(unregister(id, true)))
            return;
        runtime_log("the driver left callout %u registered", id);
    }
}

/* ---- notification ---- */

void callout_notify(struct operation *operation, struct work *work)
{
    const struct driver_notify_filter *message = work_about(work);
    bool added = message->what == DRIVER_FILTER_ADDED;
    FWPS_FILTER3 filter = {.filterId = message->filter_id,
                           .action = {FWP_ACTION_CALLOUT_UNKNOWN, message->callout_id},
                           .context = message->filter_context};
    NTSTATUS status = STATUS_SUCCESS;
    struct callout *callout;
    GUID key;

    memcpy(&key, message->filter_key, sizeof(key));
    runtime_lock();
    callout = callout_enter(message->callout_id);
    runtime_unlock();
    if (callout && callout->notify)
        status = callout->notify(added ? FWPS_CALLOUT_NOTIFY_ADD_FILTER
                                       : FWPS_CALLOUT_NOTIFY_DELETE_FILTER,
                                 added ? &key : NULL, &filter);
    if (!NT_SUCCESS(status) && added)
        runtime_log("the callout refused filter %llu with %#x; it is in force all the same",
                    (unsigned long long)filter.filterId, (unsigned)status);
    runtime_lock();
    if (callout)
        callout_leave(callout);
    runtime_unlock();
    free(work);
}
