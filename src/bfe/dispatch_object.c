/* Deleting and getting objects. */
#include "dispatch.h"

/* Which object a request means. */
struct which {
    enum model_kind kind;
    GUID key;
};

static bool decode_which(struct client *client, const Rpc__Which *message, struct which *which)
{
    *which = (struct which){0};
    if (!decode_kind(&client->convert, message->kind, &which->kind))
        return false;
    /* The zero GUID travels as no bytes. */
    if (!message->by_key || !message->key.len)
        return true;
    return decode_guid(&client->convert, "key", message->key, &which->key);
}

uint32_t call_delete(struct client *client, const Rpc__Request *request)
{
    const Rpc__Which *message = request->delete_;
    struct which which;

    if (!decode_which(client, message, &which))
        return client->convert.error.code;
    if (message->by_key)
        return model_delete_by_key(client->session, which.kind, &which.key, &client->convert.error);
    return model_delete_by_id(client->session, which.kind, message->id, &client->convert.error);
}

static uint32_t find(struct client *client, const Rpc__Which *message, struct model_object *object)
{
    struct which which;

    if (!decode_which(client, message, &which))
        return client->convert.error.code;
    if (message->by_key)
        return model_get_by_key(client->session, which.kind, &which.key, object,
                                &client->convert.error);
    return model_get_by_id(client->session, which.kind, message->id, object,
                           &client->convert.error);
}

uint32_t call_get(struct client *client, const Rpc__Request *request)
{
    struct model_object object;
    uint32_t code;

    code = find(client, request->get, &object);
    if (code != ERROR_SUCCESS)
        return code;
    client->reply.objects = encode_objects(&client->convert, object.kind, 1, &object.any);
    if (!client->reply.objects)
        return client->convert.error.code;
    client->reply.result_case = RPC__REPLY__RESULT_OBJECTS;
    return ERROR_SUCCESS;
}
