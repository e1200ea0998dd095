/* Clients that send nonsense, take what they can, don't read, or vanish: nobody else notices. */
#include "place.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const GUID key_filter = {0x66666666, 1, 1, {1}};

/* The service still serves others, reading and writing. */
static void expect_service(void)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);

    assert_ok(add_filter(engine, 1, 0, &key_filter, NULL));
    assert_true(has_filter(engine, &key_filter));
    assert_ok(FwpmEngineClose0(engine));
}

static void send_frame(int fd, uint32_t announced, const void *bytes, size_t size)
{
    uint32_t header = htole32(announced);

    assert_int_equal(write(fd, &header, sizeof(header)), sizeof(header));
    if (size)
        assert_int_equal(write(fd, bytes, size), size);
}

static void test_malformed_message_is_answered_with_an_error(void **state)
{
    int fd = raw_connect();
    uint8_t reply[512];

    memset(reply, 0xff, 64);
    send_frame(fd, 64, reply, 64);
    assert_true(read(fd, reply, sizeof(reply)) > 4);
    /* The framing is intact, so the connection goes on. */
    send_frame(fd, 0, NULL, 0);
    assert_true(read(fd, reply, sizeof(reply)) > 4);
    close(fd);
    expect_service();
}

static void test_oversized_frame_closes_only_that_client(void **state)
{
    HANDLE other = engine_open(0);
    int fd = raw_connect();

    send_frame(fd, 0xffffffff, "x", 1);
    assert_true(raw_closed(fd));
    close(fd);
    assert_false(has_filter(other, &key_filter));
    FwpmEngineClose0(other);
    expect_service();
}

static void test_truncated_frames_cost_nothing(void **state)
{
    int fds[64];

    for (int i = 0; i < 64; i++) {
        fds[i] = raw_connect();
        send_frame(fds[i], 15u << 20, "half", 4);
    }
    expect_service();
    for (int i = 0; i < 64; i++)
        close(fds[i]);
    expect_service();
}

/* Every prefix of a real conversation, cut anywhere, and every byte of it wrong. */
static void test_requests_with_one_byte_wrong(void **state)
{
    static const uint8_t open_request[] = {0x08, 0x01, 0x12, 0x02, 0x08, 0x01};
    uint8_t wrong[sizeof(open_request)];

    for (size_t at = 0; at < sizeof(wrong); at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            int fd = raw_connect();

            memcpy(wrong, open_request, sizeof(wrong));
            wrong[at] ^= (uint8_t)(1u << bit);
            send_frame(fd, sizeof(wrong), wrong, sizeof(wrong));
            send_frame(fd, sizeof(wrong), wrong, at);
            close(fd);
        }
    expect_service();
}

static void test_1000_clients_connect_and_vanish(void **state)
{
    for (int i = 0; i < 1000; i++) {
        int fd = raw_connect();

        assert_true(fd >= 0);
        if (i % 2)
            send_frame(fd, 100, "part", 4);
        close(fd);
    }
    expect_service();
}

static void test_1000_clients_sit_there(void **state)
{
    static int fds[1000];

    for (int i = 0; i < 1000; i++)
        fds[i] = raw_connect();
    expect_service();
    for (int i = 0; i < 1000; i++)
        close(fds[i]);
    expect_service();
}

/* ---- one user takes all it can get ---- */

/* How many of the connections bfe has closed. */
static int count_closed(const int *fds, int count)
{
    int closed = 0;
    char byte;

    for (int i = 0; i < count; i++)
        closed += fds[i] < 0 || recv(fds[i], &byte, 1, MSG_DONTWAIT) >= 0;
    return closed;
}

static int open_many(void *ctx)
{
    static int fds[400];
    int closed = 0;

    for (int i = 0; i < 400; i++)
        fds[i] = raw_connect();
    for (int i = 0; i < 500 && closed < 100; i++) {
        usleep(10000);
        closed = count_closed(fds, 400);
    }
    return closed >= 100 && closed < 200 ? 0 : 1;
}

static void test_user_with_too_many_connections_hurts_only_itself(void **state)
{
    if (geteuid())
        skip();
    assert_int_equal(run_as(65534, open_many, NULL), 0);
    expect_service();
}

static int read_and_try_to_write(void *ctx)
{
    const FWPM_SESSION0 dynamic = {.flags = FWPM_SESSION_FLAG_DYNAMIC};
    HANDLE engine = NULL;

    if (FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, &dynamic, &engine) != ERROR_SUCCESS)
        return 1;
    count_filters(engine);
    if (add_filter(engine, 1, 0, NULL, NULL) != ERROR_ACCESS_DENIED)
        return 2;
    if (FwpmTransactionBegin0(engine, 0) != ERROR_ACCESS_DENIED)
        return 3;
    if (OpenWfpCalloutUnload(engine, &key_filter) != ERROR_ACCESS_DENIED)
        return 4;
    FwpmEngineClose0(engine);
    return 0;
}

static void test_24_4_user_without_rights_reads_and_changes_nothing(void **state)
{
    if (geteuid())
        skip();
    assert_int_equal(run_as(65534, read_and_try_to_write, NULL), 0);
}

/* Of many sessions: what a user may have open is counted over all of them. */
static int enumerate_without_end(void *ctx)
{
    unsigned open = 0;

    for (int session = 0; session < 3; session++) {
        HANDLE engine = NULL, handle;

        if (FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine) != ERROR_SUCCESS)
            return 1;
        while (open < 2000 && FwpmFilterCreateEnumHandle0(engine, NULL, &handle) == ERROR_SUCCESS)
            open++;
    }
    return open >= 16 && open <= 64 ? 0 : 2;
}

static void test_user_that_enumerates_without_end_is_stopped(void **state)
{
    if (geteuid())
        skip();
    assert_int_equal(run_as(65534, enumerate_without_end, NULL), 0);
    expect_service();
}

/* ---- clients that don't read ---- */

/* Requests without end whose replies nobody takes: bfe stops reading them. */
static void test_client_that_reads_no_replies_is_not_served_further(void **state)
{
    uint8_t request[256] = {0};
    int fd = raw_connect();
    struct timeval wait = {.tv_usec = 300000};
    uint32_t header = htole32(sizeof(request));
    ssize_t sent = 1;

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    for (int i = 0; i < 2000000 && sent > 0; i++) {
        sent = write(fd, &header, sizeof(header));
        if (sent > 0)
            sent = write(fd, request, sizeof(request));
    }
    assert_int_equal(sent, -1);
    expect_service();
    close(fd);
}

static unsigned told;
static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t may_go_on = PTHREAD_COND_INITIALIZER;
static bool slow = true;

static void CALLBACK on_change(void *context, const FWPM_FILTER_CHANGE0 *change)
{
    pthread_mutex_lock(&told_lock);
    while (slow)
        pthread_cond_wait(&may_go_on, &told_lock);
    told++;
    pthread_mutex_unlock(&told_lock);
}

/* The subscriber sits in its first callback while filters come and go. */
static void test_12_2_slow_subscriber_loses_changes_and_holds_up_nobody(void **state)
{
    const FWPM_FILTER_SUBSCRIPTION0 all = {.flags = FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD |
                                                    FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE};
    HANDLE reader = engine_open(0), writer = engine_open(0), changes = NULL;

    assert_ok(FwpmFilterSubscribeChanges0(reader, &all, on_change, NULL, &changes));
    for (int i = 0; i < 20000; i++) {
        assert_ok(add_filter(writer, 1, 0, &key_filter, NULL));
        assert_ok(FwpmFilterDeleteByKey0(writer, &key_filter));
    }
    pthread_mutex_lock(&told_lock);
    slow = false;
    pthread_cond_broadcast(&may_go_on);
    pthread_mutex_unlock(&told_lock);
    assert_ok(FwpmFilterUnsubscribeChanges0(reader, changes));
    assert_in_range(told, 1, 40000);
    FwpmEngineClose0(reader);
    FwpmEngineClose0(writer);
    expect_service();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed_message_is_answered_with_an_error),
        cmocka_unit_test(test_oversized_frame_closes_only_that_client),
        cmocka_unit_test(test_truncated_frames_cost_nothing),
        cmocka_unit_test(test_requests_with_one_byte_wrong),
        cmocka_unit_test(test_1000_clients_connect_and_vanish),
        cmocka_unit_test(test_1000_clients_sit_there),
        cmocka_unit_test(test_user_with_too_many_connections_hurts_only_itself),
        cmocka_unit_test(test_user_that_enumerates_without_end_is_stopped),
        cmocka_unit_test(test_24_4_user_without_rights_reads_and_changes_nothing),
        cmocka_unit_test(test_client_that_reads_no_replies_is_not_served_further),
        cmocka_unit_test(test_12_2_slow_subscriber_loses_changes_and_holds_up_nobody),
    };
    struct rlimit files = {4096, 4096};

    setrlimit(RLIMIT_NOFILE, &files);
    return cmocka_run_group_tests(tests, place_setup, place_teardown);
}
