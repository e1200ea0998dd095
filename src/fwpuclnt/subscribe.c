/* Subscribing, unsubscribing, and what is subscribed. */
#include <stdlib.h>

#include "dispatcher.h"

static bool remember(struct call *call, struct subscription *subscription,
                     const Rpc__Subscribe *message)
{
    subscription->request_size = rpc__subscribe__get_packed_size(message);
    subscription->request = malloc(subscription->request_size);
    if (!subscription->request)
        return call_refuse(call, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    rpc__subscribe__pack(message, subscription->request);
    return true;
}

static bool send_subscribe(struct call *call, struct subscription *subscription,
                           const void *template_, UINT32 flags, bool extended)
{
    Rpc__Subscribe message = RPC__SUBSCRIBE__INIT;

    message.kind = (Rpc__Kind)subscription->kind;
    message.flags = flags;
    message.cookie = subscription->cookie;
    message.extended = extended;
    call->request.call_case = RPC__REQUEST__CALL_SUBSCRIBE;
    call->request.subscribe = &message;
    if (!encode_template(&call->converter, subscription->kind, template_, &message.template_))
        return call_failed(call);
    return remember(call, subscription, &message) && call_send(call, RPC__REPLY__RESULT__NOT_SET);
}

DWORD subscribe(HANDLE engineHandle, enum model_kind kind, const void *template_, UINT32 flags,
                bool extended, const struct delivery_handler *handler, HANDLE *handle)
{
    struct call call;
    struct subscription *subscription;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, handler->callback, "callback") ||
        !call_needs(&call, handle, "the pointer that takes the subscription's handle") ||
        !dispatcher_start(&call))
        return call_end(&call);
    subscription = calloc(1, sizeof(*subscription));
    if (!subscription) {
        call_refuse(&call, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
        return call_end(&call);
    }
    subscription->kind = kind;
    subscription->handler = *handler;
    link_subscription(call.engine->dispatcher, subscription);
    *handle = subscription;
    if (!send_subscribe(&call, subscription, template_, flags, extended)) {
        remove_subscription(call.engine->dispatcher, subscription);
        *handle = NULL;
    }
    return call_end(&call);
}

/* The cookie of a subscription that is in the list, else 0. */
static UINT64 find_cookie(struct dispatcher *dispatcher, const struct subscription *wanted)
{
    const struct subscription *each;
    UINT64 cookie;

    pthread_mutex_lock(&dispatcher->lock);
    for (each = dispatcher->subscriptions; each && each != wanted; each = each->next)
        ;
    cookie = each ? each->cookie : 0;
    pthread_mutex_unlock(&dispatcher->lock);
    return cookie;
}

DWORD unsubscribe(HANDLE engineHandle, HANDLE handle)
{
    Rpc__Unsubscribe message = RPC__UNSUBSCRIBE__INIT;
    struct dispatcher *dispatcher;
    struct call call;
    DWORD code;

    if (!call_begin(&call, engineHandle) && call.code != FWP_E_SESSION_ABORTED)
        return call_end(&call);
    dispatcher = call.engine->dispatcher;
    message.cookie = dispatcher ? find_cookie(dispatcher, handle) : 0;
    if (!message.cookie) {
        call_refuse(&call, FWP_E_NOT_FOUND, "there is no such subscription of this engine handle");
        return call_end(&call);
    }
    call.request.call_case = RPC__REQUEST__CALL_UNSUBSCRIBE;
    call.request.unsubscribe = &message;
    if (!call.code)
        call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    code = call_end(&call);
    if (code == ERROR_SUCCESS || code == FWP_E_SESSION_ABORTED)
        remove_subscription(dispatcher, handle);
    return code;
}

/* ---- what is subscribed */

static bool describe(struct call *call, const struct subscription *subscription,
                     FWPM_FILTER_SUBSCRIPTION0 *into)
{
    Rpc__Subscribe *message = rpc__subscribe__unpack(
        &call->converter.arena->allocator, subscription->request_size, subscription->request);
    const void *template_;

    if (!message)
        return call_refuse(call, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    if (!decode_template(&call->converter, subscription->kind, message->template_, &template_))
        return call_failed(call);
    into->enumTemplate = (FWPM_FILTER_ENUM_TEMPLATE0 *)template_;
    into->flags = message->flags;
    into->sessionKey = call->engine->session_key;
    return true;
}

static size_t count_of_kind(const struct dispatcher *dispatcher, enum model_kind kind)
{
    size_t count = 0;

    for (const struct subscription *each = dispatcher->subscriptions; each; each = each->next)
        count += each->kind == kind;
    return count;
}

static void describe_all(struct call *call, struct dispatcher *dispatcher, enum model_kind kind,
                         void ***entries, UINT32 *numEntries)
{
    size_t count = dispatcher ? count_of_kind(dispatcher, kind) : 0, at = 0;
    void **payload = call_payload(call, count * sizeof(*payload));
    FWPM_FILTER_SUBSCRIPTION0 *each = arena_array(call->converter.arena, count, sizeof(*each));

    if (!payload || !each) {
        call_refuse(call, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
        return;
    }
    for (const struct subscription *from = count ? dispatcher->subscriptions : NULL; from;
         from = from->next) {
        if (from->kind != kind)
            continue;
        if (!describe(call, from, &each[at]))
            return;
        payload[at] = &each[at];
        at++;
    }
    *numEntries = (UINT32)count;
    *entries = call_keep(call, payload);
}

DWORD subscriptions_get(HANDLE engineHandle, enum model_kind kind, void ***entries,
                        UINT32 *numEntries)
{
    struct dispatcher *dispatcher;
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, entries, "entries") ||
        !call_needs(&call, numEntries, "numEntries") || !call_own(&call))
        return call_end(&call);
    dispatcher = call.engine->dispatcher;
    if (dispatcher)
        pthread_mutex_lock(&dispatcher->lock);
    describe_all(&call, dispatcher, kind, entries, numEntries);
    if (dispatcher)
        pthread_mutex_unlock(&dispatcher->lock);
    return call_end(&call);
}

bool change_key(const Rpc__Change *change, GUID *key)
{
    struct converter converter = {0};

    return decode_guid(&converter, "key", change->key, key);
}
