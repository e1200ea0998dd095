#include "engine_hold.h"

#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fwpsu.h>

#include "engine.h"
#include "log.h"
#include "shims/hold/hold.h"

static uint32_t fail(struct model_error *error, int result, const char *what, const char *why)
{
    error->code = result == -ENOMEM ? ERROR_NOT_ENOUGH_MEMORY : ERROR_GEN_FAILURE;
    snprintf(error->text, sizeof(error->text), "%s: %.200s", what, why);
    return error->code;
}

/* ---- what a policy needs ---- */

/* A callout that is not the kernel's may be a host's, or have been one's. */
static int changes_need(void *ctx, const struct model_view_filter *changed, bool added)
{
    const FWPM_FILTER0 *filter = changed->filter;

    return filter->action.type & FWP_ACTION_FLAG_CALLOUT &&
           !engine_code_find(ctx, &filter->action.calloutKey);
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
    need.redirect = asks_at(view, FWPS_LAYER_ALE_CONNECT_REDIRECT_V4) ||
                    asks_at(view, FWPS_LAYER_ALE_CONNECT_REDIRECT_V6);
    need.outbound = need.redirect || asks_at(view, FWPS_LAYER_ALE_AUTH_CONNECT_V4) ||
                    asks_at(view, FWPS_LAYER_ALE_AUTH_CONNECT_V6);
    need.inbound = asks_at(view, FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4) ||
                   asks_at(view, FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6);
    need.any = need.outbound || need.inbound;
    for (uint16_t layer = 0; !need.any && layer < FWPS_BUILTIN_LAYER_MAX; layer++)
        need.any = asks_at(view, layer);
    return need;
}

/* ---- hosts and callouts, as the thread knows them ---- */

/* Takes the socket, also on failure. */
static int add_host(struct engine *engine, struct engine_host *host, int socket)
{
    int result = socket;

    if (socket >= 0)
        result = hold_host_add(engine->hold, socket, NULL, NULL, &host->number);
    if (socket >= 0 && result < 0)
        close(socket);
    return result;
}

static int end_for_thread(const struct engine_host *host)
{
    int copy = host->connect ? host->connect(host->ctx) : fcntl(host->channel, F_DUPFD_CLOEXEC, 0);

    return copy < 0 && !host->connect ? -errno : copy;
}

static uint32_t attach(struct engine *engine, struct engine_host *host, struct model_error *error)
{
    int result;

    if (host->attached)
        return ERROR_SUCCESS;
    result = add_host(engine, host, end_for_thread(host));
    if (result < 0)
        return fail(error, result, "the callouts' host can't be asked", strerror(-result));
    host->attached = true;
    return ERROR_SUCCESS;
}

uint32_t engine_hold_know(struct engine *engine, struct engine_host *host,
                          const struct engine_host_callout *callout, struct model_error *error)
{
    uint32_t code;
    int result;

    if (!engine->hold)
        return ERROR_SUCCESS;
    code = attach(engine, host, error);
    if (code != ERROR_SUCCESS)
        return code;
    result = hold_callout_add(engine->hold, callout->id, host->number, callout->flags);
    return result < 0 ? fail(error, result, "the callout can't be asked", strerror(-result))
                      : ERROR_SUCCESS;
}

uint32_t engine_hold_forget(struct engine *engine, const struct engine_host *host, uint32_t id,
                            struct model_error *error)
{
    int result = engine->hold && host->attached ? hold_callout_remove(engine->hold, id) : -ENOENT;

    if (result != -EBUSY)
        return ERROR_SUCCESS;
    error->code = ERROR_BUSY;
    snprintf(error->text, sizeof(error->text),
             "a flow has a context of callout %u; remove the contexts, then unregister it", id);
    return ERROR_BUSY;
}

void engine_hold_leave(struct engine *engine, struct engine_host *host)
{
    if (!engine->hold || !host->attached)
        return;
    hold_host_remove(engine->hold, host->number);
    for (size_t i = 0; i < host->count; i++)
        hold_callout_remove(engine->hold, host->callouts[i].id);
    host->attached = false;
}

static uint32_t know_all(struct engine *engine, struct model_error *error)
{
    uint32_t code = ERROR_SUCCESS;

    for (struct engine_host *host = engine->hosts; host; host = host->next)
        for (size_t i = 0; code == ERROR_SUCCESS && i < host->count; i++)
            if (host->callouts[i].id)
                code = engine_hold_know(engine, host, &host->callouts[i], error);
    return code;
}

/* ---- the thread ---- */

static void on_log(void *ctx, int priority, const char *text)
{
    log_line(priority, "%s", text);
}

static uint32_t open_thread(struct engine *engine, struct model_error *error)
{
    struct shim_error failed = {0};
    int result =
        hold_open(engine->asks, &hold_limits_default, on_log, NULL, &engine->hold, &failed);

    if (result < 0)
        return fail(error, result, "nothing can be held", failed.text);
    return know_all(engine, error);
}

static uint32_t open_asks(struct engine *engine, struct model_error *error)
{
    struct shim_error failed = {0};
    int result = shim_asks_open(engine->shim, &engine->asks, &failed);

    if (result < 0 && failed.log[0])
        log_limited(LOG_ERR, "the verifier says: %s", failed.log);
    return result < 0 ? fail(error, result, "the kernel can't be asked", failed.text)
                      : ERROR_SUCCESS;
}

/* Until the hosts of the last run are back the questions wait. */
static uint32_t start(struct engine *engine, struct model_error *error)
{
    uint32_t code = engine->asks ? ERROR_SUCCESS : open_asks(engine, error);

    if (code == ERROR_SUCCESS && !engine->hold && !engine->restoring)
        code = open_thread(engine, error);
    return code;
}

static bool same_rules(const struct engine_need *a, const struct engine_need *b)
{
    return a->any && a->outbound == b->outbound && a->inbound == b->inbound &&
           a->redirect == b->redirect;
}

static uint32_t enable(struct engine *engine, struct engine_need need, struct model_error *error)
{
    struct shim_error failed = {0};
    int result;

    if (!engine->hold || same_rules(&engine->rules, &need))
        return ERROR_SUCCESS;
    result = hold_enable(engine->hold, need.outbound, need.inbound, need.redirect, &failed);
    if (result < 0)
        return fail(error, result, "packets can't be held", failed.text);
    engine->rules = need;
    engine->rules.any = true;
    return ERROR_SUCCESS;
}

/* Flows that were led elsewhere are seen to their end. */
static bool has_led(const struct engine *engine)
{
    return engine->hold && hold_has_led(engine->hold);
}

static bool watches_flows(const struct engine *engine)
{
    for (const struct engine_host *host = engine->hosts; host; host = host->next)
        for (size_t i = 0; i < host->count; i++)
            if (host->callouts[i].flags & HOLD_CALLOUT_WATCHES_FLOWS)
                return true;
    return false;
}

void engine_hold_close(struct engine *engine, bool keep)
{
    if (engine->hold)
        hold_close(engine->hold, keep);
    else if (engine->asks)
        shim_asks_close(engine->asks);
    engine->hold = NULL;
    engine->asks = NULL;
    engine->rules = (struct engine_need){0};
    for (struct engine_host *host = engine->hosts; host; host = host->next)
        host->attached = false;
}

uint32_t engine_hold_prepare(struct engine *engine, const struct engine_need *need,
                             struct model_error *error)
{
    uint32_t code;

    if (!engine->shim || !need->any)
        return ERROR_SUCCESS;
    code = start(engine, error);
    if (code != ERROR_SUCCESS)
        return code;
    return enable(engine,
                  (struct engine_need){.outbound = engine->rules.outbound || need->outbound,
                                       .inbound = engine->rules.inbound || need->inbound,
                                       .redirect = engine->rules.redirect || need->redirect},
                  error);
}

void engine_hold_settle(struct engine *engine, const struct engine_need *need)
{
    struct model_error error = {0};

    engine->need = *need;
    if (!need->any && engine->asks && !watches_flows(engine) && !has_led(engine))
        engine_hold_close(engine, false);
    else if (enable(engine, *need, &error) != ERROR_SUCCESS)
        log_line(LOG_ERR, "%s", error.text);
}

/* What the last bfe held, by filters that did not come back: this policy decides it, and the rules
 * go. */
static uint32_t let_go(struct engine *engine, struct model_error *error)
{
    uint32_t code = start(engine, error);

    if (code == ERROR_SUCCESS)
        hold_enable(engine->hold, false, false, false, NULL);
    hold_clear(engine->pin_dir);
    return code;
}

uint32_t engine_hold_go(struct engine *engine, struct model_error *error)
{
    const struct engine_need need = engine->need;

    if (engine->shim && !need.any && shim_held_left(engine->pin_dir))
        return let_go(engine, error);
    return engine_hold_prepare(engine, &need, error);
}

void engine_hold_report(const struct engine *engine, OPENWFP_HOLD *report)
{
    const struct hold_limits *limits = &hold_limits_default;
    struct hold_statistics now = {0};

    if (engine->hold)
        hold_statistics(engine->hold, &now);
    *report = (OPENWFP_HOLD){
        .active = engine->need.any,
        .outbound = engine->rules.outbound,
        .inbound = engine->rules.inbound,
        .networks = now.networks,
        .held = now.held,
        .packets = now.packets,
        .bytes = now.bytes,
        .asked = now.asked,
        .permitted = now.permitted,
        .blocked = now.blocked,
        .timedOut = now.timed_out,
        .refused = now.refused,
        .ignored = now.ignored,
        .maxPackets = limits->packets,
        .maxPacketsOfProgram = limits->packets / 2,
        .maxBytes = limits->bytes,
        .classifyTime = limits->classify_ms,
    };
}
