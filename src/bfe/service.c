#include "service.h"

#include <string.h>
#include <time.h>

#include "client.h"
#include "log.h"
#include "model/utf16.h"
#include "stand_in.h"
#include "store_keep.h"
#include "unit.h"

#define EVENTS_AT_ONCE 512u
#define RETRY_MS       1000u

/* ---- the model's hooks ---- */

static uint32_t on_apply(void *ctx, const struct model_view *after, struct model_error *error)
{
    struct service *service = ctx;

    if (service->store.damaged && !service->engine.stood_in)
        stand_in_begin(&service->engine, service->store.lost);
    return engine_apply(&service->engine, after, error);
}

static uint32_t on_keep(void *ctx, const struct model_view *after, struct model_error *error)
{
    struct service *service = ctx;

    return store_keep(&service->store, after, error);
}

static void on_kept(void *ctx, bool in_force)
{
    struct service *service = ctx;

    store_kept(&service->store, in_force);
}

static void on_changed(void *ctx, struct model_session *subscriber, uint64_t subscription,
                       const struct model_change *changes, size_t count)
{
    struct service *service = ctx;

    if (subscriber == service->store.session)
        store_changed(&service->store, changes, count);
    else
        subscription_changes(model_session_user(subscriber), subscription, changes, count);
}

static void on_unlocked(void *ctx)
{
    struct service *service = ctx;

    parking_wake(&service->parking);
}

static bool on_service_asked(void *ctx, const FWPM_PROVIDER0 *provider)
{
    char name[128], service[256];

    if (unit_starts(utf16_print(provider->serviceName, service, sizeof(service))))
        return true;
    utf16_print(provider->displayData.name, name, sizeof(name));
    log_line(
        LOG_NOTICE,
        "the service %s is not enabled: its provider \"%s\" and the persistent filters of that "
        "are disabled",
        service, name);
    return false;
}

static uint64_t now_ms(void *ctx)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- net events ---- */

/* What the engine's options make visible to everybody who may see net events (rule 13.4). */
static uint32_t optional_classes(const struct service *service)
{
    uint32_t keywords;

    if (!model_engine_option(service->model, FWPM_ENGINE_COLLECT_NET_EVENTS))
        return 0;
    keywords = model_engine_option(service->model, FWPM_ENGINE_NET_EVENT_MATCH_ANY_KEYWORDS);
    return OPENWFP_COLLECT_DROPS |
           (keywords & FWPM_NET_EVENT_KEYWORD_CLASSIFY_ALLOW ? OPENWFP_COLLECT_ALLOWS : 0);
}

uint32_t service_visible_events(const struct client *client)
{
    return optional_classes(client->service) | client->collect;
}

static void choose_collected(struct service *service)
{
    uint32_t mask = optional_classes(service);

    for (const struct client *c = service->server.first; c; c = c->next)
        mask |= c->collect;
    engine_collect(&service->engine, mask);
}

static void on_event(void *ctx, const struct shim_event *event)
{
    struct service *service = ctx;

    event_log_add(&service->events, event);
}

static void deliver(struct service *service, const struct logged_event *const *events, size_t count)
{
    for (struct client *c = service->server.first; c; c = c->next)
        if (c->subscriptions && !c->doomed)
            subscriptions_events(c, events, count);
}

/* One poll of the kernel is over: tell the subscribers of all its events together. */
static void on_batch(void *ctx)
{
    struct service *service = ctx;
    const struct logged_event *batch[EVENTS_AT_ONCE];
    size_t count = 0;

    if (service->delivered < event_log_first(&service->events))
        service->delivered = event_log_first(&service->events);
    while (service->delivered < service->events.next) {
        batch[count++] = event_log_find(&service->events, service->delivered++);
        if (count == EVENTS_AT_ONCE || service->delivered == service->events.next) {
            deliver(service, batch, count);
            count = 0;
        }
    }
}

static void on_held(void *ctx, const OPENWFP_HELD_NOTICE *notice)
{
    struct service *service = ctx;

    for (struct client *c = service->server.first; c; c = c->next)
        if (c->subscriptions && !c->doomed)
            subscriptions_held(c, notice);
}

/* ---- time ---- */

static void catch_up(struct service *service)
{
    struct model_error error = {0};

    if (!service->engine.behind)
        return;
    if (model_reapply(service->model, &error) != ERROR_SUCCESS)
        log_line(LOG_ERR, "filters of a session that ended are still enforced: %s", error.text);
}

static int on_tick(sd_event_source *source, uint64_t when, void *ctx)
{
    catch_up(ctx);
    service_settle(ctx);
    return 0;
}

static void set_tick(struct service *service)
{
    uint64_t next_ms = model_tick(service->model);

    if (service->engine.behind && next_ms > RETRY_MS)
        next_ms = RETRY_MS;
    if (next_ms == UINT64_MAX) {
        sd_event_source_set_enabled(service->tick, SD_EVENT_OFF);
        return;
    }
    sd_event_source_set_time_relative(service->tick, (next_ms + 1) * 1000);
    sd_event_source_set_enabled(service->tick, SD_EVENT_ONESHOT);
}

/* The removal of its dynamic objects stands, whether the engine takes it or not. */
void service_end_session(struct service *service, struct model_session *session)
{
    uint64_t refusals = service->engine.refusals;

    model_session_close(session);
    if (service->engine.refusals != refusals)
        service->engine.behind = true;
}

void service_settle(struct service *service)
{
    engine_busy(&service->engine);
    set_tick(service);
    store_flush(&service->store);
    choose_collected(service);
}

/* ---- life ---- */

static int open_model(struct service *service)
{
    const struct model_hooks hooks = {.ctx = service,
                                      .apply = on_apply,
                                      .keep = on_keep,
                                      .kept = on_kept,
                                      .changed = on_changed,
                                      .unlocked = on_unlocked,
                                      .service_starts = on_service_asked,
                                      .now_ms = now_ms};

    service->model = model_new(&hooks);
    service->engine.model = service->model;
    if (service->model && event_log_open(&service->events))
        return -1;
    log_line(LOG_ERR, "out of memory");
    return BFE_EXIT_FAILED;
}

/*
 * The store commits what it brings back. An empty policy is a policy too: what an earlier bfe left
 * in the kernel is replaced by ours.
 */
static int open_policy(struct service *service)
{
    const struct store_paths paths = {service->options->state, service->options->store};
    struct model_error error = {0};

    if (store_open(&service->store, service->model, &service->engine, &service->drivers, &paths))
        return BFE_EXIT_FAILED;
    if (service->engine.commits || model_reapply(service->model, &error) == ERROR_SUCCESS) {
        boot_refresh(&service->engine, &error);
        service->engine.boot.running = true;
        return -1;
    }
    log_line(LOG_ERR, "the policy can't be enforced: %s", error.text);
    return BFE_EXIT_KERNEL;
}

static int start(struct service *service)
{
    struct timespec now;
    int code;

    clock_gettime(CLOCK_REALTIME, &now);
    service->started = event_filetime((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
    service->delivered = service->events.next;
    code = sd_event_add_time_relative(service->event, &service->tick, CLOCK_MONOTONIC, 0, 1000,
                                      on_tick, service);
    if (code >= 0)
        code = broker_new(service->event, &(struct broker_listener){service, on_held},
                          &service->broker);
    if (code >= 0)
        broker_join(service);
    if (code >= 0)
        code = parking_open(&service->parking, service->event);
    if (code >= 0)
        code = engine_start(&service->engine, service->event, on_event, on_batch, service);
    if (code >= 0)
        return -1;
    log_line(LOG_ERR, "can't start the event loop: %s", strerror(-code));
    return BFE_EXIT_FAILED;
}

int service_open(struct service *service, const struct bfe_options *options, sd_event *event)
{
    int code;

    *service = (struct service){.options = options, .event = event, .drivers.service = service};
    code = engine_open(&service->engine, options);
    if (code < 0)
        code = open_model(service);
    if (code < 0)
        code = open_policy(service);
    if (code < 0)
        code = start(service);
    if (code < 0)
        service_settle(service);
    return code;
}

void service_close(struct service *service)
{
    server_close(&service->server);
    /* First the thread that asks the hosts: what is held stays held, and is not decided by their
     * end. */
    engine_hold_close(&service->engine, service->engine.keep_held);
    drivers_close(&service->drivers);
    broker_free(service->broker);
    parking_close(&service->parking);
    sd_event_source_disable_unref(service->tick);
    if (service->model) {
        store_close(&service->store);
        model_free(service->model);
        event_log_close(&service->events);
    }
    engine_close(&service->engine);
}
