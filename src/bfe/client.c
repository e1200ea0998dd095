#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dispatch.h"
#include "log.h"
#include "rpc/frame.h"
#include "service.h"

/* What a request may cost. Those who can't change anything have no use for large ones. */
#define MESSAGE_MAX_USER (1u << 20)
#define ARENA_USER       (16u << 20)
#define ARENA_PRIVILEGED (256u << 20)

const char *client_text(const struct client *client, char text[CLIENT_TEXT_SIZE])
{
    const struct model_caller *caller = &client->peer.caller;

    if (caller->username)
        snprintf(text, CLIENT_TEXT_SIZE, "pid %u (user %s)", caller->pid, caller->username);
    else
        snprintf(text, CLIENT_TEXT_SIZE, "pid %u (uid %u)", caller->pid, caller->uid);
    return text;
}

uint32_t client_error(struct client *client, uint32_t code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(client->convert.error.text, sizeof(client->convert.error.text), format, arguments);
    va_end(arguments);
    return client->convert.error.code = code;
}

uint32_t client_no_memory(struct client *client)
{
    return client_error(client, ERROR_NOT_ENOUGH_MEMORY,
                        "the service has no memory for this request; ask for less at once");
}

void *client_message(struct client *client, const ProtobufCMessageDescriptor *descriptor)
{
    void *message = arena_alloc(&client->arena, descriptor->sizeof_message);

    if (message)
        protobuf_c_message_init(descriptor, message);
    else
        client_no_memory(client);
    return message;
}

/* ---- replies ---- */

static void send_reply(struct client *client)
{
    size_t size = rpc__reply__get_packed_size(&client->reply);
    uint8_t *bytes = size <= FRAME_MAX ? malloc(size ? size : 1) : NULL;

    if (!bytes) {
        rpc__reply__init(&client->reply);
        client->reply.id = client->request ? client->request->id : 0;
        client->reply.code = ERROR_NOT_ENOUGH_MEMORY;
        size = rpc__reply__get_packed_size(&client->reply);
        bytes = malloc(size);
    }
    if (!bytes)
        return;
    rpc__reply__pack(&client->reply, bytes);
    connection_send(client->connection, bytes, size);
    free(bytes);
}

static void forget_request(struct client *client)
{
    account_give(&client->service->server.accounts, client->account, client->parked_bytes);
    client->parked_bytes = 0;
    client->request = NULL;
    arena_reset(&client->arena);
    connection_hold(client->connection, false);
}

void client_answer(struct client *client, uint32_t code)
{
    static char no_text[] = "";

    service_settle(client->service);
    client->reply.code = code;
    client->reply.text = code == ERROR_SUCCESS ? no_text : client->convert.error.text;
    if (client->request)
        client->reply.id = client->request->id;
    if (!client->doomed)
        send_reply(client);
    forget_request(client);
}

/* ---- requests ---- */

static uint32_t run(struct client *client)
{
    rpc__reply__init(&client->reply);
    client->convert.error = (struct model_error){0};
    return dispatch(client);
}

static bool keep_request(struct client *client)
{
    struct accounts *accounts = &client->service->server.accounts;

    connection_hold(client->connection, true);
    if (!account_take(accounts, client->account, client->arena.total))
        return false;
    client->parked_bytes = client->arena.total;
    return true;
}

static void park(struct client *client)
{
    if (keep_request(client))
        parking_add(&client->service->parking, client);
    else
        client_answer(client, client_no_memory(client));
}

bool client_retry(struct client *client)
{
    uint32_t code = run(client);

    if (code == CLIENT_WAITS)
        keep_request(client);
    else if (code != MODEL_WOULD_BLOCK)
        client_answer(client, code);
    return code != MODEL_WOULD_BLOCK;
}

static void on_message(void *ctx, const uint8_t *message, size_t size)
{
    struct client *client = ctx;

    rpc__reply__init(&client->reply);
    client->convert = (struct converter){.arena = &client->arena};
    client->request = unpack_request(&client->convert, message, size);
    if (!client->request)
        client_answer(client, client->convert.error.code);
    else if (dispatch_must_wait(client) || !client_retry(client))
        park(client);
}

static void on_gone(void *ctx, const char *why)
{
    struct client *client = ctx;

    if (why)
        log_limited(LOG_WARNING, "closed the connection of %s: it %s",
                    client_text(client, (char[CLIENT_TEXT_SIZE]){0}), why);
    parking_remove(&client->service->parking, client);
    server_doom(&client->service->server, client);
}

static void on_drained(void *ctx)
{
    struct client *client = ctx;

    if (client->sender)
        subscriptions_tell_lost(client->sender);
}

/* ---- life ---- */

static struct client *refuse(struct client *client, int fd, const char *why)
{
    log_limited(LOG_WARNING, "refused a connection of %s: %s",
                client_text(client, (char[CLIENT_TEXT_SIZE]){0}), why);
    peer_free(&client->peer);
    free(client);
    close(fd);
    return NULL;
}

static int open_connection(struct client *client, int fd)
{
    const struct connection_options options = {
        .fd = fd,
        .accounts = &client->service->server.accounts,
        .account = client->account,
        .message_max = client->peer.caller.privileged ? FRAME_MAX : MESSAGE_MAX_USER,
        .last = !client->peer.caller.privileged,
        .owner = {client, on_message, on_gone, on_drained},
    };

    return connection_new(client->service->event, &options, &client->connection);
}

struct client *client_new(struct service *service, int fd, struct driver *driver)
{
    struct client *client = calloc(1, sizeof(*client));

    if (!client) {
        close(fd);
        return NULL;
    }
    client->service = service;
    if (peer_read(&client->peer, fd, service->options->admin_group) < 0)
        return refuse(client, fd, "its credentials can't be read");
    client->driver = driver;
    if (driver)
        client->peer.caller.kernel = client->peer.caller.privileged = true;
    client->account = account_join(&service->server.accounts, client->peer.caller.uid);
    if (!client->account)
        return refuse(client, fd, "too many connections are open already");
    peer_find_name(&client->peer);
    arena_init(&client->arena, client->peer.caller.privileged ? ARENA_PRIVILEGED : ARENA_USER);
    if (open_connection(client, fd) < 0) {
        client_free(client);
        return NULL;
    }
    return client;
}

void client_end_session(struct client *client)
{
    struct model_session *session = client->session;

    if (!session)
        return;
    client->session = NULL;
    client->collect = 0;
    if (client->receiver) {
        client->receiver->sender = NULL;
        server_doom(&client->service->server, client->receiver);
        client->receiver = NULL;
    }
    service_end_session(client->service, session);
    subscriptions_free(client);
    event_enums_free(client);
    service_settle(client->service);
}

void client_free(struct client *client)
{
    if (client->sender)
        client->sender->receiver = NULL;
    drivers_forget_client(&client->service->drivers, client);
    client_end_session(client);
    connection_free(client->connection);
    arena_free(&client->arena);
    account_give(&client->service->server.accounts, client->account, client->parked_bytes);
    account_leave(&client->service->server.accounts, client->account);
    peer_free(&client->peer);
    free(client);
}
