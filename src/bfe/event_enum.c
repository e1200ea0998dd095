#include "event_enum.h"

#include <stdlib.h>

#include "client.h"
#include "service.h"

#define TEMPLATE_ARENA (4u << 20)

static Rpc__Template *copy_message(struct arena *arena, const Rpc__Template *message)
{
    size_t size = rpc__template__get_packed_size(message);
    uint8_t *bytes = arena_alloc(arena, size ? size : 1);

    if (!bytes)
        return NULL;
    rpc__template__pack(message, bytes);
    return rpc__template__unpack(&arena->allocator, size, bytes);
}

uint32_t event_template_keep(struct client *client, const Rpc__Template *message,
                             struct arena *arena, const FWPM_NET_EVENT_ENUM_TEMPLATE0 **kept)
{
    struct converter convert = {.arena = arena};
    const void *template_ = NULL;
    Rpc__Template *copy;
    uint32_t code = ERROR_SUCCESS;

    *kept = NULL;
    arena_init(arena, TEMPLATE_ARENA);
    if (!message)
        return ERROR_SUCCESS;
    copy = copy_message(arena, message);
    if (!copy)
        code = client_no_memory(client);
    else if (!decode_template(&convert, MODEL_NET_EVENT, copy, &template_)) {
        client->convert.error = convert.error;
        code = convert.error.code;
    } else {
        code = event_template_check(template_, &client->convert.error);
    }
    if (code != ERROR_SUCCESS)
        arena_free(arena);
    *kept = template_;
    return code;
}

static unsigned count(const struct client *client)
{
    unsigned n = 0;

    for (const struct event_enum *e = client->enumerations; e; e = e->next)
        n++;
    return n;
}

static uint32_t check_allowed(struct client *client)
{
    uint32_t code;

    code = model_access_check(client->session, MODEL_NET_EVENT, FWPM_ACTRL_ENUM | FWPM_ACTRL_READ,
                              &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    if (!service_visible_events(client))
        return client_error(client, FWP_E_NET_EVENTS_DISABLED,
                            "net events are not collected; set FWPM_ENGINE_COLLECT_NET_EVENTS");
    if (count(client) >= EVENT_ENUMS_MAX)
        return client_error(client, ERROR_NOT_ENOUGH_MEMORY,
                            "this session has %u enumerations of net events open; destroy some",
                            EVENT_ENUMS_MAX);
    return ERROR_SUCCESS;
}

uint32_t event_enum_create(struct client *client, const Rpc__Template *template_, uint64_t *handle)
{
    static uint64_t last;
    const struct event_log *log = &client->service->events;
    struct event_enum *made;
    uint32_t code = check_allowed(client);

    if (code != ERROR_SUCCESS)
        return code;
    made = calloc(1, sizeof(*made));
    if (!made)
        return client_no_memory(client);
    code = event_template_keep(client, template_, &made->arena, &made->template_);
    if (code != ERROR_SUCCESS) {
        free(made);
        return code;
    }
    made->handle = *handle = ++last;
    made->at = event_log_first(log);
    made->end = log->next;
    made->classes = service_visible_events(client);
    made->next = client->enumerations;
    client->enumerations = made;
    return ERROR_SUCCESS;
}

struct event_enum *event_enum_find(struct client *client, uint64_t handle)
{
    struct event_enum *e = client->enumerations;

    while (e && e->handle != handle)
        e = e->next;
    return e;
}

const struct logged_event *event_enum_next(struct event_enum *enumeration,
                                           const struct event_log *log)
{
    const struct logged_event *logged;

    if (enumeration->at < event_log_first(log))
        enumeration->at = event_log_first(log);
    while (enumeration->at < enumeration->end) {
        logged = event_log_find(log, enumeration->at++);
        if (logged && (event_class(&logged->event) & enumeration->classes) &&
            event_matches(&logged->event, enumeration->template_))
            return logged;
    }
    return NULL;
}

void event_enum_destroy(struct client *client, struct event_enum *enumeration)
{
    struct event_enum **link = &client->enumerations;

    while (*link != enumeration)
        link = &(*link)->next;
    *link = enumeration->next;
    arena_free(&enumeration->arena);
    free(enumeration);
}

void event_enums_free(struct client *client)
{
    while (client->enumerations)
        event_enum_destroy(client, client->enumerations);
}
