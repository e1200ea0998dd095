/* Injection: a packet that a classify has shown goes on. */
#include <stdlib.h>

#include "fwpkclnt/runtime.h"

#define TYPES_KNOWN                                                                                \
    (FWPS_INJECTION_TYPE_STREAM | FWPS_INJECTION_TYPE_TRANSPORT | FWPS_INJECTION_TYPE_NETWORK |    \
     FWPS_INJECTION_TYPE_FORWARD | FWPS_INJECTION_TYPE_L2 | FWPS_INJECTION_TYPE_VSWITCH_TRANSPORT)

struct injector {
    struct node node;
    uint32_t types;
    unsigned outstanding; /* completion functions that have not returned */
    bool closing;
};

static struct injector *find(HANDLE handle)
{
    struct node *node = handle ? table_find(&runtime.injections, (uintptr_t)handle) : NULL;

    return node ? NODE_OF(node, struct injector, node) : NULL;
}

/* ---- handles ---- */

#define WINDOWS_AF_INET6 23

EXPORT NTSTATUS NTAPI FwpsInjectionHandleCreate0(ADDRESS_FAMILY addressFamily, UINT32 flags,
                                                 HANDLE *injectionHandle)
{
    struct injector *injector;

    if (!injectionHandle)
        return STATUS_FWP_NULL_POINTER;
    if (flags & ~(UINT32)TYPES_KNOWN ||
        (addressFamily != AF_UNSPEC && addressFamily != AF_INET && addressFamily != AF_INET6 &&
         addressFamily != WINDOWS_AF_INET6))
        return STATUS_INVALID_PARAMETER;
    injector = calloc(1, sizeof(*injector));
    if (!injector)
        return STATUS_INSUFFICIENT_RESOURCES;
    injector->types = flags ? flags
                            : FWPS_INJECTION_TYPE_STREAM | FWPS_INJECTION_TYPE_TRANSPORT |
                                  FWPS_INJECTION_TYPE_FORWARD;
    runtime_lock();
    table_add(&runtime.injections, &injector->node, ++runtime.last_number);
    *injectionHandle = (HANDLE)(uintptr_t)injector->node.number;
    runtime_unlock();
    return STATUS_SUCCESS;
}

EXPORT NTSTATUS NTAPI FwpsInjectionHandleDestroy0(HANDLE injectionHandle)
{
    struct injector *injector;

    runtime_lock();
    injector = find(injectionHandle);
    if (!injector || injector->closing) {
        runtime_unlock();
        return STATUS_INVALID_HANDLE;
    }
    injector->closing = true;
    while (injector->outstanding)
        runtime_wait();
    table_remove(&runtime.injections, &injector->node);
    runtime_unlock();
    free(injector);
    return STATUS_SUCCESS;
}

EXPORT FWPS_PACKET_INJECTION_STATE NTAPI FwpsQueryPacketInjectionState0(
    HANDLE injectionHandle, const NET_BUFFER_LIST *netBufferList, HANDLE *injectionContext)
{
    FWPS_PACKET_INJECTION_STATE state = FWPS_PACKET_NOT_INJECTED;
    const struct packet *packet;
    bool clone;

    runtime_lock();
    packet = packet_of(netBufferList, &clone);
    if (packet && packet->injected) {
        bool self = !packet->injection || packet->injection == (uintptr_t)injectionHandle;

        state = self ? FWPS_PACKET_INJECTED_BY_SELF : FWPS_PACKET_INJECTED_BY_OTHER;
        if (self && injectionContext)
            *injectionContext = packet->injection_context;
    }
    runtime_unlock();
    return state;
}

/* ---- injection ---- */

/* On its way: what is left to do when the engine has it. */
struct injection {
    HANDLE handle, context;
    NET_BUFFER_LIST *list;
    FWPS_INJECT_COMPLETE0 complete;
    HANDLE complete_context;
};

static void finish(struct operation *operation, struct work *work)
{
    struct injection *injection = work_about(work);
    struct injector *injector;

    injection->complete(injection->complete_context, injection->list, FALSE);
    runtime_lock();
    injector = find(injection->handle);
    injector->outstanding--;
    runtime_changed();
    runtime_unlock();
    free(work);
}

/* With the lock held: whether this is a packet that can go on, and whole. */
static NTSTATUS check(const struct injection *injection, bool inbound, struct packet **packet)
{
    const struct injector *injector = find(injection->handle);
    const NET_BUFFER *buffer;
    bool clone = false;

    if (!injector)
        return STATUS_INVALID_HANDLE;
    if (injector->closing)
        return STATUS_FWP_INJECT_HANDLE_CLOSING;
    if (!(injector->types & FWPS_INJECTION_TYPE_TRANSPORT))
        return STATUS_FWP_INJECT_HANDLE_STALE;
    *packet = packet_of(injection->list, &clone);
    if (!*packet)
        return STATUS_NOT_SUPPORTED;
    buffer = NET_BUFFER_LIST_FIRST_NB(injection->list);
    if (!clone || !buffer || buffer->DataOffset != (inbound ? 0 : (*packet)->ip_header) ||
        buffer->DataLength != (*packet)->size - buffer->DataOffset)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* With the lock held. True: an accept has waited for this. */
static bool note_injection(const struct injection *injection, const struct packet *packet)
{
    struct operation *operation = operation_find(packet->operation);
    bool waited = operation && operation->refusable;

    find(injection->handle)->outstanding++;
    if (operation) {
        operation->injected = true;
        operation->refusable = false;
        operation->injection = (uintptr_t)injection->handle;
        operation->injection_context = injection->context;
    }
    return waited;
}

static NTSTATUS refuse(NTSTATUS status, const NET_BUFFER_LIST *list)
{
    if (status == STATUS_NOT_SUPPORTED)
        runtime_log("injection of %p: only packets that a classify has shown can go on",
                    (const void *)list);
    else
        runtime_log("injection of %p: %#x", (const void *)list, (unsigned)status);
    return status;
}

/* The clone keeps the packet until its completion function frees it. */
static NTSTATUS inject(const struct injection *injection, bool inbound)
{
    struct packet *packet = NULL;
    struct work *work;
    NTSTATUS status;
    bool waited = false;

    if (!injection->list || !injection->complete)
        return STATUS_FWP_NULL_POINTER;
    work = work_new(finish, injection, sizeof(*injection));
    if (!work)
        return STATUS_INSUFFICIENT_RESOURCES;
    runtime_lock();
    status = check(injection, inbound, &packet);
    if (NT_SUCCESS(status))
        waited = note_injection(injection, packet);
    runtime_unlock();
    if (!NT_SUCCESS(status)) {
        free(work);
        return refuse(status, injection->list);
    }
    if (waited)
        channel_complete(packet->operation, 0);
    injection->list->Status = channel_send_packet(packet->operation, packet->bytes, packet->size)
                                  ? NDIS_STATUS_SUCCESS
                                  : (NDIS_STATUS)STATUS_DEVICE_NOT_READY;
    if (!operation_post_event(work))
        finish(NULL, work);
    return STATUS_SUCCESS;
}

EXPORT NTSTATUS NTAPI FwpsInjectTransportSendAsync1(
    HANDLE injectionHandle, HANDLE injectionContext, UINT64 endpointHandle, UINT32 flags,
    FWPS_TRANSPORT_SEND_PARAMS1 *sendArgs, ADDRESS_FAMILY addressFamily,
    COMPARTMENT_ID compartmentId, NET_BUFFER_LIST *netBufferList,
    FWPS_INJECT_COMPLETE0 completionFn, HANDLE completionContext)
{
    const struct injection injection = {injectionHandle, injectionContext, netBufferList,
                                        completionFn, completionContext};

    return inject(&injection, false);
}

EXPORT NTSTATUS NTAPI FwpsInjectTransportSendAsync0(
    HANDLE injectionHandle, HANDLE injectionContext, UINT64 endpointHandle, UINT32 flags,
    FWPS_TRANSPORT_SEND_PARAMS0 *sendArgs, ADDRESS_FAMILY addressFamily,
    COMPARTMENT_ID compartmentId, NET_BUFFER_LIST *netBufferList,
    FWPS_INJECT_COMPLETE0 completionFn, HANDLE completionContext)
{
    const struct injection injection = {injectionHandle, injectionContext, netBufferList,
                                        completionFn, completionContext};

    return inject(&injection, false);
}

EXPORT NTSTATUS NTAPI FwpsInjectTransportReceiveAsync0(
    HANDLE injectionHandle, HANDLE injectionContext, PVOID reserved, UINT32 flags,
    ADDRESS_FAMILY addressFamily, COMPARTMENT_ID compartmentId, IF_INDEX interfaceIndex,
    IF_INDEX subInterfaceIndex, NET_BUFFER_LIST *netBufferList, FWPS_INJECT_COMPLETE0 completionFn,
    HANDLE completionContext)
{
    const struct injection injection = {injectionHandle, injectionContext, netBufferList,
                                        completionFn, completionContext};

    return inject(&injection, true);
}
