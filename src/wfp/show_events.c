/* wfp show events, flows. */
#include "src/wfp/show.h"

#include <string.h>

#include <arpa/inet.h>

#include "src/wfp/arena.h"
#include "src/wfp/event.h"
#include "src/wfp/filter_names.h"
#include "src/wfp/list.h"

/* ---- events ---- */

static void show_event(struct show *show, struct filter_names *filters,
                       const OPENWFP_NET_EVENT *net)
{
    struct arena *arena = show->cli->arena;
    struct event event;
    event_read(&event, net);
    if (!show_wants_layer(show, describe_layer_id(arena, event.layer)))
        return;
    struct event_words words = {arena, filetime_text(arena, event.time),
                                filter_names_get(filters, event.filter)};
    if (show->cli->json) {
        event_json(&event, &words, &show->json);
        return;
    }
    table_row(show->table);
    table_cell(show->table, "%llu", (unsigned long long)event.id);
    table_cell(show->table, "%s", words.time);
    table_cell(show->table, "%s", event_verdict(&event));
    table_cell(show->table, "%s", describe_layer_id(arena, event.layer));
    table_cell(show->table, "%s", event_protocol(arena, &event));
    table_cell(show->table, "%s", event_program(arena, &event));
    table_cell(show->table, "%s", event_user(arena, event.uid));
    table_cell(show->table, "%s", event_local(arena, &event));
    table_cell(show->table, "%s", event_remote(arena, &event));
    table_cell(show->table, "%llu", (unsigned long long)event.filter);
}

static DWORD event_pages(struct show *show, HANDLE pages)
{
    struct filter_names *filters = arena_alloc(show->cli->arena, sizeof(*filters));
    UINT32 count;
    filters->engine = show->engine;
    do {
        OPENWFP_NET_EVENT **entries = NULL;
        DWORD code = OpenWfpNetEventEnum(show->engine, pages, LIST_PAGE, &entries, &count);
        if (code != ERROR_SUCCESS)
            return code;
        for (UINT32 i = 0; i < count; i++)
            show_event(show, filters, entries[i]);
        FwpmFreeMemory0((void **)&entries);
    } while (count == LIST_PAGE);
    return ERROR_SUCCESS;
}

DWORD show_events(struct show *show)
{
    static const char *const titles[] = {"ID",       "TIME",    "VERDICT", "LAYER",
                                         "PROTOCOL", "PROGRAM", "USER",    "LOCAL",
                                         "REMOTE",   "FILTER",  NULL};
    HANDLE pages;
    DWORD code = FwpmNetEventCreateEnumHandle0(show->engine, NULL, &pages);
    if (code != ERROR_SUCCESS)
        return code;
    show_begin(show, titles);
    code = event_pages(show, pages);
    FwpmNetEventDestroyEnumHandle0(show->engine, pages);
    if (code == ERROR_SUCCESS)
        show_end(show);
    return code;
}

/* ---- flows ---- */

/* A flow has an event's ends and owner: the same words print both. */
static void flow_as_event(struct event *event, const OPENWFP_FLOW *flow)
{
    *event = (struct event){.flow = flow->flowId,
                            .filter = flow->filterId,
                            .cgroup = flow->cgroupId,
                            .time = flow->startTime,
                            .inbound = flow->direction == FWP_DIRECTION_INBOUND,
                            .layer = flow->layerId,
                            .has_protocol = true,
                            .has_local = true,
                            .has_remote = true,
                            .has_local_port = true,
                            .has_remote_port = true,
                            .protocol = flow->ipProtocol,
                            .local_port = flow->localPort,
                            .remote_port = flow->remotePort,
                            .pid = flow->processId,
                            .uid = flow->uid,
                            .netns = flow->netns};
    bool v6 = flow->ipVersion == FWP_IP_VERSION_V6;
    uint32_t local = htonl(flow->localAddrV4), remote = htonl(flow->remoteAddrV4);
    event->family = v6 ? 6 : 4;
    memcpy(event->local, v6 ? (const void *)flow->localAddrV6.byteArray16 : &local, v6 ? 16 : 4);
    memcpy(event->remote, v6 ? (const void *)flow->remoteAddrV6.byteArray16 : &remote, v6 ? 16 : 4);
}

static void flow_json(struct show *show, const OPENWFP_FLOW *flow, const struct event *event)
{
    struct arena *arena = show->cli->arena;
    json_object(&show->json, NULL);
    json_number(&show->json, "id", event->flow);
    json_text(&show->json, "since", filetime_text(arena, event->time));
    json_text(&show->json, "layer", describe_layer_id(arena, event->layer));
    json_text(&show->json, "direction", event->inbound ? "inbound" : "outbound");
    json_number(&show->json, "protocol", event->protocol);
    json_text(&show->json, "local", event_local(arena, event));
    json_text(&show->json, "remote", event_remote(arena, event));
    json_text(&show->json, "app", describe_app(arena, &flow->appId));
    json_number(&show->json, "pid", event->pid);
    json_number(&show->json, "uid", event->uid);
    json_number(&show->json, "filter", event->filter);
    json_number(&show->json, "netns", event->netns);
    json_number(&show->json, "cgroup", event->cgroup);
    json_object_end(&show->json);
}

static void show_flow(struct show *show, const OPENWFP_FLOW *flow)
{
    struct arena *arena = show->cli->arena;
    struct event event;
    flow_as_event(&event, flow);
    if (!show_wants_layer(show, describe_layer_id(arena, event.layer)))
        return;
    if (show->cli->json) {
        flow_json(show, flow, &event);
        return;
    }
    table_row(show->table);
    table_cell(show->table, "%s", filetime_text(arena, event.time));
    table_cell(show->table, "%s", event.inbound ? "in" : "out");
    table_cell(show->table, "%s", event_protocol(arena, &event));
    table_cell(show->table, "%s", event_local(arena, &event));
    table_cell(show->table, "%s", event_remote(arena, &event));
    table_cell(show->table, "%u", event.pid);
    table_cell(show->table, "%s", event_user(arena, event.uid));
    table_cell(show->table, "%s", describe_app(arena, &flow->appId));
    table_cell(show->table, "%llu", (unsigned long long)event.filter);
}

DWORD show_flows(struct show *show)
{
    static const char *const titles[] = {"SINCE", "WAY",  "PROTOCOL", "LOCAL",  "REMOTE",
                                         "PID",   "USER", "PROGRAM",  "FILTER", NULL};
    UINT64 after = 0;
    UINT32 count;
    show_begin(show, titles);
    do {
        OPENWFP_FLOW **entries = NULL;
        DWORD code = OpenWfpFlowEnum(show->engine, after, LIST_PAGE, &entries, &count);
        if (code != ERROR_SUCCESS)
            return code;
        for (UINT32 i = 0; i < count; i++)
            show_flow(show, entries[i]);
        if (count > 0)
            after = entries[count - 1]->flowId;
        FwpmFreeMemory0((void **)&entries);
    } while (count > 0);
    show_end(show);
    return ERROR_SUCCESS;
}
