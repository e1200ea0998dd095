/* Telling the loader: events for the log, chores for the ring. */
#ifndef OPENWFP_ALE_EVENT_H
#define OPENWFP_ALE_EVENT_H

#include "scratch.h"

/* The loader sets it where one processor may see another's writes in another order. */
const volatile __u32 weakly_ordered;

static __always_inline void event_address(const struct request *request, __u32 slot, __u8 *to)
{
    const __u64 *value = request->walk.key.value;

    if (request->family == 4) {
        *(__u64 *)to = bpf_htonl(value[slot]);
        *(__u64 *)(to + 8) = 0;
        return;
    }
    *(__u64 *)to = bpf_cpu_to_be64(value[slot]);
    *(__u64 *)(to + 8) = bpf_cpu_to_be64(value[slot + 1]);
}

static __always_inline void event_owner(struct ale_event *event, const struct ale_identity *owner)
{
    event->app = owner->app;
    event->uid = owner->uid;
    event->gid = owner->gid;
    event->pid = owner->pid;
    event->start_time = owner->start_time;
    event->cgroup = owner->cgroup;
    __builtin_memcpy(event->comm, owner->comm, sizeof(event->comm));
}

static __always_inline void event_fill(struct ale_event *event, const struct request *request)
{
    const __u64 *value = request->walk.key.value;
    const struct classify_result *result = &request->walk.result;

    event->protocol = value[CLASSIFY_PROTOCOL];
    event->filter_id = result->filter_id;
    event->callout_id = result->callout_id;
    event->flags = result->flags & CLASSIFY_RESULT_VETO ? EVENT_VETO : 0;
    event->cookie = request->cookie;
    event->netns = request->netns;
    event->ifindex = request->ifindex;
    event->family = request->family;
    event->direction = request->direction;
    event_address(request, CLASSIFY_LOCAL_ADDRESS, event->local);
    event_address(request, CLASSIFY_REMOTE_ADDRESS, event->remote);
    event->local_port = value[CLASSIFY_LOCAL_PORT];
    event->remote_port = value[CLASSIFY_REMOTE_PORT];
    event->condition_flags = value[CLASSIFY_FLAGS];
    event->reauthorize_reason = value[CLASSIFY_REAUTHORIZE_REASON];
}

/* The log is memory that only the loader and these programs write. */
static __always_inline void log_event(const struct request *request,
                                      const struct ale_identity *owner, __u32 layer, __u32 verdict)
{
    __u32 zero = 0;
    struct ale_log *log = bpf_map_lookup_elem(&event_log, &zero);
    struct ale_state *shared = state_get();

    if (!log || !shared)
        return;
    if (log->head - log->tail >= ALE_LOG - ALE_LOG_SPARE) {
        __sync_fetch_and_add(&shared->lost, 1);
        return;
    }
    __u64 number = __sync_fetch_and_add(&log->head, 1);
    struct ale_event *event = &log->events[number % ALE_LOG];
    event->kind = ALE_CLASSIFIED;
    event->layer = layer;
    event->action = verdict;
    event->time = clock_now();
    event_fill(event, request);
    event_owner(event, owner);
    barrier();
    if (weakly_ordered)
        __sync_lock_test_and_set(&event->number, number + 1);
    else
        event->number = number + 1;
}

/* Wakes the loader, which a mere event never does: that costs more than a connect. */
static __noinline void ask_loader(const struct request *request, const struct ale_identity *owner,
                                  __u32 kind, __u32 layer)
{
    struct ale_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

    if (!event)
        return;
    event->kind = kind;
    event->layer = layer;
    event_fill(event, request);
    event_owner(event, owner);
    bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
}

#endif
