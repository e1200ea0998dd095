/*
 * One connection: whose it is, the session it opened, the request it has under way.
 *
 * A session's connection carries requests and their replies. What the service sends by itself goes
 * to a second connection, the receiver, which the client attached to the session by its token.
 */
#ifndef OPENWFP_BFE_CLIENT_H
#define OPENWFP_BFE_CLIENT_H

#include "account.h"
#include "connection.h"
#include "event_enum.h"
#include "parking.h"
#include "peer.h"
#include "rpc/arena.h"
#include "rpc/convert.h"
#include "subscription.h"

struct driver;
struct service;

/* No answer yet: whoever was asked will call client_answer. */
#define CLIENT_WAITS 0xfffffffeu

struct client {
    struct service *service;
    struct client *previous, *next; /* in the server's list */
    struct connection *connection;
    struct account *account;
    struct peer peer;
    struct driver *driver; /* whose connection it is, through the door of its host */
    bool doomed;           /* its connection is gone; the server frees it soon */

    struct arena arena; /* of the request under way and its reply */
    struct converter convert;
    const Rpc__Request *request;
    Rpc__Reply reply;
    struct parked parked;
    size_t parked_bytes;

    struct model_session *session;
    uint8_t token[RPC_TOKEN_SIZE];
    struct client *receiver; /* of a session */
    struct client *sender;   /* of a receiver: the session's client */
    struct subscription *subscriptions;
    struct event_enum *enumerations;
    bool many_failed; /* the last of the requests that follow each other */
    uint32_t collect; /* OPENWFP_COLLECT_* this session asked for */
};

/* Takes over the socket, also on failure; NULL: it was closed. With a driver it is a caller from
 * the kernel (24.3). */
struct client *client_new(struct service *service, int fd, struct driver *driver);
/* Ends the session too. */
void client_free(struct client *client);

/* The session is over: also for its receiver. */
void client_end_session(struct client *client);

/* Tries the parked request again: false when it still has to wait. */
bool client_retry(struct client *client);
/* Answers the request under way with what is in client->reply, and with the text in client->convert
 * when the code is an error. */
void client_answer(struct client *client, uint32_t code);

/* "pid 4711 (user www-data)", for the log. */
#define CLIENT_TEXT_SIZE 96
const char *client_text(const struct client *client, char text[CLIENT_TEXT_SIZE]);

/* A message of that type in the arena of the request; NULL, with the error set: no memory. */
void *client_message(struct client *client, const ProtobufCMessageDescriptor *descriptor);
/* ERROR_NOT_ENOUGH_MEMORY, with a text. */
uint32_t client_no_memory(struct client *client);
/* Sets the error's text; returns code. */
uint32_t client_error(struct client *client, uint32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
