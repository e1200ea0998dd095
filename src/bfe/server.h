/* All connections: accepts new ones, frees those that are gone. */
#ifndef OPENWFP_BFE_SERVER_H
#define OPENWFP_BFE_SERVER_H

#include <systemd/sd-event.h>

#include "account.h"
#include "rpc/convert.h"

struct client;
struct driver;
struct service;

struct server {
    struct service *service;
    sd_event_source *accept, *reaper;
    struct accounts accounts;
    struct client *first;
};

/* Serves on the listening socket, which stays the caller's. 0 or a negative errno. */
int server_open(struct server *server, struct service *service, int listening);
/* Closes every connection. */
void server_close(struct server *server);

/* Frees the client on the next turn of the event loop; safe from any callback, twice too. */
void server_doom(struct server *server, struct client *client);

/* A connection that came through the driver's door; the socket becomes the server's. */
void server_adopt(struct server *server, int fd, struct driver *driver);
/* The driver's process is gone, and with it what it had connected. */
void server_doom_driver(struct server *server, struct driver *driver);

/* The client whose session has this token, or NULL. */
struct client *server_find(const struct server *server, const uint8_t token[RPC_TOKEN_SIZE]);

#endif
