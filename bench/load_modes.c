#include "load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT    7777
#define MESSAGE 64
#define BULK    (1u << 20)
#define CHUNK   (64u << 10)

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void session_listen(struct session *session, const struct mode *mode, struct in_addr address)
{
    int one = 1, fd = socket(AF_INET, mode->type | SOCK_CLOEXEC, 0);

    session->server =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = address};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (void *)&session->server, sizeof session->server) != 0 ||
        (mode->type == SOCK_STREAM && listen(fd, 64) != 0))
        die("cannot listen on port 7777 of", inet_ntoa(address));
    session->listener = fd;
}

static void reset_on_close(int fd)
{
    struct linger linger = {.l_onoff = 1};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static uint64_t connect_pair(struct session *session)
{
    session->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    reset_on_close(session->client);
    uint64_t start = now();
    int result = connect(session->client, (void *)&session->server, sizeof session->server);
    uint64_t taken = now() - start;
    if (result != 0)
        die("cannot connect to", inet_ntoa(session->server.sin_addr));
    session->accepted = accept4(session->listener, NULL, NULL, SOCK_CLOEXEC);
    if (session->accepted < 0)
        die("cannot accept on", inet_ntoa(session->server.sin_addr));
    reset_on_close(session->accepted);
    return taken;
}

static uint64_t connect_once(struct session *session)
{
    uint64_t taken = connect_pair(session);

    close(session->client);
    close(session->accepted);
    return taken;
}

static void nothing_to_open(struct session *session)
{
}

static void open_connection(struct session *session)
{
    int one = 1;

    connect_pair(session);
    setsockopt(session->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(session->accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static uint64_t request_response(struct session *session)
{
    char message[MESSAGE] = "ping";
    uint64_t start = now();

    if (send(session->client, message, sizeof message, 0) < 0 ||
        recv(session->accepted, message, sizeof message, MSG_WAITALL) < 0 ||
        send(session->accepted, message, sizeof message, 0) < 0 ||
        recv(session->client, message, sizeof message, MSG_WAITALL) < 0)
        die("lost the connection to", inet_ntoa(session->server.sin_addr));
    return now() - start;
}

static uint64_t bulk(struct session *session)
{
    static char chunk[CHUNK];
    size_t sent = 0, received = 0;
    uint64_t start = now();

    while (received < BULK) {
        ssize_t n = sent < BULK ? send(session->client, chunk, sizeof chunk, MSG_DONTWAIT) : 0;
        sent += n > 0 ? n : 0;
        n = recv(session->accepted, chunk, sizeof chunk, n > 0 ? MSG_DONTWAIT : 0);
        received += n > 0 ? n : 0;
        if (n == 0)
            die("lost the connection to", inet_ntoa(session->server.sin_addr));
    }
    return now() - start;
}

static void open_datagrams(struct session *session)
{
    session->client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (session->client < 0)
        die("cannot make a socket for", inet_ntoa(session->server.sin_addr));
}

static uint64_t datagram(struct session *session)
{
    char message[MESSAGE] = "ping";
    uint64_t start = now();
    ssize_t sent = sendto(session->client, message, sizeof message, 0, (void *)&session->server,
                          sizeof session->server);
    uint64_t taken = now() - start;

    if (sent < 0 || recv(session->listener, message, sizeof message, 0) < 0)
        die("cannot send to", inet_ntoa(session->server.sin_addr));
    return taken;
}

static const struct mode modes[] = {
    {"connect", 0, SOCK_STREAM, nothing_to_open, connect_once},
    {"veth", 1, SOCK_STREAM, nothing_to_open, connect_once},
    {"rr", 0, SOCK_STREAM, open_connection, request_response},
    {"vethrr", 1, SOCK_STREAM, open_connection, request_response},
    {"bulk", 0, SOCK_STREAM, open_connection, bulk},
    {"udp", 0, SOCK_DGRAM, open_datagrams, datagram},
};

const struct mode *mode_find(const char *name)
{
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    return NULL;
}
