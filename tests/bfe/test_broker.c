/* The broker of hold filters, with a thread that holds operations played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <fwpsu.h>

#include "bfe/broker.h"
#include "bfe/questions.h"
#include "classify/arbitrate.h"
#include "fwpkclnt/protocol.h"

#define NOTICES 65536

struct fixture {
    sd_event *event;
    struct broker *broker;
    struct arena arena;
    int socket; /* the thread's end */
    size_t notices;
    OPENWFP_HELD_NOTICE *notice;
};

union message {
    struct driver_header header;
    struct driver_answer answer;
    struct driver_complete complete;
};

static void on_notice(void *ctx, const OPENWFP_HELD_NOTICE *notice)
{
    struct fixture *f = ctx;

    assert_true(f->notices < NOTICES);
    f->notice[f->notices++] = *notice;
}

static void connect_thread(struct fixture *f)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    f->socket = pair[0];
    assert_return_code(broker_serve(f->broker, pair[1]), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->notice = calloc(NOTICES, sizeof(*f->notice));
    arena_init(&f->arena, 64u << 20);
    assert_return_code(sd_event_new(&f->event), 0);
    assert_return_code(broker_new(f->event, &(struct broker_listener){f, on_notice}, &f->broker),
                       0);
    connect_thread(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    broker_free(f->broker);
    sd_event_unref(f->event);
    close(f->socket);
    arena_free(&f->arena);
    free(f->notice);
    free(f);
    return 0;
}

/* Until nothing has happened for longer than the broker waits before it tells. */
static void run(struct fixture *f)
{
    while (sd_event_run(f->event, 30000) > 0)
        continue;
}

static struct driver_classify connect_of(uint64_t operation, uint16_t port)
{
    struct driver_classify classify = {
        .header = {DRIVER_CLASSIFY, sizeof(classify), operation},
        .round = 1,
        .flags = DRIVER_CAN_PEND,
        .ask =
            {
                .operation = operation,
                .key = {.protocol = 6},
                .filter_id = 3,
                .filter_context = OPENWFP_HOLD_CONTEXT(20000, FWP_ACTION_BLOCK),
                .layer = FWPS_LAYER_ALE_AUTH_CONNECT_V4,
                .family = 4,
                .uid = 1000,
                .pid = 4711,
                .start_time = 12345,
                .remote_port = port,
                .remote = {[10] = 0xff, 0xff, 192, 0, 2, 1},
                .comm = "curl",
            },
        .app = "/usr/bin/curl",
    };

    return classify;
}

static void send_message(struct fixture *f, const void *message, size_t size)
{
    assert_int_equal(send(f->socket, message, size, 0), size);
}

static void ask(struct fixture *f, struct driver_classify classify)
{
    send_message(f, &classify, sizeof(classify));
}

static void decide(struct fixture *f, uint64_t operation, bool permitted, bool timed_out)
{
    const struct driver_decided decided = {
        .header = {DRIVER_DECIDED, sizeof(decided), operation},
        .permitted = permitted,
        .timed_out = timed_out,
    };

    send_message(f, &decided, sizeof(decided));
}

static bool heard(struct fixture *f, union message *message)
{
    ssize_t size = recv(f->socket, message, sizeof(*message), MSG_DONTWAIT);

    if (size < 0)
        return false;
    assert_int_equal(size, message->header.size);
    return true;
}

static void assert_answer(struct fixture *f, uint64_t operation, bool pended, uint32_t action)
{
    union message message;

    assert_true(heard(f, &message));
    assert_int_equal(message.header.kind, DRIVER_ANSWER);
    assert_int_equal(message.header.operation, operation);
    assert_int_equal(message.answer.pended, pended);
    assert_int_equal(message.answer.action, action);
    assert_int_equal(message.answer.rights,
                     action == FWP_ACTION_PERMIT ? FWPS_RIGHT_ACTION_WRITE : 0);
}

static void assert_complete(struct fixture *f, uint64_t operation, uint32_t action)
{
    union message message;

    assert_true(heard(f, &message));
    assert_int_equal(message.header.kind, DRIVER_COMPLETE);
    assert_int_equal(message.header.operation, operation);
    assert_int_equal(message.complete.action, action);
}

static void assert_silence(struct fixture *f)
{
    union message message;

    assert_false(heard(f, &message));
}

static const OPENWFP_HELD_NOTICE *last(const struct fixture *f)
{
    assert_true(f->notices > 0);
    return &f->notice[f->notices - 1];
}

static size_t waiting(struct fixture *f)
{
    size_t count;

    assert_non_null(broker_list(f->broker, &f->arena, &count));
    return count;
}

static uint32_t answer(struct fixture *f, uint64_t id, FWP_ACTION_TYPE action)
{
    struct model_error error;

    return broker_answer(f->broker, id, action, 99, &error);
}

/* ---- tests ---- */

static void test_what_is_asked_is_pended_and_told(void **state)
{
    struct fixture *f = *state;
    union message message;
    size_t count;

    ask(f, connect_of(7, 443));
    run(f);
    assert_true(heard(f, &message));
    assert_int_equal(message.header.kind, DRIVER_ANSWER);
    assert_int_equal(message.answer.round, 1);
    assert_int_equal(message.answer.pended, 1);
    assert_int_equal(message.answer.deadline_ms, 20000);
    assert_int_equal(message.answer.default_action, FWP_ACTION_BLOCK);
    assert_int_equal(f->notices, 1);
    assert_int_equal(last(f)->change, OPENWFP_HELD_ASKED);

    const OPENWFP_HELD *held = broker_list(f->broker, &f->arena, &count);
    assert_int_equal(count, 1);
    assert_int_equal(held->id, last(f)->held.id);
    assert_int_equal(held->count, 1);
    assert_int_equal(held->layerId, FWPS_LAYER_ALE_AUTH_CONNECT_V4);
    assert_int_equal(held->remoteAddrV4, 0xc0000201);
    assert_int_equal(held->remotePort, 443);
    assert_int_equal(held->ipProtocol, 6);
    assert_int_equal(held->processId, 4711);
    assert_int_equal(held->processStartTime, 12345);
    assert_int_equal(held->uid, 1000);
    assert_int_equal(held->filterId, 3);
    assert_int_equal(held->timeout, 20000);
    assert_true(held->remaining > 0 && held->remaining <= 20000);
    assert_int_equal(held->defaultAction, FWP_ACTION_BLOCK);
    assert_string_equal(held->comm, "curl");
    assert_int_equal(held->appId.size, sizeof(u"/usr/bin/curl"));
    assert_memory_equal(held->appId.data, u"/usr/bin/curl", sizeof(u"/usr/bin/curl"));
}

static void test_the_first_answer_completes_it_exactly_once(void **state)
{
    struct fixture *f = *state;

    ask(f, connect_of(7, 443));
    run(f);
    uint64_t id = last(f)->held.id;
    assert_int_equal(answer(f, id, FWP_ACTION_PERMIT), ERROR_SUCCESS);
    assert_int_equal(answer(f, id, FWP_ACTION_BLOCK), FWP_E_NOT_FOUND);
    assert_answer(f, 7, true, 0);
    assert_complete(f, 7, FWP_ACTION_PERMIT);
    assert_silence(f);
    assert_int_equal(last(f)->change, OPENWFP_HELD_ANSWERED);
    assert_int_equal(last(f)->action, FWP_ACTION_PERMIT);
    assert_int_equal(last(f)->answeredBy, 99);
    assert_int_equal(waiting(f), 0);
    decide(f, 7, true, false);
    run(f);
    assert_int_equal(f->notices, 2);
}

static void test_alike_operations_are_one_question(void **state)
{
    struct fixture *f = *state;

    for (uint64_t i = 1; i <= 100; i++)
        ask(f, connect_of(i, 443));
    ask(f, connect_of(200, 80));
    run(f);
    assert_int_equal(waiting(f), 2);
    assert_int_equal(f->notices, 2);
    assert_int_equal(f->notice[0].held.count, 100);
    for (uint64_t i = 1; i <= 100; i++)
        assert_answer(f, i, true, 0);
    assert_answer(f, 200, true, 0);
    assert_int_equal(answer(f, f->notice[0].held.id, FWP_ACTION_BLOCK), ERROR_SUCCESS);
    for (uint64_t i = 1; i <= 100; i++)
        assert_complete(f, i, FWP_ACTION_BLOCK);
    assert_silence(f);
    assert_int_equal(waiting(f), 1);
}

static void test_users_programs_peers_and_filters_are_told_apart(void **state)
{
    struct fixture *f = *state;
    struct driver_classify classify = connect_of(1, 443);

    ask(f, classify);
    classify.header.operation = 2;
    classify.ask.uid = 1001;
    ask(f, classify);
    classify.header.operation = 3;
    strcpy(classify.app, "/usr/bin/wget");
    ask(f, classify);
    classify.header.operation = 4;
    classify.ask.remote[15] = 2;
    ask(f, classify);
    classify.header.operation = 5;
    classify.ask.filter_id = 4;
    ask(f, classify);
    classify.header.operation = 6;
    classify.ask.local_port = 50000; /* of no importance */
    ask(f, classify);
    run(f);
    assert_int_equal(waiting(f), 5);
}

static void test_at_accept_the_peers_port_is_of_no_importance(void **state)
{
    struct fixture *f = *state;
    struct driver_classify classify = connect_of(1, 40000);

    classify.ask.layer = FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4;
    classify.ask.local_port = 22;
    ask(f, classify);
    classify.header.operation = 2;
    classify.ask.remote_port = 40001;
    ask(f, classify);
    classify.header.operation = 3;
    classify.ask.local_port = 23;
    ask(f, classify);
    run(f);
    assert_int_equal(waiting(f), 2);
}

static void test_at_listen_the_local_address_counts(void **state)
{
    struct fixture *f = *state;
    struct driver_classify classify = connect_of(1, 0);

    classify.ask.layer = FWPS_LAYER_ALE_AUTH_LISTEN_V6;
    classify.ask.family = 6;
    classify.ask.local_port = 8000;
    ask(f, classify);
    classify.header.operation = 2;
    classify.ask.local[15] = 1;
    ask(f, classify);
    run(f);
    assert_int_equal(waiting(f), 2);
    assert_int_equal(last(f)->held.ipVersion, FWP_IP_VERSION_V6);
    assert_int_equal(last(f)->held.localAddrV6.byteArray16[15], 1);
    assert_int_equal(last(f)->held.localPort, 8000);
}

static void test_a_deadline_ends_the_question_with_its_last_operation(void **state)
{
    struct fixture *f = *state;

    ask(f, connect_of(1, 443));
    ask(f, connect_of(2, 443));
    run(f);
    decide(f, 1, false, true);
    run(f);
    assert_int_equal(last(f)->change, OPENWFP_HELD_ASKED);
    assert_int_equal(last(f)->held.count, 1);
    decide(f, 2, false, true);
    run(f);
    assert_int_equal(last(f)->change, OPENWFP_HELD_EXPIRED);
    assert_int_equal(last(f)->action, FWP_ACTION_BLOCK);
    assert_int_equal(waiting(f), 0);
}

static void test_a_program_that_goes_away_takes_its_question_along(void **state)
{
    struct fixture *f = *state;

    ask(f, connect_of(1, 443));
    run(f);
    decide(f, 1, false, false);
    run(f);
    assert_int_equal(last(f)->change, OPENWFP_HELD_GONE);
    assert_int_equal(answer(f, last(f)->held.id, FWP_ACTION_PERMIT), FWP_E_NOT_FOUND);
}

static void test_a_policy_that_changes_while_it_is_asked_keeps_the_question(void **state)
{
    struct fixture *f = *state;
    struct driver_classify classify = connect_of(1, 443);

    ask(f, classify);
    run(f);
    uint64_t id = last(f)->held.id;
    assert_answer(f, 1, true, 0);
    classify.round = 2;
    ask(f, classify);
    run(f);
    assert_answer(f, 1, true, 0);
    assert_int_equal(waiting(f), 1);
    assert_int_equal(last(f)->held.id, id);
    classify.round = 3;
    classify.ask.filter_id = 8; /* another hold filter came first */
    ask(f, classify);
    run(f);
    assert_int_equal(waiting(f), 1);
    assert_int_not_equal(last(f)->held.id, id);
    assert_int_equal(answer(f, id, FWP_ACTION_PERMIT), FWP_E_NOT_FOUND);
}

static void test_an_answer_still_counts_when_the_policy_changed_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct driver_classify classify = connect_of(1, 443);

    ask(f, classify);
    run(f);
    answer(f, last(f)->held.id, FWP_ACTION_PERMIT);
    classify.round = 2;
    ask(f, classify);
    run(f);
    assert_answer(f, 1, true, 0);
    assert_complete(f, 1, FWP_ACTION_PERMIT);
    assert_answer(f, 1, false, FWP_ACTION_PERMIT);
    assert_silence(f);
    assert_int_equal(waiting(f), 0);
}

static void test_what_cannot_be_pended_gets_the_default(void **state)
{
    struct fixture *f = *state;
    struct driver_classify classify = connect_of(1, 443);

    classify.flags = 0;
    ask(f, classify);
    classify.header.operation = 2;
    classify.ask.filter_context = OPENWFP_HOLD_CONTEXT(1000, FWP_ACTION_PERMIT);
    ask(f, classify);
    run(f);
    assert_answer(f, 1, false, FWP_ACTION_BLOCK);
    assert_answer(f, 2, false, FWP_ACTION_PERMIT);
    assert_int_equal(f->notices, 0);
    assert_int_equal(waiting(f), 0);
}

static void test_a_flow_that_is_authorized_again_goes_on(void **state)
{
    struct fixture *f = *state;
    struct driver_classify classify = connect_of(1, 443);

    classify.flags = 0;
    classify.ask.fields.value[CLASSIFY_FLAGS] = FWP_CONDITION_FLAG_IS_REAUTHORIZE;
    ask(f, classify);
    run(f);
    assert_answer(f, 1, false, FWP_ACTION_PERMIT);
}

static void test_a_flood_of_one_program_leaves_room_for_others(void **state)
{
    struct fixture *f = *state;
    union message message;
    uint64_t operation = 0;

    for (unsigned port = 1; port <= QUESTIONS_MAX_PROGRAM + 500; port++) {
        ask(f, connect_of(++operation, (uint16_t)port));
        if (port % 32)
            continue;
        run(f);
        while (heard(f, &message))
            assert_int_equal(message.header.kind, DRIVER_ANSWER);
    }
    run(f);
    while (heard(f, &message))
        continue;
    assert_int_equal(waiting(f), QUESTIONS_MAX_PROGRAM);
    ask(f, connect_of(++operation, 60000));
    struct driver_classify other = connect_of(++operation, 443);
    strcpy(other.app, "/usr/bin/ssh");
    ask(f, other);
    run(f);
    assert_answer(f, operation - 1, false, FWP_ACTION_BLOCK);
    assert_answer(f, operation, true, 0);
}

static void test_what_the_socket_does_not_take_stands_in_line(void **state)
{
    struct fixture *f = *state;
    const unsigned count = 2000;
    unsigned answers = 0, completes = 0;
    union message message;

    for (uint64_t i = 1; i <= count; i++) {
        ask(f, connect_of(i, 443));
        if (i % 32 == 0)
            run(f);
    }
    run(f);
    answer(f, last(f)->held.id, FWP_ACTION_PERMIT);
    for (int rounds = 0; rounds < 1000 && completes < count; rounds++) {
        while (heard(f, &message)) {
            answers += message.header.kind == DRIVER_ANSWER;
            completes += message.header.kind == DRIVER_COMPLETE;
        }
        sd_event_run(f->event, 0);
    }
    assert_int_equal(answers, count);
    assert_int_equal(completes, count);
}

static void test_a_new_thread_asks_anew(void **state)
{
    struct fixture *f = *state;

    ask(f, connect_of(1, 443));
    run(f);
    uint64_t id = last(f)->held.id;
    close(f->socket);
    run(f);
    assert_int_equal(last(f)->change, OPENWFP_HELD_GONE);
    assert_int_equal(waiting(f), 0);
    connect_thread(f);
    ask(f, connect_of(1, 443));
    run(f);
    assert_answer(f, 1, true, 0);
    assert_int_equal(waiting(f), 1);
    assert_int_not_equal(last(f)->held.id, id);
}

static void test_messages_that_make_no_sense_are_passed_over(void **state)
{
    struct fixture *f = *state;
    struct driver_classify classify = connect_of(1, 443);

    send_message(f, &classify, 8);
    send_message(f, &classify, sizeof(classify) - 1);
    classify.header.size = 40;
    send_message(f, &classify, 40);
    classify.header.kind = 77;
    classify.header.size = sizeof(classify);
    send_message(f, &classify, sizeof(classify));
    decide(f, 12345, true, true);
    ask(f, connect_of(2, 443));
    run(f);
    assert_answer(f, 2, true, 0);
    assert_silence(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_asked_is_pended_and_told),
        TEST(test_the_first_answer_completes_it_exactly_once),
        TEST(test_alike_operations_are_one_question),
        TEST(test_users_programs_peers_and_filters_are_told_apart),
        TEST(test_at_accept_the_peers_port_is_of_no_importance),
        TEST(test_at_listen_the_local_address_counts),
        TEST(test_a_deadline_ends_the_question_with_its_last_operation),
        TEST(test_a_program_that_goes_away_takes_its_question_along),
        TEST(test_a_policy_that_changes_while_it_is_asked_keeps_the_question),
        TEST(test_an_answer_still_counts_when_the_policy_changed_meanwhile),
        TEST(test_what_cannot_be_pended_gets_the_default),
        TEST(test_a_flow_that_is_authorized_again_goes_on),
        TEST(test_a_flood_of_one_program_leaves_room_for_others),
        TEST(test_what_the_socket_does_not_take_stands_in_line),
        TEST(test_a_new_thread_asks_anew),
        TEST(test_messages_that_make_no_sense_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
