/* Explaining: what would be answered now, and by whom. */
#include "dispatch.h"

#include "explain.h"
#include "service.h"

/* Names are for people: those the caller may not read are left out. */
static void name_step(struct client *client, OPENWFP_EXPLAIN_STEP *step)
{
    struct model_object object;

    if (model_get_by_id(client->session, MODEL_FILTER, step->filterId, &object, NULL) !=
        ERROR_SUCCESS)
        return;
    step->filterName = object.filter->displayData.name;
    step->subLayerKey = object.filter->subLayerKey;
    if (object.filter->effectiveWeight.type == FWP_UINT64)
        step->weight = *object.filter->effectiveWeight.uint64;
    if (model_get_by_key(client->session, MODEL_SUBLAYER, &step->subLayerKey, &object, NULL) ==
        ERROR_SUCCESS)
        step->subLayerName = object.sublayer->displayData.name;
}

static uint32_t find_key(struct client *client, const OPENWFP_EXPLAIN_REQUEST *request,
                         struct classify_walk *walk)
{
    const struct engine *engine = &client->service->engine;
    const struct logged_event *logged;
    uint32_t code;

    if (!request->eventId)
        return explain_key(&client->convert, engine, request, walk) ? ERROR_SUCCESS
                                                                    : client->convert.error.code;
    code = model_access_check(client->session, MODEL_NET_EVENT, FWPM_ACTRL_READ,
                              &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    logged = event_log_find(&client->service->events, request->eventId);
    if (!logged)
        return client_error(client, FWP_E_NOT_FOUND,
                            "net event %llu is not in the log (any more); the log has %llu to %llu",
                            (unsigned long long)request->eventId,
                            (unsigned long long)event_log_first(&client->service->events),
                            (unsigned long long)client->service->events.next - 1);
    explain_event_key(engine, &logged->event, walk);
    return ERROR_SUCCESS;
}

uint32_t call_explain(struct client *client, const Rpc__Request *request)
{
    OPENWFP_EXPLAIN_REQUEST *asked = arena_alloc(&client->arena, sizeof(*asked));
    OPENWFP_EXPLANATION *explanation = arena_alloc(&client->arena, sizeof(*explanation));
    struct classify_walk walk;
    uint32_t code;

    if (!asked || !explanation)
        return client_no_memory(client);
    if (!decode_explain(&client->convert, request->explain, asked))
        return client->convert.error.code;
    code = model_access_check(client->session, MODEL_ENGINE, FWPM_ACTRL_CLASSIFY,
                              &client->convert.error);
    if (code == ERROR_SUCCESS)
        code = find_key(client, asked, &walk);
    if (code != ERROR_SUCCESS)
        return code;
    if (!explain_walk(&client->convert, &client->service->engine, &walk, explanation))
        return client_no_memory(client);
    for (UINT32 i = 0; i < explanation->numSteps; i++)
        name_step(client, &explanation->steps[i]);
    client->reply.explained = encode_explanation(&client->convert, explanation);
    if (!client->reply.explained)
        return client->convert.error.code;
    client->reply.result_case = RPC__REPLY__RESULT_EXPLAINED;
    return ERROR_SUCCESS;
}
