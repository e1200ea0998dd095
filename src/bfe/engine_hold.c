#include "engine_hold.h"

#include <stdio.h>

#include <fwpsu.h>

#include "engine.h"
#include "model/guid.h"

/* ---- what a policy needs ---- */

static bool served(const struct engine_host *host, const GUID *key)
{
    for (size_t i = 0; i < host->count; i++)
        if (guid_equal(&host->callouts[i].key, key))
            return true;
    return false;
}

static bool names_host(const struct engine *engine, const FWPM_FILTER0 *filter)
{
    if (!(filter->action.type & FWP_ACTION_FLAG_CALLOUT))
        return false;
    for (const struct engine_host *host = engine->hosts; host; host = host->next)
        if (served(host, &filter->action.calloutKey))
            return true;
    return served(&engine->orphans, &filter->action.calloutKey);
}

static int changes_need(void *ctx, const struct model_view_filter *changed, bool added)
{
    return names_host(ctx, changed->filter);
}

static int asks_host(void *ctx, const struct model_view_filter *filter)
{
    return filter->callout_id && filter->callout_slot == CLASSIFY_USER_CALLOUT;
}

static bool asks_at(const struct model_view *view, uint16_t layer)
{
    return model_view_count(view, layer) && model_view_filters(view, layer, asks_host, NULL);
}

struct engine_need engine_hold_look(const struct engine *engine, const struct model_view *view)
{
    struct engine_need need = {0};

    if (model_view_has_delta(view) && !model_view_changes(view, changes_need, (void *)engine))
        return engine->need;
    if (!engine->hosts && !engine->orphans.count && !engine->need.any)
        return need;
    need.outbound = asks_at(view, FWPS_LAYER_ALE_AUTH_CONNECT_V4) ||
                    asks_at(view, FWPS_LAYER_ALE_AUTH_CONNECT_V6);
    need.inbound = asks_at(view, FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4) ||
                   asks_at(view, FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6);
    need.any = need.outbound || need.inbound;
    for (uint16_t layer = 0; !need.any && layer < FWPS_BUILTIN_LAYER_MAX; layer++)
        need.any = asks_at(view, layer);
    return need;
}

/* ---- the thread ---- */

uint32_t engine_hold_prepare(struct engine *engine, const struct engine_need *need,
                             struct model_error *error)
{
    if (!engine->shim || !need->any)
        return ERROR_SUCCESS;
    error->code = ERROR_NOT_SUPPORTED;
    snprintf(error->text, sizeof(error->text), "this build can't ask callouts in user space");
    return error->code;
}

void engine_hold_settle(struct engine *engine, const struct engine_need *need)
{
    engine->need = *need;
}

uint32_t engine_hold_know(struct engine *engine, struct engine_host *host,
                          const struct engine_host_callout *callout, struct model_error *error)
{
    return ERROR_SUCCESS;
}

uint32_t engine_hold_forget(struct engine *engine, const struct engine_host *host, uint32_t id,
                            struct model_error *error)
{
    return ERROR_SUCCESS;
}

void engine_hold_leave(struct engine *engine, struct engine_host *host)
{
}

uint32_t engine_hold_go(struct engine *engine, struct model_error *error)
{
    return engine_hold_prepare(engine, &engine->need, error);
}

void engine_hold_close(struct engine *engine, bool keep)
{
}
