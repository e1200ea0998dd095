/* Add, delete, get and enumerate: the same for every kind of object. */
#include <string.h>

#include "client.h"

/* ---- add */

bool add_begin(struct addition *addition, HANDLE engineHandle, const void *object,
               PSECURITY_DESCRIPTOR sd)
{
    struct call *call = &addition->call;

    if (!call_begin(call, engineHandle) || !call_needs(call, object, "the object to add"))
        return false;
    rpc__add__init(&addition->message);
    call->request.call_case = RPC__REQUEST__CALL_ADD;
    call->request.add = &addition->message;
    return encode_sd(&call->converter, sd, &addition->message.sd) || call_failed(call);
}

DWORD add_end(struct addition *addition, const void *encoded, UINT64 *id)
{
    struct call *call = &addition->call;

    if (!encoded)
        call_failed(call);
    else if (call_send(call, RPC__REPLY__RESULT_ADDED) && id)
        *id = call->reply->added->id;
    return call_end(call);
}

/* ---- delete */

static DWORD delete_which(struct call *call, Rpc__Which *which)
{
    call->request.call_case = RPC__REQUEST__CALL_DELETE;
    call->request.delete_ = which;
    call_send(call, RPC__REPLY__RESULT__NOT_SET);
    return call_end(call);
}

static void name_by_key(Rpc__Which *which, enum model_kind kind, const GUID *key)
{
    rpc__which__init(which);
    which->kind = (Rpc__Kind)kind;
    which->by_key = true;
    which->key = encode_guid(key);
}

static void name_by_id(Rpc__Which *which, enum model_kind kind, UINT64 id)
{
    rpc__which__init(which);
    which->kind = (Rpc__Kind)kind;
    which->id = id;
}

DWORD object_delete_by_key(HANDLE engineHandle, enum model_kind kind, const GUID *key)
{
    struct call call;
    Rpc__Which which;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, key, "key"))
        return call_end(&call);
    name_by_key(&which, kind, key);
    return delete_which(&call, &which);
}

DWORD object_delete_by_id(HANDLE engineHandle, enum model_kind kind, UINT64 id)
{
    struct call call;
    Rpc__Which which;

    if (!call_begin(&call, engineHandle))
        return call_end(&call);
    name_by_id(&which, kind, id);
    return delete_which(&call, &which);
}

/* ---- get */

static size_t object_size(enum model_kind kind)
{
    switch (kind) {
    case MODEL_PROVIDER:
        return sizeof(FWPM_PROVIDER0);
    case MODEL_PROVIDER_CONTEXT:
        return sizeof(FWPM_PROVIDER_CONTEXT0);
    case MODEL_SUBLAYER:
        return sizeof(FWPM_SUBLAYER0);
    case MODEL_CALLOUT:
        return sizeof(FWPM_CALLOUT0);
    case MODEL_FILTER:
        return sizeof(FWPM_FILTER0);
    default:
        return sizeof(FWPM_LAYER0);
    }
}

/* The one object in the reply, copied to where FwpmFreeMemory0 finds it. */
static void take_object(struct call *call, enum model_kind kind, void **object)
{
    size_t count;
    void **objects, *payload = call_payload(call, object_size(kind));

    if (!payload)
        return;
    if (!decode_objects(&call->converter, kind, call->reply->objects, &count, &objects)) {
        call_failed(call);
    } else if (count != 1) {
        call_refuse(call, FWP_E_NOT_FOUND, "the service answered without an object");
    } else {
        memcpy(payload, objects[0], object_size(kind));
        *object = call_keep(call, payload);
    }
}

static DWORD get_which(struct call *call, Rpc__Which *which, void **object)
{
    if (!call_needs(call, object, "the pointer that takes the object"))
        return call_end(call);
    call->request.call_case = RPC__REQUEST__CALL_GET;
    call->request.get = which;
    if (call_send_keep(call, RPC__REPLY__RESULT_OBJECTS))
        take_object(call, (enum model_kind)which->kind, object);
    return call_end(call);
}

DWORD object_get_by_key(HANDLE engineHandle, enum model_kind kind, const GUID *key, void **object)
{
    struct call call;
    Rpc__Which which;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, key, "key"))
        return call_end(&call);
    name_by_key(&which, kind, key);
    return get_which(&call, &which, object);
}

DWORD object_get_by_id(HANDLE engineHandle, enum model_kind kind, UINT64 id, void **object)
{
    struct call call;
    Rpc__Which which;

    if (!call_begin(&call, engineHandle))
        return call_end(&call);
    name_by_id(&which, kind, id);
    return get_which(&call, &which, object);
}

/* ---- enumerate */

DWORD object_enum_create(HANDLE engineHandle, enum model_kind kind, const void *template_,
                         HANDLE *enumHandle)
{
    Rpc__EnumCreate message = RPC__ENUM_CREATE__INIT;
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, enumHandle, "enumHandle"))
        return call_end(&call);
    message.kind = (Rpc__Kind)kind;
    call.request.call_case = RPC__REQUEST__CALL_ENUM_CREATE;
    call.request.enum_create = &message;
    if (!encode_template(&call.converter, kind, template_, &message.template_))
        call_failed(&call);
    else if (call_send(&call, RPC__REPLY__RESULT_HANDLE))
        *enumHandle = (HANDLE)(uintptr_t)call.reply->handle->handle; /* NOLINT: opaque */
    return call_end(&call);
}

DWORD object_enum_destroy(HANDLE engineHandle, HANDLE enumHandle)
{
    Rpc__EnumDestroy message = RPC__ENUM_DESTROY__INIT;
    struct call call;

    if (!call_begin(&call, engineHandle))
        return call_end(&call);
    message.handle = (uintptr_t)enumHandle;
    call.request.call_case = RPC__REQUEST__CALL_ENUM_DESTROY;
    call.request.enum_destroy = &message;
    call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    return call_end(&call);
}

/* What the replies to several requests have brought so far. */
struct gathering {
    void **objects; /* in the result's arena */
    size_t count, capacity;
    bool end;
};

static bool gather(struct call *call, struct gathering *all, void **objects, size_t count)
{
    if (all->capacity - all->count < count) {
        size_t capacity = (all->count + count) * 2;
        void **grown = arena_array(call->converter.arena, capacity, sizeof(*grown));

        if (!grown)
            return call_refuse(call, ERROR_NOT_ENOUGH_MEMORY, "more objects than fit in memory");
        if (all->count)
            memcpy(grown, all->objects, all->count * sizeof(*grown));
        all->objects = grown;
        all->capacity = capacity;
    }
    if (count)
        memcpy(all->objects + all->count, objects, count * sizeof(*objects));
    all->count += count;
    return true;
}

static bool gather_once(struct call *call, enum model_kind kind, HANDLE enumHandle, UINT32 wanted,
                        struct gathering *all)
{
    Rpc__EnumNext message = RPC__ENUM_NEXT__INIT;
    void **objects;
    size_t count;

    message.handle = (uintptr_t)enumHandle;
    message.wanted = wanted;
    call->request.call_case = RPC__REQUEST__CALL_ENUM_NEXT;
    call->request.enum_next = &message;
    if (!call_send(call, RPC__REPLY__RESULT_OBJECTS))
        return false;
    if (!decode_objects(&call->converter, kind, call->reply->objects, &count, &objects))
        return call_failed(call);
    all->end = call->reply->objects->end || !count;
    return gather(call, all, objects, count);
}

DWORD object_enum(HANDLE engineHandle, enum model_kind kind, HANDLE enumHandle, UINT32 wanted,
                  void ***entries, UINT32 *returned)
{
    struct gathering all = {0};
    struct call call;
    void **payload;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, entries, "entries") ||
        !call_needs(&call, returned, "numEntriesReturned") || !call_own(&call))
        return call_end(&call);
    while (all.count < wanted && !all.end)
        if (!gather_once(&call, kind, enumHandle, wanted - (UINT32)all.count, &all))
            return call_end(&call);
    payload = call_payload(&call, all.count * sizeof(*payload));
    if (payload) {
        if (all.count)
            memcpy(payload, all.objects, all.count * sizeof(*payload));
        *returned = (UINT32)all.count;
        *entries = call_keep(&call, payload);
    }
    return call_end(&call);
}
