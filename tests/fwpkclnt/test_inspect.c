/*
 * The way of working of a driver like Microsoft's `inspect` sample: every first classify is pended
 * and queued; a worker decides and completes; the second classify answers from the queue's entry,
 * which leaves the queue there (so it has to come before the completion returns); packets that were
 * held are cloned and injected, and let pass when they come back.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "classify/abi.h"
#include "rig.h"

#define CONNECT FWPS_LAYER_ALE_AUTH_CONNECT_V4
#define ACCEPT  FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4

/* ---- the driver ---- */

struct entry {
    LIST_ENTRY link;
    bool inbound;
    UINT16 port; /* the remote one: which connection it is */
    HANDLE completion;
    FWP_ACTION_TYPE decision; /* 0: not yet */
    NET_BUFFER_LIST *packet;
    UINT32 headers; /* in front of the packet's data */
};

static LIST_ENTRY connections, packets;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static bool unloading, left_behind;
static _Atomic unsigned injected_back;
static HANDLE injector;

static UINT16 port_of(const struct shown *shown)
{
    bool inbound = shown->fixed->layerId == ACCEPT;

    return shown->fixed
        ->incomingValue[inbound ? FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_IP_REMOTE_PORT
                                : FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_PORT]
        .value.uint16;
}

static void free_entry(struct entry *entry)
{
    if (entry->packet)
        FwpsDereferenceNetBufferList0(entry->packet, FALSE);
    if (entry->completion)
        FwpsCompleteOperation0(entry->completion, NULL);
    free(entry);
}

static void queue_first(const struct shown *shown)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    entry->inbound = shown->fixed->layerId == ACCEPT;
    entry->port = port_of(shown);
    entry->packet = shown->packet;
    entry->headers = shown->meta->ipHeaderSize + shown->meta->transportHeaderSize;
    if (entry->packet)
        FwpsReferenceNetBufferList0(entry->packet, TRUE);
    FwpsPendOperation0(shown->meta->completionHandle, &entry->completion);
    pthread_mutex_lock(&lock);
    InsertTailList(&connections, &entry->link);
    pthread_cond_signal(&work);
    pthread_mutex_unlock(&lock);
    rig_block_absorbed(shown);
}

/* The second classify: the entry leaves the list; its datagram goes to the packets. */
static void answer_from_entry(const struct shown *shown)
{
    pthread_mutex_lock(&lock);
    for (LIST_ENTRY *link = connections.Flink; link != &connections; link = link->Flink) {
        struct entry *entry = CONTAINING_RECORD(link, struct entry, link);

        if (entry->port != port_of(shown) || !entry->decision)
            continue;
        shown->out->actionType = entry->decision;
        RemoveEntryList(link);
        if (entry->packet && entry->decision == FWP_ACTION_PERMIT) {
            InsertTailList(&packets, link);
            pthread_cond_signal(&work);
        } else {
            free_entry(entry);
        }
        break;
    }
    pthread_mutex_unlock(&lock);
}

static void inspect(const struct shown *shown)
{
    UINT32 flags = shown->fixed->incomingValue[FWPS_FIELD_ALE_AUTH_CONNECT_V4_FLAGS].value.uint32;

    if (shown->packet && FwpsQueryPacketInjectionState0(injector, shown->packet, NULL) ==
                             FWPS_PACKET_INJECTED_BY_SELF) {
        injected_back++;
        shown->out->actionType = FWP_ACTION_PERMIT;
    } else if (shown->fixed->layerId == CONNECT && flags & FWP_CONDITION_FLAG_IS_REAUTHORIZE) {
        answer_from_entry(shown);
    } else {
        queue_first(shown);
    }
}

static void NTAPI on_injected(void *context, NET_BUFFER_LIST *list, BOOLEAN dispatchLevel)
{
    FwpsFreeCloneNetBufferList0(list, 0);
    free_entry(context);
}

static void reinject(struct entry *entry)
{
    NET_BUFFER *buffer = NET_BUFFER_LIST_FIRST_NB(entry->packet);
    NET_BUFFER_LIST *clone = NULL;

    if (entry->inbound)
        NdisRetreatNetBufferDataStart(buffer, entry->headers, 0, NULL);
    FwpsAllocateCloneNetBufferList0(entry->packet, NULL, NULL, 0, &clone);
    if (entry->inbound) {
        NdisAdvanceNetBufferDataStart(buffer, entry->headers, FALSE, NULL);
        FwpsCompleteOperation0(entry->completion, clone);
        entry->completion = NULL;
        FwpsInjectTransportReceiveAsync0(injector, NULL, NULL, 0, AF_INET,
                                         UNSPECIFIED_COMPARTMENT_ID, 1, 0, clone, on_injected,
                                         entry);
    } else {
        FwpsInjectTransportSendAsync0(injector, NULL, RIG_COOKIE, 0, NULL, AF_INET,
                                      UNSPECIFIED_COMPARTMENT_ID, clone, on_injected, entry);
    }
}

/* With the lock held: the first entry that is not decided. */
static struct entry *undecided(void)
{
    for (LIST_ENTRY *link = connections.Flink; link != &connections; link = link->Flink) {
        struct entry *entry = CONTAINING_RECORD(link, struct entry, link);

        if (!entry->decision)
            return entry;
    }
    return NULL;
}

/* Odd ports are permitted. */
static void decide(struct entry *entry)
{
    HANDLE completion = entry->completion;
    UINT16 port = entry->port;

    if (entry->inbound) {
        if (port % 2)
            reinject(entry);
        else
            free_entry(entry);
        return;
    }
    entry->completion = NULL;
    pthread_mutex_lock(&lock);
    entry->decision = port % 2 ? FWP_ACTION_PERMIT : FWP_ACTION_BLOCK;
    pthread_mutex_unlock(&lock);
    FwpsCompleteOperation0(completion, NULL);
    pthread_mutex_lock(&lock);
    for (LIST_ENTRY *link = connections.Flink; link != &connections; link = link->Flink)
        left_behind |= CONTAINING_RECORD(link, struct entry, link)->port == port;
    pthread_mutex_unlock(&lock);
}

static void *worker(void *nothing)
{
    pthread_mutex_lock(&lock);
    while (!unloading) {
        struct entry *entry = undecided();
        bool packet = !entry && !IsListEmpty(&packets);

        if (packet)
            entry = CONTAINING_RECORD(RemoveHeadList(&packets), struct entry, link);
        else if (entry && entry->inbound)
            RemoveEntryList(&entry->link);
        if (!entry) {
            pthread_cond_wait(&work, &lock);
            continue;
        }
        pthread_mutex_unlock(&lock);
        if (packet)
            reinject(entry);
        else
            decide(entry);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* ---- the engine ---- */

static pthread_t worker_thread;

static void begin(void)
{
    const struct rig_callout callout = {.classify = inspect};

    unloading = left_behind = false;
    injected_back = 0;
    InitializeListHead(&connections);
    InitializeListHead(&packets);
    rig_start(&callout);
    assert_int_equal(
        FwpsInjectionHandleCreate0(AF_UNSPEC, FWPS_INJECTION_TYPE_TRANSPORT, &injector),
        STATUS_SUCCESS);
    assert_int_equal(pthread_create(&worker_thread, NULL, worker, NULL), 0);
}

static void end(void)
{
    pthread_mutex_lock(&lock);
    unloading = true;
    pthread_cond_signal(&work);
    pthread_mutex_unlock(&lock);
    pthread_join(worker_thread, NULL);
    assert_true(IsListEmpty(&connections));
    assert_true(IsListEmpty(&packets));
    assert_false(left_behind);
    assert_int_equal(FwpsInjectionHandleDestroy0(injector), STATUS_SUCCESS);
    rig_stop();
}

static struct driver_classify question_of(uint16_t layer, uint16_t port, uint8_t protocol)
{
    struct driver_classify question = rig_question(layer, port);

    rig_set(&question, CLASSIFY_REMOTE_PORT, port);
    rig_set(&question, CLASSIFY_PROTOCOL, protocol);
    question.ask.key.protocol = protocol;
    return question;
}

static void ask_first(const struct driver_classify *question, const void *packet, uint32_t size)
{
    struct driver_answer answer;

    rig_ask_packet(question, packet, size);
    answer = rig_answer(question->header.operation);
    assert_int_equal(answer.pended, 1);
    assert_int_equal(answer.took_packet, size != 0);
}

static uint32_t ask_second(struct driver_classify *question)
{
    uint64_t operation = question->header.operation;
    struct driver_answer answer;

    assert_int_equal(rig_complete(operation).action, 0);
    rig_again(question);
    rig_ask(question);
    answer = rig_answer(operation);
    rig_decided(operation, answer.action == FWP_ACTION_PERMIT);
    return answer.action;
}

static void test_17_4_tcp_connects_are_decided_by_the_worker(void **state)
{
    begin();
    for (uint16_t port = 1; port <= 50; port++) {
        struct driver_classify question = question_of(CONNECT, port, IPPROTO_TCP);

        ask_first(&question, NULL, 0);
        assert_int_equal(ask_second(&question), port % 2 ? FWP_ACTION_PERMIT : FWP_ACTION_BLOCK);
    }
    end();
}

static void test_17_3_a_datagram_is_injected_when_its_connect_is_permitted(void **state)
{
    static uint8_t bytes[DRIVER_PACKET_MAX];
    uint8_t datagram[256];
    uint32_t size = rig_datagram(datagram, "question");

    begin();
    for (uint16_t port = 1; port <= 10; port++) {
        struct driver_classify question = question_of(CONNECT, port, IPPROTO_UDP);

        ask_first(&question, datagram, size);
        if (ask_second(&question) != FWP_ACTION_PERMIT)
            continue;
        assert_int_equal(rig_packet(port, bytes), size);
        assert_memory_equal(bytes, datagram, size);
    }
    end();
}

static void test_17_5_accepts_are_decided_by_reinjection(void **state)
{
    static uint8_t bytes[DRIVER_PACKET_MAX];
    uint8_t datagram[256];
    uint32_t size = rig_datagram(datagram, "question");

    begin();
    for (uint16_t port = 1; port <= 10; port++) {
        struct driver_classify question = question_of(ACCEPT, port, IPPROTO_UDP);
        uint32_t action;

        ask_first(&question, datagram, size);
        action = rig_complete(port).action;
        assert_int_equal(action, port % 2 ? 0 : FWP_ACTION_BLOCK);
        if (action)
            continue;
        assert_int_equal(rig_packet(port, bytes), size);
        question.flags |= DRIVER_INJECTED;
        question.round++;
        rig_ask_packet(&question, bytes, size);
        assert_int_equal(rig_answer(port).action, FWP_ACTION_PERMIT);
        rig_decided(port, true);
    }
    assert_int_equal(injected_back, 5);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_17_4_tcp_connects_are_decided_by_the_worker),
        cmocka_unit_test(test_17_3_a_datagram_is_injected_when_its_connect_is_permitted),
        cmocka_unit_test(test_17_5_accepts_are_decided_by_reinjection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
