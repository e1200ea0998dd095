/* Security descriptors of objects and containers (rule 24.3). */
#include "dispatch.h"

#include <stdlib.h>

#include "service.h"

struct target {
    enum model_kind kind;
    GUID *key; /* NULL: the container */
};

static bool decode_target(struct client *client, Rpc__Kind kind, ProtobufCBinaryData key,
                          struct target *target)
{
    return decode_kind(&client->convert, kind, &target->kind) &&
           decode_guid_pointer(&client->convert, "key", key, &target->key);
}

uint32_t call_security_get(struct client *client, const Rpc__Request *request)
{
    const Rpc__SecurityGet *get = request->security_get;
    Rpc__Security *message = client_message(client, &rpc__security__descriptor);
    struct target target;
    FWP_BYTE_BLOB sd = {0};
    uint32_t code;

    if (!message)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (!decode_target(client, get->kind, get->key, &target))
        return client->convert.error.code;
    code = model_security_get(client->session, target.kind, target.key, get->information, &sd,
                              &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    message->sd.data = arena_copy(&client->arena, sd.data, sd.size);
    message->sd.len = sd.size;
    free(sd.data);
    if (!message->sd.data)
        return client_no_memory(client);
    client->reply.security = message;
    client->reply.result_case = RPC__REPLY__RESULT_SECURITY;
    return ERROR_SUCCESS;
}

/* Sets it, keeps it, or takes it back. */
static uint32_t set_and_keep(struct client *client, const struct target *target,
                             SECURITY_INFORMATION parts, const FWP_BYTE_BLOB *sd)
{
    struct store *store = &client->service->store;
    struct model_error *error = &client->convert.error;
    FWP_BYTE_BLOB before = {0};
    /* What only this client's transaction has is not found; it is not kept yet either. */
    uint32_t found =
        model_security_get(store->session, target->kind, target->key, parts, &before, NULL);
    uint32_t code =
        model_security_set(client->session, target->kind, target->key, parts, sd, error);

    if (code == ERROR_SUCCESS && found == ERROR_SUCCESS) {
        code = store_keep_security(store, target->kind, target->key, error);
        if (code != ERROR_SUCCESS)
            model_security_set(store->session, target->kind, target->key, parts, &before, NULL);
    }
    free(before.data);
    return code;
}

uint32_t call_security_set(struct client *client, const Rpc__Request *request)
{
    const Rpc__SecuritySet *set = request->security_set;
    const FWP_BYTE_BLOB sd = {(UINT32)set->sd.len, set->sd.data};
    struct target target;

    if (!decode_target(client, set->kind, set->key, &target))
        return client->convert.error.code;
    return set_and_keep(client, &target, set->information, &sd);
}
