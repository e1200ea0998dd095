#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "client.h"
#include "log.h"
#include "service.h"

#define ACCEPT_AT_ONCE 32

static void add(struct server *server, struct client *client)
{
    client->next = server->first;
    if (server->first)
        server->first->previous = client;
    server->first = client;
}

static void drop(struct server *server, struct client *client)
{
    *(client->previous ? &client->previous->next : &server->first) = client->next;
    if (client->next)
        client->next->previous = client->previous;
    client_free(client);
}

static int on_accept(sd_event_source *source, int listening, uint32_t events, void *ctx)
{
    struct server *server = ctx;
    struct client *client;

    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
                log_limited(LOG_ERR, "can't accept a connection: %s; raise LimitNOFILE",
                            strerror(errno));
            return 0;
        }
        client = client_new(server->service, fd, NULL);
        if (client)
            add(server, client);
    }
    return 0;
}

static int on_reap(sd_event_source *source, void *ctx)
{
    struct server *server = ctx;
    struct client *client = server->first, *next;

    /* Freeing one may doom others, so nothing is remembered over client_free. */
    while (client) {
        next = client->next;
        if (client->doomed) {
            drop(server, client);
            next = server->first;
        }
        client = next;
    }
    return 0;
}

void server_doom(struct server *server, struct client *client)
{
    client->doomed = true;
    sd_event_source_set_enabled(server->reaper, SD_EVENT_ONESHOT);
}

void server_adopt(struct server *server, int fd, struct driver *driver)
{
    struct client *client = client_new(server->service, fd, driver);

    if (client)
        add(server, client);
}

void server_doom_driver(struct server *server, struct driver *driver)
{
    for (struct client *client = server->first; client; client = client->next)
        if (client->driver == driver) {
            client->driver = NULL;
            server_doom(server, client);
        }
}

struct client *server_find(const struct server *server, const uint8_t token[RPC_TOKEN_SIZE])
{
    struct client *client = server->first;

    while (client && (!client->session || client->doomed ||
                      memcmp(client->token, token, RPC_TOKEN_SIZE) != 0))
        client = client->next;
    return client;
}

int server_open(struct server *server, struct service *service, int listening)
{
    int code;

    server->service = service;
    code = sd_event_add_io(service->event, &server->accept, listening, EPOLLIN, on_accept, server);
    if (code < 0)
        return code;
    /* Out of descriptors accept() fails at once and for long: don't spin. */
    sd_event_source_set_ratelimit(server->accept, 100000, 100);
    code = sd_event_add_defer(service->event, &server->reaper, on_reap, server);
    if (code < 0)
        return code;
    /* A dead client's session ends before anything else is done. */
    sd_event_source_set_priority(server->reaper, SD_EVENT_PRIORITY_IMPORTANT);
    return sd_event_source_set_enabled(server->reaper, SD_EVENT_OFF);
}

void server_close(struct server *server)
{
    server->accept = sd_event_source_disable_unref(server->accept);
    while (server->first)
        drop(server, server->first);
    server->reaper = sd_event_source_disable_unref(server->reaper);
}
