/* Hosts of callouts: sockets, and messages that may be anything. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#define MESSAGES_AT_ONCE 64
#define MESSAGE_MAX      (sizeof(struct driver_packet) + DRIVER_PACKET_MAX)
#define SOCKET_BYTES     (4 << 20)

struct callout *callout_find(struct hold *hold, uint32_t callout_id)
{
    for (unsigned i = 0; i < HOLD_CALLOUTS; i++)
        if (hold->callouts[i].host && hold->callouts[i].id == callout_id)
            return &hold->callouts[i];
    return NULL;
}

/* A host that does not read is as good as silent; one whose socket is broken will be buried. */
bool host_send(struct host *host, const struct iovec *parts, unsigned count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = count};

    return !host->dead && sendmsg(host->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* ---- messages ---- */

union message {
    struct driver_header header;
    struct driver_answer answer;
    struct driver_complete complete;
    struct driver_packet packet;
    struct driver_flow_associate flow;
    struct driver_flow_abort abort;
    uint8_t bytes[MESSAGE_MAX];
};

static bool packet_fits(const union message *message, size_t size)
{
    return size >= sizeof(message->packet) && message->packet.packet_size <= DRIVER_PACKET_MAX &&
           size == sizeof(message->packet) + message->packet.packet_size;
}

/* False: it makes no sense. */
static bool obey(struct hold *hold, struct host *host, const union message *message, size_t size)
{
    if (size < sizeof(message->header) || message->header.size != size)
        return false;
    switch (message->header.kind) {
    case DRIVER_ANSWER:
        if (size == sizeof(message->answer))
            return operation_answer(hold, host, &message->answer), true;
        return false;
    case DRIVER_COMPLETE:
        if (size == sizeof(message->complete))
            return operation_complete(hold, host, &message->complete), true;
        return false;
    case DRIVER_PACKET:
        if (packet_fits(message, size))
            return operation_return(hold, host, &message->packet), true;
        return false;
    case DRIVER_FLOW_ASSOCIATE:
        if (size == sizeof(message->flow))
            return flow_associate(hold, host, &message->flow), true;
        return false;
    case DRIVER_FLOW_REMOVE:
        if (size == sizeof(message->flow))
            return flow_remove(hold, host, &message->flow), true;
        return false;
    case DRIVER_FLOW_ABORT:
        if (size == sizeof(message->abort))
            return flow_abort(hold, &message->abort), true;
        return false;
    default:
        return false;
    }
}

static void host_read(struct hold *hold, struct host *host)
{
    static _Thread_local union message message;

    for (int i = 0; i < MESSAGES_AT_ONCE && !host->dead; i++) {
        ssize_t size = recv(host->socket, &message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);

        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (size <= 0)
            host->dead = true;
        else if ((size_t)size > sizeof(message) || !obey(hold, host, &message, (size_t)size))
            hold->statistics.ignored++;
    }
}

/* ---- coming and going ---- */

static struct host *find(struct hold *hold, uint32_t number)
{
    struct host *host = hold->hosts;

    while (host && host->number != number)
        host = host->next;
    return host && !host->dead ? host : NULL;
}

/* Others may have copies of the socket: closing ours does not take it out of the epoll set. */
static void host_free(struct hold *hold, struct host *host)
{
    epoll_ctl(hold->epoll, EPOLL_CTL_DEL, host->socket, NULL);
    close(host->socket);
    free(host);
}

static void forget_callouts(struct hold *hold, const struct host *host)
{
    for (unsigned i = 0; i < HOLD_CALLOUTS; i++) {
        if (hold->callouts[i].host != host)
            continue;
        flow_forget_callout(hold, hold->callouts[i].id);
        hold->callouts[i].host = NULL;
    }
}

/* Frees the hosts that are gone; what they have pended is decided without them. */
void host_bury(struct hold *hold)
{
    struct host **link = &hold->hosts, *host;

    while ((host = *link)) {
        if (!host->dead) {
            link = &host->next;
            continue;
        }
        forget_callouts(hold, host);
        operation_host_gone(hold, host);
        *link = host->next;
        shutdown(host->socket, SHUT_RDWR); /* also for who has a copy of it */
        if (host->gone)
            host->gone(host->gone_ctx);
        host_free(hold, host);
    }
}

void host_try_again(struct hold *hold)
{
    for (struct host *host = hold->hosts; host; host = host->next)
        host->full = false;
}

void host_free_all(struct hold *hold)
{
    while (hold->hosts) {
        struct host *host = hold->hosts;

        hold->hosts = host->next;
        host_free(hold, host);
    }
}

int hold_host_add(struct hold *hold, int socket, void (*gone)(void *ctx), void *ctx,
                  uint32_t *number)
{
    struct host *host = calloc(1, sizeof(*host));
    struct epoll_event event = {.events = EPOLLIN};
    int bytes = SOCKET_BYTES, result = 0;

    if (!host)
        return -ENOMEM;
    *host = (struct host){.socket = socket, .gone = gone, .gone_ctx = ctx};
    setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
    pthread_mutex_lock(&hold->lock);
    *number = host->number = ++hold->next_host;
    event.data.u64 = HOLD_EVENT_HOST | host->number;
    if (epoll_ctl(hold->epoll, EPOLL_CTL_ADD, socket, &event)) {
        result = -errno;
        free(host);
    } else {
        host->next = hold->hosts;
        hold->hosts = host;
    }
    pthread_mutex_unlock(&hold->lock);
    return result;
}

void host_ready(struct hold *hold, uint32_t number)
{
    struct host *host = find(hold, number);

    if (host)
        host_read(hold, host);
}

void hold_host_remove(struct hold *hold, uint32_t number)
{
    pthread_mutex_lock(&hold->lock);
    struct host *host = find(hold, number);
    if (host) {
        host->dead = true;
        host->gone = NULL;
        host_bury(hold);
    }
    pthread_mutex_unlock(&hold->lock);
}

int hold_tell(struct hold *hold, uint32_t number, const void *message, uint32_t size)
{
    pthread_mutex_lock(&hold->lock);
    struct host *host = find(hold, number);
    bool sent = host && host_send(host, &(struct iovec){(void *)message, size}, 1);
    pthread_mutex_unlock(&hold->lock);
    return sent ? 0 : host ? -EAGAIN : -ENOENT;
}

/* ---- callouts ---- */

int hold_callout_add(struct hold *hold, uint32_t callout_id, uint32_t number, uint32_t flags)
{
    int result = -ENOSPC;

    pthread_mutex_lock(&hold->lock);
    struct host *host = find(hold, number);
    if (!host)
        result = -ENOENT;
    else if (callout_find(hold, callout_id))
        result = -EEXIST;
    for (unsigned i = 0; result == -ENOSPC && i < HOLD_CALLOUTS; i++) {
        if (hold->callouts[i].host)
            continue;
        hold->callouts[i] = (struct callout){callout_id, flags, host};
        result = 0;
    }
    pthread_mutex_unlock(&hold->lock);
    return result;
}

int hold_callout_remove(struct hold *hold, uint32_t callout_id)
{
    int result = 0;

    pthread_mutex_lock(&hold->lock);
    struct callout *callout = callout_find(hold, callout_id);
    if (!callout)
        result = -ENOENT;
    else if (flow_has_contexts(hold, callout_id))
        result = -EBUSY;
    if (!result) {
        callout->host = NULL;
        operation_callout_gone(hold, callout_id);
    }
    pthread_mutex_unlock(&hold->lock);
    return result;
}
