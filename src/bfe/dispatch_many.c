/* Many filters in one request, and several such requests under way. */
#include "dispatch.h"

#include "service.h"

static uint32_t check(struct client *client, bool follows)
{
    if (follows && client->many_failed)
        return client_error(client, ERROR_CANCELLED, "a request before this one failed");
    client->many_failed = false;
    if (!model_txn_in_progress(client->session))
        return client_error(client, FWP_E_NO_TXN_IN_PROGRESS,
                            "many filters are added or deleted inside a transaction only; begin "
                            "one");
    return ERROR_SUCCESS;
}

static uint32_t add(struct client *client, const Rpc__Filter *message, uint64_t *id)
{
    FWPM_FILTER0 filter = {0};

    if (!decode_filter(&client->convert, message, &filter))
        return client->convert.error.code;
    return model_filter_add(client->session, &filter, NULL, NULL, id, &client->convert.error);
}

static uint32_t add_many(struct client *client, const Rpc__AddMany *many)
{
    Rpc__AddedMany *message = client_message(client, &rpc__added_many__descriptor);
    uint32_t code = check(client, many->follows);

    if (code != ERROR_SUCCESS)
        return code;
    if (!message ||
        !(message->ids = arena_array(&client->arena, many->n_filters + 1, sizeof(*message->ids))))
        return client_no_memory(client);
    client->reply.added_many = message;
    client->reply.result_case = RPC__REPLY__RESULT_ADDED_MANY;
    for (size_t i = 0; code == ERROR_SUCCESS && i < many->n_filters; i++) {
        code = add(client, many->filters[i], &message->ids[i]);
        message->n_ids += code == ERROR_SUCCESS;
    }
    return code;
}

static uint32_t delete_many(struct client *client, const Rpc__DeleteMany *many)
{
    Rpc__DeletedMany *message = client_message(client, &rpc__deleted_many__descriptor);
    uint32_t code = check(client, many->follows);

    if (code != ERROR_SUCCESS)
        return code;
    if (!message)
        return client_no_memory(client);
    client->reply.deleted_many = message;
    client->reply.result_case = RPC__REPLY__RESULT_DELETED_MANY;
    for (size_t i = 0; code == ERROR_SUCCESS && i < many->n_ids; i++) {
        code =
            model_delete_by_id(client->session, MODEL_FILTER, many->ids[i], &client->convert.error);
        message->count += code == ERROR_SUCCESS;
    }
    return code;
}

static uint32_t remember(struct client *client, uint32_t code)
{
    client->many_failed = code != ERROR_SUCCESS;
    return code;
}

/* Replies: the ids of those that are in, also when one failed … */
uint32_t call_add_many(struct client *client, const Rpc__Request *request)
{
    return remember(client, add_many(client, request->add_many));
}

/* … and how many are out. */
uint32_t call_delete_many(struct client *client, const Rpc__Request *request)
{
    return remember(client, delete_many(client, request->delete_many));
}
