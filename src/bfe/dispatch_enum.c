/*
 * Enumerations. A reply is bounded: it may hold fewer objects than were asked for, and says whether
 * it is the last.
 */
#include "dispatch.h"

#include <stddef.h>

#include "service.h"

#define REPLY_ENOUGH (1u << 20) /* no more objects are put into a reply of this size */
#define REPLY_COUNT  4096u
#define KIND_SHIFT   56 /* a handle on the wire carries its kind in its highest byte */

/* Where the objects of a kind are in Rpc__Objects. */
#define PLACE(field)                                                                               \
    {                                                                                              \
        offsetof(Rpc__Objects, n_##field), offsetof(Rpc__Objects, field)                           \
    }
static const struct {
    size_t count, array;
} places[MODEL_KINDS] = {
    [MODEL_PROVIDER] = PLACE(providers), [MODEL_PROVIDER_CONTEXT] = PLACE(provider_contexts),
    [MODEL_SUBLAYER] = PLACE(sublayers), [MODEL_CALLOUT] = PLACE(callouts),
    [MODEL_FILTER] = PLACE(filters),     [MODEL_LAYER] = PLACE(layers),
    [MODEL_SESSION] = PLACE(sessions),   [MODEL_NET_EVENT] = PLACE(net_events),
};

static size_t *count_in(Rpc__Objects *objects, enum model_kind kind)
{
    return (size_t *)(void *)((char *)objects + places[kind].count);
}

static ProtobufCMessage ***array_in(Rpc__Objects *objects, enum model_kind kind)
{
    return (ProtobufCMessage ***)(void *)((char *)objects + places[kind].array);
}

/* ---- where objects come from ---- */

struct source {
    struct client *client;
    uint64_t handle;
    struct event_enum *events; /* NULL: an enumeration of the model */
    enum model_kind kind;
};

/* One object; *object NULL at the end. */
static uint32_t next_object(struct source *source, const void **object)
{
    struct client *client = source->client;
    const struct logged_event *logged;
    struct model_object given;
    size_t count = 0;
    uint32_t code;

    *object = NULL;
    if (source->events) {
        logged = event_enum_next(source->events, &client->service->events);
        if (logged && !(*object = event_present(logged, &client->arena)))
            return client_no_memory(client);
        return ERROR_SUCCESS;
    }
    code =
        model_enum_next(client->session, source->handle, &given, 1, &count, &client->convert.error);
    if (code != ERROR_SUCCESS || !count)
        return code;
    *object = given.any;
    return ERROR_SUCCESS;
}

static uint32_t append(struct source *source, const void *object, Rpc__Objects *reply, size_t *size)
{
    struct client *client = source->client;
    Rpc__Objects *one = encode_objects(&client->convert, source->kind, 1, &object);
    ProtobufCMessage **array = *array_in(reply, source->kind);
    ProtobufCMessage *message;

    if (!one)
        return client->convert.error.code;
    if (!array) {
        array = arena_array(&client->arena, REPLY_COUNT, sizeof(*array));
        if (!array)
            return client_no_memory(client);
        *array_in(reply, source->kind) = array;
    }
    message = (*array_in(one, source->kind))[0];
    array[(*count_in(reply, source->kind))++] = message;
    *size += protobuf_c_message_get_packed_size(message);
    return ERROR_SUCCESS;
}

static uint32_t fill(struct source *source, uint32_t wanted, Rpc__Objects *reply)
{
    size_t size = 0;
    const void *object;
    uint32_t code;

    if (wanted > REPLY_COUNT)
        wanted = REPLY_COUNT;
    for (uint32_t i = 0; i < wanted && size < REPLY_ENOUGH; i++) {
        code = next_object(source, &object);
        if (code != ERROR_SUCCESS)
            return code;
        if (!object) {
            reply->end = true;
            return ERROR_SUCCESS;
        }
        code = append(source, object, reply, &size);
        if (code != ERROR_SUCCESS)
            return code;
    }
    return ERROR_SUCCESS;
}

/* ---- the calls ---- */

/* The handle on the wire: who asks for the next objects need not say of which kind. */
static bool find_source(struct client *client, uint64_t handle, struct source *source)
{
    *source = (struct source){
        .client = client,
        .handle = handle & ((1ull << KIND_SHIFT) - 1),
        .kind = (enum model_kind)(handle >> KIND_SHIFT),
    };
    if (source->kind == MODEL_NET_EVENT)
        source->events = event_enum_find(client, source->handle);
    if (source->kind < MODEL_NET_EVENT || source->events)
        return true;
    client_error(client, FWP_E_NOT_FOUND, "there is no such enumeration");
    return false;
}

uint32_t call_enum_next(struct client *client, const Rpc__Request *request)
{
    const Rpc__EnumNext *next = request->enum_next;
    Rpc__Objects *reply = client_message(client, &rpc__objects__descriptor);
    struct source source;
    uint32_t code;

    if (!reply)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (!find_source(client, next->handle, &source))
        return FWP_E_NOT_FOUND;
    reply->kind = (Rpc__Kind)source.kind;
    code = fill(&source, next->wanted, reply);
    if (code != ERROR_SUCCESS)
        return code;
    client->reply.objects = reply;
    client->reply.result_case = RPC__REPLY__RESULT_OBJECTS;
    return ERROR_SUCCESS;
}

static uint32_t create(struct client *client, const Rpc__EnumCreate *request, enum model_kind kind,
                       uint64_t *handle)
{
    const void *template_ = NULL;

    if (kind == MODEL_NET_EVENT)
        return event_enum_create(client, request->template_, handle);
    if (!decode_template(&client->convert, kind, request->template_, &template_))
        return client->convert.error.code;
    return model_enum_create(client->session, kind, template_, handle, &client->convert.error);
}

uint32_t call_enum_create(struct client *client, const Rpc__Request *request)
{
    Rpc__Handle *message = client_message(client, &rpc__handle__descriptor);
    enum model_kind kind;
    uint32_t code;

    if (!message)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (!decode_kind(&client->convert, request->enum_create->kind, &kind))
        return client->convert.error.code;
    code = create(client, request->enum_create, kind, &message->handle);
    if (code != ERROR_SUCCESS)
        return code;
    message->handle |= (uint64_t)kind << KIND_SHIFT;
    client->reply.handle = message;
    client->reply.result_case = RPC__REPLY__RESULT_HANDLE;
    return ERROR_SUCCESS;
}

uint32_t call_enum_destroy(struct client *client, const Rpc__Request *request)
{
    struct source source;

    if (!find_source(client, request->enum_destroy->handle, &source))
        return FWP_E_NOT_FOUND;
    if (!source.events)
        return model_enum_destroy(client->session, source.handle, &client->convert.error);
    event_enum_destroy(client, source.events);
    return ERROR_SUCCESS;
}
