#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "log.h"
#include "stand_in.h"

#define POLL_US 20000u
#define IDLE_US 1000000u

/* ---- opening ---- */

static void choose_scope(const struct bfe_options *options, struct shim_options *into)
{
    *into = (struct shim_options){.scope = SHIM_SCOPE_MACHINE, .pin_dir = options->pin_dir};
    if (options->cgroup) {
        into->scope = SHIM_SCOPE_CGROUP;
        into->cgroup = options->cgroup;
    } else if (options->netns) {
        into->scope = SHIM_SCOPE_NETNS;
        into->netns = options->netns;
    }
}

static char *describe_scope(const struct shim_options *scope)
{
    char *text = NULL;
    int code;

    if (scope->scope == SHIM_SCOPE_CGROUP)
        code = asprintf(&text, "cgroup %s", scope->cgroup);
    else if (scope->scope == SHIM_SCOPE_NETNS)
        code = asprintf(&text, "netns %llu", (unsigned long long)scope->netns);
    else
        code = asprintf(&text, "machine");
    return code < 0 ? NULL : text;
}

static int open_shim(struct engine *engine, const struct shim_options *options)
{
    struct shim_error *error = calloc(1, sizeof(*error));
    int code = -ENOMEM;

    if (error)
        code = shim_open(options, &engine->shim, error);
    if (code < 0) {
        log_line(LOG_ERR, "can't enforce: %s", error ? error->text : "out of memory");
        if (error && error->log[0])
            log_line(LOG_ERR, "the verifier says: %s", error->log);
    }
    free(error);
    return code;
}

int engine_open(struct engine *engine, const struct bfe_options *options)
{
    struct shim_options scope;

    *engine = (struct engine){.pin_dir = options->pin_dir ? options->pin_dir : SHIM_PIN_DIR,
                              .restoring = true,
                              .boot.path = options->boot_image,
                              .keep_held = !options->remove_on_exit};
    choose_scope(options, &scope);
    engine->scope = describe_scope(&scope);
    if (options->no_kernel) {
        log_line(LOG_WARNING, "--no-kernel: NOTHING IS ENFORCED, every program may do everything; "
                              "this is for tests of the API only");
        return -1;
    }
    if (open_shim(engine, &scope) < 0)
        return BFE_EXIT_KERNEL;
    engine->apps.shim = engine->shim;
    engine->adopted = shim_adopted(engine->shim);
    if (engine->adopted)
        log_line(LOG_NOTICE, "took over the kernel programs pinned in %s%s%s", engine->pin_dir,
                 stand_in_name(engine) ? ", which enforce " : "",
                 stand_in_name(engine) ? stand_in_name(engine) : "");
    if (shim_succeeding(engine->shim))
        log_line(LOG_NOTICE,
                 "the kernel programs of another version, pinned in %s, go on until ours "
                 "have the policy",
                 engine->pin_dir);
    return -1;
}

void engine_close(struct engine *engine)
{
    engine->poll_timer = sd_event_source_disable_unref(engine->poll_timer);
    engine->poll_io = sd_event_source_disable_unref(engine->poll_io);
    engine->idle = sd_event_source_disable_unref(engine->idle);
    engine->reauthorize = sd_event_source_disable_unref(engine->reauthorize);
    rebuild_close(engine);
    engine_hold_close(engine, engine->keep_held);
    if (engine->shim)
        shim_close(engine->shim);
    engine->shim = NULL;
    engine_free_codes(engine);
    apps_free(&engine->apps);
    classify_image_free(engine->image);
    engine->image = NULL;
    free(engine->scope);
    engine->scope = NULL;
    free(engine->report);
    engine->report = NULL;
}

/* ---- events ---- */

static void count_event(void *ctx, const struct shim_event *event)
{
    struct engine *engine = ctx;

    engine->events++;
    engine->on_event(engine->ctx, event);
}

static void poll_now(struct engine *engine)
{
    int code = shim_poll(engine->shim, count_event, engine);

    if (code < 0)
        log_limited(LOG_ERR, "can't read events from the kernel: %s", strerror(-code));
    if (code > 0)
        engine->on_batch(engine->ctx);
}

static int on_poll_timer(sd_event_source *source, uint64_t when, void *ctx)
{
    poll_now(ctx);
    sd_event_source_set_time_relative(source, POLL_US);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_poll_io(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    poll_now(ctx);
    return 0;
}

/* Nobody wants anything: a good time for what the first commits would have to wait for. */
static int on_idle(sd_event_source *source, uint64_t when, void *ctx)
{
    struct engine *engine = ctx;

    if (shim_prepare(engine->shim)) {
        sd_event_source_set_time_relative(source, 0);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    }
    engine->idle = sd_event_source_disable_unref(source);
    return 0;
}

void engine_busy(struct engine *engine)
{
    if (engine->idle)
        sd_event_source_set_time_relative(engine->idle, IDLE_US);
}

/* ---- live connections ---- */

static int on_reauthorize(sd_event_source *source, void *ctx)
{
    struct engine *engine = ctx;
    struct shim_error *error = calloc(1, sizeof(*error));

    engine->connections_differ = false;
    if (!error || shim_reauthorize(engine->shim, error) < 0)
        log_limited(LOG_ERR, "connections that the policy no longer permits go on: %s",
                    error ? error->text : "out of memory");
    free(error);
    return 0;
}

void engine_reauthorize(struct engine *engine)
{
    engine->connections_differ = true;
    if (engine->reauthorize)
        sd_event_source_set_enabled(engine->reauthorize, SD_EVENT_ONESHOT);
}

static int add_reauthorize(struct engine *engine, sd_event *event)
{
    int code = sd_event_add_defer(event, &engine->reauthorize, on_reauthorize, engine);

    return code < 0 || engine->connections_differ
               ? code
               : sd_event_source_set_enabled(engine->reauthorize, SD_EVENT_OFF);
}

static int add_sources(struct engine *engine, sd_event *event)
{
    int code = sd_event_add_time_relative(event, &engine->poll_timer, CLOCK_MONOTONIC, POLL_US,
                                          POLL_US, on_poll_timer, engine);

    if (code >= 0)
        code = sd_event_add_io(event, &engine->poll_io, shim_fd(engine->shim), EPOLLIN, on_poll_io,
                               engine);
    if (code >= 0)
        code = sd_event_add_time_relative(event, &engine->idle, CLOCK_MONOTONIC, 0, POLL_US,
                                          on_idle, engine);
    if (code >= 0)
        code = sd_event_source_set_priority(engine->idle, SD_EVENT_PRIORITY_IDLE);
    if (code >= 0)
        code = add_reauthorize(engine, event);
    return code < 0 ? code : 0;
}

int engine_start(struct engine *engine, sd_event *event, shim_event_fn *on_event,
                 void (*on_batch)(void *ctx), void *ctx)
{
    int code;

    engine->on_event = on_event;
    engine->on_batch = on_batch;
    engine->ctx = ctx;
    code = rebuild_open(engine, event);
    return code == 0 && engine->shim ? add_sources(engine, event) : code;
}

void engine_collect(struct engine *engine, uint32_t mask)
{
    struct shim_error *error;

    if (mask == engine->collecting)
        return;
    engine->collecting = mask;
    if (!engine->shim)
        return;
    error = calloc(1, sizeof(*error));
    if (error && shim_collect(engine->shim, mask, error) < 0)
        log_line(LOG_ERR, "can't collect the net events that were asked for: %s", error->text);
    free(error);
}

const struct shim_report *engine_report(struct engine *engine)
{
    if (engine->report)
        return engine->report;
    engine->report = calloc(1, sizeof(*engine->report));
    if (engine->report && shim_probe(engine->report) < 0)
        log_line(LOG_ERR, "can't probe the kernel");
    return engine->report;
}
