/* Reading what the kernel side reports, and doing what it asks for. */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void copy_app(const struct shim *shim, uint32_t number, char app[SHIM_PATH])
{
    const struct ale_path *name = number ? app_name(shim, number) : NULL;

    if (name)
        memcpy(app, name->text, SHIM_PATH);
    app[SHIM_PATH - 1] = '\0';
}

static void event_convert(const struct shim *shim, const struct ale_event *from,
                          struct shim_event *to)
{
    *to = (struct shim_event){
        .time_ns = from->time + shim->clock_offset,
        .filter_id = from->filter_id,
        .start_time = from->start_time,
        .cgroup = from->cgroup,
        .flow = from->cookie,
        .local_port = from->local_port,
        .remote_port = from->remote_port,
        .layer = from->layer,
        .action = from->action,
        .protocol = from->protocol,
        .family = from->family,
        .direction = from->direction,
        .flags = from->flags,
        .reauthorize_reason = from->reauthorize_reason,
        .condition_flags = from->condition_flags,
        .pid = from->pid,
        .uid = from->uid,
        .gid = from->gid,
        .netns = from->netns,
        .ifindex = from->ifindex,
        .callout_id = from->callout_id,
    };
    memcpy(to->local, from->local, sizeof(to->local));
    memcpy(to->remote, from->remote, sizeof(to->remote));
    memcpy(to->comm, from->comm, sizeof(to->comm));
    copy_app(shim, from->app, to->app);
}

/* One visit takes the log once round at most: who floods it must not keep the reader from its other
 * work. */
static void read_log(struct shim *shim)
{
    struct ale_log *log = shim->log;
    struct shim_event out;

    for (uint32_t visited = 0; visited < ALE_LOG; visited++) {
        const struct ale_event *event = &log->events[log->tail % ALE_LOG];

        if (__atomic_load_n(&event->number, __ATOMIC_ACQUIRE) != log->tail + 1)
            break;
        if (shim->event_fn) {
            event_convert(shim, event, &out);
            shim->event_fn(shim->event_ctx, &out);
            shim->event_count++;
        }
        __atomic_store_n(&log->tail, log->tail + 1, __ATOMIC_RELEASE);
    }
}

#define CHORES_A_VISIT (ALE_RING / sizeof(struct ale_event))

static int chore_arrived(void *ctx, void *data, size_t size)
{
    struct shim *shim = ctx;
    const struct ale_event *event = data;

    if (event->kind == ALE_NAMESPACE)
        /* A namespace that is gone already has no listener to guard. */
        netns_attach_pid(shim, event->pid, event->netns, NULL);
    else if (event->kind == ALE_DESTROY)
        destroy_socket(event->pid, event);
    return ++shim->chores_visited < CHORES_A_VISIT ? 0 : -EAGAIN;
}

static int ring_open(struct shim *shim)
{
    if (!shim->ring)
        shim->ring = ring_buffer__new(shim->maps[MAP_EVENTS], chore_arrived, shim, NULL);
    return shim->ring ? 0 : -errno;
}

int shim_poll(struct shim *shim, shim_event_fn *fn, void *ctx)
{
    int result = ring_open(shim);

    if (result)
        return result;
    shim->event_fn = fn;
    shim->event_ctx = ctx;
    shim->event_count = 0;
    shim->chores_visited = 0;
    shim->clock_offset = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
    result = ring_buffer__consume(shim->ring);
    read_log(shim);
    return result < 0 && result != -EAGAIN ? result : shim->event_count;
}

int shim_fd(const struct shim *shim)
{
    return shim->maps[MAP_EVENTS];
}

uint64_t shim_lost(const struct shim *shim)
{
    return __atomic_load_n(&shim->state->lost, __ATOMIC_RELAXED);
}

int shim_collect(struct shim *shim, uint32_t mask, struct shim_error *error)
{
    uint32_t old = shim->state->collect;

    shim->state->collect = mask;
    int result = hooks_attach(shim, hooks_needs(shim), true, error);
    if (result)
        shim->state->collect = old;
    hooks_trim(shim);
    return result;
}
