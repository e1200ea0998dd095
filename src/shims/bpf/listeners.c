/* Ending listeners by their cookies: the kernel lists those of the caller's network namespace. */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

bool cookies_have(const struct shim_cookies *cookies, uint64_t cookie)
{
    for (size_t i = 0; cookies && i < cookies->count; i++)
        if (cookies->list[i] == cookie)
            return true;
    return false;
}

static int ask(int fd, int family)
{
    const struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 request;
    } message = {
        .header = {.nlmsg_len = sizeof(message),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = (uint8_t)family,
                    .sdiag_protocol = IPPROTO_TCP,
                    .idiag_states = 1u << TCP_LISTEN},
    };

    return send(fd, &message, sizeof(message), 0) < 0 ? -errno : 0;
}

static void visit(const struct inet_diag_msg *told, const struct shim_cookies *cookies, int destroy)
{
    struct ale_live live = {
        .cookie = told->id.idiag_cookie[0] | (uint64_t)told->id.idiag_cookie[1] << 32,
        .local_port = ntohs(told->id.idiag_sport),
        .family = told->idiag_family == AF_INET ? 4 : 6,
        .protocol = IPPROTO_TCP,
        .bound = told->id.idiag_if,
    };

    memcpy(live.local, told->id.idiag_src, sizeof(live.local));
    if (cookies_have(cookies, live.cookie))
        destroy_live(destroy, &live);
}

/* Returns 1 behind the last one. */
static int visit_some(const char *bytes, size_t length, const struct shim_cookies *cookies,
                      int destroy)
{
    for (const struct nlmsghdr *header = (const void *)bytes; NLMSG_OK(header, length);
         header = NLMSG_NEXT(header, length)) {
        if (header->nlmsg_type == NLMSG_DONE)
            return 1;
        if (header->nlmsg_type == NLMSG_ERROR)
            return -EIO;
        if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
            visit(NLMSG_DATA(header), cookies, destroy);
    }
    return 0;
}

static int end_of_family(int family, const struct shim_cookies *cookies, int destroy)
{
    CLEANUP_FD int fd = destroy_open();
    _Alignas(struct nlmsghdr) char bytes[16384];
    int result = fd < 0 ? fd : ask(fd, family);

    while (!result) {
        ssize_t length = recv(fd, bytes, sizeof(bytes), 0);

        result = length < 0 ? -errno : visit_some(bytes, (size_t)length, cookies, destroy);
    }
    return result < 0 ? result : 0;
}

int listeners_end(const struct shim_cookies *cookies)
{
    CLEANUP_FD int destroy = destroy_open();
    int result = destroy < 0 ? destroy : end_of_family(AF_INET, cookies, destroy);

    return result ? result : end_of_family(AF_INET6, cookies, destroy);
}
