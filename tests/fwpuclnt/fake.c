#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static uint8_t token[RPC_TOKEN_SIZE] = "a fake's token";

static bool answer_usual(struct fake *fake, int fd, const Rpc__Request *request, Rpc__Reply *reply)
{
    static Rpc__Opened opened;

    switch (request->call_case) {
    case RPC__REQUEST__CALL_OPEN:
        rpc__opened__init(&opened);
        opened.token = (ProtobufCBinaryData){sizeof(token), token};
        reply->result_case = RPC__REPLY__RESULT_OPENED;
        reply->opened = &opened;
        return true;
    case RPC__REQUEST__CALL_ATTACH:
        if (request->attach->token.len != sizeof(token) ||
            memcmp(request->attach->token.data, token, sizeof(token)) != 0)
            return false;
        fake->attached = fd;
        return true;
    case RPC__REQUEST__CALL_SUBSCRIBE:
        fake->subscribed = (enum model_kind)request->subscribe->kind;
        fake->cookie = request->subscribe->cookie;
        return true;
    case RPC__REQUEST__CALL_UNSUBSCRIBE:
    case RPC__REQUEST__CALL_CLOSE:
        return true;
    default:
        return fake->answer && fake->answer(fake, request, reply);
    }
}

static bool answer_one(struct fake_connection *connection, const uint8_t *bytes, size_t size)
{
    Rpc__Request *request = rpc__request__unpack(NULL, size, bytes);
    Rpc__Reply reply = RPC__REPLY__INIT;
    struct frame_writer writer;
    bool good = false;

    if (!request)
        return false;
    frame_writer_init(&writer, FRAME_MAX);
    reply.id = request->id;
    good = answer_usual(connection->fake, connection->fd, request, &reply) &&
           !frame_put(&writer, &reply.base) && !frame_flush(&writer, connection->fd);
    frame_writer_free(&writer);
    rpc__request__free_unpacked(request, NULL);
    return good;
}

static void *serve(void *argument)
{
    struct fake_connection *connection = argument;
    struct frame_reader reader;
    const uint8_t *bytes;
    size_t size;
    bool good = true;

    frame_reader_init(&reader, FRAME_MAX);
    do
        while (good && frame_next(&reader, &bytes, &size) == 1)
            good = answer_one(connection, bytes, size);
    while (good && frame_read(&reader, connection->fd) > 0);
    frame_reader_free(&reader);
    shutdown(connection->fd, SHUT_RDWR);
    return NULL;
}

void fake_adopt(struct fake *fake, int fd)
{
    struct fake_connection *connection = &fake->connections[fake->count++];

    connection->fake = fake;
    connection->fd = fd;
    pthread_create(&connection->thread, NULL, serve, connection);
}

static void *accept_all(void *argument)
{
    struct fake *fake = argument;
    int fd;

    while (fake->count < FAKE_CONNECTIONS && (fd = accept(fake->listener, NULL, NULL)) >= 0)
        fake_adopt(fake, fd);
    return NULL;
}

void fake_start(struct fake *fake)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    fake->attached = -1;
    strcpy(fake->directory, "/tmp/fwpuclnt-test-XXXXXX");
    assert_non_null(mkdtemp(fake->directory));
    snprintf(fake->path, sizeof(fake->path), "%s/socket", fake->directory);
    strcpy(address.sun_path, fake->path);
    fake->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fake->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fake->listener, 8), 0);
    assert_int_equal(pthread_create(&fake->thread, NULL, accept_all, fake), 0);
    setenv("OPENWFP_SOCKET", fake->path, 1);
}

void fake_stop(struct fake *fake)
{
    shutdown(fake->listener, SHUT_RDWR);
    pthread_join(fake->thread, NULL);
    close(fake->listener);
    for (int i = 0; i < fake->count; i++)
        shutdown(fake->connections[i].fd, SHUT_RDWR);
    for (int i = 0; i < fake->count; i++) {
        pthread_join(fake->connections[i].thread, NULL);
        close(fake->connections[i].fd);
    }
    unlink(fake->path);
    rmdir(fake->directory);
}

void fake_deliver(struct fake *fake, const Rpc__Delivery *delivery)
{
    struct frame_writer writer;

    frame_writer_init(&writer, FRAME_MAX);
    assert_int_equal(frame_put(&writer, &delivery->base), 0);
    assert_int_equal(frame_flush(&writer, fake->attached), 0);
    frame_writer_free(&writer);
}

void fake_deliver_bytes(struct fake *fake, const void *bytes, size_t size)
{
    assert_int_equal(send(fake->attached, bytes, size, MSG_NOSIGNAL), size);
}

void fake_hang_up(struct fake *fake)
{
    shutdown(fake->attached, SHUT_RDWR);
}

HANDLE fake_engine(void)
{
    HANDLE engine = NULL;

    assert_int_equal(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine), ERROR_SUCCESS);
    assert_non_null(engine);
    return engine;
}
