/*
 * The input is what a hostile host of callouts writes to its socket while operations of every kind
 * are held: two bytes of size, the message, and so on; a size of 0 lets half a second pass. However
 * it goes, each operation is decided at most once, each packet gets one verdict, nothing is left.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fwps_layers.h>

#include "fake.h"

#define OPERATIONS  6u
#define MESSAGE_MAX 4096u
#define STEPS_MAX   256
#define SIZE        60u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hold_limits limits = {
    .packets = 64,
    .bytes = 65536,
    .packets_operation = 4,
    .pends = 2,
    .classify_ms = 2000,
    .pend_ms = 5000,
};

static void hold_some(void)
{
    static const uint16_t layers[] = {FWPS_LAYER_ALE_AUTH_CONNECT_V4,
                                      FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4,
                                      FWPS_LAYER_ALE_AUTH_LISTEN_V4};

    for (uint64_t number = 1; number <= OPERATIONS; number++) {
        struct ale_ask ask =
            fake_ask(number, layers[number % 3], number % 2 ? IPPROTO_TCP : IPPROTO_UDP);

        fake_question(&ask);
        fake_packet(&ask, 2 * (uint32_t)number, SIZE);
        fake_packet(&ask, 2 * (uint32_t)number + 1, SIZE);
    }
    fake_round(0);
}

static void drain(int host)
{
    uint8_t byte;

    while (recv(host, &byte, 1, MSG_DONTWAIT) >= 0)
        ;
}

static void play(int host, const uint8_t *data, size_t size)
{
    for (int step = 0; step < STEPS_MAX && size >= 2; step++) {
        uint16_t length;

        memcpy(&length, data, sizeof(length));
        data += 2, size -= 2;
        length %= MESSAGE_MAX;
        if (length > size)
            length = (uint16_t)size;
        if (length)
            (void)!send(host, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        data += length, size -= length;
        fake_round(length ? 0 : 500);
        drain(host);
    }
}

static void check(void)
{
    for (unsigned i = 1; i <= OPERATIONS; i++)
        if (fake.operations[i].permits + fake.operations[i].blocks != 1)
            abort();
    for (unsigned i = 2; i < 2 * OPERATIONS + 2; i++)
        if (fake.packets[i].count != 1)
            abort();
    if (fake.hold->statistics.held || fake.hold->statistics.packets || fake.hold->statistics.bytes)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t number;
    int host;

    fake_open(&limits);
    host = fake_host(&number);
    hold_some();
    drain(host);
    play(host, data, size);
    close(host);
    fake_round(0);
    for (int i = 0; i < 8; i++) /* what is kept of decisions, and packets that are waited for */
        fake_round(5000);
    check();
    fake_close();
    return 0;
}
