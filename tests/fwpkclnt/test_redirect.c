/* Redirection from a driver's side: what it is shown, what it may change, what the engine is told.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "rig.h"

#define REDIRECT4 FWPS_LAYER_ALE_CONNECT_REDIRECT_V4
#define REDIRECT6 FWPS_LAYER_ALE_CONNECT_REDIRECT_V6

/* ---- what the callout does ---- */

static struct {
    void (*change)(FWPS_CONNECT_REQUEST0 *request);
    bool pends, stops;          /* without FwpsApplyModifiedLayerData0 */
    FWP_ACTION_TYPE action;     /* in the end */
    UINT64 handle;              /* of the classify */
    FWPS_CLASSIFY_OUT0 out;     /* behind FwpsAcquireWritableLayerDataPointer0 */
    FWPS_CONNECT_REQUEST0 seen; /* layerData, */
    FWPS_CONNECT_REQUEST0 before;
    bool had_before; /* and its previousVersion */
    NTSTATUS acquired, foreign, pended;
    FWPS_CONNECTION_REDIRECT_STATE state, unknown;
    SOCKADDR_STORAGE original;
    UINT32 fields, target;
} note;

static HANDLE redirector;

static void lead(FWPS_CONNECT_REQUEST0 *request, const char *address, uint16_t port)
{
    SOCKADDR_IN *v4 = (SOCKADDR_IN *)&request->remoteAddressAndPort;
    SOCKADDR_IN6 *v6 = (SOCKADDR_IN6 *)&request->remoteAddressAndPort;

    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
    } else {
        inet_pton(AF_INET6, address, &v6->sin6_addr);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
    }
}

static void change(UINT64 handle, FWPS_CLASSIFY_OUT0 *out)
{
    FWPS_CONNECT_REQUEST0 *request = NULL;

    note.foreign =
        FwpsAcquireWritableLayerDataPointer0(handle, RIG_FILTER + 1, 0, (PVOID *)&request, out);
    note.acquired =
        FwpsAcquireWritableLayerDataPointer0(handle, RIG_FILTER, 0, (PVOID *)&request, out);
    note.out = *out;
    if (!request)
        return;
    if (note.change)
        note.change(request);
    if (!note.stops)
        FwpsApplyModifiedLayerData0(handle, request, 0);
}

static void redirect(const struct shown *shown)
{
    const FWPS_CONNECT_REQUEST0 *request = (const void *)shown->packet;

    note.seen = *request;
    note.had_before = request->previousVersion;
    if (request->previousVersion)
        note.before = *request->previousVersion;
    note.fields = shown->meta->currentMetadataValues;
    note.state = FwpsQueryConnectionRedirectState0(shown->meta->redirectRecords, redirector, NULL);
    note.unknown = FwpsQueryConnectionRedirectState0(shown->meta->redirectRecords, NULL, NULL);
    FwpsAcquireClassifyHandle0((void *)shown->context, 0, &note.handle);
    if (note.pends) {
        note.pended = FwpsPendClassify0(note.handle, RIG_FILTER, 0, shown->out);
        return;
    }
    change(note.handle, shown->out);
    FwpsReleaseClassifyHandle0(note.handle);
    shown->out->actionType = note.action;
}

/* Asks at the layer, and gets what the callout has answered. */
static struct driver_answer ask(struct driver_classify *question)
{
    rig_ask(question);
    return rig_answer(question->header.operation);
}

static struct driver_answer ask_at(uint16_t layer)
{
    struct driver_classify question = rig_question(layer, 1);

    return ask(&question);
}

static int setup(void **state)
{
    static const GUID provider = {1};

    memset(&note, 0, sizeof(note));
    note.action = FWP_ACTION_PERMIT;
    rig_start(&(struct rig_callout){.classify = redirect});
    return FwpsRedirectHandleCreate0(&provider, 0, &redirector) == STATUS_SUCCESS ? 0 : -1;
}

static int teardown(void **state)
{
    FwpsRedirectHandleDestroy0(redirector);
    rig_stop();
    return 0;
}

static void assert_leads_nowhere(const struct driver_answer *answer)
{
    assert_int_equal(answer->redirect.redirected, 0);
    assert_int_equal(answer->redirect.port, 0);
}

static void assert_text(const char *wanted, const SOCKADDR_STORAGE *address)
{
    bool v4 = address->ss_family == AF_INET;
    const void *bytes = v4 ? (const void *)&((const SOCKADDR_IN *)address)->sin_addr
                           : &((const SOCKADDR_IN6 *)address)->sin6_addr;
    char text[INET6_ADDRSTRLEN];

    assert_non_null(inet_ntop(address->ss_family, bytes, text, sizeof(text)));
    assert_string_equal(text, wanted);
}

/* ---- tests ---- */

static void test_18_1_the_request_is_shown(void **state)
{
    ask_at(REDIRECT4);
    assert_text("10.0.0.1", &note.seen.localAddressAndPort);
    assert_text("10.0.0.2", &note.seen.remoteAddressAndPort);
    assert_int_equal(((SOCKADDR_IN *)&note.seen.localAddressAndPort)->sin_port, htons(40000));
    assert_int_equal(((SOCKADDR_IN *)&note.seen.remoteAddressAndPort)->sin_port, htons(443));
    assert_false(note.had_before);
    ask_at(REDIRECT6);
    assert_text("2001::1", &note.seen.localAddressAndPort);
    assert_text("2001::2", &note.seen.remoteAddressAndPort);
}

static void to_proxy(FWPS_CONNECT_REQUEST0 *request)
{
    lead(request, "127.0.0.1", 8080);
    request->localRedirectTargetPID = RIG_PID + 1;
    request->localRedirectHandle = redirector;
    request->localRedirectContext = malloc(10); /* the library's from now on */
    request->localRedirectContextSize = 10;
}

static void test_21_3_another_peer(void **state)
{
    static const uint8_t proxy[16] = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1};
    struct driver_answer answer;

    note.change = to_proxy;
    answer = ask_at(REDIRECT4);
    assert_int_equal(note.foreign, STATUS_INVALID_PARAMETER);
    assert_int_equal(note.acquired, STATUS_SUCCESS);
    assert_int_equal(answer.action, FWP_ACTION_PERMIT);
    assert_int_equal(answer.redirect.redirected, 1);
    assert_int_equal(answer.redirect.port, 8080);
    assert_int_equal(answer.redirect.target_pid, RIG_PID + 1);
    assert_memory_equal(answer.redirect.address, proxy, 16);
}

static void to_v6(FWPS_CONNECT_REQUEST0 *request)
{
    lead(request, "::1", 53);
}

static void to_mapped(FWPS_CONNECT_REQUEST0 *request)
{
    lead(request, "::ffff:10.0.0.9", 53);
}

static void test_21_3_another_peer_v6(void **state)
{
    static const uint8_t self[16] = {[15] = 1};
    struct driver_answer answer;

    note.change = to_v6;
    answer = ask_at(REDIRECT6);
    assert_int_equal(answer.redirect.redirected, 1);
    assert_int_equal(answer.redirect.port, 53);
    assert_memory_equal(answer.redirect.address, self, 16);
}

/* An IPv6 socket that speaks IPv4 is asked about at the V6 layer, and goes on speaking IPv4. */
static void test_21_3_another_peer_mapped(void **state)
{
    struct driver_classify question = rig_question(REDIRECT6, 1);
    struct driver_answer answer;

    inet_pton(AF_INET6, "::ffff:10.0.0.2", question.ask.key.remote);
    note.change = to_mapped;
    answer = ask(&question);
    assert_text("::ffff:10.0.0.2", &note.seen.remoteAddressAndPort);
    assert_int_equal(answer.redirect.redirected, 1);
    assert_int_equal(answer.redirect.address[15], 9);
    note.change = to_v6;
    assert_int_equal(ask(&question).action, FWP_ACTION_BLOCK);
}

static void test_21_2_who_acquires_blocks_until_it_permits(void **state)
{
    ask_at(REDIRECT4);
    assert_int_equal(note.out.actionType, FWP_ACTION_BLOCK);
    assert_int_equal(note.out.rights & FWPS_RIGHT_ACTION_WRITE, 0);
}

static void test_an_unchanged_request_is_no_redirection(void **state)
{
    struct driver_answer answer = ask_at(REDIRECT4);

    assert_int_equal(answer.action, FWP_ACTION_PERMIT);
    assert_leads_nowhere(&answer);
}

static void test_a_block_and_what_is_not_applied_lead_nowhere(void **state)
{
    struct driver_answer answer;

    note.change = to_v6;
    note.action = FWP_ACTION_BLOCK;
    answer = ask_at(REDIRECT6);
    assert_leads_nowhere(&answer);
    note.action = FWP_ACTION_PERMIT;
    note.stops = true;
    answer = ask_at(REDIRECT6);
    assert_int_equal(answer.action, FWP_ACTION_PERMIT);
    assert_leads_nowhere(&answer);
}

static void to_port_0(FWPS_CONNECT_REQUEST0 *request)
{
    lead(request, "10.0.0.9", 0);
}

static void to_nowhere(FWPS_CONNECT_REQUEST0 *request)
{
    lead(request, "0.0.0.0", 80);
}

static void without_handle(FWPS_CONNECT_REQUEST0 *request)
{
    to_proxy(request);
    request->localRedirectHandle = (HANDLE)99;
}

static void from_elsewhere(FWPS_CONNECT_REQUEST0 *request)
{
    ((SOCKADDR_IN *)&request->localAddressAndPort)->sin_port = htons(1);
}

/* Nor does the connect go on to the peer from which the driver wanted to lead it away. */
static void test_what_can_not_be_applied_blocks(void **state)
{
    static const struct {
        uint16_t layer;
        void (*change)(FWPS_CONNECT_REQUEST0 *request);
    } rows[] = {{REDIRECT4, to_v6},      {REDIRECT6, to_mapped},      {REDIRECT4, to_port_0},
                {REDIRECT4, to_nowhere}, {REDIRECT4, without_handle}, {REDIRECT4, from_elsewhere}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct driver_answer answer;

        note.change = rows[i].change;
        answer = ask_at(rows[i].layer);
        assert_int_equal(answer.action, FWP_ACTION_BLOCK);
        assert_int_equal(answer.rights, 0);
        assert_leads_nowhere(&answer);
    }
}

static void test_6_9_not_without_the_right(void **state)
{
    struct driver_classify question = rig_question(REDIRECT4, 1);

    question.ask.rights = 0;
    ask(&question);
    assert_int_equal(note.acquired, STATUS_ACCESS_DENIED);
}

static void test_21_8_the_lighter_callout_sees_what_the_heavier_has_made(void **state)
{
    struct driver_classify question = rig_question(REDIRECT4, 1);
    struct driver_answer answer;

    question.redirect = (struct driver_redirect){.address = {[10] = 0xff, 0xff, 10, 0, 0, 7},
                                                 .port = 8080,
                                                 .redirected = 1,
                                                 .target_pid = 5,
                                                 .filter_id = 12};
    answer = ask(&question);
    assert_text("10.0.0.7", &note.seen.remoteAddressAndPort);
    assert_int_equal(note.seen.modifierFilterId, 12);
    assert_int_equal(note.seen.localRedirectTargetPID, 5);
    assert_true(note.had_before);
    assert_text("10.0.0.2", &note.before.remoteAddressAndPort);
    assert_leads_nowhere(&answer); /* what is unchanged stays with the heavier one */
}

static void test_21_5_whose_redirection(void **state)
{
    static const struct {
        uint32_t flags;
        FWPS_CONNECTION_REDIRECT_STATE state, unknown;
    } rows[] = {
        {0, FWPS_CONNECTION_NOT_REDIRECTED, FWPS_CONNECTION_NOT_REDIRECTED},
        {DRIVER_REDIRECTED_BY_SELF, FWPS_CONNECTION_REDIRECTED_BY_SELF,
         FWPS_CONNECTION_REDIRECTED_BY_OTHER},
        {DRIVER_REDIRECTED_BY_OTHER, FWPS_CONNECTION_REDIRECTED_BY_OTHER,
         FWPS_CONNECTION_REDIRECTED_BY_OTHER},
        {DRIVER_REDIRECTED_BY_SELF | DRIVER_REDIRECTED_BY_OTHER,
         FWPS_CONNECTION_PREVIOUSLY_REDIRECTED_BY_SELF, FWPS_CONNECTION_REDIRECTED_BY_OTHER},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct driver_classify question = rig_question(REDIRECT4, i + 1);

        question.flags |= rows[i].flags;
        ask(&question);
        assert_int_equal(note.state, rows[i].state);
        assert_int_equal(note.unknown, rows[i].unknown);
        assert_int_equal(note.fields & FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE,
                         rows[i].flags ? FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE : 0);
    }
    assert_int_equal(FwpsQueryConnectionRedirectState0((HANDLE)1, redirector, NULL),
                     FWPS_CONNECTION_NOT_REDIRECTED);
}

static void test_17_7_a_pended_classify_is_redirected_later(void **state)
{
    FWPS_CLASSIFY_OUT0 out = {.rights = FWPS_RIGHT_ACTION_WRITE};
    struct driver_complete message;

    note.pends = true;
    note.change = to_proxy;
    assert_int_equal(ask_at(REDIRECT4).pended, 1);
    assert_int_equal(note.pended, STATUS_SUCCESS);
    change(note.handle, &out);
    assert_int_equal(note.acquired, STATUS_SUCCESS);
    out.actionType = FWP_ACTION_PERMIT;
    FwpsCompleteClassify0(note.handle, 0, &out);
    message = rig_complete(1);
    assert_int_equal(message.action, FWP_ACTION_PERMIT);
    assert_int_equal(message.redirect.redirected, 1);
    assert_int_equal(message.redirect.port, 8080);
    change(note.handle, &out); /* it is over */
    assert_int_equal(note.acquired, STATUS_INVALID_PARAMETER);
    FwpsReleaseClassifyHandle0(note.handle);
    rig_decided(1, true);
    rig_expect_nothing();
}

static void test_17_7_a_pended_classify_that_is_blocked_leads_nowhere(void **state)
{
    FWPS_CLASSIFY_OUT0 out = {.rights = FWPS_RIGHT_ACTION_WRITE};
    struct driver_complete message;

    note.pends = true;
    note.change = to_proxy;
    ask_at(REDIRECT4);
    change(note.handle, &out);
    FwpsCompleteClassify0(note.handle, 0, &out); /* a block, since it was acquired */
    message = rig_complete(1);
    assert_int_equal(message.action, FWP_ACTION_BLOCK);
    assert_int_equal(message.redirect.redirected, 0);
    FwpsReleaseClassifyHandle0(note.handle);
}

static void test_wrong_arguments(void **state)
{
    static const GUID provider = {1};
    FWPS_CLASSIFY_OUT0 out = {0};
    PVOID data = &out;
    HANDLE handle;

    assert_int_equal(FwpsRedirectHandleCreate0(NULL, 0, &handle), STATUS_FWP_NULL_POINTER);
    assert_int_equal(FwpsRedirectHandleCreate0(&provider, 1, &handle), STATUS_INVALID_PARAMETER);
    FwpsRedirectHandleDestroy0((HANDLE)99);
    assert_int_equal(FwpsAcquireWritableLayerDataPointer0(1, 1, 0, NULL, &out),
                     STATUS_FWP_NULL_POINTER);
    assert_int_equal(FwpsAcquireWritableLayerDataPointer0(1, 1, 0, &data, &out),
                     STATUS_INVALID_PARAMETER);
    assert_null(data);
    FwpsApplyModifiedLayerData0(1, &out, 0);
}

/* ---- other layers ---- */

static void look(const struct shown *shown)
{
    PVOID data;

    FwpsAcquireClassifyHandle0((void *)shown->context, 0, &note.handle);
    note.acquired =
        FwpsAcquireWritableLayerDataPointer0(note.handle, RIG_FILTER, 0, &data, shown->out);
    FwpsReleaseClassifyHandle0(note.handle);
    note.fields = shown->meta->currentMetadataValues;
    note.target = shown->meta->localRedirectTargetPID;
    if (shown->meta->originalDestination)
        memcpy(&note.original, shown->meta->originalDestination, sizeof(SOCKADDR_IN));
}

static void test_nothing_else_can_be_changed(void **state)
{
    rig_start(&(struct rig_callout){.classify = look});
    ask_at(FWPS_LAYER_ALE_BIND_REDIRECT_V4);
    assert_int_equal(note.acquired, STATUS_NOT_SUPPORTED);
    ask_at(FWPS_LAYER_ALE_AUTH_CONNECT_V4);
    assert_int_equal(note.acquired, STATUS_NOT_SUPPORTED);
    assert_int_equal(note.fields & (FWPS_METADATA_FIELD_ORIGINAL_DESTINATION |
                                    FWPS_METADATA_FIELD_LOCAL_REDIRECT_TARGET_PID),
                     0);
    rig_stop();
}

static void test_21_6_connect_knows_the_peer_that_was_asked_for(void **state)
{
    struct driver_classify question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);

    rig_start(&(struct rig_callout){.classify = look});
    question.ask.callout_id = rig_id;
    question.redirect =
        (struct driver_redirect){.port = 8080, .redirected = 1, .target_pid = RIG_PID};
    ask(&question);
    assert_text("10.0.0.2", &note.original);
    assert_int_equal(note.target, RIG_PID);
    rig_stop();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_18_1_the_request_is_shown),
        CASE(test_21_3_another_peer),
        CASE(test_21_3_another_peer_v6),
        CASE(test_21_3_another_peer_mapped),
        CASE(test_21_2_who_acquires_blocks_until_it_permits),
        CASE(test_an_unchanged_request_is_no_redirection),
        CASE(test_a_block_and_what_is_not_applied_lead_nowhere),
        CASE(test_what_can_not_be_applied_blocks),
        CASE(test_6_9_not_without_the_right),
        CASE(test_21_8_the_lighter_callout_sees_what_the_heavier_has_made),
        CASE(test_21_5_whose_redirection),
        CASE(test_17_7_a_pended_classify_is_redirected_later),
        CASE(test_17_7_a_pended_classify_that_is_blocked_leads_nowhere),
        CASE(test_wrong_arguments),
        cmocka_unit_test(test_nothing_else_can_be_changed),
        cmocka_unit_test(test_21_6_connect_knows_the_peer_that_was_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
