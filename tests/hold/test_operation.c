/* The way of an operation, step by step: what counts, from whom, how often, and how it ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "talk.h"

#define DECISION_MS (uint32_t)(ALE_DECISION_LIFE / 1000000)

static void assert_verdict(uint32_t packet, uint32_t verdict)
{
    assert_int_equal(1, fake.packets[packet].count);
    assert_int_equal(verdict, fake.packets[packet].verdict);
}

static void assert_nothing_left(void)
{
    const struct hold_statistics *now = &fake.hold->statistics;

    assert_int_equal(0, now->held);
    assert_int_equal(0, now->packets);
    assert_int_equal(0, now->bytes);
    for (unsigned i = 0; i < ALE_APPS; i++)
        assert_int_equal(0, fake.hold->app_rooms[i].packets + fake.hold->app_rooms[i].bytes);
    for (unsigned i = 0; i <= ALE_USER_SLOTS; i++)
        assert_int_equal(0, fake.hold->user_rooms[i].packets + fake.hold->user_rooms[i].bytes);
}

/* ---- who may say what, when ---- */

static void test_an_answer_decides_once(void **state)
{
    asked(1, CONNECT, IPPROTO_TCP, 1);
    assert_int_equal(0, told.classify.packet_size); /* 15.5 */
    answer(host, 1, 1, FWP_ACTION_PERMIT);
    answer(host, 1, 1, FWP_ACTION_BLOCK);
    assert_verdict(1, NF_ACCEPT);
    assert_int_equal(1, fake.operations[1].permits);
    assert_int_equal(1, fake.hold->statistics.ignored);
    assert_nothing_left();
}

static void test_a_block_is_told_by_one_packet(void **state)
{
    struct ale_ask ask = asked(1, CONNECT, IPPROTO_UDP, 1);

    assert_int_equal(SIZE, told.classify.packet_size);
    fake_packet(&ask, 2, SIZE);
    answer(host, 1, 1, FWP_ACTION_BLOCK);
    assert_verdict(1, NF_REPEAT);
    assert_verdict(2, NF_DROP);
    assert_int_equal(0, fake.hold->statistics.held);
    assert_int_equal(0, fake.operations[1].forgets); /* what is sent again is denied, too */
    fake_round(DECISION_MS);
    assert_int_equal(1, fake.operations[1].forgets);
    assert_nothing_left();
}

static void test_another_host_has_no_say(void **state)
{
    asked(1, CONNECT, IPPROTO_TCP, 1);
    answer(other, 1, 1, FWP_ACTION_PERMIT);
    pend(host, 1, 1, FWP_ACTION_BLOCK, false);
    complete(other, 1, FWP_ACTION_PERMIT);
    assert_int_equal(2, fake.hold->statistics.ignored);
    assert_int_equal(0, fake.packets[1].count);
    complete(host, 1, FWP_ACTION_PERMIT);
    assert_verdict(1, NF_ACCEPT);
}

static void test_an_earlier_rounds_answer_does_not_count(void **state)
{
    asked(1, CONNECT, IPPROTO_TCP, 1);
    pend(host, 1, 1, FWP_ACTION_BLOCK, false);
    complete(host, 1, 0);
    assert_int_equal(FWP_CONDITION_REAUTHORIZE_REASON_CLASSIFY_COMPLETION,
                     fake.operations[1].reason);
    assert_int_equal(DRIVER_CLASSIFY, hear(host));
    assert_int_equal(2, told.classify.round);
    answer(host, 1, 1, FWP_ACTION_PERMIT);
    assert_int_equal(1, fake.hold->statistics.ignored);
    answer(host, 1, 2, FWP_ACTION_BLOCK);
    assert_verdict(1, NF_REPEAT);
    assert_int_equal(DRIVER_DECIDED, hear(host));
    assert_int_equal(0, told.decided.permitted);
}

static void test_a_completion_counts_once(void **state)
{
    asked(1, CONNECT, IPPROTO_TCP, 1);
    complete(host, 1, FWP_ACTION_PERMIT); /* nothing is pended yet */
    assert_int_equal(1, fake.hold->statistics.ignored);
    pend(host, 1, 1, FWP_ACTION_BLOCK, false);
    complete(host, 1, FWP_ACTION_BLOCK);
    complete(host, 1, FWP_ACTION_PERMIT);
    assert_int_equal(2, fake.hold->statistics.ignored);
    assert_int_equal(1, fake.operations[1].blocks);
    assert_int_equal(DRIVER_DECIDED, hear(host));
    assert_int_equal(0, hear(host));
}

static void test_17_2_a_reauthorization_is_not_pended(void **state)
{
    struct ale_ask ask = fake_ask(1, CONNECT, IPPROTO_TCP);

    ask.fields.value[CLASSIFY_FLAGS] |= FWP_CONDITION_FLAG_IS_REAUTHORIZE;
    fake_question(&ask);
    fake_round(0);
    assert_int_equal(DRIVER_CLASSIFY, hear(host));
    assert_int_equal(0, told.classify.flags & DRIVER_CAN_PEND);
    pend(host, 1, 1, FWP_ACTION_PERMIT, false);
    assert_int_equal(1, fake.hold->statistics.ignored);
    assert_int_equal(DRIVER_DECIDED, hear(host));
}

static void test_pending_again_has_an_end(void **state)
{
    asked(1, CONNECT, IPPROTO_TCP, 1);
    for (uint32_t round = 1; round <= talk_limits.pends; round++) {
        assert_int_not_equal(0, told.classify.flags & DRIVER_CAN_PEND);
        pend(host, 1, round, FWP_ACTION_BLOCK, false);
        complete(host, 1, 0);
        assert_int_equal(DRIVER_CLASSIFY, hear(host));
    }
    assert_int_equal(0, told.classify.flags & DRIVER_CAN_PEND);
    pend(host, 1, talk_limits.pends + 1, FWP_ACTION_PERMIT, false);
    assert_int_equal(1, fake.hold->statistics.ignored);
    fake_round(talk_limits.classify_ms);
    assert_int_equal(1, fake.operations[1].blocks);
    assert_verdict(1, NF_REPEAT);
}

/* ---- time ---- */

static void test_a_silent_host_leaves_it_to_the_filter(void **state)
{
    for (uint64_t number = 1; number <= 2; number++) {
        fake.permit_unregistered = number == 2;
        asked(number, CONNECT, IPPROTO_TCP, (uint32_t)number);
        fake_round(talk_limits.classify_ms - 1);
        assert_int_equal(0, fake.operations[number].unregistered);
        fake_round(1);
        assert_int_equal(1, fake.operations[number].unregistered);
        assert_verdict((uint32_t)number, number == 2 ? NF_ACCEPT : NF_REPEAT);
    }
    assert_int_equal(2, fake.hold->statistics.timed_out);
    answer(host, 1, 1, FWP_ACTION_PERMIT);
    assert_int_equal(1, fake.hold->statistics.ignored);
    fake_round(DECISION_MS);
    assert_nothing_left();
}

static void test_a_pend_ends_by_its_default(void **state)
{
    asked(1, CONNECT, IPPROTO_TCP, 1);
    pend(host, 1, 1, FWP_ACTION_PERMIT, false);
    fake_round(999);
    assert_int_equal(0, fake.packets[1].count);
    fake_round(1);
    assert_verdict(1, NF_ACCEPT);
    assert_int_equal(DRIVER_DECIDED, hear(host));
    assert_int_equal(1, told.decided.timed_out);
    complete(host, 1, FWP_ACTION_BLOCK);
    assert_int_equal(1, fake.hold->statistics.ignored);
    assert_int_equal(0, fake.operations[1].blocks);
}

static void test_a_default_that_means_nothing_is_the_filters(void **state)
{
    asked(1, CONNECT, IPPROTO_TCP, 1);
    pend(host, 1, 1, 0xdeadbeef, false);
    fake_round(1000);
    assert_int_equal(1, fake.operations[1].unregistered);
    assert_verdict(1, NF_REPEAT);
}

/* ---- room ---- */

static void test_what_finds_no_room_is_dropped(void **state)
{
    struct ale_ask ask = asked(1, CONNECT, IPPROTO_UDP, 1);

    for (uint32_t id = 2; id <= talk_limits.packets_operation + 1; id++)
        fake_packet(&ask, id, SIZE);
    assert_verdict(talk_limits.packets_operation + 1, NF_DROP);
    for (uint64_t number = 2; number <= 4; number++)
        asked(number, CONNECT, IPPROTO_TCP, 10 + (uint32_t)number);
    assert_int_equal(0, fake.packets[12].count + fake.packets[13].count);
    assert_verdict(14, NF_DROP); /* the program's seventh */
    assert_int_equal(2, fake.hold->statistics.refused);
    assert_int_equal(1, fake.said);
    answer(host, 1, 1, FWP_ACTION_PERMIT);
    for (uint32_t id = 1; id <= talk_limits.packets_operation; id++)
        assert_verdict(id, NF_ACCEPT);
}

static void asked_by(uint32_t uid, uint32_t app, uint32_t number, uint32_t size)
{
    struct ale_ask ask = fake_ask(number, CONNECT, IPPROTO_UDP);

    ask.uid = uid;
    ask.app = app;
    fake_question(&ask);
    fake_packet(&ask, number, size);
    fake_round(0);
}

/* Copies of a program are many programs. */
static void test_a_user_leaves_room_to_others(void **state)
{
    for (uint32_t number = 1; number <= 4; number++)
        asked_by(1000, number, number, SIZE);
    assert_int_equal(0, fake.packets[1].count + fake.packets[2].count + fake.packets[3].count);
    assert_verdict(4, NF_DROP);
    asked_by(1001, 5, 5, 1100); /* a quarter of the bytes is less */
    assert_verdict(5, NF_DROP);
    asked_by(1001, 1, 6, SIZE);
    asked_by(0, 1, 7, SIZE);
    assert_int_equal(0, fake.packets[6].count + fake.packets[7].count);
}

/* Who has subordinate users is many users. */
static void test_all_users_leave_room_to_root(void **state)
{
    for (uint32_t number = 1; number <= 10; number++)
        asked_by(1000 + number, number, number, SIZE);
    assert_int_equal(0, fake.packets[9].count);
    assert_verdict(10, NF_DROP);
    asked_by(0, 11, 11, SIZE);
    assert_int_equal(0, fake.packets[11].count);
}

static unsigned longest_chain(void)
{
    unsigned longest = 0;

    for (unsigned i = 0; i < HOLD_BUCKETS; i++) {
        unsigned length = 0;

        for (const struct operation *o = fake.hold->ends[i]; o; o = o->next_in_ends)
            length++;
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* Addresses whose sum, weighed by powers of 31, is the same: the usual way to hash a text. */
static void test_a_program_can_not_choose_the_bucket_of_its_packets(void **state)
{
    for (uint8_t i = 0; i < 56; i++) {
        uint8_t a = i / 8, b = i % 8;
        struct ale_ask ask = fake_ask(1 + i, CONNECT, IPPROTO_UDP);
        struct ale_ask_packet packet = {
            .kind = ALE_ASK_PACKET,
            .operation = ask.operation,
            .destination =
                {[10] = 0xff, 0xff, 10, a, (uint8_t)(31 * (7 - a) + b), (uint8_t)(31 * (7 - b))},
        };

        fake_question(&ask);
        packet_expect(fake.hold, &packet);
    }
    assert_in_range(longest_chain(), 1, 4);
}

static void test_a_syn_that_is_sent_again_is_dropped(void **state)
{
    struct ale_ask ask = asked(1, CONNECT, IPPROTO_TCP, 1);

    fake_packet(&ask, 2, SIZE);
    assert_verdict(2, NF_DROP);
    answer(host, 1, 1, FWP_ACTION_PERMIT);
    assert_verdict(1, NF_ACCEPT);
}

static void test_a_packet_of_nobody_is_dropped(void **state)
{
    struct ale_ask ask = asked(1, CONNECT, IPPROTO_TCP, 1);

    answer(host, 1, 1, FWP_ACTION_PERMIT);
    fake_packet(&ask, 2, SIZE);
    assert_verdict(2, NF_DROP);
}

/* ---- packets that come back ---- */

static void test_s9_a_packet_returned_early_waits_for_the_decision(void **state)
{
    struct ale_ask ask = asked(1, CONNECT, IPPROTO_UDP, 1);

    fake_packet(&ask, 2, SIZE);
    pend(host, 1, 1, FWP_ACTION_BLOCK, true);
    give_back(host, &ask, SIZE + 8);
    assert_int_equal(0, fake.packets[1].count);
    complete(host, 1, FWP_ACTION_PERMIT);
    assert_verdict(1, NF_ACCEPT);
    assert_int_equal(SIZE + 8, fake.packets[1].changed_size);
    assert_verdict(2, NF_ACCEPT);
    assert_int_equal(0, fake.packets[2].changed_size);
    assert_nothing_left();
}

static void test_s9_a_packet_returned_late_is_waited_for(void **state)
{
    struct ale_ask ask = asked(1, CONNECT, IPPROTO_UDP, 1);

    pend(host, 1, 1, FWP_ACTION_BLOCK, true);
    complete(host, 1, FWP_ACTION_PERMIT);
    assert_int_equal(0, fake.packets[1].count);
    give_back(host, &ask, SIZE);
    assert_verdict(1, NF_ACCEPT);
    assert_int_equal(0, fake.packets[1].changed_size);
    assert_nothing_left();
}

static void test_17_3_a_datagram_that_was_taken_is_lost_unless_returned(void **state)
{
    struct ale_ask ask = asked(1, CONNECT, IPPROTO_UDP, 1);

    fake_packet(&ask, 2, SIZE);
    pend(host, 1, 1, FWP_ACTION_BLOCK, true);
    complete(host, 1, FWP_ACTION_PERMIT);
    fake_round(3000);
    assert_verdict(1, NF_DROP);
    assert_verdict(2, NF_ACCEPT);
    assert_nothing_left();
}

static void test_17_5_a_completed_accept_is_decided_by_its_packet(void **state)
{
    struct ale_ask ask = asked(1, ACCEPT, IPPROTO_TCP, 1);

    assert_int_equal(SIZE, told.classify.packet_size);
    pend(host, 1, 1, FWP_ACTION_BLOCK, true);
    complete(host, 1, 0);
    assert_int_equal(0, fake.operations[1].restarts);
    give_back(host, &ask, SIZE);
    assert_int_equal(DRIVER_CLASSIFY, hear(host));
    assert_int_not_equal(0, told.classify.flags & DRIVER_INJECTED);
    answer(host, 1, 2, FWP_ACTION_PERMIT);
    assert_verdict(1, NF_ACCEPT);
    assert_int_equal(0, fake.operations[1].reason);
}

static void test_17_5_a_completed_accept_whose_packet_does_not_come_is_refused(void **state)
{
    asked(1, ACCEPT, IPPROTO_TCP, 1);
    pend(host, 1, 1, FWP_ACTION_PERMIT, true);
    complete(host, 1, 0);
    fake_round(3000);
    assert_int_equal(1, fake.operations[1].blocks);
    assert_verdict(1, NF_REPEAT);
}

/* ---- hosts and callouts that go ---- */

static void test_7_2_a_host_that_is_gone_leaves_its_own_to_the_filter(void **state)
{
    struct ale_ask theirs = fake_ask(3, CONNECT, IPPROTO_TCP);

    asked(1, CONNECT, IPPROTO_TCP, 1);
    asked(2, CONNECT, IPPROTO_TCP, 2);
    pend(host, 2, 1, FWP_ACTION_PERMIT, false);
    theirs.callout_id = FAKE_CALLOUT + 1;
    fake_question(&theirs);
    fake_packet(&theirs, 3, SIZE);
    fake_round(0);
    shutdown(host, SHUT_RDWR);
    fake_round(0);
    assert_verdict(1, NF_REPEAT);
    assert_verdict(2, NF_REPEAT);
    assert_int_equal(0, fake.packets[3].count);
    answer(other, 3, 1, FWP_ACTION_PERMIT);
    assert_verdict(3, NF_ACCEPT);
}

/* What it has taken does not come back, and no other host can give it back. */
static void test_7_2_what_a_host_that_is_gone_has_taken_is_lost(void **state)
{
    struct ale_ask ask = asked(1, CONNECT, IPPROTO_UDP, 1);

    fake.permit_unregistered = true;
    fake_packet(&ask, 2, SIZE);
    pend(host, 1, 1, FWP_ACTION_BLOCK, true);
    shutdown(host, SHUT_RDWR);
    fake_round(0);
    assert_verdict(1, NF_DROP);
    assert_verdict(2, NF_ACCEPT);
    assert_nothing_left();
}

static void test_a_callout_that_is_gone_leaves_its_own_to_the_filter(void **state)
{
    asked(1, CONNECT, IPPROTO_TCP, 1);
    assert_int_equal(0, hold_callout_remove(fake.hold, FAKE_CALLOUT));
    assert_verdict(1, NF_REPEAT);
    answer(host, 1, 1, FWP_ACTION_PERMIT);
    assert_int_equal(1, fake.hold->statistics.ignored);
}

/* ---- messages that make no sense ---- */

static void test_messages_of_wrong_sizes_are_ignored(void **state)
{
    struct driver_answer message = {{DRIVER_ANSWER, sizeof(message), 1}, 1, FWP_ACTION_PERMIT};
    struct driver_packet packet = {{DRIVER_PACKET, sizeof(packet), 1}, 40};

    asked(1, CONNECT, IPPROTO_TCP, 1);
    say(host, &message, sizeof(message.header) - 1);
    say(host, &message, sizeof(message) - 1);
    message.header.size--;
    say(host, &message, sizeof(message));
    message.header = (struct driver_header){99, sizeof(message), 1};
    say(host, &message, sizeof(message));
    message.header = (struct driver_header){DRIVER_CLASSIFY, sizeof(message), 1};
    say(host, &message, sizeof(message));
    say(host, &packet, sizeof(packet));
    fake_round(0);
    assert_int_equal(6, fake.hold->statistics.ignored);
    assert_int_equal(0, fake.packets[1].count);
}

static void test_a_packet_that_is_no_packet_is_ignored(void **state)
{
    static const uint32_t sizes[] = {1, 19, 23};
    struct ale_ask ask = asked(1, CONNECT, IPPROTO_UDP, 1), another = ask;
    struct {
        struct driver_packet head;
        uint8_t bytes[SIZE];
    } message = {.head = {{DRIVER_PACKET, sizeof(message), 1}, SIZE}};

    pend(host, 1, 1, FWP_ACTION_BLOCK, true);
    for (unsigned i = 0; i < 3; i++) { /* cut */
        message.head.header.size = sizeof(message.head) + sizes[i];
        message.head.packet_size = sizes[i];
        fake_packet_build(&ask, message.bytes, SIZE);
        say(host, &message, message.head.header.size);
    }
    another.operation = 2; /* of another flow */
    message.head = (struct driver_packet){{DRIVER_PACKET, sizeof(message), 1}, SIZE};
    fake_packet_build(&another, message.bytes, SIZE);
    say(host, &message, sizeof(message));
    fake_packet_build(&ask, message.bytes, SIZE);
    message.bytes[3]++; /* its length */
    say(host, &message, sizeof(message));
    fake_packet_build(&ask, message.bytes, SIZE);
    message.bytes[0] = 0x4f; /* its header's length */
    say(host, &message, sizeof(message));
    fake_round(0);
    assert_int_equal(6, fake.hold->statistics.ignored);
}

/* 15.5: a connect of TCP is shown without its packet, which nobody can give back. */
static void test_15_5_what_was_not_shown_is_not_replaced(void **state)
{
    struct ale_ask ask = asked(1, CONNECT, IPPROTO_TCP, 1);

    give_back(host, &ask, SIZE + 8);
    assert_int_equal(1, fake.hold->statistics.ignored);
    answer(host, 1, 1, FWP_ACTION_PERMIT);
    assert_verdict(1, NF_ACCEPT);
    assert_int_equal(0, fake.packets[1].changed_size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_an_answer_decides_once),
        CASE(test_a_block_is_told_by_one_packet),
        CASE(test_another_host_has_no_say),
        CASE(test_an_earlier_rounds_answer_does_not_count),
        CASE(test_a_completion_counts_once),
        CASE(test_17_2_a_reauthorization_is_not_pended),
        CASE(test_pending_again_has_an_end),
        CASE(test_a_silent_host_leaves_it_to_the_filter),
        CASE(test_a_pend_ends_by_its_default),
        CASE(test_a_default_that_means_nothing_is_the_filters),
        CASE(test_what_finds_no_room_is_dropped),
        CASE(test_a_program_can_not_choose_the_bucket_of_its_packets),
        CASE(test_a_user_leaves_room_to_others),
        CASE(test_all_users_leave_room_to_root),
        CASE(test_a_syn_that_is_sent_again_is_dropped),
        CASE(test_a_packet_of_nobody_is_dropped),
        CASE(test_s9_a_packet_returned_early_waits_for_the_decision),
        CASE(test_s9_a_packet_returned_late_is_waited_for),
        CASE(test_17_3_a_datagram_that_was_taken_is_lost_unless_returned),
        CASE(test_17_5_a_completed_accept_is_decided_by_its_packet),
        CASE(test_17_5_a_completed_accept_whose_packet_does_not_come_is_refused),
        CASE(test_7_2_a_host_that_is_gone_leaves_its_own_to_the_filter),
        CASE(test_7_2_what_a_host_that_is_gone_has_taken_is_lost),
        CASE(test_a_callout_that_is_gone_leaves_its_own_to_the_filter),
        CASE(test_messages_of_wrong_sizes_are_ignored),
        CASE(test_a_packet_that_is_no_packet_is_ignored),
        CASE(test_15_5_what_was_not_shown_is_not_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
