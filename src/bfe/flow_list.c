#include "flow_list.h"

#include <errno.h>
#include <fwpsu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/utf16.h"

static void take(void *ctx, const struct shim_flow *flow)
{
    struct flow_list *list = ctx;
    struct live_flow *larger;

    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 256;
        larger = realloc(list->flows, list->room * sizeof(*larger));
        if (!larger) {
            list->failed = true;
            list->room = list->count;
            return;
        }
        list->flows = larger;
    }
    list->flows[list->count++] = (struct live_flow){.flow = *flow};
}

/* Of several holders the oldest process comes first: mostly the one that opened the socket. */
static int by_id(const void *a, const void *b)
{
    const struct shim_flow *x = &((const struct live_flow *)a)->flow;
    const struct shim_flow *y = &((const struct live_flow *)b)->flow;

    if (x->flow != y->flow)
        return x->flow < y->flow ? -1 : 1;
    return x->start_time < y->start_time ? -1 : x->start_time > y->start_time;
}

static void keep_one_each(struct flow_list *list)
{
    size_t kept = 0;

    qsort(list->flows, list->count, sizeof(*list->flows), by_id);
    for (size_t i = 0; i < list->count; i++)
        if (!kept || list->flows[kept - 1].flow.flow != list->flows[i].flow.flow)
            list->flows[kept++] = list->flows[i];
    list->count = kept;
}

static bool authorizes(uint16_t layer)
{
    return layer == FWPS_LAYER_ALE_AUTH_CONNECT_V4 || layer == FWPS_LAYER_ALE_AUTH_CONNECT_V6 ||
           layer == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4 ||
           layer == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6;
}

static struct live_flow *find(const struct flow_list *list, uint64_t id)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (list->flows[middle].flow.flow < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && list->flows[low].flow.flow == id ? &list->flows[low] : NULL;
}

static void find_permits(struct flow_list *list, const struct event_log *log)
{
    for (uint64_t id = event_log_first(log); id < log->next; id++) {
        const struct shim_event *event = &event_log_find(log, id)->event;
        struct live_flow *live;

        if (event->action != SHIM_PERMIT || !authorizes(event->layer))
            continue;
        live = find(list, event->flow);
        if (live)
            live->permit = event;
    }
}

int flow_list_read(struct flow_list *list, struct shim *shim, const struct event_log *log)
{
    int code;

    *list = (struct flow_list){0};
    code = shim_flows(shim, take, list);
    if (!code && list->failed)
        code = -ENOMEM;
    if (code || !list->count)
        return code;
    keep_one_each(list);
    find_permits(list, log);
    return 0;
}

void flow_list_free(struct flow_list *list)
{
    free(list->flows);
    *list = (struct flow_list){0};
}

/* ---- presenting ---- */

/* The holder is alive and holds the socket, or did a moment ago. */
static void read_program(const struct shim_flow *flow, char path[SHIM_PATH])
{
    char link[32];
    ssize_t size;

    snprintf(link, sizeof(link), "/proc/%u/exe", flow->pid);
    size = readlink(link, path, SHIM_PATH - 1);
    path[size > 0 ? size : 0] = 0;
}

static bool present_app(const char *path, struct arena *arena, FWP_BYTE_BLOB *into)
{
    WCHAR *wide = utf16_from_utf8(path);

    if (!wide)
        return false;
    into->size = (UINT32)((utf16_length(wide) + 1) * sizeof(WCHAR));
    into->data = arena_copy(arena, wide, into->size);
    free(wide);
    return into->data;
}

static uint32_t host_order(const uint8_t address[4])
{
    return (uint32_t)address[0] << 24 | (uint32_t)address[1] << 16 | (uint32_t)address[2] << 8 |
           address[3];
}

static void present_addresses(const struct shim_flow *flow, OPENWFP_FLOW *into)
{
    into->localPort = flow->local_port;
    into->remotePort = flow->remote_port;
    if (flow->family == 4) {
        into->ipVersion = FWP_IP_VERSION_V4;
        into->localAddrV4 = host_order(flow->local);
        into->remoteAddrV4 = host_order(flow->remote);
        return;
    }
    into->ipVersion = FWP_IP_VERSION_V6;
    memcpy(&into->localAddrV6, flow->local, 16);
    memcpy(&into->remoteAddrV6, flow->remote, 16);
}

static void present_event(const struct shim_event *event, OPENWFP_FLOW *into)
{
    uint64_t time = event_filetime(event->time_ns);

    into->layerId = event->layer;
    into->direction =
        event->direction == SHIM_INBOUND ? FWP_DIRECTION_INBOUND : FWP_DIRECTION_OUTBOUND;
    into->filterId = event->filter_id;
    into->processId = event->pid;
    into->uid = event->uid;
    into->startTime.dwLowDateTime = (uint32_t)time;
    into->startTime.dwHighDateTime = (uint32_t)(time >> 32);
}

bool flow_present(const struct live_flow *live, struct arena *arena, OPENWFP_FLOW *into)
{
    const struct shim_flow *flow = &live->flow;
    const struct shim_event *event = live->permit;
    char path[SHIM_PATH] = "";

    *into = (OPENWFP_FLOW){
        .flowId = flow->flow,
        /* Where nobody saw it being authorised, that it is established is all we know. */
        .layerId = flow->family == 4 ? FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4
                                     : FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6,
        .ipProtocol = flow->protocol,
        .processId = flow->pid,
        .uid = flow->uid,
        .netns = flow->netns,
        .cgroupId = flow->cgroup,
    };
    present_addresses(flow, into);
    if (event)
        present_event(event, into);
    if (event && event->app[0])
        return present_app(event->app, arena, &into->appId);
    read_program(flow, path);
    return !path[0] || present_app(path, arena, &into->appId);
}
