/* Pending: rules 17.1 to 17.7. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "classify/abi.h"
#include "rig.h"

static struct {
    NTSTATUS status;
    HANDLE context, handle;
    pthread_t second; /* the thread of the second classify */
    _Atomic unsigned firsts, seconds;
    _Atomic bool pended;
} note;

static UINT32 flags_of(const struct shown *shown)
{
    switch (shown->fixed->layerId) {
    case FWPS_LAYER_ALE_AUTH_LISTEN_V4:
        return shown->fixed->incomingValue[FWPS_FIELD_ALE_AUTH_LISTEN_V4_FLAGS].value.uint32;
    case FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4:
        return shown->fixed->incomingValue[FWPS_FIELD_ALE_RESOURCE_ASSIGNMENT_V4_FLAGS]
            .value.uint32;
    case FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4:
        return shown->fixed->incomingValue[FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_FLAGS].value.uint32;
    case FWPS_LAYER_ALE_AUTH_CONNECT_V4:
        return shown->fixed->incomingValue[FWPS_FIELD_ALE_AUTH_CONNECT_V4_FLAGS].value.uint32;
    default:
        return 0;
    }
}

/* The first classify pends, the second permits. */
static void pend_then_permit(const struct shown *shown)
{
    if (flags_of(shown) & FWP_CONDITION_FLAG_IS_REAUTHORIZE) {
        note.second = pthread_self();
        note.seconds++;
        shown->out->actionType = FWP_ACTION_PERMIT;
        return;
    }
    note.firsts++;
    note.handle = shown->meta->completionHandle;
    note.status = FwpsPendOperation0(shown->meta->completionHandle, &note.context);
    if (NT_SUCCESS(note.status))
        rig_block_absorbed(shown);
    note.pended = true;
}

static void begin(rig_classify *classify)
{
    const struct rig_callout callout = {.classify = classify};

    memset(&note, 0, sizeof(note));
    rig_start(&callout);
}

/* The engine's part when an operation is completed: asks again, and decides as it is told. */
static void *ask_again(void *argument)
{
    struct driver_classify question = *(struct driver_classify *)argument;
    uint64_t operation = question.header.operation;

    if (rig_complete(operation).action)
        return NULL;
    rig_again(&question);
    rig_ask(&question);
    rig_decided(operation, rig_answer(operation).action == FWP_ACTION_PERMIT);
    return NULL;
}

/* 17.3, 17.4, 17.6 at a layer without a packet. */
static void pend_and_complete_at(uint16_t layer)
{
    struct driver_classify question;
    struct driver_answer answer;
    pthread_t engine;

    begin(pend_then_permit);
    question = rig_question(layer, 5);
    rig_ask(&question);
    answer = rig_answer(5);
    assert_int_equal(note.status, STATUS_SUCCESS);
    assert_int_equal(answer.pended, 1);
    assert_int_equal(answer.action, FWP_ACTION_BLOCK);
    assert_int_equal(answer.rights, 0);
    assert_int_equal(answer.absorb, 1);
    assert_int_equal(pthread_create(&engine, NULL, ask_again, &question), 0);
    FwpsCompleteOperation0(note.context, NULL);
    assert_int_equal(note.seconds, 1);
    assert_true(pthread_equal(note.second, pthread_self()));
    pthread_join(engine, NULL);
    rig_stop();
}

static void test_17_3_and_17_4_connect_is_asked_again_on_the_calling_thread(void **state)
{
    pend_and_complete_at(FWPS_LAYER_ALE_AUTH_CONNECT_V4);
}

static void test_17_6_listen_and_assignment_likewise(void **state)
{
    pend_and_complete_at(FWPS_LAYER_ALE_AUTH_LISTEN_V4);
    pend_and_complete_at(FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4);
}

/* On Linux a datagram that makes a flow is dropped, so there is no packet to decide. */
static void test_17_5_an_accept_without_a_packet_likewise(void **state)
{
    pend_and_complete_at(FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4);
}

static NTSTATUS pend_at(uint16_t layer, void (*change)(struct driver_classify *question))
{
    struct driver_classify question;

    begin(pend_then_permit);
    question = rig_question(layer, 1);
    if (change)
        change(&question);
    rig_ask(&question);
    rig_answer(1);
    rig_stop();
    return note.status;
}

static void cant_pend(struct driver_classify *question)
{
    question->flags = 0;
}

static void policy_changed(struct driver_classify *question)
{
    rig_set(question, CLASSIFY_REAUTHORIZE_REASON, FWP_CONDITION_REAUTHORIZE_REASON_POLICY_CHANGE);
}

static void completed(struct driver_classify *question)
{
    rig_set(question, CLASSIFY_REAUTHORIZE_REASON,
            FWP_CONDITION_REAUTHORIZE_REASON_CLASSIFY_COMPLETION);
}

static void test_17_1_where_an_operation_can_be_pended(void **state)
{
    assert_int_equal(pend_at(FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4, NULL), STATUS_SUCCESS);
    /* Without a completion handle; 15.6: nothing waits there. */
    assert_int_equal(pend_at(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, NULL), STATUS_FWP_NULL_POINTER);
}

static void test_17_2_when_it_can_not(void **state)
{
    assert_int_equal(pend_at(FWPS_LAYER_ALE_AUTH_CONNECT_V4, cant_pend), STATUS_FWP_CANNOT_PEND);
    assert_int_equal(pend_at(FWPS_LAYER_ALE_AUTH_CONNECT_V4, policy_changed),
                     STATUS_FWP_CANNOT_PEND);
    /* The second classify of a completion may be pended again. */
    assert_int_equal(pend_at(FWPS_LAYER_ALE_AUTH_CONNECT_V4, completed), STATUS_SUCCESS);
}

static NTSTATUS wrong[4];

static void pend_wrongly(const struct shown *shown)
{
    HANDLE context;

    wrong[0] = FwpsPendOperation0(NULL, &context);
    wrong[1] = FwpsPendOperation0(shown->meta->completionHandle, NULL);
    wrong[2] = FwpsPendOperation0((HANDLE)0x1234567, &context);
    FwpsPendOperation0(shown->meta->completionHandle, &note.context);
    wrong[3] = FwpsPendOperation0(shown->meta->completionHandle, &context);
    rig_block_absorbed(shown);
}

static void test_17_2_wrong_arguments(void **state)
{
    struct driver_classify question;
    HANDLE context;

    begin(pend_wrongly);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    assert_int_equal(rig_answer(1).pended, 1);
    assert_int_equal(wrong[0], STATUS_FWP_NULL_POINTER);
    assert_int_equal(wrong[1], STATUS_FWP_NULL_POINTER);
    assert_int_equal(wrong[2], STATUS_INVALID_PARAMETER);
    assert_int_equal(wrong[3], STATUS_INVALID_PARAMETER);
    assert_int_equal(FwpsPendOperation0((HANDLE)1, &context), STATUS_INVALID_PARAMETER);
    rig_stop();
}

static void test_17_4_a_second_completion_and_null_do_nothing(void **state)
{
    struct driver_classify question;
    pthread_t engine;

    begin(pend_then_permit);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    rig_answer(1);
    pthread_create(&engine, NULL, ask_again, &question);
    FwpsCompleteOperation0(note.context, NULL);
    pthread_join(engine, NULL);
    FwpsCompleteOperation0(note.context, NULL);
    FwpsCompleteOperation0(NULL, NULL);
    FwpsCompleteOperation0((HANDLE)0xdeadbeef, NULL);
    rig_expect_nothing();
    assert_int_equal(note.seconds, 1);
    rig_stop();
}

static void test_a_completion_after_the_engine_decided_does_nothing(void **state)
{
    struct driver_classify question;

    begin(pend_then_permit);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    rig_answer(1);
    rig_decided(1, false);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 2);
    question.flags = 0;
    rig_ask(&question); /* it has been read when this is answered */
    rig_answer(2);
    usleep(50000);
    FwpsCompleteOperation0(note.context, NULL);
    rig_expect_nothing();
    rig_stop();
}

/* ---- early completions ---- */

static _Atomic bool completing;

static void *complete_early(void *context)
{
    completing = true;
    FwpsCompleteOperation0(context, NULL);
    return NULL;
}

static pthread_t early;

static void pend_while_another_completes(const struct shown *shown)
{
    bool second = flags_of(shown) & FWP_CONDITION_FLAG_IS_REAUTHORIZE;

    pend_then_permit(shown);
    if (second)
        return;
    pthread_create(&early, NULL, complete_early, note.context);
    while (!completing)
        usleep(1000);
    usleep(20000);
}

static void test_a_completion_before_the_classify_has_returned_waits_for_it(void **state)
{
    struct driver_classify question;

    completing = false;
    begin(pend_while_another_completes);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    assert_int_equal(rig_answer(1).pended, 1);
    ask_again(&question);
    pthread_join(early, NULL);
    assert_true(pthread_equal(note.second, early));
    rig_stop();
}

static void complete_inside(const struct shown *shown)
{
    bool second = flags_of(shown) & FWP_CONDITION_FLAG_IS_REAUTHORIZE;

    pend_then_permit(shown);
    if (!second)
        FwpsCompleteOperation0(note.context, NULL);
}

static void test_a_completion_inside_its_classify_comes_after_the_answer(void **state)
{
    struct driver_classify question;

    begin(complete_inside);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    assert_int_equal(rig_answer(1).pended, 1);
    ask_again(&question);
    assert_int_equal(note.seconds, 1);
    rig_stop();
}

static void pend_always(const struct shown *shown)
{
    note.firsts++;
    note.status = FwpsPendOperation0(shown->meta->completionHandle, &note.context);
    rig_block_absorbed(shown);
}

static void *complete_it(void *context)
{
    FwpsCompleteOperation0(context, NULL);
    return NULL;
}

static void test_the_second_classify_can_be_pended_again(void **state)
{
    struct driver_classify question;

    begin(pend_always);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    for (unsigned i = 1; i <= 3; i++) {
        pthread_t worker;

        assert_int_equal(rig_answer(1).pended, 1);
        assert_int_equal(note.firsts, i);
        pthread_create(&worker, NULL, complete_it, note.context);
        assert_int_equal(rig_complete(1).action, 0);
        rig_again(&question);
        rig_ask(&question);
        pthread_join(worker, NULL);
    }
    assert_int_equal(rig_answer(1).pended, 1);
    rig_stop();
}

static void test_the_engine_that_does_not_ask_again_is_not_waited_for(void **state)
{
    struct driver_classify question;

    begin(pend_then_permit);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    rig_answer(1);
    FwpsCompleteOperation0(note.context, NULL);
    assert_int_equal(rig_complete(1).action, 0);
    assert_int_equal(note.seconds, 0);
    rig_again(&question);
    rig_ask(&question);
    assert_int_equal(rig_answer(1).action, FWP_ACTION_PERMIT);
    assert_false(pthread_equal(note.second, pthread_self()));
    rig_stop();
}

static void test_a_completion_after_the_engine_hung_up_returns(void **state)
{
    struct driver_classify question;

    begin(pend_then_permit);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    rig_answer(1);
    rig_hang_up();
    FwpsCompleteOperation0(note.context, NULL);
    rig_stop();
}

/* ---- many at once, completed by several threads, each twice ---- */

#define MANY 2000

static HANDLE contexts[MANY + 1];
static _Atomic unsigned next_context;

static void pend_many(const struct shown *shown)
{
    if (flags_of(shown) & FWP_CONDITION_FLAG_IS_REAUTHORIZE) {
        note.seconds++;
        shown->out->actionType = FWP_ACTION_PERMIT;
        return;
    }
    FwpsPendOperation0(shown->meta->completionHandle, &contexts[shown->meta->processId]);
    rig_block_absorbed(shown);
}

static void *complete_many(void *nothing)
{
    unsigned i;

    while ((i = ++next_context) <= 2 * MANY)
        FwpsCompleteOperation0(contexts[(i + 1) / 2], NULL);
    return NULL;
}

static void serve_many(void)
{
    union {
        struct driver_header header;
        struct driver_answer answer;
        struct driver_complete complete;
    } message;

    for (unsigned decided = 0; decided < MANY;) {
        struct driver_classify question;

        assert_true(recv(rig_channel, &message, sizeof(message), 0) > 0);
        if (message.header.kind == DRIVER_ANSWER) {
            assert_int_equal(message.answer.action, FWP_ACTION_PERMIT);
            rig_decided(message.header.operation, true);
            decided++;
            continue;
        }
        assert_int_equal(message.header.kind, DRIVER_COMPLETE);
        question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, message.header.operation);
        rig_again(&question);
        rig_ask(&question);
    }
}

static void test_each_is_completed_once_whoever_completes(void **state)
{
    pthread_t threads[4];

    next_context = 0;
    begin(pend_many);
    for (unsigned i = 1; i <= MANY; i++) {
        struct driver_classify question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, i);

        question.ask.pid = i;
        rig_ask(&question);
        assert_int_equal(rig_answer(i).pended, 1);
    }
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, complete_many, NULL);
    serve_many();
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(note.seconds, MANY);
    rig_expect_nothing();
    rig_stop();
}

/* ---- 17.7 ---- */

static UINT64 classify_handle;
static NTSTATUS acquired, wrong_filter;

static void pend_classify(const struct shown *shown)
{
    acquired = FwpsAcquireClassifyHandle0((void *)shown->context, 0, &classify_handle);
    wrong_filter = FwpsPendClassify0(classify_handle, RIG_FILTER + 1, 0, shown->out);
    note.status = FwpsPendClassify0(classify_handle, shown->filter->filterId, 0, shown->out);
    note.firsts++;
}

static void test_17_7_a_closure_is_pended_with_its_classify(void **state)
{
    FWPS_CLASSIFY_OUT0 out = {.actionType = FWP_ACTION_PERMIT};
    struct driver_classify question;
    struct driver_answer answer;

    begin(pend_classify);
    question = rig_question(FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4, 1);
    rig_ask(&question);
    answer = rig_answer(1);
    assert_int_equal(acquired, STATUS_SUCCESS);
    assert_int_equal(wrong_filter, STATUS_INVALID_PARAMETER);
    assert_int_equal(note.status, STATUS_SUCCESS);
    assert_int_equal(answer.pended, 1);
    assert_int_equal(answer.action, FWP_ACTION_BLOCK);
    FwpsReleaseClassifyHandle0(classify_handle); /* the pend has its own */
    FwpsCompleteClassify0(classify_handle, 0, &out);
    assert_int_equal(rig_complete(1).action, FWP_ACTION_PERMIT);
    FwpsCompleteClassify0(classify_handle, 0, &out);
    FwpsReleaseClassifyHandle0(classify_handle);
    rig_expect_nothing();
    rig_stop();
}

static void test_17_7_other_layers_can_not(void **state)
{
    struct driver_classify question;

    begin(pend_classify);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    assert_int_equal(rig_answer(1).pended, 0);
    assert_int_equal(note.status, STATUS_FWP_CANNOT_PEND);
    assert_int_equal(FwpsAcquireClassifyHandle0((void *)1, 0, &classify_handle),
                     STATUS_INVALID_PARAMETER);
    FwpsReleaseClassifyHandle0(classify_handle);
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_17_1_where_an_operation_can_be_pended),
        cmocka_unit_test(test_17_2_when_it_can_not),
        cmocka_unit_test(test_17_2_wrong_arguments),
        cmocka_unit_test(test_17_3_and_17_4_connect_is_asked_again_on_the_calling_thread),
        cmocka_unit_test(test_17_6_listen_and_assignment_likewise),
        cmocka_unit_test(test_17_5_an_accept_without_a_packet_likewise),
        cmocka_unit_test(test_17_4_a_second_completion_and_null_do_nothing),
        cmocka_unit_test(test_a_completion_after_the_engine_decided_does_nothing),
        cmocka_unit_test(test_a_completion_before_the_classify_has_returned_waits_for_it),
        cmocka_unit_test(test_a_completion_inside_its_classify_comes_after_the_answer),
        cmocka_unit_test(test_the_second_classify_can_be_pended_again),
        cmocka_unit_test(test_the_engine_that_does_not_ask_again_is_not_waited_for),
        cmocka_unit_test(test_a_completion_after_the_engine_hung_up_returns),
        cmocka_unit_test(test_each_is_completed_once_whoever_completes),
        cmocka_unit_test(test_17_7_a_closure_is_pended_with_its_classify),
        cmocka_unit_test(test_17_7_other_layers_can_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
