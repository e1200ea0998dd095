/* Packets of operations, as NET_BUFFER_LISTs. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "fwpkclnt/headers.h"
#include "fwpkclnt/runtime.h"

/* A NET_BUFFER_LIST and its parts; the bytes are the packet's, shared by all views of it. */
struct view {
    struct node node; /* by the list's address */
    NET_BUFFER_LIST list;
    NET_BUFFER buffer;
    MDL mdl;
    struct packet *packet;
    bool clone;
};

static struct view *find(const NET_BUFFER_LIST *list)
{
    struct node *node = table_find(&runtime.views, (uintptr_t)list);

    return node ? NODE_OF(node, struct view, node) : NULL;
}

static struct view *view_new(struct packet *packet, uint32_t offset)
{
    struct view *view = calloc(1, sizeof(*view));

    if (!view)
        return NULL;
    view->packet = packet;
    view->mdl.MappedSystemVa = view->mdl.StartVa = packet->bytes;
    view->mdl.ByteCount = packet->size;
    view->buffer.MdlChain = view->buffer.CurrentMdl = &view->mdl;
    view->buffer.DataOffset = view->buffer.CurrentMdlOffset = offset;
    view->buffer.DataLength = packet->size - offset;
    view->list.FirstNetBuffer = &view->buffer;
    table_add(&runtime.views, &view->node, (uintptr_t)&view->list);
    return view;
}

static void view_free(struct view *view)
{
    table_remove(&runtime.views, &view->node);
    free(view);
}

struct packet *packet_new(const struct driver_classify *message)
{
    const struct ale_ask *ask = &message->ask;
    struct packet *packet;
    uint32_t offset;

    if (!message->packet_size)
        return NULL;
    packet = calloc(1, sizeof(*packet) + message->packet_size);
    if (!packet)
        return NULL;
    packet->references = 1;
    packet->operation = message->header.operation;
    packet->size = message->packet_size;
    memcpy(packet->bytes, message + 1, packet->size);
    headers_measure(packet->bytes, packet->size, ask->key.protocol, &packet->ip_header,
                    &packet->transport_header);
    /* Inbound the transport header was passed already. */
    offset = packet->ip_header;
    if (ask->direction == FWP_DIRECTION_INBOUND)
        offset += packet->transport_header;
    packet->original = view_new(packet, offset);
    if (packet->original)
        return packet;
    free(packet);
    return NULL;
}

void packet_release(struct packet *packet)
{
    if (--packet->references)
        return;
    view_free(packet->original);
    free(packet);
}

NET_BUFFER_LIST *packet_list(const struct packet *packet)
{
    return &packet->original->list;
}

struct packet *packet_of(const NET_BUFFER_LIST *list, bool *clone)
{
    struct view *view = find(list);

    if (!view)
        return NULL;
    *clone = view->clone;
    return view->packet;
}

void packet_let_go(uint64_t number)
{
    struct operation *operation;
    bool refused;

    runtime_lock();
    operation = operation_find(number);
    refused = operation && operation->refusable && operation->packet && !operation->packet->holds;
    if (refused)
        operation->refusable = false;
    runtime_unlock();
    if (refused)
        channel_complete(number, FWP_ACTION_BLOCK);
}

/* ---- for drivers ---- */

EXPORT void NTAPI FwpsReferenceNetBufferList0(NET_BUFFER_LIST *netBufferList,
                                              BOOLEAN intendToModify)
{
    struct packet *packet;
    bool clone;

    runtime_lock();
    packet = packet_of(netBufferList, &clone);
    if (packet) {
        packet->references++;
        packet->holds++;
        packet->taken = true;
    }
    runtime_unlock();
    if (!packet)
        runtime_log("FwpsReferenceNetBufferList0: %p is no packet of this library",
                    (void *)netBufferList);
}

/* With the lock held: one of the driver's holds ends. The operation that may care. */
static uint64_t let_go(struct packet *packet)
{
    uint64_t operation = packet->operation;

    packet->holds--;
    packet_release(packet);
    return operation;
}

EXPORT void NTAPI FwpsDereferenceNetBufferList0(NET_BUFFER_LIST *netBufferList,
                                                BOOLEAN dispatchLevel)
{
    struct packet *packet;
    uint64_t operation = 0;
    bool clone;

    runtime_lock();
    packet = packet_of(netBufferList, &clone);
    if (packet && packet->holds)
        operation = let_go(packet);
    runtime_unlock();
    if (operation)
        packet_let_go(operation);
    else
        runtime_log("FwpsDereferenceNetBufferList0: %p has no reference", (void *)netBufferList);
}

/* With the lock held; NULL: out of memory. */
static struct view *clone_of(struct view *original)
{
    struct view *clone = view_new(original->packet, original->buffer.DataOffset);

    if (!clone)
        return NULL;
    clone->clone = true;
    clone->buffer.DataLength = original->buffer.DataLength;
    clone->list.ParentNetBufferList = &original->list;
    original->list.ChildRefCount++;
    original->packet->references++;
    original->packet->holds++;
    original->packet->taken = true;
    return clone;
}

static bool sound(const struct view *view)
{
    return view->buffer.DataOffset <= view->packet->size &&
           view->buffer.DataLength <= view->packet->size - view->buffer.DataOffset;
}

EXPORT NTSTATUS NTAPI FwpsAllocateCloneNetBufferList0(NET_BUFFER_LIST *originalNetBufferList,
                                                      NDIS_HANDLE netBufferListPoolHandle,
                                                      NDIS_HANDLE netBufferPoolHandle,
                                                      ULONG allocateCloneFlags,
                                                      NET_BUFFER_LIST **netBufferList)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct view *original, *clone;

    if (!originalNetBufferList || !netBufferList)
        return STATUS_FWP_NULL_POINTER;
    runtime_lock();
    original = find(originalNetBufferList);
    if (original && sound(original)) {
        clone = clone_of(original);
        status = clone ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
        if (clone)
            *netBufferList = &clone->list;
    }
    runtime_unlock();
    return status;
}

EXPORT void NTAPI FwpsFreeCloneNetBufferList0(NET_BUFFER_LIST *netBufferList, ULONG freeCloneFlags)
{
    struct view *view, *parent;
    uint64_t operation = 0;

    runtime_lock();
    view = find(netBufferList);
    if (view && view->clone) {
        parent = find(view->list.ParentNetBufferList);
        if (parent && parent->packet == view->packet)
            parent->list.ChildRefCount--;
        operation = view->packet->operation;
        let_go(view->packet);
        view_free(view);
    }
    runtime_unlock();
    if (operation)
        packet_let_go(operation);
    else
        runtime_log("FwpsFreeCloneNetBufferList0: %p is no clone", (void *)netBufferList);
}
