#include "connection.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buffer.h"
#include "rpc/frame.h"

#define READ_AT_ONCE 65536u
#define TURN         8 /* messages delivered in one turn of the event loop */
#define LAST         (SD_EVENT_PRIORITY_NORMAL + 10)

struct connection {
    int fd;
    sd_event_source *io, *more;
    struct buffer in, out;
    size_t message_max;
    int turn; /* messages delivered at once */
    struct connection_owner owner;
    bool held, gone;
    bool refused; /* a push, since the queue was last empty */
};

static void lose(struct connection *connection, const char *why)
{
    if (connection->gone)
        return;
    connection->gone = true;
    sd_event_source_set_enabled(connection->io, SD_EVENT_OFF);
    sd_event_source_set_enabled(connection->more, SD_EVENT_OFF);
    connection->owner.gone(connection->owner.ctx, why);
}

static bool congested(const struct connection *connection)
{
    return connection->out.used > CONNECTION_PUSH_LIMIT;
}

/* Not reading, we still want to know when the peer goes: EPOLLRDHUP. */
static void choose_events(struct connection *connection)
{
    bool reading = !connection->held && !congested(connection);
    uint32_t events = reading ? EPOLLIN : EPOLLRDHUP;

    if (connection->gone)
        return;
    if (connection->out.used)
        events |= EPOLLOUT;
    sd_event_source_set_io_events(connection->io, events);
}

static void flush(struct connection *connection)
{
    while (connection->out.used && !connection->gone) {
        ssize_t sent = send(connection->fd, buffer_content(&connection->out), connection->out.used,
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
            return;
        if (sent < 0) {
            lose(connection, NULL);
            return;
        }
        buffer_consume(&connection->out, (size_t)sent);
    }
}

static size_t announced(const struct connection *connection)
{
    uint32_t size;

    memcpy(&size, buffer_content(&connection->in), sizeof(size));
    return le32toh(size);
}

/* True when a whole frame is there. */
static bool frame_ready(struct connection *connection, size_t *size)
{
    if (connection->gone || connection->in.used < FRAME_HEADER)
        return false;
    *size = announced(connection);
    if (*size > connection->message_max) {
        lose(connection, "sent a message longer than is allowed");
        return false;
    }
    return connection->in.used - FRAME_HEADER >= *size;
}

static void deliver(struct connection *connection)
{
    size_t size;
    int left = connection->turn;

    while (!connection->held && !congested(connection) && frame_ready(connection, &size)) {
        if (!left--) {
            sd_event_source_set_enabled(connection->more, SD_EVENT_ONESHOT);
            break;
        }
        connection->owner.message(connection->owner.ctx,
                                  buffer_content(&connection->in) + FRAME_HEADER, size);
        buffer_consume(&connection->in, FRAME_HEADER + size);
    }
    choose_events(connection);
}

/* Once a frame's length is known no more than that frame is read beyond a small amount. */
static size_t room_wanted(const struct connection *connection)
{
    size_t missing;

    if (connection->in.used < FRAME_HEADER)
        return READ_AT_ONCE / 16;
    if (announced(connection) > connection->message_max)
        return 1;
    missing = FRAME_HEADER + announced(connection);
    missing = missing > connection->in.used ? missing - connection->in.used : 1;
    return missing < READ_AT_ONCE ? missing : READ_AT_ONCE;
}

static void receive(struct connection *connection)
{
    size_t wanted = room_wanted(connection);
    uint8_t *room = buffer_room(&connection->in, wanted);
    ssize_t got;

    if (!room) {
        lose(connection, "its user has too much data waiting in the service");
        return;
    }
    got = recv(connection->fd, room, wanted, MSG_DONTWAIT);
    if (got > 0)
        connection->in.used += (size_t)got;
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        lose(connection, NULL);
}

static void tell_drained(struct connection *connection)
{
    if (!connection->refused || connection->out.used || connection->gone)
        return;
    connection->refused = false;
    if (connection->owner.drained)
        connection->owner.drained(connection->owner.ctx);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    struct connection *connection = ctx;

    flush(connection);
    tell_drained(connection);
    if (events & EPOLLIN)
        receive(connection);
    else if (events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR))
        lose(connection, NULL);
    deliver(connection);
    return 0;
}

static int on_more(sd_event_source *source, void *ctx)
{
    deliver(ctx);
    return 0;
}

static int watch(sd_event *event, const struct connection_options *options,
                 struct connection *connection)
{
    int64_t priority = options->last ? LAST : SD_EVENT_PRIORITY_NORMAL;
    int code = sd_event_add_io(event, &connection->io, connection->fd, EPOLLIN, on_io, connection);

    if (code >= 0)
        code = sd_event_source_set_priority(connection->io, priority);
    if (code >= 0)
        code = sd_event_add_defer(event, &connection->more, on_more, connection);
    if (code >= 0)
        code = sd_event_source_set_priority(connection->more, priority);
    return code < 0 ? code : sd_event_source_set_enabled(connection->more, SD_EVENT_OFF);
}

int connection_new(sd_event *event, const struct connection_options *options,
                   struct connection **made)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    int code;

    if (!connection) {
        close(options->fd);
        return -ENOMEM;
    }
    connection->fd = options->fd;
    connection->message_max = options->message_max;
    connection->turn = options->last ? 1 : TURN;
    connection->owner = options->owner;
    connection->in = (struct buffer){options->accounts, options->account};
    connection->out = connection->in;
    code = watch(event, options, connection);
    if (code < 0) {
        connection_free(connection);
        return code;
    }
    *made = connection;
    return 0;
}

void connection_free(struct connection *connection)
{
    if (!connection)
        return;
    sd_event_source_disable_unref(connection->io);
    sd_event_source_disable_unref(connection->more);
    close(connection->fd);
    buffer_free(&connection->in);
    buffer_free(&connection->out);
    free(connection);
}

void connection_hold(struct connection *connection, bool held)
{
    if (connection->held == held)
        return;
    connection->held = held;
    if (!held && !connection->gone)
        sd_event_source_set_enabled(connection->more, SD_EVENT_ONESHOT);
    choose_events(connection);
}

static bool queue(struct connection *connection, const void *message, size_t size)
{
    uint32_t header = htole32((uint32_t)size);

    if (!buffer_room(&connection->out, FRAME_HEADER + size))
        return false;
    buffer_append(&connection->out, &header, sizeof(header));
    buffer_append(&connection->out, message, size);
    flush(connection);
    choose_events(connection);
    return true;
}

void connection_send(struct connection *connection, const void *message, size_t size)
{
    if (!connection->gone && !queue(connection, message, size))
        lose(connection, "its user has too much data waiting in the service");
}

bool connection_push(struct connection *connection, const void *message, size_t size)
{
    if (connection->gone)
        return false;
    if (congested(connection) || !queue(connection, message, size)) {
        connection->refused = true;
        return false;
    }
    return true;
}
