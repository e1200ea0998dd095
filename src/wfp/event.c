#include "src/wfp/event.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/model/utf16.h"
#include "src/wfp/arena.h"
#include "src/wfp/describe.h"
#include "src/wfp/json.h"
#include "src/wfp/policy/layer_facts.h"
#include "src/wfp/policy/words.h"

/* ---- reading ---- */

static void read_decision(struct event *event, const FWPM_NET_EVENT5 *net)
{
    if (net->type == FWPM_NET_EVENT_TYPE_CLASSIFY_DROP && net->classifyDrop != NULL) {
        event->blocked = true;
        event->filter = net->classifyDrop->filterId;
        event->layer = net->classifyDrop->layerId;
        event->reauthorize_reason = net->classifyDrop->reauthReason;
        event->inbound = net->classifyDrop->msFwpDirection == FWP_DIRECTION_INBOUND;
        event->loopback = net->classifyDrop->isLoopback;
    } else if (net->type == FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW && net->classifyAllow != NULL) {
        event->filter = net->classifyAllow->filterId;
        event->layer = net->classifyAllow->layerId;
        event->reauthorize_reason = net->classifyAllow->reauthReason;
        event->inbound = net->classifyAllow->msFwpDirection == FWP_DIRECTION_INBOUND;
        event->loopback = net->classifyAllow->isLoopback;
    }
}

static void put_v4(uint8_t address[16], UINT32 host_order)
{
    uint32_t network = htonl(host_order);
    memcpy(address, &network, sizeof(network));
}

static void read_addresses(struct event *event, const FWPM_NET_EVENT_HEADER3 *header)
{
    event->has_local = (header->flags & FWPM_NET_EVENT_FLAG_LOCAL_ADDR_SET) != 0;
    event->has_remote = (header->flags & FWPM_NET_EVENT_FLAG_REMOTE_ADDR_SET) != 0;
    event->has_local_port = (header->flags & FWPM_NET_EVENT_FLAG_LOCAL_PORT_SET) != 0;
    event->has_remote_port = (header->flags & FWPM_NET_EVENT_FLAG_REMOTE_PORT_SET) != 0;
    event->local_port = header->localPort;
    event->remote_port = header->remotePort;
    if (header->ipVersion == FWP_IP_VERSION_V6) {
        event->family = 6;
        memcpy(event->local, header->localAddrV6.byteArray16, 16);
        memcpy(event->remote, header->remoteAddrV6.byteArray16, 16);
    } else {
        event->family = 4;
        put_v4(event->local, header->localAddrV4);
        put_v4(event->remote, header->remoteAddrV4);
    }
}

static void read_app(struct event *event, const FWPM_NET_EVENT_HEADER3 *header)
{
    if ((header->flags & FWPM_NET_EVENT_FLAG_APP_ID_SET) == 0 || header->appId.size < 2)
        return;
    char *path = utf16_to_utf8_within((const WCHAR *)(const void *)header->appId.data,
                                      header->appId.size / sizeof(WCHAR));
    if (path != NULL)
        strncpy(event->app, path, sizeof(event->app) - 1);
    free(path);
}

void event_read(struct event *event, const OPENWFP_NET_EVENT *net)
{
    const FWPM_NET_EVENT_HEADER3 *header = &net->event.header;
    *event = (struct event){.id = net->eventId,
                            .flow = net->flowId,
                            .cgroup = net->cgroupId,
                            .start_time = net->processStartTime,
                            .lost = net->lost,
                            .time = header->timeStamp,
                            .pid = net->processId,
                            .uid = net->uid,
                            .gid = net->gid,
                            .netns = net->netns,
                            .interface = net->interfaceIndex,
                            .callout = net->calloutId,
                            .protocol = header->ipProtocol};
    event->has_protocol = (header->flags & FWPM_NET_EVENT_FLAG_IP_PROTOCOL_SET) != 0;
    memcpy(event->comm, net->comm, sizeof(net->comm));
    read_decision(event, &net->event);
    read_addresses(event, header);
    read_app(event, header);
}

/* ---- words ---- */

static bool is_unspecified(const uint8_t *address)
{
    static const uint8_t none[16];
    return memcmp(address, none, sizeof(none)) == 0;
}

/* An address or a port of zeros is one that isn't chosen yet: "*:80"; neither: "-". */
static const char *end_text(struct arena *arena, int family, const uint8_t *address, bool has_port,
                            uint16_t port)
{
    char text[INET6_ADDRSTRLEN] = "*";
    bool wild = is_unspecified(address);
    if (wild && (!has_port || port == 0))
        return "-";
    if (!wild)
        inet_ntop(family == 6 ? AF_INET6 : AF_INET, address, text, sizeof(text));
    if (!has_port || port == 0)
        return arena_strdup(arena, text);
    return arena_printf(arena, family == 6 && !wild ? "[%s]:%u" : "%s:%u", text, port);
}

/* ICMP's type and code stand where ports do (semantics 2.4). */
static bool is_icmp(const struct event *event)
{
    return event->has_protocol && (event->protocol == 1 || event->protocol == 58);
}

const char *event_local(struct arena *arena, const struct event *event)
{
    bool port = event->has_local_port && !is_icmp(event);
    return end_text(arena, event->family, event->local, port, event->local_port);
}

const char *event_remote(struct arena *arena, const struct event *event)
{
    bool port = event->has_remote_port && !is_icmp(event);
    return end_text(arena, event->family, event->remote, port, event->remote_port);
}

const char *event_protocol(struct arena *arena, const struct event *event)
{
    if (!event->has_protocol)
        return "tcp"; /* only LISTEN has none */
    const char *name = word_text(words_protocols, event->protocol);
    if (is_icmp(event) && event->has_local_port)
        return arena_printf(arena, "%s/%u", name, event->local_port);
    return name != NULL ? name : arena_printf(arena, "proto-%u", event->protocol);
}

const char *event_user(struct arena *arena, uint32_t uid)
{
    const struct passwd *entry = getpwuid(uid);
    return entry != NULL ? arena_strdup(arena, entry->pw_name) : arena_printf(arena, "%u", uid);
}

const char *event_program(struct arena *arena, const struct event *event)
{
    if (event->app[0] != '\0')
        return event->app;
    return event->comm[0] == '\0' ? "-" : arena_printf(arena, "(%s)", event->comm);
}

const char *event_verdict(const struct event *event)
{
    enum rule_layer layer;
    enum family family;
    if (event->blocked)
        return "block";
    if (layer_facts_find(event->layer, &layer, &family) && layer >= RULE_ESTABLISHED)
        return "note";
    return "permit";
}

const char *filetime_text(struct arena *arena, FILETIME time)
{
    struct tm parts;
    char text[32];
    uint64_t ticks = (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime; /* 100 ns */
    time_t seconds = (time_t)(ticks / 10000000) - 11644473600; /* between 1601 and 1970 */
    if (ticks == 0 || gmtime_r(&seconds, &parts) == NULL)
        return "-";
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    return arena_printf(arena, "%s.%03uZ", text, (unsigned)(ticks / 10000 % 1000));
}

static void end_json(struct json *json, const char *address_key, const char *port_key, int family,
                     const uint8_t *address, bool has_address, bool has_port, uint16_t port)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(family == 6 ? AF_INET6 : AF_INET, address, text, sizeof(text));
    json_text(json, address_key, has_address ? text : NULL);
    if (has_port)
        json_number(json, port_key, port);
}

void event_json(const struct event *event, const struct event_words *words, struct json *json)
{
    json_object(json, NULL);
    json_text(json, "time", words->time);
    json_number(json, "id", event->id);
    json_text(json, "verdict", event_verdict(event));
    json_text(json, "layer", describe_layer_id(words->arena, event->layer));
    json_text(json, "direction", event->inbound ? "inbound" : "outbound");
    if (event->has_protocol)
        json_number(json, "protocol", event->protocol);
    end_json(json, "local_address", "local_port", event->family, event->local, event->has_local,
             event->has_local_port, event->local_port);
    end_json(json, "remote_address", "remote_port", event->family, event->remote, event->has_remote,
             event->has_remote_port, event->remote_port);
    json_text(json, "app", event->app[0] == '\0' ? NULL : event->app);
    json_text(json, "comm", event->comm);
    json_number(json, "pid", event->pid);
    json_number(json, "process_start_time", event->start_time);
    json_number(json, "uid", event->uid);
    json_number(json, "gid", event->gid);
    json_text(json, "user", event_user(words->arena, event->uid));
    json_number(json, "filter", event->filter);
    json_text(json, "filter_name", words->filter_name);
    json_number(json, "callout", event->callout);
    json_bool(json, "loopback", event->loopback);
    json_number(json, "reauthorize_reason", event->reauthorize_reason);
    json_number(json, "interface", event->interface);
    json_number(json, "netns", event->netns);
    json_number(json, "cgroup", event->cgroup);
    json_number(json, "flow", event->flow);
    json_number(json, "lost", event->lost);
    json_object_end(json);
}
