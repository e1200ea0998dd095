/* Sessions, transactions, engine options. */
#include "dispatch.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "service.h"

/* ---- opening and closing ---- */

static uint32_t answer_opened(struct client *client)
{
    Rpc__Opened *opened = client_message(client, &rpc__opened__descriptor);

    if (!opened)
        return ERROR_NOT_ENOUGH_MEMORY;
    opened->token = (ProtobufCBinaryData){RPC_TOKEN_SIZE, client->token};
    opened->key = encode_guid(&model_session_info(client->session)->sessionKey);
    client->reply.opened = opened;
    client->reply.result_case = RPC__REPLY__RESULT_OPENED;
    return ERROR_SUCCESS;
}

uint32_t call_open(struct client *client, const Rpc__Request *request)
{
    const Rpc__Open *open = request->open;
    FWPM_SESSION0 wanted = {0};
    uint32_t code;

    if (open->version != RPC_VERSION)
        return client_error(client, ERROR_NOT_SUPPORTED,
                            "the library speaks version %u of the protocol, the service %u",
                            open->version, RPC_VERSION);
    if (open->session && !decode_session(&client->convert, open->session, &wanted))
        return client->convert.error.code;
    if (getrandom(client->token, sizeof(client->token), 0) != sizeof(client->token))
        return client_error(client, ERROR_NOT_READY, "the system has no randomness to give yet");
    code =
        model_session_open(client->service->model, open->session ? &wanted : NULL,
                           &client->peer.caller, client, &client->session, &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    code = answer_opened(client);
    if (code != ERROR_SUCCESS)
        client_end_session(client);
    return code;
}

uint32_t call_close(struct client *client, const Rpc__Request *request)
{
    client_end_session(client);
    return ERROR_SUCCESS;
}

/* The token is known to the session's owner only; that it is the same user is checked as well. */
uint32_t call_attach(struct client *client, const Rpc__Request *request)
{
    const ProtobufCBinaryData *token = &request->attach->token;
    struct client *sender = NULL;

    if (token->len == RPC_TOKEN_SIZE)
        sender = server_find(&client->service->server, token->data);
    if (!sender || sender->peer.caller.uid != client->peer.caller.uid)
        return client_error(client, FWP_E_SESSION_ABORTED,
                            "no session has this token; it may have ended");
    if (sender->receiver)
        return client_error(client, FWP_E_ALREADY_EXISTS,
                            "this session has a receiving connection already");
    sender->receiver = client;
    client->sender = sender;
    return ERROR_SUCCESS;
}

/* ---- transactions ---- */

uint32_t call_txn_begin(struct client *client, const Rpc__Request *request)
{
    return model_txn_begin(client->session, request->txn_begin->flags, &client->convert.error);
}

uint32_t call_txn_commit(struct client *client, const Rpc__Request *request)
{
    return model_txn_commit(client->session, &client->convert.error);
}

uint32_t call_txn_abort(struct client *client, const Rpc__Request *request)
{
    return model_txn_abort(client->session, &client->convert.error);
}

/* ---- options ---- */

uint32_t call_option_get(struct client *client, const Rpc__Request *request)
{
    FWP_VALUE0 value;
    uint32_t code;

    code = model_engine_get_option(client->session, (FWPM_ENGINE_OPTION)request->option_get->option,
                                   &value, &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    client->reply.option = encode_value(&client->convert, &value);
    if (!client->reply.option)
        return client->convert.error.code;
    client->reply.result_case = RPC__REPLY__RESULT_OPTION;
    return ERROR_SUCCESS;
}

/* What can't be kept is not in force. */
static uint32_t keep_option(struct client *client, FWPM_ENGINE_OPTION option, uint32_t before)
{
    const FWP_VALUE0 value = {.type = FWP_UINT32, .uint32 = before};
    uint32_t code = store_keep_option(&client->service->store, option, &client->convert.error);

    if (code != ERROR_SUCCESS)
        model_engine_set_option(client->session, option, &value, NULL);
    return code;
}

uint32_t call_option_set(struct client *client, const Rpc__Request *request)
{
    const Rpc__OptionSet *set = request->option_set;
    const FWPM_ENGINE_OPTION option = (FWPM_ENGINE_OPTION)set->option;
    FWP_VALUE0 value = {0};
    uint32_t code, before;

    if (!set->value)
        return client_error(client, FWP_E_NULL_POINTER, "newValue is missing");
    if (!decode_value(&client->convert, set->value, &value))
        return client->convert.error.code;
    before = model_engine_option(client->service->model, option);
    code = model_engine_set_option(client->session, option, &value, &client->convert.error);
    return code == ERROR_SUCCESS ? keep_option(client, option, before) : code;
}
