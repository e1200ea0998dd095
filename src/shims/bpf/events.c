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
    if (number && number < ALE_APPS)
        memcpy(app, shim->names[number].text, SHIM_PATH);
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

/* One visit takes a ring's worth at most: who floods the ring must not keep the reader from its
 * other work. */
#define EVENTS_A_VISIT (ALE_RING / sizeof(struct ale_event))

static int event_arrived(void *ctx, void *data, size_t size)
{
    struct shim *shim = ctx;
    const struct ale_event *event = data;
    struct shim_event out;

    switch (event->kind) {
    case ALE_NAMESPACE:
        /* A namespace that is gone already has no listener to guard. */
        netns_attach_pid(shim, event->pid, event->netns, NULL);
        break;
    case ALE_DESTROY:
        destroy_socket(event->pid, event);
        break;
    default:
        if (!shim->event_fn)
            break;
        event_convert(shim, event, &out);
        shim->event_fn(shim->event_ctx, &out);
        shim->event_count++;
    }
    return ++shim->event_visited < EVENTS_A_VISIT ? 0 : -EAGAIN;
}

static int ring_open(struct shim *shim)
{
    if (!shim->ring)
        shim->ring = ring_buffer__new(shim->maps[MAP_EVENTS], event_arrived, shim, NULL);
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
    shim->event_visited = 0;
    shim->clock_offset = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
    result = ring_buffer__consume(shim->ring);
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
    int result = hooks_attach(shim, hooks_needs(shim), error);
    if (result)
        shim->state->collect = old;
    hooks_trim(shim);
    return result;
}
