/* Frames over a socket pair: in pieces, back to back, too long, cut off. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "openwfp.pb-c.h"
#include "rpc/frame.h"

struct pair {
    int fds[2];
    struct frame_writer writer; /* to fds[0] */
    struct frame_reader reader; /* from fds[1] */
};

static void pair_open(struct pair *pair, size_t limit)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair->fds), 0);
    frame_writer_init(&pair->writer, FRAME_MAX);
    frame_reader_init(&pair->reader, limit);
}

static void pair_close(struct pair *pair)
{
    close(pair->fds[0]);
    close(pair->fds[1]);
    frame_writer_free(&pair->writer);
    frame_reader_free(&pair->reader);
}

static Rpc__Request request_of(uint32_t id, uint8_t *data, size_t size, Rpc__Attach *attach)
{
    Rpc__Request request = RPC__REQUEST__INIT;

    rpc__attach__init(attach);
    attach->token = (ProtobufCBinaryData){size, data};
    request.id = id;
    request.call_case = RPC__REQUEST__CALL_ATTACH;
    request.attach = attach;
    return request;
}

static void put(struct frame_writer *writer, uint32_t id, uint8_t *data, size_t size)
{
    Rpc__Attach attach;
    Rpc__Request request = request_of(id, data, size, &attach);

    assert_int_equal(frame_put(writer, &request.base), 0);
}

static void expect(const uint8_t *bytes, size_t size, uint32_t id, size_t data_size)
{
    Rpc__Request *request = rpc__request__unpack(NULL, size, bytes);

    assert_non_null(request);
    assert_int_equal(request->id, id);
    assert_int_equal(request->attach->token.len, data_size);
    rpc__request__free_unpacked(request, NULL);
}

static void test_one_byte_at_a_time(void **state)
{
    uint8_t data[] = "token", *wire;
    const uint8_t *bytes;
    struct pair pair;
    size_t size, length;

    pair_open(&pair, FRAME_MAX);
    put(&pair.writer, 5, data, sizeof(data));
    length = frame_pending(&pair.writer);
    wire = pair.writer.bytes;
    for (size_t i = 0; i < length; i++) {
        assert_int_equal(frame_next(&pair.reader, &bytes, &size), 0);
        assert_int_equal(frame_read(&pair.reader, pair.fds[1]), -EAGAIN);
        assert_int_equal(write(pair.fds[0], wire + i, 1), 1);
        assert_int_equal(frame_read(&pair.reader, pair.fds[1]), 1);
    }
    assert_int_equal(frame_next(&pair.reader, &bytes, &size), 1);
    expect(bytes, size, 5, sizeof(data));
    assert_int_equal(frame_next(&pair.reader, &bytes, &size), 0);
    pair_close(&pair);
}

static void test_many_in_one_read(void **state)
{
    uint8_t data[100] = {0};
    const uint8_t *bytes;
    struct pair pair;
    uint32_t seen = 0;
    size_t size;

    pair_open(&pair, FRAME_MAX);
    for (uint32_t id = 0; id < 1000; id++)
        put(&pair.writer, id, data, id % sizeof(data));
    while (seen < 1000) {
        int result = frame_flush(&pair.writer, pair.fds[0]);

        assert_true(result == 0 || result == -EAGAIN);
        assert_true(frame_read(&pair.reader, pair.fds[1]) > 0);
        while (frame_next(&pair.reader, &bytes, &size) == 1) {
            expect(bytes, size, seen, seen % sizeof(data));
            seen++;
        }
    }
    assert_int_equal(frame_pending(&pair.writer), 0);
    pair_close(&pair);
}

static void test_long_message_through_a_full_socket(void **state)
{
    size_t length = 5u << 20, size;
    uint8_t *data = calloc(1, length);
    const uint8_t *bytes;
    struct pair pair;

    pair_open(&pair, FRAME_MAX);
    put(&pair.writer, 1, data, length);
    while (frame_next(&pair.reader, &bytes, &size) == 0) {
        frame_flush(&pair.writer, pair.fds[0]);
        assert_true(frame_read(&pair.reader, pair.fds[1]) > 0);
    }
    expect(bytes, size, 1, length);
    pair_close(&pair);
    free(data);
}

/* Neither waits for what was announced nor reserves memory for it. */
static void test_announcing_too_much_is_refused_at_once(void **state)
{
    static const uint8_t head[] = {0xff, 0xff, 0xff, 0xff};
    const uint8_t *bytes;
    struct pair pair;
    size_t size;

    pair_open(&pair, FRAME_MAX);
    assert_int_equal(write(pair.fds[0], head, sizeof(head)), sizeof(head));
    assert_int_equal(frame_read(&pair.reader, pair.fds[1]), sizeof(head));
    assert_int_equal(frame_next(&pair.reader, &bytes, &size), -EMSGSIZE);
    assert_true(pair.reader.capacity < 65536);
    pair_close(&pair);
}

static void test_limit_of_a_reader(void **state)
{
    uint8_t data[200] = {0};
    const uint8_t *bytes;
    struct pair pair;
    size_t size;

    pair_open(&pair, 100);
    put(&pair.writer, 1, data, 50);
    put(&pair.writer, 2, data, 200);
    assert_int_equal(frame_flush(&pair.writer, pair.fds[0]), 0);
    assert_true(frame_read(&pair.reader, pair.fds[1]) > 0);
    assert_int_equal(frame_next(&pair.reader, &bytes, &size), 1);
    assert_int_equal(frame_next(&pair.reader, &bytes, &size), -EMSGSIZE);
    pair_close(&pair);
}

static void test_empty_message_and_end_of_stream(void **state)
{
    static const uint8_t empty[4];
    const uint8_t *bytes;
    struct pair pair;
    size_t size;

    pair_open(&pair, FRAME_MAX);
    assert_int_equal(write(pair.fds[0], empty, 4), 4);
    assert_int_equal(frame_read(&pair.reader, pair.fds[1]), 4);
    assert_int_equal(frame_next(&pair.reader, &bytes, &size), 1);
    assert_int_equal(size, 0);
    assert_int_equal(write(pair.fds[0], empty, 2), 2);
    shutdown(pair.fds[0], SHUT_WR);
    assert_int_equal(frame_read(&pair.reader, pair.fds[1]), 2);
    assert_int_equal(frame_next(&pair.reader, &bytes, &size), 0);
    assert_int_equal(frame_read(&pair.reader, pair.fds[1]), 0);
    pair_close(&pair);
}

static void test_full_queue_takes_nothing(void **state)
{
    uint8_t data[1000] = {0};
    struct frame_writer writer;
    Rpc__Attach attach;
    Rpc__Request request = request_of(1, data, sizeof(data), &attach);
    size_t pending;

    frame_writer_init(&writer, 3000);
    assert_int_equal(frame_put(&writer, &request.base), 0);
    assert_int_equal(frame_put(&writer, &request.base), 0);
    pending = frame_pending(&writer);
    assert_int_equal(frame_put(&writer, &request.base), -ENOBUFS);
    assert_int_equal(frame_pending(&writer), pending);
    frame_writer_free(&writer);
}

/* A broken pipe is an error, not a signal. */
static void test_writing_to_a_closed_socket(void **state)
{
    uint8_t data[10] = {0};
    struct pair pair;

    pair_open(&pair, FRAME_MAX);
    close(pair.fds[1]);
    put(&pair.writer, 1, data, sizeof(data));
    assert_int_equal(frame_flush(&pair.writer, pair.fds[0]), -EPIPE);
    pair.fds[1] = dup(pair.fds[0]);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_byte_at_a_time),
        cmocka_unit_test(test_many_in_one_read),
        cmocka_unit_test(test_long_message_through_a_full_socket),
        cmocka_unit_test(test_announcing_too_much_is_refused_at_once),
        cmocka_unit_test(test_limit_of_a_reader),
        cmocka_unit_test(test_empty_message_and_end_of_stream),
        cmocka_unit_test(test_full_queue_takes_nothing),
        cmocka_unit_test(test_writing_to_a_closed_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
