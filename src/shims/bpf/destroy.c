/* Ending a socket by its cookie, in its network namespace: what SOCK_DESTROY of sock_diag does. */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

struct destroy_message {
    struct nlmsghdr header;
    struct inet_diag_req_v2 request;
};

static void describe(struct destroy_message *message, const struct ale_live *live)
{
    message->header = (struct nlmsghdr){
        .nlmsg_len = sizeof(*message),
        .nlmsg_type = SOCK_DESTROY,
        .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
    };
    message->request = (struct inet_diag_req_v2){
        .sdiag_family = live->family == 4 ? AF_INET : AF_INET6,
        .sdiag_protocol = live->protocol,
        .idiag_states = ~0u,
        .id = {.idiag_sport = htons(live->local_port),
               .idiag_dport = htons(live->remote_port),
               .idiag_if = live->bound,
               .idiag_cookie = {(uint32_t)live->cookie, (uint32_t)(live->cookie >> 32)}},
    };
    memcpy(message->request.id.idiag_src, live->local, sizeof(live->local));
    memcpy(message->request.id.idiag_dst, live->remote, sizeof(live->remote));
}

int netlink_acknowledged(int fd)
{
    char answer[512];
    ssize_t length = recv(fd, answer, sizeof(answer), 0);
    const struct nlmsghdr *header = (const void *)answer;
    const struct nlmsgerr *error = NLMSG_DATA(header);

    if (length < (ssize_t)(sizeof(*header) + sizeof(error->error)))
        return length < 0 ? -errno : -EIO;
    return header->nlmsg_type == NLMSG_ERROR ? error->error : 0;
}

int destroy_open(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    return fd < 0 ? -errno : fd;
}

int destroy_live(int fd, const struct ale_live *live)
{
    struct destroy_message message;

    describe(&message, live);
    if (send(fd, &message, sizeof(message), 0) < 0)
        return -errno;
    return netlink_acknowledged(fd);
}

int destroy_probe(void)
{
    CLEANUP_FD int fd = destroy_open();
    const struct ale_live nobody = {.family = 4, .protocol = IPPROTO_TCP};
    int result = fd < 0 ? fd : destroy_live(fd, &nobody);

    return result == -ENOENT ? 0 : result;
}

static int destroy_here(void *ctx)
{
    CLEANUP_FD int fd = destroy_open();
    const struct ale_event *event = ctx;
    struct ale_live live = {
        .cookie = event->cookie,
        .local_port = event->local_port,
        .remote_port = event->remote_port,
        .family = event->family,
        .protocol = event->protocol,
    };

    memcpy(live.local, event->local, sizeof(live.local));
    memcpy(live.remote, event->remote, sizeof(live.remote));
    return fd < 0 ? fd : destroy_live(fd, &live);
}

int destroy_socket(uint32_t pid, const struct ale_event *event)
{
    CLEANUP_FD int netns = netns_open(pid, event->netns);

    return netns < 0 ? netns : netns_run(netns, destroy_here, (void *)event);
}
