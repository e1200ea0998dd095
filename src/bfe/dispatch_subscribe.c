/* Subscriptions, and what a session wants collected. */
#include "dispatch.h"

#include "service.h"

uint32_t call_subscribe(struct client *client, const Rpc__Request *request)
{
    return subscription_add(client, request->subscribe);
}

uint32_t call_unsubscribe(struct client *client, const Rpc__Request *request)
{
    return subscription_remove(client, request->unsubscribe->cookie);
}

uint32_t call_collect(struct client *client, const Rpc__Request *request)
{
    const uint32_t known = OPENWFP_COLLECT_DROPS | OPENWFP_COLLECT_ALLOWS |
                           OPENWFP_COLLECT_LIFECYCLES | OPENWFP_COLLECT_ALL;
    uint32_t mask = request->collect->mask, code;

    if (mask & ~known)
        return client_error(client, FWP_E_INVALID_FLAGS, "0x%x is not an OPENWFP_COLLECT_* flag",
                            mask & ~known);
    code = model_access_check(client->session, MODEL_NET_EVENT, FWPM_ACTRL_SUBSCRIBE,
                              &client->convert.error);
    if (code == ERROR_SUCCESS)
        client->collect = mask;
    return code;
}
