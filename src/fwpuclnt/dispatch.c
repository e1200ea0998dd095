/*
 * The dispatcher. A handle's first subscription opens a second connection, which the service knows
 * by the session's token, and a thread that reads it and runs the callbacks, one at a time.
 *
 * Locks: the engine's is never taken with the dispatcher's held, and none is held while a callback
 * runs, so that callbacks may use the handle.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dispatcher.h"

static void subscription_free(struct subscription *subscription)
{
    free(subscription->request);
    free(subscription);
}

/* ---- the list */

void link_subscription(struct dispatcher *dispatcher, struct subscription *subscription)
{
    pthread_mutex_lock(&dispatcher->lock);
    subscription->cookie = ++dispatcher->last_cookie;
    subscription->next = dispatcher->subscriptions;
    dispatcher->subscriptions = subscription;
    pthread_mutex_unlock(&dispatcher->lock);
}

/* With the lock held. False: it is not in the list. */
static bool unlink_subscription(struct dispatcher *dispatcher, struct subscription *subscription)
{
    struct subscription **link = &dispatcher->subscriptions;

    while (*link && *link != subscription)
        link = &(*link)->next;
    if (!*link)
        return false;
    *link = subscription->next;
    return true;
}

bool remove_subscription(struct dispatcher *dispatcher, struct subscription *subscription)
{
    bool inside = pthread_equal(pthread_self(), dispatcher->thread), found;

    pthread_mutex_lock(&dispatcher->lock);
    found = unlink_subscription(dispatcher, subscription);
    if (found)
        subscription->removed = true;
    while (found && !inside && dispatcher->running == subscription)
        pthread_cond_wait(&dispatcher->idle, &dispatcher->lock);
    if (found && dispatcher->running == subscription)
        subscription->orphan = true;
    else if (found)
        subscription_free(subscription);
    pthread_mutex_unlock(&dispatcher->lock);
    return found;
}

/* ---- the thread */

static struct subscription *start_running(struct dispatcher *dispatcher, UINT64 cookie)
{
    struct subscription *found;

    pthread_mutex_lock(&dispatcher->lock);
    found = dispatcher->stopping ? NULL : dispatcher->subscriptions;
    while (found && found->cookie != cookie)
        found = found->next;
    dispatcher->running = found;
    pthread_mutex_unlock(&dispatcher->lock);
    return found;
}

static void stop_running(struct dispatcher *dispatcher)
{
    struct subscription *subscription = dispatcher->running;

    pthread_mutex_lock(&dispatcher->lock);
    dispatcher->running = NULL;
    if (subscription->orphan)
        subscription_free(subscription);
    pthread_cond_broadcast(&dispatcher->idle);
    pthread_mutex_unlock(&dispatcher->lock);
}

static bool is_removed(struct dispatcher *dispatcher, struct subscription *subscription)
{
    bool removed;

    pthread_mutex_lock(&dispatcher->lock);
    removed = subscription->removed || dispatcher->stopping;
    pthread_mutex_unlock(&dispatcher->lock);
    return removed;
}

static void run_held_callbacks(struct dispatcher *dispatcher, struct subscription *subscription,
                               const Rpc__Delivery *delivery)
{
    const struct delivery_handler *handler = &subscription->handler;
    struct converter converter = {.arena = &dispatcher->arena};
    UINT64 lost = delivery->lost;

    for (size_t i = 0; handler->held && i < delivery->n_held; i++) {
        OPENWFP_HELD_NOTICE notice;

        if (is_removed(dispatcher, subscription) ||
            !decode_held_notice(&converter, delivery->held[i], &notice))
            continue;
        notice.lost = lost;
        lost = 0;
        handler->held(handler->callback, handler->context, &notice);
    }
}

static void run_callbacks(struct dispatcher *dispatcher, struct subscription *subscription,
                          const Rpc__Delivery *delivery)
{
    const struct delivery_handler *handler = &subscription->handler;
    struct converter converter = {.arena = &dispatcher->arena};
    UINT64 lost = delivery->lost;

    for (size_t i = 0; handler->change && i < delivery->n_changes; i++)
        if (!is_removed(dispatcher, subscription))
            handler->change(handler->callback, handler->context, subscription->kind,
                            delivery->changes[i]);
    for (size_t i = 0; handler->event && i < delivery->n_events; i++) {
        OPENWFP_NET_EVENT event;

        if (is_removed(dispatcher, subscription) ||
            !decode_net_event(&converter, delivery->events[i], &event))
            continue;
        event.lost = lost;
        lost = 0;
        handler->event(handler->callback, handler->context, &event);
    }
}

static bool deliver(struct dispatcher *dispatcher, const uint8_t *bytes, size_t size)
{
    struct converter converter = {.arena = &dispatcher->arena};
    Rpc__Delivery *delivery = unpack_delivery(&converter, bytes, size);
    struct subscription *subscription;

    if (!delivery)
        return false;
    subscription = start_running(dispatcher, delivery->cookie);
    if (subscription) {
        run_callbacks(dispatcher, subscription, delivery);
        run_held_callbacks(dispatcher, subscription, delivery);
        stop_running(dispatcher);
    }
    arena_reset(&dispatcher->arena);
    return true;
}

/* The service is gone: tells those who want to know. */
static void tell_end(struct dispatcher *dispatcher)
{
    for (UINT64 cookie = 1; cookie <= dispatcher->last_cookie; cookie++) {
        struct subscription *subscription = start_running(dispatcher, cookie);

        if (!subscription)
            continue;
        if (subscription->handler.event)
            subscription->handler.event(subscription->handler.callback,
                                        subscription->handler.context, NULL);
        if (subscription->handler.held)
            subscription->handler.held(subscription->handler.callback,
                                       subscription->handler.context, NULL);
        stop_running(dispatcher);
    }
}

static void dispatcher_free(struct dispatcher *dispatcher)
{
    while (dispatcher->subscriptions) {
        struct subscription *next = dispatcher->subscriptions->next;

        subscription_free(dispatcher->subscriptions);
        dispatcher->subscriptions = next;
    }
    close(dispatcher->fd);
    frame_reader_free(&dispatcher->reader);
    arena_free(&dispatcher->arena);
    pthread_cond_destroy(&dispatcher->idle);
    pthread_mutex_destroy(&dispatcher->lock);
    free(dispatcher);
}

static void *dispatch(void *argument)
{
    struct dispatcher *dispatcher = argument;
    const uint8_t *bytes;
    size_t size;
    bool orphan;
    int next;

    do {
        while ((next = frame_next(&dispatcher->reader, &bytes, &size)) == 1)
            if (!deliver(dispatcher, bytes, size))
                break;
    } while (!next && frame_read(&dispatcher->reader, dispatcher->fd) > 0);
    tell_end(dispatcher);
    pthread_mutex_lock(&dispatcher->lock);
    orphan = dispatcher->orphan;
    pthread_mutex_unlock(&dispatcher->lock);
    if (orphan)
        dispatcher_free(dispatcher);
    return NULL;
}

/* The program's signals are not for this thread. */
static int start_thread(struct dispatcher *dispatcher)
{
    sigset_t all, old;
    int result;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    result = pthread_create(&dispatcher->thread, NULL, dispatch, dispatcher);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return result;
}

static bool attach(struct call *call, struct dispatcher *dispatcher)
{
    Rpc__Request request = RPC__REQUEST__INIT;
    Rpc__Attach message = RPC__ATTACH__INIT;
    struct frame_writer writer;
    Rpc__Reply *reply;

    message.token = (ProtobufCBinaryData){RPC_TOKEN_SIZE, call->engine->token};
    request.call_case = RPC__REQUEST__CALL_ATTACH;
    request.attach = &message;
    frame_writer_init(&writer, FRAME_MAX);
    reply =
        socket_exchange(dispatcher->fd, &writer, &dispatcher->reader, &request, &call->converter);
    frame_writer_free(&writer);
    if (!reply)
        return call_refuse(call, FWP_E_SESSION_ABORTED, "the service refused a second connection");
    return !reply->code || call_refuse(call, reply->code, reply->text);
}

static struct dispatcher *dispatcher_new(struct call *call, int fd)
{
    struct dispatcher *dispatcher = calloc(1, sizeof(*dispatcher));

    if (!dispatcher) {
        close(fd);
        call_refuse(call, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
        return NULL;
    }
    dispatcher->fd = fd;
    frame_reader_init(&dispatcher->reader, FRAME_MAX);
    arena_init(&dispatcher->arena, CLIENT_REPLY_MEMORY);
    pthread_mutex_init(&dispatcher->lock, NULL);
    pthread_cond_init(&dispatcher->idle, NULL);
    return dispatcher;
}

bool dispatcher_start(struct call *call)
{
    struct dispatcher *dispatcher;
    int fd;

    if (call->engine->dispatcher)
        return true;
    if (socket_connect(call->engine->path, &fd))
        return call_refuse(call, FWP_E_SESSION_ABORTED, OpenWfpLastErrorText());
    dispatcher = dispatcher_new(call, fd);
    if (!dispatcher)
        return false;
    if (!attach(call, dispatcher)) {
        dispatcher_free(dispatcher);
        return false;
    }
    if (start_thread(dispatcher)) {
        dispatcher_free(dispatcher);
        return call_refuse(call, ERROR_NOT_ENOUGH_MEMORY, "no thread for the callbacks");
    }
    call->engine->dispatcher = dispatcher;
    return true;
}

void dispatcher_stop(struct engine *engine)
{
    struct dispatcher *dispatcher = engine->dispatcher;
    bool inside;

    if (!dispatcher)
        return;
    engine->dispatcher = NULL;
    inside = pthread_equal(pthread_self(), dispatcher->thread);
    pthread_mutex_lock(&dispatcher->lock);
    dispatcher->stopping = true;
    dispatcher->orphan = inside;
    pthread_mutex_unlock(&dispatcher->lock);
    shutdown(dispatcher->fd, SHUT_RDWR);
    if (inside) {
        pthread_detach(dispatcher->thread);
    } else {
        pthread_join(dispatcher->thread, NULL);
        dispatcher_free(dispatcher);
    }
}
