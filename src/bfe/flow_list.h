/*
 * Live flows: the kernel's covered sockets that have a peer, with what the event log knows of how
 * they were permitted.
 */
#ifndef OPENWFP_BFE_FLOW_LIST_H
#define OPENWFP_BFE_FLOW_LIST_H

#include <openwfp.h>

#include "event_log.h"
#include "rpc/arena.h"
#include "shims/bpf/shim.h"

struct live_flow {
    struct shim_flow flow;
    const struct shim_event *permit; /* the latest that permitted it; NULL: not in the log */
};

struct flow_list {
    struct live_flow *flows; /* by ascending id, one for each socket */
    size_t count, room;
    bool failed; /* no memory */
};

/* 0 or a negative errno. The list is good until the log gets its next event. */
int flow_list_read(struct flow_list *list, struct shim *shim, const struct event_log *log);
void flow_list_free(struct flow_list *list);

/* As the API shows it; false: no memory. */
bool flow_present(const struct live_flow *live, struct arena *arena, OPENWFP_FLOW *into);

#endif
