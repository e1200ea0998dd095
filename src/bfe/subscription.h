/*
 * What a session wants to be told: changes of objects (rule 12.x), net events (rule 13.x),
 * questions of hold filters.
 *
 * Deliveries go to the session's receiver. What a receiver can't take because it reads too slowly,
 * or because there is none, is counted; the count goes out with the next delivery, at the latest
 * when the receiver has caught up (rule 12.2).
 */
#ifndef OPENWFP_BFE_SUBSCRIPTION_H
#define OPENWFP_BFE_SUBSCRIPTION_H

#include "event_log.h"
#include "rpc/convert.h"

#define SUBSCRIPTIONS_MAX 256u /* of one session */

struct client;

struct subscription {
    struct subscription *next;
    uint64_t cookie; /* the client's name for it */
    uint64_t handle; /* the model's; net events have none */
    uint64_t lost;
    enum model_kind kind;
    bool extended;      /* net events: with the life of flows */
    struct arena arena; /* net events: of the template */
    const FWPM_NET_EVENT_ENUM_TEMPLATE0 *template_;
};

uint32_t subscription_add(struct client *client, const Rpc__Subscribe *request);
uint32_t subscription_remove(struct client *client, uint64_t cookie);
void subscriptions_free(struct client *client);

void subscription_changes(struct client *client, uint64_t handle,
                          const struct model_change *changes, size_t count);
/* To all subscriptions of the session that select one of these. */
void subscriptions_events(struct client *client, const struct logged_event *const *events,
                          size_t count);
/* To all subscriptions of the session to questions of hold filters. */
void subscriptions_held(struct client *client, const OPENWFP_HELD_NOTICE *notice);
/* The receiver has caught up. */
void subscriptions_tell_lost(struct client *client);

#endif
