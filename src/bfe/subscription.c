#include "subscription.h"

#include <stdlib.h>

#include "client.h"
#include "dispatch.h"
#include "log.h"
#include "service.h"

#define CHANGES_AT_ONCE 1024u
#define DELIVERY_ARENA  (8u << 20)

/* ---- deliveries ---- */

static bool push(struct client *client, const Rpc__Delivery *delivery)
{
    size_t size = rpc__delivery__get_packed_size(delivery);
    uint8_t *bytes;
    bool done;

    if (!client->receiver || client->receiver->doomed)
        return false;
    bytes = malloc(size ? size : 1);
    if (!bytes)
        return false;
    rpc__delivery__pack(delivery, bytes);
    done = connection_push(client->receiver->connection, bytes, size);
    free(bytes);
    return done;
}

static void deliver(struct client *client, struct subscription *subscription,
                    Rpc__Delivery *delivery)
{
    size_t items = delivery->n_changes + delivery->n_events + delivery->n_held;

    delivery->cookie = subscription->cookie;
    delivery->lost = subscription->lost;
    if (push(client, delivery))
        subscription->lost = 0;
    else
        subscription->lost += items;
}

static size_t encode_changes(struct arena *arena, const struct model_change *changes, size_t count,
                             Rpc__Delivery *delivery)
{
    Rpc__Change *messages = arena_array(arena, count, sizeof(*messages));

    delivery->changes = arena_array(arena, count, sizeof(*delivery->changes));
    if (!messages || !delivery->changes)
        return 0;
    for (size_t i = 0; i < count; i++) {
        rpc__change__init(&messages[i]);
        messages[i].kind = (Rpc__Kind)changes[i].kind;
        messages[i].type = changes[i].type;
        messages[i].key = encode_guid(&changes[i].key);
        messages[i].id = changes[i].id;
        delivery->changes[i] = &messages[i];
    }
    return count;
}

static void deliver_changes(struct client *client, struct subscription *subscription,
                            const struct model_change *changes, size_t count)
{
    Rpc__Delivery delivery = RPC__DELIVERY__INIT;
    struct arena arena;

    arena_init(&arena, DELIVERY_ARENA);
    delivery.n_changes = encode_changes(&arena, changes, count, &delivery);
    if (delivery.n_changes)
        deliver(client, subscription, &delivery);
    else
        subscription->lost += count;
    arena_free(&arena);
}

void subscription_changes(struct client *client, uint64_t handle,
                          const struct model_change *changes, size_t count)
{
    struct subscription *subscription = client->subscriptions;
    size_t some;

    while (subscription &&
           (subscription->kind == MODEL_NET_EVENT || subscription->handle != handle))
        subscription = subscription->next;
    for (; subscription && count; changes += some, count -= some) {
        some = count < CHANGES_AT_ONCE ? count : CHANGES_AT_ONCE;
        deliver_changes(client, subscription, changes, some);
    }
}

/* ---- questions of hold filters ---- */

static void deliver_held(struct client *client, struct subscription *subscription,
                         const OPENWFP_HELD_NOTICE *notice)
{
    Rpc__Delivery delivery = RPC__DELIVERY__INIT;
    struct converter convert;
    Rpc__HeldNotice *message;
    struct arena arena;

    arena_init(&arena, DELIVERY_ARENA);
    convert = (struct converter){.arena = &arena};
    message = encode_held_notice(&convert, notice);
    if (message) {
        delivery.held = &message;
        delivery.n_held = 1;
        deliver(client, subscription, &delivery);
    } else {
        subscription->lost++;
    }
    arena_free(&arena);
}

void subscriptions_held(struct client *client, const OPENWFP_HELD_NOTICE *notice)
{
    for (struct subscription *s = client->subscriptions; s; s = s->next)
        if (s->kind == MODEL_ENGINE)
            deliver_held(client, s, notice);
}

/* What waits already. */
static void tell_waiting(struct client *client, struct subscription *subscription)
{
    size_t count;
    const OPENWFP_HELD *held = broker_list(client->service->broker, &client->arena, &count);

    for (size_t i = 0; held && i < count; i++)
        deliver_held(client, subscription,
                     &(OPENWFP_HELD_NOTICE){.held = held[i], .change = OPENWFP_HELD_ASKED});
}

/* ---- net events ---- */

static bool wants(const struct subscription *subscription, uint32_t classes,
                  const struct shim_event *event)
{
    uint32_t class = event_class(event);

    if (!(classes & class) || (class == OPENWFP_COLLECT_LIFECYCLES && !subscription->extended))
        return false;
    return event_matches(event, subscription->template_);
}

static size_t select_events(struct client *client, struct subscription *subscription,
                            const struct logged_event *const *events, size_t count,
                            struct arena *arena, Rpc__NetEvent **into)
{
    uint32_t classes = service_visible_events(client);
    struct converter convert = {.arena = arena};
    size_t selected = 0;

    for (size_t i = 0; i < count; i++) {
        OPENWFP_NET_EVENT *shown;

        if (!wants(subscription, classes, &events[i]->event))
            continue;
        shown = event_present(events[i], arena);
        into[selected] = shown ? encode_net_event(&convert, shown) : NULL;
        if (into[selected])
            selected++;
        else
            subscription->lost++;
    }
    return selected;
}

static void deliver_events(struct client *client, struct subscription *subscription,
                           const struct logged_event *const *events, size_t count)
{
    Rpc__Delivery delivery = RPC__DELIVERY__INIT;
    struct arena arena;

    arena_init(&arena, DELIVERY_ARENA);
    delivery.events = arena_array(&arena, count, sizeof(*delivery.events));
    if (delivery.events)
        delivery.n_events =
            select_events(client, subscription, events, count, &arena, delivery.events);
    if (delivery.n_events)
        deliver(client, subscription, &delivery);
    arena_free(&arena);
}

void subscriptions_events(struct client *client, const struct logged_event *const *events,
                          size_t count)
{
    for (struct subscription *s = client->subscriptions; s; s = s->next)
        if (s->kind == MODEL_NET_EVENT)
            deliver_events(client, s, events, count);
}

void subscriptions_tell_lost(struct client *client)
{
    for (struct subscription *s = client->subscriptions; s; s = s->next) {
        Rpc__Delivery delivery = RPC__DELIVERY__INIT;

        if (s->lost)
            deliver(client, s, &delivery);
    }
}

/* ---- subscribing ---- */

static struct subscription **find(struct client *client, uint64_t cookie)
{
    struct subscription **link = &client->subscriptions;

    while (*link && (*link)->cookie != cookie)
        link = &(*link)->next;
    return link;
}

static uint32_t subscribe_events(struct client *client, const Rpc__Subscribe *request,
                                 struct subscription *made)
{
    uint32_t code;

    if (model_txn_in_progress(client->session))
        return client_error(client, FWP_E_TXN_IN_PROGRESS,
                            "subscribing is not possible inside a transaction");
    code = model_access_check(client->session, MODEL_NET_EVENT, FWPM_ACTRL_SUBSCRIBE,
                              &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    return event_template_keep(client, request->template_, &made->arena, &made->template_);
}

static uint32_t subscribe_changes(struct client *client, const Rpc__Subscribe *request,
                                  struct subscription *made)
{
    const void *template_ = NULL;

    if (!decode_template(&client->convert, made->kind, request->template_, &template_))
        return client->convert.error.code;
    return model_subscribe(client->session, made->kind, template_, request->flags, &made->handle,
                           &client->convert.error);
}

static uint32_t subscribe_held(struct client *client)
{
    if (model_txn_in_progress(client->session))
        return client_error(client, FWP_E_TXN_IN_PROGRESS,
                            "subscribing is not possible inside a transaction");
    return dispatch_held_allowed(client);
}

static uint32_t subscribe_kind(struct client *client, const Rpc__Subscribe *request,
                               struct subscription *made)
{
    switch (made->kind) {
    case MODEL_NET_EVENT:
        return subscribe_events(client, request, made);
    case MODEL_ENGINE:
        return subscribe_held(client);
    default:
        return subscribe_changes(client, request, made);
    }
}

static uint32_t check_new(struct client *client, uint64_t cookie)
{
    unsigned count = 0;

    for (const struct subscription *s = client->subscriptions; s; s = s->next)
        count++;
    if (count >= SUBSCRIPTIONS_MAX)
        return client_error(client, ERROR_NOT_ENOUGH_MEMORY,
                            "this session has %u subscriptions; end some", SUBSCRIPTIONS_MAX);
    if (*find(client, cookie))
        return client_error(client, FWP_E_ALREADY_EXISTS,
                            "this session has a subscription with that cookie already");
    return ERROR_SUCCESS;
}

uint32_t subscription_add(struct client *client, const Rpc__Subscribe *request)
{
    struct subscription *made;
    enum model_kind kind;
    uint32_t code;

    if (!decode_kind(&client->convert, request->kind, &kind))
        return client->convert.error.code;
    code = check_new(client, request->cookie);
    if (code != ERROR_SUCCESS)
        return code;
    made = calloc(1, sizeof(*made));
    if (!made)
        return client_no_memory(client);
    made->cookie = request->cookie;
    made->kind = kind;
    made->extended = request->extended;
    code = subscribe_kind(client, request, made);
    if (code != ERROR_SUCCESS) {
        free(made);
        return code;
    }
    made->next = client->subscriptions;
    client->subscriptions = made;
    if (kind == MODEL_ENGINE)
        tell_waiting(client, made);
    return ERROR_SUCCESS;
}

static void drop(struct subscription **link)
{
    struct subscription *gone = *link;

    *link = gone->next;
    arena_free(&gone->arena);
    free(gone);
}

uint32_t subscription_remove(struct client *client, uint64_t cookie)
{
    struct subscription **link = find(client, cookie);
    uint32_t code = ERROR_SUCCESS;

    if (!*link)
        return client_error(client, FWP_E_NOT_FOUND,
                            "this session has no subscription with that handle");
    if ((*link)->kind != MODEL_NET_EVENT && (*link)->kind != MODEL_ENGINE)
        code = model_unsubscribe(client->session, (*link)->handle, &client->convert.error);
    else if (model_txn_in_progress(client->session))
        code = client_error(client, FWP_E_TXN_IN_PROGRESS,
                            "unsubscribing is not possible inside a transaction");
    if (code == ERROR_SUCCESS)
        drop(link);
    return code;
}

void subscriptions_free(struct client *client)
{
    while (client->subscriptions)
        drop(&client->subscriptions);
}
