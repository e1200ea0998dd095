/*
 * The last net events, in a ring, each with an id that grows by one (rule 13.x).
 *
 * What a session may see of them: drops and, with the engine's keyword for them, allows; and what
 * it asked for by OpenWfpCollect.
 */
#ifndef OPENWFP_BFE_EVENT_LOG_H
#define OPENWFP_BFE_EVENT_LOG_H

#include <stdbool.h>

#include <openwfp.h>

#include "rpc/arena.h"
#include "model/model.h"
#include "shims/bpf/shim.h"

#define EVENT_LOG_SIZE 16384u

struct logged_event {
    uint64_t id;
    struct shim_event event;
};

struct event_log {
    struct logged_event *ring;
    uint64_t next; /* id of the next event; ids start with 1 */
};

bool event_log_open(struct event_log *log);
void event_log_close(struct event_log *log);

/* Copies the event into the log. */
const struct logged_event *event_log_add(struct event_log *log, const struct shim_event *event);
/* NULL: not there any more, or not yet. */
const struct logged_event *event_log_find(const struct event_log *log, uint64_t id);
/* The oldest id that is there; `next` when none is. */
uint64_t event_log_first(const struct event_log *log);

/* OPENWFP_COLLECT_*: the one class an event is of. */
uint32_t event_class(const struct shim_event *event);

/* As the API shows it, in the arena; NULL: no memory. */
OPENWFP_NET_EVENT *event_present(const struct logged_event *logged, struct arena *arena);

/* Whether the template (NULL: any) selects the event. */
bool event_matches(const struct shim_event *event, const FWPM_NET_EVENT_ENUM_TEMPLATE0 *template_);
/* A template with conditions that no net event has is refused (rule 11.4). */
uint32_t event_template_check(const FWPM_NET_EVENT_ENUM_TEMPLATE0 *template_,
                              struct model_error *error);

static inline uint64_t event_filetime(uint64_t realtime_ns)
{
    return realtime_ns / 100 + 116444736000000000ull;
}

#endif
