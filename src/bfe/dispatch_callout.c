/* Callouts' code in the kernel: loading, unloading, listing. */
#include "dispatch.h"

#include <string.h>
#include <time.h>

#include "log.h"
#include "service.h"

#define NAME_MAX_BYTES 255u

/* Code runs in the kernel: only administrators, whatever the descriptors say. */
static uint32_t check_allowed(struct client *client, uint32_t rights)
{
    if (!client->peer.caller.privileged)
        return client_error(client, ERROR_ACCESS_DENIED,
                            "only root and members of the administrators' group may load or "
                            "unload callout code");
    return model_access_check(client->session, MODEL_CALLOUT, rights, &client->convert.error);
}

static uint64_t filetime_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return event_filetime((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}

/* What the callout had before is put back, when what it has now can't be kept. */
static uint32_t keep_code(struct client *client, const GUID *key,
                          const struct engine_object *before)
{
    struct engine *engine = &client->service->engine;
    uint32_t code = store_keep_code(&client->service->store, key, &client->convert.error);
    struct model_error second = {0};
    uint32_t id, undone;

    if (code == ERROR_SUCCESS)
        return code;
    undone = before->bytes ? engine_code_load(engine, key, before, &id, &second)
                           : engine_code_unload(engine, key, &second);
    if (undone != ERROR_SUCCESS)
        log_line(LOG_ERR, "a callout's code can't be kept, and stays until bfe ends: %s",
                 second.text);
    return code;
}

static uint32_t load_and_keep(struct client *client, const GUID *key,
                              const struct engine_object *wanted, uint32_t *id)
{
    struct engine *engine = &client->service->engine;
    struct engine_object before;
    uint32_t code;

    if (!engine_code_copy(engine, key, &before))
        return client_no_memory(client);
    code = engine_code_load(engine, key, wanted, id, &client->convert.error);
    if (code == ERROR_SUCCESS)
        code = keep_code(client, key, &before);
    engine_code_copy_free(&before);
    return code;
}

static uint32_t unload_and_keep(struct client *client, const GUID *key)
{
    struct engine *engine = &client->service->engine;
    struct model_error *error = &client->convert.error;
    struct engine_object before;
    uint32_t code;

    if (!engine_code_copy(engine, key, &before))
        return client_no_memory(client);
    code = engine_code_unload(engine, key, error);
    if (code == ERROR_SUCCESS)
        code = keep_code(client, key, &before);
    engine_code_copy_free(&before);
    return code;
}

static uint32_t load(struct client *client, const Rpc__CalloutLoad *request, Rpc__Added *added,
                     GUID *key)
{
    const struct engine_object wanted = {
        .time = filetime_now(),
        .name = request->name,
        .bytes = request->object.data,
        .size = request->object.len,
    };
    uint32_t code, id = 0;

    if (!decode_guid(&client->convert, "calloutKey", request->key, key))
        return client->convert.error.code;
    if (!request->object.len || request->object.len > RPC_MAX_OBJECT ||
        strlen(request->name) > NAME_MAX_BYTES)
        return client_error(client, ERROR_INVALID_PARAMETER,
                            "a callout's object file has 1 to %u bytes and a name of at most %u",
                            RPC_MAX_OBJECT, NAME_MAX_BYTES);
    code = load_and_keep(client, key, &wanted, &id);
    if (code != ERROR_SUCCESS)
        return code;
    added->key = encode_guid(key);
    added->id = id;
    return ERROR_SUCCESS;
}

uint32_t call_callout_load(struct client *client, const Rpc__Request *request)
{
    Rpc__Added *added = client_message(client, &rpc__added__descriptor);
    GUID *key = arena_alloc(&client->arena, sizeof(*key));
    uint32_t code;

    if (!added || !key)
        return client_no_memory(client);
    code = check_allowed(client, FWPM_ACTRL_ADD);
    if (code == ERROR_SUCCESS)
        code = load(client, request->callout_load, added, key);
    if (code != ERROR_SUCCESS)
        return code;
    log_line(LOG_NOTICE, "callout %s was loaded by %s", request->callout_load->name,
             client_text(client, (char[CLIENT_TEXT_SIZE]){0}));
    client->reply.added = added;
    client->reply.result_case = RPC__REPLY__RESULT_ADDED;
    return ERROR_SUCCESS;
}

uint32_t call_callout_unload(struct client *client, const Rpc__Request *request)
{
    uint32_t code = check_allowed(client, FWPM_ACTRL_ADD);
    GUID key;

    if (code != ERROR_SUCCESS)
        return code;
    if (!decode_guid(&client->convert, "calloutKey", request->callout_unload->key, &key))
        return client->convert.error.code;
    return unload_and_keep(client, &key);
}

uint32_t call_callout_list(struct client *client, const Rpc__Request *request)
{
    const struct engine *engine = &client->service->engine;
    OPENWFP_LOADED_CALLOUT *shown = arena_array(&client->arena, ENGINE_CODES, sizeof(*shown));
    uint32_t code;

    code =
        model_access_check(client->session, MODEL_CALLOUT, FWPM_ACTRL_ENUM, &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    if (!shown)
        return client_no_memory(client);
    for (size_t i = 0; i < engine->code_count; i++) {
        const struct engine_code *loaded = &engine->codes[i];
        const struct engine_object *object = &engine->slots[loaded->slot];

        shown[i] = (OPENWFP_LOADED_CALLOUT){
            .calloutKey = loaded->key,
            .name = object->name,
            .calloutId = loaded->id,
            .slot = loaded->slot,
            .objectSize = (UINT32)object->size,
            .loadTime = {(uint32_t)object->time, (uint32_t)(object->time >> 32)},
        };
    }
    client->reply.loaded_callouts =
        encode_loaded_callouts(&client->convert, engine->code_count, shown);
    if (!client->reply.loaded_callouts)
        return client->convert.error.code;
    client->reply.result_case = RPC__REPLY__RESULT_LOADED_CALLOUTS;
    return ERROR_SUCCESS;
}
