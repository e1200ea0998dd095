#include "talk.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const struct hold_limits talk_limits = {
    .packets = 12,
    .bytes = 4096,
    .packets_operation = 4,
    .pends = 2,
    .classify_ms = 500,
    .pend_ms = 5000,
};

int host, other;
static uint32_t host_number, other_number;

int talk_setup(void **state)
{
    fake_open(&talk_limits);
    host = fake_host(&host_number);
    other = fake_host(&other_number);
    return 0;
}

int talk_teardown(void **state)
{
    close(host);
    close(other);
    fake_close();
    return 0;
}

/* ---- a host's part ---- */

union told told;

uint32_t hear(int from)
{
    memset(&told, 0, sizeof(told));
    return recv(from, &told, sizeof(told), MSG_DONTWAIT) < 0 ? 0 : told.header.kind;
}

void say(int to, const void *message, size_t size)
{
    assert_int_equal((ssize_t)size, send(to, message, size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

void answer(int from, uint64_t operation, uint32_t round, uint32_t action)
{
    struct driver_answer message = {
        {DRIVER_ANSWER, sizeof(message), operation}, .round = round, .action = action, .rights = 1};

    say(from, &message, sizeof(message));
    fake_round(0);
}

void pend(int from, uint64_t operation, uint32_t round, uint32_t default_action, bool took)
{
    struct driver_answer message = {{DRIVER_ANSWER, sizeof(message), operation},
                                    .round = round,
                                    .pended = 1,
                                    .deadline_ms = 1000,
                                    .default_action = default_action,
                                    .took_packet = took};

    say(from, &message, sizeof(message));
    fake_round(0);
}

void complete(int from, uint64_t operation, uint32_t action)
{
    struct driver_complete message = {{DRIVER_COMPLETE, sizeof(message), operation}, action};

    say(from, &message, sizeof(message));
    fake_round(0);
}

void give_back(int from, const struct ale_ask *ask, uint32_t size)
{
    struct {
        struct driver_packet head;
        uint8_t bytes[2048];
    } message = {.head = {{DRIVER_PACKET, sizeof(message.head) + size, ask->operation}, size}};

    fake_packet_build(ask, message.bytes, size);
    say(from, &message, sizeof(message.head) + size);
    fake_round(0);
}

/* ---- questions ---- */

struct ale_ask asked(uint64_t number, uint16_t layer, uint8_t protocol, uint32_t packet)
{
    struct ale_ask ask = fake_ask(number, layer, protocol);

    fake_question(&ask);
    fake_packet(&ask, packet, SIZE);
    fake_round(0);
    assert_int_equal(DRIVER_CLASSIFY, hear(host));
    assert_int_equal(number, told.header.operation);
    return ask;
}
