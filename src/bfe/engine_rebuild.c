#include "engine_rebuild.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "classify/change.h"
#include "classify/rebuild.h"
#include "engine.h"
#include "engine_policy.h"
#include "log.h"

#define NICE 5 /* those who want something now come first */

uint64_t rebuild_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the thread ---- */

static void *work(void *ctx)
{
    struct engine_rebuild *rebuild = ctx;

    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    classify_rebuild_run(rebuild->work);
    eventfd_write(rebuild->done, 1);
    return NULL;
}

static void begin(struct engine *engine)
{
    struct engine_rebuild *rebuild = &engine->rebuild;
    int code = ENOMEM;

    rebuild->work = classify_rebuild_begin(engine->image);
    if (rebuild->work)
        code = pthread_create(&rebuild->thread, NULL, work, rebuild);
    if (!code)
        return;
    log_limited(LOG_WARNING, "can't make the policy anew in the background: %s", strerror(code));
    classify_rebuild_free(rebuild->work);
    rebuild->work = NULL;
}

void rebuild_consider(struct engine *engine)
{
    struct engine_rebuild *rebuild = &engine->rebuild;

    if (!rebuild->wake || rebuild->work)
        return;
    if (!classify_wants_rebuild(engine->image)) {
        rebuild->since = 0;
        return;
    }
    if (!rebuild->since)
        rebuild->since = rebuild_now();
    begin(engine);
}

void rebuild_retire(struct engine *engine, struct classify_image *image)
{
    if (engine->rebuild.work && !engine->rebuild.from)
        engine->rebuild.from = image;
    else
        classify_image_free(image);
}

/* ---- its end, in the event loop ---- */

/* Puts the new image in force. CLASSIFY_NO_ROOM: too much has changed meanwhile, or everything. */
static uint32_t take(struct engine *engine, struct model_error *error)
{
    struct engine_rebuild *rebuild = &engine->rebuild;
    struct classify_image *fresh = NULL;
    uint32_t code = CLASSIFY_NO_ROOM;

    if (!rebuild->from)
        code = classify_rebuild_end(rebuild->work, engine->image, &fresh, error);
    classify_rebuild_free(rebuild->work);
    classify_image_free(rebuild->from);
    rebuild->work = NULL;
    rebuild->from = NULL;
    rebuild->took = rebuild_now() - rebuild->since;
    rebuild->since = 0;
    if (code == ERROR_SUCCESS)
        code = policy_enforce(engine, fresh, error);
    if (code == ERROR_SUCCESS)
        engine->rebuilds++;
    return code;
}

static uint32_t finish(struct engine *engine)
{
    struct model_error error = {0};
    eventfd_t told;
    uint32_t code;

    pthread_join(engine->rebuild.thread, NULL);
    eventfd_read(engine->rebuild.done, &told);
    code = take(engine, &error);
    if (code != ERROR_SUCCESS && code != CLASSIFY_NO_ROOM)
        log_limited(LOG_WARNING, "the policy made anew is not used: %s", error.text);
    return code;
}

bool rebuild_await(struct engine *engine)
{
    return engine->rebuild.work && !engine->rebuild.from && finish(engine) == ERROR_SUCCESS;
}

/* Others may have waited for the thread since the event loop learnt of it. */
static int on_done(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    struct engine *engine = ctx;
    eventfd_t told;

    if (eventfd_read(fd, &told) == 0 && finish(engine) == CLASSIFY_NO_ROOM)
        rebuild_consider(engine);
    return 0;
}

/* ---- life ---- */

int rebuild_open(struct engine *engine, sd_event *event)
{
    struct engine_rebuild *rebuild = &engine->rebuild;
    int code;

    rebuild->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (rebuild->done < 0)
        return -errno;
    code = sd_event_add_io(event, &rebuild->wake, rebuild->done, EPOLLIN, on_done, engine);
    if (code < 0)
        close(rebuild->done);
    return code < 0 ? code : 0;
}

void rebuild_close(struct engine *engine)
{
    struct engine_rebuild *rebuild = &engine->rebuild;

    if (!rebuild->wake)
        return;
    if (rebuild->work) {
        pthread_join(rebuild->thread, NULL);
        classify_rebuild_free(rebuild->work);
        classify_image_free(rebuild->from);
    }
    sd_event_source_disable_unref(rebuild->wake);
    close(rebuild->done);
    *rebuild = (struct engine_rebuild){0};
}
