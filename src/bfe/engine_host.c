/* Callouts of hosts: which there are, and what the model is told of them. */
#include "engine_host.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine.h"
#include "engine_hold.h"
#include "fwpkclnt/protocol.h"
#include "log.h"
#include "model/guid.h"

static uint32_t fail(struct model_error *error, uint32_t code, const char *text)
{
    error->code = code;
    snprintf(error->text, sizeof(error->text), "%s", text);
    return code;
}

static struct engine_host_callout *find_key(struct engine_host *host, const GUID *key)
{
    for (size_t i = 0; i < host->count; i++)
        if (guid_equal(&host->callouts[i].key, key))
            return &host->callouts[i];
    return NULL;
}

static struct engine_host_callout *find_id(struct engine_host *host, uint32_t id)
{
    for (size_t i = 0; i < host->count; i++)
        if (host->callouts[i].id == id)
            return &host->callouts[i];
    return NULL;
}

static void put(struct engine_host *host, const struct engine_host_callout *callout)
{
    host->callouts[host->count++] = *callout;
}

static void drop(struct engine_host *host, struct engine_host_callout *callout)
{
    *callout = host->callouts[--host->count];
}

/* ---- hosts ---- */

void engine_host_open(struct engine *engine, struct engine_host *host, int channel)
{
    *host = (struct engine_host){.next = engine->hosts, .channel = channel};
    engine->hosts = host;
}

static uint32_t unregister_key(struct engine *engine, const GUID *key, struct model_error *error)
{
    return model_callout_register(engine->model, key, MODEL_CALLOUT_UNREGISTERED, NULL, error);
}

static void abandon(struct engine *engine, const struct engine_host_callout *callout)
{
    struct model_error error = {0};

    if (unregister_key(engine, &callout->key, &error) == ERROR_SUCCESS)
        return;
    log_line(LOG_ERR, "callout %u is gone, but its filters can't be recompiled: %s", callout->id,
             error.text);
    if (engine->orphans.count < ENGINE_HOST_CALLOUTS)
        put(&engine->orphans, callout);
}

void engine_host_detach(struct engine *engine, struct engine_host *host)
{
    struct engine_host **link = &engine->hosts;

    while (*link && *link != host)
        link = &(*link)->next;
    if (!*link)
        return;
    *link = host->next;
    engine_hold_leave(engine, host);
    if (host->channel >= 0)
        close(host->channel);
    host->channel = -1;
}

void engine_host_close(struct engine *engine, struct engine_host *host)
{
    engine_host_detach(engine, host);
    for (size_t i = 0; i < host->count; i++)
        abandon(engine, &host->callouts[i]);
    host->count = 0;
}

void engine_host_tell(const struct engine_host *host, const void *message, uint32_t size)
{
    if (host->channel >= 0 && send(host->channel, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        log_limited(LOG_WARNING, "a host of callouts does not read what it is told");
}

/* ---- registering ---- */

static bool is_served(const struct engine *engine, const GUID *key)
{
    for (struct engine_host *host = engine->hosts; host; host = host->next)
        if (find_key(host, key))
            return true;
    return engine_code_find(engine, key);
}

/* 0: no object, so that no filter can name it. */
static uint32_t id_of_object(const struct engine *engine, const GUID *key)
{
    struct model_stored stored;

    if (model_stored_get(engine->model, MODEL_CALLOUT, key, &stored, NULL) != ERROR_SUCCESS)
        return 0;
    return stored.object.callout->calloutId;
}

/* The host is known before the first question can come. */
static uint32_t add_callout(struct engine *engine, struct engine_host *host,
                            struct engine_host_callout *fresh, bool registered,
                            struct model_error *error)
{
    bool known = fresh->id;
    uint32_t code = known ? engine_hold_know(engine, host, fresh, error) : ERROR_SUCCESS;

    if (code == ERROR_SUCCESS && !registered)
        code = model_callout_register(engine->model, &fresh->key, CLASSIFY_USER_CALLOUT, &fresh->id,
                                      error);
    if (code != ERROR_SUCCESS) {
        if (known)
            engine_hold_forget(engine, host, fresh->id, &(struct model_error){0});
        return code;
    }
    return known ? ERROR_SUCCESS : engine_hold_know(engine, host, fresh, error);
}

uint32_t engine_host_register(struct engine *engine, struct engine_host *host,
                              const struct engine_host_callout *wanted, uint32_t *id,
                              struct model_error *error)
{
    struct engine_host_callout *orphan = find_key(&engine->orphans, &wanted->key);
    struct engine_host_callout fresh = *wanted;
    uint32_t code;

    if (is_served(engine, &wanted->key))
        return fail(error, FWP_E_ALREADY_EXISTS,
                    "there is code for a callout of this key already; unregister that first");
    if (host->count == ENGINE_HOST_CALLOUTS)
        return fail(error, FWP_E_TOO_MANY_CALLOUTS, "this driver has too many callouts");
    fresh.id = orphan ? orphan->id : id_of_object(engine, &wanted->key);
    /* In the list while it is being added: a commit on the way looks there. */
    put(host, &fresh);
    code = add_callout(engine, host, &fresh, orphan, error);
    if (code != ERROR_SUCCESS) {
        drop(host, find_key(host, &wanted->key));
        return code;
    }
    find_key(host, &wanted->key)->id = *id = fresh.id;
    if (orphan)
        drop(&engine->orphans, orphan);
    return ERROR_SUCCESS;
}

uint32_t engine_host_unregister(struct engine *engine, struct engine_host *host, uint32_t id,
                                struct model_error *error)
{
    struct engine_host_callout *callout = find_id(host, id);
    struct engine_host_callout gone;
    uint32_t code;

    if (!callout)
        return fail(error, FWP_E_CALLOUT_NOT_FOUND, "this driver has no callout of that id");
    code = engine_hold_forget(engine, host, id, error);
    if (code != ERROR_SUCCESS)
        return code;
    gone = *callout;
    drop(host, callout);
    abandon(engine, &gone);
    return ERROR_SUCCESS;
}

/* ---- callouts of the last run ---- */

void engine_host_restore(struct engine *engine, const struct engine_host_callout *callout)
{
    struct model_error error = {0};

    if (engine->orphans.count == ENGINE_HOST_CALLOUTS ||
        model_callout_restore(engine->model, &callout->key, CLASSIFY_USER_CALLOUT, callout->id,
                              &error) != ERROR_SUCCESS) {
        log_line(LOG_ERR, "callout %u did not come back: %s", callout->id, error.text);
        return;
    }
    put(&engine->orphans, callout);
}

void engine_hosts_restored(struct engine *engine)
{
    struct model_error error = {0};
    struct engine_host left = engine->orphans;

    if (!engine->restoring)
        return;
    engine->restoring = false;
    engine->orphans.count = 0;
    for (size_t i = 0; i < left.count; i++)
        abandon(engine, &left.callouts[i]);
    if (engine_hold_go(engine, &error) != ERROR_SUCCESS)
        log_line(LOG_ERR, "callouts in user space can't be asked: %s", error.text);
}

/* ---- notifications ---- */

struct notifying {
    struct engine *engine;
    const FWPM_FILTER0 *filter;
    struct driver_notify_filter message;
};

static void tell_host(struct notifying *notifying, struct engine_host *host)
{
    struct engine_host_callout *callout = find_key(host, &notifying->filter->action.calloutKey);

    if (!callout || !callout->notify)
        return;
    notifying->message.callout_id = callout->id;
    engine_host_tell(host, &notifying->message, sizeof(notifying->message));
}

static int tell_change(void *ctx, const struct model_view_filter *changed, bool added)
{
    struct notifying *notifying = ctx;
    const FWPM_FILTER0 *filter = changed->filter;

    if (!(filter->action.type & FWP_ACTION_FLAG_CALLOUT))
        return 0;
    notifying->filter = filter;
    notifying->message = (struct driver_notify_filter){
        .header = {.kind = DRIVER_NOTIFY, .size = sizeof(notifying->message)},
        .what = added ? DRIVER_FILTER_ADDED : DRIVER_FILTER_DELETED,
        .filter_id = filter->filterId,
        .filter_context = changed->context,
    };
    /* A deleted filter is told without its key (7.4). */
    if (added)
        memcpy(notifying->message.filter_key, &filter->filterKey, sizeof(GUID));
    for (struct engine_host *host = notifying->engine->hosts; host; host = host->next)
        tell_host(notifying, host);
    return 0;
}

void engine_hosts_notify(struct engine *engine, const struct model_view *view)
{
    struct notifying notifying = {.engine = engine};

    if (engine->hosts && model_view_has_delta(view))
        model_view_changes(view, tell_change, &notifying);
}
