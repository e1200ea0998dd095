#include "fake.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fwps_layers.h>
#include <fwptypes.h>

#define PORT 1000u /* of the operation 0 */

struct fake fake;
static struct network network;

/* ---- what the room calls ---- */

uint64_t hold_now_ms(void)
{
    return fake.now;
}

void hold_say(struct hold *hold, int priority, const char *format, ...)
{
    fake.said++;
}

int network_verdict(const struct packet *packet, uint32_t verdict, const uint8_t *bytes,
                    uint32_t size)
{
    if (packet->id < FAKE_PACKETS) {
        fake.packets[packet->id].count++;
        fake.packets[packet->id].verdict = verdict;
        fake.packets[packet->id].changed_size = bytes ? size : 0;
    }
    return 0;
}

int redirect_operation(struct hold *hold, const struct operation *operation)
{
    return 0;
}

uint32_t redirect_history(const struct hold *hold, const struct ale_ask *ask,
                          const struct host *host)
{
    return 0;
}

void redirect_remember(struct hold *hold, uint32_t pid, const struct host *host)
{
}

const char *shim_asks_app(const struct shim_asks *asks, uint32_t app)
{
    return "";
}

void shim_asks_destroy(const struct ale_ask *ask, const struct ale_ask_packet *ends)
{
}

int shim_asks_watch(struct shim_asks *asks, uint64_t cookie, bool watch)
{
    if (fake.no_watch)
        return -1;
    return 0;
}

int shim_asks_abort(struct shim_asks *asks, const uint64_t *flows, uint32_t count)
{
    fake.aborted += count;
    return 0;
}

static uint32_t decide(struct fake_operation *operation, bool permit)
{
    if (permit)
        operation->permits++;
    else
        operation->blocks++;
    return permit ? ALE_OUTCOME_PERMITTED : ALE_OUTCOME_BLOCKED;
}

static uint32_t restart(struct fake_operation *operation, struct ale_answer *answer)
{
    uint64_t number = answer->operation;

    operation->restarts++;
    operation->reason = answer->reason;
    answer->next = fake_ask(number, answer->key.layer, answer->key.protocol);
    if (answer->reason)
        answer->next.fields.value[CLASSIFY_FLAGS] |= FWP_CONDITION_FLAG_IS_REAUTHORIZE;
    answer->next.fields.value[CLASSIFY_REAUTHORIZE_REASON] = answer->reason;
    return ALE_OUTCOME_ASK;
}

int shim_asks_answer(struct shim_asks *asks, struct ale_answer *answer)
{
    struct fake_operation *operation = &fake.operations[answer->operation % FAKE_OPERATIONS];
    bool decided = operation->permits + operation->blocks != 0;

    operation->last = *answer;
    operation->forgets += answer->mode == ALE_FORGET;
    operation->unregistered += answer->mode == ALE_ANSWER && !answer->registered;
    operation->passed_over += answer->registered == CLASSIFY_PASSED_OVER;
    if (decided || answer->mode == ALE_FORGET)
        answer->outcome = ALE_OUTCOME_GONE;
    else if (answer->mode == ALE_RESTART)
        answer->outcome = restart(operation, answer);
    else if (answer->mode != ALE_ANSWER)
        answer->outcome = decide(operation, answer->mode == ALE_PERMIT);
    else
        answer->outcome = decide(operation, answer->registered ? answer->action == FWP_ACTION_PERMIT
                                                               : fake.permit_unregistered);
    return 0;
}

/* ---- what the test calls ---- */

void fake_open(const struct hold_limits *limits)
{
    struct hold *hold = calloc(1, sizeof(*hold));

    memset(&fake, 0, sizeof(fake));
    fake.hold = hold;
    fake.now = 1000000;
    pthread_mutex_init(&hold->lock, NULL);
    hold->epoll = epoll_create1(EPOLL_CLOEXEC);
    hold->wake = -1;
    hold->limits = *limits;
    network = (struct network){.hold = hold, .inum = FAKE_NETNS, .netns = -1};
}

void fake_close(void)
{
    struct hold *hold = fake.hold;

    operation_drop_all(hold);
    host_free_all(hold);
    flow_forget_callout(hold, FAKE_CALLOUT); /* nobody else's are associated */
    close(hold->epoll);
    pthread_mutex_destroy(&hold->lock);
    free(hold);
}

int fake_host(uint32_t *number)
{
    uint32_t callout = FAKE_CALLOUT;
    int fds[2];

    while (callout_find(fake.hold, callout))
        callout++;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) ||
        hold_host_add(fake.hold, fds[0], NULL, NULL, number) ||
        hold_callout_add(fake.hold, callout, *number, HOLD_CALLOUT_WATCHES_FLOWS))
        abort();
    return fds[1];
}

struct ale_ask fake_ask(uint64_t operation, uint16_t layer, uint8_t protocol)
{
    return (struct ale_ask){
        .kind = ALE_ASK,
        .hold = ALE_HOLD_QUEUE,
        .operation = operation,
        .key = {.cookie = operation, .layer = layer, .protocol = protocol},
        .layer = layer,
        .family = 4,
        .callout_id = FAKE_CALLOUT,
        .rights = 1,
        .netns = FAKE_NETNS,
        .app = 1,
    };
}

uint32_t fake_packet_build(const struct ale_ask *ask, uint8_t *bytes, uint32_t size)
{
    struct iphdr header = {
        .version = 4,
        .ihl = 5,
        .tot_len = htons((uint16_t)size),
        .ttl = 64,
        .protocol = ask->key.protocol,
        .saddr = htonl(0xc0000201),
        .daddr = htonl(0xc0000202),
    };
    uint16_t ports[2] = {htons((uint16_t)(PORT + ask->operation)), htons(53)};

    memset(bytes, 0, size);
    memcpy(bytes, &header, sizeof(header));
    memcpy(bytes + sizeof(header), ports, sizeof(ports));
    return size;
}

void fake_question(const struct ale_ask *ask)
{
    operation_question(fake.hold, ask);
}

void fake_packet(const struct ale_ask *ask, uint32_t id, uint32_t size)
{
    struct ale_ask_packet told = {
        .kind = ALE_ASK_PACKET,
        .netns = FAKE_NETNS,
        .operation = ask->operation,
        .source = {[10] = 0xff, 0xff, 192, 0, 2, 1},
        .destination = {[10] = 0xff, 0xff, 192, 0, 2, 2},
        .source_port = (uint16_t)(PORT + ask->operation),
        .destination_port = 53,
        .protocol = ask->key.protocol,
    };
    uint8_t bytes[2048];

    packet_expect(fake.hold, &told);
    fake_packet_build(ask, bytes, size);
    packet_arrived(&network, id, bytes, size);
}

void fake_round(uint32_t later_ms)
{
    struct host *host = fake.hold->hosts, *next;

    fake.now += later_ms;
    for (; host; host = next) {
        next = host->next;
        host_ready(fake.hold, host->number);
    }
    host_bury(fake.hold);
    operation_tell_new(fake.hold, fake.now);
    operation_scan(fake.hold, fake.now);
}
