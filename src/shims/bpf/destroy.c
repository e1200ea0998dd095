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

static void describe(struct destroy_message *message, const struct ale_event *event)
{
    message->header = (struct nlmsghdr){
        .nlmsg_len = sizeof(*message),
        .nlmsg_type = SOCK_DESTROY,
        .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
    };
    message->request = (struct inet_diag_req_v2){
        .sdiag_family = event->family == 4 ? AF_INET : AF_INET6,
        .sdiag_protocol = event->protocol,
        .idiag_states = ~0u,
        .id = {.idiag_sport = htons(event->local_port),
               .idiag_dport = htons(event->remote_port),
               .idiag_cookie = {(uint32_t)event->cookie, (uint32_t)(event->cookie >> 32)}},
    };
    memcpy(message->request.id.idiag_src, event->local, sizeof(event->local));
    memcpy(message->request.id.idiag_dst, event->remote, sizeof(event->remote));
}

static int acknowledge(int fd)
{
    char answer[512];
    ssize_t length = recv(fd, answer, sizeof(answer), 0);
    const struct nlmsghdr *header = (const void *)answer;
    const struct nlmsgerr *error = NLMSG_DATA(header);

    if (length < (ssize_t)(sizeof(*header) + sizeof(error->error)))
        return length < 0 ? -errno : -EIO;
    return header->nlmsg_type == NLMSG_ERROR ? error->error : 0;
}

static int destroy_here(void *ctx)
{
    CLEANUP_FD int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    struct destroy_message message;

    if (fd < 0)
        return -errno;
    describe(&message, ctx);
    if (send(fd, &message, sizeof(message), 0) < 0)
        return -errno;
    return acknowledge(fd);
}

int destroy_socket(uint32_t pid, const struct ale_event *event)
{
    CLEANUP_FD int netns = netns_open(pid, event->netns);

    return netns < 0 ? netns : netns_run(netns, destroy_here, (void *)event);
}
