/* Steps on sockets. */
#include "sock.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef IPPROTO_SMC
#define IPPROTO_SMC 256
#endif

/* No step may hang: a silent drop shows as EAGAIN (a receive) or EINPROGRESS (a connect). */
static void set_timeout(int fd, int option, long milliseconds)
{
    struct timeval time = {milliseconds / 1000, milliseconds % 1000 * 1000};

    setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time));
}

static int make(struct run *run, int family, int type, int protocol)
{
    if (run->fd >= 0)
        close(run->fd);
    run->fd = socket(family, type | SOCK_CLOEXEC, protocol);
    run->type = type;
    run->protocol = protocol;
    if (run->fd < 0)
        return -1;
    set_timeout(run->fd, SO_RCVTIMEO, 1500);
    set_timeout(run->fd, SO_SNDTIMEO, 1500);
    return run->fd;
}

#define MAKER(name, family, type, protocol)                                                        \
    static int name(struct run *run, const char *value)                                            \
    {                                                                                              \
        return make(run, family, type, protocol);                                                  \
    }
MAKER(tcp4, AF_INET, SOCK_STREAM, IPPROTO_TCP)
MAKER(tcp6, AF_INET6, SOCK_STREAM, IPPROTO_TCP)
MAKER(mptcp4, AF_INET, SOCK_STREAM, IPPROTO_MPTCP)
MAKER(mptcp6, AF_INET6, SOCK_STREAM, IPPROTO_MPTCP)
MAKER(sctp4, AF_INET, SOCK_STREAM, IPPROTO_SCTP)
MAKER(smc4, AF_SMC, SOCK_STREAM, 0)
MAKER(udp4, AF_INET, SOCK_DGRAM, IPPROTO_UDP)
MAKER(udp6, AF_INET6, SOCK_DGRAM, IPPROTO_UDP)
MAKER(udplite4, AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE)
MAKER(icmp4, AF_INET, SOCK_DGRAM, IPPROTO_ICMP)
MAKER(icmp6, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6)
MAKER(raw4, AF_INET, SOCK_RAW, IPPROTO_ICMP)
MAKER(raw6, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)
MAKER(packet, AF_PACKET, SOCK_DGRAM, 0)
MAKER(xdp, AF_XDP, SOCK_RAW, 0)
MAKER(vsock, AF_VSOCK, SOCK_STREAM, 0)

static int do_bind(struct run *run, const char *value)
{
    union endpoint local;
    socklen_t length = endpoint_parse(value, &local);
    int on = 1;

    setsockopt(run->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    return bind(run->fd, &local.any, length);
}

/* Of a packet socket: to an interface. */
static int do_interface(struct run *run, const char *value)
{
    struct sockaddr_ll local = {.sll_family = AF_PACKET,
                                .sll_protocol = htons(ETH_P_ALL),
                                .sll_ifindex = (int)if_nametoindex(value)};

    return bind(run->fd, (const struct sockaddr *)&local, sizeof(local));
}

static int do_listen(struct run *run, const char *value)
{
    return listen(run->fd, *value ? atoi(value) : 16);
}

static int do_connect(struct run *run, const char *value)
{
    union endpoint peer;
    socklen_t length = endpoint_parse(value, &peer);

    return connect(run->fd, &peer.any, length);
}

static int do_unspec(struct run *run, const char *value)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};

    return connect(run->fd, &nobody, sizeof(nobody));
}

static int do_accept(struct run *run, const char *value)
{
    int accepted = accept4(run->fd, NULL, NULL, SOCK_CLOEXEC);

    if (accepted < 0)
        return -1;
    close(run->fd);
    run->fd = accepted;
    set_timeout(accepted, SO_RCVTIMEO, 1500);
    return 0;
}

static int send_to(struct run *run, const char *value, int flags)
{
    char message[64];
    size_t size = message_make(run, message, sizeof(message));
    union endpoint peer;

    if (!*value)
        return (int)send(run->fd, message, size, flags);
    socklen_t length = endpoint_parse(value, &peer);
    return (int)sendto(run->fd, message, size, flags, &peer.any, length);
}

static int do_send(struct run *run, const char *value)
{
    return send_to(run, value, 0);
}

/* To the connected peer, with a type of service as control data. */
static int do_send_marked(struct run *run, const char *value)
{
    int family, level = IPPROTO_IP, type = IP_TOS, ecn = 2;
    char control[CMSG_SPACE(sizeof(ecn))] = {0}, hello[] = "hello";
    struct iovec part = {hello, 5};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    if (getsockopt(run->fd, SOL_SOCKET, SO_DOMAIN, &family, &(socklen_t){sizeof(family)}) < 0)
        return -1;
    if (family == AF_INET6)
        level = IPPROTO_IPV6, type = IPV6_TCLASS;
    *header = (struct cmsghdr){CMSG_LEN(sizeof(ecn)), level, type};
    memcpy(CMSG_DATA(header), &ecn, sizeof(ecn));
    return (int)sendmsg(run->fd, &message, 0);
}

static int do_fastopen(struct run *run, const char *value)
{
    return send_to(run, value, MSG_FASTOPEN);
}

static int do_fastopen_connect(struct run *run, const char *value)
{
    int on = 1;

    if (setsockopt(run->fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)) < 0)
        return -1;
    return do_connect(run, value);
}

static int do_fastopen_listen(struct run *run, const char *value)
{
    int backlog = 16;

    return setsockopt(run->fd, IPPROTO_TCP, TCP_FASTOPEN, &backlog, sizeof(backlog));
}

static int do_receive(struct run *run, const char *value)
{
    char buffer[2048];
    ssize_t size = recv(run->fd, buffer, sizeof(buffer), 0);

    if (size == 0 && run->type == SOCK_STREAM)
        return errno = ENODATA, -1; /* the peer has closed */
    return (int)size;
}

/* Gives back what comes, to everyone, until it is killed. */
static int do_serve(struct run *run, const char *value)
{
    char buffer[2048];
    union endpoint peer;

    puts("serving");
    fflush(stdout);
    set_timeout(run->fd, SO_RCVTIMEO, 0);
    for (;;) {
        socklen_t length = sizeof(peer);
        int fd = run->type == SOCK_STREAM ? accept(run->fd, NULL, NULL) : run->fd;
        if (fd < 0)
            return -1;
        ssize_t size = recvfrom(fd, buffer, sizeof(buffer), 0, &peer.any, &length);
        if (size >= 0 && run->type == SOCK_STREAM)
            size = send(fd, buffer, (size_t)size, 0);
        else if (size >= 0)
            size = sendto(fd, buffer, (size_t)size, 0, &peer.any, length);
        if (fd != run->fd)
            close(fd);
    }
}

static int do_timeout(struct run *run, const char *value)
{
    set_timeout(run->fd, SO_RCVTIMEO, atol(value));
    set_timeout(run->fd, SO_SNDTIMEO, atol(value));
    return 0;
}

static int do_v6only(struct run *run, const char *value)
{
    int on = atoi(value);

    return setsockopt(run->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
}

static int do_close(struct run *run, const char *value)
{
    return close(run->fd);
}

const struct step socket_steps[] = {
    {"tcp4", tcp4},
    {"tcp6", tcp6},
    {"mptcp4", mptcp4},
    {"mptcp6", mptcp6},
    {"sctp4", sctp4},
    {"smc4", smc4},
    {"udp4", udp4},
    {"udp6", udp6},
    {"udplite4", udplite4},
    {"icmp4", icmp4},
    {"icmp6", icmp6},
    {"raw4", raw4},
    {"raw6", raw6},
    {"packet", packet},
    {"xdp", xdp},
    {"vsock", vsock},
    {"bind", do_bind},
    {"interface", do_interface},
    {"listen", do_listen},
    {"connect", do_connect},
    {"unspec", do_unspec},
    {"accept", do_accept},
    {"send", do_send},
    {"sendto", do_send},
    {"send_marked", do_send_marked},
    {"fastopen", do_fastopen},
    {"fastopen_connect", do_fastopen_connect},
    {"fastopen_listen", do_fastopen_listen},
    {"recv", do_receive},
    {"recvfrom", do_receive},
    {"serve", do_serve},
    {"timeout", do_timeout},
    {"v6only", do_v6only},
    {"close", do_close},
    {NULL, NULL},
};
