/*
 * Enumerations of net events: what was in the log when the enumeration was made. Events that the
 * ring overwrites before they are asked for are left out.
 */
#ifndef OPENWFP_BFE_EVENT_ENUM_H
#define OPENWFP_BFE_EVENT_ENUM_H

#include "event_log.h"
#include "rpc/convert.h"

#define EVENT_ENUMS_MAX 64u /* of one session */

struct client;

struct event_enum {
    struct event_enum *next;
    uint64_t handle;
    uint64_t at, end;   /* ids */
    uint32_t classes;   /* OPENWFP_COLLECT_* */
    struct arena arena; /* of the template */
    const FWPM_NET_EVENT_ENUM_TEMPLATE0 *template_;
};

uint32_t event_enum_create(struct client *client, const Rpc__Template *template_, uint64_t *handle);
struct event_enum *event_enum_find(struct client *client, uint64_t handle);
/* The next event selected, or NULL at the end. */
const struct logged_event *event_enum_next(struct event_enum *enumeration,
                                           const struct event_log *log);
void event_enum_destroy(struct client *client, struct event_enum *enumeration);
void event_enums_free(struct client *client);

/*
 * Decodes a net event template into an arena of its own, which it makes: the request's goes with
 * the request. On failure the arena is freed and the error set.
 */
uint32_t event_template_keep(struct client *client, const Rpc__Template *message,
                             struct arena *arena, const FWPM_NET_EVENT_ENUM_TEMPLATE0 **kept);

#endif
