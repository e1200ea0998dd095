/*
 * A net event with nothing to free and nothing shared, so it can wait in a queue: what monitor
 * and "show events" print.
 */
#ifndef OPENWFP_WFP_EVENT_H
#define OPENWFP_WFP_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <openwfp.h>

struct json;

#define EVENT_APP_SIZE 512

struct event {
    uint64_t id, flow, filter, cgroup, start_time, lost;
    FILETIME time;
    bool blocked, inbound, loopback;
    uint16_t layer;
    int family; /* 4, 6, 0 */
    bool has_protocol, has_local, has_remote, has_local_port, has_remote_port;
    uint8_t protocol;
    uint8_t local[16], remote[16]; /* network order */
    uint16_t local_port, remote_port;
    uint32_t pid, uid, gid, netns, interface, callout, reauthorize_reason;
    char comm[17];
    char app[EVENT_APP_SIZE]; /* "" when it is not known */
};

void event_read(struct event *event, const OPENWFP_NET_EVENT *net);

/* What the event's filter is called; NULL: nobody knows. */
struct event_words {
    struct arena *arena;
    const char *time;
    const char *filter_name;
};

/* "10.0.0.1:443", "[::1]:443", "10.0.0.1", "*:443", "-" */
const char *event_local(struct arena *arena, const struct event *event);
const char *event_remote(struct arena *arena, const struct event *event);
const char *event_protocol(struct arena *arena, const struct event *event);
const char *event_user(struct arena *arena, uint32_t uid);
const char *event_program(struct arena *arena, const struct event *event); /* path or (comm) */
const char *event_verdict(const struct event *event);                      /* permit, block … */

/* The event as a JSON object (inside whatever is open). */
void event_json(const struct event *event, const struct event_words *words, struct json *json);

/* FILETIME as UTC, ISO 8601; "-" when nobody knows. */
const char *filetime_text(struct arena *arena, FILETIME time);

#endif
