#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client.h"

bool call_begin(struct call *call, HANDLE engineHandle)
{
    struct engine *engine = engine_of(engineHandle);

    *call = (struct call){.engine = engine};
    if (!engine) {
        call_refuse(call, ERROR_INVALID_HANDLE, "the engine handle is not one that is open");
        return false;
    }
    pthread_mutex_lock(&engine->lock);
    rpc__request__init(&call->request);
    call->converter.arena = &engine->arena;
    if (!engine->dead)
        return true;
    return call_refuse(call, FWP_E_SESSION_ABORTED,
                       "the connection to the base filtering engine is lost: close the handle and "
                       "open another");
}

bool call_refuse(struct call *call, DWORD code, const char *text)
{
    call->code = code;
    snprintf(call->text, sizeof(call->text), "%s", text);
    return false;
}

bool call_failed(struct call *call)
{
    return call_refuse(call, call->converter.error.code, call->converter.error.text);
}

bool call_needs(struct call *call, const void *pointer, const char *name)
{
    char text[96];

    if (pointer)
        return true;
    snprintf(text, sizeof(text), "%s is a null pointer", name);
    return call_refuse(call, FWP_E_NULL_POINTER, text);
}

static bool lost(struct call *call)
{
    call->engine->dead = true;
    return call_refuse(call, FWP_E_SESSION_ABORTED,
                       "the base filtering engine closed the connection during the call");
}

bool call_post(struct call *call, uint32_t *id)
{
    struct engine *engine = call->engine;
    int code;

    *id = call->request.id = ++engine->last_id;
    code = socket_send(engine->fd, &engine->writer, &call->request);
    if (code == -EMSGSIZE)
        return call_refuse(call, ERROR_INVALID_PARAMETER, "the request is too big");
    return code == 0 || lost(call);
}

bool call_receive(struct call *call, uint32_t id, Rpc__Reply__ResultCase result)
{
    struct engine *engine = call->engine;

    call->reply = socket_receive(engine->fd, &engine->reader, id, &call->converter);
    if (!call->reply)
        return lost(call);
    if (call->reply->code != ERROR_SUCCESS)
        return call_refuse(call, call->reply->code, call->reply->text);
    if (result == RPC__REPLY__RESULT__NOT_SET || call->reply->result_case == result)
        return true;
    engine->dead = true;
    return call_refuse(call, FWP_E_SESSION_ABORTED, "the service does not speak this protocol");
}

bool call_send(struct call *call, Rpc__Reply__ResultCase result)
{
    uint32_t id;

    return call_post(call, &id) && call_receive(call, id, result);
}

bool call_own(struct call *call)
{
    call->result = result_new(CLIENT_REPLY_MEMORY);
    if (!call->result)
        return call_refuse(call, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    call->converter.arena = &call->result->arena;
    return true;
}

bool call_send_keep(struct call *call, Rpc__Reply__ResultCase result)
{
    return call_own(call) && call_send(call, result);
}

void *call_payload(struct call *call, size_t size)
{
    void *payload = result_payload(call->result, size);

    if (!payload)
        call_refuse(call, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    return payload;
}

void *call_keep(struct call *call, void *payload)
{
    call->result = NULL;
    return payload;
}

void call_give(struct call *call, void **objects, size_t count, void ***entries, UINT32 *returned)
{
    void **payload = call_payload(call, count * sizeof(*payload));

    if (!payload)
        return;
    if (count)
        memcpy(payload, objects, count * sizeof(*payload));
    *returned = (UINT32)count;
    *entries = call_keep(call, payload);
}

DWORD call_end(struct call *call)
{
    DWORD code = error_take(call->code, call->text);

    result_free(call->result);
    if (call->engine) {
        arena_reset(&call->engine->arena);
        pthread_mutex_unlock(&call->engine->lock);
    }
    return code;
}
