/* Steps that go through io_uring instead of their system calls. */
#include "sock.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>

/* Runs what `prepare` describes and waits for it. */
static int uring_run(struct run *run, union endpoint *peer, socklen_t length,
                     void (*prepare)(struct io_uring_sqe *, struct run *, struct msghdr *))
{
    char message[64];
    struct iovec part = {message, message_make(run, message, sizeof(message))};
    struct msghdr header = {
        .msg_name = peer, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1};
    struct io_uring ring;
    struct io_uring_cqe *done;

    int result = io_uring_queue_init(4, &ring, 0);
    if (result == 0) {
        prepare(io_uring_get_sqe(&ring), run, &header);
        io_uring_submit(&ring);
        result = io_uring_wait_cqe(&ring, &done);
        if (result == 0)
            result = done->res;
        io_uring_queue_exit(&ring);
    }
    errno = result < 0 ? -result : 0;
    return result < 0 ? -1 : 0;
}

static void prepare_connect(struct io_uring_sqe *entry, struct run *run, struct msghdr *header)
{
    io_uring_prep_connect(entry, run->fd, header->msg_name, header->msg_namelen);
}

static void prepare_send(struct io_uring_sqe *entry, struct run *run, struct msghdr *header)
{
    io_uring_prep_sendmsg(entry, run->fd, header, 0);
}

static int uring_connect(struct run *run, const char *value)
{
    union endpoint peer;
    socklen_t length = endpoint_parse(value, &peer);

    return uring_run(run, &peer, length, prepare_connect);
}

static int uring_sendto(struct run *run, const char *value)
{
    union endpoint peer;
    socklen_t length = endpoint_parse(value, &peer);

    return uring_run(run, &peer, length, prepare_send);
}

const struct step uring_steps[] = {
    {"uring_connect", uring_connect},
    {"uring_sendto", uring_sendto},
    {NULL, NULL},
};
