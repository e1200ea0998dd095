/* Questions of hold filters. */
#include "dispatch.h"

#include "log.h"
#include "service.h"

uint32_t dispatch_held_allowed(struct client *client)
{
    if (client->peer.caller.privileged)
        return ERROR_SUCCESS;
    return client_error(client, ERROR_ACCESS_DENIED,
                        "only root and members of the administrators' group may see and answer "
                        "what is held");
}

uint32_t call_held_list(struct client *client, const Rpc__Request *request)
{
    uint32_t code = dispatch_held_allowed(client);
    const OPENWFP_HELD *held;
    size_t count;

    if (code != ERROR_SUCCESS)
        return code;
    held = broker_list(client->service->broker, &client->arena, &count);
    if (!held)
        return client_no_memory(client);
    client->reply.held_list = encode_held_list(&client->convert, count, held);
    if (!client->reply.held_list)
        return client->convert.error.code;
    client->reply.result_case = RPC__REPLY__RESULT_HELD_LIST;
    return ERROR_SUCCESS;
}

uint32_t call_held_answer(struct client *client, const Rpc__Request *request)
{
    const Rpc__HeldAnswer *answer = request->held_answer;
    uint32_t code = dispatch_held_allowed(client);

    if (code != ERROR_SUCCESS)
        return code;
    if (!check_decision(&client->convert, "the answer", answer->action))
        return client->convert.error.code;
    code = broker_answer(client->service->broker, answer->id, answer->action,
                         client->peer.caller.pid, &client->convert.error);
    if (code == ERROR_SUCCESS)
        log_line(LOG_INFO, "question %llu was answered with %s by %s",
                 (unsigned long long)answer->id,
                 answer->action == FWP_ACTION_PERMIT ? "permit" : "block",
                 client_text(client, (char[CLIENT_TEXT_SIZE]){0}));
    return code;
}

uint32_t call_hold(struct client *client, const Rpc__Request *request)
{
    OPENWFP_HOLD report;
    uint32_t code;

    code =
        model_access_check(client->session, MODEL_ENGINE, FWPM_ACTRL_READ, &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    engine_hold_report(&client->service->engine, &report);
    client->reply.hold = encode_hold(&client->convert, &report);
    if (!client->reply.hold)
        return client->convert.error.code;
    client->reply.result_case = RPC__REPLY__RESULT_HOLD;
    return ERROR_SUCCESS;
}
