/* Packets in classifies, clones, injection: rules 17.5, 18.x, 19.x. */
#include <netinet/in.h>
#include <stdatomic.h>
#include <unistd.h>

#include "classify/abi.h"
#include "rig.h"

#define CONNECT FWPS_LAYER_ALE_AUTH_CONNECT_V4
#define ACCEPT  FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4
#define PAYLOAD "a datagram's payload"

static struct {
    NET_BUFFER_LIST *packet;
    HANDLE context;
    UINT32 offset, length, ip, transport;
    char data[256];
    FWPS_PACKET_INJECTION_STATE state;
    HANDLE injection_context;
    bool hold;
    _Atomic bool injected;
    NET_BUFFER_LIST *completed;
    int status;
} note;

static HANDLE injector;

static void NTAPI on_injected(void *context, NET_BUFFER_LIST *list, BOOLEAN dispatchLevel)
{
    note.completed = list;
    note.status = list->Status;
    FwpsFreeCloneNetBufferList0(list, 0);
    if (context)
        FwpsDereferenceNetBufferList0(context, FALSE);
    note.injected = true;
}

static void look(const struct shown *shown)
{
    NET_BUFFER *buffer = NET_BUFFER_LIST_FIRST_NB(shown->packet);
    const void *data = NdisGetDataBuffer(buffer, NET_BUFFER_DATA_LENGTH(buffer), NULL, 1, 0);

    note.packet = shown->packet;
    note.offset = NET_BUFFER_DATA_OFFSET(buffer);
    note.length = NET_BUFFER_DATA_LENGTH(buffer);
    note.ip = shown->meta->ipHeaderSize;
    note.transport = shown->meta->transportHeaderSize;
    if (data)
        memcpy(note.data, data, note.length);
    note.state = FwpsQueryPacketInjectionState0(injector, shown->packet, &note.injection_context);
}

static void pend(const struct shown *shown)
{
    look(shown);
    if (note.state == FWPS_PACKET_INJECTED_BY_SELF) {
        shown->out->actionType = FWP_ACTION_PERMIT;
        return;
    }
    FwpsPendOperation0(shown->meta->completionHandle, &note.context);
    if (note.hold)
        FwpsReferenceNetBufferList0(shown->packet, TRUE);
    rig_block_absorbed(shown);
}

static uint8_t datagram[256];
static uint32_t size;

/* The first packet of a UDP flow is shown and pended. */
static struct driver_answer show(uint16_t layer, bool hold)
{
    const struct rig_callout callout = {.classify = pend};
    struct driver_classify question;

    memset(&note, 0, sizeof(note));
    note.hold = hold;
    rig_start(&callout);
    assert_int_equal(
        FwpsInjectionHandleCreate0(AF_UNSPEC, FWPS_INJECTION_TYPE_TRANSPORT, &injector),
        STATUS_SUCCESS);
    size = rig_datagram(datagram, PAYLOAD);
    question = rig_question(layer, 1);
    question.ask.key.protocol = IPPROTO_UDP;
    rig_set(&question, CLASSIFY_PROTOCOL, IPPROTO_UDP);
    rig_ask_packet(&question, datagram, size);
    return rig_answer(1);
}

static void end(void)
{
    assert_int_equal(FwpsInjectionHandleDestroy0(injector), STATUS_SUCCESS);
    rig_stop();
}

static NET_BUFFER_LIST *clone(UINT32 retreat)
{
    NET_BUFFER *buffer = NET_BUFFER_LIST_FIRST_NB(note.packet);
    NET_BUFFER_LIST *made = NULL;

    assert_int_equal(NdisRetreatNetBufferDataStart(buffer, retreat, 0, NULL), NDIS_STATUS_SUCCESS);
    assert_int_equal(FwpsAllocateCloneNetBufferList0(note.packet, NULL, NULL, 0, &made),
                     STATUS_SUCCESS);
    NdisAdvanceNetBufferDataStart(buffer, retreat, FALSE, NULL);
    return made;
}

static NTSTATUS receive_injection(NET_BUFFER_LIST *list)
{
    return FwpsInjectTransportReceiveAsync0(injector, (HANDLE)0x77, NULL, 0, AF_INET,
                                            UNSPECIFIED_COMPARTMENT_ID, 1, 0, list, on_injected,
                                            note.packet);
}

static NTSTATUS send_injection(NET_BUFFER_LIST *list)
{
    return FwpsInjectTransportSendAsync0(injector, NULL, RIG_COOKIE, 0, NULL, AF_INET,
                                         UNSPECIFIED_COMPARTMENT_ID, list, on_injected,
                                         note.packet);
}

static void expect_packet(void)
{
    static uint8_t bytes[DRIVER_PACKET_MAX];

    assert_int_equal(rig_packet(1, bytes), size);
    assert_memory_equal(bytes, datagram, size);
}

static void test_18_1_a_datagram_at_connect_begins_with_its_transport_header(void **state)
{
    assert_int_equal(show(CONNECT, true).took_packet, 1);
    assert_int_equal(note.offset, 20);
    assert_int_equal(note.length, size - 20);
    assert_int_equal(note.transport, 8);
    assert_memory_equal(note.data + 8, PAYLOAD, strlen(PAYLOAD));
    FwpsDereferenceNetBufferList0(note.packet, FALSE);
    end();
}

static void test_18_1_a_packet_at_accept_begins_behind_it(void **state)
{
    show(ACCEPT, false);
    assert_int_equal(note.offset, 28);
    assert_int_equal(note.ip, 20);
    assert_int_equal(note.transport, 8);
    assert_memory_equal(note.data, PAYLOAD, strlen(PAYLOAD));
    end();
}

static void test_18_5_a_clone_shares_the_bytes(void **state)
{
    NET_BUFFER_LIST *made;
    char *byte;

    show(CONNECT, true);
    made = clone(0);
    assert_ptr_equal(made->ParentNetBufferList, note.packet);
    assert_int_equal(note.packet->ChildRefCount, 1);
    byte = NdisGetDataBuffer(NET_BUFFER_LIST_FIRST_NB(made), 1, NULL, 1, 0);
    *byte = 'x';
    byte = NdisGetDataBuffer(NET_BUFFER_LIST_FIRST_NB(note.packet), 1, NULL, 1, 0);
    assert_int_equal(*byte, 'x');
    FwpsFreeCloneNetBufferList0(made, 0);
    assert_int_equal(note.packet->ChildRefCount, 0);
    FwpsDereferenceNetBufferList0(note.packet, FALSE);
    end();
}

static void test_18_7_headers_are_in_front_of_the_data(void **state)
{
    NET_BUFFER_LIST *made;

    show(ACCEPT, true);
    made = clone(28);
    assert_int_equal(NET_BUFFER_DATA_OFFSET(NET_BUFFER_LIST_FIRST_NB(made)), 0);
    assert_int_equal(NET_BUFFER_DATA_LENGTH(NET_BUFFER_LIST_FIRST_NB(made)), size);
    assert_int_equal(NdisRetreatNetBufferDataStart(NET_BUFFER_LIST_FIRST_NB(made), 1, 0, NULL),
                     NDIS_STATUS_RESOURCES);
    FwpsFreeCloneNetBufferList0(made, 0);
    FwpsDereferenceNetBufferList0(note.packet, FALSE);
    end();
}

static void test_17_3_a_datagram_that_nobody_took_is_the_engines(void **state)
{
    assert_int_equal(show(CONNECT, false).took_packet, 0);
    end();
}

static void test_17_3_a_datagram_goes_out_as_it_is_injected(void **state)
{
    show(CONNECT, true);
    assert_int_equal(send_injection(clone(0)), STATUS_SUCCESS);
    expect_packet();
    rig_wait(&note.injected);
    assert_int_equal(note.status, NDIS_STATUS_SUCCESS);
    end();
}

/* 17.5 */

static void test_17_5_injection_after_completion_admits(void **state)
{
    struct driver_classify question;
    NET_BUFFER_LIST *made;

    assert_int_equal(show(ACCEPT, true).took_packet, 1);
    made = clone(28);
    FwpsCompleteOperation0(note.context, made);
    rig_expect_nothing();
    assert_int_equal(receive_injection(made), STATUS_SUCCESS);
    assert_int_equal(rig_complete(1).action, 0);
    expect_packet();
    rig_wait(&note.injected);
    /* 19.4, 19.5: it is shown again, as the callout's own. */
    question = rig_question(ACCEPT, 1);
    question.flags |= DRIVER_INJECTED;
    question.ask.key.protocol = IPPROTO_UDP;
    rig_ask_packet(&question, datagram, size);
    assert_int_equal(rig_answer(1).action, FWP_ACTION_PERMIT);
    assert_int_equal(note.state, FWPS_PACKET_INJECTED_BY_SELF);
    assert_ptr_equal(note.injection_context, (HANDLE)0x77);
    rig_decided(1, true);
    end();
}

static void test_17_5_injection_before_completion_waits_for_it(void **state)
{
    NET_BUFFER_LIST *made;

    show(ACCEPT, true);
    made = clone(28);
    assert_int_equal(receive_injection(made), STATUS_SUCCESS);
    expect_packet();
    rig_wait(&note.injected);
    FwpsCompleteOperation0(note.context, NULL);
    assert_int_equal(rig_complete(1).action, 0);
    end();
}

static void test_17_5_completion_without_the_packet_refuses(void **state)
{
    show(ACCEPT, true);
    FwpsDereferenceNetBufferList0(note.packet, FALSE);
    FwpsCompleteOperation0(note.context, NULL);
    assert_int_equal(rig_complete(1).action, FWP_ACTION_BLOCK);
    end();
}

static void test_17_5_dropping_the_packet_later_refuses(void **state)
{
    show(ACCEPT, true);
    FwpsCompleteOperation0(note.context, NULL);
    rig_expect_nothing();
    FwpsDereferenceNetBufferList0(note.packet, FALSE);
    assert_int_equal(rig_complete(1).action, FWP_ACTION_BLOCK);
    end();
}

/* ---- wrong uses ---- */

static void test_19_1_handles(void **state)
{
    HANDLE other;

    show(CONNECT, true);
    assert_int_equal(FwpsInjectionHandleCreate0(77, 0, &other), STATUS_INVALID_PARAMETER);
    assert_int_equal(FwpsInjectionHandleCreate0(AF_INET, 0x1000, &other), STATUS_INVALID_PARAMETER);
    assert_int_equal(FwpsInjectionHandleDestroy0((HANDLE)0x999), STATUS_INVALID_HANDLE);
    assert_int_equal(FwpsInjectionHandleCreate0(AF_INET, FWPS_INJECTION_TYPE_STREAM, &other),
                     STATUS_SUCCESS);
    assert_int_equal(FwpsInjectTransportSendAsync1(other, NULL, 0, 0, NULL, AF_INET,
                                                   UNSPECIFIED_COMPARTMENT_ID, note.packet,
                                                   on_injected, NULL),
                     STATUS_FWP_INJECT_HANDLE_STALE);
    assert_int_equal(FwpsInjectionHandleDestroy0(other), STATUS_SUCCESS);
    assert_int_equal(FwpsInjectionHandleDestroy0(other), STATUS_INVALID_HANDLE);
    FwpsDereferenceNetBufferList0(note.packet, FALSE);
    end();
}

static void test_19_2_what_can_not_be_injected(void **state)
{
    NET_BUFFER_LIST own = {0}, *made;

    show(CONNECT, true);
    assert_int_equal(send_injection(&own), STATUS_NOT_SUPPORTED);
    assert_int_equal(send_injection(note.packet), STATUS_INVALID_PARAMETER);
    assert_int_equal(send_injection(NULL), STATUS_FWP_NULL_POINTER);
    made = clone(0);
    NET_BUFFER_LIST_FIRST_NB(made)->DataLength--;
    assert_int_equal(send_injection(made), STATUS_INVALID_PARAMETER);
    FwpsFreeCloneNetBufferList0(made, 0);
    assert_false(note.injected);
    FwpsDereferenceNetBufferList0(note.packet, FALSE);
    rig_expect_nothing();
    end();
}

static void test_references_that_are_none(void **state)
{
    NET_BUFFER_LIST own = {0}, *made;

    show(CONNECT, true);
    FwpsReferenceNetBufferList0(&own, TRUE);
    FwpsDereferenceNetBufferList0(&own, FALSE);
    FwpsFreeCloneNetBufferList0(note.packet, 0);
    FwpsDereferenceNetBufferList0(note.packet, FALSE);
    FwpsDereferenceNetBufferList0(note.packet, FALSE);
    assert_int_equal(FwpsAllocateCloneNetBufferList0(&own, NULL, NULL, 0, &made),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(FwpsQueryPacketInjectionState0(injector, &own, NULL),
                     FWPS_PACKET_NOT_INJECTED);
    end();
}

/* Malformed headers: the packet is shown from its beginning. */
static void test_headers_that_lie(void **state)
{
    const struct rig_callout callout = {.classify = look};
    struct driver_classify question;
    uint8_t bytes[64] = {0x4f};

    rig_start(&callout);
    question = rig_question(CONNECT, 1);
    for (uint32_t length = 1; length < sizeof(bytes); length++) {
        bytes[0] = length % 2 ? 0x4f : 0x60;
        bytes[6] = length % 3 ? IPPROTO_ROUTING : IPPROTO_TCP;
        bytes[41] = (uint8_t)length;
        bytes[52] = 0xf0;
        rig_ask_packet(&question, bytes, length);
        rig_answer(1);
        assert_true(note.offset <= length && note.offset + note.length == length);
    }
    rig_stop();
}

static void test_a_packet_outlives_its_operation(void **state)
{
    show(CONNECT, true);
    rig_decided(1, false);
    usleep(20000);
    assert_memory_equal(
        NdisGetDataBuffer(NET_BUFFER_LIST_FIRST_NB(note.packet), size - 20, NULL, 1, 0),
        datagram + 20, size - 20);
    FwpsDereferenceNetBufferList0(note.packet, FALSE);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_18_1_a_datagram_at_connect_begins_with_its_transport_header),
        cmocka_unit_test(test_18_1_a_packet_at_accept_begins_behind_it),
        cmocka_unit_test(test_18_5_a_clone_shares_the_bytes),
        cmocka_unit_test(test_18_7_headers_are_in_front_of_the_data),
        cmocka_unit_test(test_17_3_a_datagram_that_nobody_took_is_the_engines),
        cmocka_unit_test(test_17_3_a_datagram_goes_out_as_it_is_injected),
        cmocka_unit_test(test_17_5_injection_after_completion_admits),
        cmocka_unit_test(test_17_5_injection_before_completion_waits_for_it),
        cmocka_unit_test(test_17_5_completion_without_the_packet_refuses),
        cmocka_unit_test(test_17_5_dropping_the_packet_later_refuses),
        cmocka_unit_test(test_19_1_handles),
        cmocka_unit_test(test_19_2_what_can_not_be_injected),
        cmocka_unit_test(test_references_that_are_none),
        cmocka_unit_test(test_headers_that_lie),
        cmocka_unit_test(test_a_packet_outlives_its_operation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
