#include "dispatch.h"

#include "service.h"

enum call_flags {
    NO_SESSION = 1, /* comes before EngineOpen; all others need a session */
    LOCKS = 2,      /* may have to wait for the writer's lock */
};

static const struct {
    call_fn *run;
    unsigned flags;
} calls[] = {
    [RPC__REQUEST__CALL_OPEN] = {call_open, NO_SESSION},
    [RPC__REQUEST__CALL_CLOSE] = {call_close},
    [RPC__REQUEST__CALL_ATTACH] = {call_attach, NO_SESSION},
    [RPC__REQUEST__CALL_TXN_BEGIN] = {call_txn_begin, LOCKS},
    [RPC__REQUEST__CALL_TXN_COMMIT] = {call_txn_commit},
    [RPC__REQUEST__CALL_TXN_ABORT] = {call_txn_abort},
    [RPC__REQUEST__CALL_OPTION_GET] = {call_option_get},
    [RPC__REQUEST__CALL_OPTION_SET] = {call_option_set, LOCKS},
    [RPC__REQUEST__CALL_ADD] = {call_add, LOCKS},
    [RPC__REQUEST__CALL_ADD_MANY] = {call_add_many},
    [RPC__REQUEST__CALL_DELETE_MANY] = {call_delete_many},
    [RPC__REQUEST__CALL_DELETE] = {call_delete, LOCKS},
    [RPC__REQUEST__CALL_GET] = {call_get},
    [RPC__REQUEST__CALL_ENUM_CREATE] = {call_enum_create},
    [RPC__REQUEST__CALL_ENUM_NEXT] = {call_enum_next},
    [RPC__REQUEST__CALL_ENUM_DESTROY] = {call_enum_destroy},
    [RPC__REQUEST__CALL_SUBSCRIBE] = {call_subscribe},
    [RPC__REQUEST__CALL_UNSUBSCRIBE] = {call_unsubscribe},
    [RPC__REQUEST__CALL_SECURITY_GET] = {call_security_get},
    [RPC__REQUEST__CALL_SECURITY_SET] = {call_security_set, LOCKS},
    [RPC__REQUEST__CALL_EXPLAIN] = {call_explain},
    [RPC__REQUEST__CALL_CALLOUT_LOAD] = {call_callout_load, LOCKS},
    [RPC__REQUEST__CALL_CALLOUT_UNLOAD] = {call_callout_unload, LOCKS},
    [RPC__REQUEST__CALL_CALLOUT_LIST] = {call_callout_list},
    [RPC__REQUEST__CALL_REPORT] = {call_report},
    [RPC__REQUEST__CALL_CLASSIFIER] = {call_classifier},
    [RPC__REQUEST__CALL_HELD_LIST] = {call_held_list},
    [RPC__REQUEST__CALL_HELD_ANSWER] = {call_held_answer},
    [RPC__REQUEST__CALL_FLOW_LIST] = {call_flow_list},
    [RPC__REQUEST__CALL_COLLECT] = {call_collect},
    [RPC__REQUEST__CALL_HOLD] = {call_hold},
    [RPC__REQUEST__CALL_DRIVER_LOAD] = {call_driver_load},
    [RPC__REQUEST__CALL_DRIVER_UNLOAD] = {call_driver_unload},
    [RPC__REQUEST__CALL_DRIVER_LIST] = {call_driver_list},
    [RPC__REQUEST__CALL_DRIVER_CALLOUT_REGISTER] = {call_driver_callout_register},
    [RPC__REQUEST__CALL_DRIVER_CALLOUT_UNREGISTER] = {call_driver_callout_unregister},
    [RPC__REQUEST__CALL_DRIVER_READY] = {call_driver_ready},
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

static bool known(const Rpc__Request *request)
{
    size_t call = (size_t)request->call_case;

    return call < CALLS && calls[call].run;
}

bool dispatch_must_wait(const struct client *client)
{
    const Rpc__Request *request = client->request;

    return known(request) && (calls[request->call_case].flags & LOCKS) && client->session &&
           !model_txn_in_progress(client->session) && !parking_empty(&client->service->parking);
}

uint32_t dispatch(struct client *client)
{
    const Rpc__Request *request = client->request;

    if (!known(request))
        return client_error(client, ERROR_NOT_SUPPORTED,
                            "this service does not know that call; it is older than the library");
    if (client->sender)
        return client_error(client, ERROR_INVALID_PARAMETER,
                            "a connection that receives deliveries takes no requests");
    if (calls[request->call_case].flags & NO_SESSION) {
        if (client->session)
            return client_error(client, ERROR_INVALID_PARAMETER,
                                "this connection has a session already; use one of its own");
    } else if (!client->session) {
        return client_error(client, FWP_E_SESSION_ABORTED,
                            "there is no session on this connection; open the engine first");
    }
    return calls[request->call_case].run(client, request);
}
