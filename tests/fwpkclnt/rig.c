#include "rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "classify/abi.h"
#include "tests/fwpuclnt/fake.h"

#define SOON_MS 10000

UINT32 rig_id;
int rig_channel = -1;
uint32_t rig_register_code, rig_unregister_code;

static struct fake fake;
static HANDLE control;
static struct rig_callout callout_now;
static uint32_t next_id;

static const GUID rig_key = {0x1d5f0f02, 0x7c3b, 0x4f7d, {0x9a, 1, 2, 3, 4, 5, 6, 7}};

/* ---- the management connection ---- */

static bool answer_register(Rpc__Reply *reply)
{
    static Rpc__Added added;

    reply->code = rig_register_code;
    if (reply->code)
        return true;
    rpc__added__init(&added);
    added.id = next_id++;
    reply->result_case = RPC__REPLY__RESULT_ADDED;
    reply->added = &added;
    return true;
}

static bool answer(struct fake *with, const Rpc__Request *request, Rpc__Reply *reply)
{
    switch (request->call_case) {
    case RPC__REQUEST__CALL_DRIVER_CALLOUT_REGISTER:
        return answer_register(reply);
    case RPC__REQUEST__CALL_DRIVER_CALLOUT_UNREGISTER:
        reply->code = rig_unregister_code;
        return true;
    case RPC__REQUEST__CALL_TXN_BEGIN:
        reply->code = FWP_E_TXN_IN_PROGRESS;
        return true;
    default:
        return false;
    }
}

/* ---- the callout ---- */

static void NTAPI classify(const FWPS_INCOMING_VALUES0 *fixed,
                           const FWPS_INCOMING_METADATA_VALUES0 *meta, void *data,
                           const void *context, const FWPS_FILTER3 *filter, UINT64 flow,
                           FWPS_CLASSIFY_OUT0 *out)
{
    const struct shown shown = {fixed, meta, data, context, filter, flow, out};

    callout_now.classify(&shown);
}

NTSTATUS rig_register(const GUID *key, UINT32 *id)
{
    const FWPS_CALLOUT3 callout = {.calloutKey = *key,
                                   .flags = callout_now.flags,
                                   .classifyFn = classify,
                                   .notifyFn = callout_now.notify,
                                   .flowDeleteFn = callout_now.flow_delete};

    return FwpsCalloutRegister3(NULL, &callout, id);
}

static HANDLE the_control(void *context)
{
    return control;
}

void rig_open(bool engine_runs)
{
    const struct driver_host host = {.control = the_control, .engine_runs = engine_runs};
    int ends[2];

    memset(&fake, 0, sizeof(fake));
    fake.answer = answer;
    fake_start(&fake);
    control = fake_engine();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    rig_channel = ends[0];
    assert_true(OpenWfpCalloutsStart(ends[1], &host));
}

void rig_start(const struct rig_callout *callout)
{
    rig_open(true);
    callout_now = *callout;
    rig_register_code = rig_unregister_code = 0;
    next_id = 101;
    assert_int_equal(rig_register(&rig_key, &rig_id), STATUS_SUCCESS);
}

void rig_hang_up(void)
{
    close(rig_channel);
    rig_channel = -1;
}

void rig_stop(void)
{
    rig_unregister_code = 0;
    OpenWfpCalloutsStop();
    FwpmEngineClose0(control);
    if (rig_channel >= 0)
        close(rig_channel);
    fake_stop(&fake);
}

/* ---- questions ---- */

void rig_set(struct driver_classify *question, unsigned slot, uint64_t value)
{
    question->ask.fields.present |= 1ull << slot;
    question->ask.fields.value[slot] = value;
}

static bool has_peer(uint16_t layer)
{
    return layer == FWPS_LAYER_ALE_AUTH_CONNECT_V4 || layer == FWPS_LAYER_ALE_AUTH_CONNECT_V6 ||
           layer == FWPS_LAYER_ALE_CONNECT_REDIRECT_V4 ||
           layer == FWPS_LAYER_ALE_CONNECT_REDIRECT_V6 ||
           layer == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4 ||
           layer == FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4;
}

static void set_address(uint8_t address[16], uint8_t family, uint8_t host)
{
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 10}, native[16] = {0x20, 1};

    memcpy(address, family == 4 ? mapped : native, 16);
    address[15] = host;
}

/* The ends, beside the fields. */
static void set_ends(struct ale_ask *ask)
{
    set_address(ask->local, ask->family, 1);
    ask->local_port = 40000;
    if (!has_peer(ask->layer))
        return;
    set_address(ask->remote, ask->family, 2);
    memcpy(ask->key.remote, ask->remote, sizeof(ask->remote));
    ask->remote_port = ask->key.port = 443;
}

static uint8_t family_of(uint16_t layer)
{
    return layer == FWPS_LAYER_ALE_CONNECT_REDIRECT_V6 ? 6 : 4;
}

struct driver_classify rig_question(uint16_t layer, uint64_t operation)
{
    bool inbound = layer == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4;
    struct driver_classify question = {
        .header = {.operation = operation},
        .flags = DRIVER_CAN_PEND,
        .app = "/usr/bin/curl",
        .ask = {.kind = ALE_ASK,
                .operation = operation,
                .key = {.cookie = RIG_COOKIE, .protocol = IPPROTO_TCP},
                .filter_id = RIG_FILTER,
                .filter_context = 0xc0ffee,
                .filter_type = FWP_ACTION_CALLOUT_TERMINATING,
                .callout_id = rig_id,
                .rights = FWPS_RIGHT_ACTION_WRITE,
                .layer = layer,
                .family = family_of(layer),
                .direction = inbound ? FWP_DIRECTION_INBOUND : FWP_DIRECTION_OUTBOUND,
                .pid = RIG_PID,
                .uid = 33,
                .netns = 4026531840u},
    };

    set_ends(&question.ask);
    rig_set(&question, CLASSIFY_PROTOCOL, IPPROTO_TCP);
    rig_set(&question, CLASSIFY_LOCAL_ADDRESS, 0x0a000001);
    rig_set(&question, CLASSIFY_LOCAL_PORT, 40000);
    rig_set(&question, CLASSIFY_FLAGS, 0);
    rig_set(&question, CLASSIFY_APP, 5);
    rig_set(&question, CLASSIFY_UID, 33);
    if (has_peer(layer)) {
        rig_set(&question, CLASSIFY_REMOTE_ADDRESS, 0x0a000002);
        rig_set(&question, CLASSIFY_REMOTE_PORT, 443);
    }
    return question;
}

void rig_again(struct driver_classify *question)
{
    question->round++;
    rig_set(question, CLASSIFY_FLAGS, FWP_CONDITION_FLAG_IS_REAUTHORIZE);
    rig_set(question, CLASSIFY_REAUTHORIZE_REASON,
            FWP_CONDITION_REAUTHORIZE_REASON_CLASSIFY_COMPLETION);
}

/* ---- the channel ---- */

void rig_send(void *message, uint32_t kind, uint64_t operation, uint32_t size)
{
    *(struct driver_header *)message = (struct driver_header){kind, size, operation};
    assert_int_equal(send(rig_channel, message, size, MSG_NOSIGNAL), size);
}

void rig_ask_packet(const struct driver_classify *question, const void *packet, uint32_t size)
{
    static uint8_t message[sizeof(*question) + DRIVER_PACKET_MAX];
    struct driver_classify *copy = (struct driver_classify *)message;

    *copy = *question;
    copy->packet_size = size;
    if (size)
        memcpy(copy + 1, packet, size);
    rig_send(message, DRIVER_CLASSIFY, question->header.operation, (uint32_t)sizeof(*copy) + size);
}

void rig_ask(const struct driver_classify *question)
{
    rig_ask_packet(question, NULL, 0);
}

void rig_decided(uint64_t operation, bool permitted)
{
    struct driver_decided message = {.permitted = permitted};

    rig_send(&message, DRIVER_DECIDED, operation, sizeof(message));
}

static uint32_t receive(void *message, uint32_t size)
{
    struct pollfd wait = {.fd = rig_channel, .events = POLLIN};

    assert_int_equal(poll(&wait, 1, SOON_MS), 1);
    return (uint32_t)recv(rig_channel, message, size, 0);
}

void rig_expect(uint32_t kind, uint64_t operation, void *message, uint32_t size)
{
    const struct driver_header *header = message;

    assert_int_equal(receive(message, size), size);
    assert_int_equal(header->kind, kind);
    assert_int_equal(header->size, size);
    assert_int_equal(header->operation, operation);
}

struct driver_answer rig_answer(uint64_t operation)
{
    struct driver_answer message;

    rig_expect(DRIVER_ANSWER, operation, &message, sizeof(message));
    return message;
}

struct driver_complete rig_complete(uint64_t operation)
{
    struct driver_complete message;

    rig_expect(DRIVER_COMPLETE, operation, &message, sizeof(message));
    return message;
}

uint32_t rig_packet(uint64_t operation, uint8_t *bytes)
{
    static uint8_t message[sizeof(struct driver_packet) + DRIVER_PACKET_MAX];
    const struct driver_packet *packet = (const struct driver_packet *)message;
    uint32_t size = receive(message, sizeof(message));

    assert_int_equal(packet->header.kind, DRIVER_PACKET);
    assert_int_equal(packet->header.operation, operation);
    assert_int_equal(packet->header.size, size);
    assert_int_equal(packet->packet_size, size - sizeof(*packet));
    memcpy(bytes, packet + 1, packet->packet_size);
    return packet->packet_size;
}

void rig_expect_nothing(void)
{
    struct pollfd wait = {.fd = rig_channel, .events = POLLIN};

    assert_int_equal(poll(&wait, 1, 50), 0);
}

/* ---- packets ---- */

uint32_t rig_datagram(uint8_t *bytes, const char *payload)
{
    uint16_t size = (uint16_t)(RIG_DATAGRAM_HEADERS + strlen(payload));
    static const uint8_t headers[RIG_DATAGRAM_HEADERS] = {
        [0] = 0x45, [8] = 64, [9] = IPPROTO_UDP, [12] = 10,   0,        0,          1, [16] = 10, 0,
        0,          2,        [20] = 0x9c,       [21] = 0x40, [22] = 1, [23] = 0xbb};

    memcpy(bytes, headers, sizeof(headers));
    bytes[2] = (uint8_t)(size >> 8);
    bytes[3] = (uint8_t)size;
    bytes[25] = (uint8_t)(size - 20);
    memcpy(bytes + RIG_DATAGRAM_HEADERS, payload, strlen(payload));
    return size;
}

void rig_wait(const _Atomic bool *flag)
{
    for (int i = 0; i < SOON_MS && !*flag; i++)
        usleep(1000);
    assert_true(*flag);
}

void rig_block_absorbed(const struct shown *shown)
{
    shown->out->actionType = FWP_ACTION_BLOCK;
    shown->out->rights &= ~(UINT32)FWPS_RIGHT_ACTION_WRITE;
    shown->out->flags |= FWPS_CLASSIFY_OUT_FLAG_ABSORB;
}
