/* What comes from the host of a driver: connections, lines, and its silence. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver.h"
#include "log.h"
#include "rpc/frame.h"
#include "service.h"

#define FDS_AT_ONCE    4  /* a message with more was not meant well, but they are closed */
#define READS_AT_ONCE  64 /* of one who may never stop talking */
#define HANGUP_SECONDS 5u

/* ---- its end ---- */

void driver_kill(struct driver *driver, const char *why)
{
    if (!driver->pid)
        return;
    if (why && !driver->reason[0])
        snprintf(driver->reason, sizeof(driver->reason), "%s", why);
    kill(-driver->pid, SIGKILL);
    kill(driver->pid, SIGKILL);
}

static int on_deadline(sd_event_source *source, uint64_t when, void *ctx)
{
    struct driver *driver = ctx;

    driver_kill(driver, driver->too_late);
    return 0;
}

void driver_set_deadline(struct driver *driver, unsigned seconds, const char *why)
{
    sd_event *event = driver->drivers->service->event;

    driver->deadline = sd_event_source_disable_unref(driver->deadline);
    driver->too_late = why;
    if (seconds &&
        sd_event_add_time_relative(event, &driver->deadline, CLOCK_MONOTONIC,
                                   seconds * UINT64_C(1000000), 100000, on_deadline, driver) < 0)
        log_line(LOG_ERR, "no timer for driver %s", driver->name);
}

static void part(struct driver *driver, const char *how)
{
    driver->parted = true;
    if (driver->state != OPENWFP_DRIVER_UNLOADING)
        driver_set_deadline(driver, HANGUP_SECONDS, how);
}

/* ---- the door ---- */

static int take_descriptors(struct msghdr *message, int *fds)
{
    int count = 0;

    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        size_t size = part->cmsg_len - CMSG_LEN(0);

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        memcpy(fds + count, CMSG_DATA(part), size);
        count += (int)(size / sizeof(int));
    }
    return count;
}

static bool is_stream(int fd)
{
    int domain = 0, type = 0;
    socklen_t size = sizeof(domain);

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && domain == AF_UNIX &&
           type == SOCK_STREAM;
}

/* One message of the door; 1: a connection, 0: nothing more, -1: not what a door is for. */
static int receive_end(int door, int *end)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))];
    } control;
    char byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    int fds[FDS_AT_ONCE + 1], count;
    ssize_t got = recvmsg(door, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    count = take_descriptors(&message, fds);
    if (got == 1 && byte == RPC_DOOR_BYTE && count == 1 && is_stream(fds[0]) &&
        !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        *end = fds[0];
        return 1;
    }
    while (count)
        close(fds[--count]);
    return -1;
}

static int on_door(sd_event_source *source, int door, uint32_t events, void *ctx)
{
    struct driver *driver = ctx;
    int end, result = 0;

    if (events & EPOLLIN)
        result = receive_end(door, &end);
    if (result > 0)
        server_adopt(&driver->drivers->service->server, end, driver);
    else if (result < 0 && !(events & EPOLLHUP))
        driver_kill(driver, "sent through its door what is no connection");
    if (events & (EPOLLHUP | EPOLLRDHUP) && result <= 0) {
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        part(driver, "closed its door, but did not end");
    }
    return 0;
}

static int on_channel_end(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    struct driver *driver = ctx;

    sd_event_source_set_enabled(source, SD_EVENT_OFF);
    part(driver, "closed its channel, but did not end");
    return 0;
}

/* ---- its output ---- */

static void end_line(struct driver *driver)
{
    driver->line[driver->line_used] = '\0';
    if (driver->line_used) {
        log_limited(LOG_NOTICE, "driver %s: %s", driver->name, driver->line);
        memcpy(driver->last_line, driver->line, driver->line_used + 1);
    }
    driver->line_used = 0;
}

static void take_output(struct driver *driver, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n' || driver->line_used == sizeof(driver->line) - 1)
            end_line(driver);
        /* What is not a character must not reach a terminal. */
        if (text[i] != '\n')
            driver->line[driver->line_used++] =
                (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    }
}

/* False: there is nothing more. */
static bool read_output(struct driver *driver)
{
    char text[1024];
    ssize_t got = read(driver->output, text, sizeof(text));

    if (got > 0)
        take_output(driver, text, (size_t)got);
    return got > 0;
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    if (!read_output(ctx) && events & (EPOLLHUP | EPOLLERR))
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
    return 0;
}

/* ---- all of it ---- */

int driver_listen(struct driver *driver)
{
    sd_event *event = driver->drivers->service->event;
    int code = sd_event_add_io(event, &driver->door_io, driver->door, EPOLLIN | EPOLLRDHUP, on_door,
                               driver);

    if (code >= 0)
        code =
            sd_event_add_io(event, &driver->output_io, driver->output, EPOLLIN, on_output, driver);
    if (code >= 0)
        code = sd_event_add_io(event, &driver->hangup_io, driver->host.channel, EPOLLRDHUP,
                               on_channel_end, driver);
    return code < 0 ? code : 0;
}

void driver_read(struct driver *driver)
{
    for (int i = 0; i < READS_AT_ONCE && read_output(driver); i++)
        continue;
    end_line(driver);
}

void driver_hang_up(struct driver *driver)
{
    driver_read(driver);
    driver->door_io = sd_event_source_disable_unref(driver->door_io);
    driver->output_io = sd_event_source_disable_unref(driver->output_io);
    driver->hangup_io = sd_event_source_disable_unref(driver->hangup_io);
    driver->deadline = sd_event_source_disable_unref(driver->deadline);
    close(driver->door);
    close(driver->output);
}
