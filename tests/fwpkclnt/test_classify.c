/* What a callout is shown, and what becomes of its answer. */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "classify/abi.h"
#include "rig.h"

#define CONNECT(field)  FWPS_FIELD_ALE_AUTH_CONNECT_V4_##field
#define CONNECT6(field) FWPS_FIELD_ALE_AUTH_CONNECT_V6_##field

/* A copy of what was shown; `good` is what the function could test only there. */
static struct {
    FWPS_INCOMING_METADATA_VALUES0 meta;
    FWPS_CLASSIFY_OUT0 in;
    FWPS_FILTER3 filter;
    UINT16 layer;
    UINT32 count;
    bool good, packet;
} noted;

static void note(const struct shown *shown)
{
    noted.meta = *shown->meta;
    noted.in = *shown->out;
    noted.filter = *shown->filter;
    noted.layer = shown->fixed->layerId;
    noted.count = shown->fixed->valueCount;
    noted.packet = shown->packet != NULL;
}

static const FWP_VALUE0 *value(const struct shown *shown, unsigned field)
{
    return &shown->fixed->incomingValue[field].value;
}

static struct driver_answer ask(rig_classify *classify, struct driver_classify *question)
{
    const struct rig_callout callout = {.classify = classify};
    struct driver_answer answer;

    memset(&noted, 0, sizeof(noted));
    rig_start(&callout);
    question->ask.callout_id = rig_id;
    rig_ask(question);
    answer = rig_answer(question->header.operation);
    rig_stop();
    return answer;
}

static bool is_curl(const FWP_BYTE_BLOB *blob)
{
    static const WCHAR path[] = u"/usr/bin/curl";

    return blob && blob->size == sizeof(path) && memcmp(blob->data, path, sizeof(path)) == 0;
}

static void look_at_connect(const struct shown *shown)
{
    const SID *user = value(shown, CONNECT(ALE_USER_ID))->sid;

    note(shown);
    noted.good = value(shown, CONNECT(ALE_APP_ID))->type == FWP_BYTE_BLOB_TYPE &&
                 is_curl(value(shown, CONNECT(ALE_APP_ID))->byteBlob) &&
                 value(shown, CONNECT(IP_LOCAL_ADDRESS))->type == FWP_UINT32 &&
                 value(shown, CONNECT(IP_LOCAL_ADDRESS))->uint32 == 0x0a000001 &&
                 value(shown, CONNECT(IP_REMOTE_ADDRESS))->uint32 == 0x0a000002 &&
                 value(shown, CONNECT(IP_LOCAL_PORT))->uint16 == 40000 &&
                 value(shown, CONNECT(IP_REMOTE_PORT))->type == FWP_UINT16 &&
                 value(shown, CONNECT(IP_REMOTE_PORT))->uint16 == 443 &&
                 value(shown, CONNECT(IP_PROTOCOL))->type == FWP_UINT8 &&
                 value(shown, CONNECT(IP_PROTOCOL))->uint8 == 6 &&
                 value(shown, CONNECT(ALE_USER_ID))->type == FWP_SID &&
                 user->IdentifierAuthority.Value[5] == 22 && user->SubAuthorityCount == 2 &&
                 user->SubAuthority[0] == 1 && (&user->SubAuthority[0])[1] == 33;
}

static void test_2_1_fields_stand_in_the_order_of_their_enumeration(void **state)
{
    struct driver_classify question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);

    ask(look_at_connect, &question);
    assert_true(noted.good);
    assert_int_equal(noted.layer, FWPS_LAYER_ALE_AUTH_CONNECT_V4);
    assert_int_equal(noted.count, CONNECT(MAX));
    assert_int_equal(noted.filter.filterId, RIG_FILTER);
    assert_int_equal(noted.filter.context, 0xc0ffee);
    assert_int_equal(noted.filter.action.type, FWP_ACTION_CALLOUT_TERMINATING);
}

static void look_for_empty(const struct shown *shown)
{
    note(shown);
    noted.good = value(shown, CONNECT(ALE_APP_ID))->type == FWP_EMPTY &&
                 value(shown, CONNECT(IP_LOCAL_ADDRESS))->type == FWP_EMPTY &&
                 value(shown, CONNECT(REAUTHORIZE_REASON))->type == FWP_EMPTY &&
                 value(shown, CONNECT(ALE_PACKAGE_ID))->type == FWP_EMPTY;
}

static void test_2_2_what_does_not_apply_is_empty(void **state)
{
    struct driver_classify question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);

    question.app[0] = '\0';
    question.ask.fields.present &= ~(1ull << CLASSIFY_LOCAL_ADDRESS);
    ask(look_for_empty, &question);
    assert_true(noted.good);
    assert_false(noted.meta.currentMetadataValues & FWPS_METADATA_FIELD_PROCESS_PATH);
}

static void look_at_ipv6(const struct shown *shown)
{
    static const UINT8 remote[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
    const FWP_VALUE0 *address = value(shown, CONNECT6(IP_REMOTE_ADDRESS));

    noted.good = address->type == FWP_BYTE_ARRAY16_TYPE &&
                 memcmp(address->byteArray16, remote, sizeof(remote)) == 0;
}

static void test_2_5_ipv6_addresses_are_bytes_in_network_order(void **state)
{
    struct driver_classify question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V6, 1);

    rig_set(&question, CLASSIFY_REMOTE_ADDRESS, 0x20010db800000000);
    question.ask.fields.value[CLASSIFY_REMOTE_ADDRESS_LOW] = 2;
    ask(look_at_ipv6, &question);
    assert_true(noted.good);
}

#define HAS(field) (noted.meta.currentMetadataValues & FWPS_METADATA_FIELD_##field)

static void test_22_metadata_of_connect(void **state)
{
    struct driver_classify question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);

    ask(note, &question);
    assert_false(noted.packet); /* 15.5: TCP is asked before there is one */
    assert_true(HAS(PROCESS_ID) && noted.meta.processId == RIG_PID);
    assert_true(HAS(PROCESS_PATH));
    assert_false(HAS(TOKEN));
    assert_true(HAS(FLOW_HANDLE) && noted.meta.flowHandle == RIG_COOKIE);
    assert_true(HAS(TRANSPORT_ENDPOINT_HANDLE));
    assert_int_equal(noted.meta.transportEndpointHandle, RIG_COOKIE);
    assert_true(HAS(COMPARTMENT_ID) && noted.meta.compartmentId == 4026531840u);
    assert_true(HAS(COMPLETION_HANDLE) && noted.meta.completionHandle);
    assert_true(HAS(PACKET_DIRECTION));
    assert_int_equal(noted.meta.packetDirection, FWP_DIRECTION_OUTBOUND);
    assert_false(HAS(IP_HEADER_SIZE) || HAS(TRANSPORT_HEADER_SIZE));
}

static void test_22_metadata_of_other_layers(void **state)
{
    struct driver_classify question = rig_question(FWPS_LAYER_ALE_AUTH_LISTEN_V4, 1);

    ask(note, &question);
    assert_true(HAS(COMPLETION_HANDLE) && HAS(PROCESS_PATH));
    assert_false(HAS(FLOW_HANDLE) || HAS(PACKET_DIRECTION) || HAS(COMPARTMENT_ID));
    question = rig_question(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, 1);
    ask(note, &question);
    assert_true(HAS(FLOW_HANDLE));
    assert_false(HAS(COMPLETION_HANDLE));
    question = rig_question(FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4, 1);
    ask(note, &question);
    assert_true(HAS(PROCESS_ID) && HAS(COMPARTMENT_ID));
    assert_false(HAS(PROCESS_PATH) || HAS(COMPLETION_HANDLE));
}

static void no_opinion(const struct shown *shown)
{
    note(shown);
}

static void test_6_10_the_answer_begins_as_no_opinion_with_the_right(void **state)
{
    struct driver_classify question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    struct driver_answer answer = ask(no_opinion, &question);

    assert_int_equal(noted.in.actionType, FWP_ACTION_NONE);
    assert_int_equal(noted.in.rights, FWPS_RIGHT_ACTION_WRITE);
    assert_int_equal(noted.in.flags, 0);
    assert_int_equal(answer.action, FWP_ACTION_NONE);
    assert_int_equal(answer.rights, FWPS_RIGHT_ACTION_WRITE);
}

static void test_6_8_a_veto_is_handed_on(void **state)
{
    struct driver_classify question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    struct driver_answer answer;

    question.ask.rights = 0;
    question.round = 3;
    answer = ask(rig_block_absorbed, &question);
    assert_int_equal(answer.action, FWP_ACTION_BLOCK);
    assert_int_equal(answer.rights, 0);
    assert_int_equal(answer.absorb, 1);
    assert_int_equal(answer.round, 3);
    assert_int_equal(answer.pended, 0);
    assert_int_equal(answer.took_packet, 0);
}

static void test_6_7_callouts_see_that_the_filter_is_hard(void **state)
{
    struct driver_classify question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);

    question.ask.filter_flags = FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT;
    ask(note, &question);
    assert_int_equal(noted.filter.flags, FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT);
}

static uint32_t answer_of_nobody(uint16_t type, uint16_t flags)
{
    struct driver_classify question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);

    question.ask.callout_id = 999;
    question.ask.filter_type = type;
    question.ask.filter_flags = flags;
    rig_ask(&question);
    return rig_answer(1).action;
}

static void test_7_2_a_callout_that_is_not_registered(void **state)
{
    const struct rig_callout callout = {.classify = no_opinion};

    rig_start(&callout);
    assert_int_equal(answer_of_nobody(FWP_ACTION_CALLOUT_TERMINATING, 0), FWP_ACTION_BLOCK);
    assert_int_equal(answer_of_nobody((uint16_t)FWP_ACTION_CALLOUT_UNKNOWN,
                                      FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED),
                     FWP_ACTION_PERMIT);
    assert_int_equal(answer_of_nobody(FWP_ACTION_CALLOUT_INSPECTION, 0), FWP_ACTION_CONTINUE);
    rig_stop();
}

static void test_7_7_conditional_on_flow_without_a_context(void **state)
{
    const struct rig_callout callout = {.classify = note,
                                        .flags = FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW};
    struct driver_classify question;

    memset(&noted, 0, sizeof(noted));
    rig_start(&callout);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    assert_int_equal(rig_answer(1).action, FWP_ACTION_NONE_NO_MATCH);
    assert_int_equal(noted.count, 0);
    rig_stop();
}

/* ---- threads ---- */

static _Atomic bool blocked, released;
static _Atomic int inside, most_inside;

static void block_the_first(const struct shown *shown)
{
    if (shown->meta->processId == 1) {
        blocked = true;
        while (!released)
            usleep(1000);
    }
    shown->out->actionType = FWP_ACTION_PERMIT;
}

static void test_a_slow_classify_does_not_stop_others(void **state)
{
    const struct rig_callout callout = {.classify = block_the_first};
    struct driver_classify question;

    blocked = released = false;
    rig_start(&callout);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    question.ask.pid = 1;
    rig_ask(&question);
    rig_wait(&blocked);
    for (uint64_t i = 2; i < 100; i++) {
        question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, i);
        rig_ask(&question);
        assert_int_equal(rig_answer(i).action, FWP_ACTION_PERMIT);
    }
    released = true;
    rig_answer(1);
    rig_stop();
}

static void count_inside(const struct shown *shown)
{
    int now = ++inside;

    if (now > most_inside)
        most_inside = now;
    usleep(1000);
    inside--;
}

static void test_one_operation_is_shown_to_one_classify_at_a_time(void **state)
{
    const struct rig_callout callout = {.classify = count_inside};
    struct driver_classify question;

    most_inside = 0;
    rig_start(&callout);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    for (uint32_t i = 0; i < 20; i++) {
        question.round = i;
        rig_ask(&question);
    }
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(rig_answer(1).round, i);
    assert_int_equal(most_inside, 1);
    rig_stop();
}

/* ---- messages that make no sense ---- */

static void test_nonsense_is_ignored(void **state)
{
    const struct rig_callout callout = {.classify = no_opinion};
    struct driver_classify question;
    struct driver_header header;

    rig_start(&callout);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_send(&header, 77, 1, sizeof(header));
    rig_send(&header, DRIVER_CLASSIFY, 1, sizeof(header));
    rig_send(&question, DRIVER_CLASSIFY, 0, sizeof(question));
    question.packet_size = 5;
    rig_send(&question, DRIVER_CLASSIFY, 1, sizeof(question));
    question.packet_size = 0;
    memset(question.app, 'a', sizeof(question.app));
    rig_send(&question, DRIVER_CLASSIFY, 1, sizeof(question));
    rig_decided(55, true);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 2);
    question.ask.layer = 4000;
    rig_ask(&question);
    assert_int_equal(rig_answer(2).action, FWP_ACTION_BLOCK);
    rig_stop();
}

/* Whatever the fields, sizes and packets say: each question is answered or ignored. */
static void test_random_questions_are_survived(void **state)
{
    const struct rig_callout callout = {.classify = note};
    struct driver_classify question;
    uint8_t packet[128];
    unsigned seed = 1;

    rig_start(&callout);
    for (uint64_t i = 1; i <= 5000; i++) {
        uint8_t *bytes = (uint8_t *)&question.ask;

        question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, i);
        for (int n = rand_r(&seed) % 16; n; n--)
            bytes[(unsigned)rand_r(&seed) % sizeof(question.ask)] = (uint8_t)rand_r(&seed);
        for (unsigned n = 0; n < sizeof(packet); n++)
            packet[n] = (uint8_t)rand_r(&seed);
        packet[0] = i % 2 ? 0x45 : 0x60;
        question.ask.layer = (uint16_t)(rand_r(&seed) % 110);
        question.ask.callout_id = rig_id;
        question.ask.fields.present = (uint64_t)rand_r(&seed) << 16 | (uint64_t)rand_r(&seed);
        rig_ask_packet(&question, packet, (uint32_t)rand_r(&seed) % sizeof(packet));
        rig_answer(i);
    }
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_2_1_fields_stand_in_the_order_of_their_enumeration),
        cmocka_unit_test(test_2_2_what_does_not_apply_is_empty),
        cmocka_unit_test(test_2_5_ipv6_addresses_are_bytes_in_network_order),
        cmocka_unit_test(test_22_metadata_of_connect),
        cmocka_unit_test(test_22_metadata_of_other_layers),
        cmocka_unit_test(test_6_10_the_answer_begins_as_no_opinion_with_the_right),
        cmocka_unit_test(test_6_8_a_veto_is_handed_on),
        cmocka_unit_test(test_6_7_callouts_see_that_the_filter_is_hard),
        cmocka_unit_test(test_7_2_a_callout_that_is_not_registered),
        cmocka_unit_test(test_7_7_conditional_on_flow_without_a_context),
        cmocka_unit_test(test_a_slow_classify_does_not_stop_others),
        cmocka_unit_test(test_one_operation_is_shown_to_one_classify_at_a_time),
        cmocka_unit_test(test_nonsense_is_ignored),
        cmocka_unit_test(test_random_questions_are_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
