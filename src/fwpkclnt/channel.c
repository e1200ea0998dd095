/* The classify channel: one message, one packet of the socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fwpkclnt/runtime.h"

/* ---- out ---- */

static bool send_parts(struct iovec *parts, int count)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    ssize_t sent;

    do
        sent = sendmsg(runtime.channel, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

bool channel_send(uint32_t kind, uint64_t operation, void *message, uint32_t size)
{
    struct iovec part = {message, size};

    *(struct driver_header *)message =
        (struct driver_header){.kind = kind, .size = size, .operation = operation};
    return send_parts(&part, 1);
}

bool channel_send_packet(uint64_t operation, const void *bytes, uint32_t size)
{
    struct driver_packet message = {
        .header = {DRIVER_PACKET, (uint32_t)sizeof(message) + size, operation},
        .packet_size = size};
    struct iovec parts[] = {{&message, sizeof(message)}, {(void *)bytes, size}};

    return send_parts(parts, 2);
}

bool channel_complete(uint64_t operation, uint32_t action)
{
    struct driver_complete message = {.action = action};

    return channel_send(DRIVER_COMPLETE, operation, &message, sizeof(message));
}

/* ---- in ---- */

static bool classify_sound(const struct driver_classify *message, uint32_t size)
{
    return message->packet_size == size - sizeof(*message) &&
           memchr(message->app, '\0', sizeof(message->app));
}

/* Which function a message is for; NULL: it is not one that comes from the engine. */
static void (*runner(const struct driver_header *header))(struct operation *, struct work *)
{
    uint32_t size = header->size;

    switch (header->kind) {
    case DRIVER_CLASSIFY:
        return size >= sizeof(struct driver_classify) && header->operation &&
                       classify_sound((const void *)header, size)
                   ? classify_run
                   : NULL;
    case DRIVER_DECIDED:
        return size == sizeof(struct driver_decided) && header->operation ? pend_decided : NULL;
    case DRIVER_FLOW_DELETE:
        return size == sizeof(struct driver_flow_delete) ? flow_deleted : NULL;
    case DRIVER_NOTIFY:
        return size == sizeof(struct driver_notify_filter) ? callout_notify : NULL;
    case DRIVER_STATE:
        return size == sizeof(struct driver_state) ? state_changed : NULL;
    default:
        return NULL;
    }
}

/* With the lock held. */
static void post(const struct driver_header *header)
{
    void (*run)(struct operation *, struct work *) = runner(header);
    bool about_operation = run == classify_run || run == pend_decided;
    struct work *work = run ? work_new(run, header, header->size) : NULL;
    struct operation *operation;

    if (!run)
        runtime_log("a message of kind %u that makes no sense was ignored", header->kind);
    if (!work)
        return;
    operation = operation_get(about_operation ? header->operation : 0);
    if (operation)
        operation_post(operation, work);
    else
        free(work);
}

bool channel_read(void)
{
    static _Alignas(max_align_t) uint8_t buffer[sizeof(struct driver_classify) + DRIVER_PACKET_MAX];
    const struct driver_header *header = (const struct driver_header *)buffer;

    for (;;) {
        ssize_t size = recv(runtime.channel, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC);

        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == EAGAIN)
            return true;
        if (size <= 0)
            return false;
        if ((size_t)size > sizeof(buffer) || (size_t)size < sizeof(*header) ||
            header->size != (size_t)size)
            runtime_log("a message of %zd bytes that makes no sense was ignored", size);
        else
            post(header);
    }
}

void channel_wait(void)
{
    struct epoll_event event;

    epoll_wait(runtime.epoll, &event, 1, -1);
}

/* ---- coming and going ---- */

void channel_closed(void)
{
    struct driver_state stopped = {.state = FWPM_SERVICE_STOPPED};
    struct work *told = work_new(state_changed, &stopped, sizeof(stopped));

    eventfd_write(runtime.hangup, 1);
    if (told && !operation_post_event(told))
        free(told);
    if (runtime.host.on_close)
        runtime.host.on_close(runtime.host.context);
}

static bool watch(int fd, uint32_t events)
{
    struct epoll_event event = {.events = events};

    return epoll_ctl(runtime.epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Edge-triggered, so that one message wakes one thread; the end wakes all. */
int channel_open(int channel)
{
    runtime.channel = channel;
    runtime.epoll = epoll_create1(EPOLL_CLOEXEC);
    runtime.hangup = eventfd(0, EFD_CLOEXEC);
    return runtime.epoll >= 0 && runtime.hangup >= 0 && watch(channel, EPOLLIN | EPOLLET) &&
                   watch(runtime.hangup, EPOLLIN)
               ? 0
               : errno;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void channel_close(void)
{
    close_one(&runtime.channel);
    close_one(&runtime.epoll);
    close_one(&runtime.hangup);
}
