#include "event_log.h"

#include <stdlib.h>

#include <fwpsu.h>

bool event_log_open(struct event_log *log)
{
    log->next = 1;
    log->ring = calloc(EVENT_LOG_SIZE, sizeof(*log->ring));
    return log->ring != NULL;
}

void event_log_close(struct event_log *log)
{
    free(log->ring);
    log->ring = NULL;
}

const struct logged_event *event_log_add(struct event_log *log, const struct shim_event *event)
{
    struct logged_event *place = &log->ring[log->next % EVENT_LOG_SIZE];

    place->id = log->next++;
    place->event = *event;
    return place;
}

const struct logged_event *event_log_find(const struct event_log *log, uint64_t id)
{
    const struct logged_event *place = &log->ring[id % EVENT_LOG_SIZE];

    return id && place->id == id ? place : NULL;
}

uint64_t event_log_first(const struct event_log *log)
{
    return log->next > EVENT_LOG_SIZE ? log->next - EVENT_LOG_SIZE : 1;
}

uint32_t event_class(const struct shim_event *event)
{
    switch (event->layer) {
    case FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4:
    case FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6:
    case FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4:
    case FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V6:
    case FWPS_LAYER_ALE_RESOURCE_RELEASE_V4:
    case FWPS_LAYER_ALE_RESOURCE_RELEASE_V6:
        return OPENWFP_COLLECT_LIFECYCLES;
    default:
        return event->action == SHIM_BLOCK ? OPENWFP_COLLECT_DROPS : OPENWFP_COLLECT_ALLOWS;
    }
}
