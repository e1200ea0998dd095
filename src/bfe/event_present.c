/* From the kernel's record of an event to what the API shows. */
#include <stdlib.h>
#include <string.h>

#include "event_log.h"
#include "model/layers.h"
#include "model/sd.h"
#include "model/utf16.h"

static uint32_t host_order(const uint8_t address[4])
{
    return (uint32_t)address[0] << 24 | (uint32_t)address[1] << 16 | (uint32_t)address[2] << 8 |
           address[3];
}

static void set_filetime(FILETIME *into, uint64_t time)
{
    into->dwLowDateTime = (uint32_t)time;
    into->dwHighDateTime = (uint32_t)(time >> 32);
}

/* Layers without a remote end (listen, bind) have no such field. */
static bool has_remote(uint16_t layer_id)
{
    const struct layer_info *layer = layer_by_id(layer_id);

    return layer && layer_find_field(layer, &FWPM_CONDITION_IP_REMOTE_ADDRESS);
}

static void present_addresses(const struct shim_event *event, FWPM_NET_EVENT_HEADER3 *header)
{
    header->flags |= FWPM_NET_EVENT_FLAG_IP_VERSION_SET | FWPM_NET_EVENT_FLAG_IP_PROTOCOL_SET |
                     FWPM_NET_EVENT_FLAG_LOCAL_ADDR_SET | FWPM_NET_EVENT_FLAG_LOCAL_PORT_SET;
    header->ipProtocol = event->protocol;
    header->localPort = event->local_port;
    if (event->family == 4) {
        header->ipVersion = FWP_IP_VERSION_V4;
        header->addressFamily = FWP_AF_INET;
        header->localAddrV4 = host_order(event->local);
    } else {
        header->ipVersion = FWP_IP_VERSION_V6;
        header->addressFamily = FWP_AF_INET6;
        memcpy(&header->localAddrV6, event->local, 16);
    }
    if (!has_remote(event->layer))
        return;
    header->flags |= FWPM_NET_EVENT_FLAG_REMOTE_ADDR_SET | FWPM_NET_EVENT_FLAG_REMOTE_PORT_SET;
    header->remotePort = event->remote_port;
    if (event->family == 4)
        header->remoteAddrV4 = host_order(event->remote);
    else
        memcpy(&header->remoteAddrV6, event->remote, 16);
}

static bool present_owner(const struct shim_event *event, struct arena *arena,
                          FWPM_NET_EVENT_HEADER3 *header)
{
    const struct sid sid = sid_of_uid(event->uid);
    WCHAR *path;

    header->userId = arena_copy(arena, sid.bytes, sid.size);
    if (!header->userId)
        return false;
    header->flags |= FWPM_NET_EVENT_FLAG_USER_ID_SET;
    if (!event->app[0])
        return true;
    path = utf16_from_utf8(event->app);
    if (!path)
        return false;
    header->appId.size = (UINT32)((utf16_length(path) + 1) * sizeof(WCHAR));
    header->appId.data = arena_copy(arena, path, header->appId.size);
    free(path);
    header->flags |= FWPM_NET_EVENT_FLAG_APP_ID_SET;
    return header->appId.data != NULL;
}

static FWP_DIRECTION direction(const struct shim_event *event)
{
    return event->direction == SHIM_INBOUND ? FWP_DIRECTION_INBOUND : FWP_DIRECTION_OUTBOUND;
}

static bool present_classify(const struct shim_event *event, struct arena *arena,
                             FWPM_NET_EVENT5 *into)
{
    bool loopback = event->condition_flags & FWP_CONDITION_FLAG_IS_LOOPBACK;
    FWPM_NET_EVENT_CLASSIFY_DROP2 *drop;
    FWPM_NET_EVENT_CLASSIFY_ALLOW0 *allow;

    if (event->action == SHIM_BLOCK) {
        into->type = FWPM_NET_EVENT_TYPE_CLASSIFY_DROP;
        into->classifyDrop = drop = arena_alloc(arena, sizeof(*drop));
        if (drop)
            *drop = (FWPM_NET_EVENT_CLASSIFY_DROP2){.filterId = event->filter_id,
                                                    .layerId = event->layer,
                                                    .reauthReason = event->reauthorize_reason,
                                                    .msFwpDirection = direction(event),
                                                    .isLoopback = loopback};
        return drop;
    }
    into->type = FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW;
    into->classifyAllow = allow = arena_alloc(arena, sizeof(*allow));
    if (allow)
        *allow = (FWPM_NET_EVENT_CLASSIFY_ALLOW0){.filterId = event->filter_id,
                                                  .layerId = event->layer,
                                                  .reauthReason = event->reauthorize_reason,
                                                  .msFwpDirection = direction(event),
                                                  .isLoopback = loopback};
    return allow;
}

OPENWFP_NET_EVENT *event_present(const struct logged_event *logged, struct arena *arena)
{
    const struct shim_event *event = &logged->event;
    OPENWFP_NET_EVENT *shown = arena_alloc(arena, sizeof(*shown));

    if (!shown)
        return NULL;
    set_filetime(&shown->event.header.timeStamp, event_filetime(event->time_ns));
    present_addresses(event, &shown->event.header);
    if (!present_owner(event, arena, &shown->event.header) ||
        !present_classify(event, arena, &shown->event))
        return NULL;
    shown->eventId = logged->id;
    shown->flowId = event->flow;
    shown->cgroupId = event->cgroup;
    shown->processStartTime = event->start_time;
    shown->processId = event->pid;
    shown->uid = event->uid;
    shown->gid = event->gid;
    shown->netns = event->netns;
    shown->interfaceIndex = event->ifindex;
    shown->calloutId = event->callout_id;
    shown->conditionFlags = event->condition_flags;
    memcpy(shown->comm, event->comm, sizeof(shown->comm));
    shown->comm[sizeof(shown->comm) - 1] = 0;
    return shown;
}
