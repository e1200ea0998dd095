/* Ending live flows by their numbers. */
#include <string.h>

#include "shims/bpf/internal.h"

struct aborting {
    const uint64_t *flows;
    uint32_t count;
};

static bool is_wanted(const struct aborting *aborting, uint64_t flow)
{
    for (uint32_t i = 0; i < aborting->count; i++)
        if (aborting->flows[i] == flow)
            return true;
    return false;
}

static void end(void *ctx, const struct shim_flow *flow)
{
    struct ale_event event = {
        .cookie = flow->flow,
        .family = flow->family,
        .protocol = flow->protocol,
        .local_port = flow->local_port,
        .remote_port = flow->remote_port,
        .netns = flow->netns,
    };

    if (!is_wanted(ctx, flow->flow))
        return;
    memcpy(event.local, flow->local, sizeof(event.local));
    memcpy(event.remote, flow->remote, sizeof(event.remote));
    destroy_socket(flow->pid, &event); /* what can't be found is gone already */
}

int flows_abort(struct shim *shim, const uint64_t *flows, uint32_t count)
{
    struct aborting aborting = {flows, count};

    return shim_flows(shim, end, &aborting);
}
